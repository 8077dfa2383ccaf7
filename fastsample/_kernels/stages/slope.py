"""The stage `slope`: the gradient of the coordinates, a gather like the result.

A tile owns its points: it sums over the channels, and over the samples that share the grid, in
their order. The sums wait in scratch, from where `put_slopes` or `put_matrix` takes them; where
they are added to what is there, `take_slopes` begins them.
"""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit
from ..kind import AXES, JOB, STRIDES, VALUES
from ..vectors.memory import local
from ..vectors.simd import LANES, convert, load, multiply_add, splat, store, where
from .affine import add_up_of
from .coordinates import write_of
from .fills import fills_in
from .gather import fetch_of
from .prefetch import ask_of, ask_values
from .rows import row_values
from .scratch import behind, pitch_of, plan_in, plan_points
from .tile import tile_in, tiles_in_all
from .values import add_tap


@cache
def rows_of(form, fetch, read):
    """The value of one row of taps, and how it changes along the row.

    `fetch` reads the taps, `read` a number of the plan.
    """
    taps, pitch = form.taps, pitch_of(form)
    lanes, work = form.taps * LANES, VALUES[form.work]
    weights, slopes = (form.axes - 1) * taps, (2 * form.axes - 1) * taps

    @inline
    def along_row(strides, input, plane, row, plan, j):
        found = local(lanes, work)
        fetch(strides, input, plane, row, plan, j, found)
        value = slope = splat(0.0, input)
        for k in range(taps):
            tap = load(found, k * LANES)
            value = add_tap(value, tap, read(plan.weights, (weights + k) * pitch + j))
            slope = add_tap(slope, tap, read(plan.weights, (slopes + k) * pitch + j))
        return value, slope

    return along_row


@cache
def planes_of(form, fetch, read):
    """The value of taps x taps taps, and how it changes with x and with y.

    Rows are written out, as planes below: LLVM leaves as many a loop, whose vectors then lie in
    memory, a quarter more time for volumes.
    """
    along_row, taps, pitch = rows_of(form, fetch, read), form.taps, pitch_of(form)
    weights, slopes = (form.axes - 2) * taps, (2 * form.axes - 2) * taps

    @inline
    def add_row(strides, input, plane, first, k, plan, j, sums):
        value, by_x, by_y = sums
        row, row_slope = along_row(strides, input, plane, first * taps + k, plan, j)
        weight = read(plan.weights, (weights + k) * pitch + j)
        change = read(plan.weights, (slopes + k) * pitch + j)
        value, by_x = add_tap(value, row, weight), add_tap(by_x, row_slope, weight)
        return value, by_x, add_tap(by_y, row, change)

    @inline
    def across_rows(strides, input, plane, first, plan, j):
        zero = splat(0.0, input)
        sums = add_row(strides, input, plane, first, 0, plan, j, (zero, zero, zero))
        sums = add_row(strides, input, plane, first, 1, plan, j, sums)
        if taps > 2:
            sums = add_row(strides, input, plane, first, 2, plan, j, sums)
            sums = add_row(strides, input, plane, first, 3, plan, j, sums)
        return sums

    return across_rows


