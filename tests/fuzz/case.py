"""A call: its arguments, what judges its result, and what has been made wrong in it."""

import functools
import inspect
import itertools

import fastsample as fs

_NOT_CALLED = "__version__", "shifts", "warmup"  # a string, a module, and what takes minutes
_TWICE = "_double_backward"  # random numbers of their own: test_second.py
# Random calls do not make these: their own modules' tests are all that there is.
_NO_MAKER = "perspective_sample_backward", "elastic_sample_backward", "transform_points"


def _is_called(name):
    return name not in (*_NOT_CALLED, *_NO_MAKER) and not name.endswith(_TWICE)


FUNCTIONS = {
    **{name: getattr(fs, name) for name in fs.__all__ if _is_called(name)},
    **{f"shifts.{name}": getattr(fs.shifts, name) for name in fs.shifts.__all__},
}


@functools.cache
def _parameters(function):
    """A function's parameters by name: Python takes them from its code anew each time."""
    return inspect.signature(function).parameters


class Case:
    """A call: arguments by name; what its result must be; what each argument is, for faults."""

    def __init__(self, name, arguments, judge, kinds, shape=(), dtype=None, read=None):
        self.name, self.arguments, self.judge, self.kinds = name, arguments, judge, kinds
        self.shape, self.dtype = shape, dtype  # of the result
        self.read = read  # what is read, for gradients
        self.faults, self.sound = [], {}  # what is wrong, and the arguments before that

    @property
    def prefixes(self):
        return (self.name.removeprefix("shifts."),)

    def may_lack(self, name):
        """Is None what the function takes where it is not given this argument?"""
        parameter = _parameters(FUNCTIONS[self.name]).get(name)
        return parameter is not None and parameter.default is None

    def call(self, d):
        """Some leading arguments without their names."""
        function = FUNCTIONS[self.name]
        known = _parameters(function)
        order = [name for name in known if name in self.arguments]
        lead, rest = [], dict(self.arguments)
        for name, parameter in itertools.islice(known.items(), d.number(0, 3)):
            if name not in order or parameter.kind is parameter.KEYWORD_ONLY:
                break
            lead.append(rest.pop(name))
        return function(*lead, **rest)


class Vjp(Case):
    """vjp of another case's function."""

    def __init__(self, inner):
        super().__init__("vjp", inner.arguments, None, {**inner.kinds, "function": "function"})
        self.inner, self.function = inner, FUNCTIONS[inner.name]
        self.judge = self.judge_both

    @property
    def prefixes(self):
        return "vjp", *self.inner.prefixes

    def call(self, d):
        function = self.arguments.get("function", self.function)
        rest = {k: v for k, v in self.arguments.items() if k != "function"}
        result, pullback = fs.vjp(function, **rest)
        gradient = d.values(result.dtype, result.shape, tame=True)
        return result, gradient, pullback(gradient)

    def judge_both(self, found):
        result, gradient, grads = found
        self.inner.judge(result)
        backward = FUNCTIONS[self.inner.name + "_backward"]
        taken = _parameters(backward)
        want = backward(gradient, **{k: v for k, v in self.arguments.items() if k in taken})
        want = want if isinstance(want, tuple) else (want,)
        assert isinstance(grads, tuple), type(grads)
        assert len(grads) == len(want)
        for one, other in zip(grads, want, strict=True):
            assert (one is None) == (other is None)
            assert one is None or one.tobytes() == other.tobytes(), "not what the backward gives"
