"""Tiles over threads: parallel and serial twins of one loop, and when each may run."""

from typing import NamedTuple

import numba as nb
import numpy as np

from . import threads
from .gather import apply_of, ask_of
from .jit import array_at, call, compiled, compiled_address, inline
from .kind import AXES, JOB, VALUES
from .memory import fence
from .plan import plan_of
from .scratch import new_scratch_of, tile_points
from .simd import LANES
from .threads import once


class Tile(NamedTuple):
    """A rectangle of output points; a flat output is one row."""

    rows: int
    cols: int
    pad: int  # points a row takes in scratch, whole vectors
    home: int  # where its plan begins in scratch
    source: int  # the first point's place in the grid
    target: int  # and in the output's first channel


@inline
def blocks(n, size):
    """How many blocks of a size cover n."""
    return (n + size - 1) // size


@inline
def tile_at(job, n, row, col, home):
    """The tile of sample n whose first point is at (row, col)."""
    rows, cols = min(job.tile_rows, job.rows - row), min(job.tile_cols, job.cols - col)
    source = job.grid_start + n * job.grid_n + row * job.grid_row + col * job.grid_col
    target = job.out_start + n * job.out_n + row * job.out_row + col * job.out_col
    return Tile(rows, cols, blocks(cols, LANES) * LANES, home, source, target)


@inline
def step(job, row, col):
    """The tile after this one lies below it: the two share rows of the input."""
    row += job.tile_rows
    if row >= job.rows:
        row, col = 0, col + job.tile_cols
    return row, col


@inline
def piece_at(job, piece):
    """A piece of work: sample n, channels first to last, tiles begin to end."""
    tiles = blocks(job.rows, job.tile_rows) * blocks(job.cols, job.tile_cols)
    chunks, parts = blocks(tiles, job.tiles), blocks(job.c, job.channels)
    n, part, chunk = piece // (chunks * parts), piece // chunks % parts, piece % chunks
    begin, first = chunk * job.tiles, part * job.channels
    return n, first, min(first + job.channels, job.c), begin, min(begin + job.tiles, tiles)


def piece_of(kind):
    """The work on one piece: plan and apply its tiles, with `ahead` planning one tile early."""
    plan, apply, ask = plan_of(kind), apply_of(kind), ask_of(kind)
    points = tile_points(kind)

    @inline
    def apply_all(job, axes, input, planes, out, first, last, tile, scratch):
        for c in range(first, last):
            if job.ahead and c + 1 < last:
                ask(axes, input, planes + (c + 1) * job.input_c, tile, scratch)
            target = tile.target + c * job.out_c
            plane = planes + c * job.input_c
            apply(job, axes, input, plane, out, target, tile, scratch)

    @inline
    def run(job, axes, input, grid, out, piece, scratch):
        n, first, last, begin, end = piece_at(job, piece)
        planes = job.input_start + n * job.input_n
        down = blocks(job.rows, job.tile_rows)
        row, col = begin % down * job.tile_rows, begin // down * job.tile_cols
        tile = tile_at(job, n, row, col, 0)
        for t in range(begin, end + job.ahead):
            planned = tile
            if t < end:
                tile = tile_at(job, n, row, col, t % 2 * points * job.ahead)
                row, col = step(job, row, col)
                plan(job, axes, grid, tile, scratch)
                if job.ahead:
                    ask(axes, input, planes + first * job.input_c, tile, scratch)
                else:
                    planned = tile
            if t - job.ahead >= begin:
                apply_all(job, axes, input, planes, out, first, last, planned, scratch)

    return run


@once
def kernel(kind):
    """The compiled kernel of a kind: its address, or under NUMBA_DISABLE_JIT the function."""
    run, (scratch_bytes, lay_out) = piece_of(kind), new_scratch_of(kind)
    value, real, axis = VALUES[kind.value], VALUES[kind.real], AXES[kind.real]

    def work(job_at, axes_at, input_at, grid_at, out_at, piece):
        job = array_at(job_at, 1, JOB)[0]
        axes = array_at(axes_at, kind.axes, axis)
        input = array_at(input_at, job.input_size, value)
        grid = array_at(grid_at, job.grid_size, real)
        out = array_at(out_at, job.out_size, value)
        raw = np.empty(scratch_bytes, np.uint8)
        run(job, axes, input, grid, out, piece, lay_out(raw))
        if job.stream:
            fence()
        raw[0] = 0  # scratch lives in raw, which Numba frees after its last use

    return compiled_address(work, kind)


def drive(work, job, axes, input, grid, out, pieces):
    """All pieces of a job; the arrays come as bytes, so that this is compiled once for all."""
    for piece in nb.prange(pieces):
        call(work, job, axes, input, grid, out, piece)


@once
def driver(parallel):
    """The parallel twin of `drive`, or the serial one."""
    return compiled(drive, ("drive", parallel), parallel)


def launch(kind, parallel, arrays, pieces):
    """Run a kernel on (job, axes, input, grid, out), the last three as flat bytes."""
    args = kernel(kind), *arrays, pieces
    if parallel and pieces > 1:
        threads.run(_serial, _parallel, args)
    else:
        _serial()(*args)


def _serial():
    return driver(False)


def _parallel():
    return driver(True)