@cache
def slopes_of(form, fetch, read):
    """How 16 values change with each coordinate: stored in `found`, x first."""
    along_row, across_rows = rows_of(form, fetch, read), planes_of(form, fetch, read)
    taps, pitch = form.taps, pitch_of(form)

    @inline
    def in_signal(strides, input, plane, plan, j, found):
        store(found, 0, along_row(strides, input, plane, 0, plan, j)[1])

    @inline
    def in_image(strides, input, plane, plan, j, found):
        slopes = across_rows(strides, input, plane, 0, plan, j)
        store(found, 0, slopes[1])
        store(found, LANES, slopes[2])

    @inline
    def add_plane(strides, input, plane, k, plan, j, sums):
        by_x, by_y, by_z = sums
        value, slope_x, slope_y = across_rows(strides, input, plane, k, plan, j)
        weight = read(plan.weights, k * pitch + j)
        change = read(plan.weights, (3 * taps + k) * pitch + j)
        by_x, by_y = add_tap(by_x, slope_x, weight), add_tap(by_y, slope_y, weight)
        return by_x, by_y, add_tap(by_z, value, change)

    @inline
    def in_volume(strides, input, plane, plan, j, found):
        zero = splat(0.0, input)
        sums = add_plane(strides, input, plane, 0, plan, j, (zero, zero, zero))
        sums = add_plane(strides, input, plane, 1, plan, j, sums)
        if taps > 2:
            sums = add_plane(strides, input, plane, 2, plan, j, sums)
            sums = add_plane(strides, input, plane, 3, plan, j, sums)
        store(found, 0, sums[0])
        store(found, LANES, sums[1])
        store(found, 2 * LANES, sums[2])

    return {1: in_signal, 2: in_image, 3: in_volume}[form.axes]


@inline
def add_share(total, gradient, slope):
    """`add_tap` to a sum that is stored again.

    Chosen between two sums, it would be a masked store, which takes 16 cycles of Zen 1: slopes of
    8x3x256x256 take 8.7 ms on one core where they took 11.
    """
    return multiply_add(where(slope != 0.0, gradient, 0.0), slope, total)


@cache
def adder_of(form, paired, value):
    """Add one channel's share to the slopes of a tile's points."""
    slopes = slopes_of(form, fetch_of(form, paired, value), load)
    points, pitch = plan_points(form), pitch_of(form)
    count, lanes, work, last = form.axes, form.axes * LANES, VALUES[form.work], form.axes - 1

    @inline
    def with_fill(fill, plan, j, found):
        for a in range(count):
            i = (last - a) * LANES
            share = load(plan.fills, a * pitch + j)
            store(found, i, add_tap(load(found, i), splat(fill, share), share))

    @jit
    def add(job, strides, input, plane, gradient, at, tile, plan, sums, fill):
        found, vector = local(lanes, work), local(LANES, work)
        for row in range(tile.rows):
            start, to = at + row * job.out_row, row * tile.pad
            for col in range(0, tile.cols, LANES):
                j, left = tile.home + to + col, tile.cols - col
                grad = row_values(gradient, start + col * job.out_col, job.out_col, left, vector)
                slopes(strides, input, plane, plan, j, found)
                if job.fills:
                    with_fill(fill, plan, j, found)
                for i in range(count):
                    place = i * points + to + col
                    total = load(sums, place)
                    store(sums, place, add_share(total, grad, load(found, i * LANES)))

    return add


@cache
def clear_of(form):
    """Zeros to the sums of a tile's points."""
    count, points = form.axes, plan_points(form)

    @inline
    def clear(tile, sums):
        for i in range(count):
            for j in range(0, tile.rows * tile.pad, LANES):
                store(sums, i * points + j, splat(0.0, sums))

    return clear


