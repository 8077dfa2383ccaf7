"""Sums of windows of taps for the stage `spline_near`: 16 points of order 2 and more.

A window is all taps along the last axis in one load: rows of taps are added with their weights as
whole windows, and the last axis's weights come at the end.
"""

from functools import cache

import numpy as np

from ...compiler.jit import inline, lesser
from ...kind import VALUES
from ...vectors.memory import local, store_part
from ...vectors.parts import add_part, add_parts, add_rows, copy_part, load_parts, store_parts
from ...vectors.simd import LANES, convert, load, multiply_add, splat, store
from ...vectors.windows import QUAD, quad_columns, windows
from ..values import add_tap
from .narrow import native_of


@inline
def digit_row(job, spans, number, axes, scratch):
    """Row `number` of taps along the first axes: its offset, and the 16 points' weights."""
    taps, offset, weight = job.taps, 0, splat(1.0, scratch.weights)
    for a in range(axes - 1, -1, -1):
        k = number
        if a > 0:  # what is left is below `taps`; a division takes 20 cycles and more
            k = number % taps
            number //= taps
        offset += k * spans[a].stride
        weight = weight * load(scratch.weights, ((a + 1) * taps + k) * LANES)
    return offset, weight


@inline
def rows_in_all(taps, axes):
    """How many rows of taps so many axes have."""
    count = 1
    for _ in range(axes):
        count *= taps
    return count


@cache
def sums_of(work, lanes, swaps):
    """Windows of sums of 16 points along all axes but the last.

    With two axes a vector holds windows of some points. With more it holds those of some planes of
    taps, all of one point: a tap's weight along axis y is read once for all of them. On one core of
    Zen 1 order 3 of 32x24x24 took 25 ns a point so, not 29, and of two axes 13, not 12.

    Orders 3 and 5 of two and three axes have loops of their own, whose numbers of taps are
    constants: LLVM writes them out. In cache, ns a point on one thread of Zen 3 with any number of
    taps and with a constant one: 24x24x24 doubles of order 3 14.9 and 9.2, of order 5 39.8 and
    33.0; float32 12.6 and 8.1, 26.5 and 20.8; 128x128 float32 5.1 and 4.1, 8.1 and 6.6. All six
    planes of order 5 in one go took 29.5 and 16.6, but 128x128x128, whose rows share sets of the
    cache, 1.1 times as long as before.
    """
    native, planes, real = native_of(swaps), LANES // lanes, VALUES[work]
    most = 4 if lanes == QUAD else 6  # taps of the higher order of two that have such windows

    @inline
    def sum_points(input, step, taps, scratch, at):
        sums = local(LANES, real)
        for p in range(0, LANES, planes):
            store_parts(sums, 0, splat(0.0, sums), lanes)
            row = 0
            for k in range(taps):
                found = convert(native(windows(input, row, scratch.offsets, p, lanes)), sums)
                add_parts(sums, found, scratch.weights, at + k * LANES + p, lanes)
                row += step
            store_parts(scratch.sums, p * lanes, load_parts(sums, 0, lanes), lanes)

    @inline
    def sum_rows(input, place, rows, step, taps, weights, at, sums):
        store_parts(sums, 0, splat(0.0, sums), lanes)
        for k in range(taps):
            found = windows(input, place, rows, 0, lanes)
            add_rows(sums, convert(native(found), sums), weights, at + k * LANES, lanes)
            place += step

    @inline
    def add_total(total, sums, count, weights, at):
        add_part(total, sums, 0, weights, at, lanes)
        if count > 1:
            add_part(total, sums, 1, weights, at + LANES, lanes)
        if planes > 2 and count > 2:
            add_part(total, sums, 2, weights, at + 2 * LANES, lanes)
        if planes > 2 and count > 3:
            add_part(total, sums, 3, weights, at + 3 * LANES, lanes)

    @inline
    def add_planes(input, rows, count, step, taps, scratch, y, weights, at, more):
        total, sums = local(lanes, real), local(LANES, real)
        for p in range(LANES):
            sum_rows(input, scratch.offsets[p], rows, step, taps, scratch.weights, y + p, sums)
            store_part(total, 0, splat(0.0, sums), lanes)
            if more:
                copy_part(scratch.sums, p * lanes, total, 0, lanes)
            add_total(total, sums, count, weights, at + p)
            copy_part(total, 0, scratch.sums, p * lanes, lanes)

    @inline
    def sum_planes(job, spans, input, scratch):
        taps, before, rows = job.taps, job.rank - 2, local(planes, np.int64)
        several, weights, in_all = before > 1, scratch.weights, rows_in_all(taps, before)
        step, y = spans[before].stride, (before + 1) * taps * LANES
        if several:
            weights = scratch.row_weights
        for first in range(0, in_all, planes):
            for k in range(planes):  # the last row stands for those there are not
                number = lesser(first + k, in_all - 1)
                if several:
                    rows[k], weight = digit_row(job, spans, number, before, scratch)
                    store(weights, k * LANES, weight)
                else:
                    rows[k] = number * spans[0].stride
            at, some = 0 if several else (taps + first) * LANES, in_all - first
            add_planes(input, rows, some, step, taps, scratch, y, weights, at, first > 0)

    @inline
    def sum_volume(input, depth, step, scratch):
        total, sums, rows = local(lanes, real), local(LANES, real), local(planes, np.int64)
        weights = scratch.weights
        for first in range(0, most, planes):
            for p in range(LANES):
                plane = scratch.offsets[p] + first * depth
                for k in range(planes):
                    rows[k] = plane
                    plane += depth
                store_part(total, 0, splat(0.0, sums), lanes)
                if first > 0:
                    copy_part(scratch.sums, p * lanes, total, 0, lanes)
                sum_rows(input, 0, rows, step, most, weights, 2 * most * LANES + p, sums)
                add_total(total, sums, planes, weights, (most + first) * LANES + p)
                copy_part(total, 0, scratch.sums, p * lanes, lanes)

    @inline
    def sum_windows(job, spans, input, scratch):
        taps, rank = job.taps, job.rank
        if rank == 1:
            store(scratch.weights, 0, splat(1.0, scratch.weights))
            sum_points(input, 0, 1, scratch, 0)
        elif rank == 2 and taps == most:
            sum_points(input, spans[0].stride, most, scratch, most * LANES)
        elif rank == 2:
            sum_points(input, spans[0].stride, taps, scratch, taps * LANES)
        elif rank == 3 and taps == most:
            sum_volume(input, spans[0].stride, spans[1].stride, scratch)
        else:
            sum_planes(job, spans, input, scratch)

    return sum_windows, sum_points, sum_volume


