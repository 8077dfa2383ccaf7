"""A pixel position along one axis to taps and their weights.

`SPLIT[taps](form, family)` gives a function that stores, for 16 positions, where to read and what
it weighs: a window's first pixel with one weight for each of its pixels, or scattered taps with a
weight each. A tap outside that the border rule drops has weight 0, as has a window's pixel that is
no tap. Where `form.slopes` is 1, it also stores slopes, how each weight changes with the
coordinate, in the same places; where it is 2, curves, too: how each slope does.
"""

from functools import cache

from ..compiler.jit import inline
from ..kind import FILLING, FOLDING, REPEAT
from ..vectors.simd import (
    LANES,
    at_most,
    convert,
    floor,
    rint,
    splat,
    store,
    where,
    within,
)
from .borders import bring_in_of, clamp, factor, fold_of, keep_of

KEYS = -0.75  # Keys 1981; PyTorch's and OpenCV's choice


@inline
def to_integer(whole, like):
    """Whole floats as integers; NaN, which has none, as 0."""
    return convert(where(whole == whole, whole, 0.0), like)


@inline
def kept_weight(axis, tap, weight):
    """The weight of a tap, 0 where it is outside."""
    return where(within(tap, splat(axis.size, tap)), weight, 0.0)


@inline
def put_scattered(axis, tap, block, at):
    """Store one tap of several, kept on the axis whatever came."""
    tap = clamp(tap, 0, splat(axis.last, tap))
    store(block.taps, at, tap * splat(axis.stride, tap))


@inline
def put_start(axis, tap, block, at):
    """Store where a window starts, kept on the axis whatever came."""
    store(block.taps, at, clamp(tap, 0, splat(axis.last_start, tap)))


@cache
def around_of(family):
    """The first pixel follows the last one where an axis repeats."""
    folds = family == FOLDING

    @inline
    def around(axis, tap):
        if folds and axis.fold == REPEAT:
            size = splat(axis.size, tap)
            tap = where(tap >= size, tap - size, tap)
        return tap

    return around


@cache
def nearest(form, family):
    """One tap."""
    slopes, bring_in, around = bool(form.slopes), bring_in_of(form, family), around_of(family)
    fills = family == FILLING

    @inline
    def put_taps(axis, p, block, at, fill_at):
        whole = rint(bring_in(axis, p))
        tap = around(axis, to_integer(whole, block.taps))
        one = convert(where(whole == whole, 1.0, whole), block.tap_weights)
        kept = kept_weight(axis, tap, one)
        store(block.tap_weights, at, kept)
        put_start(axis, tap, block, at)
        if fills:
            store(block.tap_fills, fill_at, one - kept)
        if slopes:
            store(block.tap_slopes, at, one - one)
            store(block.fill_slopes, fill_at, one - one)

    return put_taps


@cache
def two_taps_of(form, family):
    """Put the weights, or slopes, of a tap and its right neighbour into a block's `array`."""
    around = around_of(family)

    @inline
    def in_window(axis, tap, left, right, array, at):
        # The window's pixels are base and base + 1; at either end one of them is no tap.
        last = splat(axis.last, tap)
        both, before, at_last = within(tap, last), tap < 0, tap == last
        store(array, at, where(before, right, where(both, left, 0.0)))
        store(array, at + LANES, where(at_last, left, where(both, right, 0.0)))

    @inline
    def scattered(axis, tap, left, right, array, at):
        store(array, at, kept_weight(axis, around(axis, tap), left))
        store(array, at + LANES, kept_weight(axis, around(axis, tap + 1), right))

    return scattered if form.scattered else in_window


@inline
def two_outside(axis, tap, left, right):
    """What the two would weigh where they are outside."""
    return (left - kept_weight(axis, tap, left)) + (right - kept_weight(axis, tap + 1, right))


