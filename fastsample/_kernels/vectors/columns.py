"""16 columns of elements from and to 16 places in memory: a lane of some vectors is a stretch.

As in `simd`, each primitive has a plain Python twin, and none checks a bound.
"""

import numpy as np
from llvmlite import ir

from ..compiler.cpu import HALVED, PERMUTE
from ..compiler.later import cgutils, types
from .memory import CACHE_LINE, both_pointers
from .shuffles import HALF, concatenated, halves_of, transposed
from .simd import (
    I64,
    LANES,
    alignment,
    element_pointer,
    lanes_at,
    llvm_call,
    lowered_by,
    read,
    write,
)

QUAD = 4
REGISTER = 256  # bits


def _write(builder, base, offsets, k, parts):
    """Put vectors one after the other where the k-th offset leads; the stores."""
    offset = builder.sext(builder.load(builder.gep(offsets, [ir.Constant(I64, k)])), I64)
    place, writes = builder.gep(base, [offset]), []
    for part in parts:
        writes.append(builder.store(part, builder.bitcast(place, part.type.as_pointer())))
        place = builder.gep(place, [ir.Constant(I64, part.type.count)])
    return writes


def _columns(builder, rows, bits):
    """Each lane of four vectors as a quad, in parts that leave no half of a register.

    Doubles by halves take 0.50 ns a sample of a filter's way out, and 0.35 whole, on Zen 3.
    """
    count = rows[0].type.count
    if bits == HALF // 2 and HALVED:
        halves = halves_of(builder, rows, 2)
        return [halves[k : k + 2] for k in range(0, 2 * count, 2)]
    turned = transposed(builder, rows)
    lanes = [lanes_at(*range(k, k + QUAD)) for k in range(0, count, QUAD)]
    return [[builder.shuffle_vector(row, row, some)] for some in lanes for row in turned]


def _scatter_quads(typing, array, first, offsets, j, vecs):
    bits = array.dtype.bitwidth

    def code(context, builder, sig, args):
        base, at = both_pointers(context, builder, array, offsets, args[:4])
        columns = _columns(builder, cgutils.unpack_tuple(builder, args[4], QUAD), bits)
        for k in range(LANES):
            for put in _write(builder, base, at, k, columns[k]):
                put.align = alignment(array)
        return context.get_dummy_value()

    return types.void(array, types.intp, offsets, types.intp, vecs), code


@lowered_by(_scatter_quads)
def scatter_quads(array, first, offsets, j, vecs):
    """Lane k of four vectors to array[o], ... array[o + 3] for o = first + offsets[j + k]."""
    for k in range(LANES):
        o = first + offsets[j + k]
        array[o : o + QUAD] = [vec[k] for vec in vecs]


def _store_columns(typing, rows, i, array, first, offsets, j):
    if rows.dtype != array.dtype:
        return None
    bits = array.dtype.bitwidth
    count = CACHE_LINE * 8 // bits

    def code(context, builder, sig, args):
        source = element_pointer(context, builder, rows, *args[:2])
        base, at = both_pointers(context, builder, array, offsets, args[2:])
        unit = ir.VectorType(source.type.pointee, QUAD)
        for block in range(0, LANES, QUAD):  # few enough for the registers
            places = [ir.Constant(I64, k * LANES + block) for k in range(count)]
            places = [builder.gep(source, [k]) for k in places]
            found = [read(builder, place, unit, alignment(rows)) for place in places]
            fours = [found[k : k + QUAD] for k in range(0, count, QUAD)]
            quads = [_columns(builder, four, bits) for four in fours]
            for k in range(QUAD):
                parts = [part for some in quads for part in some[k]]
                parts = [concatenated(builder, parts)] if PERMUTE else parts
                for put in _write(builder, base, at, block + k, parts):
                    put.align = alignment(array)
        return context.get_dummy_value()

    return types.void(rows, types.intp, array, types.intp, offsets, types.intp), code


@lowered_by(_store_columns)
def store_columns(rows, i, array, first, offsets, j):
    """Rows of 16 from rows[i] on, as columns to array[first + offsets[j + k]].

    A column is as long as a cache line.
    """
    count = CACHE_LINE // array.itemsize
    for k in range(LANES):
        o = first + offsets[j + k]
        array[o : o + count] = rows[i + k : i + count * LANES : LANES]


def _load_columns(typing, rows, i, array, first, offsets, j):
    if rows.dtype != array.dtype:
        return None
    bits = array.dtype.bitwidth
    count = CACHE_LINE * 8 // bits

    def code(context, builder, sig, args):
        target = element_pointer(context, builder, rows, *args[:2])
        base, at = both_pointers(context, builder, array, offsets, args[2:])
        unit = ir.VectorType(base.type.pointee, QUAD)
        for block in range(0, LANES, QUAD):
            starts = [builder.gep(at, [ir.Constant(I64, block + k)]) for k in range(QUAD)]
            starts = [builder.gep(base, [builder.sext(builder.load(x), I64)]) for x in starts]
            for column in range(0, count, QUAD):
                places = [builder.gep(x, [ir.Constant(I64, column)]) for x in starts]
                quads = [read(builder, place, unit, alignment(array)) for place in places]
                for k, row in enumerate(transposed(builder, quads)):
                    to = ir.Constant(I64, (column + k) * LANES + block)
                    write(builder, builder.gep(target, [to]), row, alignment(rows))
        return context.get_dummy_value()

    return types.void(rows, types.intp, array, types.intp, offsets, types.intp), code


