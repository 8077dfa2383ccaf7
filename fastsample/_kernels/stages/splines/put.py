"""The stage `spline_put`, which stores the values of a tile; and the loop over tiles."""

from functools import cache

import numpy as np

from ...compiler.flat import array_at, free, new_memory, on_a_line
from ...compiler.jit import WORK, call_stage, compiled_address, inline, jit, lesser
from ...compiler.once import once
from ...vectors.memory import fence
from ...vectors.simd import LANES, load, splat, store, where
from ..rows import put_row_of
from ..tile import blocks
from .outputs import TYPES, output_of
from .scratch import CAREFUL, COUNT, EDGES, FIRST, LOST, PLANES, SPANS, SPLINE, TILE, scratch_of
from .sources import begin_tile, next_run


@cache
def put_run_of(value):
    """Store some values as a type."""
    output, put_row = output_of(value), put_row_of(TYPES[value])

    @inline
    def put_run(values, at, out, to, step, count, streamed):
        for j in range(0, count, LANES):
            put_row(out, to + j * step, step, streamed, count - j, output(load(values, at + j)))

    return put_run


@cache
def spline_put_of(value):
    """The stage for results of a type."""
    put_run, element, scratch_in = put_run_of(value), TYPES[value], scratch_of(8)

    @jit
    def put(job, spans, scratch, out, t):
        begin_tile(job, spans, scratch, t)
        count, last, at, values = scratch.head[COUNT], job.out_rank - 1, 0, scratch.values
        for j in range(0, count if scratch.head[CAREFUL] else 0, LANES):
            if scratch.known[j // LANES] >= LOST:
                lost = load(scratch.lost, j) > 0.0
                store(values, j, where(lost, splat(job.bad, values), load(values, j)))
        while at < count:
            to = 0
            for a in range(job.out_rank):
                to += scratch.index[a] * spans[a].out_stride
            length = lesser(spans[last].out_size - scratch.index[last], count - at)
            put_run(values, at, out, to, spans[last].out_stride, length, job.stream != 0)
            at += length
            next_run(job, spans, scratch)

    def spline_put(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, plane, t):
        job, spans = array_at(job_at, SPLINE, 0)[0], array_at(spans_at, SPANS, 0)
        put(job, spans, scratch_in(job, memory), array_at(out_at, element, plane), t)

    return spline_put


@cache
def spline_put_row_of(value):
    """The stage for one point's values in planes that are neighbours."""
    put_run, element, scratch_in = put_run_of(value), TYPES[value], scratch_of(8)

    def spline_put_row(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, plane, to):
        job = array_at(job_at, SPLINE, 0)[0]
        scratch, out = scratch_in(job, memory), array_at(out_at, element, plane)
        put_run(scratch.values, 0, out, to, 1, scratch.head[PLANES], False)

    return spline_put_row


@inline
def sum_planned(job, job_at, spans, image, grid, planes, out, scratch, at, to, t):
    """The sums of a tile that is planned, in one plane, and their way into the result."""
    if job.fits:
        call_stage(job.near, job_at, spans, image, grid, planes, out, scratch, at, 0)
    if array_at(scratch, np.int64, 0)[EDGES] > 0:
        call_stage(job.far, job_at, spans, image, grid, planes, out, scratch, at, 0)
    call_stage(job.put, job_at, spans, image, grid, planes, out, scratch, to, t)


def spline_tiles(job_at, spans, image, grid, planes_at, out, piece):
    """The work on one piece: plan its tiles, and sum and store them in each of its planes."""
    job, planes = array_at(job_at, SPLINE, 0)[0], array_at(planes_at, np.int64, 0)
    memory = new_memory(job.scratch)
    scratch = on_a_line(memory)
    tiles, head = blocks(job.points, TILE), array_at(scratch, np.int64, 0)
    pieces = blocks(tiles, job.tiles)
    first, part = piece % pieces * job.tiles, piece // pieces * job.each
    for t in range(first, lesser(first + job.tiles, tiles)):
        head[FIRST] = t * TILE
        if not job.direct:
            call_stage(job.plan, job_at, spans, image, grid, planes_at, out, scratch, t, 0)
        if job.beside:
            head[PLANES] = job.each
            at, to = job.input_start + planes[2 * part], job.out_start + planes[2 * part + 1]
            call_stage(job.beside, job_at, spans, image, grid, planes_at, out, scratch, at, to)
        for p in range(part, part if job.beside else lesser(part + job.each, job.planes)):
            at, to = job.input_start + planes[2 * p], job.out_start + planes[2 * p + 1]
            if job.direct:
                call_stage(job.direct, job_at, spans, image, grid, planes_at, out, scratch, at, to)
            else:
                sum_planned(job, job_at, spans, image, grid, planes_at, out, scratch, at, to, t)
    if job.stream:
        fence()
    free(memory)


@once
def spline_loop():
    """The address of `spline_tiles`."""
    return compiled_address(spline_tiles, ("spline_tiles",), WORK)
