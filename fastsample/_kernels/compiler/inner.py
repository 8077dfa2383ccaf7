"""The functions that kernels are made of: no two alike are compiled.

Factories make them for the ints that they freeze, and are cached; but a form has more in it than
most of its functions read. Those that are the same code with the same frozen values are one here,
so that they are typed and lowered once a process. Nor do numbers that a caller writes out make a
function of their own. Both together: 339 functions for 15 calls instead of 433.
"""

import numpy as np
from numba import config, njit, types

from . import lean

OPTIONS = {"nogil": True, "error_model": "numpy"}
# No reference is counted inside: an array there belongs to the caller. (Counting calls a function
# for each array wherever a small function with a branch takes it: twice the time of a loop.)
INNER = {**OPTIONS, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def inline(function):
    """Make what has no code of its own: it becomes part of each function that calls it."""
    return _made(function, forceinline=True)


def jit(function):
    """Make what LLVM may leave a function."""
    return _made(function)


def _made(function, **options):
    """Numba's dispatcher of a function, the same for all that are alike."""
    if config.DISABLE_JIT:
        return function
    key = _frozen_in(function), tuple(options)
    if key not in _known:
        made = njit(pipeline_class=lean.INNER, **INNER, **options)(function)
        _known[key] = _for_any_numbers(made)
    return _known[key]


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


def _for_any_numbers(made):
    """Compile a function once for all numbers that callers write out.

    Numba would once for each. LLVM finds them again where it puts a function into its caller: the
    same instructions.
    """
    usual = made.get_call_template
    made.get_call_template = lambda args, kws: usual([types.unliteral(a) for a in args], kws)
    return made
