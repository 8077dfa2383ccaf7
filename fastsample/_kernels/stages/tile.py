"""Tiles, the rectangles of output points that are planned together, and what a piece of work owns.

A loop writes them to the head of scratch as plain numbers, and the stages read them there.
"""

from typing import NamedTuple

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import greater, inline, lesser
from ..vectors.simd import LANES

SLOT = 16  # numbers: room for a tile; two have one, and behind them a share
HEAD = 3 * SLOT * np.dtype(np.int64).itemsize  # bytes of all three
NOTED = 2 * SLOT + 5  # behind a share: the lines of knots that wait in scratch, see `field`
LINES_KEPT = 4  # so many
NONE = -1  # no tile


class Tile(NamedTuple):
    """A rectangle of output points; a flat output is one row."""

    n: int  # the sample
    t: int  # its number in that
    row: int  # of its first point
    col: int
    rows: int
    cols: int
    pad: int  # points a row takes in scratch, whole vectors
    source: int  # the first point's place in the grid, or its sample's matrix's
    target: int  # and in the output's first sample and channel
    whole: int  # 1: it touches nothing but the share
    home: int  # where its plan begins in scratch


class Share(NamedTuple):
    """What a piece of work reads or owns of one sample of the input."""

    planes: int  # where the sample begins
    first: int  # its channels, first to last
    last: int
    low: int  # and of each plane, if it adds there, the offsets low to high
    high: int


@inline
def put_tile(scratch, slot, job, n, t, whole, level):
    """Write tile t of the grid's sample n down; a `level` one is a stretch of all points."""
    numbers, at = array_at(scratch, np.int64, 0), slot * SLOT
    row, col = corner(job, t)
    rows, cols = lesser(job.tile_rows, job.rows - row), lesser(job.tile_cols, job.cols - col)
    if level:  # there are fewer of them: the last ones have no points
        size = job.tile_rows * job.tile_cols
        row, col, rows = 0, t * size, 1
        cols = greater(0, lesser(size, job.rows * job.cols - col))
    numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3] = n, t, row, col
    numbers[at + 4], numbers[at + 5] = rows, cols
    numbers[at + 6] = blocks(cols, LANES) * LANES
    numbers[at + 7] = job.grid_start + n * job.grid_n + row * job.grid_row + col * job.grid_col
    numbers[at + 8] = job.out_start + row * job.out_row + col * job.out_col
    numbers[at + 9] = whole


@inline
def tile_in(scratch, slot, points):
    """The tile in a slot, whose plan begins so many points after the one of the slot before."""
    t, at = array_at(scratch, np.int64, 0), slot * SLOT
    return Tile(
        t[at], t[at + 1], t[at + 2], t[at + 3], t[at + 4], t[at + 5], t[at + 6], t[at + 7],
        t[at + 8], t[at + 9], slot * points,
    )  # fmt: skip


@inline
def put_share(scratch, share):
    """Write a share down."""
    numbers, at = array_at(scratch, np.int64, 0), 2 * SLOT
    numbers[at], numbers[at + 1], numbers[at + 2] = share.planes, share.first, share.last
    numbers[at + 3], numbers[at + 4] = share.low, share.high
    for k in range(LINES_KEPT):
        numbers[NOTED + k] = NONE


@inline
def noted_in(scratch):
    """What is noted of a spline's lines."""
    return array_at(scratch, np.int64, NOTED * 8)


@inline
def share_in(scratch):
    """The share that was written."""
    s, at = array_at(scratch, np.int64, 0), 2 * SLOT
    return Share(s[at], s[at + 1], s[at + 2], s[at + 3], s[at + 4])


@inline
def blocks(n, size):
    """How many blocks of a size cover n."""
    return (n + size - 1) // size


@inline
def tiles_down(job):
    """How many tiles lie below each other."""
    return blocks(job.rows, job.tile_rows)


@inline
def tiles_in_all(job):
    """The tiles of one sample."""
    return tiles_down(job) * blocks(job.cols, job.tile_cols)


@inline
def corner(job, t):
    """Row and column of tile t: the one after it lies below, since the two share input rows."""
    down = tiles_down(job)
    return t % down * job.tile_rows, t // down * job.tile_cols