@lowered_by(_load_columns)
def load_columns(rows, i, array, first, offsets, j):
    """Columns as long as a cache line from array[first + offsets[j + k]] to rows of 16."""
    count = CACHE_LINE // array.itemsize
    for k in range(LANES):
        o = first + offsets[j + k]
        rows[i + k : i + count * LANES : LANES] = array[o : o + count]


def _columns_up(typing, rows, i, row, z, array, first, offsets, j):
    if rows.dtype != array.dtype:
        return None
    bits = array.dtype.bitwidth
    count, width = CACHE_LINE * 8 // bits, REGISTER // bits

    def code(context, builder, sig, args):
        target = element_pointer(context, builder, rows, *args[:2])
        base, at = both_pointers(context, builder, array, offsets, args[4:])
        unit, found = ir.VectorType(base.type.pointee, QUAD), []
        factor = _part(builder, args[3], 0, width)
        for block in range(0, LANES, width):
            starts = [_start(builder, base, at, block + n) for n in range(width)]
            one = _part(builder, args[2], block, width)
            for column in range(0, count, QUAD):
                places = [builder.gep(start, [ir.Constant(I64, column)]) for start in starts]
                quads = [read(builder, place, unit, alignment(array)) for place in places]
                quads = [concatenated(builder, quads[n::QUAD]) for n in range(QUAD)]
                for n, found_row in enumerate(transposed(builder, quads), column):
                    one = _fused(builder, one, factor, found_row)
                    to = builder.gep(target, [ir.Constant(I64, n * LANES + block)])
                    write(builder, to, one, alignment(rows))
            found.append(one)
        return concatenated(builder, found)

    arrays = array, types.intp, offsets, types.intp
    return row(rows, types.intp, row, z, *arrays), code


@lowered_by(_columns_up)
def columns_up(rows, i, row, z, array, first, offsets, j):
    """`load_columns` to rows that go on from `row`, c[n] = z c[n - 1] + s[n]: the last."""
    load_columns(rows, i, array, first, offsets, j)
    for n in range(CACHE_LINE // array.itemsize):
        at = i + n * LANES
        row = rows[at : at + LANES] + row * z
        rows[at : at + LANES] = row
    return row


def _columns_down(typing, rows, i, row, z, gain, array, first, offsets, j):
    if rows.dtype != array.dtype:
        return None
    bits = array.dtype.bitwidth
    count, width = CACHE_LINE * 8 // bits, REGISTER // bits

    def code(context, builder, sig, args):
        source = element_pointer(context, builder, rows, *args[:2])
        base, at = both_pointers(context, builder, array, offsets, args[5:])
        unit, found = ir.VectorType(source.type.pointee, width), []
        factor, scale = (_part(builder, arg, 0, width) for arg in args[3:5])
        for block in range(0, LANES, width):
            one, made = _part(builder, args[2], block, width), []
            for n in reversed(range(count)):
                place = builder.gep(source, [ir.Constant(I64, n * LANES + block)])
                some = builder.fmul(read(builder, place, unit, alignment(rows)), scale)
                one = _fused(builder, one, factor, some)
                made.insert(0, one)
            quads = [_columns(builder, made[n : n + QUAD], bits) for n in range(0, count, QUAD)]
            for n in range(width):
                parts = [part for some in quads for part in some[n]]
                for put in _write(builder, base, at, block + n, parts):
                    put.align = alignment(array)
            found.append(one)
        return concatenated(builder, found)

    arrays = array, types.intp, offsets, types.intp
    return row(rows, types.intp, row, z, gain, *arrays), code


@lowered_by(_columns_down)
def columns_down(rows, i, row, z, gain, array, first, offsets, j):
    """`store_columns` of rows that go on from `row`, c[n] = z c[n + 1] + gain s[n]: the first."""
    count = CACHE_LINE // array.itemsize
    made = np.empty(count * LANES, rows.dtype)
    for n in reversed(range(count)):
        row = row * z + rows[i + n * LANES : i + (n + 1) * LANES] * gain
        made[n * LANES : (n + 1) * LANES] = row
    store_columns(made, 0, array, first, offsets, j)
    return row


def _start(builder, base, offsets, k):
    """Where the k-th offset leads."""
    offset = builder.load(builder.gep(offsets, [ir.Constant(I64, k)]))
    return builder.gep(base, [builder.sext(offset, I64)])


def _part(builder, vec, first, count):
    """Some lanes of a vector."""
    return builder.shuffle_vector(vec, vec, lanes_at(*range(first, first + count)))


def _fused(builder, x, y, z):
    """x y + z, rounded once where the CPU can."""
    kind = f"v{x.type.count}f{64 if x.type.element == ir.DoubleType() else 32}"
    return llvm_call(builder, f"llvm.fmuladd.{kind}", [x, y, z])
