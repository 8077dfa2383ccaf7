"""Rows of a band come up: the recursions up of columns, 16 rows at a time."""

import numpy as np

from ...compiler.jit import inline, jit
from ...vectors.memory import local
from ...vectors.simd import LANES, load, multiply_add, splat, store
from .lines import CHUNK

DEEP = LANES  # rows that come up together
PITCH = CHUNK + 8  # of 16 rows that have come up, lest they share places in the cache


@inline
def places_of(step):
    """Where 16 rows begin: so that the compiler knows it, in each function."""
    places = local(LANES, np.int64)
    for k in range(LANES):
        places[k] = k * step
    return places


@jit
def sums_below(band, sums, block, j):
    """What lies below 16 rows as their recursions up need it: of the first pole, of the second."""
    count, step = band.reach // DEEP, band.poles * band.pitch
    first, second = splat(0.0, sums), splat(0.0, sums)
    left, other = splat(band.first_left, sums), splat(band.second_left, sums)
    slot = (block + count) % (count + 1)
    for _ in range(count):
        at = slot * step + j
        if band.poles == 2:
            second = multiply_add(second, other, load(sums, at + band.pitch))
            second = multiply_add(first, splat(band.mixed, sums), second)
        first = multiply_add(first, left, load(sums, at))
        slot = slot - 1 if slot else count
    return first, second


@jit
def rise_by_one(band, sums, ring, risen, block, low, high):
    """Let some columns of 16 rows come up."""
    z = splat(band.first, sums)
    bottom = (block % (band.reach // DEEP + 1) * DEEP + DEEP - 1) * band.pitch
    for j in range(low, high, LANES):
        row, _ = sums_below(band, sums, block, j)
        at, to = bottom + j, (DEEP - 1) * PITCH + j - low
        for _ in range(DEEP):
            row = multiply_add(row, z, load(ring, at))
            store(risen, to, row)
            at -= band.pitch
            to -= PITCH


@jit
def rise_by_two(band, sums, ring, risen, block, low, high):
    """The same with two poles."""
    z, y = splat(band.first, sums), splat(band.second, sums)
    bottom = (block % (band.reach // DEEP + 1) * DEEP + DEEP - 1) * band.pitch
    for j in range(low, high, LANES):
        first, second = sums_below(band, sums, block, j)
        at, to = bottom + j, (DEEP - 1) * PITCH + j - low
        for _ in range(DEEP):
            first = multiply_add(first, z, load(ring, at))
            second = multiply_add(second, y, first)
            store(risen, to, second)
            at -= band.pitch
            to -= PITCH


@inline
def rise(band, sums, ring, risen, block, low, high):
    """Let some columns of 16 rows come up, to rows of their own."""
    if band.poles == 1:
        rise_by_one(band, sums, ring, risen, block, low, high)
    else:
        rise_by_two(band, sums, ring, risen, block, low, high)
