"""Weights differentiated along a direction of each point, for second derivatives.

The apply stages are those of first derivatives: products of weights (`change_of`) make the change
of the result along the direction, and scatter it to the input. For slopes one axis after the other
is turned: its weights become their derivatives along the direction, as do its slopes, and the sum
of the calls is the derivative of the slopes. All is the product rule.
"""

from functools import cache

from ..compiler.jit import inline
from ..vectors.simd import LANES, convert, load, splat


@cache
def step_of(count):
    """A point's direction along axis a, as a weight."""

    @inline
    def step(block, a):
        return convert(load(block.directions, (count - 1 - a) * LANES), block.tap_weights)

    return step


@cache
def change_of(form):
    """The derivative of the weight of one tap of all, numbered as in `plan.offset_of`."""
    count, taps, step = form.axes, form.taps, step_of(form.axes)

    @inline
    def change(tap, block):
        product, found = splat(1.0, block.tap_weights), splat(0.0, block.tap_weights)
        for a in range(count - 1, -1, -1):
            k = (a * taps + tap % taps) * LANES
            weight, slope = load(block.tap_weights, k), load(block.tap_slopes, k)
            found = found * weight + product * (slope * step(block, a))
            product = product * weight
            tap //= taps
        return found

    return change


@cache
def outside_change_of(form):
    """The derivative of `plan.outside_of`, the share of the weights that lies outside."""
    count, step = form.axes, step_of(form.axes)

    @inline
    def outside_change(block):
        inside, found = splat(1.0, block.tap_weights), splat(0.0, block.tap_weights)
        for a in range(count):
            part = 1.0 - load(block.tap_fills, a * LANES)
            slope = load(block.fill_slopes, a * LANES)
            found = found * part + inside * (slope * step(block, a))
            inside = inside * part
        return found

    return outside_change


@cache
def turned_of(form, along):
    """Weight and slope of a tap, and of an axis's inside; of the axis `turned` their derivatives.

    A tap has the number axis * taps + k. Without `along` no axis is turned.
    """
    taps, step = form.taps, step_of(form.axes)

    @inline
    def tap_of(block, k, turned):
        weight, slope = load(block.tap_weights, k * LANES), load(block.tap_slopes, k * LANES)
        if along and turned == k // taps:
            move = step(block, k // taps)
            weight, slope = slope * move, load(block.tap_curves, k * LANES) * move
        return weight, slope

    @inline
    def inside_of(block, a, turned):
        inside = 1.0 - load(block.tap_fills, a * LANES)
        slope = 0.0 - load(block.fill_slopes, a * LANES)
        if along and turned == a:
            move = step(block, a)
            inside, slope = slope * move, (0.0 - load(block.fill_curves, a * LANES)) * move
        return inside, slope

    return tap_of, inside_of
