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
from ..kind import AXES, FILLING, JOB, OFFSETS, STRIDES, VALUES, has_places
from ..vectors.memory import local
from ..vectors.simd import LANES, convert, everywhere, lane, load, splat, store, within
from .along import change_of, outside_change_of, turned_of
from .borders import to_pixel_of
from .coordinates import READ, READ_DIRECTIONS
from .scratch import offset_rows, pitch_of, plan_in, plan_points, taps_in_all
from .taps import SPLIT
from .tile import tile_in


class Block(NamedTuple):
    """One vector of points on its way; small enough to live in registers."""

    values: np.ndarray  # coordinates, an axis after the other, in the order of the grid
    taps: np.ndarray  # offset of tap k along axis a, or of the window, at (a * taps + k) * LANES
    tap_weights: np.ndarray  # its weight, at the same place
    tap_fills: np.ndarray  # the weight of what lies outside along axis a, at a * LANES
    tap_slopes: np.ndarray  # how the weights change with the coordinate
    fill_slopes: np.ndarray
    tap_curves: np.ndarray  # and how the slopes do
    fill_curves: np.ndarray
    directions: np.ndarray  # a point's, in the order of the grid
    poison: np.ndarray  # NaN where a coordinate is, else 0


@cache
def block_of(form, real):
    """How to make a block."""
    integer, real_type, work = OFFSETS[form.wide], VALUES[real], VALUES[form.work]
    axis_lanes, tap_lanes = form.axes * LANES, form.axes * form.taps * LANES

    @inline
    def block():
        return Block(
            local(axis_lanes, real_type),
            local(tap_lanes, integer),
            local(tap_lanes, work),
            local(axis_lanes, work),
            local(tap_lanes, work),
            local(axis_lanes, work),
            local(tap_lanes, work),
            local(axis_lanes, work),
            local(axis_lanes, real_type),
            local(LANES, work),
        )

    return block


@cache
def locate_of(form, family):
    """Taps and weights along axis a."""
    put_taps, to_pixel = SPLIT[form.taps](form, family), to_pixel_of(family)
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
def combine_of(form, family, along):
    """Multiply the axes out: a window's start or all offsets, and a weight for every tap."""
    taps, pitch, places = taps_in_all(form), pitch_of(form), has_places(form)
    weight, outside = (change_of if along else weight_of)(form), outside_of(form)
    if along:
        outside = outside_change_of(form)
    put_places, put_offsets, fills = put_places_of(form), put_offsets_of(form), family == FILLING

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
def keep_axes_of(form, family, along):
    """For slopes the axes stay apart: weights first, then slopes, axis by axis.

    A NaN along one axis must reach the slopes of all.
    """
    count, taps, pitch, put_offsets = form.axes, form.taps, pitch_of(form), put_offsets_of(form)
    rows, fills = count * taps, family == FILLING
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
def planner_of(form, family, real, source, along):
    """Offsets and weights of a tile."""
    read, new_block, count = READ[source](form.axes, real), block_of(form, real), form.axes
    read_direction = READ_DIRECTIONS[source](form.axes, real)
    locate = locate_of(form._replace(slopes=form.slopes + along), family)
    combine = (keep_axes_of if form.slopes else combine_of)(form, family, along)

    @inline
    def locate_all(axes, block):
        # Written out: a block's indices must be constants, whatever LLVM unrolls.
        locate(axes[0], 0, block)
        if count > 1:
            locate(axes[1], 1, block)
        if count > 2:
            locate(axes[2], 2, block)

    @jit
    def run(job, axes, grid, directions, tile, plan):
        block, near = new_block(), job.near != 0
        for row in range(tile.rows):
            at = tile.home + row * tile.pad
            for col in range(0, tile.cols, LANES):
                read(job, axes, grid, tile, row, col, block.values)
                if along:
                    read_direction(job, axes, directions, tile, row, col, block.directions)
                store(block.poison, 0, splat(0.0, block.poison))
                locate_all(axes, block)
                combine(axes, block, at + col, plan, near, job.turned)

    return run


@cache
def plan_of(form, family, real, source, along):
    """The stage."""
    run, plan_at = planner_of(form, family, real, source, along), plan_in(form)
    axis, real_type, points = AXES[real], VALUES[real], plan_points(form)

    def plan(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, axis, STRIDES)
        tile = tile_in(scratch, slot, points)
        directions = array_at(grid_at, real_type, job.direction)
        run(job, axes, array_at(grid_at, real_type, 0), directions, tile, plan_at(scratch))

    return plan
