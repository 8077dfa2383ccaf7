"""Spline coefficients along one axis of an array, and values between them, 16 lines at a time.

A line goes through scratch once: it is read, extended where that is asked for, filtered by one
recursion up and one down for each pole of the spline, and resampled by a table of taps and weights.
Poles, ends and tables are data: an order or a border compiles nothing.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ...compiler.flat import array_at, at_byte, free, new_memory, on_a_line
from ...compiler.jit import STAGE, WORK, call_stage, inline, jit, lesser, made_address
from ...compiler.once import once
from ...kind import VALUES
from ...vectors.memory import fence, local
from ...vectors.simd import LANES, load, multiply_add, splat, store
from .line_blocks import (
    AT,
    COUNT,
    DONE,
    DOWN,
    HEAD,
    LAID_TOGETHER,
    LINES,
    PIECE,
    POLE,
    SOURCES,
    STEP,
    TARGETS,
    TOGETHER,
    UP,
    read_lines_of,
    write_lines_of,
)

# Rows that are read, and go through a recursion while they are in the first-level cache.
CHUNK = PIECE
STAGED = PIECE  # results that are made before they are written
MOST_AXES = 64
IMAGE, OUT, OTHER = range(3)  # which array is meant

AXIS = np.dtype([("size", "i8"), ("source", "i8"), ("target", "i8")])  # strides in elements
TERM = np.dtype([("row", "i8"), ("weight", "f8")])


class At(NamedTuple):
    """The arrays of a call, by address."""

    job: int
    axes: int
    image: int
    grid: int
    other: int
    out: int
    scratch: int


def scratch_bytes(n, pad, work):
    """What 16 lines of n samples need: their rows, one of what lies outside, results."""
    return HEAD + (n + 2 * pad + 1 + STAGED) * LANES * work


@inline
def are_neighbours(head, at, count):
    """Do all 16 lines begin beside each other?"""
    found = 1 if count == LANES else 0
    for k in range(LANES):
        if head[at + k] != head[at] + k:
            found = 0
    return found


@jit
def put_places(job, axes, first, count, head):
    """Write down where 16 lines begin, from line `first` on; beyond `count` the last again."""
    digits, rest, d = local(MOST_AXES, np.int64), first, job.axes - 1
    source, target = job.source_start, job.target_start
    for k in range(job.axes):
        axis = axes[job.axes - 1 - k]
        digit = rest % axis.size
        digits[job.axes - 1 - k], rest = digit, rest // axis.size
        source += digit * axis.source
        target += digit * axis.target
    for k in range(LANES):
        head[SOURCES + k], head[TARGETS + k] = source, target
        if k < count - 1:
            digits[d] += 1
            source += axes[d].source
            target += axes[d].target
            at = d
            while at > 0 and digits[at] == axes[at].size:
                source += axes[at - 1].source - axes[at].source * axes[at].size
                target += axes[at - 1].target - axes[at].target * axes[at].size
                digits[at] = 0
                digits[at - 1] += 1
                at -= 1
    head[COUNT] = count
    head[TOGETHER] = are_neighbours(head, SOURCES, count)
    head[LAID_TOGETHER] = are_neighbours(head, TARGETS, count)


@jit
def weighted(rows, at, terms, first, count):
    """The sum of some rows behind a place, each by its weight."""
    total = splat(0.0, rows)
    for k in range(first, first + count):
        row = load(rows, at + terms[k].row * LANES)
        total = multiply_add(row, splat(terms[k].weight, rows), total)
    return total


@jit
def upward(rows, pole, terms, low, high):
    """c[i] += z c[i - 1] for rows low to high; row 0 is given by its terms."""
    z = splat(pole.z, rows)
    if low == 0:
        store(rows, 0, weighted(rows, 0, terms, pole.start, pole.starts))
        low = 1
    before = load(rows, (low - 1) * LANES)
    for i in range(low, high):
        before = multiply_add(before, z, load(rows, i * LANES))
        store(rows, i * LANES, before)


@jit
def downward(rows, pole, terms, low, high, last):
    """c[i] = z (c[i + 1] - c[i]) from row high - 1 to low; row `last` is given by its terms."""
    z = splat(pole.z, rows)
    if high == last + 1:
        store(rows, last * LANES, weighted(rows, 0, terms, pole.end, pole.ends))
        high = last
    after = load(rows, high * LANES)
    for k in range(high - low):
        i = (high - 1 - k) * LANES
        after = (after - load(rows, i)) * z
        store(rows, i, after)


@jit
def fill_rows(rows, low, high, vec):
    for i in range(low, high):
        store(rows, i * LANES, vec)


@jit
def extend(job, rows, end, first):
    """What lies before a line or after it: one value, or that of its end."""
    sample = job.pad + (job.n - 1 if end else 0)
    vec = load(rows, sample * LANES)
    if job.constant:
        vec = splat(job.padding * job.gain, rows)
    fill_rows(rows, first, first + job.pad, vec)


@inline
def call_at(stage, at, source, target, low, high):
    """Run the stage that reads or writes on samples low to high."""
    call_stage(stage, at.job, at.axes, source, at.grid, at.other, target, at.scratch, low, high)


@jit
def take_in(job, source, at, low, high, head, rows, poles, terms):
    """Read rows low to high of 16 lines, and go up with the first pole as far as rows are there."""
    if low == 0:
        head[DONE] = 0
    ready, ended = job.pad + high, high == job.n
    # What has gone up before lets the next rows do so as they are read: a store less a sample. (The
    # last sample is needed as it is where the line is extended by it.)
    goes_on = job.poles > 0 and head[DONE] == job.pad + low and low > 0
    head[UP] = 1 if goes_on and not (ended and job.pad) else 0
    call_at(job.read, at, source, at.out, low, high)
    if head[UP]:
        head[DONE] = ready
    if low == 0:
        extend(job, rows, 0, 0)
    if ended:
        extend(job, rows, 1, ready)
        ready += job.pad
    if job.poles and ready >= job.needed and head[DONE] < ready:
        upward(rows, poles[0], terms, head[DONE], ready)
        head[DONE] = ready


@jit
def filter_on(job, rows, poles, terms):
    """Go on with the recursions; what is left is the last way down, where no taps need its end."""
    size, last = job.n + 2 * job.pad, job.poles - 1
    if last > 0:
        downward(rows, poles[0], terms, 0, size, size - 1)
        upward(rows, poles[1], terms, 0, size)
    if job.taps:
        if last >= 0:
            downward(rows, poles[last], terms, 0, size, size - 1)
        fill_rows(rows, size, size + 1, splat(job.outside, rows))


@inline
def put_out(job, target, at, head, first, low, high):
    """Write results low to high, which begin at row `first`."""
    head[AT] = first
    call_at(job.write, at, at.image, target, low, high)


@jit
def put_samples(job, target, at, low, high, head, rows, poles, terms):
    """Go down with the last pole as far as row `low`, and write the rows."""
    last = job.n + 2 * job.pad - 1
    head[DOWN] = 1 if job.poles and high <= last else 0
    if job.poles and not head[DOWN]:
        downward(rows, poles[job.poles - 1], terms, low, high, last)
    put_out(job, target, at, head, low, low, high)


@jit
def put_resampled(job, target, at, low, high, head, rows, index, weights):
    """Make results low to high from their taps, and write them."""
    stage, taps = job.n + 2 * job.pad + 1, job.taps
    pairs, to, at_tap = taps // 2, stage * LANES, low * taps
    for _ in range(low, high):
        total, k = splat(0.0, rows), at_tap
        if taps % 2:
            total = load(rows, index[k]) * weights[k]
            k += 1
        for _ in range(pairs):
            total = multiply_add(load(rows, index[k]), splat(weights[k], rows), total)
            total = multiply_add(load(rows, index[k + 1]), splat(weights[k + 1], rows), total)
            k += 2
        store(rows, to, total)
        to += LANES
        at_tap += taps
    head[DOWN] = 0
    put_out(job, target, at, head, stage, low, high)


@inline
def chosen(which, image, other, out):
    """One of three arrays."""
    found = image
    if which == OUT:
        found = out
    elif which == OTHER:
        found = other
    return found


@cache
def lines_of(work):
    """The work on one piece: some lines of one axis, then of the next."""
    real = VALUES[work]

    @inline
    def sixteen(task, at, k):
        """The scratch of 16 lines, of those that go side by side."""
        scratch = at_byte(at.scratch, k * task[1])
        here = At(at.job, at.axes, at.image, at.grid, at.other, at.out, scratch)
        return here, array_at(scratch, np.int64, 0), array_at(scratch, real, HEAD)

    @jit
    def read_all(job, task, at, wide, poles, terms):
        source = chosen(job.source, at.image, at.other, at.out)
        for low in range(0, job.n, CHUNK):
            high = lesser(low + CHUNK, job.n)
            for k in range(wide):
                here, head, rows = sixteen(task, at, k)
                take_in(job, source, here, low, high, head, rows, poles, terms)

    @jit
    def write_resampled(job, task, at, wide):
        target = chosen(job.target, at.image, at.other, at.out)
        index = array_at(at.axes, np.int32, job.index_at)
        weights = array_at(at.axes, real, job.weights_at)
        for low in range(0, job.m, STAGED):
            high = lesser(low + STAGED, job.m)
            for k in range(wide):
                here, head, rows = sixteen(task, at, k)
                put_resampled(job, target, here, low, high, head, rows, index, weights)

    @jit
    def write_samples(job, task, at, wide, poles, terms):
        target = chosen(job.target, at.image, at.other, at.out)
        size = job.n + 2 * job.pad
        chunks = (size + CHUNK - 1) // CHUNK
        for low in range((chunks - 1) * CHUNK, -1, -CHUNK):
            high = lesser(low + CHUNK, size)
            for k in range(wide):
                here, head, rows = sixteen(task, at, k)
                put_samples(job, target, here, low, high, head, rows, poles, terms)

    @jit
    def block(job, step, task, at, first, end):
        poles, terms = array_at(at.axes, POLE, job.poles_at), array_at(at.axes, TERM, job.ends_at)
        others = array_at(at.axes, AXIS, job.axes_at)
        wide = lesser(job.wide, (end - first + LANES - 1) // LANES)
        for k in range(wide):
            _, head, _ = sixteen(task, at, k)
            line = first + k * LANES
            head[STEP] = step
            put_places(job, others, line, lesser(end - line, LANES), head)
        read_all(job, task, at, wide, poles, terms)
        for k in range(wide):
            _, head, rows = sixteen(task, at, k)
            filter_on(job, rows, poles, terms)
        if job.taps:
            write_resampled(job, task, at, wide)
        else:
            write_samples(job, task, at, wide, poles, terms)

    @jit
    def across(job, step, at, first, end):
        """Filter strips of planes in place."""
        head, others = array_at(at.scratch, np.int64, 0), array_at(at.axes, AXIS, job.axes_at)
        target = chosen(job.target, at.image, at.other, at.out)
        head[STEP] = step
        for k in range(first, end):
            low = k % job.strips * job.strip
            put_places(job, others, k // job.strips * job.width, 1, head)
            high = lesser(low + job.strip, job.width)
            call_at(job.across, at, at.image, target, low, high)

    @jit
    def is_asked(task, other):
        """Is this asked for: always, or has one of so many bands met what is not finite?"""
        found, asked = array_at(other, real, 0), 1 if task[3] == 0 else 0
        for k in range(task[3]):
            if found[k] != 0.0:
                asked = 1
        return asked

    @jit
    def piece_asked(job_at, axes, image, grid, other, out, piece, task):
        memory = new_memory(task[2])
        at = At(job_at, axes, image, grid, other, out, on_a_line(memory))
        for step in range(task[0]):
            job = array_at(job_at, LINES, 0)[step]
            first = piece * job.share
            end = lesser(first + job.share, job.lines)
            if job.across:
                across(job, step, at, first, end)
            else:
                for line in range(first, end, LANES * job.wide):
                    block(job, step, task, at, line, end)
        fence()
        free(memory)

    def lines_piece(job_at, axes, image, grid, other, out, piece):
        # How many axes in turn; bytes for 16 lines, for all; see `is_asked`.
        task = array_at(grid, np.int64, 0)
        if is_asked(task, other):
            piece_asked(job_at, axes, image, grid, other, out, piece, task)

    return lines_piece


@once
def lines_loop(work):
    """The address of the work on one piece."""
    return made_address(lines_of, ("lines", work), WORK)


@once
def reader(value, swapped, work):
    """The address of the stage that reads lines."""
    return made_address(read_lines_of, ("read_lines", value, swapped, work), STAGE)


@once
def writer(work, value):
    """The address of the stage that writes lines."""
    return made_address(write_lines_of, ("write_lines", work, value), STAGE)
