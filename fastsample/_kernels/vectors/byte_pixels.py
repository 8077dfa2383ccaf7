"""Bilinear sums of pixels of two to four bytes: a vector for each channel, and pixels again.

Bytes of four points change places before they are widened, four lanes at a time, which are half of
a 256-bit register: nothing crosses from one half to the other. As in `simd`, each primitive has a
plain Python twin, and none checks a bound.
"""

import numpy as np
from llvmlite import ir

from ..compiler.later import types
from .memory import both_pointers, pass_caches
from .pixels import FEW
from .simd import (
    I32,
    I64,
    LANES,
    element_pointer,
    lanes_at,
    llvm_call,
    lowered_by,
    multiply_add,
    read,
    write,
)

BYTES = 2 * FEW  # of a pair of pixels, at most
QUAD = ir.VectorType(I32, FEW)
FLOATS = ir.VectorType(ir.FloatType(), FEW)
WHOLE = 2.0**23  # the unit of float32 from here to twice that is 1


def four(number, kind=I32):
    """A number in four lanes."""
    return ir.Constant(ir.VectorType(kind, FEW), [ir.Constant(kind, number)] * FEW)


def pairs_of_four(builder, base, at, count):
    """Of four pairs of pixels the first four bytes of each, as lanes of 32 bits; and the others."""
    found = []
    for k in range(FEW):
        offset = builder.sext(builder.load(builder.gep(at, [ir.Constant(I64, k)])), I64)
        place = builder.gep(base, [offset])
        value = read(builder, place, ir.VectorType(I32, 1 if count == 2 else 2), 1)
        lanes = lanes_at(0, 0) if count == 2 else lanes_at(0, 1)
        found.append(builder.shuffle_vector(value, value, lanes))
    both = lanes_at(0, 2, 1, 3)
    one, other = (builder.shuffle_vector(*pair, both) for pair in (found[:2], found[2:]))
    parts = (lanes_at(0, 1, 4, 5), lanes_at(2, 3, 6, 7))
    return [builder.shuffle_vector(one, other, part) for part in parts]


def byte_of(builder, lanes, k):
    """Byte k of each lane as float32."""
    if k == 0:
        value = builder.and_(lanes, four(255))
    elif k == FEW - 1:
        value = builder.lshr(lanes, four(8 * k))
    else:
        one = ir.IntType(8)
        places = [n + k if n % FEW == 0 else LANES for n in range(LANES)]
        as_bytes = builder.bitcast(lanes, ir.VectorType(one, LANES))
        value = builder.shuffle_vector(
            as_bytes, ir.Constant(as_bytes.type, None), lanes_at(*places)
        )
        value = builder.bitcast(value, QUAD)
    return builder.sitofp(value, FLOATS)


