"""Sixteen lines at a time, in and out: from where they lie to rows of scratch, and back.

In scratch row i holds sample i of 16 lines, so that whatever is done along a line is done to whole
vectors. Lines that are neighbours in memory are rows there too. Where a line's samples are
neighbours, four of them are read at once; all else goes sample by sample.

At the head of scratch stand numbers: where the lines begin in the source and in the target, and
what else the two stages are told.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at
from ...compiler.jit import inline, jit
from ...kind import STORED, VALUES
from ...vectors.columns import QUAD, load_columns, scatter_quads, store_columns
from ...vectors.gathers import gather, gather_quads
from ...vectors.memory import (
    CACHE_LINE,
    load_first,
    local,
    prefetch_at,
    starts_line,
    store_first,
    stream,
)
from ...vectors.simd import LANES, convert, load, multiply_add, splat, store, swap_bytes
from .outputs import TYPES, output_of

SQUARES = 4  # bytes of an element: lines of smaller ones take more rows than pay
# Bytes. Of lines so far apart only eight stay in the first-level cache, so that each is met a whole
# cache line at a time: the cubic filter of 1024 x 1024 doubles takes 4.7 ms and not 5.2 on one core
# of Zen 3, of floats in single precision 3.9 and not 4.8. Other lines are no quicker so: along the
# last axis of 128 x 128 x 128 doubles 7.4 and not 7.0.
PAGE = 2**12
# Samples of a line that leave past the caches one after the other. In C on one core of Zen 3 a copy
# of 1024 x 1024 doubles by 16 rows at a time takes 5.8 ms a cache line of each in turn, and 0.96 by
# 512 bytes of each. The cubic filter along the last axis: 1.54 ms on two cores, and 2.15.
PIECE = 64
SOURCES, TARGETS = 0, LANES  # 16 numbers each
STEP, COUNT, TOGETHER, LAID_TOGETHER, AT, DONE, UP, DOWN = range(2 * LANES, 2 * LANES + 8)
HEAD = 512  # bytes

# A pole, and which of the terms give the first value of its two recursions.
POLE = np.dtype([("z", "f8"), ("start", "i8"), ("starts", "i8"), ("end", "i8"), ("ends", "i8")])

# One axis of an array, filtered or resampled or both, as the kernels are told of it. Distances are
# elements, but for those that end in `_at`, which are bytes behind the first of all tables.
LINES = np.dtype(
    [
        (name, "i8")
        for name in (
            *("read", "write"),  # the addresses of two stages
            "across",  # of another one, or 0, where planes are filtered in place
            *("width", "strips", "strip"),  # of these, and how they are cut into strips
            "ahead",  # from a sample of 16 lines to that of the next 16, if these are asked for
            *("source", "target"),  # which array is read, and which is written
            *("lines", "share"),  # how many lines or strips, and how many are a piece of work
            *("n", "pad", "m"),  # samples of a line; how many are set before and after it; results
            *("source_start", "source_step", "target_start", "target_step"),
            *("axes", "axes_at"),  # the other axes, last the one whose lines are neighbours
            *("poles", "poles_at", "ends_at"),
            "needed",  # rows that must be there before the recursion can begin
            *("taps", "index_at", "weights_at"),  # of a result; 0: the samples are the results
            "wide",  # so many times 16 lines go side by side
            "stream",  # 1: results are written past the caches where they fill lines of these
            "constant",  # 1: `padding` is set before and after a line, 0: its own ends
        )
    ]
    + [
        ("gain", "f8"),
        ("padding", "f8"),
        ("outside", "f8"),  # what a tap outside reads where it reads no sample
    ],
    align=True,
)


@cache
def widen_of(swapped):
    """16 samples to the type of `like`."""

    @inline
    def turned_round(vec, like):
        return convert(swap_bytes(vec), like)

    @inline
    def plain(vec, like):
        return convert(vec, like)

    return turned_round if swapped else plain


@inline
def are_pages_apart(head, at, item):
    """Do lines of elements of so many bytes begin whole pages apart?"""
    return (head[at + 1] - head[at]) * item % PAGE == 0


# A vector of a row, and one of which only `count` elements are there: what loops over rows take.


@inline
def load_whole(x, at, count):
    return load(x, at)


@inline
def store_whole(x, at, row, count):
    store(x, at, row)


@inline
def load_some(x, at, count):
    return load_first(x, at, count, LANES)


@inline
def store_some(x, at, row, count):
    store_first(x, at, row, count, LANES)


@inline
def put_run(job, target, to, piece, at, begin, end):
    """Write elements `begin` to `end` of a row that waits in scratch; vectors pass the caches."""
    whole = end - (end - begin) % LANES
    if job.stream:
        for i in range(begin, whole, LANES):
            stream(target, to + i, load(piece, at + i))
    else:
        for i in range(begin, whole, LANES):
            store(target, to + i, load(piece, at + i))
    if whole < end:
        store_first(target, to + whole, load(piece, at + whole), end - whole, LANES)


@inline
def pole_of(job, axes, number, like):
    """A pole of the filter as a vector, if it has that one."""
    z = 0.0
    if job.poles:
        z = array_at(axes, POLE, job.poles_at)[number].z
    return splat(z, like)


@cache
def read_lines_of(value, swapped, work):
    """Samples `low` to `high` of 16 lines to their rows of scratch, times the gain.

    With UP they go on with the first pole's recursion up, c[i] = s[i] + z c[i - 1], on their way.
    """
    stored, real, widen = STORED[value], VALUES[work], widen_of(swapped)
    item = np.dtype(stored).itemsize
    size = CACHE_LINE // item if item >= SQUARES else 0  # samples that fill a cache line
    square_size, each = size * LANES, CACHE_LINE // item

    @inline
    def begin(job, head, rows, low):
        return splat(job.gain, rows), load(rows, (job.pad + low - head[UP]) * LANES)

    @inline
    def put(job, head, rows, i, row, before, z):
        if head[UP]:
            row = multiply_add(before, z, row)
        store(rows, (job.pad + i) * LANES, row)
        return row

    @inline
    def ask(job, head, source, i):
        """Ask for the same samples of the next 16 lines."""
        if job.ahead and i % each == 0:
            for k in range(LANES):
                prefetch_at(source, head[SOURCES + k] + job.ahead + i)

    @jit
    def read_together(job, head, source, rows, low, high, z):
        at = head[SOURCES]
        gain, row = begin(job, head, rows, low)
        for i in range(low, high):
            vec = load(source, at + i * job.source_step)
            row = put(job, head, rows, i, widen(vec, rows) * gain, row, z)

    @jit
    def read_squares(job, head, source, rows, low, high, z):
        gain, row = begin(job, head, rows, low)
        square = local(square_size, stored)
        for i in range(low, high - size + 1, size):
            ask(job, head, source, i)
            load_columns(square, 0, source, i, head, SOURCES)
            for k in range(size):
                vec = load(square, k * LANES)
                row = put(job, head, rows, i + k, widen(vec, rows) * gain, row, z)

    @jit
    def read_quads(job, head, source, rows, low, high, z):
        gain, row = begin(job, head, rows, low)
        for i in range(low, high - QUAD + 1, QUAD):
            ask(job, head, source, i)
            found = gather_quads(source, i, head, SOURCES)
            for k in range(QUAD):
                row = put(job, head, rows, i + k, widen(found[k], rows) * gain, row, z)

    @jit
    def read_singly(job, head, source, rows, low, high, z):
        gain, row = begin(job, head, rows, low)
        for i in range(low, high):
            vec = gather(source, i * job.source_step, head, SOURCES)
            row = put(job, head, rows, i, widen(vec, rows) * gain, row, z)

    def read(job_at, axes, image, grid, other, out, scratch, low, high):
        head, rows = array_at(scratch, np.int64, 0), array_at(scratch, real, HEAD)
        job, source = array_at(job_at, LINES, 0)[head[STEP]], array_at(image, stored, 0)
        z = pole_of(job, axes, 0, rows)
        if head[TOGETHER]:
            read_together(job, head, source, rows, low, high, z)
        elif job.source_step == 1:
            if size and are_pages_apart(head, SOURCES, item):
                squares = high - (high - low) % size
                read_squares(job, head, source, rows, low, squares, z)
                low = squares
            rest = high - (high - low) % QUAD
            read_quads(job, head, source, rows, low, rest, z)
            if rest < high:
                read_singly(job, head, source, rows, rest, high, z)
        else:
            read_singly(job, head, source, rows, low, high, z)

    return read


@cache
def write_lines_of(work, value):
    """Results `low` to `high` of 16 lines from rows of scratch, from row AT on, to the target.

    With DOWN they go on with the last pole's recursion down, c[i] = z (c[i + 1] - c[i]), on their
    way; the row at `low` is kept for those before it.
    """
    stored, real, output = TYPES[value], VALUES[work], output_of(value)
    item = np.dtype(stored).itemsize
    size = CACHE_LINE // item if item >= SQUARES else 0  # rows of results that fill lines
    square_size, pitch = size * LANES, PIECE + size
    piece_size = pitch * LANES

    @inline
    def top(head, rows, low, high):
        """The row after the last one, if that is needed."""
        return load(rows, (head[AT] - low + high - 1 + head[DOWN]) * LANES)

    @inline
    def next_row(head, rows, i, after, z):
        row = load(rows, i * LANES)
        if head[DOWN]:
            row = (after - row) * z
        return row

    @inline
    def keep(head, rows, i, row):
        if head[DOWN]:
            store(rows, i * LANES, row)

    @cache
    def together_of(put):
        @jit
        def write_together(job, head, rows, target, low, high, z):
            to, at, row = head[TARGETS], head[AT] - low, top(head, rows, low, high)
            for k in range(high - low):
                i = high - 1 - k
                row = next_row(head, rows, at + i, row, z)
                put(target, to + i * job.target_step, output(row))
            keep(head, rows, at + low, row)

        return write_together

    write_together, stream_together = together_of(store), together_of(stream)

    @jit
    def write_quads(job, head, rows, target, low, high, at, row, z):
        for k in range((high - low) // QUAD):
            i = high - QUAD * (k + 1)
            d = next_row(head, rows, at + i + 3, row, z)
            c = next_row(head, rows, at + i + 2, d, z)
            b = next_row(head, rows, at + i + 1, c, z)
            row = next_row(head, rows, at + i, b, z)
            quads = output(row), output(b), output(c), output(d)
            scatter_quads(target, i, head, TARGETS, quads)
        return row

    @jit
    def write_singly(job, head, rows, target, low, high, at, row, z):
        vector = local(LANES, stored)
        for n in range(high - low):
            i = high - 1 - n
            row = next_row(head, rows, at + i, row, z)
            store(vector, 0, output(row))
            for k in range(head[COUNT]):
                target[head[TARGETS + k] + i * job.target_step] = vector[k]
        return row

    @inline
    def are_streamed(job, head, target, low):
        found = job.stream if size else 0
        for k in range(LANES):
            if not starts_line(target, head[TARGETS + k] + low):
                found = 0
        return found

    @jit
    def write_squares(job, head, rows, target, low, high, at, row, z):
        square = local(square_size, stored)
        for n in range((high - low) // size):
            i = high - size * (n + 1)
            for m in range(size):
                k = size - 1 - m
                row = next_row(head, rows, at + i + k, row, z)
                store(square, k * LANES, output(row))
            store_columns(square, 0, target, i, head, TARGETS)
        return row

    @jit
    def stream_pieces(job, head, rows, target, low, high, at, row, z):
        piece, places = local(piece_size, stored), local(LANES, np.int64)
        for k in range(LANES):
            places[k] = k * pitch
        for n in range((high - low) // QUAD):
            i = high - QUAD * (n + 1)
            d = next_row(head, rows, at + i + 3, row, z)
            c = next_row(head, rows, at + i + 2, d, z)
            b = next_row(head, rows, at + i + 1, c, z)
            row = next_row(head, rows, at + i, b, z)
            quads = output(row), output(b), output(c), output(d)
            scatter_quads(piece, i - low, places, 0, quads)
        for k in range(LANES):
            to = head[TARGETS + k] + low
            for i in range(0, high - low, LANES):
                stream(target, to + i, load(piece, k * pitch + i))
        return row

    @jit
    def write_apart(job, head, rows, target, low, high, z):
        at, row = head[AT] - low, top(head, rows, low, high)
        first = second = low
        streamed = are_streamed(job, head, target, low)
        if job.target_step == 1:
            first = high - (high - low) % QUAD
            if streamed:
                second = high - (high - low) % LANES
            elif size and are_pages_apart(head, TARGETS, item):
                second = high - (high - low) % size
        row = write_singly(job, head, rows, target, first, high, at, row, z)
        row = write_quads(job, head, rows, target, second, first, at, row, z)
        if size and streamed:
            row = stream_pieces(job, head, rows, target, low, second, at, row, z)
        elif size:
            row = write_squares(job, head, rows, target, low, second, at, row, z)
        keep(head, rows, at + low, row)

    def write(job_at, axes, image, grid, other, out, scratch, low, high):
        head, rows = array_at(scratch, np.int64, 0), array_at(scratch, real, HEAD)
        job, target = array_at(job_at, LINES, 0)[head[STEP]], array_at(out, stored, 0)
        z = pole_of(job, axes, job.poles - 1, rows)
        if head[LAID_TOGETHER] and job.stream and starts_line(target, head[TARGETS]):
            stream_together(job, head, rows, target, low, high, z)
        elif head[LAID_TOGETHER]:
            write_together(job, head, rows, target, low, high, z)
        else:
            write_apart(job, head, rows, target, low, high, z)

    return write
