"""Coordinates to pixel positions, and what border rules make of a position outside.

A rule is data: how a position is folded onto the axis, if it is, and between which bounds it is
kept afterwards; `_calls/formula.py` has the numbers. So a plan serves all rules of a family (see
`kind`). One plan for all, with branches, took the slopes of 1x1x256x256 0.84 ms instead of 0.72.
"""

from functools import cache

from ..compiler.jit import inline
from ..kind import FOLDING, MAPS, MIRROR, REPEAT
from ..vectors.simd import absolute, at_least, at_most, floor, multiply_add, splat, where


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
def mirrored(axis, p):
    """p folded to between the mirrors, and whether it moves there or back: 1 or -1."""
    distance, period = p - splat(axis.mirror, p), splat(axis.period, p)
    rest = modulo(axis, absolute(distance))
    back = period - rest
    sign = where(distance < 0.0, splat(-1.0, p), 1.0)
    return at_most(rest, back) + splat(axis.mirror, p), where(rest > back, 0.0 - sign, sign)


@inline
def folded(axis, p):
    """p folded, and how it moves with the coordinate: 1 or -1."""
    sign = splat(1.0, p)
    if axis.fold == MIRROR:
        p, sign = mirrored(axis, p)
    elif axis.fold == REPEAT:  # the tap at the period's end is the tap 0, see `around` in taps
        p = modulo(axis, p)
    return p, sign


@inline
def not_folded(axis, p):
    """The same for rules that don't fold."""
    return p, splat(1.0, p)


@inline
def kept(axis, p):
    """What is folded, as the border rule reads it. (Taps outside that it drops, fall later.)"""
    return clamp(p, splat(axis.first, p), splat(axis.end, p))


def fold_of(family):
    """What folds the positions of a family."""
    return folded if family == FOLDING else not_folded


@inline
def unchanged(axis, p):
    """`kept` where `to_pixel` has kept it already."""
    return p


def keep_of(form, family):
    """What keeps positions between the rule's bounds.

    Slopes ask where a position was; the taps of a cubic are kept one by one, and folds come first.
    Elsewhere `low` and `high` of an axis are the rule's own bounds, see `_calls/formula.py`.
    """
    return unchanged if form.taps <= 2 and not form.slopes and family != FOLDING else kept


@cache
def bring_in_of(form, family):
    """Positions as the border rule reads them."""
    fold, keep = fold_of(family), keep_of(form, family)

    @inline
    def bring_in(axis, p):
        return keep(axis, fold(axis, p)[0])

    return bring_in


@inline
def factor(axis, place, sign):
    """How a pixel moves with its coordinate, of what `folded` says: not at all beyond bounds."""
    inside = (place > splat(axis.lower, place)) & (place < splat(axis.upper, place))
    return sign * where(inside, splat(1.0, place), 0.0)


@cache
def unkept_of(source):
    """A coordinate as a pixel position, however far away."""

    @inline
    def as_it_is(axis, value):
        return value

    @inline
    def by_formula(axis, value):
        p = value + splat(axis.pre, value)
        return multiply_add(p, splat(axis.scale, p), splat(axis.offset, p))  # once, as PyTorch

    return as_it_is if source in MAPS else by_formula


@cache
def to_pixel_of(family, source):
    """A coordinate as a pixel position, kept where floats are small enough for integers."""
    folds, unkept = family == FOLDING, unkept_of(source)

    @inline
    def to_pixel(axis, value):
        p = unkept(axis, value)
        p = clamp(p, splat(axis.low, p), splat(axis.high, p))
        if folds:
            p = p + (value - value)  # an infinite one folds to nowhere: NaN
        return p

    return to_pixel
