"""The stage `scatter`: the gradient of the input, the adjoint of the result.

Whoever adds to a pixel is one piece of work: it owns some channels' planes, or a band of their
rows, and takes the tiles in their order, so that the bits do not depend on the number of threads.
For bands the stage `reach` notes first which part of the input each tile touches.

Within a tile a plane takes the points in steps of `STRIDE`: in the points' order each addition of a
pair would wait for the store before it, which covers half of what it loads. Measured, ms at 6
degrees on 1x3x1080x1920, 1x64x128x128 and 16x256x32x32: steps of 1 27.2, 3.6, 15.1; of 8 15.1,
1.51, 6.9; of 16 15.3, 1.47, 7.2; of 19 15.5, 1.42, 6.9; of 37 16.0, 1.51, 7.3; of 101 17.4, 1.60,
8.5. (A step that divides the width of a small image meets the rows of taps again.)

Bands rather than private buffers: these would take a plane a thread, and time to sum.
"""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit, lesser
from ..kind import JOB, VALUES
from ..vectors.memory import add_unit, local, store_interleaved
from ..vectors.simd import LANES, absolute, load, store, where
from .prefetch import ask_of, ask_values
from .rows import row_values
from .scratch import behind, pitch_of, plan_in, plan_points, scatter_points, taps_in_all
from .tile import share_in, tile_in

STRIDE = 19


@cache
def read_weight_of(form):
    """The weight of a tap of 16 points; of axes that a plan keeps apart, the product."""
    count, taps, pitch = form.axes, form.taps, pitch_of(form)

    @inline
    def of_products(tap, plan, j):
        return load(plan.weights, tap * pitch + j)

    @inline
    def of_axes(tap, plan, j):
        product = load(plan.weights, ((count - 1) * taps + tap % taps) * pitch + j)
        for a in range(count - 2, -1, -1):  # the last axis first, as `plan.weight_of` does
            tap //= taps
            product = product * load(plan.weights, (a * taps + tap % taps) * pitch + j)
        return product

    return of_axes if form.slopes else of_products


@cache
def weigh_of(form, points):
    """A tile's weighted gradients to `results`: row by row of taps, point by point, tap by tap."""
    taps, rows = form.taps, taps_in_all(form) // form.taps
    work, weight_of = VALUES[form.work], read_weight_of(form)

    @inline
    def weighted(gradient, tap, plan, j):
        weight = weight_of(tap, plan, j)
        return where(absolute(weight) > 0.0, gradient * weight, 0.0)  # nothing where it is NaN

    @inline
    def put_row(gradient, row, plan, j, results, at):
        first = weighted(gradient, row * taps, plan, j)
        if taps == 1:
            store(results, at, first)
        elif taps == 2:
            second = weighted(gradient, row * taps + 1, plan, j)
            store_interleaved(results, at, (first, second))
        else:
            second = weighted(gradient, row * taps + 1, plan, j)
            third = weighted(gradient, row * taps + 2, plan, j)
            fourth = weighted(gradient, row * taps + 3, plan, j)
            store_interleaved(results, at, (first, second, third, fourth))

    @jit
    def weigh(job, gradient, at, tile, plan, results):
        vector = local(LANES, work)
        for line in range(tile.rows):
            start, to = at + line * job.out_row, line * tile.pad
            for col in range(0, tile.cols, LANES):
                left, place = tile.cols - col, start + col * job.out_col
                grad = row_values(gradient, place, job.out_col, left, vector)
                for row in range(rows):
                    j = to + col
                    put_row(grad, row, plan, tile.home + j, results, (row * points + j) * taps)

    return weigh


@cache
def adder_of(form, points):
    """Add a tile's weighted gradients to the plane from out[plane] on.

    `whole` says that all of it falls into the share; else what falls elsewhere is left out.
    """
    taps, rows, pitch = form.taps, taps_in_all(form) // form.taps, pitch_of(form)
    count, windows = form.axes, not form.scattered

    @inline
    def add_window(out, plane, offset, outer, inner, whole, share, plan, results, j):
        for row in range(rows):
            place = offset + row // taps * outer + row % taps * inner
            if whole or share.low <= place < share.high:
                add_unit(out, plane + place, results, (row * points + j) * taps, taps)

    @inline
    def add_scattered(out, plane, offset, outer, inner, whole, share, plan, results, j):
        for tap in range(rows * taps):
            place = plan.offsets[offset + tap * pitch]
            if whole or share.low <= place < share.high:
                at = (tap // taps * points + j) * taps + tap % taps
                add_unit(out, plane + place, results, at, 1)

    add_point = add_scattered if form.scattered else add_window

    @inline
    def add_points(strides, out, plane, whole, share, tile, period, plan, results):
        outer = strides[0] if count == 3 else 0
        inner = strides[count - 2] if count > 1 else 0
        points = tile.rows * tile.pad
        for begin in range(0, points, period):  # sample by sample: the order of one alone
            end = lesser(begin + period, points)
            for first in range(begin, lesser(begin + STRIDE, end)):
                for j in range(first, end, STRIDE):
                    offset = tile.home + j
                    if windows:
                        offset = plan.offsets[offset]
                    add_point(out, plane, offset, outer, inner, whole, share, plan, results, j)

    @jit
    def add(strides, out, plane, whole, share, tile, period, plan, results):
        if whole:
            add_points(strides, out, plane, True, share, tile, period, plan, results)
        else:
            add_points(strides, out, plane, False, share, tile, period, plan, results)

    return add


@cache
def scatter_of(form):
    """The stage; on plans of slopes, too, from which `over_samples` finds both gradients."""
    points = scatter_points(form)
    weigh, add, ask = weigh_of(form, points), adder_of(form, points), ask_of(form)
    plan_at, room, start, work = plan_in(form), plan_points(form), behind(form), VALUES[form.work]

    @inline
    def ask_channel(job, strides, gradient, out, c, tile, share, plan):
        ask(strides, out, share.planes + c * job.input_c, tile, plan)
        ask_values(job, gradient, tile.target + tile.n * job.out_n + c * job.out_c, tile)

    @jit
    def all_planes(job, strides, gradient, out, tile, share, plan, results):
        period = job.period if job.period else tile.rows * tile.pad
        for c in range(share.first, share.last):
            if job.next and c + 1 < share.last:
                ask_channel(job, strides, gradient, out, c + 1, tile, share, plan)
            at, plane = tile.target + tile.n * job.out_n + c * job.out_c, c * job.input_c
            weigh(job, gradient, at, tile, plan, results)
            add(strides, out, share.planes + plane, tile.whole, share, tile, period, plan, results)

    def scatter(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        gradient, out = array_at(image_at, work, 0), array_at(out_at, work, 0)
        share, plan, results = share_in(scratch), plan_at(scratch), array_at(scratch, work, start)
        if slot_after >= 0:
            after = tile_in(scratch, slot_after, room)
            ask_channel(job, strides, gradient, out, share.first, after, share, plan)
        if slot >= 0:
            tile = tile_in(scratch, slot, room)
            all_planes(job, strides, gradient, out, tile, share, plan, results)

    return scatter