@cache
def linear(form, family):
    """Two taps."""
    scattered, put_two = bool(form.scattered), two_taps_of(form, family)
    slopes, curves = form.slopes > 0, form.slopes > 1
    fold, around, keep = fold_of(family), around_of(family), keep_of(form, family)
    fills = family == FILLING

    @inline
    def put_slopes(axis, p, place, sign, tap, block, at, fill_at):
        slope = where(p == p, factor(axis, place, sign), p) * splat(axis.scale, p)
        slope = convert(slope, block.tap_slopes)
        put_two(axis, tap, 0.0 - slope, slope, block.tap_slopes, at)
        if fills:
            store(block.fill_slopes, fill_at, two_outside(axis, tap, 0.0 - slope, slope))

    @inline
    def put_curves(block, at, fill_at):
        zero = splat(0.0, block.tap_curves)
        store(block.tap_curves, at, zero)
        store(block.tap_curves, at + LANES, zero)
        if fills:
            store(block.fill_curves, fill_at, zero)

    @inline
    def put_taps(axis, p, block, at, fill_at):
        place, sign = fold(axis, p)
        brought = keep(axis, place)
        # NaN becomes tap -1, whose right neighbour is inside and carries the weight NaN.
        whole = floor(where(brought == brought, brought, -1.0))
        right = convert(brought - whole, block.tap_weights)
        tap = convert(whole, block.taps)
        put_two(axis, tap, 1.0 - right, right, block.tap_weights, at)
        if scattered:
            put_scattered(axis, around(axis, tap), block, at)
            put_scattered(axis, around(axis, tap + 1), block, at + LANES)
        else:
            put_start(axis, tap, block, at)
        if fills:
            store(block.tap_fills, fill_at, two_outside(axis, tap, 1.0 - right, right))
        if slopes:
            put_slopes(axis, p, place, sign, tap, block, at, fill_at)
        if curves:
            put_curves(block, at, fill_at)

    return put_taps


@inline
def near_weight(x):
    """Keys' kernel for |x| <= 1."""
    return ((KEYS + 2.0) * x - (KEYS + 3.0)) * x * x + 1.0


@inline
def far_weight(x):
    """Keys' kernel for 1 <= |x| <= 2."""
    return ((KEYS * x - 5.0 * KEYS) * x + 8.0 * KEYS) * x - 4.0 * KEYS


@inline
def near_slope(x):
    """Its derivative for 0 <= x <= 1."""
    return (3.0 * (KEYS + 2.0) * x - 2.0 * (KEYS + 3.0)) * x


@inline
def far_slope(x):
    """Its derivative for 1 <= x <= 2."""
    return (3.0 * KEYS * x - 10.0 * KEYS) * x + 8.0 * KEYS


@inline
def near_curve(x):
    """Its second derivative for 0 <= x <= 1."""
    return 6.0 * (KEYS + 2.0) * x - 2.0 * (KEYS + 3.0)


@inline
def far_curve(x):
    """Its second derivative for 1 <= x <= 2."""
    return 6.0 * KEYS * x - 10.0 * KEYS


@inline
def cubic_weights(x):
    """What four taps weigh, x behind the second one."""
    return far_weight(x + 1.0), near_weight(x), near_weight(1.0 - x), far_weight(2.0 - x)


@inline
def cubic_slopes(axis, x):
    """How these weights change with the coordinate."""
    scale = splat(axis.scale, x)
    first, second = far_slope(x + 1.0) * scale, near_slope(x) * scale
    third, fourth = (0.0 - near_slope(1.0 - x)) * scale, (0.0 - far_slope(2.0 - x)) * scale
    return first, second, third, fourth


@inline
def slot_weight(pixel, taps, weights):
    """What a window's pixel weighs: the sum over the taps that fell on it."""
    weight = where(taps[0] == pixel, weights[0], 0.0)
    weight = where(taps[1] == pixel, weight + weights[1], weight)
    weight = where(taps[2] == pixel, weight + weights[2], weight)
    return where(taps[3] == pixel, weight + weights[3], weight)


@inline
def window_start(axis, taps):
    """Where a window of four pixels starts that holds all taps which are inside.

    Every border rule but wrap keeps neighbours together; at an edge two taps can share a pixel, and
    a pixel can have none.
    """
    last = splat(axis.last, taps[0])
    low = at_most(clamp(taps[0], 0, last), clamp(taps[1], 0, last))
    low = at_most(low, at_most(clamp(taps[2], 0, last), clamp(taps[3], 0, last)))
    return at_most(low, splat(axis.last_start, low))


@cache
def four_taps_of(form):
    """Put the weights, or slopes, of four taps into a block's `array`."""

    @inline
    def in_window(axis, base, taps, weights, array, at):
        store(array, at, slot_weight(base, taps, weights))
        store(array, at + LANES, slot_weight(base + 1, taps, weights))
        store(array, at + 2 * LANES, slot_weight(base + 2, taps, weights))
        store(array, at + 3 * LANES, slot_weight(base + 3, taps, weights))

    @inline
    def scattered(axis, base, taps, weights, array, at):
        store(array, at, kept_weight(axis, taps[0], weights[0]))
        store(array, at + LANES, kept_weight(axis, taps[1], weights[1]))
        store(array, at + 2 * LANES, kept_weight(axis, taps[2], weights[2]))
        store(array, at + 3 * LANES, kept_weight(axis, taps[3], weights[3]))

    return scattered if form.scattered else in_window


