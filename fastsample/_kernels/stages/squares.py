"""The stage `squares`: gradients through 2 x 2 taps, which are taken as one vector of four.

Of each tap of a point it sums the gradients of the result times what is there, over some channels,
and finds the slopes from these sums once for all of them. The fill value is one tap more. Where it
`adds`, the gradient of the input takes the same offsets and factors, in the order of `scatter`, and
so has the same bits.

Both are loops of their own, over a tile. In one loop, loads wait for stores to other planes which
share the low bits of their address: in C, on one core of Zen 3, sums take 1.8 ns a point of three
channels, additions 2.4, and both in one loop 5.2; at 256x256 pixels 2.1, 3.0 and 7.7.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit, lesser
from ..kind import JOB, OFFSETS, VALUES
from ..vectors.memory import load_fours, local, store_interleaved
from ..vectors.simd import LANES, absolute, load, splat, store, where
from ..vectors.squares import FOUR, add_squares, copy_four, sum_apart, sum_squares
from .fills import fills_in
from .prefetch import ask_of, ask_values
from .rows import row_values
from .scatter import STRIDE, read_weight_of
from .scratch import behind, pitch_of, plan_in, plan_layout, plan_points
from .slope import slopes_of
from .tile import tile_in
from .values import add_tap

MOST = 4  # channels that are taken in one turn
# What waits in scratch, as rows of a tile's points: slopes, the sums of four taps, the gradients of
# some channels where they have gaps, four zeros, the sum of the fill value, four weights. See
# `scratch.SQUARES_ROWS`.
SLOPES, TAPS, COPIES, ZEROS, FILLED, WEIGHTS = 0, 2, 6, 10, 11, 12


class Planes(NamedTuple):
    """Some channels of an image."""

    values: np.ndarray
    start: int  # the first one
    step: int  # from a row to the next
    pitch: int  # from a channel to the next
    beside: int  # from a column to the next


class Factors(NamedTuple):
    """The gradients of some channels, those of a tile's points next to each other."""

    values: np.ndarray
    start: int
    pitch: int


@cache
def copies_of(form, points):
    """Copy the gradients of some channels of a tile to scratch."""
    work = VALUES[form.work]

    @jit
    def put_copies(job, gradient, at, count, tile, room):
        vector = local(LANES, work)
        for k in range(count):
            to = (COPIES + k) * points
            for row in range(tile.rows):
                start = at + k * job.out_c + row * job.out_row
                for col in range(0, tile.cols, LANES):
                    left, place = tile.cols - col, start + col * job.out_col
                    grad = row_values(gradient, place, job.out_col, left, vector)
                    store(room, to + row * tile.pad + col, grad)

    return put_copies


@cache
def fills_of(form, points):
    """Sum a tile's gradients times the fill values of some channels."""
    work = VALUES[form.work]

    @jit
    def sum_fills(job, gradient, at, fills, first, count, tile, room):
        vector = local(LANES, work)
        for k in range(count):
            fill = splat(fills[(first + k) * job.fill_step], room)
            for row in range(tile.rows):
                start = at + k * job.out_c + row * job.out_row
                for col in range(0, tile.cols, LANES):
                    left, place = tile.cols - col, start + col * job.out_col
                    grad = row_values(gradient, place, job.out_col, left, vector)
                    to = FILLED * points + row * tile.pad + col
                    store(room, to, add_tap(load(room, to), grad, fill))

    return sum_fills


@inline
def are_dense(job, tile):
    """Do the gradients of a tile lie in memory as its points do in scratch?"""
    whole = tile.cols == tile.pad and job.out_col == 1
    return whole and (tile.rows == 1 or job.out_row == tile.pad)


