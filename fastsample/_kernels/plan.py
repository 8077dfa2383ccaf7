"""Coordinates to a plan: for each output point where to read and what each value weighs.

`plan` does it once for all channels of a tile. Along every axis: read the coordinate, find its
pixel position (`borders`), its taps and their weights (`taps`); then multiply the axes out
(`combine`).
"""

from typing import NamedTuple

import numpy as np

from .borders import to_pixel
from .jit import inline, jit
from .kind import CONSTANT, OFFSETS, PAIRED, SCATTERED, VALUES
from .memory import load_pairs, load_triples, local
from .scratch import pitch_of, taps_in_all
from .simd import LANES, load, splat, store
from .taps import SPLIT


class Block(NamedTuple):
    """One vector of points on its way; small enough to live in registers."""

    values: np.ndarray  # coordinates, an axis after the other, in the order of the grid
    taps: np.ndarray  # offset of tap k along axis a, or of the window, at (a * taps + k) * LANES
    tap_weights: np.ndarray  # its weight, at the same place
    tap_fills: np.ndarray  # the weight of what lies outside along axis a, at a * LANES


@inline
def read_group(kind, grid, source, block):
    """16 points of a dense grid."""
    if kind.axes == 1:
        store(block.values, 0, load(grid, source))
    elif kind.axes == 2:
        x, y = load_pairs(grid, source)
        store(block.values, 0, x)
        store(block.values, LANES, y)
    else:
        x, y, z = load_triples(grid, source)
        store(block.values, 0, x)
        store(block.values, LANES, y)
        store(block.values, 2 * LANES, z)


@jit
def read_singly(axes, step, apart, grid, source, count, values):
    """Fewer than 16 points, or a grid of any strides; the lanes beyond repeat the last point."""
    for k in range(LANES):
        point = source + min(k, count - 1) * step
        for axis in range(axes):
            values[axis * LANES + k] = grid[point + axis * apart]


def locate_of(kind):
    """Taps and weights along axis a."""
    put_taps = SPLIT[kind.taps](kind)

    @inline
    def locate(axis, a, block):
        p = to_pixel(kind, axis, load(block.values, (kind.axes - 1 - a) * LANES))
        put_taps(axis, p, block, a * kind.taps * LANES, a * LANES)

    return locate


def offset_of(kind):
    """Offset of a window's start, or of one scattered tap of all.

    The digits of a tap's number in base `taps` choose a tap on each axis, the last digit on the
    last axis.
    """
    paired_axis = kind.axes - 1 if kind.layout == PAIRED else -1

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


def combine_of(kind):
    """Multiply the axes out: a window's start or all offsets, and a weight for every tap."""
    taps, pitch = taps_in_all(kind), pitch_of(kind)
    offset, weight, outside = offset_of(kind), weight_of(kind), outside_of(kind)
    offsets = taps if kind.layout == SCATTERED else 1

    @inline
    def combine(axes, block, at, scratch):
        for tap in range(offsets):
            store(scratch.offsets, tap * pitch + at, offset(axes, tap, block))
        for tap in range(taps):
            store(scratch.weights, tap * pitch + at, weight(tap, block))
        if kind.rule == CONSTANT:
            store(scratch.fills, at, outside(block))

    return combine


def plan_of(kind):
    """The planner of a kind."""
    locate, combine = locate_of(kind), combine_of(kind)
    integer, real, work = OFFSETS[kind.wide], VALUES[kind.real], VALUES[kind.value]
    axis_lanes, tap_lanes = kind.axes * LANES, kind.axes * kind.taps * LANES

    @jit
    def plan(job, axes, grid, tile, scratch):
        """Offsets and weights of a tile."""
        values, fills = local(axis_lanes, real), local(axis_lanes, work)
        block = Block(values, local(tap_lanes, integer), local(tap_lanes, work), fills)
        dense = job.grid_axis == 1 and job.grid_col == kind.axes
        for row in range(tile.rows):
            source = tile.source + row * job.grid_row
            at = tile.home + row * tile.pad
            for left in range(tile.cols, 0, -LANES):
                if dense and left >= LANES:
                    read_group(kind, grid, source, block)
                else:
                    read_singly(kind.axes, job.grid_col, job.grid_axis, grid, source, left, values)
                for a in range(kind.axes):
                    locate(axes[a], a, block)
                combine(axes, block, at, scratch)
                source += LANES * job.grid_col
                at += LANES

    return plan
