"""The stage `spline_cubic`: order 3 of two and three axes from coordinates to results at once.

As in `direct`, and for the same reason. Of 16 points of which some are not inside the coordinates
are written down; at the end of a tile the stages that go step by step have them all.
"""

from functools import cache

from ...compiler.jit import call_stage, inline, jit
from ...vectors.simd import LANES, convert, floor, load, multiply_add, splat, store, where
from ...vectors.windows import QUAD
from .ahead import ask_pixels
from .direct import are_outside, direct_of, put_sixteen_of, sixteen, stretch_of
from .places import put_cubic
from .scratch import CAREFUL, CONSTANT, COUNT, EDGES, LATER, LOST, PITCH, TILE
from .sums import across_of, cubic_sums_of


@cache
def cubic_terms_of(rank, work):
    """What a stretch of order 3 consists of, see `direct.narrow_terms_of`."""
    sums, across = cubic_sums_of(rank, work), across_of(QUAD)

    @inline
    def offsets_of(spans, places, strides, scratch, weights):
        start = splat(0.0, places)
        for a in range(rank):
            x, to = load(places, a * LANES), (a + 1) * QUAD * LANES
            whole = floor(x)
            put_cubic(scratch.weights, to, LANES, convert(x - whole, scratch.weights))
            start = multiply_add(whole - 1.0, splat(strides[a], x), start)
        return start

    @inline
    def values_of(spans, input, scratch, weights):
        sums(spans, input, scratch)
        return across(QUAD, QUAD, scratch, rank * QUAD * LANES)

    @inline
    def ask(spans, input, beyond, scratch):
        ask_pixels(input, beyond, QUAD if rank > 2 else 1, spans[0].stride, scratch)

    return offsets_of, values_of, ask


@cache
def later_of(value):
    """16 points of order 3 of which not all are inside; they are put off until there are many."""
    put_sixteen = put_sixteen_of(value)

    @jit
    def rest(job, spans, at, out, scratch):
        head, (job_at, spans_at, image, grid, other, out_at, memory, plane) = scratch.head, at
        count = head[COUNT] = head[LATER] * LANES
        head[LATER] = 0
        if count > 0:
            call_stage(job.plan, job_at, spans_at, image, grid, other, out_at, memory, 0, 1)
            call_stage(job.near, job_at, spans_at, image, grid, other, out_at, memory, plane, 0)
            if head[EDGES] > 0:
                call_stage(job.far, job_at, spans_at, image, grid, other, out_at, memory, plane, 0)
            for j in range(0, count, LANES):
                if head[CAREFUL] and scratch.known[j // LANES] >= LOST:
                    lost, values = load(scratch.lost, j) > 0.0, load(scratch.values, j)
                    store(scratch.values, j, where(lost, splat(job.bad, values), values))
                to, left = scratch.later[j // LANES * 2], scratch.later[j // LANES * 2 + 1]
                put_sixteen(job, spans, scratch, j, out, to, left)

    @jit
    def block(job, spans, input, at, out, scratch, run, j):
        k, to = scratch.head[LATER], run.to + j * spans[job.out_rank - 1].out_stride
        for a in range(job.rank):
            x = sixteen(job, spans, at.grid, scratch, a, run.at + j, run.o + j)
            store(scratch.places, a * PITCH + k * LANES, x)
        if job.mode == CONSTANT and are_outside(job, spans, scratch, k * LANES):
            store(scratch.values, 0, splat(job.bad, scratch.values))
            put_sixteen(job, spans, scratch, 0, out, to, run.length - j)
        else:
            scratch.later[2 * k], scratch.later[2 * k + 1] = to, run.length - j
            scratch.head[LATER] = k + 1
            if (k + 1) * LANES == TILE:
                rest(job, spans, at, out, scratch)

    return block, rest


@cache
def cubic_stretches_of(work, value):
    """Stretches of two and three axes."""
    plane = stretch_of(2, work, value, cubic_terms_of(2, work))
    volume = stretch_of(3, work, value, cubic_terms_of(3, work), TILE)

    @inline
    def stretches(job, spans, input, grid_at, out, scratch, run, j):
        if job.rank == 2:
            j = plane(job, spans, input, grid_at, out, scratch, run, j)
        else:
            j = volume(job, spans, input, grid_at, out, scratch, run, j)
        return j

    return stretches


@cache
def spline_cubic_of(stored, work, value):
    """The stage for coefficients of a type, sums of one and results of one."""
    block, rest = later_of(value)
    return direct_of(stored, work, value, cubic_stretches_of(work, value), block, rest)