@cache
def weights_of(form, points):
    """A tile's weights, the four of a point next to each other; 0 where one is NaN."""
    weight_of = read_weight_of(form)

    @inline
    def weight(tap, plan, j):
        found = weight_of(tap, plan, j)
        return where(absolute(found) > 0.0, found, 0.0)

    @jit
    def put_weights(tile, plan, room):
        for j in range(0, tile.rows * tile.pad, LANES):
            at = tile.home + j
            a, b, c, d = (
                weight(0, plan, at), weight(1, plan, at), weight(2, plan, at), weight(3, plan, at)
            )  # fmt: skip
            store_interleaved(room, WEIGHTS * points + FOUR * j, (a, b, c, d))

    return put_weights


@cache
def sums_of(form, points, paired, count):
    """Sum a tile's gradients times each tap, over so many channels; `begun` sums are added to.

    Which load is frozen: a choice for each point takes 8x3x256x256 1.03 to 1.09 of the time.
    """
    work, add_up = VALUES[form.work], sum_squares if paired else sum_apart

    @inline
    def sum_taps(planes, factors, offsets, end, room, begun):
        sums, before, back = local(FOUR, work), ZEROS * points, 0
        if begun:
            before, back = TAPS * points, FOUR
        for j in range(end):
            copy_four(room, before + back * j, sums, 0)
            add_up(
                planes.values, planes.start + offsets[j], planes.step, planes.pitch, planes.beside,
                factors.values, factors.start + j, factors.pitch, sums, count,
            )  # fmt: skip
            copy_four(sums, 0, room, TAPS * points + FOUR * j)

    return sum_taps


@cache
def additions_of(form, points, count):
    """Add a tile's weighted gradients to so many planes."""
    work = VALUES[form.work]

    @inline
    def add_taps(planes, factors, offsets, end, room, begun):
        weights = local(FOUR, work)
        for first in range(lesser(STRIDE, end)):
            for j in range(first, end, STRIDE):
                copy_four(room, WEIGHTS * points + FOUR * j, weights, 0)
                add_squares(
                    planes.values, planes.start + offsets[j], planes.step, planes.pitch,
                    factors.values, factors.start + j, factors.pitch, weights, count,
                )  # fmt: skip

    return add_taps


@cache
def by_number(make, *frozen):
    """What is made for a number of channels, called with that number."""
    one, two, three, four = (make(*frozen, count) for count in range(1, MOST + 1))

    @jit
    def take(count, planes, factors, offsets, end, room, begun):
        if count == 1:
            one(planes, factors, offsets, end, room, begun)
        elif count == 2:
            two(planes, factors, offsets, end, room, begun)
        elif count == 3:
            three(planes, factors, offsets, end, room, begun)
        else:
            four(planes, factors, offsets, end, room, begun)

    return take


@cache
def slopes_from(form, points):
    """The slopes of a tile from the sums of its taps, added to what waits there if `job.add`."""

    @inline
    def fetch(strides, room, at, row, plan, j, found):
        a, b, c, d = load_fours(room, at)
        if row == 0:
            store(found, 0, a)
            store(found, LANES, b)
        else:
            store(found, 0, c)
            store(found, LANES, d)

    slopes, lanes, work = slopes_of(form, fetch, load), 2 * LANES, VALUES[form.work]
    pitch = pitch_of(form)

    @jit
    def put_slopes(job, strides, tile, plan, room):
        found = local(lanes, work)
        for j in range(0, tile.rows * tile.pad, LANES):
            slopes(strides, room, TAPS * points + FOUR * j, plan, tile.home + j, found)
            for k in range(2):
                at, total = (SLOPES + k) * points + j, load(found, k * LANES)
                if job.fills:
                    share = load(plan.fills, (1 - k) * pitch + tile.home + j)
                    total = add_tap(total, load(room, FILLED * points + j), share)
                if job.add:
                    total = total + load(room, at)
                store(room, at, total)

    return put_slopes


