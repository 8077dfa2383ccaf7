"""Coordinates to pixel positions, and what each border rule makes of a position outside."""

from .jit import inline
from .kind import BORDER, CONSTANT, REFLECTION, WRAP, ZEROS
from .simd import absolute, at_least, at_most, floor, multiply_add, splat, where


@inline
def clamp(vec, low, high):
    """Into [low, high]; NaN stays NaN."""
    return at_least(at_most(vec, high), low)


@inline
def modulo(axis, p):
    """p in [0, period), exactly while the quotient has fewer bits than p's type."""
    period = splat(axis.period, p)
    times = floor(p * splat(axis.inverse, p))
    rest = multiply_add(times, splat(-axis.period, p), p)
    rest = where(rest < 0.0, rest + period, rest)
    return where(rest >= period, rest - period, rest)


@inline
def keep(axis, p):
    """zeros, constant: taps outside are dropped later."""
    return p


@inline
def clip(axis, p):
    """border"""
    return clamp(p, 0.0, splat(axis.edge, p))


@inline
def reflect(axis, p):
    """reflection: between the mirrors, then onto the pixels."""
    rest = modulo(axis, absolute(p - splat(axis.mirror, p)))
    rest = at_most(rest, splat(axis.period, p) - rest)
    return clip(axis, rest + splat(axis.mirror, p))


@inline
def repeat(axis, p):
    """wrap: one period; the tap at its end is the tap 0, see `around` in taps."""
    return clamp(modulo(axis, p), 0.0, splat(axis.period, p))


BRING_IN = {ZEROS: keep, CONSTANT: keep, BORDER: clip, REFLECTION: reflect, WRAP: repeat}


@inline
def to_pixel(kind, axis, value):
    """A coordinate as a pixel position, kept where floats are small enough for integers.

    An infinite one folds to nowhere: NaN.
    """
    p = value + splat(axis.pre, value)
    p = multiply_add(p, splat(axis.scale, p), splat(axis.offset, p))  # one rounding, as PyTorch's
    p = clamp(p, splat(axis.low, p), splat(axis.high, p))
    if kind.rule == REFLECTION or kind.rule == WRAP:
        p = p + (value - value)
    return p
