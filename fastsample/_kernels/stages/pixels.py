"""The stage `pixels`: `sample` where an input's and a result's channels are neighbours in memory.

Two to four channels: 16 points at a time, four of them a vector, each point taking four lanes; for
bytes see `byte_pixels`. More: a point at a time, its channels in vectors. Each value is summed in
the order of `gather`, so that the layout does not change a bit.
"""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit, lesser
from ..kind import JOB, STORED, VALUES, WIDE, WIDTHS, sums_bytes, sums_floats
from ..vectors.memory import load_first, local, store_part
from ..vectors.pixels import FEW, gather_pixel_pairs, gather_pixels, sum_pixel_pairs
from ..vectors.simd import LANES, convert, everywhere, load, splat, spread, store
from .byte_pixels import bytes_of
from .fills import fills_in
from .prefetch import ASKED_PIXELS, ask_of, shift_of
from .rows import put_pixels_of
from .scratch import pitch_of, plan_in, plan_points, taps_in_all
from .tile import share_in, tile_in
from .turned import turned_of
from .values import add_tap as add_fill  # infinite fills come among integers, too
from .values import add_tap_of, narrow_of, widen_of


@inline
def set_all(value, totals):
    """Four vectors alike."""
    for k in range(FEW):
        store(totals, k * LANES, value)


@cache
def add_few_of(add_tap):
    """Add four vectors, of one weight a point, to four totals."""

    @inline
    def add(weights, values, totals):
        a, b, c, d = values
        store(totals, 0, add_tap(load(totals, 0), a, spread(weights, 0)))
        store(totals, LANES, add_tap(load(totals, LANES), b, spread(weights, 1)))
        store(totals, 2 * LANES, add_tap(load(totals, 2 * LANES), c, spread(weights, 2)))
        store(totals, 3 * LANES, add_tap(load(totals, 3 * LANES), d, spread(weights, 3)))

    return add


@cache
def add_stored_of(value):
    """The same for vectors of the input's type."""
    widen, add = widen_of(value), add_few_of(add_tap_of(value))

    @inline
    def add_stored(weights, values, totals):
        a, b, c, d = values
        wide = widen(a, totals), widen(b, totals), widen(c, totals), widen(d, totals)
        add(weights, wide, totals)

    return add_stored


@cache
def few_row_of(form, is_paired, value, count, whole):
    """Add one row of taps; `whole` may read a lane or two beyond a pixel."""
    taps, pitch, last = form.taps, pitch_of(form), form.axes - 1
    shift, add = shift_of(form), add_stored_of(value)

    @inline
    def scattered(strides, input, plane, row, plan, j, totals):
        for k in range(taps):
            at = (row * taps + k) * pitch + j
            values = gather_pixels(input, plane, plan.offsets, at, count, whole)
            add(load(plan.weights, at), values, totals)

    @inline
    def in_window(strides, input, plane, row, plan, j, totals):
        first, step = plane + shift(row, strides), strides[last]
        for k in range(taps):
            values = gather_pixels(input, first + k * step, plan.offsets, j, count, whole)
            add(load(plan.weights, (row * taps + k) * pitch + j), values, totals)

    @inline
    def paired(strides, input, plane, row, plan, j, totals):
        first = plane + shift(row, strides)
        for k in range(0, taps, 2):
            at, tap = first + k * count, row * taps + k
            a, b, c, d, e, f, g, h = gather_pixel_pairs(input, at, plan.offsets, j, count, whole)
            add(load(plan.weights, tap * pitch + j), (a, b, c, d), totals)
            add(load(plan.weights, (tap + 1) * pitch + j), (e, f, g, h), totals)

    if form.scattered:
        return scattered
    return paired if is_paired else in_window


@cache
def few_rows_of(form, paired, value, count, whole):
    """All taps of 16 points: to `totals`, four points a vector."""
    taps, rows = form.taps, taps_in_all(form) // form.taps
    add_row = few_row_of(form, paired, value, count, whole)

    @inline
    def add_rows(strides, input, plane, plan, j, sums, totals):
        zeros = splat(0.0, totals)
        set_all(zeros, totals)
        for row in range(rows):
            if taps < 4:
                add_row(strides, input, plane, row, plan, j, totals)
            else:  # as `gather` does, to the bit
                set_all(zeros, sums)
                add_row(strides, input, plane, row, plan, j, sums)
                for k in range(FEW):
                    store(totals, k * LANES, load(totals, k * LANES) + load(sums, k * LANES))

    return add_rows


@cache
def float_rows_of(form, count):
    """The same for pairs of pixels of float32, which are read whole, a point after the other.

    A weight comes to its four lanes from memory. `spread` crosses halves of registers: four
    channels of 224x224 points took one core of Zen 1 0.67 ms and take 0.61.
    """
    rows, pitch, shift = taps_in_all(form) // form.taps, pitch_of(form), shift_of(form)

    @inline
    def add_rows(strides, input, plane, plan, j, sums, totals):
        steps = local(rows, np.int64)
        for r in range(rows):
            steps[r] = shift(r, strides)
        a, b, c, d = sum_pixel_pairs(
            input, plane, steps, plan.offsets, j, plan.weights, j, pitch, rows, count
        )
        store(totals, 0, a)
        store(totals, LANES, b)
        store(totals, 2 * LANES, c)
        store(totals, 3 * LANES, d)

    return add_rows


