"""asv's classes, made of cases."""

from functools import lru_cache

from fastsample._bench.case import OURS


def by_name(cases, *groups):
    """The cases of some groups, or all, as `measured` takes them."""
    return {case.name: case for case in cases if not groups or case.group in groups}


def measured(cases, parameter="case"):
    """A class to derive from, that measures what each library does in `cases`: {value: Case}.

    Time has the value and the library as parameters; peak memory is that of our own process, in
    the headlines or else the first case.
    """
    libraries = list(dict.fromkeys(name for case in cases.values() for name in case.calls))
    headlines = [value for value, case in cases.items() if case.headline]

    # asv sets up again before each sample.
    prepared = lru_cache(maxsize=1)(lambda value, library: prepare(cases[value], library))

    class Measured:
        params = (list(cases), libraries)
        param_names = (parameter, "library")
        skip_params = tuple(
            (value, name) for value in cases for name in libraries if name not in cases[value].calls
        )
        timeout = 300  # seconds; the first call may compile
        warmup_time = 0.1
        repeat = (3, 20, 1.0)  # samples at least, at most, and seconds after which it's enough

        def setup(self, value, library):
            self.call = prepared(value, library)

        def time_call(self, value, library):
            self.call()

        def peakmem_call(self, value, library):
            self.call()

        peakmem_call.params = (headlines or list(cases)[:1], [OURS])

    return Measured


def prepare(case, library):
    """What a library does in a case, called once: compiled, and its caches warm."""
    call = case.calls[library]()
    if call is None:
        raise NotImplementedError(f"{library} is missing or cannot do {case.name}")
    call()
    return call
