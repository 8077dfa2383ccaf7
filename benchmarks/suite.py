"""asv's classes, made of cases."""

import time
from functools import lru_cache
from multiprocessing import get_context

from fastsample._bench import race
from fastsample._kernels import threads

QUICK = False  # calls are to be made, not measured; see once.py


def size(usual, quick):
    """How large something is: for measurements, or for a look at whether they run."""
    return quick if QUICK else usual


def by_name(cases, *groups):
    """The cases of some groups, or all, as `measured` takes them."""
    return {case.name: case for case in cases if not groups or case.group in groups}


def measured(cases, parameter="case"):
    """A class to derive from, that times what each library does in `cases`: {value: Case}."""
    libraries = list(dict.fromkeys(name for case in cases.values() for name in case.calls))

    @lru_cache(maxsize=1)  # asv sets up again before each sample
    def prepared(value, library):
        return prepare(cases[value], library)

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
            self.call, self.times = prepared(value, library)

        def timer(self):
            """Seconds a call."""
            return time.perf_counter() / self.times

        def time_call(self, value, library):
            for _ in range(self.times):
                self.call()

    return Measured


def prepare(case, library):
    """A call, compiled and warm, and how many times it goes into a sample.

    asv takes one run of a benchmark with a setup as a sample; a quick call is nothing beside what
    surrounds it.
    """
    call = ready(case, library)
    call()
    return call, 1 if race.seconds(call, 1) > race.LONG else race.batch(call)


def ready(case, library):
    """A call of a library; asv leaves out what it does not have, and forks for each."""
    if case.threads:
        threads.use(min(case.threads, threads.MOST_THREADS))
    call = case.calls[library]()
    if call is None:
        raise NotImplementedError(f"{library} is missing or cannot do {case.name}")
    return call


def in_a_fork(call):
    """Make a call in a process of its own: what it compiles is on disk then, not in memory."""
    compiler = get_context("fork").Process(target=call)
    compiler.start()
    compiler.join()