@inline
def four_outside(axis, taps, weights):
    """What the taps that are outside would weigh."""
    share = weights[0] - kept_weight(axis, taps[0], weights[0])
    share = share + (weights[1] - kept_weight(axis, taps[1], weights[1]))
    share = share + (weights[2] - kept_weight(axis, taps[2], weights[2]))
    return share + (weights[3] - kept_weight(axis, taps[3], weights[3]))


@cache
def cubic(form, family):
    """Four taps, each brought in by itself; no border rule touches the slopes."""
    scattered, put_four = bool(form.scattered), four_taps_of(form)
    slopes, curves = form.slopes > 0, form.slopes > 1
    bring_in, around = bring_in_of(form, family), around_of(family)
    fills = family == FILLING

    @inline
    def tap_at(axis, whole, block):
        tap = to_integer(bring_in(axis, whole), block.taps)
        return around(axis, tap) if scattered else tap

    @inline
    def put_slopes(axis, x, base, taps, block, at, fill_at):
        four = cubic_slopes(axis, x)
        put_four(axis, base, taps, four, block.tap_slopes, at)
        if fills:
            store(block.fill_slopes, fill_at, four_outside(axis, taps, four))

    @inline
    def put_curves(axis, x, base, taps, block, at, fill_at):
        scale = splat(axis.scale, x) * splat(axis.scale, x)
        first, second = far_curve(x + 1.0) * scale, near_curve(x) * scale
        third, fourth = near_curve(1.0 - x) * scale, far_curve(2.0 - x) * scale
        four = first, second, third, fourth
        put_four(axis, base, taps, four, block.tap_curves, at)
        if fills:
            store(block.fill_curves, fill_at, four_outside(axis, taps, four))

    @inline
    def put_taps(axis, p, block, at, fill_at):
        whole = floor(p)
        x = convert(p - whole, block.tap_weights)
        weights = cubic_weights(x)
        first, second = tap_at(axis, whole - 1.0, block), tap_at(axis, whole, block)
        third, fourth = tap_at(axis, whole + 1.0, block), tap_at(axis, whole + 2.0, block)
        taps = first, second, third, fourth
        base = window_start(axis, taps)
        put_four(axis, base, taps, weights, block.tap_weights, at)
        if scattered:
            put_scattered(axis, first, block, at)
            put_scattered(axis, second, block, at + LANES)
            put_scattered(axis, third, block, at + 2 * LANES)
            put_scattered(axis, fourth, block, at + 3 * LANES)
        else:
            put_start(axis, base, block, at)
        if fills:
            store(block.tap_fills, fill_at, four_outside(axis, taps, weights))
        if slopes:
            put_slopes(axis, x, base, taps, block, at, fill_at)
        if curves:
            put_curves(axis, x, base, taps, block, at, fill_at)

    return put_taps


SPLIT = {1: nearest, 2: linear, 4: cubic}


@inline
def put_in_order(weights, array, at):
    """Store four weights, a pixel's each. Zeros are positive, as `slot_weight` has them."""
    store(array, at, weights[0])
    store(array, at + LANES, 0.0 + weights[1])
    store(array, at + 2 * LANES, 0.0 + weights[2])
    store(array, at + 3 * LANES, 0.0 + weights[3])


@cache
def inside_of(form):
    """Store the weights of windows which no border rule touches, x behind the pixel left of p."""
    slopes = bool(form.slopes)

    @inline
    def two(axis, p, x, block, at):
        store(block.tap_weights, at, 1.0 - x)
        store(block.tap_weights, at + LANES, x)
        if slopes:
            slope = convert(splat(axis.scale, p), block.tap_slopes)
            store(block.tap_slopes, at, 0.0 - slope)
            store(block.tap_slopes, at + LANES, slope)

    @inline
    def four(axis, p, x, block, at):
        put_in_order(cubic_weights(x), block.tap_weights, at)
        if slopes:
            put_in_order(cubic_slopes(axis, x), block.tap_slopes, at)

    return four if form.taps == 4 else two
