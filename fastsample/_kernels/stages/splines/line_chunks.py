"""Sixteen rows of a band go along themselves, 64 columns at a time, in the first-level cache.

Columns come up, are turned over into rows of 16, as lines are in scratch (`line_blocks`), and go on
with the recursion up, which leaves its last value to the next chunk. What the recursion down has
behind a chunk it forgets within the next one: so a chunk goes down when the next has gone up, and
the last one is given it by its terms. Two chunks lie in scratch, each behind the last value before
it, and nothing is written to the second-level cache and read again.

Results leave past the caches in whole lines of these, wherever a row begins: what fills only a part
of one waits for the next chunk.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at
from ...compiler.jit import greater, inline, jit, lesser
from ...kind import VALUES
from ...vectors.columns import columns_down, columns_up, load_columns, store_columns
from ...vectors.memory import CACHE_LINE, local, store_first, store_part, to_line
from ...vectors.simd import LANES, load, multiply_add, splat, store
from .line_blocks import COUNT, HEAD, TARGETS, put_run
from .lines import CHUNK, weighted
from .rises import PITCH, places_of, rise

SLOT = (1 + CHUNK) * LANES  # elements of a chunk


def chunk_bytes(item):
    """What two chunks need."""
    return HEAD + 2 * SLOT * item


def pieces_size(item):
    """Elements of what leaves, twice."""
    return 2 * piece_size(item)


def piece_size(item):
    """16 rows of results, each behind what waits for it."""
    return LANES * (CHUNK + CACHE_LINE // item) + LANES


@cache
def chunks_of(work):
    """The work on 16 rows of a band that have gone down."""
    real = VALUES[work]
    item = np.dtype(real).itemsize
    line = CACHE_LINE // item
    pitch, behind = CHUNK + line, piece_size(item)

    @jit
    def turn_over(risen, lines, at, count):
        """Turn columns of 16 rows over, each to a row of 16."""
        places = places_of(PITCH)
        for j in range(0, count, line):
            load_columns(lines, at + j * LANES, risen, j, places, 0)

    @jit
    def turn_up(risen, begin, lines, at, count, row, z):
        """Turn columns over into rows that go up from `row` on: the last one."""
        places, pole = places_of(PITCH), splat(z, lines)
        for k in range(0, count, line):
            row = columns_up(lines, at + k * LANES, row, pole, risen, begin + k, places, 0)
        return row

    @jit
    def ahead_of(lines, at, weights, count):
        """What the recursion down has before some rows."""
        total, other = splat(0.0, lines), splat(0.0, lines)
        for k in range(0, count, 2):
            row, next_row = load(lines, at + k * LANES), load(lines, at + (k + 1) * LANES)
            total = multiply_add(row, splat(weights[k], lines), total)
            other = multiply_add(next_row, splat(weights[k + 1], lines), other)
        return total + other

    @inline
    def go_down(lines, at, count, row, z, gain):
        """Go down from `row` on, c[i] = z c[i + 1] + gain s[i]: the last one."""
        pole, factor = splat(z, lines), splat(gain, lines)
        for k in range(count):
            i = at + (count - 1 - k) * LANES
            row = multiply_add(row, pole, load(lines, i) * factor)
            store(lines, i, row)
        return row

    @jit
    def turn_down(lines, piece, to, at, count, row, z, gain):
        """Go down through a chunk, and turn it over into rows of results: the last one."""
        places, i = places_of(pitch), count - count % line
        pole, factor = splat(z, lines), splat(gain, lines)
        if i < count:
            row = go_down(lines, at + i * LANES, count - i, row, z, gain)
            store_columns(lines, at + i * LANES, piece, to + i, places, 0)
        for _ in range(i // line):
            i -= line
            row = columns_down(lines, at + i * LANES, row, pole, factor, piece, to + i, places, 0)
        return row

    @jit
    def put_row(job, target, start, piece, at, begin, first, end):
        """Write results `first` to `end` of a row; `begin` is where lines of the caches begin."""
        low = first
        if begin < first:
            low = lesser(begin + LANES, end)
            store_first(target, start + first, load(piece, at + first), low - first, LANES)
        put_run(job, target, start, piece, at, low, end)

    @jit
    def put_piece(job, head, target, piece, at, skews, low, high):
        """Write what is made of 16 rows: all at their end, else up to a whole line."""
        for k in range(head[COUNT]):
            begin = low - skews[k]
            end = high if high == job.n else high - skews[k]
            first = greater(begin, 0)
            put_row(job, target, head[TARGETS + k], piece, at - low, begin, first, end)
            at += pitch

    @jit
    def keep_ends(piece, at, to):
        """Keep what has not left, before what comes next."""
        for k in range(0, LANES * pitch, pitch):
            store_part(piece, to + k, load(piece, at + k + CHUNK), line)

    @jit
    def put_skews(job, head, target, skews):
        """Write down how far behind a line of the caches each row begins, if it passes them."""
        for k in range(LANES):
            ahead = to_line(target, head[TARGETS + k]) // item
            skews[k] = line - ahead if job.stream else 0

    @jit
    def run_along(band, job, at, head, block, column, poles, terms):
        """Let 16 rows come up from a column on, filter them along themselves, and write them."""
        lines, target = array_at(at.scratch, real, HEAD), array_at(at.out, real, 0)
        piece = array_at(at.scratch, real, band.pieces_at)
        sums, ring, risen = (
            array_at(at.scratch, real, band.sums_at + column * item),
            array_at(at.scratch, real, band.ring_at + column * item),
            array_at(at.scratch, real, band.risen_at),
        )
        weights, pole = array_at(at.axes, real, band.ahead_at), poles[0]
        skews = local(LANES, np.int64)
        put_skews(job, head, target, skews)
        z, gain = pole.z, -pole.z * job.gain
        here, other, row = LANES, SLOT + LANES, splat(0.0, lines)
        for low in range(0, job.n, CHUNK):
            high = lesser(low + CHUNK, job.n)
            if low == 0:
                rise(band, sums, ring, risen, block, low, high)
                turn_over(risen, lines, here, high - low)
                row = weighted(lines, here, terms, pole.start, pole.starts)
            for j in range(low, high, LANES):
                end, to = lesser(j + LANES, high), here + (j - low) * LANES
                begin = j
                if low > 0:
                    rise(band, sums, ring, risen, block, j, end)
                    begin = 0
                row = turn_up(risen, begin, lines, to, end - j, row, z)
            if high < job.n:
                after = ahead_of(lines, here, weights, band.ahead)
            else:
                after = weighted(lines, here - low * LANES, terms, pole.end, pole.ends)
                after = turn_down(lines, piece, behind + line, here, high - low, after, z, gain)
            if low > 0:
                keep_ends(piece, 0, 0)
                turn_down(lines, piece, line, other, CHUNK, after, z, gain)
                put_piece(job, head, target, piece, line, skews, low - CHUNK, low)
            if high == job.n:
                keep_ends(piece, 0, behind)
                put_piece(job, head, target, piece, behind + line, skews, low, high)
            store(lines, other - LANES, row)
            here, other = other, here

    return run_along
