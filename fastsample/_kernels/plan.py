"""Coordinates to a plan: for each output point where to read and what each value weighs.

`plan` does it once for all channels of a tile. Along every axis: read the coordinate, find its
pixel position (`borders`), its taps and their weights (`taps`); then multiply the axes out
(`combine`).
"""

from .borders import to_pixel
from .jit import inline, jit
from .kind import CONSTANT, PAIRED, SCATTERED
from .scratch import BLOCK, pitch_of, taps_in_all
from .simd import LANES, load, load_pairs, load_triples, splat, store
from .taps import SPLIT


@inline
def read_group(kind, grid, source, j, scratch):
    """16 points of a dense grid, one row of scratch an axis."""
    if kind.axes == 1:
        store(scratch.values, j, load(grid, source))
    elif kind.axes == 2:
        x, y = load_pairs(grid, source)
        store(scratch.values, j, x)
        store(scratch.values, BLOCK + j, y)
    else:
        x, y, z = load_triples(grid, source)
        store(scratch.values, j, x)
        store(scratch.values, BLOCK + j, y)
        store(scratch.values, 2 * BLOCK + j, z)


@inline
def read_singly(kind, job, grid, source, j, count, scratch):
    """Fewer than 16 points, or a grid of any strides; the lanes beyond repeat the last point."""
    for k in range(LANES):
        point = source + min(k, count - 1) * job.grid_col
        for axis in range(kind.axes):
            scratch.values[axis * BLOCK + j + k] = grid[point + axis * job.grid_axis]


@inline
def read_values(kind, job, grid, source, n, scratch):
    """The coordinates of n points from grid[source] on."""
    dense = job.grid_axis == 1 and job.grid_col == kind.axes
    for j in range(0, n, LANES):
        at = source + j * job.grid_col
        if dense and n - j >= LANES:
            read_group(kind, grid, at, j, scratch)
        else:
            read_singly(kind, job, grid, at, j, n - j, scratch)


def locate_of(kind):
    """Taps and weights of n points along axis a."""
    put_taps = SPLIT[kind.taps](kind)

    @inline
    def locate(axis, a, n, scratch):
        values, first = (kind.axes - 1 - a) * BLOCK, a * kind.taps * BLOCK
        for j in range(0, n, LANES):
            p = to_pixel(kind, axis, load(scratch.values, values + j))
            put_taps(axis, p, scratch, first + j, a * BLOCK + j)

    return locate


def offset_of(kind):
    """Offset of a window's start, or of one scattered tap of all.

    The digits of a tap's number in base `taps` choose a tap on each axis, the last digit on the
    last axis.
    """
    paired_axis = kind.axes - 1 if kind.layout == PAIRED else -1

    @inline
    def of_window(axes, tap, scratch, j):
        offset = splat(0, scratch.taps)
        for a in range(kind.axes):
            start = load(scratch.taps, a * kind.taps * BLOCK + j)
            if a != paired_axis:
                start = start * splat(axes[a].stride, start)
            offset = offset + start
        return offset

    @inline
    def of_scattered(axes, tap, scratch, j):
        offset = splat(0, scratch.taps)
        for a in range(kind.axes - 1, -1, -1):
            offset = offset + load(scratch.taps, (a * kind.taps + tap % kind.taps) * BLOCK + j)
            tap //= kind.taps
        return offset

    return of_scattered if kind.layout == SCATTERED else of_window


def weight_of(kind):
    """Weight of one tap of all, numbered as in `offset_of`: x's times y's times z's."""

    @inline
    def weight(tap, scratch, j):
        product = splat(1.0, scratch.weights)
        for a in range(kind.axes - 1, -1, -1):
            k = a * kind.taps + tap % kind.taps
            product = product * load(scratch.tap_weights, k * BLOCK + j)
            tap //= kind.taps
        return product

    return weight


def outside_of(kind):
    """The share of the weights that lies outside: 1 - the product of each axis's inside."""

    @inline
    def outside(scratch, j):
        inside = splat(1.0, scratch.weights)
        for a in range(kind.axes):
            inside = inside * (1.0 - load(scratch.tap_fills, a * BLOCK + j))
        return 1.0 - inside

    return outside


def combine_of(kind):
    """Multiply the axes out: a window's start or all offsets, and a weight for every tap."""
    taps, pitch = taps_in_all(kind), pitch_of(kind)
    offset, weight, outside = offset_of(kind), weight_of(kind), outside_of(kind)
    offsets = taps if kind.layout == SCATTERED else 1

    @inline
    def combine(axes, at, n, scratch):
        for j in range(0, n, LANES):
            for tap in range(offsets):
                store(scratch.offsets, tap * pitch + at + j, offset(axes, tap, scratch, j))
            for tap in range(taps):
                store(scratch.weights, tap * pitch + at + j, weight(tap, scratch, j))
            if kind.rule == CONSTANT:
                store(scratch.fills, at + j, outside(scratch, j))

    return combine


def plan_of(kind):
    """The planner of a kind."""
    locate, combine = locate_of(kind), combine_of(kind)

    @jit
    def plan(job, axes, grid, tile, scratch):
        """Offsets and weights of a tile, a block at a time so that the axes' taps stay in L1."""
        for row in range(tile.rows):
            for first in range(0, tile.cols, BLOCK):
                n = min(BLOCK, tile.cols - first)
                source = tile.source + row * job.grid_row + first * job.grid_col
                read_values(kind, job, grid, source, n, scratch)
                for a in range(kind.axes):
                    locate(axes[a], a, n, scratch)
                combine(axes, tile.home + row * tile.pad + first, n, scratch)

    return plan
