"""The functions that kernels are made of: no two alike are compiled.

Factories make them for the ints that they freeze, and are cached; but a form has more in it than
most of its functions read. Those that are the same code with the same frozen values are one here,
so that they are typed and lowered once a process. Nor do numbers that a caller writes out make a
function of their own. Both together: 339 functions for 15 calls instead of 433.
"""

import functools

import numpy as np

from .later import Later, making
from .settings import INTERPRETED


def inline(function):
    """Make what has no code of its own: it becomes part of each function that calls it."""
    return _made(function, forceinline=True)


def jit(function):
    """Make what LLVM may leave a function."""
    return _made(function)


def primitive(typed):
    """The intrinsic `typed` in compiled code, the decorated Python twin where there is none."""

    def choose(twin):
        return twin if INTERPRETED else Later(twin, functools.partial(_intrinsic, typed))

    return choose


def _intrinsic(typed, later):
    return making.intrinsic(typed, later)


def _made(function, **options):
    """What stands for a function in compiled code, the same for all that are alike."""
    if INTERPRETED:
        return function
    key = _frozen_in(function), tuple(options)
    if key not in _known:
        _known[key] = Later(function, functools.partial(_dispatcher, options))
    return _known[key]


def _dispatcher(options, later):
    return making.dispatcher(later.twin, options)


_known = {}


def _frozen_in(function):
    """What tells a function from others, while they are known: its code, and what it freezes."""
    try:
        cells = *(cell.cell_contents for cell in function.__closure__ or ()), function.__defaults__
        found = id(function.__code__), _told_apart(cells)
        hash(found)
    except (TypeError, ValueError):  # it freezes an array; or what is not made yet, as itself
        return id(function)
    return found


def _told_apart(value):
    """A frozen value with its type: 1 equals 1.0 and True, 0.0 equals -0.0."""
    if isinstance(value, tuple):
        return type(value), tuple(map(_told_apart, value))
    return type(value), repr(value) if isinstance(value, (float, np.generic)) else value