def add_pairs(builder, base, at, weights, count, totals):
    """Add a row of taps of four points to the totals of their channels."""
    parts = pairs_of_four(builder, base, at, count)
    for tap, weight in enumerate(weights):
        for c in range(count):
            k = tap * count + c
            value = byte_of(builder, parts[k // FEW], k % FEW)
            if totals[c] is None:
                totals[c] = builder.fmul(value, weight)
            else:
                args = [value, weight, totals[c]]
                totals[c] = llvm_call(builder, f"llvm.fmuladd.v{FEW}f32", args)


def _sum_pairs(typing, array, first, steps, offsets, j, weights, at, pitch, rows, count, totals):
    literals = pitch, rows, count
    if not all(isinstance(x, types.IntegerLiteral) for x in literals):
        return None
    far, lines, n = [x.literal_value for x in literals]

    def code(context, builder, sig, args):
        base, place = both_pointers(context, builder, array, offsets, [*args[:2], *args[3:5]])
        weight = element_pointer(context, builder, weights, *args[5:7])
        step = element_pointer(context, builder, steps, args[2], ir.Constant(I64, 0))
        bases = [base]
        for r in range(1, lines):
            away = builder.load(builder.gep(step, [ir.Constant(I64, r)]))
            bases.append(builder.gep(base, [away]))
        into = element_pointer(context, builder, totals, args[-1], ir.Constant(I64, 0))
        for k in range(0, LANES, FEW):
            sums = [None] * n
            for r in range(lines):
                both = [
                    read(builder, builder.gep(weight, [ir.Constant(I64, tap * far + k)]), FLOATS, 4)
                    for tap in (2 * r, 2 * r + 1)
                ]
                some = builder.gep(place, [ir.Constant(I64, k)])
                add_pairs(builder, bases[r], some, both, n, sums)
            for c, value in enumerate(sums):
                put(builder, into, c * LANES + k, value, 4)
        return context.get_dummy_value()

    args = array, types.intp, steps, offsets, types.intp, weights, types.intp, *literals, totals
    return types.void(*args), code


@lowered_by(_sum_pairs)
def sum_pairs(array, first, steps, offsets, j, weights, at, pitch, rows, count, totals):
    """Weighted sums of pairs of pixels of so many bytes, at 16 places in some rows.

    The pairs of row r lie at first + steps[r] + offsets[j : j + 16], and their weights from
    weights[2 * r * pitch + at] and weights[(2 * r + 1) * pitch + at] on. steps[0] is 0. Of three
    bytes a pixel, eight are read at each place. Channel c's sums go to totals[16 * c].
    """
    found = totals.reshape(-1, LANES)
    found[:count] = 0
    for row in range(rows):
        places = (first + steps[row] + offsets[j : j + LANES])[:, None] + np.arange(2 * count)
        values = array[places].astype(weights.dtype)
        for tap in (0, 1):
            start = (2 * row + tap) * pitch + at
            weight = weights[start : start + LANES]
            for c in range(count):
                found[c] = multiply_add(values[:, tap * count + c], weight, found[c])


def joined(builder, parts):
    """Four numbers from 0 to 255 of each channel, which begin as floats, rounded: as pixels."""
    total = None
    for c, value in enumerate(parts):
        bits = builder.bitcast(builder.fadd(value, four(WHOLE, ir.FloatType())), QUAD)
        if len(parts) == FEW and c == 0:
            bits = builder.and_(bits, four(255))
        moved = builder.shl(bits, four(8 * c)) if c else bits
        total = moved if total is None else builder.or_(total, moved)
    n = len(parts)
    lanes = [k // n * FEW + k % n for k in range(n * FEW)]
    whole = builder.bitcast(total, ir.VectorType(ir.IntType(8), LANES))
    return whole, lanes


def put(builder, pointer, k, value, align):
    """Store a vector so many elements after a place."""
    place = builder.gep(pointer, [ir.Constant(I64, k)])
    return write(builder, place, value, align)


def _putting_bytes(streamed):
    """A typing function: rounded pixels to memory, past the caches if `streamed`."""

    def typed(typing, array, i, totals, count):
        if not isinstance(count, types.IntegerLiteral):
            return None
        n = count.literal_value

        def code(context, builder, sig, args):
            pointer = element_pointer(context, builder, array, *args[:2])
            source = element_pointer(context, builder, totals, args[2], ir.Constant(I64, 0))
            for k in range(0, LANES, FEW):
                at = [ir.Constant(I64, c * LANES + k) for c in range(n)]
                parts = [read(builder, builder.gep(source, [c]), FLOATS, 4) for c in at]
                whole, lanes = joined(builder, parts)
                last = k + FEW == LANES
                lanes = lanes if last or n != 3 else lanes + [LANES - 1] * (LANES - len(lanes))
                value = builder.shuffle_vector(whole, whole, lanes_at(*lanes))
                stored = put(builder, pointer, k * n, value, 1)
                if streamed:
                    pass_caches(builder, stored, FEW * n)
            return context.get_dummy_value()

        return types.void(array, types.intp, totals, count), code

    return typed


def rounded(totals, count):
    """Channels one after the other as pixels of bytes."""
    channels = totals.reshape(-1, LANES)[:count]
    with np.errstate(invalid="ignore"):
        return np.rint(channels).astype(np.uint8).T.ravel()


@lowered_by(_putting_bytes(False))
def put_bytes(array, i, totals, count):
    """16 pixels to array[i : i + 16 * count]: numbers from 0 to 255 at totals[16 * c], rounded.

    Halves go to even. Other numbers put anything there.
    """
    array[i : i + LANES * count] = rounded(totals, count)


@lowered_by(_putting_bytes(True))
def stream_bytes(array, i, totals, count):
    """`put_bytes` past the caches, to the start of a cache line; then `fence`."""
    array[i : i + LANES * count] = rounded(totals, count)
