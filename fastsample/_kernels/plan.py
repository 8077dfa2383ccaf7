"""Coordinates to a plan: for each output point where to read and what each value weighs.

`plan` does it once for all channels of a tile. Along every axis: read the coordinate, find its
pixel position (`borders`), its taps and their weights (`taps`); then multiply the axes out
(`combine`).
"""

from typing import NamedTuple

import numpy as np

from .borders import to_pixel
from .coordinates import read_of
from .jit import inline, jit
from .kind import CONSTANT, OFFSETS, PAIRED, SCATTERED, SLOPE, VALUES, is_near, work_of
from .memory import local
from .scratch import pitch_of, taps_in_all
from .simd import LANES, convert, everywhere, lane, load, splat, store, within
from .taps import SPLIT


class Block(NamedTuple):
    """One vector of points on its way; small enough to live in registers."""

    values: np.ndarray  # coordinates, an axis after the other, in the order of the grid
    taps: np.ndarray  # offset of tap k along axis a, or of the window, at (a * taps + k) * LANES
    tap_weights: np.ndarray  # its weight, at the same place
    tap_fills: np.ndarray  # the weight of what lies outside along axis a, at a * LANES
    tap_slopes: np.ndarray  # how the weights change with the coordinate
    fill_slopes: np.ndarray
    poison: np.ndarray  # NaN where a coordinate is, else 0


def block_of(kind):
    """How to make a block."""
    integer, real, work = OFFSETS[kind.wide], VALUES[kind.real], work_of(kind)
    axis_lanes, tap_lanes = kind.axes * LANES, kind.axes * kind.taps * LANES

    @inline
    def block():
        return Block(
            local(axis_lanes, real),
            local(tap_lanes, integer),
            local(tap_lanes, work),
            local(axis_lanes, work),
            local(tap_lanes, work),
            local(axis_lanes, work),
            local(LANES, work),
        )

    return block


def locate_of(kind):
    """Taps and weights along axis a."""
    put_taps = SPLIT[kind.taps](kind)

    @inline
    def locate(axis, a, block):
        p = to_pixel(kind, axis, load(block.values, (kind.axes - 1 - a) * LANES))
        put_taps(axis, p, block, a * kind.taps * LANES, a * LANES)
        if kind.role == SLOPE:
            store(block.poison, 0, load(block.poison, 0) + convert(p - p, block.poison))

    return locate


def offset_of(kind):
    """Offset of a window's start, or of one scattered tap of all.

    The digits of a tap's number in base `taps` choose a tap on each axis, the last digit on the
    last axis.
    """
    paired_axis = kind.axes - 1 if kind.layout == PAIRED and not kind.last else -1

    @inline
    def of_window(axes, tap, block):
        offset = splat(0, block.taps)
        for a in range(kind.axes):
            start = load(block.taps, a * kind.taps * LANES)
            if a != paired_axis:
                start = start * splat(axes[a].stride, start)
            offset = offset + start
        return offset

    @inline
    def of_scattered(axes, tap, block):
        offset = splat(0, block.taps)
        for a in range(kind.axes - 1, -1, -1):
            offset = offset + load(block.taps, (a * kind.taps + tap % kind.taps) * LANES)
            tap //= kind.taps
        return offset

    return of_scattered if kind.layout == SCATTERED else of_window


def weight_of(kind):
    """Weight of one tap of all, numbered as in `offset_of`: x's times y's times z's."""

    @inline
    def weight(tap, block):
        product = splat(1.0, block.tap_weights)
        for a in range(kind.axes - 1, -1, -1):
            k = a * kind.taps + tap % kind.taps
            product = product * load(block.tap_weights, k * LANES)
            tap //= kind.taps
        return product

    return weight


def outside_of(kind):
    """The share of the weights that lies outside: 1 - the product of each axis's inside."""

    @inline
    def outside(block):
        inside = splat(1.0, block.tap_weights)
        for a in range(kind.axes):
            inside = inside * (1.0 - load(block.tap_fills, a * LANES))
        return 1.0 - inside

    return outside


