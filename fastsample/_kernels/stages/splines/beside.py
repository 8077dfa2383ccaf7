"""The stage `spline_beside`: sums of taps in planes whose pixels are neighbours in memory.

A point's taps have the same places and weights in all planes, so that a tap of 16 planes is one
load: a volume turned about its last axis, or channels that come last. Each point's row of values is
stored by the stage `spline_put_row`.
"""

from functools import cache

from ...compiler.flat import array_at
from ...compiler.jit import call_stage, inline, jit, lesser
from ...kind import VALUES
from ...vectors.memory import local
from ...vectors.simd import LANES, convert, load, multiply_add, splat, store
from .gather import far_axis, plan_sixteen, take_edges
from .narrow import native_of
from .outputs import TYPES
from .scratch import CAREFUL, CHUNK, COUNT, EDGES, FIRST, PLANES, SPANS, SPLINE, TILE, scratch_of
from .sources import begin_tile, next_run

MOST_TAPS = CHUNK  # of a point
MOST_PLANES = TILE  # at a time


@jit
def spread_taps(taps, count, scratch):
    """Make of each tap so far as many as its last axis has: offsets and weights, in place.

    What is added and multiplied stands behind the taps, from `MOST_TAPS` on.
    """
    for q in range(count - 1, -1, -1):
        offset, weight = scratch.rows[q], scratch.row_weights[q]
        for k in range(taps - 1, -1, -1):
            scratch.rows[q * taps + k] = offset + scratch.far_rows[k]
            scratch.row_weights[q * taps + k] = weight * scratch.row_weights[MOST_TAPS + k]


@jit
def taps_inside(job, spans, scratch, k):
    """The taps of point k of 16, whose windows lie in the array; how many."""
    scratch.rows[0], scratch.row_weights[0], count = scratch.offsets[k], 1.0, 1
    if job.order:
        for a in range(job.rank):
            for tap in range(job.taps):
                scratch.far_rows[tap] = tap * spans[a].stride
                weight = scratch.weights[((a + 1) * job.taps + tap) * LANES + k]
                scratch.row_weights[MOST_TAPS + tap] = weight
            spread_taps(job.taps, count, scratch)
            count *= job.taps
    return count


@jit
def taps_at_edge(job, i, scratch):
    """Those of the i-th of 16 points at edges."""
    scratch.rows[0], scratch.row_weights[0], count = 0, 1.0, 1
    for a in range(job.rank):
        for tap in range(job.taps):
            at = ((a + 1) * job.taps + tap) * LANES + i
            scratch.far_rows[tap] = scratch.far_offsets[at]
            scratch.row_weights[MOST_TAPS + tap] = scratch.far_weights[at]
        spread_taps(job.taps, count, scratch)
        count *= job.taps
    return count


@jit
def without_nothing(count, scratch):
    """Leave out taps that weigh nothing: what is read there does not count."""
    kept = 0
    for q in range(count):
        if scratch.row_weights[q] != 0.0:
            scratch.rows[kept], scratch.row_weights[kept] = scratch.rows[q], scratch.row_weights[q]
            kept += 1
    return kept


@jit
def plan_edges(job, spans, scratch, first):
    """Taps of up to 16 points at edges, from the `first` of them on; and their share inside."""
    take_edges(job, scratch, first)
    inside = splat(1.0, scratch.far_weights)
    for a in range(job.rank):
        inside = inside * far_axis(job, spans[a], a, scratch)
    store(scratch.far_slots, 0, inside)


@cache
def spline_beside_of(stored, work, swaps):
    """The stage for arrays of a type, and sums of one."""
    scratch_in, element, real = scratch_of(work), TYPES[stored], VALUES[work]
    native = native_of(swaps)

    @inline
    def sum_sixteen(input, taps, outside, scratch, c, vector):
        total = splat(outside, vector)
        for q in range(taps):
            found = convert(native(load(input, scratch.rows[q] + c)), vector)
            total = multiply_add(found, splat(scratch.row_weights[q], vector), total)
        store(scratch.values, c, convert(total, scratch.values))

    @jit
    def sum_planes(input, taps, outside, scratch):
        planes, vector = scratch.head[PLANES], local(LANES, real)
        for first in range(0, planes, LANES):  # the last 16 end with the last plane
            c = lesser(first, planes - LANES)
            sum_sixteen(input, taps, outside, scratch, c, vector)

    @jit
    def sum_point(job, spans, input, scratch, k, edges):
        # `edges` points before this one lay at edges; returned is how many do now.
        careful, outside, at_edge = scratch.head[CAREFUL], 0.0, 0
        if careful and edges < scratch.head[EDGES] and scratch.edges[edges] == k:
            at_edge = 1
        if careful and scratch.lost[k] > 0.0:
            for c in range(0, scratch.head[PLANES], LANES):
                store(scratch.values, c, splat(job.bad, scratch.values))
        else:
            if at_edge:
                if edges % LANES == 0:
                    plan_edges(job, spans, scratch, edges)
                count = taps_at_edge(job, edges % LANES, scratch)
                share = scratch.far_slots[edges % LANES]
                if share != 1.0:
                    outside = job.cval * (1.0 - share)
            else:
                count = taps_inside(job, spans, scratch, k % LANES)
            if at_edge or job.order < 2:
                count = without_nothing(count, scratch)
            sum_planes(input, count, outside, scratch)
        return edges + at_edge

    def spline_beside(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, plane, start):
        job, spans = array_at(job_at, SPLINE, 0)[0], array_at(spans_at, SPANS, 0)
        scratch, input = scratch_in(job, memory), array_at(image_at, element, plane)
        begin_tile(job, spans, scratch, scratch.head[FIRST] // TILE)
        last, edges = job.out_rank - 1, 0
        step, size = spans[last].out_stride, spans[last].out_size
        to = 0
        for a in range(job.out_rank):
            to += scratch.index[a] * spans[a].out_stride
        for k in range(scratch.head[COUNT]):
            if k % LANES == 0:
                plan_sixteen(job, spans, scratch, k, False)
            edges = sum_point(job, spans, input, scratch, k, edges)
            call_stage(
                job.put, job_at, spans_at, image_at, grid_at, other_at, out_at, memory, start, to
            )
            scratch.index[last] += 1
            to += step
            if scratch.index[last] == size:
                next_run(job, spans, scratch)
                to = 0
                for a in range(job.out_rank):
                    to += scratch.index[a] * spans[a].out_stride

    return spline_beside
