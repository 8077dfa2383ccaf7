"""What an interpolated value becomes in the type of the result, as scipy.ndimage rounds.

Integers: halves away from zero, by half a unit and truncation, then the nearest that the type has.
NaN is 0, or the least of int32 and int64. A bool is whether anything is left when the fraction is
dropped, but for a millionth. (SciPy keeps the lowest byte of what is left, so that a bool may be 7,
or False for 256, or for a sum of weights that is not quite 1.)
"""

import math
from functools import cache

import numpy as np

from ...compiler.jit import inline
from ...kind import CODES, STORED, VALUES, is_integer
from ...vectors.memory import local
from ...vectors.simd import LANES, absolute, at_least, at_most, convert, splat, where

BOOL = 10  # the code of a bool, whose bytes are not those of uint8
TYPES = {**STORED, BOOL: np.uint8}  # what a code's elements are to a kernel
EXACT = VALUES[8]
WHOLE = 1 - 1e-6  # weights that sum to 1 but for rounding leave True what it is


def code_of(dtype):
    """The code of a type of the result."""
    return BOOL if dtype == np.bool_ else CODES[np.dtype(dtype).newbyteorder("=")]


def beyond(limits):
    """The double after the largest integer: for 64 bits the largest itself is none."""
    return float(limits.max) + 1.0 if limits.bits < 64 else float(limits.max)


def not_a_number(limits):
    """What NaN becomes."""
    return float(limits.min) if limits.bits > 16 and limits.min < 0 else 0.0


@cache
def output_of(value):
    """From 16 lanes of floats to those of a type of the result: `output(vec)`."""
    stored = TYPES[value]
    if is_integer(value) and value != BOOL:
        limits = np.iinfo(stored)
        low, high, nan = float(limits.min), float(limits.max), not_a_number(limits)
        largest, end = int(limits.max), beyond(limits)

    @inline
    def flags(vec):
        like = local(LANES, stored)
        return where(absolute(vec) >= WHOLE, splat(1, like), 0)

    @inline
    def real(vec):
        return convert(vec, local(LANES, stored))

    @inline
    def rounded(vec):
        vec = where(vec == vec, vec, nan)
        return where(vec > 0.0, vec + 0.5, vec - 0.5)

    @inline
    def narrow(vec):
        return convert(at_most(at_least(rounded(vec), low), high), local(LANES, stored))

    @inline
    def wide(vec):
        # In double: 32 bits are too few for the limits. What lies beyond must not be converted.
        vec = rounded(convert(vec, local(LANES, EXACT)))
        inside = where(vec < end, at_least(vec, low), 0.0)
        return where(vec < end, convert(inside, local(LANES, stored)), largest)

    if value == BOOL:
        return flags
    if not is_integer(value):
        return real
    return narrow if limits.bits <= 16 else wide


def stored(number, dtype):
    """One number by the same rule: an array of one element of the type."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([abs(number) >= WHOLE])
    if dtype.kind == "f":
        with np.errstate(all="ignore"):  # too large is infinite
            return np.array([number], np.float64).astype(dtype)
    limits = np.iinfo(dtype)
    number = not_a_number(limits) if math.isnan(number) else number
    if number >= beyond(limits) or number <= limits.min:
        return np.array([limits.max if number > 0 else limits.min], dtype)
    whole = int(number + 0.5) if number > 0 else int(number - 0.5)
    return np.array([min(max(whole, limits.min), limits.max)], dtype)
