"""Splines of orders 0 and 1: 16 points from their coordinates to their values at once.

Of what lies between them only the offsets are stored. A plan that writes down weights for a tile,
as higher orders have it, costs as much as the sums: on one core of Zen 1 order 1 of 1024x1024
doubles took 6.5 ns a point to plan, and 4.5 to sum.
"""

from functools import cache

from ...compiler.jit import inline
from ...kind import VALUES
from ...vectors.gathers import gather, gather_pairs
from ...vectors.memory import local
from ...vectors.simd import LANES, convert, floor, load, multiply_add, splat, store, where
from ...vectors.windows import as_places, swapped
from ..values import add_tap
from .scratch import PITCH


@cache
def native_of(swaps):
    """What was read, in this machine's byte order."""

    @inline
    def turned(vec):
        return swapped(vec)

    @inline
    def as_it_is(vec):
        return vec

    return turned if swaps else as_it_is


@inline
def nearest_offsets(job, spans, scratch, j):
    """Where the pixels next to 16 points are."""
    start = splat(0.0, scratch.places)
    for a in range(job.rank):
        whole = floor(load(scratch.places, a * PITCH + j) + splat(job.half, start))
        start = multiply_add(whole, splat(float(spans[a].stride), start), start)
    store(scratch.offsets, 0, as_places(start))


@cache
def linear_of(work, swaps, rank):
    """16 points between two pixels along each of `rank` axes; 0 stands for any number.

    Taps that weigh nothing do not count.
    """
    native, real, size = native_of(swaps), VALUES[work], 2 * max(rank, 1) * LANES

    @inline
    def put_axis(span, a, x, start, weights):
        whole = floor(x)
        t = convert(x - whole, weights)
        store(weights, 2 * a * LANES, 1.0 - t)
        store(weights, (2 * a + 1) * LANES, t)
        return multiply_add(whole, splat(float(span.stride), x), start)

    @inline
    def row_of(spans, weights, number, last):
        # Row `number` of taps along the axes before `last`: its offset, and the points' weights.
        offset, weight = 0, splat(1.0, weights)
        for a in range(last - 1, -1, -1):
            k = number % 2
            number //= 2
            offset += k * spans[a].stride
            weight = weight * load(weights, (2 * a + k) * LANES)
        return offset, weight

    @inline
    def add_row(input, offset, weight, last, scratch, weights, total):
        near, far = load(weights, 2 * last * LANES), load(weights, (2 * last + 1) * LANES)
        left, right = gather_pairs(input, offset, scratch.offsets, 0)
        right = where(far != 0.0, convert(native(right), weights), 0.0)  # `near` is never 0
        row = multiply_add(right, far, convert(native(left), weights) * near)
        return add_tap(total, row, weight)

    @inline
    def add_rows(spans, axes, input, scratch, weights):
        total = splat(0.0, weights)
        for number in range(2 ** (axes - 1)):
            offset, weight = row_of(spans, weights, number, axes - 1)
            total = add_row(input, offset, weight, axes - 1, scratch, weights, total)
        return total

    @inline
    def linear(job, spans, input, scratch, j):
        axes = rank if rank else job.rank
        weights = local(size, real) if rank else scratch.weights
        start = splat(0.0, scratch.places)
        for a in range(axes):
            x = load(scratch.places, a * PITCH + j)
            start = put_axis(spans[a], a, x, start, weights)
        store(scratch.offsets, 0, as_places(start))
        total = add_rows(spans, axes, input, scratch, weights)
        store(scratch.values, j, convert(total, scratch.values))

    return linear, put_axis, add_rows


@cache
def nearest_of(swaps):
    """16 points of order 0."""
    native = native_of(swaps)

    @inline
    def nearest(job, spans, input, scratch, j):
        nearest_offsets(job, spans, scratch, j)
        found = native(gather(input, 0, scratch.offsets, 0))
        store(scratch.values, j, convert(convert(found, scratch.weights), scratch.values))

    return nearest


@cache
def any_narrow_of(work):
    """16 points of orders 0 and 1 along any number of axes, in this machine's byte order."""
    nearest, linear = nearest_of(0), linear_of(work, 0, 0)[0]

    @inline
    def narrow(job, spans, input, scratch, j):
        if job.order == 0:
            nearest(job, spans, input, scratch, j)
        else:
            linear(job, spans, input, scratch, j)

    return narrow


@cache
def narrow_of(work, swaps):
    """16 points of orders 0 and 1."""
    nearest = nearest_of(swaps)
    plane, volume, others = (linear_of(work, swaps, rank)[0] for rank in (2, 3, 0))

    @inline
    def narrow(job, spans, input, scratch, j):
        if job.order == 0:
            nearest(job, spans, input, scratch, j)
        elif job.rank == 2:
            plane(job, spans, input, scratch, j)
        elif job.rank == 3:
            volume(job, spans, input, scratch, j)
        else:
            others(job, spans, input, scratch, j)

    return narrow
