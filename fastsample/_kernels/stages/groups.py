"""The stage `groups`: `scatter` over many channels, 16 at a time, a pixel's sums in one vector.

A tap of a point is one addition for 16 channels, where planes by themselves take one each. What
comes and what goes is turned: 16 channels' values of 16 points, rows as columns. The additions to a
pixel are in the order of the points, whatever the threads.

The sums wait in scratch, and of planes too large for it in bands of rows. Measured on one core of
Zen 5 beside planes by themselves, ms at 6 degrees: 16x256x32x32 3.4 and 7.7, 1x64x128x128 0.70 and
1.50, 1x256x200x304 22 and 32, 1x16x512x512 6.0 and 12.6 (at 45 degrees 9.4 and 19.5). From six
channels on it pays (8x6x128x128 1.12 and 1.26), with four it costs (8x4x256x256 5.5 and 4.4).
"""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit, lesser
from ..kind import JOB, VALUES
from ..vectors.memory import load_first, local, prefetch_at, store_first
from ..vectors.simd import LANES, SQUARE, everywhere, load, splat, store, turn
from .prefetch import shift_of
from .rows import row_values
from .scratch import behind, pitch_of, plan_in, plan_points, taps_in_all
from .tile import blocks, share_in, tile_in


@inline
def sums_of_channel(share):
    """How many sums a channel has: one for each pixel of the share, in whole vectors."""
    return blocks(share.high - share.low, LANES) * LANES


@cache
def fetch_of(form):
    """A row's values at 16 points, of up to 16 channels, turned: point by point."""
    work = VALUES[form.work]

    @inline
    def fetch(gradient, at, step, channel, count, left, values):
        rows, vector = local(SQUARE, work), local(LANES, work)
        for c in range(LANES):
            store(rows, c * LANES, splat(0.0, rows))
        for c in range(count):
            value = row_values(gradient, at + c * channel, step, left, vector)
            store(rows, c * LANES, value)
        turn(rows, 0, values, 0)

    return fetch


@cache
def adder_of(form):
    """Add a tile's weighted gradients to the sums from sums[home] on."""
    taps, rows, pitch = form.taps, taps_in_all(form) // form.taps, pitch_of(form)
    fetch, shift, work = fetch_of(form), shift_of(form), VALUES[form.work]

    @inline
    def add_tap(gradient, weight, sums, at):
        if abs(weight) > 0.0:  # nothing where it is NaN
            more = gradient * splat(weight, gradient)
            store(sums, at, load(sums, at) + more)

    @inline
    def add_point(strides, gradient, home, whole, share, plan, sums, j):
        for row in range(rows):
            place = plan.offsets[j] + shift(row, strides)
            if whole or share.low <= place < share.high:
                for tap in range(taps):
                    weight = plan.weights[(row * taps + tap) * pitch + j]
                    at = home + (place + tap - share.low) * LANES
                    add_tap(gradient, weight, sums, at)

    @inline
    def elsewhere(strides, share, plan, j):
        first = load(plan.offsets, j)
        return everywhere((first + shift(rows - 1, strides) < share.low) | (first >= share.high))

    @jit
    def add(job, strides, gradient, at, count, home, share, tile, plan, sums):
        values, whole = local(SQUARE, work), tile.whole != 0
        for line in range(tile.rows):
            start, j = at + line * job.out_row, tile.home + line * tile.pad
            for col in range(0, tile.cols, LANES):
                place, left = start + col * job.out_col, tile.cols - col
                if not whole and elsewhere(strides, share, plan, j + col):
                    continue
                fetch(gradient, place, job.out_col, job.out_c, count, left, values)
                for k in range(lesser(left, LANES)):
                    value = load(values, k * LANES)
                    add_point(strides, value, home, whole, share, plan, sums, j + col + k)

    return add


@jit
def ask(job, gradient, at, count, tile):
    """Prefetch what `add` will read."""
    for line in range(tile.rows):
        start = at + line * job.out_row
        for col in range(0, tile.cols, LANES):
            for c in range(count):
                prefetch_at(gradient, start + col * job.out_col + c * job.out_c)


@cache
def putter_of(form):
    """Put a group's sums to its planes, or add them there."""
    work = VALUES[form.work]

    @jit
    def put(job, out, plane, count, home, share, sums):
        values = local(SQUARE, work)
        for p in range(share.low, share.high, LANES):
            turn(sums, home + (p - share.low) * LANES, values, 0)
            left = share.high - p
            for c in range(count):
                at, value = plane + c * job.input_c + p, load(values, c * LANES)
                if job.add:
                    value = value + load_first(out, at, left, LANES)
                if left >= LANES:
                    store(out, at, value)
                else:
                    store_first(out, at, value, left, LANES)

    return put


@cache
def groups_of(form):
    """The stage."""
    add, plan_at = adder_of(form), plan_in(form)
    points, start, work = plan_points(form), behind(form), VALUES[form.work]

    @jit
    def all_groups(job, strides, gradient, tile, share, plan, sums):
        size = sums_of_channel(share)
        for first in range(share.first, share.last, LANES):
            count, home = lesser(LANES, share.last - first), (first - share.first) * size
            at = tile.target + tile.n * job.out_n + first * job.out_c
            if first + LANES < share.last:
                more = lesser(LANES, share.last - first - LANES)
                ask(job, gradient, at + LANES * job.out_c, more, tile)
            add(job, strides, gradient, at, count, home, share, tile, plan, sums)

    def groups(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        gradient, sums = array_at(image_at, work, 0), array_at(scratch, work, start)
        tile, share = tile_in(scratch, slot, points), share_in(scratch)
        all_groups(job, strides, gradient, tile, share, plan_at(scratch), sums)

    return groups


@cache
def put_groups_of(form):
    """The stage that puts the sums of all channels to their planes."""
    put, start, work = putter_of(form), behind(form), VALUES[form.work]

    def put_groups(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, out = array_at(job_at, JOB, 0)[0], array_at(out_at, work, 0)
        share, sums = share_in(scratch), array_at(scratch, work, start)
        size = sums_of_channel(share)
        for first in range(share.first, share.last, LANES):
            count, home = lesser(LANES, share.last - first), (first - share.first) * size
            put(job, out, share.planes + first * job.input_c, count, home, share, sums)

    return put_groups