@cache
def slope_of(form, paired, value):
    """The stage."""
    add, ask, clear = adder_of(form, paired, value), ask_of(form), clear_of(form)
    plan_at, points, start, work = plan_in(form), plan_points(form), behind(form), VALUES[form.work]

    @jit
    def all_planes(job, strides, input, gradient, tile, plan, sums, fills):
        for m in range(tile.n, tile.n + 1 if job.grids > 1 else job.n):
            plane, at = job.input_start + m * job.input_n, tile.target + m * job.out_n
            for c in range(job.c):
                if job.next and c + 1 < job.c:
                    ask(strides, input, plane + job.input_c, tile, plan)
                    ask_values(job, gradient, at + job.out_c, tile)
                fill = fills[c * job.fill_step]
                add(job, strides, input, plane, gradient, at, tile, plan, sums, fill)
                plane += job.input_c
                at += job.out_c

    def slope(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        input, gradient = array_at(image_at, work, 0), array_at(other_at, work, 0)
        plan, sums = plan_at(scratch), array_at(scratch, work, start)
        if slot_after >= 0:
            after = tile_in(scratch, slot_after, points)
            ask(strides, input, job.input_start + after.n * job.input_n, after, plan)
            ask_values(job, gradient, after.target + after.n * job.out_n, after)
        if slot >= 0:
            tile = tile_in(scratch, slot, points)
            if job.add == 0:
                clear(tile, sums)
            fills = fills_in(job, strides_at)
            all_planes(job, strides, input, gradient, tile, plan, sums, fills)

    return slope


@cache
def nearest_slope_of(form):
    """The stage for a single tap, whose slopes are all that there is: zeros and NaN, see `taps`."""
    count, last, points, pitch = form.axes, form.axes - 1, plan_points(form), pitch_of(form)
    plan_at, start, work = plan_in(form), behind(form), VALUES[form.work]

    def nearest_slope(
        job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after
    ):
        if slot >= 0:
            tile, plan = tile_in(scratch, slot, points), plan_at(scratch)
            sums = array_at(scratch, work, start)
            for i in range(count):
                for j in range(0, tile.rows * tile.pad, LANES):
                    found = load(plan.weights, (count + last - i) * pitch + tile.home + j)
                    store(sums, i * points + j, found)

    return nearest_slope


@inline
def slope_at(job, n, row, col):
    """Where the gradient of a point of the grid's sample n begins."""
    return job.slope_start + n * job.slope_n + (row * job.cols + col) * job.slope_col


@cache
def put_slopes_of(count, work, real):
    """The stage that writes a tile's sums to the gradient of the grid."""
    write, lanes, real_type, work_type = write_of(count), count * LANES, VALUES[real], VALUES[work]

    @jit
    def put(job, tile, out, sums):
        values = local(lanes, real_type)
        for row in range(tile.rows):
            for col in range(0, tile.cols, LANES):
                for i in range(count):
                    found = load(sums, i * job.sums_pitch + row * tile.pad + col)
                    store(values, i * LANES, convert(found, values))
                at, left = slope_at(job, tile.n, tile.row + row, tile.col + col), tile.cols - col
                write(out, at, job.slope_col, job.slope_axis, left, values, job.stream)

    def put_slopes(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job = array_at(job_at, JOB, 0)[0]
        out, sums = array_at(out_at, real_type, 0), array_at(scratch, work_type, job.sums)
        put(job, tile_in(scratch, slot, 0), out, sums)

    return put_slopes


@cache
def take_slopes_of(count, work, real):
    """The stage that begins a tile's sums with what is there to be added to."""
    real_type, work_type = VALUES[real], VALUES[work]

    def take_slopes(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, tile = array_at(job_at, JOB, 0)[0], tile_in(scratch, slot, 0)
        out, sums = array_at(out_at, real_type, 0), array_at(scratch, work_type, job.sums)
        for i in range(count):
            for row in range(tile.rows):
                at = slope_at(job, tile.n, tile.row + row, tile.col) + i * job.slope_axis
                to = i * job.sums_pitch + row * tile.pad
                for col in range(tile.cols):
                    sums[to + col] = out[at + col * job.slope_col]

    return take_slopes


@cache
def put_matrix_of(count, work, real):
    """The stage that writes a tile's share of its matrix's gradient."""
    add_up, shares, axis = add_up_of(count, real), count * (count + 1), AXES[real]
    exact, work_type = VALUES[8], VALUES[work]

    def put_matrix(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, axis, STRIDES)
        out, sums = array_at(out_at, exact, 0), array_at(scratch, work_type, job.sums)
        tile = tile_in(scratch, slot, 0)
        to = (tile.n * tiles_in_all(job) + tile.t) * shares
        add_up(axes, sums, job.sums_pitch, tile, out, to)

    return put_matrix
