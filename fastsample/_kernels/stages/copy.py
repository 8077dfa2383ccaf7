"""Shifts by whole pixels: items of any type, copied as bytes.

Along each axis the output has three parts: what lies before the input's pixels, those, and what
lies after them. Shifts are brought in beforehand so that one reflection or one round is enough: a
part reads pixels one after the other, forwards, backwards, or the same one all along. The parts of
all axes make rectangles, and these are copied.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir

from ..compiler.flat import array_at
from ..compiler.jit import WORK, compiled_address, greater, inline, jit, lesser
from ..compiler.later import cgutils, types
from ..compiler.once import once
from ..kind import BORDER, REFLECTION, WRAP
from ..vectors.memory import CACHE_LINE, fence, local, pass_caches, to_line
from ..vectors.simd import element_pointer, lowered_by, read

# Distances are bytes, but for the sizes, which are pixels.
COPY = np.dtype(
    [
        (name, "i8")
        for name in (
            *("planes", "c"),  # in all; of a sample
            *("each", "down", "across"),  # a piece: so many planes, or one of the bands of a plane
            *("depth", "height", "width"),
            *("rule", "item"),
            "fill_step",  # from one channel's fill value to the next one's; 0: one serves all
            "dense",  # 1: there is nothing between two rows, neither of the input nor of the output
            "stream",  # 1: rows are written past the caches
            # How many of an axis's first and last pixels count as outside, whatever the shift.
            *("first_d", "last_d", "first_h", "last_h", "first_w", "last_w"),
            *("input_start", "input_n", "input_c", "input_d", "input_h", "input_w"),
            *("out_start", "out_n", "out_c", "out_d", "out_h", "out_w"),
        )
    ]
)
BEFORE, INSIDE, AFTER = range(3)
NARROW = 8
BLOCK = 128  # bytes: four registers of AVX, at least one of any CPU's
BETWEEN = 4  # rows are copied in one run if at most one in so many bytes lies between them


class Part(NamedTuple):
    """Pixels of the output along one axis, from `first` on, that read the input from `start` on."""

    first: int
    count: int
    start: int
    step: int


# A move: a block of the output that is read forwards, backwards or over and over along each axis.
# Its first byte in a plane of the output and in one of the input; sizes; the input's strides; and
# whether it is the fill value that is read.
TO, AT, SLABS, ROWS, COLS, SLAB, ROW, COL, FILLED, FIELDS = range(10)
MOST = 27 * FIELDS  # three parts along three axes


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


def _copy_few(typing, out, i, source, j, count):
    def code(context, builder, sig, args):
        to = element_pointer(context, builder, out, *args[:2])
        at = element_pointer(context, builder, source, *args[2:4])
        cgutils.raw_memcpy(builder, to, at, args[4], 1, 1)
        return context.get_dummy_value()

    return types.void(out, types.intp, source, types.intp, types.intp), code


@lowered_by(_copy_few)
def copy_few(out, i, source, j, count):
    """out[i : i + count] = source[j : j + count], in bytes, by the C library."""
    out[i : i + count] = source[j : j + count]


def _copy_item(typing, out, i, source, j, item):
    if not isinstance(item, types.IntegerLiteral):
        return None
    bits = 8 * item.literal_value
    word = ir.IntType(bits) if bits <= 64 else ir.VectorType(ir.IntType(64), bits // 64)

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
    """`copy_few` of a constant count: loads, then stores."""
    out[i : i + item] = source[j : j + item]


@jit
def copy_bytes(out, i, source, j, count):
    """out[i : i + count] = source[j : j + count], in bytes, block by block from a line on.

    The C library's copy of some 2 KB and more is one instruction (`rep movsb`, glibc up to 2.38 on
    Zen 3), which takes ten times as long where the output lies 1 to 16 bytes behind the input, in
    the low 12 bits of their addresses: 64 planes of 12 KB 420 us, these blocks 32; elsewhere both
    take 26.
    """
    if count < BLOCK:
        copy_few(out, i, source, j, count)
        return
    copy_item(out, i, source, j, BLOCK)
    last = count - BLOCK  # some bytes twice rather than one beyond
    for k in range(to_line(out, i), last, BLOCK):
        copy_item(out, i + k, source, j + k, BLOCK)
    copy_item(out, i + last, source, j + last, BLOCK)


def _copy_line(typing, out, i, source, j):
    line = ir.VectorType(ir.IntType(8), CACHE_LINE)

    def code(context, builder, sig, args):
        to = element_pointer(context, builder, out, *args[:2])
        at = element_pointer(context, builder, source, *args[2:])
        value = read(builder, at, line, 1)
        pass_caches(builder, builder.store(value, builder.bitcast(to, line.as_pointer())))
        return context.get_dummy_value()

    return types.void(out, types.intp, source, types.intp), code


@lowered_by(_copy_line)
def copy_line(out, i, source, j):
    """`copy_bytes` of a cache line, past the caches, to where one starts."""
    out[i : i + CACHE_LINE] = source[j : j + CACHE_LINE]


@jit
def stream_bytes(out, i, source, j, count):
    """`copy_bytes`, whole cache lines past the caches."""
    first = lesser(to_line(out, i), count)
    last = count - (count - first) % CACHE_LINE
    copy_few(out, i, source, j, first)
    for k in range(first, last, CACHE_LINE):
        copy_line(out, i + k, source, j + k)
    copy_few(out, i + last, source, j + last, count - last)


@inline
def copy_one(out, i, source, j, item):
    """An item of any size."""
    if item == 4:
        copy_item(out, i, source, j, 4)
    elif item == 8:
        copy_item(out, i, source, j, 8)
    elif item == 1:
        copy_item(out, i, source, j, 1)
    elif item == 2:
        copy_item(out, i, source, j, 2)
    elif item == 16:
        copy_item(out, i, source, j, 16)
    else:
        copy_bytes(out, i, source, j, item)


@jit
def copy_singly(out, to, source, at, rows, cols, item):
    """A rectangle, item by item; a narrow one column by column, for the sake of a longer loop."""
    if cols < NARROW:
        rows, cols = cols, rows
        to, at = Place(to.start, to.col, to.row), Place(at.start, at.col, at.row)
    for y in range(rows):
        i, j = to.start + y * to.row, at.start + y * at.row
        for x in range(cols):
            copy_one(out, i + x * to.col, source, j + x * at.col, item)


@inline
def copy_rows(job, out, to, source, at, rows, cols):
    """A rectangle, row by row where its rows have no gaps.

    In one run where next to nothing lies between them: that is the sides of the inside, which are
    written after it. (No other part of so many columns is read forwards: `wrap` goes the shorter
    way round.)
    """
    length = cols * job.item
    if to.col != job.item or at.col != job.item:
        copy_singly(out, to, source, at, rows, cols, job.item)
    elif job.stream:
        for y in range(rows):
            stream_bytes(out, to.start + y * to.row, source, at.start + y * at.row, length)
    elif job.dense and to.row == at.row and (to.row - length) * BETWEEN <= to.row:
        copy_bytes(out, to.start, source, at.start, (rows - 1) * to.row + length)
    else:
        for y in range(rows):
            copy_bytes(out, to.start + y * to.row, source, at.start + y * at.row, length)


class Axis(NamedTuple):
    """An axis: its pixels, and how many of the first and the last count as outside."""

    size: int
    first: int
    last: int


@inline
def inside(axis, shift):
    """The first pixel that reads the one it was moved from, and the one after the last."""
    return greater(shift, 0) + axis.first, axis.size + lesser(shift, 0) - axis.last


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
def part_of(rule, shift, axis, k, low, high):
    """Part k of an axis, as far as it lies between low and high."""
    first, end = inside(axis, shift)
    start, step = first - shift, 1
    if k != INSIDE:
        start, step = beyond(rule, shift, axis.size, k)
        first, end = (0, first) if k == BEFORE else (end, axis.size)
    skip = greater(low - first, 0)
    return Part(first + skip, lesser(end, high) - first - skip, start + skip * step, step)


@inline
def put(job, z, y, x, filled, moves, at):
    """Write a move down."""
    moves[at + TO] = z.first * job.out_d + y.first * job.out_h + x.first * job.out_w
    moves[at + AT] = z.start * job.input_d + y.start * job.input_h + x.start * job.input_w
    moves[at + SLABS], moves[at + ROWS], moves[at + COLS] = z.count, y.count, x.count
    moves[at + SLAB], moves[at + ROW] = z.step * job.input_d, y.step * job.input_h
    moves[at + COL], moves[at + FILLED] = x.step * job.input_w, filled


@jit
def plan(job, dz, dy, dx, band, moves):
    """Write the moves of a plane down; where they end. The inside of a row comes first."""
    fills = job.rule != BORDER and job.rule != REFLECTION and job.rule != WRAP
    depth = Axis(job.depth, job.first_d, job.last_d)
    height = Axis(job.height, job.first_h, job.last_h)
    width = Axis(job.width, job.first_w, job.last_w)
    end = 0
    for k in range(27):
        kz, ky, kx = k // 9, k // 3 % 3, (INSIDE + k) % 3
        z = part_of(job.rule, dz, depth, kz, 0, job.depth)
        y = part_of(job.rule, dy, height, ky, band.top, band.bottom)
        x = part_of(job.rule, dx, width, kx, band.left, band.right)
        if z.count > 0 and y.count > 0 and x.count > 0:
            put(job, z, y, x, fills and not kz == ky == kx == INSIDE, moves, end)
            end += FIELDS
    return end


@inline
def apply(job, moves, end, to, at, image, fill, fill_at, out):
    """Do the moves in a plane that begins at `at` in the input and at `to` in the output."""
    for k in range(0, end, FIELDS):
        source, start = image, at + moves[k + AT]
        slab, row, col = moves[k + SLAB], moves[k + ROW], moves[k + COL]
        if moves[k + FILLED]:
            source, start, slab, row, col = fill, fill_at, 0, 0, 0
        for z in range(moves[k + SLABS]):
            target = Place(to + moves[k + TO] + z * job.out_d, job.out_h, job.out_w)
            origin = Place(start + z * slab, row, col)
            copy_rows(job, out, target, source, origin, moves[k + ROWS], moves[k + COLS])


@inline
def share(size, parts, k):
    """Share k of so many equal ones: its first pixel, and the one after its last."""
    each = (size + parts - 1) // parts
    return lesser(k * each, size), lesser((k + 1) * each, size)


@inline
def band_of(job, piece):
    """The rows and columns of a piece."""
    top, bottom = share(job.height, job.down, piece // job.across % job.down)
    left, right = share(job.width, job.across, piece % job.across)
    return Band(top, bottom, left, right)


@jit
def run(job, steps, image, fill, out, piece):
    """One piece: some planes, or a band of one. Neighbours that move alike share their moves."""
    moves = local(MOST, np.int64)
    band, first = band_of(job, piece), piece // (job.down * job.across) * job.each
    n, c = first // job.c, first % job.c
    dz = dy = dx = end = 0
    for _ in range(lesser(job.each, job.planes - first)):
        z, y, x = steps[3 * c], steps[3 * c + 1], steps[3 * c + 2]
        if end == 0 or z != dz or y != dy or x != dx:
            dz, dy, dx = z, y, x
            end = plan(job, dz, dy, dx, band, moves)
        to = job.out_start + n * job.out_n + c * job.out_c
        at = job.input_start + n * job.input_n + c * job.input_c
        apply(job, moves, end, to, at, image, fill, c * job.fill_step, out)
        c += 1
        if c == job.c:
            n, c = n + 1, 0
    fence()


def copy_piece(job_at, steps_at, image_at, fill_at, other_at, out_at, piece):
    """The work on one piece, of arrays at addresses."""
    job, steps = array_at(job_at, COPY, 0)[0], array_at(steps_at, np.int64, 0)
    image, fill = array_at(image_at, np.uint8, 0), array_at(fill_at, np.uint8, 0)
    run(job, steps, image, fill, array_at(out_at, np.uint8, 0), piece)


@once
def copier():
    """The address of `copy_piece`."""
    return compiled_address(copy_piece, ("copy",), WORK)
