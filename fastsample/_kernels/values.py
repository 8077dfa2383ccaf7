"""Between what arrays hold and what is computed: widened as they are read, rounded on the way out.

Integers of up to 16 bits and float16 are computed in float32, int32 in float64.
"""

import numpy as np

from .jit import inline
from .kind import HALF, STORED, is_integer
from .simd import (
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


def add_tap_of(kind):
    """How to add a tap."""
    return add_number if is_integer(kind) else add_tap


def widen_of(kind):
    """From an array's type to that of `like`."""

    @inline
    def widen_half(vec, like):
        return convert(from_half(vec), like)

    @inline
    def widen(vec, like):
        return convert(vec, like)

    return widen_half if kind.value == HALF else widen


def narrow_of(kind):
    """To the type of `like`: integers take the nearest, halves to even, and the fill for NaN."""
    if is_integer(kind):
        limits = np.iinfo(STORED[kind.value])
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

    if is_integer(kind):
        return round_off
    return narrow_half if kind.value == HALF else narrow
