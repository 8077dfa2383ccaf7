"""The stage `spline_direct`: orders 0 and 1 from coordinates to results at once.

A tile's coordinates, its taps and its results are in memory, and stages for each of them wait for
memory in turn; here 16 points are read, summed and stored before the next 16, so that the CPU works
on what has come while it waits for the rest. On one thread of Zen 3, whose caches were emptied
before each call, ns a point of 1024x1024 doubles at points in memory, by stages and at once: order
0 7.2 and 3.3, order 1 7.7 and 3.8; a C loop of intrinsics 2.5 and 3.5.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ...compiler.flat import array_at
from ...compiler.jit import inline, jit, lesser
from ...kind import VALUES
from ...vectors.gathers import gather
from ...vectors.memory import local, prefetch, prefetch_at
from ...vectors.simd import LANES, convert, floor, load, multiply_add, splat, store, where
from ...vectors.windows import all_inside, all_within, as_places
from ..rows import put_row_of
from .ahead import EVERY, pixels_ahead
from .gather import inside_share, singly_of
from .narrow import any_narrow_of, linear_of
from .outputs import TYPES, output_of
from .places import brought_in
from .scratch import ARRAYS, CONSTANT, COUNT, FIRST, LATER, PITCH, SPANS, SPLINE, TILE, scratch_of
from .sources import (
    EXACT,
    begin_run,
    begin_tile,
    next_run,
    one_of_array,
    sixteen_of_array,
    sixteen_of_run,
)


class Run(NamedTuple):
    """Points along a row of the output, or as many as a tile has of it."""

    at: int  # the first one's number
    o: int  # its place in the row
    to: int  # where in the output it is stored
    length: int
    beyond: int  # see `pixels_ahead`


HUGE = np.finfo(np.float64).max
LEAST = 2.0**-1074  # above 0


@jit
def last_of_array(job, span, grid_at, scratch, at, left):
    """The last coordinates of all, fewer than 16, and beyond them places that are inside."""
    for k in range(LANES):
        inner = span.low
        if k < left:
            inner = one_of_array(job, grid_at, at + k)
        scratch.far_places[k] = inner
    return load(scratch.far_places, 0)


@inline
def sixteen(job, spans, grid_at, scratch, a, at, o):
    """Coordinates along axis a of 16 points: point `at` of all, at place o in its row."""
    if job.source != ARRAYS:
        x = sixteen_of_run(scratch, a, o)
    elif at + LANES <= job.points:
        x = sixteen_of_array(job, grid_at, scratch.places, spans[a].places + at)
    else:
        x = last_of_array(job, spans[a], grid_at, scratch, spans[a].places + at, job.points - at)
    return x


@jit
def are_outside(job, spans, scratch, j):
    """Lie all of 16 points outside, on the same side?"""
    found = False
    for a in range(job.rank):
        x = load(scratch.places, a * PITCH + j)
        found = found or all_within(x, -HUGE, -LEAST)
        found = found or all_within(x - splat(spans[a].size - 1.0, x), LEAST, HUGE)
    return found


@jit
def move_inside(job, spans, scratch):
    """Bring in 16 points; those at edges or without a value move to where there is something."""
    lost = edge = splat(0.0, scratch.places)
    for a in range(job.rank):
        size, x = spans[a].size, load(scratch.places, a * PITCH)
        x, lost = brought_in(job.mode, job.order, size, x, lost)
        store(scratch.far_places, a * LANES, x)
        start = floor(x + splat(job.half, x))
        fits = (start >= splat(spans[a].first, x)) & (start <= splat(spans[a].last_start, x))
        edge = where(fits, edge, 1.0)
    edge = where(lost > 0.0, 0.0, edge)
    for a in range(job.rank):
        x = load(scratch.far_places, a * LANES)
        store(scratch.places, a * PITCH, where(lost + edge > 0.0, spans[a].low, x))
    store(scratch.lost, 0, lost)
    store(scratch.edge, 0, edge)


@cache
def mend_of(stored):
    """The values of those points among 16 that `move_inside` has moved."""
    singly = singly_of(stored, 0)

    @jit
    def mend(job, spans, input, scratch):
        values, edge = load(scratch.values, 0), load(scratch.edge, 0)
        if not all_within(edge, 0.0, 0.0):
            found = singly(job, spans, input, scratch, inside_share(job, spans, scratch))
            values = where(edge > 0.0, convert(found, values), values)
        lost = load(scratch.lost, 0) > 0.0
        store(scratch.values, 0, where(lost, splat(job.bad, values), values))

    return mend


@cache
def narrow_terms_of(order, rank, work):
    """What a stretch of orders 0 and 1 consists of: where taps are, values, what is prefetched."""
    _, put_axis, add_rows = linear_of(work, 0, rank)

    @inline
    def offsets_of(spans, places, strides, scratch, weights):
        start = splat(0.0, places)
        for a in range(rank):
            x = load(places, a * LANES)
            if order:
                start = put_axis(spans[a], a, x, start, weights)
            else:
                start = multiply_add(floor(x + 0.5), splat(strides[a], x), start)
        return start

    @inline
    def values_of(spans, input, scratch, weights):
        if order:
            total = add_rows(spans, rank, input, scratch, weights)
        else:
            total = convert(gather(input, 0, scratch.offsets, 0), weights)
        return total

    @inline
    def ask(spans, input, beyond, scratch):
        prefetch(input, beyond, scratch.offsets, 0, EVERY)

    return offsets_of, values_of, ask


@cache
def stretch_of(rank, work, value, terms, early=0):
    """16 points after the other of a run as far as all are inside; which is the first that is left.

    Coordinates are doubles, results neighbours in memory: if these had strides, LLVM would step 16
    pointers for each 16 points. In cache, times what a C loop of intrinsics takes, order 0 1.4 and
    order 1 1.2; with strides 1.75 and 1.3, with flags packed to bytes for each axis as well 2.0, as
    one loop for any number of axes 2.3 and 1.45.
    """
    output, put_row, real = output_of(value), put_row_of(TYPES[value]), VALUES[work]
    size = 2 * rank * LANES
    offsets_of, values_of, ask = terms

    @jit
    def stretch(job, spans, input, grid_at, out, scratch, run, j):
        numbers, weights = array_at(grid_at, EXACT, 0), local(size, real)
        places, ends = local(size, EXACT), local(size, EXACT)
        strides, begins = local(rank, EXACT), local(rank, np.int64)
        streamed = job.stream != 0
        for a in range(rank):
            begins[a], strides[a] = spans[a].places + run.at, float(spans[a].stride)
            ends[2 * a], ends[2 * a + 1] = spans[a].low, spans[a].high
        while j + LANES <= run.length:
            for a in range(rank):
                if job.source != ARRAYS:
                    x = sixteen_of_run(scratch, a, run.o + j)
                else:
                    x = load(numbers, begins[a] + j)
                    if early:
                        prefetch_at(numbers, begins[a] + j + early)
                        prefetch_at(numbers, begins[a] + j + early + LANES // 2)
                store(places, a * LANES, x + splat(job.pad, x))
            if not all_inside(places, ends, rank):
                break
            start = offsets_of(spans, places, strides, scratch, weights)
            store(scratch.offsets, 0, as_places(start))
            values = convert(values_of(spans, input, scratch, weights), scratch.places)
            put_row(out, run.to + j, 1, streamed, LANES, output(values))
            if run.beyond != 0:
                ask(spans, input, run.beyond, scratch)
            j += LANES
        return j

    return stretch


@cache
def stretches_of(work, value):
    """The same of the orders and numbers of axes that have loops of their own."""
    near, volume_near, linear, volume_linear = (
        stretch_of(rank, work, value, narrow_terms_of(order, rank, work))
        for order, rank in ((0, 2), (0, 3), (1, 2), (1, 3))
    )

    @inline
    def stretches(job, spans, input, grid_at, out, scratch, run, j):
        if job.order == 0 and job.rank == 2:
            j = near(job, spans, input, grid_at, out, scratch, run, j)
        elif job.order == 0 and job.rank == 3:
            j = volume_near(job, spans, input, grid_at, out, scratch, run, j)
        elif job.rank == 2:
            j = linear(job, spans, input, grid_at, out, scratch, run, j)
        elif job.rank == 3:
            j = volume_linear(job, spans, input, grid_at, out, scratch, run, j)
        return j

    return stretches


class At(NamedTuple):
    """What a stage is called with."""

    job: int
    spans: int
    image: int
    grid: int
    other: int
    out: int
    memory: int
    plane: int


@cache
def put_sixteen_of(value):
    """Store the first of 16 values in scratch, or as many as are left of a row."""
    output, put_row = output_of(value), put_row_of(TYPES[value])

    @inline
    def put_sixteen(job, spans, scratch, j, out, to, left):
        step = spans[job.out_rank - 1].out_stride
        put_row(out, to, step, job.stream != 0, left, output(load(scratch.values, j)))

    return put_sixteen


@cache
def runs_of(stretches, block):
    """A tile, run by run: by stretches where these go, else 16 points by `block`."""

    @jit
    def whole_run(job, spans, input, at, out, scratch, run):
        step, j = spans[job.out_rank - 1].out_stride, 0
        plain = step == 1 and (job.source != ARRAYS or job.real == 8)
        while j < run.length:
            if plain:
                j = stretches(job, spans, input, at.grid, out, scratch, run, j)
            if j < run.length:
                block(job, spans, input, at, out, scratch, run, j)
                j += LANES

    @jit
    def runs(job, spans, input, at, out, scratch):
        begin_tile(job, spans, scratch, scratch.head[FIRST] // TILE)
        scratch.head[LATER] = 0
        first, last = scratch.head[FIRST], job.out_rank - 1
        end, beyond = first + scratch.head[COUNT], pixels_ahead(job, spans, at.grid, scratch)
        while first < end:
            to, o = 0, spans[last].begin + scratch.index[last]
            for a in range(job.out_rank):
                to += scratch.index[a] * spans[a].out_stride
            if job.source != ARRAYS:
                begin_run(job, spans, at.grid, scratch)
            length = lesser(spans[last].out_size - scratch.index[last], end - first)
            run = Run(first, o, to, length, beyond)
            whole_run(job, spans, input, at, out, scratch, run)
            first += length
            next_run(job, spans, scratch)

    return runs


@cache
def narrow_block_of(stored, work, value):
    """16 points of orders 0 and 1 anywhere."""
    narrow, mend, put_sixteen = any_narrow_of(work), mend_of(stored), put_sixteen_of(value)

    @inline
    def block(job, spans, input, at, out, scratch, run, j):
        inside, outside = True, False
        for a in range(job.rank):
            x = sixteen(job, spans, at.grid, scratch, a, run.at + j, run.o + j)
            store(scratch.places, a * PITCH, x)
            inside = all_within(x, spans[a].low, spans[a].high) and inside
        if not inside:
            outside = job.mode == CONSTANT and are_outside(job, spans, scratch, 0)
            if not outside:
                move_inside(job, spans, scratch)
        if outside:
            store(scratch.values, 0, splat(job.bad, scratch.values))
        else:
            narrow(job, spans, input, scratch, 0)
            if not inside:
                mend(job, spans, input, scratch)
        to = run.to + j * spans[job.out_rank - 1].out_stride
        put_sixteen(job, spans, scratch, 0, out, to, run.length - j)

    return block


@cache
def direct_of(stored, work, value, stretches, block, rest):
    """A stage that goes from coordinates to results; `rest` does what `block` has put off."""
    scratch_in, element, result = scratch_of(work), TYPES[stored], TYPES[value]
    runs = runs_of(stretches, block)

    def stage(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, plane, to):
        job, spans = array_at(job_at, SPLINE, 0)[0], array_at(spans_at, SPANS, 0)
        input, out = array_at(image_at, element, plane), array_at(out_at, result, to)
        at = At(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, plane)
        scratch = scratch_in(job, memory)
        runs(job, spans, input, at, out, scratch)
        rest(job, spans, at, out, scratch)

    return stage


@inline
def nothing_left(job, spans, at, out, scratch):
    """No 16 points are put off."""


@cache
def spline_direct_of(stored, work, value):
    """The stage for arrays of a type, sums of one and results of one."""
    block = narrow_block_of(stored, work, value)
    return direct_of(stored, work, value, stretches_of(work, value), block, nothing_left)
