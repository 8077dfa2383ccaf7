"""The stage `spline_plan`: for the points of a tile where they read, and what their taps weigh.

It is compiled once for each type of sums: the order, the mode, the number of axes and where the
coordinates come from are data.
"""

from functools import cache

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit, lesser
from ..kind import VALUES
from ..vectors.simd import LANES, convert, everywhere, floor, load, ramp, splat, store, where
from ..vectors.windows import as_places
from .spline_places import brought_in, put_weights
from .spline_scratch import ARRAYS, MATRIX, PITCH, SPANS, SPLINE, TILE, scratch_of

REAL, EXACT = VALUES[4], VALUES[8]


@jit
def begin_tile(job, spans, scratch, t):
    """Write down the tile's first point, how many there are, and the first one's place."""
    first = t * TILE
    scratch.head[0] = first
    scratch.head[1] = lesser(TILE, job.points - first)
    for a in range(job.out_rank - 1, -1, -1):
        scratch.index[a] = first % spans[a].out_size
        first //= spans[a].out_size


@inline
def next_run(job, spans, scratch):
    """Go to the next row of the output."""
    a = job.out_rank - 1
    scratch.index[a] = 0
    while a > 0:
        a -= 1
        scratch.index[a] += 1
        if scratch.index[a] < spans[a].out_size:
            break
        scratch.index[a] = 0


@jit
def read_array(numbers, at, scratch, to, count):
    """Coordinates of one axis, of points that follow each other."""
    j = 0
    while j + LANES <= count:
        store(scratch.places, to + j, convert(load(numbers, at + j), scratch.places))
        j += LANES
    for k in range(j, count):
        scratch.places[to + k] = numbers[at + k]


@jit
def run_of_matrix(numbers, a, out_rank, scratch, at, count):
    """Coordinates along axis a of the input, of points of one row of the output."""
    last, row = out_rank - 1, a * (out_rank + 1)
    base = numbers[row + out_rank]
    for k in range(last):
        base = base + scratch.index[k] * numbers[row + k]
    step, like = numbers[row + last], scratch.places
    for j in range(0, count, LANES):
        index = ramp(like) + splat(scratch.index[last] + j, like)
        store(scratch.places, a * PITCH + at + j, index * splat(step, like) + splat(base, like))


@jit
def run_of_axis(along, numbers, a, out_rank, scratch, at, count):
    """The same where axis a depends on one axis of the output alone."""
    like = scratch.places
    pre, scale, offset = numbers[3 * a], numbers[3 * a + 1], numbers[3 * a + 2]
    step = 1.0 if along == out_rank - 1 else 0.0
    for j in range(0, count, LANES):
        index = (ramp(like) + float(j)) * step + splat(scratch.index[along], like)
        place = (index + splat(pre, like)) * splat(scale, like) + splat(offset, like)
        store(scratch.places, a * PITCH + at + j, place)


@jit
def read_places(job, spans, grid_at, scratch):
    """The coordinates of a tile."""
    first, count = scratch.head[0], scratch.head[1]
    if job.source == ARRAYS:
        for a in range(job.rank):
            at, to = spans[a].places + first, a * PITCH
            if job.real == 4:
                read_array(array_at(grid_at, REAL, 0), at, scratch, to, count)
            else:
                read_array(array_at(grid_at, EXACT, 0), at, scratch, to, count)
    else:
        at, last = 0, job.out_rank - 1
        numbers = array_at(grid_at, EXACT, 0)
        while at < count:
            length = lesser(spans[last].out_size - scratch.index[last], count - at)
            for a in range(job.rank):
                if job.source == MATRIX:
                    run_of_matrix(numbers, a, job.out_rank, scratch, at, length)
                else:
                    run_of_axis(spans[a].along, numbers, a, job.out_rank, scratch, at, length)
            at += length
            next_run(job, spans, scratch)
    for a in range(job.rank):  # what lies beyond the last point is planned with it
        for k in range(count, (count + LANES - 1) // LANES * LANES):
            scratch.places[a * PITCH + k] = 0


@jit
def plan_axis(job, span, a, scratch, j, offset, lost, edge):
    """Taps and weights of 16 points along one axis."""
    x = load(scratch.places, a * PITCH + j)
    if job.pad > 0:
        x = x + splat(job.pad, x)
        store(scratch.places, a * PITCH + j, x)
    if not everywhere((x >= 0.0) & (x <= float(span.size - 1))):
        x, lost = brought_in(job.mode, job.order, span.size, x, lost)
        store(scratch.places, a * PITCH + j, x)
    whole = floor(x + splat(job.half, x))
    put_weights(job.order, scratch.weights, (a + 1) * job.taps * PITCH + j, PITCH, x - whole)
    start = whole - splat(job.below, x)
    fits = (start >= 0.0) & (start <= float(span.last_start))
    if not everywhere(fits):
        edge = where(fits, edge, 1.0)
        start = where(fits, start, 0.0)
    return offset + start * float(span.stride), lost, edge


@jit
def plan_block(job, spans, scratch, j):
    """16 points; are some of them at an edge?"""
    offset = lost = edge = splat(0.0, scratch.places)
    for a in range(job.rank):
        offset, lost, edge = plan_axis(job, spans[a], a, scratch, j, offset, lost, edge)
    inside = lost == 0.0
    edge = where(inside, edge, 0.0)
    if not job.fits:
        edge = where(inside, splat(1.0, edge), 0.0)
    store(scratch.offsets, j, as_places(offset))
    store(scratch.lost, j, lost)
    store(scratch.values, j, edge)
    return not everywhere(edge == 0.0)


@cache
def spline_plan_of(work):
    """The stage, for sums of a type."""
    scratch_in = scratch_of(work)

    @jit
    def plan(job, spans, grid_at, scratch, t):
        begin_tile(job, spans, scratch, t)
        read_places(job, spans, grid_at, scratch)
        count, edges = scratch.head[1], 0
        for j in range(0, count, LANES):
            store(scratch.weights, j, splat(1.0, scratch.weights))
            if plan_block(job, spans, scratch, j):
                for k in range(j, lesser(j + LANES, count)):
                    if scratch.values[k] != 0.0:
                        scratch.edges[edges] = k
                        edges += 1
        scratch.head[2] = edges

    def spline_plan(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, t, after):
        job, spans = array_at(job_at, SPLINE, 0)[0], array_at(spans_at, SPANS, 0)
        plan(job, spans, grid_at, scratch_in(job, memory), t)

    return spline_plan
