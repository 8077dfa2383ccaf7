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


@inline
def steady(axis, p):
    """wrap: the pixel moves with the coordinate."""
    return splat(1.0, p)


@inline
def nearby(axis, p):
    """zeros, constant: so it does, but below -1, where `taps` puts whatever is less at -1."""
    return where(p < -1.0, splat(0.0, p), 1.0)


@inline
def between(axis, p):
    """border: it stands still at the edges and beyond."""
    return where((p > 0.0) & (p < splat(axis.edge, p)), splat(1.0, p), 0.0)


@inline
def mirrored(axis, p):
    """reflection: it turns round with each fold, and stands still between mirror and pixel."""
    distance = p - splat(axis.mirror, p)
    rest = modulo(axis, absolute(distance))
    back = splat(axis.period, p) - rest
    sign = where(distance < 0.0, splat(-1.0, p), 1.0)
    sign = where(rest > back, 0.0 - sign, sign)
    return sign * between(axis, at_most(rest, back) + splat(axis.mirror, p))


BRING_IN = {ZEROS: keep, CONSTANT: keep, BORDER: clip, REFLECTION: reflect, WRAP: repeat}
FACTOR = {ZEROS: nearby, CONSTANT: nearby, BORDER: between, REFLECTION: mirrored, WRAP: steady}


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
