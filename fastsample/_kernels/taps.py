"""A pixel position along one axis to taps and their weights.

`SPLIT[taps](kind)` gives a function that stores, for 16 positions, where to read and what it
weighs: a window's first pixel with one weight for each of its pixels, or scattered taps with a
weight each. A tap outside that the border rule drops has weight 0, as has a window's pixel that is
no tap.
"""

from .borders import BRING_IN, clamp
from .jit import inline
from .kind import CONSTANT, SCATTERED, WRAP
from .simd import LANES, at_most, convert, floor, number, rint, splat, store, where, within

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
def put_scattered(axis, tap, weight, block, at):
    """Store one tap of several, kept on the axis whatever came."""
    store(block.tap_weights, at, kept_weight(axis, tap, weight))
    tap = clamp(tap, 0, splat(axis.last, tap))
    store(block.taps, at, tap * splat(axis.stride, tap))


@inline
def put_start(axis, tap, block, at):
    """Store where a window starts, kept on the axis whatever came."""
    store(block.taps, at, clamp(tap, 0, splat(axis.last_start, tap)))


@inline
def around(kind, axis, tap):
    """The first pixel follows the last one under `wrap`."""
    if kind.rule == WRAP:
        size = splat(axis.size, tap)
        tap = where(tap >= size, tap - size, tap)
    return tap


def nearest(kind):
    """One tap."""
    bring_in = BRING_IN[kind.rule]

    @inline
    def put_taps(axis, p, block, at, fill_at):
        whole = rint(bring_in(axis, p))
        tap = around(kind, axis, to_integer(whole, block.taps))
        one = convert(where(whole == whole, 1.0, whole), block.tap_weights)
        kept = kept_weight(axis, tap, one)
        store(block.tap_weights, at, kept)
        put_start(axis, tap, block, at)
        if kind.rule == CONSTANT:
            store(block.tap_fills, fill_at, one - kept)

    return put_taps


@inline
def put_linear_window(axis, tap, right, block, at):
    """Two neighbours base, base + 1; at either end one of them is no tap."""
    last = splat(axis.last, tap)
    both, before, at_last = within(tap, last), tap < 0, tap == last
    left = 1.0 - right
    store(block.tap_weights, at, where(before, right, where(both, left, 0.0)))
    store(block.tap_weights, at + LANES, where(at_last, left, where(both, right, 0.0)))
    put_start(axis, tap, block, at)


def linear(kind):
    """Two taps."""
    bring_in = BRING_IN[kind.rule]

    @inline
    def put_taps(axis, p, block, at, fill_at):
        p = bring_in(axis, p)
        # NaN becomes tap -1, whose right neighbour is inside and carries the weight NaN.
        whole = floor(number(p, -1.0))
        right = convert(p - whole, block.tap_weights)
        tap = convert(whole, block.taps)
        if kind.layout == SCATTERED:
            put_scattered(axis, around(kind, axis, tap), 1.0 - right, block, at)
            put_scattered(axis, around(kind, axis, tap + 1), right, block, at + LANES)
        else:
            put_linear_window(axis, tap, right, block, at)
        if kind.rule == CONSTANT:
            left = 1.0 - right
            outside = left - kept_weight(axis, tap, left)
            outside = outside + (right - kept_weight(axis, tap + 1, right))
            store(block.tap_fills, fill_at, outside)

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
def slot_weight(pixel, taps, weights):
    """What a window's pixel weighs: the sum over the taps that fell on it."""
    weight = where(taps[0] == pixel, weights[0], 0.0)
    weight = where(taps[1] == pixel, weight + weights[1], weight)
    weight = where(taps[2] == pixel, weight + weights[2], weight)
    return where(taps[3] == pixel, weight + weights[3], weight)


@inline
def put_cubic_window(axis, taps, weights, block, at):
    """Four neighbours.

    Every border rule but wrap keeps neighbours together, so the taps inside lie in such a window;
    at an edge two taps can share a pixel, and a pixel can have none.
    """
    last = splat(axis.last, taps[0])
    low = at_most(clamp(taps[0], 0, last), clamp(taps[1], 0, last))
    low = at_most(low, at_most(clamp(taps[2], 0, last), clamp(taps[3], 0, last)))
    base = at_most(low, splat(axis.last_start, low))
    store(block.tap_weights, at, slot_weight(base, taps, weights))
    store(block.tap_weights, at + LANES, slot_weight(base + 1, taps, weights))
    store(block.tap_weights, at + 2 * LANES, slot_weight(base + 2, taps, weights))
    store(block.tap_weights, at + 3 * LANES, slot_weight(base + 3, taps, weights))
    put_start(axis, base, block, at)


def cubic(kind):
    """Four taps, each brought in by itself."""
    bring_in = BRING_IN[kind.rule]

    @inline
    def tap_at(axis, whole, block):
        return around(kind, axis, to_integer(bring_in(axis, whole), block.taps))

    @inline
    def outside(axis, taps, weights):
        share = weights[0] - kept_weight(axis, taps[0], weights[0])
        share = share + (weights[1] - kept_weight(axis, taps[1], weights[1]))
        share = share + (weights[2] - kept_weight(axis, taps[2], weights[2]))
        return share + (weights[3] - kept_weight(axis, taps[3], weights[3]))

    @inline
    def put_taps(axis, p, block, at, fill_at):
        whole = floor(p)
        x = convert(p - whole, block.tap_weights)
        weights = far_weight(x + 1.0), near_weight(x), near_weight(1.0 - x), far_weight(2.0 - x)
        first, second = tap_at(axis, whole - 1.0, block), tap_at(axis, whole, block)
        third, fourth = tap_at(axis, whole + 1.0, block), tap_at(axis, whole + 2.0, block)
        if kind.layout == SCATTERED:
            put_scattered(axis, first, weights[0], block, at)
            put_scattered(axis, second, weights[1], block, at + LANES)
            put_scattered(axis, third, weights[2], block, at + 2 * LANES)
            put_scattered(axis, fourth, weights[3], block, at + 3 * LANES)
        else:
            put_cubic_window(axis, (first, second, third, fourth), weights, block, at)
        if kind.rule == CONSTANT:
            share = outside(axis, (first, second, third, fourth), weights)
            store(block.tap_fills, fill_at, share)

    return put_taps


SPLIT = {1: nearest, 2: linear, 4: cubic}
