"""The stage `spline_plan`: where the points of a tile are, and which lie at edges or have no value.

It is compiled once: the order, the mode, the number of axes and where the coordinates come from are
data. Weights are left to the stages that sum: for a whole tile they would fill the first cache.
"""

from ...compiler.flat import array_at
from ...compiler.jit import inline, jit, lesser
from ...vectors.simd import LANES, floor, load, splat, store, where
from ...vectors.windows import all_within
from .places import brought_in
from .runs import mark_run, nothing_known, take_care
from .scratch import (
    ARRAYS,
    CAREFUL,
    COUNT,
    EDGES,
    FIRST,
    INSIDE,
    LOOKED_AT,
    LOST,
    PITCH,
    SPANS,
    SPLINE,
    scratch_of,
)
from .sources import begin_run, begin_tile, next_run, one_of_array, sixteen_of_array, sixteen_of_run


@jit
def read_array(job, grid_at, at, scratch, to, count):
    """Coordinates of one axis, of points that follow each other."""
    j = 0
    while j + LANES <= count:
        store(scratch.places, to + j, sixteen_of_array(job, grid_at, scratch.places, at + j))
        j += LANES
    for k in range(j, count):
        scratch.places[to + k] = one_of_array(job, grid_at, at + k)


@jit
def read_places(job, spans, grid_at, scratch):
    """The coordinates of a tile."""
    first, count = scratch.head[FIRST], scratch.head[COUNT]
    if job.source == ARRAYS:
        for a in range(job.rank):
            read_array(job, grid_at, spans[a].places + first, scratch, a * PITCH, count)
    else:
        at, last = 0, job.out_rank - 1
        while at < count:
            length = lesser(spans[last].out_size - scratch.index[last], count - at)
            begin_run(job, spans, grid_at, scratch)
            o = spans[last].begin + scratch.index[last]
            for a in range(job.rank):
                for j in range(0, length, LANES):
                    store(scratch.places, a * PITCH + at + j, sixteen_of_run(scratch, a, o + j))
            mark_run(job, spans, scratch, at, length)
            at += length
            next_run(job, spans, scratch)
    for a in range(job.rank):  # what lies beyond the last point is planned with it
        for k in range(count, (count + LANES - 1) // LANES * LANES):
            scratch.places[a * PITCH + k] = spans[a].low


@jit
def careful(job, span, scratch, at, j):
    """16 points of which some may be outside or at an edge."""
    take_care(scratch)
    scratch.known[j // LANES] = LOOKED_AT
    lost, edge = load(scratch.lost, j), load(scratch.edge, j)
    x, lost = brought_in(job.mode, job.order, span.size, load(scratch.places, at), lost)
    store(scratch.places, at, x)
    store(scratch.lost, j, lost)
    if not job.moves:
        start = floor(x + splat(job.half, x)) - splat(job.below, x)
        fits = (start >= splat(span.first, x)) & (start <= splat(span.last_start, x))
        if not job.fits:
            edge = splat(1.0, edge)
        store(scratch.edge, j, where(fits, edge, 1.0))


@jit
def look_along_axis(job, span, a, scratch):
    """Which points are inside along one axis."""
    for j in range(0, scratch.head[COUNT], LANES):
        known, at = scratch.known[j // LANES], a * PITCH + j
        if known != LOST:
            x = load(scratch.places, at)
            if job.pad > 0:
                x = x + splat(job.pad, x)
                store(scratch.places, at, x)
            if known != INSIDE and not all_within(x, span.low, span.high):
                careful(job, span, scratch, at, j)


@inline
def note_edge(job, scratch, k, edges):
    """Write down a point, and its coordinates in full vectors."""
    scratch.edges[edges] = k
    for a in range(job.rank):
        x = scratch.places[a * PITCH + k]
        store(scratch.edge_places, a * PITCH + edges, splat(x, scratch.edge_places))


@jit
def note_edges(job, spans, scratch):
    """Which points lie at an edge and have a value, if their weights are not moved.

    In `places` these and those without a value are moved to where there is something to read.
    """
    count, edges = scratch.head[COUNT], 0
    for j in range(0, count, LANES):
        if scratch.known[j // LANES] == LOOKED_AT:
            lost, edge = load(scratch.lost, j), load(scratch.edge, j)
            if not job.moves:
                store(scratch.edge, j, where(lost > 0.0, 0.0, edge))
                for k in range(j, lesser(j + LANES, count)):
                    if scratch.edge[k] != 0.0:
                        note_edge(job, scratch, k, edges)
                        edges += 1
            for a in range(job.rank):
                x = load(scratch.places, a * PITCH + j)
                store(scratch.places, a * PITCH + j, where(lost + edge > 0.0, spans[a].low, x))
    scratch.head[EDGES] = edges


def spline_plan_of():
    """The stage."""
    scratch_in = scratch_of(8)

    @jit
    def plan(job, spans, grid_at, scratch, t, ready):
        if not ready:
            begin_tile(job, spans, scratch, t)
        nothing_known(scratch)
        if not ready:
            read_places(job, spans, grid_at, scratch)
        for a in range(job.rank):
            look_along_axis(job, spans[a], a, scratch)
        if scratch.head[CAREFUL]:
            note_edges(job, spans, scratch)

    def spline_plan(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, t, ready):
        # 1: the coordinates stand in scratch.
        job, spans = array_at(job_at, SPLINE, 0)[0], array_at(spans_at, SPANS, 0)
        plan(job, spans, grid_at, scratch_in(job, memory), t, ready)

    return spline_plan
