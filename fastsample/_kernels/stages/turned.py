"""Points whose channels are neighbours in the input alone: planes of the result, by squares.

Some channels of 16 points are rows of a square, and planes its columns. Measured on two cores of
Zen 1, ms, beside planes that are gathered from such an input by themselves: PLACEHOLDER
"""

from functools import cache

from ..compiler.jit import inline, jit, lesser
from ..vectors.memory import local
from ..vectors.simd import LANES, SQUARE, load, store, turn
from .rows import put_row_of


SQUARES = 4 * SQUARE
TOGETHER = 4  # squares, so that a pixel's channels are read on: they follow each other


@cache
def turned_of(channels_of, stored, width):
    """Write a tile's points: `channels_of` has so many channels of one point, from channel c on."""
    put = put_row_of(stored)

    @inline
    def fill_squares(job, strides, input, plane, out, plan, j, first, last, tables, points):
        for i in range(LANES):
            for k in range(first, last, width):
                c = lesser(k, job.c - width)  # the last ones may be among those before
                found = channels_of(job, strides, input, plane, out, plan, j + i, c, tables)
                store(points, (k - first) // width * SQUARE + i * LANES, found)

    @inline
    def put_squares(job, out, to, step, streamed, left, first, last, points, planes):
        for k in range(first, last, width):
            turn(points, (k - first) // width * SQUARE, planes, 0)
            place = to + lesser(k, job.c - width) * job.out_c
            for i in range(width):
                put(out, place + i * job.out_c, step, streamed, left, load(planes, i * LANES))

    @jit
    def apply(job, strides, input, plane, out, at, tile, plan, tables):
        points, planes = local(SQUARES, stored), local(SQUARE, stored)
        step, streamed = job.out_col, job.stream != 0
        for first in range(0, job.c, TOGETHER * width):
            last = lesser(first + TOGETHER * width, job.c)
            for row in range(tile.rows):
                to, j = at + row * job.out_row, tile.home + row * tile.pad
                for left in range(tile.cols, 0, -LANES):
                    fill_squares(job, strides, input, plane, out, plan, j, first, last, tables, points)
                    put_squares(job, out, to, step, streamed, left, first, last, points, planes)
                    to += LANES * step
                    j += LANES

    return apply
