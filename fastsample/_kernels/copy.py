"""Shifts by whole pixels: items of any type, copied as bytes.

Along each axis the output has three parts: what lies before the input's pixels, those, and what
lies after them. Shifts are brought in beforehand so that one reflection or one round is enough: a
part reads pixels one after the other, forwards, backwards, or the same one all along. The parts of
all axes make rectangles, and these are copied.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .jit import array_at, compiled_address, inline, jit
from .kind import BORDER, REFLECTION, WRAP
from .simd import element_pointer, lowered_by, read
from .threads import once

# Distances are bytes, but for the sizes, which are pixels.
COPY = np.dtype(
    [
        (name, "i8")
        for name in (
            *("planes", "c", "group"),  # in all; channels of a sample, of a group
            *("each", "down", "across"),  # a piece: so many planes, or one of the bands of a plane
            *("depth", "height", "width"),
            *("rule", "item"),
            "dense",  # 1: there is nothing between two rows, neither of the input nor of the output
            *("input_start", "input_n", "input_c", "input_d", "input_h", "input_w"),
            *("out_start", "out_n", "out_c", "out_d", "out_h", "out_w"),
        )
    ]
)
BEFORE, INSIDE, AFTER = range(3)
WHOLE_ROWS = 4  # rows are copied with what lies between them if that is at most a quarter


class Part(NamedTuple):
    """Pixels of the output along one axis, from `first` on, that read the input from `start` on."""

    first: int
    count: int
    start: int
    step: int


class Place(NamedTuple):
    """A rectangle's first byte, and the bytes from one row or column to the next."""

    start: int
    row: int
    col: int


class Band(NamedTuple):
    """The rows and columns that a piece of work writes."""

    top: int
    bottom: int
    left: int
    right: int


def _copy_bytes(typing, out, i, source, j, count):
    def code(context, builder, sig, args):
        to = element_pointer(context, builder, out, *args[:2])
        at = element_pointer(context, builder, source, *args[2:4])
        cgutils.raw_memcpy(builder, to, at, args[4], 1, 1)
        return context.get_dummy_value()

    return types.void(out, types.intp, source, types.intp, types.intp), code


@lowered_by(_copy_bytes)
def copy_bytes(out, i, source, j, count):
    """out[i : i + count] = source[j : j + count], in bytes."""
    out[i : i + count] = source[j : j + count]


def _copy_item(typing, out, i, source, j, item):
    if not isinstance(item, types.IntegerLiteral):
        return None
    word = ir.IntType(8 * item.literal_value)

    def code(context, builder, sig, args):
        to = element_pointer(context, builder, out, *args[:2])
        at = element_pointer(context, builder, source, *args[2:4])
        value = read(builder, at, word, 1)
        write = builder.store(value, builder.bitcast(to, word.as_pointer()))
        write.align = 1
        return context.get_dummy_value()

    return types.void(out, types.intp, source, types.intp, item), code


@lowered_by(_copy_item)
def copy_item(out, i, source, j, item):
    """`copy_bytes` of a constant count: one load and one store."""
    out[i : i + item] = source[j : j + item]


def singly_of(item):
    """Copy a rectangle of items of a constant size, wherever each of them lies."""

    @jit
    def singly(out, to, source, at, rows, cols):
        for y in range(rows):
            i, j = to.start + y * to.row, at.start + y * at.row
            for x in range(cols):
                copy_item(out, i + x * to.col, source, j + x * at.col, item)

    return singly


ones, twos, fours, eights, sixteens = (singly_of(item) for item in (1, 2, 4, 8, 16))


@jit
def any_singly(out, to, source, at, rows, cols, item):
    """The same for items of any size."""
    for y in range(rows):
        i, j = to.start + y * to.row, at.start + y * at.row
        for x in range(cols):
            copy_bytes(out, i + x * to.col, source, j + x * at.col, item)


@jit
def copy_singly(out, to, source, at, rows, cols, item):
    """A rectangle, item by item."""
    if item == 1:
        ones(out, to, source, at, rows, cols)
    elif item == 2:
        twos(out, to, source, at, rows, cols)
    elif item == 4:
        fours(out, to, source, at, rows, cols)
    elif item == 8:
        eights(out, to, source, at, rows, cols)
    elif item == 16:
        sixteens(out, to, source, at, rows, cols)
    else:
        any_singly(out, to, source, at, rows, cols, item)


