"""The stages `spline_near` and `spline_far`: sums of taps at planned points.

`near` reads windows that lie in the array as a whole, 16 points at a time: along the last axis a
window is one load, rows of taps are added with their weights as whole windows, and the last axis's
weights come at the end. `far` takes the points at edges, 16 from anywhere in a tile: by windows,
too, where these find all taps along the last axis, else each tap by itself.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at
from ...compiler.jit import inline, jit, lesser
from ...kind import VALUES
from ...vectors.gathers import gather
from ...vectors.memory import local
from ...vectors.parts import add_parts, load_parts, store_parts
from ...vectors.simd import (
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
from ...vectors.windows import all_lanes, all_within, as_places, quad_columns, windows
from ..values import add_tap
from .ahead import ask_coordinates, ask_pixels, pixels_ahead
from .narrow import narrow_of, native_of
from .outputs import TYPES
from .places import put_weights, tap_place
from .plan import note_edge
from .scratch import (
    ARRAYS,
    CHUNK,
    COUNT,
    EDGES,
    GRID_CONSTANT,
    LOOKED_AT,
    LOST,
    PITCH,
    SPANS,
    SPLINE,
    scratch_of,
)
from .sums import across_of, rows_in_all, sum_windows_of

HUGE = np.finfo(np.float64).max

# Taps at edges ------------------------------------------------------------------------------------


@jit
def take_taps(job, span, a, scratch, whole):
    """Where taps of 16 points along an axis read, in `far_weights` what they weigh there.

    Returned is the share of them that lies outside for good.
    """
    base = (a + 1) * job.taps * LANES
    missing, inside = splat(0.0, whole), splat(0.0, scratch.far_weights)
    for k in range(job.taps):
        at = base + k * LANES
        place, share = tap_place(job.mode, span, whole - splat(job.below - k, whole))
        store(scratch.far_offsets, at, as_places(place * float(span.stride)))
        if job.mode == GRID_CONSTANT:
            weight = load(scratch.far_weights, at) * convert(share, scratch.far_weights)
            store(scratch.far_weights, at, weight)
            missing = where(share > 0.0, missing, 1.0)
            inside = inside + weight
    return where(convert(missing, inside) > 0.0, inside, 1.0)


@jit
def far_axis(job, span, a, scratch):
    """Taps and weights of 16 points along one axis; the share of them that lies outside."""
    x = load(scratch.far_places, a * LANES)
    whole, base = floor(x + splat(job.half, x)), (a + 1) * job.taps * LANES
    put_weights(job.order, scratch.far_weights, base, LANES, x - whole)
    return take_taps(job, span, a, scratch, whole)


@jit
def move_weights(job, span, a, slots, scratch, whole, out, at):
    """What `take_taps` found, in windows that lie inside, a slot after the other.

    Where these begin, and how many taps find a place.
    """
    base, start = (a + 1) * job.taps * LANES, whole - splat(job.below, whole)
    start = at_most(at_least(start, span.first), span.last_start)
    offset, found = as_places(start * float(span.stride)), splat(0.0, out)
    for slot in range(slots):
        weight = splat(0.0, out)
        for k in range(job.taps):
            own = load(scratch.far_offsets, base + k * LANES) == offset
            weight = weight + where(own, load(scratch.far_weights, base + k * LANES), 0.0)
            found = found + where(own, splat(1.0, found), 0.0)
        store(out, at + slot * LANES, weight)
        offset = offset + splat(span.stride, offset)
    return start, found


@inline
def with_outside(job, total, inside):
    """A value with what lies outside, where that has a share."""
    outside = splat(job.cval, inside) * (1.0 - inside)
    return total + where(inside == 1.0, 0.0, outside)


# Windows along the last axis ---------------------------------------------------------------------


@jit
def move_taps(job, span, a, scratch, whole):
    """Of 16 points, some at edges, move the windows inside, and the weights to where taps read.

    What lies outside for good has its share in `far_slots`.
    """
    base, slots = (a + 1) * job.taps * LANES, int(span.last - span.last_start) + 1
    for k in range(job.taps):
        store(scratch.far_weights, base + k * LANES, load(scratch.weights, base + k * LANES))
    inside = take_taps(job, span, a, scratch, whole)
    store(scratch.far_slots, 0, load(scratch.far_slots, 0) * inside)
    return move_weights(job, span, a, slots, scratch, whole, scratch.weights, base)[0]


@jit
def plan_sixteen(job, spans, scratch, j, at_edge):
    """Weights of the taps of 16 points, and where their windows begin.

    Are the last axis's moved? Then a whole window has weights.
    """
    offset, moved = splat(0.0, scratch.places), False
    if at_edge:
        store(scratch.far_slots, 0, splat(1.0, scratch.far_slots))
    for a in range(job.rank):
        x = load(scratch.places, a * PITCH + j)
        whole = floor(x + splat(job.half, x))
        if job.order:
            t, to = convert(x - whole, scratch.weights), (a + 1) * job.taps * LANES
            put_weights(job.order, scratch.weights, to, LANES, t)
        start = whole - splat(job.below, x)
        if at_edge:
            moved = not all_within(x, spans[a].low, spans[a].high)
            if moved:
                start = move_taps(job, spans[a], a, scratch, whole)
        offset = multiply_add(start, splat(float(spans[a].stride), start), offset)
    store(scratch.offsets, 0, as_places(offset))
    return moved


@jit
def look_again(job, spans, scratch, j):
    """Let `far` take points at edges without a finite value: windows hold what no tap reads."""
    for k in range(j, lesser(j + LANES, scratch.head[COUNT])):
        value, at_edge = scratch.values[k], False
        for a in range(job.rank):
            x = scratch.places[a * PITCH + k]
            at_edge = at_edge or x < spans[a].low or x > spans[a].high
        if at_edge and value - value != 0.0:
            note_edge(job, scratch, k, scratch.head[EDGES])
            scratch.head[EDGES] += 1


@cache
def wide_of(work, lanes, swaps):
    """16 points of order 2 and more."""
    sum_windows, across = sum_windows_of(work, lanes, swaps), across_of(lanes)

    @inline
    def wide(job, spans, input, scratch, j):
        at_edge = job.moves and scratch.known[j // LANES] == LOOKED_AT
        moved = plan_sixteen(job, spans, scratch, j, at_edge)
        taps = job.taps
        sum_windows(job, spans, input, scratch)
        total = across(taps, lanes if moved else taps, scratch, job.rank * taps * LANES)
        if at_edge and job.mode == GRID_CONSTANT:
            total = with_outside(job, total, load(scratch.far_slots, 0))
        total = convert(total, scratch.values)
        store(scratch.values, j, total)
        if at_edge and not all_within(total, -HUGE, HUGE):
            look_again(job, spans, scratch, j)

    return wide


@cache
def spline_near_of(stored, work, lanes, swaps):
    """The stage for arrays of a type, and sums of one; 2 lanes serve orders 0 and 1."""
    scratch_in, element = scratch_of(work), TYPES[stored]
    wide = lanes > 2
    block = wide_of(work, lanes, swaps) if wide else narrow_of(work, swaps)

    @jit
    def near(job, spans, input, grid_at, scratch):
        count = scratch.head[COUNT]
        if job.moves:
            scratch.head[EDGES] = 0
        beyond, coordinates = (
            pixels_ahead(job, spans, grid_at, scratch),
            array_at(grid_at, np.int8, 0),
        )
        for j in range(0, count, LANES):
            if job.source == ARRAYS:
                ask_coordinates(job, spans, coordinates, scratch, j)
            if scratch.known[j // LANES] != LOST:
                block(job, spans, input, scratch, j)
                if beyond != 0:
                    planes = job.taps if wide and job.rank > 2 else 1
                    ask_pixels(input, beyond, planes, spans[0].stride, scratch)

    def spline_near(job_at, spans_at, image_at, grid_at, other_at, out_at, memory, plane, after):
        job, spans = array_at(job_at, SPLINE, 0)[0], array_at(spans_at, SPANS, 0)
        near(job, spans, array_at(image_at, element, plane), grid_at, scratch_in(job, memory))

    return spline_near


# Points at edges ----------------------------------------------------------------------------------


@inline
def take_edges(job, scratch, first):
    """The coordinates of 16 points at edges."""
    for a in range(job.rank):
        store(scratch.far_places, a * LANES, load(scratch.edge_places, a * PITCH + first))


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


@jit
def put_slots(job, span, slots, scratch):
    """Weights along the last axis in windows inside; does each tap find a place?"""
    last, taps = job.rank - 1, job.taps
    x, out = load(scratch.far_places, last * LANES), scratch.far_slots
    whole = floor(x + splat(job.half, x))
    start, found = move_weights(job, span, last, slots, scratch, whole, out, 0)
    store(scratch.far_starts, 0, as_places(start))
    return all_lanes(found >= float(taps))


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


@inline
def inside_share(job, spans, scratch):
    """Taps and weights of 16 points at edges along all axes; the share of them that lies inside."""
    inside = splat(1.0, scratch.far_weights)
    for a in range(job.rank):
        inside = inside * far_axis(job, spans[a], a, scratch)
    return inside


@cache
def far_block_of(stored, work, lanes, swaps):
    """16 points at edges."""
    singly = singly_of(stored, swaps)
    if lanes > 2:
        windowed = windowed_of(stored, work, lanes, swaps)

    @jit
    def by_windows(job, spans, input, scratch):
        inside = inside_share(job, spans, scratch)
        if job.fits and put_slots(job, spans[job.rank - 1], lanes, scratch):
            total = windowed(job, spans, input, scratch, inside)
        else:
            total = singly(job, spans, input, scratch, inside)
        return total

    @jit
    def by_taps(job, spans, input, scratch):
        return singly(job, spans, input, scratch, inside_share(job, spans, scratch))

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
