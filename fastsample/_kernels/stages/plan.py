"""The stage `plan`: for each output point where to read and what each value weighs.

It does so once for all channels of a tile. Along every axis: read the coordinate, find its pixel
position (`borders`), its taps and their weights (`taps`); then multiply the axes out (`combine`).
It is compiled for a `Form`, a family of border rules, the coordinates' type and their source, and
not for a type of image; and once more for derivatives along a direction (`along`).
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit, lesser
from ..kind import (
    AXES,
    FILLING,
    JOB,
    OFFSETS,
    PERSPECTIVE,
    STRIDES,
    VALUES,
    WIDE,
    has_marks,
    has_places,
    is_easy,
)
from ..vectors.memory import local
from ..vectors.nearest import all_on_axis, nearest_integers
from ..vectors.simd import (
    LANES,
    convert,
    everywhere,
    floor,
    lane,
    load,
    splat,
    store,
    where,
    within,
)
from .along import change_of, outside_change_of, turned_of
from .borders import to_pixel_of, unkept_of
from .coordinates import move_of
from .maps import LINES, Row
from .scratch import offset_rows, pitch_of, plan_in, plan_points, taps_in_all
from .sources import DIRECTIONS, SOURCES
from .spans import LINES_OF, READ, span_of
from .taps import SPLIT, inside_of
from .tile import noted_in, share_in, tile_in


class Block(NamedTuple):
    """One vector of points on its way; small enough to live in registers."""

    values: np.ndarray  # coordinates, an axis after the other, in the order of the grid; and for
    # PERSPECTIVE 1 where a point has none
    taps: np.ndarray  # offset of tap k along axis a, or of the window, at (a * taps + k) * LANES
    tap_weights: np.ndarray  # its weight, at the same place
    tap_fills: np.ndarray  # the weight of what lies outside along axis a, at a * LANES
    tap_slopes: np.ndarray  # how the weights change with the coordinate
    fill_slopes: np.ndarray
    tap_curves: np.ndarray  # and how the slopes do
    fill_curves: np.ndarray
    directions: np.ndarray  # a point's, in the order of the grid
    poison: np.ndarray  # NaN where a coordinate is, else 0


class Ends(NamedTuple):
    """What points without a border rule need of each axis, as numbers of one type.

    They are read once a row: LLVM can't know that what is stored in a plan leaves the axes alone.
    """

    lasts: tuple  # the last pixels; of four taps two pixels before, so that windows start before it
    strides: tuple


@cache
def asks_integers(form, real):
    """Does a plan compare pixels as integers? Not where a slope ends within one, or these are long.

    Slopes of two taps end at a pixel. Doubles take longer to become integers that may be compared
    than to be compared.
    """
    ends_within = form.slopes and form.taps == 2
    return has_marks(form) or (real == 4 and not ends_within and not form.wide)


@cache
def ends_of(form, real):
    """The function that reads them; of axes that there are not, the first one's."""
    count, number = form.axes, OFFSETS[0] if asks_integers(form, real) else VALUES[real]
    second, third = min(1, count - 1), min(2, count - 1) * (count > 2)
    before = max(form.taps - 2, 0)

    @inline
    def ends(axes):
        a, b, c = axes[0], axes[second], axes[third]
        lasts = number(a.last - before), number(b.last - before), number(c.last - before)
        return Ends(lasts, (number(a.stride), number(b.stride), number(c.stride)))

    return ends


@cache
def locate_of(form, family, source):
    """Taps and weights along axis a."""
    put_taps, to_pixel = SPLIT[form.taps](form, family), to_pixel_of(family, source)
    count, taps, slopes = form.axes, form.taps, bool(form.slopes)

    @inline
    def locate(axis, a, block):
        p = to_pixel(axis, load(block.values, (count - 1 - a) * LANES))
        put_taps(axis, p, block, a * taps * LANES, a * LANES)
        if slopes:
            store(block.poison, 0, load(block.poison, 0) + convert(p - p, block.poison))

    return locate


