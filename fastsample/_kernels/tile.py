"""Tiles: the rectangles of output points that are planned together."""

from typing import NamedTuple

from .jit import inline
from .simd import LANES


class Tile(NamedTuple):
    """A rectangle of output points; a flat output is one row."""

    row: int  # of its first point
    col: int
    rows: int
    cols: int
    pad: int  # points a row takes in scratch, whole vectors
    home: int  # where its plan begins in scratch
    source: int  # the first point's place in the grid, or its sample's matrix's
    target: int  # and in the output's first sample and channel


@inline
def blocks(n, size):
    """How many blocks of a size cover n."""
    return (n + size - 1) // size


@inline
def tile_at(job, n, row, col, home):
    """The tile of the grid's sample n whose first point is at (row, col)."""
    rows, cols = min(job.tile_rows, job.rows - row), min(job.tile_cols, job.cols - col)
    source = job.grid_start + n * job.grid_n + row * job.grid_row + col * job.grid_col
    target = job.out_start + row * job.out_row + col * job.out_col
    return Tile(row, col, rows, cols, blocks(cols, LANES) * LANES, home, source, target)


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
