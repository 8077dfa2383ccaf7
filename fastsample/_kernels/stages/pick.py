"""The stages `pick` and `pick_pixels`: bits copied, where each point has one tap (`nearest`).

A plan's weight says what: 1 a pixel, 0 what lies outside, NaN what a point without a place gets.
Nothing is computed, so that they are compiled for an element's size, whatever it means.
"""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import greater, inline, jit, lesser
from ..kind import JOB, STORED, WIDTHS
from ..vectors.gathers import gather
from ..vectors.memory import load_first, prefetch, store_part
from ..vectors.pixels import FEW, gather_pixels
from ..vectors.simd import LANES, convert, load, splat, spread, where
from .fills import lost_in, outside_in
from .prefetch import ASKED, ASKED_PIXELS, ask_of
from .rows import put_pixels_of, put_row_of
from .scratch import plan_in, plan_points
from .tile import share_in, tile_in
from .turned import turned_of


@inline
def chosen(weight, value, outside, lost):
    """A vector's lanes, or what stands for them; `weight` has a lane for each."""
    return where(weight == 1.0, value, where(weight == 0.0, outside, lost))


@inline
def chosen_pixels(weights, values, outside, lost):
    """Four vectors, with a weight for each four lanes."""
    a, b, c, d = values
    a = chosen(spread(weights, 0), a, outside, lost)
    b = chosen(spread(weights, 1), b, outside, lost)
    c = chosen(spread(weights, 2), c, outside, lost)
    return a, b, c, chosen(spread(weights, 3), d, outside, lost)


@cache
def pick_of(form, value):
    """The stage for planes, all of a piece's channels.

    What comes after a plane is prefetched between its points: another plane of its tile
    (`job.next`), or the first one of the next tile. Measured on the photograph on Zen 5, times
    those of prefetching before: 0.70 to 0.82.
    """
    plan_at, points, stored = plan_in(form), plan_points(form), STORED[value]
    put, ask = put_row_of(stored), ask_of(form)

    @jit
    def plane_of(job, input, plane, out, at, tile, asks, ahead, away, plan, others):
        step, streamed, marked = job.out_col, job.stream != 0, job.near != 0
        outside, lost = splat(others[0], out), splat(others[1], out)
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            for left in range(tile.cols, 0, -LANES):
                if asks:
                    prefetch(input, ahead, plan.offsets, j + away, ASKED)
                found = gather(input, plane, plan.offsets, j)
                if not (marked and plan.bases[j // LANES] == 0):
                    found = chosen(load(plan.weights, j), found, outside, lost)
                put(out, to, step, streamed, left, found)
                to += LANES * step
                j += LANES

    @jit
    def all_planes(job, input, out, share, tile, after, asks, plan, outside, lost):
        ahead = plane = share.planes + share.first * job.input_c
        at = tile.target + tile.n * job.out_n + share.first * job.out_c
        for c in range(share.first, share.last):
            more = c + 1 < share.last
            asked = job.next != 0 if more else asks
            beyond, lies = (plane + job.input_c, 0) if more else (ahead, after.home - tile.home)
            others = outside[c * job.fill_step], lost[c * job.fill_step]
            plane_of(job, input, plane, out, at, tile, asked, beyond, lies, plan, others)
            plane += job.input_c
            at += job.out_c

    def pick(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        input, out = array_at(image_at, stored, 0), array_at(out_at, stored, 0)
        share, plan, asks = share_in(scratch), plan_at(scratch), slot_after >= 0
        after = tile_in(scratch, greater(slot_after, 0), points)
        if asks and slot < 0:
            ask(strides, input, share.planes + share.first * job.input_c, after, plan)
        if slot >= 0:
            tile = tile_in(scratch, slot, points)
            outside, lost = outside_in(job, strides_at), lost_in(job, strides_at)
            all_planes(job, input, out, share, tile, after, asks, plan, outside, lost)

    return pick


@cache
def few_of(stored, count):
    """Pick a tile's points, of two to four channels: 16 at a time, four of them a vector."""
    put, whole = put_pixels_of(stored, count), count != 3

    @jit
    def apply(job, strides, input, plane, out, at, tile, plan, others):
        outside, lost = convert(load(others[0], 0), out), convert(load(others[1], 0), out)
        step, streamed, marked = job.out_col, job.stream != 0, job.near != 0
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            for left in range(tile.cols, 0, -LANES):
                mark = plan.bases[j // LANES] if marked else -1
                if whole or mark >= 0:
                    found = gather_pixels(input, plane, plan.offsets, j, count, True)
                else:
                    found = gather_pixels(input, plane, plan.offsets, j, count, False)
                if mark != 0:
                    found = chosen_pixels(load(plan.weights, j), found, outside, lost)
                put(out, to, step, streamed, left, found)
                to += LANES * step
                j += LANES

    return apply


@cache
def channels_of(width):
    """So many channels of one point, of more than four, in a vector's first lanes."""

    @inline
    def value_of(input, at, weight, outside, lost, place):
        # Behind the last channel's bits there is room for a vector.
        if weight == 1.0:
            value = load_first(input, at, width, width)
        elif weight == 0.0:
            value = convert(load(outside, place), input)
        else:
            value = convert(load(lost, place), input)
        return value

    @inline
    def channels(job, strides, input, plane, out, plan, j, c, others):
        outside, lost = others
        is_there = job.near != 0 and plan.bases[j // LANES] == 0
        at, weight = plane + plan.offsets[j] + c, 1.0 if is_there else plan.weights[j]
        return value_of(input, at, weight, outside, lost, c * job.fill_step)

    return channels


@cache
def many_of(width):
    """Pick a tile's points, of more channels: one at a time."""
    some = channels_of(width)

    @jit
    def apply(job, strides, input, plane, out, at, tile, plan, others):
        channels = job.c
        for row in range(tile.rows):
            for col in range(tile.cols):
                j, to = tile.home + row * tile.pad + col, at + row * job.out_row + col * job.out_col
                for k in range(0, channels, width):
                    c = lesser(k, channels - width)  # the last ones may be among those before
                    found = some(job, strides, input, plane, out, plan, j, c, others)
                    store_part(out, to + c, found, width)

    return apply


@cache
def pick_pixels_of(form, value, last, planar):
    """The stage for neighbouring channels: all of a point at once."""
    stored = STORED[value]
    if last <= FEW:
        apply = few_of(stored, last)
    elif planar:
        apply = turned_of(channels_of(WIDTHS[last]), stored, WIDTHS[last])
    else:
        apply = many_of(WIDTHS[last])
    ask, plan_at, points = ask_of(form, ASKED_PIXELS), plan_in(form), plan_points(form)

    def pick_pixels(
        job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after
    ):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        input, out = array_at(image_at, stored, 0), array_at(out_at, stored, 0)
        plane, plan = share_in(scratch).planes, plan_at(scratch)
        if slot_after >= 0:
            ask(strides, input, plane, tile_in(scratch, slot_after, points), plan)
        if slot >= 0:
            tile = tile_in(scratch, slot, points)
            at = tile.target + tile.n * job.out_n
            others = outside_in(job, strides_at), lost_in(job, strides_at)
            apply(job, strides, input, plane, out, at, tile, plan, others)

    return pick_pixels
