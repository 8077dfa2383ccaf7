"""The stage `reach`: between which rows of the input a tile's points lie.

For whoever adds to a band of rows: it takes the tiles that reach into the band. They may be too
many, but never too few: a tap of no weight adds a zero wherever its window was put, and no two
threads may add to one pixel. It needs no plan, but the coordinates along the first axis.
"""

import math
from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import greater, inline, jit, lesser
from ..kind import AXES, JOB, KEEP, KEEPING, STRIDES, VALUES
from ..vectors.memory import local
from ..vectors.simd import LANES, at_least, at_most, load, splat, store
from .affine import total
from .borders import to_pixel_of
from .maps import LINES, Row
from .sources import SOURCES
from .tile import noted_in, tile_in, tiles_in_all

MARGIN = 2  # pixels from a position to its furthest tap, or to where its window starts


@cache
def positions_of(count, real, source):
    """The lowest and the highest position of a tile along the first axis, and NaN if one is."""
    (begin, read), exact = SOURCES[source](count, real), VALUES[8]
    to_pixel, number = to_pixel_of(KEEPING, source), VALUES[real]
    lanes, first = (count + 1) * LANES, (count - 1) * LANES

    @inline
    def summed_up(low, high, poison):
        lows, highs, vector = local(LANES, number), local(LANES, number), local(LANES, number)
        store(lows, 0, low)
        store(highs, 0, high)
        lowest, highest = lows[0], highs[0]
        for k in range(1, LANES):
            lowest, highest = lesser(lowest, lows[k]), greater(highest, highs[k])
        return lowest, highest, total(poison, vector)

    @jit
    def positions(job, axes, grid, tile, scratch):
        values = local(lanes, number)
        field, noted = array_at(scratch, number, job.field), noted_in(scratch)
        made = Row(local(LINES, exact), field, noted, values)
        low, high, poison = splat(np.inf, values), splat(-np.inf, values), splat(0.0, values)
        for row in range(tile.rows):
            begin(job, axes, grid, tile, row, made)
            for col in range(0, tile.cols, LANES):
                read(job, axes, grid, tile, row, col, made, values)
                p = to_pixel(axes[0], load(values, first))
                low, high, poison = at_most(low, p), at_least(high, p), poison + (p - p)
        return summed_up(low, high, poison)

    return positions


@inline
def rows_of(axis, taps, low, high, poison):
    """The first row that points between two positions touch, and the one after the last."""
    if poison != poison:  # what is NaN is put at the first row
        low, high = lesser(low, 0.0), greater(high, 0.0)
    if axis.fold != KEEP and (low < MARGIN + 1 or high > axis.last - MARGIN - 1):
        low, high = 0.0, 1.0 * axis.last  # a fold may lead anywhere
    low, high = greater(low, 0.0), lesser(high, 1.0 * axis.last)  # large ones are no integers
    first = lesser(math.floor(low) - MARGIN, axis.last_start)
    end = math.floor(greater(high, 0.0)) + MARGIN + taps
    return greater(first, 0), lesser(end, axis.size)


@cache
def reach_of(count, real, source):
    """The stage."""
    positions, axis, number = positions_of(count, real, source), AXES[real], VALUES[real]

    def reach(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, axis, STRIDES)
        out, tile = array_at(out_at, np.int64, 0), tile_in(scratch, slot, 0)
        low, high, poison = positions(job, axes, array_at(grid_at, number, 0), tile, scratch)
        exact = np.float64(low), np.float64(high), np.float64(poison)
        first, end = rows_of(axes[0], job.taps, *exact)
        at = (tile.n * tiles_in_all(job) + tile.t) * 2
        out[at], out[at + 1] = first * axes[0].stride, end * axes[0].stride

    return reach
