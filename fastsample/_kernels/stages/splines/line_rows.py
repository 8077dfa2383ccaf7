"""Rows of results straight from rows of the source, where an axis has few taps and no filter.

A row of results is made from one to four rows of the source, which are added up to one row in the
first-level cache, and that is resampled along itself by a table. Nothing is transposed, and nothing
lies between two axes. On two cores of Zen 3 1024 x 1024 doubles zoomed by 1.25 under order 0 take
half the time that they take axis after axis (`lines`), 1.8 ms and not 3.8.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at, free, new_memory, on_a_line
from ...compiler.jit import STAGE, WORK, call_stage, inline, jit, lesser, made_address
from ...compiler.once import once
from ...kind import STORED, VALUES
from ...vectors.gathers import gather
from ...vectors.memory import fence, local, starts_line, stream
from ...vectors.simd import LANES, load, multiply_add, splat, store
from .line_blocks import widen_of
from .outputs import TYPES, output_of

TAPS = 2  # of a result along an axis, at most
MOST_AXES = 64
# At the head of scratch: how many taps two axes across the row have; for each of the second one's,
# whether it is outside, and where the rows of the first one's begin (-1: outside); where the
# results go. Then weights of both axes, and the row.
FIRST, SECOND, TARGET, OUTSIDE = range(4)
OFFSETS = OUTSIDE + TAPS
WEIGHTS, HEAD = 128, 192  # bytes
NOWHERE = -2  # no row's offset, nor that of what lies outside

# The rows of an array. Distances are elements, but for those that end in `_at`, which are bytes
# behind the first of all tables.
ROWS = np.dtype(
    [
        (name, "i8")
        for name in (
            *("read", "write"),  # the addresses of two stages
            *("rows", "share"),  # how many rows of results, and how many are a piece of work
            *("n", "m"),  # samples and results of a row
            *("source_start", "target_start"),
            *("axes", "axes_at"),  # those across the row
            *("first", "second"),  # which of them are resampled; -1: none
            *("taps", "index_at", "weights_at", "pitch"),  # along the row; 0: results are samples
            "stream",  # 1: results are written past the caches where they fill lines of these
        )
    ]
    + [("outside", "f8")],  # what a tap outside reads
    align=True,
)
ACROSS = np.dtype(
    [
        (name, "i8")
        for name in ("size", "source", "target", "taps", "samples", "index_at", "weights_at")
    ]
)


def scratch_bytes(n, work):
    """What a thread needs for rows of n samples, and one sample outside."""
    return HEAD + (n + 1) * work


@cache
def rows_of(work):
    """The work on one piece: some rows of results."""
    real = VALUES[work]

    @inline
    def put_weights(tables, axis, at, weights, digit):
        """The weights of an axis's taps."""
        for k in range(axis.taps):
            weights[at + k] = array_at(tables, real, axis.weights_at)[digit * axis.taps + k]

    @inline
    def tap_of(tables, axis, digit, k):
        """The sample that a tap reads, or -1."""
        index = array_at(tables, np.int32, axis.index_at)[digit * axis.taps + k]
        return -1 if index == axis.samples else index

    @jit
    def put_terms(job, tables, number, digits, head, weights):
        """Write down from which rows of the source a row of results is made, and where it goes."""
        axes, rest = array_at(tables, ACROSS, job.axes_at), number
        source, target = job.source_start, job.target_start
        for k in range(job.axes):
            d = job.axes - 1 - k
            axis = axes[d]
            digits[d], rest = rest % axis.size, rest // axis.size
            target += digits[d] * axis.target
            if axis.taps == 0:
                source += digits[d] * axis.source
        head[TARGET], head[FIRST], head[SECOND], head[OUTSIDE] = target, 1, 1, 0
        head[OFFSETS] = source
        weights[0] = weights[TAPS] = 1.0
        if job.second >= 0:
            axis, digit = axes[job.second], digits[job.second]
            head[SECOND] = axis.taps
            put_weights(tables, axis, TAPS, weights, digit)
            for j in range(axis.taps):
                tap = tap_of(tables, axis, digit, j)
                head[OUTSIDE + j] = 1 if tap < 0 else 0
                head[OFFSETS + j * TAPS] = -1 if tap < 0 else source + tap * axis.source
        if job.first >= 0:
            axis, digit = axes[job.first], digits[job.first]
            head[FIRST] = axis.taps
            put_weights(tables, axis, 0, weights, digit)
            for j in range(head[SECOND]):
                start = head[OFFSETS + j * TAPS]
                for k in range(axis.taps):
                    tap = tap_of(tables, axis, digit, k)
                    at = -1 if tap < 0 or start < 0 else start + tap * axis.source
                    head[OFFSETS + j * TAPS + k] = at

    def rows_piece(job_at, axes, image, grid, other, out, piece):
        memory = new_memory(array_at(grid, np.int64, 0)[0])
        scratch = on_a_line(memory)
        job, digits = array_at(job_at, ROWS, 0)[0], local(MOST_AXES, np.int64)
        head, weights = array_at(scratch, np.int64, 0), array_at(scratch, real, WEIGHTS)
        array_at(scratch, real, HEAD)[job.n] = job.outside
        first, here = piece * job.share, NOWHERE
        for number in range(first, lesser(first + job.share, job.rows)):
            put_terms(job, axes, number, digits, head, weights)
            # A row that is read alone may be there already, from the result before.
            before, here = here, head[OFFSETS] if head[FIRST] * head[SECOND] == 1 else NOWHERE
            if here == NOWHERE or here != before:
                call_stage(job.read, job_at, axes, image, grid, other, out, scratch, 0, job.n)
            call_stage(job.write, job_at, axes, image, grid, other, out, scratch, 0, job.m)
        fence()
        free(memory)

    return rows_piece