@jit
def copy_rows(out, to, source, at, rows, cols, item, dense):
    """A rectangle, row by row where its rows have no gaps, or in one run.

    `dense` allows to copy what lies between the rows as well.
    """
    if rows <= 0 or cols <= 0:
        return
    length = cols * item
    if to.col != item or at.col != item:
        copy_singly(out, to, source, at, rows, cols, item)
    elif to.row == at.row and dense and (to.row - length) * WHOLE_ROWS <= to.row:
        copy_bytes(out, to.start, source, at.start, (rows - 1) * to.row + length)
    else:
        for y in range(rows):
            copy_bytes(out, to.start + y * to.row, source, at.start + y * at.row, length)


@inline
def inside(shift, size):
    """The first pixel that reads the one it was moved from, and the one after the last."""
    return max(shift, 0), size + min(shift, 0)


@inline
def beyond(rule, shift, size, k):
    """Where the part before or after the input's pixels starts to read, and its step."""
    start, step = 0, 0
    if rule == BORDER and k == AFTER:
        start = size - 1
    elif rule == REFLECTION:
        start, step = (shift - 1 if k == BEFORE else size - 1), -1
    elif rule == WRAP:
        start, step = (size - shift if k == BEFORE else 0), 1
    return start, step


@inline
def part_of(rule, shift, size, k, low, high):
    """Part k of an axis, as far as it lies between low and high."""
    first, end = inside(shift, size)
    start, step = first - shift, 1
    if k != INSIDE:
        start, step = beyond(rule, shift, size, k)
        first, end = (0, first) if k == BEFORE else (end, size)
    skip = max(low - first, 0)
    return Part(first + skip, min(end, high) - first - skip, start + skip * step, step)


@inline
def fills(rule):
    """Does nothing of the input lie beyond its edge?"""
    return rule != BORDER and rule != REFLECTION and rule != WRAP


@jit
def copy_part(job, y, x, to, at, filled, image, fill, out, dense):
    """The rectangle of a part of the rows and a part of the columns of an image."""
    start = to + y.first * job.out_h + x.first * job.out_w
    target = Place(start, job.out_h, job.out_w)
    if filled:
        copy_rows(out, target, fill, Place(0, 0, 0), y.count, x.count, job.item, 0)
    else:
        start = at + y.start * job.input_h + x.start * job.input_w
        source = Place(start, y.step * job.input_h, x.step * job.input_w)
        copy_rows(out, target, image, source, y.count, x.count, job.item, dense)


@jit
def shift_image(job, dy, dx, band, filled, to, at, image, fill, out):
    """Rows and columns, within a band. The inside comes first: it may spill over its sides."""
    for ky in range(3):
        y = part_of(job.rule, dy, job.height, ky, band.top, band.bottom)
        x = part_of(job.rule, dx, job.width, INSIDE, band.left, band.right)
        beyond = filled or (fills(job.rule) and ky != INSIDE)
        copy_part(job, y, x, to, at, beyond, image, fill, out, job.dense)
        for kx in (BEFORE, AFTER):
            x = part_of(job.rule, dx, job.width, kx, band.left, band.right)
            copy_part(job, y, x, to, at, filled or fills(job.rule), image, fill, out, 0)


@jit
def shift_plane(job, steps, plane, band, image, fill, out):
    """A channel of a sample, by the steps (z, y, x) of its group."""
    n, c = plane // job.c, plane % job.c
    row = c // job.group * 3
    dz, dy, dx = steps[row], steps[row + 1], steps[row + 2]
    to = job.out_start + n * job.out_n + c * job.out_c
    at = job.input_start + n * job.input_n + c * job.input_c
    for kz in range(3):
        z = part_of(job.rule, dz, job.depth, kz, 0, job.depth)
        filled = fills(job.rule) and kz != INSIDE
        for k in range(z.count):
            target = to + (z.first + k) * job.out_d
            source = at + (z.start + k * z.step) * job.input_d
            shift_image(job, dy, dx, band, filled, target, source, image, fill, out)


@inline
def share(size, parts, k):
    """Share k of so many equal ones: its first pixel, and the one after its last."""
    each = (size + parts - 1) // parts
    return min(k * each, size), min((k + 1) * each, size)


def work(job_at, steps_at, image_at, fill_at, other_at, out_at, piece):
    """The work on one piece: some planes, or a band of one."""
    job, steps = array_at(job_at, COPY)[0], array_at(steps_at, np.int64)
    image, fill = array_at(image_at, np.uint8), array_at(fill_at, np.uint8)
    out = array_at(out_at, np.uint8)
    bands = job.down * job.across
    top, bottom = share(job.height, job.down, piece % bands // job.across)
    left, right = share(job.width, job.across, piece % job.across)
    first = piece // bands * job.each
    for plane in range(first, min(first + job.each, job.planes)):
        shift_plane(job, steps, plane, Band(top, bottom, left, right), image, fill, out)


@once
def copier():
    """The compiled work: its address, or under NUMBA_DISABLE_JIT the function."""
    return compiled_address(work, ("copy",))