@cache
def channels_of(form, points, adds, paired):
    """Take up to MOST channels of a tile."""
    put_copies, add_taps = copies_of(form, points), by_number(additions_of, form, points)
    sum_taps = by_number(sums_of, form, points, paired)

    @inline
    def take_both(count, planes, target, factors, offsets, end, room, begun):
        sum_taps(count, planes, factors, offsets, end, room, begun)
        if adds:
            add_taps(count, target, factors, offsets, end, room, begun)

    @jit
    def take_channels(job, count, planes, target, gradient, at, offsets, tile, room, begun):
        end = tile.rows * tile.pad
        if are_dense(job, tile):
            factors = Factors(gradient, at, job.out_c)
            take_both(count, planes, target, factors, offsets, end, room, begun)
        else:
            put_copies(job, gradient, at, count, tile, room)
            factors = Factors(room, COPIES * points, points)
            take_both(count, planes, target, factors, offsets, end, room, begun)

    return take_channels


@cache
def asker_of(form, adds):
    """Prefetch what the first turn of a tile takes."""
    ask = ask_of(form)

    @jit
    def ask_all(job, add, strides, input, gradient, out, tile, plan):
        at, values = job.input_start + tile.n * job.input_n, tile.target + tile.n * job.out_n
        to = add.input_start + tile.n * add.input_n
        for c in range(lesser(job.c, MOST)):
            ask(strides, input, at + c * job.input_c, tile, plan)
            ask_values(job, gradient, values + c * job.out_c, tile)
            if adds:
                ask(strides, out, to + c * add.input_c, tile, plan)

    return ask_all


@cache
def squares_of(form, adds, paired):
    """The stage: of slopes alone, or with `adds` of both gradients, as `over_samples` has them.

    Of pixels that are neighbours in memory if they are `paired`, as they must be where it `adds`.
    """
    points, integer = plan_points(form), OFFSETS[form.wide]
    put_weights, put_slopes = weights_of(form, points), slopes_from(form, points)
    take_channels, ask_all = channels_of(form, points, adds, paired), asker_of(form, adds)
    sum_fills = fills_of(form, points)
    plan_at, start, work = plan_in(form), behind(form), VALUES[form.work]
    offsets_at, item = plan_layout(form)[0][0][0], np.dtype(integer).itemsize

    @jit
    def take_tile(job, add, strides, input, gradient, out, tile, plan, offsets, room, fills):
        store(room, ZEROS * points, splat(0.0, room))
        if job.fills:
            for j in range(0, tile.rows * tile.pad, LANES):
                store(room, FILLED * points + j, splat(0.0, room))
        if adds:
            put_weights(tile, plan, room)
        begun, step, beside = False, strides[0], strides[1]
        for m in range(tile.n, tile.n + 1 if job.grids > 1 else job.n):
            for c in range(0, job.c, MOST):
                at = job.input_start + m * job.input_n + c * job.input_c
                to = add.input_start + m * add.input_n + c * add.input_c
                planes = Planes(input, at, step, job.input_c, beside)
                target = Planes(out, to, step, add.input_c, beside)
                values = tile.target + m * job.out_n + c * job.out_c
                some = lesser(job.c - c, MOST)
                take_channels(
                    job, some, planes, target, gradient, values, offsets, tile, room, begun
                )
                begun = True
                if job.fills:
                    sum_fills(job, gradient, values, fills, c, some, tile, room)
        put_slopes(job, strides, tile, plan, room)

    def squares(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after):
        jobs, strides = array_at(job_at, JOB, 0), array_at(strides_at, np.int64, 0)
        job, add = jobs[0], jobs[adds]
        input, gradient = array_at(image_at, work, 0), array_at(other_at, work, 0)
        out, plan, room = (
            array_at(out_at, work, 0),
            plan_at(scratch),
            array_at(scratch, work, start),
        )
        if slot_after >= 0:
            after = tile_in(scratch, slot_after, points)
            ask_all(job, add, strides, input, gradient, out, after, plan)
        if slot >= 0:
            tile = tile_in(scratch, slot, points)
            offsets = array_at(scratch, integer, offsets_at + tile.home * item)
            fills = fills_in(job, strides_at)
            take_tile(job, add, strides, input, gradient, out, tile, plan, offsets, room, fills)

    return squares