@cache
def offset_of(form):
    """Offset of a window's start, or of one scattered tap of all.

    The digits of a tap's number in base `taps` choose a tap on each axis, the last digit on the
    last axis.
    """
    count, taps = form.axes, form.taps

    @inline
    def of_window(axes, tap, block):
        offset = splat(0, block.taps)
        for a in range(count):
            start = load(block.taps, a * taps * LANES)
            offset = offset + start * splat(axes[a].stride, start)
        return offset

    @inline
    def of_scattered(axes, tap, block):
        offset = splat(0, block.taps)
        for a in range(count - 1, -1, -1):
            offset = offset + load(block.taps, (a * taps + tap % taps) * LANES)
            tap //= taps
        return offset

    return of_scattered if form.scattered else of_window


@cache
def weight_of(form):
    """Weight of one tap of all, numbered as in `offset_of`: x's times y's times z's."""
    count, taps = form.axes, form.taps

    @inline
    def weight(tap, block):
        product = splat(1.0, block.tap_weights)
        for a in range(count - 1, -1, -1):
            k = a * taps + tap % taps
            product = product * load(block.tap_weights, k * LANES)
            tap //= taps
        return product

    return weight


@cache
def outside_of(form):
    """The share of the weights that lies outside: 1 - the product of each axis's inside."""
    count = form.axes

    @inline
    def outside(block):
        inside = splat(1.0, block.tap_weights)
        for a in range(count):
            inside = inside * (1.0 - load(block.tap_fills, a * LANES))
        return 1.0 - inside

    return outside