@inline
def sum_of(count, one, other, weights, at):
    """One or two taps by their weights, as `lines.put_resampled` adds them."""
    total = one * weights[at]
    if count == TAPS:
        total = multiply_add(one, splat(weights[at], one), splat(0.0, one))
        total = multiply_add(other, splat(weights[at + 1], one), total)
    return total


@cache
def read_row_of(value, swapped, work):
    """Some rows of the source, by their weights, to one of scratch."""
    stored, real, widen = STORED[value], VALUES[work], widen_of(swapped)

    @inline
    def tap(head, source, k, i, row, outside):
        at, vec = head[OFFSETS + k], splat(outside, row)
        if at >= 0:
            vec = widen(load(source, at + i), row)
        return vec

    @inline
    def first_sum(job, head, source, weights, j, i, row):
        one = tap(head, source, j * TAPS, i, row, job.outside)
        other = one
        if head[FIRST] == TAPS:
            other = tap(head, source, j * TAPS + 1, i, row, job.outside)
        total = sum_of(head[FIRST], one, other, weights, 0)
        if head[OUTSIDE + j]:
            total = splat(job.outside, row)
        return total

    @inline
    def put(job, head, source, weights, row, i):
        one = first_sum(job, head, source, weights, 0, i, row)
        other = one
        if head[SECOND] == TAPS:
            other = first_sum(job, head, source, weights, 1, i, row)
        store(row, i, sum_of(head[SECOND], one, other, weights, TAPS))

    def read(job_at, axes, image, grid, other, out, scratch, low, high):
        job, source = array_at(job_at, ROWS, 0)[0], array_at(image, stored, 0)
        head, weights = array_at(scratch, np.int64, 0), array_at(scratch, real, WEIGHTS)
        row = array_at(scratch, real, HEAD)
        for i in range(low, high - LANES, LANES):
            put(job, head, source, weights, row, i)
        put(job, head, source, weights, row, high - LANES)  # the last 16, some of them again

    return read


@cache
def write_row_of(work, value):
    """The row of scratch, resampled along itself, to the target."""
    stored, real, output = TYPES[value], VALUES[work], output_of(value)

    @inline
    def resampled(job, tables, row, i):
        index = array_at(tables, np.int32, job.index_at)
        weights = array_at(tables, real, job.weights_at)
        one = gather(row, 0, index, i)
        total = one * load(weights, i)
        if job.taps == TAPS:
            other = gather(row, 0, index, job.pitch + i)
            total = multiply_add(one, load(weights, i), splat(0.0, one))
            total = multiply_add(other, load(weights, job.pitch + i), total)
        return total

    @inline
    def made(job, tables, row, i):
        return output(resampled(job, tables, row, i) if job.taps else load(row, i))

    @cache
    def writing_of(put):
        @jit
        def write_all(job, tables, row, target, to, low, high):
            for i in range(low, high - LANES, LANES):
                put(target, to + i, made(job, tables, row, i))
            last = high - LANES
            put(target, to + last, made(job, tables, row, last))

        return write_all

    write_row, stream_row = writing_of(store), writing_of(stream)

    def write(job_at, axes, image, grid, other, out, scratch, low, high):
        job, target = array_at(job_at, ROWS, 0)[0], array_at(out, stored, 0)
        row, to = array_at(scratch, real, HEAD), array_at(scratch, np.int64, 0)[TARGET]
        if job.stream and starts_line(target, to):
            stream_row(job, axes, row, target, to, low, high)
        else:
            write_row(job, axes, row, target, to, low, high)

    return write


@once
def rows_loop(work):
    """The address of the work on one piece."""
    return made_address(rows_of, ("rows", work), WORK)


@once
def row_reader(value, swapped, work):
    """The address of the stage that adds up rows of the source."""
    return made_address(read_row_of, ("read_row", value, swapped, work), STAGE)


@once
def row_writer(work, value):
    """The address of the stage that makes a row of results."""
    return made_address(write_row_of, ("write_row", work, value), STAGE)
