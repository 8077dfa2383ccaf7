"""The stages `spline_near` and `spline_far`: sums of taps at planned points.

`near` reads windows that lie in the array as a whole: along the last axis a window is one load,
rows of taps are added with their weights as whole windows, and the last axis's weights come at
the end. `far` takes the points at edges, 16 from anywhere in a tile: by windows, too, where these
find all taps along the last axis, else each tap by itself.
"""

from functools import cache

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit, lesser
from ..kind import VALUES
from ..vectors.gathers import gather
from ..vectors.memory import local
from ..vectors.parts import add_parts, load_parts, store_parts
from ..vectors.simd import (
    LANES,
    at_least,
    at_most,
    convert,
    floor,
    load,
    multiply_add,
    splat,
    store,
    where,
)
from ..vectors.windows import (
    QUAD,
    all_lanes,
    as_places,
    quad_columns,
    windows,
)
from .outputs import TYPES
from .spline_narrow import narrow_of, native_of
from .spline_places import put_weights, tap_place
from .spline_scratch import CHUNK, COUNT, EDGES, LOST, PITCH, SPANS, SPLINE, scratch_of
from .values import add_tap

# Windows along the last axis ---------------------------------------------------------------------


@inline
def digit_row(job, spans, number, last, scratch, j):
    """Row `number` of taps along the axes before `last`: its offset, and the points' weights."""
    taps, offset, weight = job.taps, 0, splat(1.0, scratch.weights)
    for a in range(last - 1, -1, -1):
        k = number
        if a > 0:  # what is left is below `taps`; a division takes 20 cycles and more
            k = number % taps
            number //= taps
        offset += k * spans[a].stride
        weight = weight * load(scratch.weights, ((a + 1) * taps + k) * PITCH + j)
    return offset, weight


@inline
def rows_in_all(taps, axes):
    """How many rows of taps so many axes have."""
    count = 1
    for _ in range(axes):
        count *= taps
    return count


@cache
def planes_of(stored, work, lanes, swaps):
    """Windows of sums of 16 points: of one plane of taps, or of some, each with its weight."""
    native, points, real = native_of(swaps), LANES // lanes, VALUES[work]
    parts = LANES // points

    @inline
    def add_plane(input, row, step, taps, scratch, j, at, sums):
        for k in range(taps):
            found = convert(native(windows(input, row, scratch.offsets, j, lanes)), sums)
            add_parts(sums, found, scratch.weights, at + k * PITCH, lanes)
            row += step

    @inline
    def one_plane(input, step, taps, scratch, j, at):
        total = local(LANES, real)
        for m in range(parts):
            first = m * points
            store_parts(total, 0, splat(0.0, total), lanes)
            add_plane(input, 0, step, taps, scratch, j + first, at + first, total)
            store_parts(scratch.sums, m * LANES, load_parts(total, 0, lanes), lanes)

    @inline
    def add_planes(input, step, taps, count, scratch, j, at, more):
        plane, total = local(LANES, real), local(LANES, real)
        for m in range(parts):
            first = m * points
            store_parts(total, 0, splat(0.0, total), lanes)
            if more:
                store_parts(total, 0, load_parts(scratch.sums, m * LANES, lanes), lanes)
            for q in range(count):
                store_parts(plane, 0, splat(0.0, plane), lanes)
                row = scratch.rows[q]
                add_plane(input, row, step, taps, scratch, j + first, at + first, plane)
                found = load_parts(plane, 0, lanes)
                add_parts(total, found, scratch.row_weights, q * LANES + first, lanes)
            store_parts(scratch.sums, m * LANES, load_parts(total, 0, lanes), lanes)

    return one_plane, add_planes


@cache
def across_of(lanes):
    """The values of 16 points, from windows of sums and the last axis's weights."""

    @inline
    def add_column(total, column, scratch, at, k):
        return multiply_add(column, load(scratch.weights, at + k * PITCH), total)

    @inline
    def first_three(found, scratch, at):
        total = add_column(splat(0.0, scratch.sums), found[0], scratch, at, 0)
        total = add_column(total, found[1], scratch, at, 1)
        return add_column(total, found[2], scratch, at, 2)

    @inline
    def of_quads(taps, scratch, at):
        found = quad_columns(scratch.sums, 0, lanes)
        total = first_three(found, scratch, at)
        if taps > 3:
            total = add_column(total, found[3], scratch, at, 3)
        return total

    @inline
    def of_two_quads(taps, scratch, at):
        found = quad_columns(scratch.sums, 0, lanes)
        total = add_column(first_three(found, scratch, at), found[3], scratch, at, 3)
        found = quad_columns(scratch.sums, QUAD, lanes)
        total = add_column(total, found[0], scratch, at, 4)
        if taps > 5:
            total = add_column(total, found[1], scratch, at, 5)
        return total

    return of_quads if lanes == QUAD else of_two_quads