def put_places_of(kind):
    """Where 16 windows of a plan start, from the first row and column on.

    The five lowest bits are the column, the next two the row. The first ones are those of a point
    at either end: along a straight line no other is before them, and where one is, points count as
    far apart.
    """
    column = kind.taps * LANES  # of block.taps, after the rows
    width = 2 * LANES - kind.taps + 1

    @inline
    def put_places(axes, block, at, scratch):
        row, col = load(block.taps, 0), load(block.taps, column)
        top, left = min(lane(row, 0), lane(row, 15)), min(lane(col, 0), lane(col, 15))
        row, col = row - top, col - left
        store(scratch.places, at, col + row * (2 * LANES))
        close = everywhere(within(col, width) & within(row, 3))
        scratch.bases[at // LANES] = top * axes[0].stride + left if close else -1

    return put_places


def combine_of(kind):
    """Multiply the axes out: a window's start or all offsets, and a weight for every tap."""
    taps, pitch, near = taps_in_all(kind), pitch_of(kind), is_near(kind)
    weight, outside, put_offsets = weight_of(kind), outside_of(kind), put_offsets_of(kind)
    put_places = put_places_of(kind)

    @inline
    def combine(axes, block, at, scratch):
        put_offsets(axes, block, at, scratch)
        if near:
            put_places(axes, block, at, scratch)
        for tap in range(taps):
            store(scratch.weights, tap * pitch + at, weight(tap, block))
        if kind.rule == CONSTANT:
            store(scratch.fills, at, outside(block))

    return combine


def put_offsets_of(kind):
    """Store a window's start or all offsets."""
    pitch, offset = pitch_of(kind), offset_of(kind)
    offsets = taps_in_all(kind) if kind.layout == SCATTERED else 1

    @inline
    def put_offsets(axes, block, at, scratch):
        for tap in range(offsets):
            store(scratch.offsets, tap * pitch + at, offset(axes, tap, block))

    return put_offsets


def keep_axes_of(kind):
    """For slopes the axes stay apart: weights first, then slopes, axis by axis.

    A NaN along one axis must reach the slopes of all.
    """
    rows, pitch, put_offsets = kind.axes * kind.taps, pitch_of(kind), put_offsets_of(kind)

    @inline
    def fill_slope(block, a):
        share = load(block.fill_slopes, a * LANES)
        for b in range(kind.axes):
            if b != a:
                share = share * (1.0 - load(block.tap_fills, b * LANES))
        return share

    @inline
    def keep_axes(axes, block, at, scratch):
        put_offsets(axes, block, at, scratch)
        for k in range(rows):
            weight, slope = load(block.tap_weights, k * LANES), load(block.tap_slopes, k * LANES)
            if k % kind.taps == 0:
                weight = weight + load(block.poison, 0)
                slope = slope + load(block.poison, 0)
            store(scratch.weights, k * pitch + at, weight)
            store(scratch.weights, (rows + k) * pitch + at, slope)
        if kind.rule == CONSTANT:
            for a in range(kind.axes):
                store(scratch.fills, a * pitch + at, fill_slope(block, a))

    return keep_axes


def plan_of(kind):
    """The planner of a kind."""
    read, locate, new_block = read_of(kind), locate_of(kind), block_of(kind)
    combine = keep_axes_of(kind) if kind.role == SLOPE else combine_of(kind)

    @jit
    def plan(job, axes, grid, tile, scratch):
        """Offsets and weights of a tile."""
        block = new_block()
        for row in range(tile.rows):
            at = tile.home + row * tile.pad
            for col in range(0, tile.cols, LANES):
                read(job, axes, grid, tile, row, col, block.values)
                store(block.poison, 0, splat(0.0, block.poison))
                for a in range(kind.axes):
                    locate(axes[a], a, block)
                combine(axes, block, at + col, scratch)

    return plan
