"""What is prefetched for splines between the sums of 16 points: only hints, which change no result.

A tile's coordinates, its taps and its values are read and written after each other. Asked for in
one go each, they would wait for memory in turn; asked for in between, they come while sums are at
work. On two threads of Zen 3, order 0 at 1024x1024 points in arrays of doubles went from 4.7 to 3.1
ms so, at 128x128x128 from 13.4 to 9.0.
"""

import numpy as np

from ..compiler.jit import inline, jit
from ..vectors.memory import local, prefetch, prefetch_at
from ..vectors.simd import LANES, floor, load, multiply_add, splat, store
from ..vectors.windows import as_places
from .spline_scratch import FIRST, LOST, PITCH, TILE

# Points between those that are summed and those whose taps are asked for, and of which of 16: in
# ms of order 0 at 1024x1024 and 128x128x128 points, 64 points 3.24 and 9.8, 128 3.33 and 9.7, 256
# 3.13 and 9.0; every second or fourth of 16 made no difference.
BETWEEN, EVERY = 256, 4
# Rows of the input that points cross for each one they go along, at most: 14 degrees. Steeper rows
# of results find their lines in the second-level cache: at 1024x1024 points order 0 with taps asked
# for at any angle took 0.74 to 0.86 of the time at 2 and 6 degrees, 0.99 to 1.03 at 14, and 1.12 to
# 1.25 at 60 and 90.
STEEPEST = 0.25


@inline
def ask_coordinates(job, spans, coordinates, scratch, j):
    """The coordinates of 16 points of the next tile, given as bytes: for doubles two lines each."""
    for a in range(job.rank):
        at = (spans[a].places + scratch.head[FIRST] + TILE + j) * job.real
        prefetch_at(coordinates, at)
        prefetch_at(coordinates, at + LANES // 2 * job.real)


@inline
def are_level(job, scratch):
    """Do the first 16 points of a tile go along the rows of the input, not across them?"""
    steep = 0.0
    for a in range(job.rank - 1):
        at = a * PITCH
        steep += abs(scratch.places[at + LANES - 1] - scratch.places[at])
    return steep <= STEEPEST * (LANES - 1)


@inline
def row_behind(job, spans, number):
    """How far row `number` of taps along the axes before the last lies from the first one."""
    offset = 0
    for a in range(job.rank - 2, -1, -1):
        offset += number % job.taps * spans[a].stride
        number //= job.taps
    return offset


@jit
def ask_taps(job, spans, input, scratch, j):
    """The rows of taps of 16 points, if they have a value."""
    if scratch.known[j // LANES] != LOST:
        start, offsets = splat(0.0, scratch.places), local(LANES, np.int64)
        for a in range(job.rank):
            whole = floor(load(scratch.places, a * PITCH + j) + splat(job.half, start))
            whole = whole - splat(job.below, start)
            start = multiply_add(whole, splat(float(spans[a].stride), start), start)
        store(offsets, 0, as_places(start))
        rows = 1
        for _ in range(job.rank - 1):
            rows *= job.taps
        for number in range(rows):
            prefetch(input, row_behind(job, spans, number), offsets, 0, EVERY)