@cache
def sum_windows_of(work, lanes, swaps):
    """The sums of any order and number of axes."""
    return sums_of(work, lanes, swaps)[0]


@cache
def cubic_sums_of(rank, work):
    """Those of order 3 along two axes, or three."""
    _, sum_points, sum_volume = sums_of(work, QUAD, 0)

    @inline
    def plane(spans, input, scratch):
        sum_points(input, spans[0].stride, QUAD, scratch, QUAD * LANES)

    @inline
    def volume(spans, input, scratch):
        sum_volume(input, spans[0].stride, spans[1].stride, scratch)

    return plane if rank == 2 else volume


@cache
def across_of(lanes):
    """The values of 16 points, from windows of sums and the last axis's weights."""

    @inline
    def add_column(total, column, scratch, at, k):
        return multiply_add(column, load(scratch.weights, at + k * LANES), total)

    @inline
    def first_three(found, scratch, at):
        total = add_column(splat(0.0, scratch.sums), found[0], scratch, at, 0)
        total = add_column(total, found[1], scratch, at, 1)
        return add_column(total, found[2], scratch, at, 2)

    @inline
    def add_spare(total, column, scratch, at, k):
        # Beyond the taps: of points that have none there, what lies there does not count.
        return add_tap(total, column, load(scratch.weights, at + k * LANES))

    @inline
    def of_quads(taps, slots, scratch, at):
        found = quad_columns(scratch.sums, 0, lanes)
        total = first_three(found, scratch, at)
        if taps > 3:
            total = add_column(total, found[3], scratch, at, 3)
        elif slots > 3:
            total = add_spare(total, found[3], scratch, at, 3)
        return total

    @inline
    def of_two_quads(taps, slots, scratch, at):
        found = quad_columns(scratch.sums, 0, lanes)
        total = add_column(first_three(found, scratch, at), found[3], scratch, at, 3)
        found = quad_columns(scratch.sums, QUAD, lanes)
        total = add_column(total, found[0], scratch, at, 4)
        if taps > 5:
            total = add_column(total, found[1], scratch, at, 5)
        elif slots > 5:
            total = add_spare(total, found[1], scratch, at, 5)
        if slots > 6:
            total = add_spare(total, found[2], scratch, at, 6)
            total = add_spare(total, found[3], scratch, at, 7)
        return total

    return of_quads if lanes == QUAD else of_two_quads
