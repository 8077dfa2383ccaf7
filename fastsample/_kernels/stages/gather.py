"""Taps and weights to values: 16 at a time, of one plane."""

from functools import cache

from ..compiler.jit import inline
from ..kind import VALUES, has_places
from ..vectors.gathers import gather, gather_pairs, gather_quads
from ..vectors.memory import local
from ..vectors.simd import LANES, load, permuted, splat, store, where
from .prefetch import shift_of
from .scratch import pitch_of, taps_in_all
from .values import add_tap as add_fill  # infinite fills come among integers, too
from .values import add_tap_of, widen_of


@cache
def fetch_of(form, paired_in_memory, value):
    """Read one row of taps of 16 points from the plane at input[plane]: into `found`, tap by tap.

    The digits of `row` choose a tap on each axis but the last, along which the row runs.
    """
    taps, pitch, last = form.taps, pitch_of(form), form.axes - 1
    shift, widen = shift_of(form), widen_of(value)

    @inline
    def paired(strides, input, plane, row, plan, j, found):
        first = plane + shift(row, strides)
        if taps == 1:
            store(found, 0, widen(gather(input, first, plan.offsets, j), found))
        elif taps == 2:
            left, right = gather_pairs(input, first, plan.offsets, j)
            store(found, 0, widen(left, found))
            store(found, LANES, widen(right, found))
        else:
            a, b, c, d = gather_quads(input, first, plan.offsets, j)
            store(found, 0, widen(a, found))
            store(found, LANES, widen(b, found))
            store(found, 2 * LANES, widen(c, found))
            store(found, 3 * LANES, widen(d, found))

    @inline
    def in_window(strides, input, plane, row, plan, j, found):
        first, step = plane + shift(row, strides), strides[last]
        for k in range(taps):
            value = gather(input, first + k * step, plan.offsets, j)
            store(found, k * LANES, widen(value, found))

    @inline
    def scattered(strides, input, plane, row, plan, j, found):
        for k in range(taps):
            at = (row * taps + k) * pitch + j
            store(found, k * LANES, widen(gather(input, plane, plan.offsets, at), found))

    if form.scattered:
        return scattered
    return paired if paired_in_memory else in_window


@cache
def sampler_of(form, paired, value):
    """16 values of one plane."""
    taps, rows, pitch = form.taps, taps_in_all(form) // form.taps, pitch_of(form)
    fetch, lanes, work = fetch_of(form, paired, value), form.taps * LANES, VALUES[form.work]
    add_tap = add_tap_of(value)

    @inline
    def add_row(row, found, plan, j, total):
        for k in range(taps):
            weight = load(plan.weights, (row * taps + k) * pitch + j)
            total = add_tap(total, load(found, k * LANES), weight)
        return total

    @inline
    def sample(job, strides, input, plane, plan, j, fill, fills):
        found = local(lanes, work)
        total = splat(0.0, found)
        for row in range(rows):
            fetch(strides, input, plane, row, plan, j, found)
            if taps < 4:
                total = add_row(row, found, plan, j, total)
            else:  # a sum for each row: a chain of 16 additions would be waited for
                total = total + add_row(row, found, plan, j, splat(0.0, found))
        if fills:
            total = add_fill(total, fill, load(plan.fills, j))
        return total

    return sample


@cache
def near_of(form, value):
    """16 values of points near each other, whose places `plan.put_places_of` has written.

    Windows begin in one of three rows. Of each row a stretch of 32 pixels, two vectors, holds all
    taps: a tap of 16 points is one permutation, where a gather takes as long as eight. Sums are
    those of `sampler_of`, to the bit.
    """
    taps, pitch, work = form.taps, pitch_of(form), VALUES[form.work]
    add_tap, widen = add_tap_of(value), widen_of(value)
    columns = taps * LANES
    lanes = 3 * columns

    @inline
    def read_row(input, first, places, found, row):
        low, high = widen(load(input, first), found), widen(load(input, first + LANES), found)
        for k in range(taps):
            store(found, row % 3 * columns + k * LANES, permuted(low, high, places + k))

    @inline
    def tap_at(found, row, k, second, third):
        a = load(found, row % 3 * columns + k * LANES)
        b = load(found, (row + 1) % 3 * columns + k * LANES)
        c = load(found, (row + 2) % 3 * columns + k * LANES)
        return where(third, c, where(second, b, a))

    @inline
    def add_row(found, row, second, third, plan, j, total):
        for k in range(taps):
            weight = load(plan.weights, (row * taps + k) * pitch + j)
            total = add_tap(total, tap_at(found, row, k, second, third), weight)
        return total

    @inline
    def near(strides, input, first, plan, j, fill, fills):
        found, step, places = local(lanes, work), strides[0], load(plan.places, j)
        second, third = places >= 2 * LANES, places >= 4 * LANES
        total = splat(0.0, found)
        for row in range(2):
            read_row(input, first + row * step, places, found, row)
        for row in range(taps):
            read_row(input, first + (row + 2) * step, places, found, row + 2)
            if taps < 4:
                total = add_row(found, row, second, third, plan, j, total)
            else:
                total = total + add_row(found, row, second, third, plan, j, splat(0.0, found))
        if fills:
            total = add_fill(total, fill, load(plan.fills, j))
        return total

    return near


@cache
def values_of(form, paired, value):
    """16 values, by stretches of rows where that can be."""
    sample = sampler_of(form, paired, value)
    if not (paired and has_places(form)):
        return sample
    near = near_of(form, value)

    @inline
    def choose(job, strides, input, plane, plan, j, fill, fills):
        base = plan.bases[j // LANES]
        if base >= 0 and plane + base <= job.input_near:
            value = near(strides, input, plane + base, plan, j, fill, fills)
        else:
            value = sample(job, strides, input, plane, plan, j, fill, fills)
        return value

    return choose
