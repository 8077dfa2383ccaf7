"""Between what arrays hold and what is computed: widened as they are read, rounded on the way out.

Integers of up to 16 bits and float16 are computed in float32, int32 in float64.
"""

from functools import cache

import numpy as np

from ..compiler.jit import inline
from ..kind import HALF, STORED, is_integer
from ..vectors.simd import (
    at_least,
    at_most,
    convert,
    from_half,
    multiply_add,
    rint,
    to_half,
    where,
)


@inline
def add_tap(total, value, weight):
    """Add a tap, unless its weight is zero: what a dropped tap holds must not matter."""
    return where(weight != 0.0, multiply_add(value, weight, total), total)


@inline
def add_number(total, value, weight):
    """The same where values are finite, as integers are."""
    return multiply_add(value, weight, total)


@cache
def add_tap_of(value):
    """How to add a tap."""
    return add_number if is_integer(value) else add_tap


@cache
def widen_of(value):
    """From an array's type to that of `like`."""

    @inline
    def widen_half(vec, like):
        return convert(from_half(vec), like)

    @inline
    def widen(vec, like):
        return convert(vec, like)

    return widen_half if value == HALF else widen


@cache
def narrow_of(value):
    """To the type of `like`: integers take the nearest, halves to even, and `fill` for NaN."""
    if is_integer(value):
        limits = np.iinfo(STORED[value])
        low, high = float(limits.min), float(limits.max)

    @inline
    def narrow_half(vec, fill, like):
        return to_half(vec)

    @inline
    def round_off(vec, fill, like):
        vec = where(vec == vec, vec, fill)
        return convert(rint(at_most(at_least(vec, low), high)), like)

    @inline
    def narrow(vec, fill, like):
        return convert(vec, like)

    if is_integer(value):
        return round_off
    return narrow_half if value == HALF else narrow
