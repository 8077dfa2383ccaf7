"""Points whose channels are neighbours in the input alone: planes of the result, by squares.

Some channels of 16 points are rows of a square, and planes its columns. Measured on two cores of
Zen 1 of 1x256x64x64 float32 at 16384 random points, ms, beside planes that are gathered from such
an input by themselves, and beside a result with channels last: bilinear 7.9, 95 and 4.9, nearest
4.6, 19 and 3.6. Squares by ones, twos, fours and eights took 10.5, 8.9, 7.9 and 9.1: more of them
read on in a pixel, and write to more planes at a time.
"""

from functools import cache

from ..compiler.jit import inline, jit, lesser
from ..vectors.memory import local
from ..vectors.simd import LANES, SQUARE, load, store, turn
from .rows import put_row_of

TOGETHER = 4  # squares


@cache
def turned_of(channels_of, stored, width):
    """Write a tile's points: `channels_of` has so many channels of one point, from channel c on."""
    put, squares = put_row_of(stored), TOGETHER * SQUARE

    @inline
    def fill_squares(job, strides, input, plane, out, plan, j, some, tables, points):
        first, last = some
        for i in range(LANES):
            for k in range(first, last, width):
                c = lesser(k, job.c - width)  # the last ones may be among those before
                found = channels_of(job, strides, input, plane, out, plan, j + i, c, tables)
                store(points, (k - first) // width * SQUARE + i * LANES, found)

    @inline
    def put_squares(job, out, to, left, some, points, planes):
        first, last = some
        step, streamed = job.out_col, job.stream != 0
        for k in range(first, last, width):
            turn(points, (k - first) // width * SQUARE, planes, 0)
            place = to + lesser(k, job.c - width) * job.out_c
            for i in range(width):
                put(out, place + i * job.out_c, step, streamed, left, load(planes, i * LANES))

    @jit
    def apply(job, strides, input, plane, out, at, tile, plan, tables):
        points, planes = local(squares, stored), local(SQUARE, stored)
        for first in range(0, job.c, TOGETHER * width):
            some = first, lesser(first + TOGETHER * width, job.c)
            for row in range(tile.rows):
                to, j = at + row * job.out_row, tile.home + row * tile.pad
                for left in range(tile.cols, 0, -LANES):
                    fill_squares(job, strides, input, plane, out, plan, j, some, tables, points)
                    put_squares(job, out, to, left, some, points, planes)
                    to += LANES * job.out_col
                    j += LANES

    return apply
