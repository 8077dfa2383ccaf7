"""Which points of a run lie inside, and which have no value, in closed form.

Along a row of the output each coordinate of a matrix rises or falls, so the points inside are a
stretch of the row. It is found by its ends, and these are looked at, so that no rounding matters;
whole vectors within are planned without a test. Of `constant`, the points before and after have no
value, and need no plan at all.
"""

from ...compiler.jit import greater, inline, jit
from ...vectors.simd import LANES, splat, store
from ..spans import overlap
from .scratch import CAREFUL, CONSTANT, COUNT, EDGES, INSIDE, LOST, PITCH, UNKNOWN

LEAST = 4 * LANES  # points of a run, of which less than a vector's is lost at each end


@jit
def nothing_known(scratch):
    """Of no point of a tile."""
    scratch.head[CAREFUL] = scratch.head[EDGES] = 0
    for block in range((scratch.head[COUNT] + LANES - 1) // LANES):
        scratch.known[block] = UNKNOWN


@jit
def take_care(scratch):
    """From now on `lost` and `edge` say something."""
    if not scratch.head[CAREFUL]:
        scratch.head[CAREFUL] = 1
        for j in range(0, scratch.head[COUNT], LANES):
            store(scratch.lost, j, splat(0.0, scratch.lost))
            store(scratch.edge, j, splat(0.0, scratch.edge))


@inline
def between(x, end, length, low, high):
    """The part of a run from x to `end` whose places lie between two, as its first and last."""
    first, last = 0.0, length - 1.0
    if not (x >= low and x <= high and end >= low and end <= high):
        step = (end - x) / greater(last, 1.0)
        first, last = overlap(first, last, x - low, step)
        first, last = overlap(first, last, high - x, 0.0 - step)
    return first, last


@inline
def vectors_of(begin, end):
    """The first of the whole vectors among some points, and the one after the last."""
    return (begin + LANES - 1) // LANES, end // LANES


@inline
def are_outside(x, y, size):
    """Have two points, and so all between them, no value?"""
    return (x < 0.0 and y < 0.0) or (x > size - 1.0 and y > size - 1.0)


@jit
def are_inside(job, spans, scratch, point):
    """Does a point need no border rule?"""
    found = True
    for a in range(job.rank):
        x = scratch.places[a * PITCH + point] + job.pad
        found = found and x >= spans[a].low and x <= spans[a].high
    return found


@jit
def inner_stretch(job, spans, scratch, at, length):
    """The first and the last point of a run that may be inside along all axes."""
    first, last = 0.0, length - 1.0
    for a in range(job.rank):
        to = a * PITCH + at
        x, end = scratch.places[to] + job.pad, scratch.places[to + length - 1] + job.pad
        low, high = between(x, end, length, spans[a].low, spans[a].high)
        first = low if low > first else first
        last = high if high < last else last
    begin, end = 0, -1
    if first <= last:
        begin, end = int(first) + (int(first) < first), int(last)
    return at + begin, at + end


@jit
def mark_inside(job, spans, scratch, at, length):
    """The points of a run that lie inside; are these all?"""
    begin, end = at, at + length - 1
    found = are_inside(job, spans, scratch, begin) and are_inside(job, spans, scratch, end)
    whole = found
    if not found:
        begin, end = inner_stretch(job, spans, scratch, at, length)
        if begin <= end:
            found = are_inside(job, spans, scratch, begin) and are_inside(job, spans, scratch, end)
    if found:
        first_block, end_block = vectors_of(begin, end + 1)
        for block in range(first_block, end_block):
            scratch.known[block] = INSIDE
    return whole


@jit
def is_lost(job, spans, scratch, at, length):
    """Lie all points of a run outside along one axis?"""
    found = False
    for a in range(job.rank):
        x, end = scratch.places[a * PITCH + at], scratch.places[a * PITCH + at + length - 1]
        found = found or are_outside(x, end, spans[a].size)
    return found


@jit
def lose(scratch, begin, end):
    """Some points have no value."""
    first_block, end_block = vectors_of(begin, end)
    if first_block < end_block:
        take_care(scratch)
    for block in range(first_block, end_block):
        scratch.known[block] = LOST
        store(scratch.lost, block * LANES, splat(1.0, scratch.lost))


@jit
def mark_lost(scratch, span, a, at, length):
    """The points of a run that lie outside along an axis, before and after those inside."""
    to, stop = a * PITCH + at, length - 1
    x, end = scratch.places[to], scratch.places[to + stop]
    first, last = between(x, end, length, 0.0, span.size - 1.0)
    if first <= last:
        head, tail = int(first) - 1, int(last) + 2
        if head >= 0 and are_outside(x, scratch.places[to + head], span.size):
            lose(scratch, at, at + head + 1)
        if tail <= stop and are_outside(scratch.places[to + tail], end, span.size):
            lose(scratch, at + tail, at + length)


@jit
def mark_run(job, spans, scratch, at, length):
    """What is known of a run of points along a row of the output, if it is worth it."""
    if length >= LEAST:
        if job.mode == CONSTANT and is_lost(job, spans, scratch, at, length):
            lose(scratch, at, at + length)
        elif not mark_inside(job, spans, scratch, at, length) and job.mode == CONSTANT:
            for a in range(job.rank):
                mark_lost(scratch, spans[a], a, at, length)
