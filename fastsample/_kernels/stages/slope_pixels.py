"""The stage `slope_pixels`: `slope` where an input's channels are neighbours in memory.

Slopes of 16 points and some channels are squares, one for each axis. Turned, they are the vectors
that `slope` gathers from a plane, and are summed in its order, so that the layout does not change a
bit.
"""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit, lesser
from ..kind import JOB, VALUES, WIDTHS
from ..vectors.memory import load_first, local
from ..vectors.simd import LANES, SQUARE, load, splat, store, turn
from .fills import fills_in
from .prefetch import ASKED_PIXELS, ask_of, ask_values, shift_of
from .rows import row_values
from .scratch import behind, pitch_of, plan_in, plan_points
from .slope import clear_of, slopes_of
from .tile import tile_in
from .values import add_tap


@cache
def fetch_of(form, width):
    """Read one row of taps of a point, so many channels each, as `gather.fetch_of` does of 16."""
    taps, pitch, last, shift = form.taps, pitch_of(form), form.axes - 1, shift_of(form)

    @inline
    def in_window(strides, input, plane, row, plan, j, found):
        first, step = plane + plan.offsets[j] + shift(row, strides), strides[last]
        for k in range(taps):
            store(found, k * LANES, load_first(input, first + k * step, width, width))

    @inline
    def scattered(strides, input, plane, row, plan, j, found):
        for k in range(taps):
            at = plane + plan.offsets[(row * taps + k) * pitch + j]
            store(found, k * LANES, load_first(input, at, width, width))

    return scattered if form.scattered else in_window


@inline
def spread_at(array, at):
    """One number in all lanes."""
    return splat(array[at], array)


@cache
def gradient_of(work, width):
    """The result's gradient at up to 16 points: a vector of them for each of so many channels."""

    @inline
    def from_pixels(gradient, at, step, left, points, planes):
        for i in range(LANES):
            store(points, i * LANES, splat(0.0, points))
        for i in range(lesser(left, LANES)):
            store(points, i * LANES, load_first(gradient, at + i * step, width, width))
        turn(points, 0, planes, 0)

    @inline
    def from_planes(gradient, at, step, channel, left, vector, planes):
        for i in range(width):
            value = row_values(gradient, at + i * channel, step, left, vector)
            store(planes, i * LANES, value)

    @jit
    def fetch(job, gradient, at, left, points, planes):
        vector = local(LANES, work)
        if job.out_c == 1:
            from_pixels(gradient, at, job.out_col, left, points, planes)
        else:
            from_planes(gradient, at, job.out_col, job.out_c, left, vector, planes)

    return fetch


@cache
def adder_of(form, width):
    """Add some channels' shares, from c on, to the slopes of 16 points."""
    count, pitch, last, work = form.axes, pitch_of(form), form.axes - 1, VALUES[form.work]
    points_in_all = plan_points(form)
    slopes = slopes_of(form, fetch_of(form, width), spread_at)
    lanes = count * LANES

    @inline
    def squares(strides, input, plane, plan, j, points, planes):
        found = local(lanes, work)
        for i in range(LANES):
            slopes(strides, input, plane, plan, j + i, found)
            for a in range(count):
                store(points, a * SQUARE + i * LANES, load(found, a * LANES))
        for a in range(count):
            turn(points, a * SQUARE, planes, a * SQUARE)

    @inline
    def share_of(job, plan, j, a, value, fill):
        if job.fills:
            share = load(plan.fills, (last - a) * pitch + j)
            value = add_tap(value, splat(fill, share), share)
        return value

    @inline
    def add(job, strides, input, plane, plan, j, c, skipped, squared, sums, to, fills):
        points, planes, gradients = squared
        squares(strides, input, plane + c, plan, j, points, planes)
        for a in range(count):
            total = load(sums, a * points_in_all + to)
            for i in range(skipped, width):
                value, fill = load(planes, a * SQUARE + i * LANES), fills[(c + i) * job.fill_step]
                value = share_of(job, plan, j, a, value, fill)
                total = add_tap(total, load(gradients, i * LANES), value)
            store(sums, a * points_in_all + to, total)

    return add


@cache
def slope_pixels_of(form, last):
    """The stage, of more than four channels."""
    width, work, count = WIDTHS[last], VALUES[form.work], form.axes
    fetch, add, clear = gradient_of(work, width), adder_of(form, width), clear_of(form)
    ask, plan_at = ask_of(form, ASKED_PIXELS), plan_in(form)
    points_in_all, start, squares = plan_points(form), behind(form), count * SQUARE

    @jit
    def sample_of(job, strides, input, plane, gradient, at, tile, plan, sums, fills):
        points, planes, gradients = (
            local(squares, work),
            local(squares, work),
            local(SQUARE, work),
        )
        squared = points, planes, gradients
        for row in range(tile.rows):
            place, to = at + row * job.out_row, row * tile.pad
            for col in range(0, tile.cols, LANES):
                for k in range(0, job.c, width):
                    c = lesser(k, job.c - width)  # the last ones may be among those before
                    first = place + col * job.out_col + c * job.out_c
                    fetch(job, gradient, first, tile.cols - col, points, gradients)
                    j, to_col = tile.home + to + col, to + col
                    add(
                        job, strides, input, plane, plan, j, c, k - c, squared, sums, to_col, fills
                    )  # fmt: skip

    def slope_pixels(
        job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after
    ):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        input, gradient = array_at(image_at, work, 0), array_at(other_at, work, 0)
        plan, sums = plan_at(scratch), array_at(scratch, work, start)
        if slot_after >= 0:
            after = tile_in(scratch, slot_after, points_in_all)
            ask(strides, input, job.input_start + after.n * job.input_n, after, plan)
            ask_values(job, gradient, after.target + after.n * job.out_n, after)
        if slot >= 0:
            tile, fills = tile_in(scratch, slot, points_in_all), fills_in(job, strides_at)
            if job.add == 0:
                clear(tile, sums)
            for m in range(tile.n, tile.n + 1 if job.grids > 1 else job.n):
                plane, at = job.input_start + m * job.input_n, tile.target + m * job.out_n
                sample_of(job, strides, input, plane, gradient, at, tile, plan, sums, fills)

    return slope_pixels