@cache
def wide_of(stored, work, lanes, swaps):
    """16 points of order 2 and more."""
    one_plane, add_planes = planes_of(stored, work, lanes, swaps)
    across = across_of(lanes)

    @inline
    def wide(job, spans, input, scratch, j):
        taps, rank = job.taps, job.rank
        y = rank - 2 if rank > 1 else 0  # one axis has rows of one tap, of weight 1
        count, step, at = 1, 0, j
        if rank > 1:
            count, step, at = taps, spans[y].stride, (y + 1) * taps * PITCH + j
        rows = rows_in_all(taps, y)
        if rows == 1:
            one_plane(input, step, count, scratch, j, at)
        for first in range(0, rows if rows > 1 else 0, CHUNK):
            some = lesser(CHUNK, rows - first)
            for q in range(some):
                offset, weight = digit_row(job, spans, first + q, y, scratch, j)
                scratch.rows[q] = offset
                store(scratch.row_weights, q * LANES, weight)
            add_planes(input, step, count, some, scratch, j, at, first > 0)
        total = across(taps, scratch, rank * taps * PITCH + j)
        store(scratch.values, j, convert(total, scratch.values))

    return wide


@cache
def spline_near_of(stored, work, lanes, swaps):
    """The stage for arrays of a type, and sums of one; 2 lanes serve orders 0 and 1."""
    scratch_in, element = scratch_of(work), TYPES[stored]
    wide = lanes > 2
    block = wide_of(stored, work, lanes, swaps) if wide else narrow_of(work, swaps)

    @jit
    def near(job, spans, input, scratch):
        for j in range(0, scratch.head[COUNT], LANES):
            if scratch.known[j // LANES] != LOST:
                block(job, spans, input, scratch, j)

    def spline_near(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, plane, after):
        job, spans = array_at(job_at, SPLINE, 0)[0], array_at(spans_at, SPANS, 0)
        near(job, spans, array_at(image_at, element, plane), scratch_in(job, memory))

    return spline_near


# Points at edges ----------------------------------------------------------------------------------


@inline
def take_edges(job, scratch, first):
    """The coordinates of 16 points at edges."""
    for a in range(job.rank):
        store(scratch.far_places, a * LANES, load(scratch.edge_places, a * PITCH + first))


@jit
def far_axis(job, span, a, scratch):
    """Taps and weights of 16 points along one axis; the share of them that lies outside."""
    x = load(scratch.far_places, a * LANES)
    whole = floor(x + splat(job.half, x))
    base = (a + 1) * job.taps * LANES
    put_weights(job.order, scratch.far_weights, base, LANES, x - whole)
    missing, inside = splat(0.0, x), splat(0.0, scratch.far_weights)
    for k in range(job.taps):
        at = base + k * LANES
        place, share = tap_place(job.mode, span, whole - splat(job.below - k, x))
        weight = load(scratch.far_weights, at) * convert(share, scratch.far_weights)
        store(scratch.far_weights, at, weight)
        store(scratch.far_offsets, at, as_places(place * float(span.stride)))
        missing = where(share > 0.0, missing, 1.0)
        inside = inside + weight
    return where(convert(missing, inside) > 0.0, inside, 1.0)


@jit
def far_row(job, number, last, scratch):
    """Row `number` of taps along the axes before `last`: offsets and weights of 16 points."""
    taps, offset = job.taps, splat(0, scratch.far_offsets)
    weight = splat(1.0, scratch.far_weights)
    for a in range(last - 1, -1, -1):
        at = ((a + 1) * taps + number % taps) * LANES
        number //= taps
        offset = offset + load(scratch.far_offsets, at)
        weight = weight * load(scratch.far_weights, at)
    return offset, weight


@inline
def with_outside(job, total, inside):
    """A value with what lies outside, where that has a share."""
    outside = splat(job.cval, inside) * (1.0 - inside)
    return total + where(inside == 1.0, 0.0, outside)


@cache
def singly_of(stored, swaps):
    """16 points at edges, each tap by itself; one that weighs nothing does not count."""
    native = native_of(swaps)

    @jit
    def singly(job, spans, input, scratch, inside):
        taps, last = job.taps, job.rank - 1
        total = splat(0.0, inside)
        for number in range(rows_in_all(taps, last)):
            offset, weight = far_row(job, number, last, scratch)
            for k in range(taps):
                at = ((last + 1) * taps + k) * LANES
                store(scratch.far_at, 0, offset + load(scratch.far_offsets, at))
                found = convert(native(gather(input, 0, scratch.far_at, 0)), total)
                total = add_tap(total, found, weight * load(scratch.far_weights, at))
        return with_outside(job, total, inside)

    return singly


@cache
def slots_of(lanes):
    """Move the weights of taps along the last axis into windows inside; does each find a place?"""

    @jit
    def put_slots(job, span, scratch):
        base, taps = job.rank * job.taps * LANES, job.taps
        x = load(scratch.far_places, (job.rank - 1) * LANES)
        start = floor(x + splat(job.half, x)) - splat(job.below, x)
        start = at_most(at_least(start, span.first), span.last_start)
        first = as_places(start)
        store(scratch.far_starts, 0, first)
        found = splat(0.0, scratch.far_weights)
        for slot in range(lanes):
            weight = splat(0.0, found)
            for k in range(taps):
                own = load(scratch.far_offsets, base + k * LANES) == first + slot
                weight = weight + where(own, load(scratch.far_weights, base + k * LANES), 0.0)
                found = found + where(own, splat(1.0, found), 0.0)
            store(scratch.far_slots, slot * LANES, weight)
        return all_lanes(found >= float(taps))

    return put_slots


@cache
def windowed_of(stored, work, lanes, swaps):
    """16 points at edges by windows that lie inside along the last axis."""
    native, points, size = native_of(swaps), LANES // lanes, lanes * LANES
    parts, real = LANES // points, VALUES[work]

    @jit
    def add_rows(input, count, scratch, more):
        total = local(LANES, real)
        for m in range(parts):
            first = m * points
            store_parts(total, 0, splat(0.0, total), lanes)
            if more:
                store_parts(total, 0, load_parts(scratch.sums, m * LANES, lanes), lanes)
            for q in range(count):
                at = q * LANES + first
                found = convert(native(windows(input, 0, scratch.far_rows, at, lanes)), total)
                add_parts(total, found, scratch.row_weights, at, lanes)
            store_parts(scratch.sums, m * LANES, load_parts(total, 0, lanes), lanes)

    @jit
    def windowed(job, spans, input, scratch, inside):
        taps, last, columns = job.taps, job.rank - 1, local(size, real)
        rows = rows_in_all(taps, last)
        for first in range(0, rows, CHUNK):
            some = lesser(CHUNK, rows - first)
            for q in range(some):
                offset, weight = far_row(job, first + q, last, scratch)
                store(scratch.far_rows, q * LANES, offset + load(scratch.far_starts, 0))
                store(scratch.row_weights, q * LANES, weight)
            add_rows(input, some, scratch, first > 0)
        for half in range(0, lanes, 4):
            found = quad_columns(scratch.sums, half, lanes)
            for k in range(4):
                store(columns, (half + k) * LANES, found[k])
        total = splat(0.0, inside)
        for k in range(lanes):
            total = add_tap(total, load(columns, k * LANES), load(scratch.far_slots, k * LANES))
        return with_outside(job, total, inside)

    return windowed


@cache
def far_block_of(stored, work, lanes, swaps):
    """16 points at edges."""
    singly = singly_of(stored, swaps)
    if lanes > 2:
        put_slots, windowed = slots_of(lanes), windowed_of(stored, work, lanes, swaps)

    @inline
    def inside_of(job, spans, scratch):
        inside = splat(1.0, scratch.far_weights)
        for a in range(job.rank):
            inside = inside * far_axis(job, spans[a], a, scratch)
        return inside

    @jit
    def by_windows(job, spans, input, scratch):
        inside = inside_of(job, spans, scratch)
        if job.fits and put_slots(job, spans[job.rank - 1], scratch):
            total = windowed(job, spans, input, scratch, inside)
        else:
            total = singly(job, spans, input, scratch, inside)
        return total

    @jit
    def by_taps(job, spans, input, scratch):
        return singly(job, spans, input, scratch, inside_of(job, spans, scratch))

    return by_windows if lanes > 2 else by_taps


@cache
def spline_far_of(stored, work, lanes, swaps):
    """The stage for arrays of a type, and sums of one."""
    scratch_in, element = scratch_of(work), TYPES[stored]
    block, exact = far_block_of(stored, work, lanes, swaps), VALUES[8]

    @jit
    def far(job, spans, input, scratch):
        count, out = scratch.head[EDGES], local(LANES, exact)
        for first in range(0, count, LANES):
            some = lesser(LANES, count - first)
            take_edges(job, scratch, first)
            store(out, 0, convert(block(job, spans, input, scratch), out))
            for i in range(some):
                scratch.values[scratch.edges[first + i]] = out[i]

    def spline_far(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, plane, after):
        job, spans = array_at(job_at, SPLINE, 0)[0], array_at(spans_at, SPANS, 0)
        far(job, spans, array_at(image_at, element, plane), scratch_in(job, memory))

    return spline_far