@cache
def put_places_of(form):
    """Where 16 windows of a plan start, from the first row and column on.

    The five lowest bits are the column, the next two the row. The first ones are those of a point
    at either end: along a straight line no other is before them, and where one is, points count as
    far apart.
    """
    column = form.taps * LANES  # of block.taps, after the rows
    width = 2 * LANES - form.taps + 1

    @inline
    def put_places(axes, block, at, plan):
        row, col = load(block.taps, 0), load(block.taps, column)
        top, left = lesser(lane(row, 0), lane(row, 15)), lesser(lane(col, 0), lane(col, 15))
        row, col = row - top, col - left
        store(plan.places, at, col + row * (2 * LANES))
        close = everywhere(within(col, width) & within(row, 3))
        plan.bases[at // LANES] = top * axes[0].stride + left if close else -1

    return put_places


@cache
def put_offsets_of(form):
    """Store a window's start or all offsets."""
    pitch, offset, offsets = pitch_of(form), offset_of(form), offset_rows(form)

    @inline
    def put_offsets(axes, block, at, plan):
        for tap in range(offsets):
            store(plan.offsets, tap * pitch + at, offset(axes, tap, block))

    return put_offsets


@cache
def combine_of(form, fills, along):
    """Multiply the axes out: a window's start or all offsets, and a weight for every tap."""
    taps, pitch, places = taps_in_all(form), pitch_of(form), has_places(form)
    weight, outside = (change_of if along else weight_of)(form), outside_of(form)
    if along:
        outside = outside_change_of(form)
    put_places, put_offsets = put_places_of(form), put_offsets_of(form)

    @inline
    def combine(axes, block, at, plan, near, axis):
        put_offsets(axes, block, at, plan)
        if places and near:
            put_places(axes, block, at, plan)
        for tap in range(taps):
            store(plan.weights, tap * pitch + at, weight(tap, block))
        if fills:
            store(plan.fills, at, outside(block))

    return combine


@cache
def keep_axes_of(form, fills, along):
    """For slopes the axes stay apart: weights first, then slopes, axis by axis.

    A NaN along one axis must reach the slopes of all.
    """
    count, taps, pitch, put_offsets = form.axes, form.taps, pitch_of(form), put_offsets_of(form)
    rows = count * taps
    tap_of, inside_of = turned_of(form, along)

    @inline
    def fill_slope(block, a, axis):
        share = inside_of(block, a, axis)[1]
        for b in range(count):
            if b != a:
                share = share * inside_of(block, b, axis)[0]
        return 0.0 - share

    @inline
    def keep_axes(axes, block, at, plan, near, axis):
        put_offsets(axes, block, at, plan)
        for k in range(rows):
            weight, slope = tap_of(block, k, axis)
            if k % taps == 0:
                weight = weight + load(block.poison, 0)
                slope = slope + load(block.poison, 0)
            store(plan.weights, k * pitch + at, weight)
            store(plan.weights, (rows + k) * pitch + at, slope)
        if fills:
            for a in range(count):
                store(plan.fills, a * pitch + at, fill_slope(block, a, axis))

    return keep_axes


@cache
def leave_out_of(form, family):
    """Points that have no place: none of their taps weighs, all of the fill value does."""
    count, taps, fills, slopes = form.axes, form.taps, family == FILLING, bool(form.slopes)

    @inline
    def leave_out(block):
        outside = load(block.values, count * LANES) > 0.0
        for at in range(0, taps * LANES, LANES):
            store(block.tap_weights, at, where(outside, 0.0, load(block.tap_weights, at)))
            if slopes:
                store(block.tap_slopes, at, where(outside, 0.0, load(block.tap_slopes, at)))
        if not fills:
            for a in range(count):
                store(block.tap_fills, a * LANES, splat(0.0, block.tap_fills))
        store(block.tap_fills, 0, where(outside, 1.0, load(block.tap_fills, 0)))
        if slopes and fills:
            store(block.fill_slopes, 0, where(outside, 0.0, load(block.fill_slopes, 0)))

    return leave_out


@cache
def mark_of(form, source):
    """Plan 16 points of one tap, if each has its pixel: only where that is; say if it could be.

    And the same where they are known to have.

    That is so nearly everywhere: a matrix's plan takes 1.6 ns a point instead of 2.4 on Zen 1.
    Positions need not be kept before: neither a huge one nor NaN is an integer on an axis. `safe`
    is the last offset at which a pixel may be read; WIDE where every one may.
    """
    count, unkept, gaps = form.axes, unkept_of(source), source == PERSPECTIVE

    @inline
    def pixel(axes, values, a):
        return nearest_integers(unkept(axes[a], load(values, (count - 1 - a) * LANES)))

    @inline
    def pixels(axes, ends, values):
        """Offsets of the pixels, and whether there are all."""
        place = pixel(axes, values, 0)
        offsets, inside = place * ends.strides[0], all_on_axis(place, ends.lasts[0])
        if count > 1:
            place = pixel(axes, values, 1)
            offsets = offsets + place * ends.strides[1]
            inside = inside & all_on_axis(place, ends.lasts[1])
        if count > 2:
            place = pixel(axes, values, 2)
            offsets = offsets + place * ends.strides[2]
            inside = inside & all_on_axis(place, ends.lasts[2])
        if gaps:
            inside = inside & everywhere(load(values, count * LANES) == 0.0)
        return offsets, inside

    @inline
    def mark(axes, ends, safe, block, at, plan):
        done, (offsets, inside) = False, pixels(axes, ends, block.values)
        if inside and (safe == WIDE or everywhere(offsets <= splat(safe, offsets))):
            store(plan.offsets, at, offsets)
            plan.bases[at // LANES] = 0
            done = True
        return done

    @inline
    def put(axes, ends, block, at, plan):
        offsets, _ = pixels(axes, ends, block.values)
        store(plan.offsets, at, offsets)
        plan.bases[at // LANES] = 0

    return mark, put


@inline
def mark_readable(safe, at, plan):
    """Say of 16 points, not all of which have a pixel, if all may be read as if they had."""
    readable = everywhere(load(plan.offsets, at) <= safe)
    plan.bases[at // LANES] = 1 if readable else -1


@cache
def quick_of(form, family, real, source):
    """`locate` along all axes for 16 points of windows, if all of these are inside; say if so.

    See `mark_of`: one channel of 224x224 bytes through a matrix takes 0.25 ms instead of 0.31.
    Where a slope of two taps ends, at 0, is left out.
    """
    count, slopes, unkept = form.axes, bool(form.slopes), unkept_of(source)
    gaps = source == PERSPECTIVE
    fills, by_integers = gaps or family == FILLING, asks_integers(form, real)
    taps, before, put_weights = form.taps, max(form.taps // 2 - 1, 0), inside_of(form)

    @inline
    def as_nearest(whole, like):
        return nearest_integers(whole)

    start_of = as_nearest if by_integers else convert

    @inline
    def is_inside(p, whole, start, last):
        if by_integers:
            found = all_on_axis(start, last - 1)
        else:
            first = whole - before
            begun = p > 0.0 if slopes and taps == 2 else first >= 0.0
            found = everywhere(begun & (first < splat(last, whole)))
        return found

    @inline
    def along(axis, last, a, block):
        p = unkept(axis, load(block.values, (count - 1 - a) * LANES))
        whole, at = floor(p), a * taps * LANES
        x = convert(p - whole, block.tap_weights)
        start = start_of(whole, block.taps) - before
        store(block.taps, at, start)
        put_weights(axis, p, x, block, at)
        if fills:
            store(block.tap_fills, a * LANES, splat(0.0, x))
            store(block.fill_slopes, a * LANES, splat(0.0, x))
        return is_inside(p, whole, start, last)

    @inline
    def quick(axes, ends, block):
        inside = along(axes[0], ends.lasts[0], 0, block)
        if count > 1:
            inside = inside & along(axes[1], ends.lasts[1], 1, block)
        if count > 2:
            inside = inside & along(axes[2], ends.lasts[2], 2, block)
        if gaps:
            inside = inside & everywhere(load(block.values, count * LANES) == 0.0)
        store(block.poison, 0, splat(0.0, block.poison))
        return inside

    return quick


@cache
def columns_of(form, family, real, source, along, easy, inside=False, waiting=False):
    """Plan some columns of a tile's row.

    With `easy` what may be easy is tried first, and the rest left to a function of its own, so that
    it takes no registers: to that one coordinates are `waiting`, and not read again. `inside` are
    whole vectors of points that need no border rule.
    """
    read, count, marks = SOURCES[source](form.axes, real)[1], form.axes, has_marks(form)
    integer, number, work = OFFSETS[form.wide], VALUES[real], VALUES[form.work]
    places = (form.axes + 1) * LANES
    axis_lanes, tap_lanes = form.axes * LANES, form.axes * form.taps * LANES
    read_direction = DIRECTIONS[source](form.axes, real) if along else None
    locate = locate_of(form._replace(slopes=form.slopes + along), family, source)
    leave_out, gaps = leave_out_of(form, family), source == PERSPECTIVE
    fills = family == FILLING or (gaps and not form.slopes)
    combine = (keep_axes_of if form.slopes else combine_of)(form, fills, along)
    (mark, put_pixels), quick = mark_of(form, source), quick_of(form, family, real, source)
    with_care = None
    if easy:
        with_care = columns_of(form, family, real, source, along, False, waiting=True)
    read_inside = READ[source](form.axes, real) if inside else None
    ends_in, move = ends_of(form, real), move_of(form.axes + gaps)

    @inline
    def locate_all(axes, block):
        # Written out: a block's indices must be constants, whatever LLVM unrolls.
        locate(axes[0], 0, block)
        if count > 1:
            locate(axes[1], 1, block)
        if count > 2:
            locate(axes[2], 2, block)

    @inline
    def try_easy(near, axes, ends, safe, block, at, plan):
        if marks:
            found = near != 0 and mark(axes, ends, safe, block, at, plan)
        else:
            found = quick(axes, ends, block)
            if found:
                combine(axes, block, at, plan, near != 0, 0)
        return found

    @inline
    def put_inside(near, axes, ends, block, at, plan):
        if marks:
            put_pixels(axes, ends, block, at, plan)
        else:
            quick(axes, ends, block)
            combine(axes, block, at, plan, near != 0, 0)

    @jit
    def columns(job, axes, grid, directions, tile, row, first, last, safe, made, plan):
        # Made here: what an inlined function makes is dead, to LLVM, where that function ends.
        block = Block(
            local(places, number),
            local(tap_lanes, integer),
            local(tap_lanes, work),
            local(axis_lanes, work),
            local(tap_lanes, work),
            local(axis_lanes, work),
            local(tap_lanes, work),
            local(axis_lanes, work),
            local(axis_lanes, number),
            local(LANES, work),
        )
        at, near, ends = tile.home + row * tile.pad, job.near, ends_in(axes)
        for col in range(first, last, LANES):
            if inside:
                read_inside(axes, tile, col, made, block.values)
                put_inside(near, axes, ends, block, at + col, plan)
                continue
            if waiting:
                move(made.values, block.values)
            else:
                read(job, axes, grid, tile, row, col, made, block.values)
            if easy:
                if not try_easy(near, axes, ends, safe, block, at + col, plan):
                    move(block.values, made.values)
                    some = row, col, col + 1, safe, made, plan
                    with_care(job, axes, grid, directions, tile, *some)
            else:
                if along:
                    read_direction(job, axes, directions, tile, row, col, block.directions)
                store(block.poison, 0, splat(0.0, block.poison))
                locate_all(axes, block)
                if gaps:
                    leave_out(block)
                combine(axes, block, at + col, plan, near != 0, job.turned)
                if marks:
                    mark_readable(safe, at + col, plan)

    return columns


@cache
def rows_of(form, family, real, source, along):
    """Plan a tile's row, by parts where it is known which points are inside.

    Not of four taps, where the test is little of what a plan does, and its parts would take twice
    as long to compile.
    """
    has_inner = is_easy(form, family, source, along) and source in LINES_OF and form.taps < 4
    easy = is_easy(form, family, source, along) and not has_inner
    columns, marks = columns_of(form, family, real, source, along, easy), has_marks(form)
    if has_inner:
        span = span_of(source, form.axes, real, form.taps)
        inner = columns_of(form, family, real, source, along, False, inside=True)

    @inline
    def at_once(job, axes, grid, directions, tile, row, safe, made, plan):
        columns(job, axes, grid, directions, tile, row, 0, tile.cols, safe, made, plan)

    @inline
    def by_parts(job, axes, grid, directions, tile, row, safe, made, plan):
        begin, end = span(axes, tile, made, safe)
        if marks and job.near == 0:
            begin, end = 0, 0
        if begin < end:
            inner(job, axes, grid, directions, tile, row, begin, end, safe, made, plan)
        if begin > 0:
            columns(job, axes, grid, directions, tile, row, 0, begin, safe, made, plan)
        if end < tile.cols:
            columns(job, axes, grid, directions, tile, row, end, tile.cols, safe, made, plan)

    return by_parts if has_inner else at_once


@cache
def planner_of(form, family, real, source, along):
    """Offsets and weights of a tile."""
    begin, number, exact = SOURCES[source](form.axes, real)[0], VALUES[real], VALUES[8]
    places = (form.axes + 1) * LANES
    put_row = rows_of(form, family, real, source, along)

    @jit
    def run(job, axes, grid, directions, tile, safe, plan, scratch):
        field, noted = array_at(scratch, number, job.field), noted_in(scratch)
        made = Row(local(LINES, exact), field, noted, local(places, number))
        for row in range(tile.rows):
            begin(job, axes, grid, tile, row, made)
            put_row(job, axes, grid, directions, tile, row, safe, made, plan)

    return run


@cache
def plan_of(form, family, real, source, along):
    """The stage."""
    run, plan_at = planner_of(form, family, real, source, along), plan_in(form)
    axis, real_type, points = AXES[real], VALUES[real], plan_points(form)

    def plan(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, axis, STRIDES)
        tile, safe = tile_in(scratch, slot, points), job.input_whole - share_in(scratch).planes
        directions = array_at(grid_at, real_type, job.direction)
        grid, plan = array_at(grid_at, real_type, 0), plan_at(scratch)
        run(job, axes, grid, directions, tile, lesser(safe, WIDE), plan, scratch)

    return plan