@cache
def few_of(form, paired, value, count):
    """Sample a tile's points, of two to four channels."""
    lanes, work, exact = FEW * LANES, VALUES[form.work], count != 3
    by_floats = sums_floats(form, paired, value, count)
    add_whole = few_rows_of(form, paired, value, count, True)
    if by_floats:
        add_whole = float_rows_of(form, count)
    add_exactly = few_rows_of(form, paired, value, count, False)
    add, put, dense = add_few_of(add_fill), put_pixels_of(STORED[value], count), not form.scattered
    narrow = narrow_of(value)

    @inline
    def narrowed(fill, out, totals):
        a, b = load(totals, 0), load(totals, LANES)
        c, d = load(totals, 2 * LANES), load(totals, 3 * LANES)
        a, b = narrow(a, fill, out), narrow(b, fill, out)
        return a, b, narrow(c, fill, out), narrow(d, fill, out)

    @inline
    def add_rows(strides, input, plane, safe, plan, j, sums, totals):
        if exact or (dense and everywhere(load(plan.offsets, j) <= safe)):
            add_whole(strides, input, plane, plan, j, sums, totals)
        else:
            add_exactly(strides, input, plane, plan, j, sums, totals)

    @jit
    def apply(job, strides, input, plane, out, at, tile, plan, numbers):
        sums, totals = local(lanes, work), local(lanes, work)
        safe = lesser(job.input_whole - plane, WIDE)
        fills, step, streamed = job.fills != 0, job.out_col, job.stream != 0
        fill = convert(load(numbers, 0), totals)
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            for col in range(0, tile.cols, LANES):
                add_rows(strides, input, plane, safe, plan, j + col, sums, totals)
                if fills:
                    add(load(plan.fills, j + col), (fill, fill, fill, fill), totals)
                values = narrowed(fill, out, totals)
                put(out, to + col * step, step, streamed, tile.cols - col, values)

    return apply


@cache
def channels_of(form, value, width):
    """So many channels of one point, of more than four: in a vector's first lanes, rounded."""
    taps, rows, pitch = form.taps, taps_in_all(form) // form.taps, pitch_of(form)
    scattered, last, shift = bool(form.scattered), form.axes - 1, shift_of(form)
    widen, narrow, add_tap = widen_of(value), narrow_of(value), add_tap_of(value)

    @inline
    def fetch(strides, input, plane, row, k, plan, j):
        if scattered:
            at = plane + plan.offsets[(row * taps + k) * pitch + j]
        else:
            at = plane + plan.offsets[j] + shift(row, strides) + k * strides[last]
        return load_first(input, at, width, width)

    @inline
    def add_row(strides, input, plane, row, plan, j, total):
        for k in range(taps):
            weight = splat(plan.weights[(row * taps + k) * pitch + j], total)
            value = fetch(strides, input, plane, row, k, plan, j)
            total = add_tap(total, widen(value, total), weight)
        return total

    @inline
    def channels(job, strides, input, plane, out, plan, j, c, numbers):
        # Behind the last fill there is room for a vector.
        fill = convert(load(numbers, c * job.fill_step), plan.weights)
        total = splat(0.0, plan.weights)
        for row in range(rows):
            if taps < 4:
                total = add_row(strides, input, plane + c, row, plan, j, total)
            else:  # as `gather` does, to the bit
                zero = splat(0.0, plan.weights)
                total = total + add_row(strides, input, plane + c, row, plan, j, zero)
        if job.fills:
            total = add_fill(total, fill, splat(plan.fills[j], total))
        return narrow(total, fill, out)

    return channels


@cache
def many_of(form, value, width):
    """Sample a tile's points, of more channels."""
    some = channels_of(form, value, width)

    @jit
    def apply(job, strides, input, plane, out, at, tile, plan, numbers):
        channels = job.c
        for row in range(tile.rows):
            for col in range(tile.cols):
                j, to = tile.home + row * tile.pad + col, at + row * job.out_row + col * job.out_col
                for k in range(0, channels, width):
                    c = lesser(k, channels - width)  # the last ones may be among those before
                    found = some(job, strides, input, plane, out, plan, j, c, numbers)
                    store_part(out, to + c, found, width)

    return apply


@cache
def pixels_of(form, paired, value, last, planar):
    """The stage: all channels of a point at once."""
    if last <= FEW and sums_bytes(form, paired, value):
        apply = bytes_of(form, last)
    elif last <= FEW:
        apply = few_of(form, paired, value, last)
    elif planar:
        width = WIDTHS[last]
        apply = turned_of(channels_of(form, value, width), STORED[value], width)
    else:
        apply = many_of(form, value, WIDTHS[last])
    ask, plan_at, points = ask_of(form, ASKED_PIXELS), plan_in(form), plan_points(form)
    stored = STORED[value]

    def pixels(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        input, out = array_at(image_at, stored, 0), array_at(out_at, stored, 0)
        plane, plan = share_in(scratch).planes, plan_at(scratch)
        if slot_after >= 0:
            ask(strides, input, plane, tile_in(scratch, slot_after, points), plan)
        if slot >= 0:
            tile = tile_in(scratch, slot, points)
            at = tile.target + tile.n * job.out_n
            apply(job, strides, input, plane, out, at, tile, plan, fills_in(job, strides_at))

    return pixels
