"""Sixteen lines at a time, in and out: from where they lie to rows of scratch, and back.

In scratch row i holds sample i of 16 lines, so that whatever is done along a line is done to whole
vectors. Lines that are neighbours in memory are rows there too. Where a line's samples are
neighbours, squares of 16 x 16 are transposed; all else goes sample by sample.

At the head of scratch stand numbers: where the lines begin in the source and in the target, and
what else the two stages are told.
"""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit
from ..kind import STORED, VALUES
from ..vectors.memory import gather, local, starts_line, stream
from ..vectors.simd import LANES, convert, load, splat, store, swap_bytes, turn
from .outputs import TYPES, output_of

SQUARE = LANES * LANES
SOURCES, TARGETS = 0, LANES  # 16 numbers each
STEP, COUNT, TOGETHER, LAID_TOGETHER, AT, DONE = range(2 * LANES, 2 * LANES + 6)
HEAD = 512  # bytes

# One axis of an array, filtered or resampled or both, as the kernels are told of it. Distances are
# elements, but for those that end in `_at`, which are bytes behind the first of all tables.
LINES = np.dtype(
    [
        (name, "i8")
        for name in (
            *("read", "write"),  # the addresses of two stages
            *("source", "target"),  # which array is read, and which is written
            *("lines", "share"),  # how many lines, and how many are a piece of work
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


@cache
def read_lines_of(value, swapped, work):
    """Samples `low` to `high` of 16 lines to their rows of scratch, times the gain."""
    stored, real, widen = STORED[value], VALUES[work], widen_of(swapped)

    @jit
    def read_together(job, head, source, rows, low, high):
        gain, at = splat(job.gain, rows), head[SOURCES]
        for i in range(low, high):
            vec = load(source, at + i * job.source_step)
            store(rows, (job.pad + i) * LANES, widen(vec, rows) * gain)

    @jit
    def read_squares(job, head, source, rows, low, high):
        gain, square = splat(job.gain, rows), local(SQUARE, real)
        for i in range(low, high - LANES + 1, LANES):
            for k in range(LANES):
                store(square, k * LANES, widen(load(source, head[SOURCES + k] + i), rows) * gain)
            turn(square, 0, rows, (job.pad + i) * LANES)

    @jit
    def read_singly(job, head, source, rows, low, high):
        gain = splat(job.gain, rows)
        for i in range(low, high):
            vec = gather(source, i * job.source_step, head, SOURCES)
            store(rows, (job.pad + i) * LANES, widen(vec, rows) * gain)

    def read(job_at, axes, image, grid, other, out, scratch, low, high):
        head, rows = array_at(scratch, np.int64, 0), array_at(scratch, real, HEAD)
        job, source = array_at(job_at, LINES, 0)[head[STEP]], array_at(image, stored, 0)
        if head[TOGETHER]:
            read_together(job, head, source, rows, low, high)
        elif job.source_step == 1:
            read_squares(job, head, source, rows, low, high)
            read_singly(job, head, source, rows, high - (high - low) % LANES, high)
        else:
            read_singly(job, head, source, rows, low, high)

    return read


@cache
def write_lines_of(work, value):
    """Results `low` to `high` of 16 lines from rows of scratch, from row AT on, to the target."""
    stored, real, output = TYPES[value], VALUES[work], output_of(value)

    @jit
    def write_together(job, head, rows, target, low, high):
        to, at = head[TARGETS], head[AT] - low
        for i in range(low, high):
            store(target, to + i * job.target_step, output(load(rows, (at + i) * LANES)))

    @jit
    def write_squares(job, head, rows, target, low, high):
        at, square = head[AT] - low, local(SQUARE, real)
        for i in range(low, high - LANES + 1, LANES):
            turn(rows, (at + i) * LANES, square, 0)
            for k in range(head[COUNT]):
                store(target, head[TARGETS + k] + i, output(load(square, k * LANES)))

    @jit
    def write_singly(job, head, rows, target, low, high, first):
        at, vector = head[AT] - low, local(LANES, stored)
        for i in range(first, high):
            store(vector, 0, output(load(rows, (at + i) * LANES)))
            for k in range(head[COUNT]):
                target[head[TARGETS + k] + i * job.target_step] = vector[k]

    @jit
    def stream_together(job, head, rows, target, low, high):
        to, at = head[TARGETS], head[AT] - low
        for i in range(low, high):
            stream(target, to + i * job.target_step, output(load(rows, (at + i) * LANES)))

    def write(job_at, axes, image, grid, other, out, scratch, low, high):
        head, rows = array_at(scratch, np.int64, 0), array_at(scratch, real, HEAD)
        job, target = array_at(job_at, LINES, 0)[head[STEP]], array_at(out, stored, 0)
        if head[LAID_TOGETHER] and job.stream and starts_line(target, head[TARGETS]):
            stream_together(job, head, rows, target, low, high)
        elif head[LAID_TOGETHER]:
            write_together(job, head, rows, target, low, high)
        elif job.target_step == 1:
            write_squares(job, head, rows, target, low, high)
            write_singly(job, head, rows, target, low, high, high - (high - low) % LANES)
        else:
            write_singly(job, head, rows, target, low, high, low)

    return write
