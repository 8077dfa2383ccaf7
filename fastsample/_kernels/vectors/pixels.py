"""Pixels of a few channels that lie together: 16 of them to vectors of a channel each, and back.

As in `simd`, each primitive has a plain Python twin, and none checks a bound.
"""

import numpy as np
from llvmlite import ir

from ..compiler.flat import CACHE_LINE
from ..compiler.later import cgutils, types
from .memory import both_pointers, pass_caches
from .shuffles import concatenated
from .simd import (
    I32,
    I64,
    LANES,
    alignment,
    element_pointer,
    lanes_at,
    llvm_call,
    lowered_by,
    multiply_add,
    read,
    undefined,
    vec_of,
    write,
)

FEW = 4  # channels, at most, of a pixel that is read at once


def exact_lanes(builder, pointer, count, width, align):
    """`count` elements in `width` lanes, by loads that end with them."""
    element, found, first = pointer.type.pointee, None, 0
    for size in (8, 4, 2, 1):
        if count & size:
            piece = builder.gep(pointer, [ir.Constant(I64, first)])
            value = read(builder, piece, ir.VectorType(element, size), align)
            lanes = [k - first if first <= k < first + size else size for k in range(width)]
            part = builder.shuffle_vector(value, ir.Constant(value.type, None), lanes_at(*lanes))
            if found is not None:
                lanes = [k if k < first else width + k for k in range(width)]
                part = builder.shuffle_vector(found, part, lanes_at(*lanes))
            found, first = part, first + size
    return found


def _gathering_pixels(neighbours):
    """A typing function: few channels of 16 pixels, or of 16 pairs of pixels."""

    def typed(typing, array, first, offsets, j, count, whole):
        if not isinstance(count, types.IntegerLiteral) or not isinstance(whole, types.Literal):
            return None
        vec, n = vec_of(array.dtype), count.literal_value
        returns = types.UniTuple(vec, neighbours * LANES // FEW)
        width = neighbours * (FEW if n > 2 else n)

        def lanes(builder, pointer):
            if whole.literal_value:
                ty = ir.VectorType(pointer.type.pointee, width)
                return read(builder, pointer, ty, alignment(array))
            return exact_lanes(builder, pointer, neighbours * n, width, alignment(array))

        def code(context, builder, sig, args):
            base, at = both_pointers(context, builder, array, offsets, args[:4])
            found = []
            for k in range(LANES):
                offset = builder.sext(builder.load(builder.gep(at, [ir.Constant(I64, k)])), I64)
                found.append(lanes(builder, builder.gep(base, [offset])))
            blocks = [concatenated(builder, found[k : k + FEW]) for k in range(0, LANES, FEW)]
            parts = []
            for k in range(0, neighbours * n, n):
                picks = [p * width + min(k + c, width - 1) for p in range(FEW) for c in range(FEW)]
                parts += [builder.shuffle_vector(b, b, lanes_at(*picks)) for b in blocks]
            return context.make_tuple(builder, returns, parts)

        return returns(array, types.intp, offsets, types.intp, count, whole), code

    return typed


@lowered_by(_gathering_pixels(1))
def gather_pixels(array, first, offsets, j, count, whole):
    """array[o : o + count] in four lanes, for o = first + offsets[j : j + 16]; four vectors.

    Other lanes hold anything. `whole` reads the four elements from o on, so they must be there.
    """
    found = np.zeros((LANES, FEW), array.dtype)
    found[:, :count] = array[(first + offsets[j : j + LANES])[:, None] + np.arange(count)]
    return tuple(found.reshape(-1, LANES))


@lowered_by(_gathering_pixels(2))
def gather_pixel_pairs(array, first, offsets, j, count, whole):
    """`gather_pixels` at o, then at o + count; `whole` reads eight elements for more than two."""
    left = gather_pixels(array, first, offsets, j, count, whole)
    return left + gather_pixels(array, first + count, offsets, j, count, whole)


def _sum_pixel_pairs(typing, array, first, steps, offsets, j, weights, at, pitch, rows, count):
    literals = pitch, rows, count
    if not all(isinstance(x, types.IntegerLiteral) for x in literals):
        return None
    far, lines, n = [x.literal_value for x in literals]
    returns = types.UniTuple(vec_of(weights.dtype), LANES // FEW)

    def code(context, builder, sig, args):
        unit = ir.VectorType(context.get_value_type(array.dtype), FEW)
        base, place = both_pointers(context, builder, array, offsets, [*args[:2], *args[3:5]])
        weight = element_pointer(context, builder, weights, *args[5:7])
        step = element_pointer(context, builder, steps, args[2], ir.Constant(I64, 0))
        away = [builder.load(builder.gep(step, [ir.Constant(I64, r)])) for r in range(lines)]
        bases = [builder.gep(base, [x]) for x in away]
        zeros, found = ir.Constant(unit, None), []
        for k in range(LANES):
            offset = builder.load(builder.gep(place, [ir.Constant(I64, k)]))
            offset, total = builder.sext(offset, I64), zeros
            for tap in range(2 * lines):
                beside = builder.add(offset, ir.Constant(I64, tap % 2 * n))
                pixel = builder.gep(bases[tap // 2], [beside])
                value = read(builder, pixel, unit, alignment(array))
                one = builder.load(builder.gep(weight, [ir.Constant(I64, tap * far + k)]))
                alone = builder.insert_element(undefined(one.type, FEW), one, ir.Constant(I32, 0))
                every = builder.shuffle_vector(alone, alone, lanes_at(*[0] * FEW))
                counts = builder.fcmp_unordered("!=", every, zeros)
                terms = [builder.select(counts, value, zeros), every, total]
                total = llvm_call(builder, f"llvm.fmuladd.v{FEW}f32", terms)
            found.append(total)
        parts = [concatenated(builder, found[k : k + FEW]) for k in range(0, LANES, FEW)]
        return context.make_tuple(builder, returns, parts)

    args = array, types.intp, steps, offsets, types.intp, weights, types.intp, *literals
    return returns(*args), code


@lowered_by(_sum_pixel_pairs)
def sum_pixel_pairs(array, first, steps, offsets, j, weights, at, pitch, rows, count):
    """Weighted sums of pairs of pixels of three or four float32, at 16 places in some rows.

    The pairs of row r lie at first + steps[r] + offsets[j : j + 16], and their weights from
    weights[2 * r * pitch + at] and weights[(2 * r + 1) * pitch + at] on. A pixel whose weight is 0
    does not matter. Four vectors, four lanes a point, as of `gather_pixels` with `whole`.
    """
    total = np.zeros(FEW * LANES, weights.dtype)
    for tap in range(2 * rows):
        start = first + steps[tap // 2] + tap % 2 * count
        values = np.concatenate(gather_pixels(array, start, offsets, j, FEW, True))
        every = np.repeat(weights[tap * pitch + at : tap * pitch + at + LANES], FEW)
        total = multiply_add(np.where(every != 0, values, 0).astype(every.dtype), every, total)
    return tuple(total.reshape(-1, LANES))


def _putting_pixels(streamed):
    """A typing function: few channels of 16 points to memory, past the caches if `streamed`."""

    def typed(typing, array, i, vecs, count):
        if not isinstance(count, types.IntegerLiteral):
            return None
        n = count.literal_value

        def code(context, builder, sig, args):
            pointer = element_pointer(context, builder, array, *args[:2])
            whole = concatenated(builder, cgutils.unpack_tuple(builder, args[2], LANES // FEW))
            lanes = [k // n * FEW + k % n for k in range(LANES * n)]
            # 16 at a time: 48 are no registers, and LLVM, which shuffles once for both ways to
            # store them, would hand 48 numbers from block to block (nearest of bytes: 1.9 times).
            for at in range(0, LANES * n, LANES):
                value = builder.shuffle_vector(whole, whole, lanes_at(*lanes[at : at + LANES]))
                place = builder.gep(pointer, [ir.Constant(I64, at)])
                stored = write(builder, place, value, alignment(array))
                if streamed:
                    pass_caches(builder, stored, min(CACHE_LINE, LANES * array.dtype.bitwidth // 8))
            return context.get_dummy_value()

        return types.void(array, types.intp, vecs, count), code

    return typed


@lowered_by(_putting_pixels(False))
def store_pixels(array, i, vecs, count):
    """The first `count` of each four lanes, one after the other, to array[i : i + 16 * count]."""
    pixels = np.concatenate(vecs).reshape(-1, FEW)[:, :count]
    array[i : i + LANES * count] = pixels.reshape(-1)


@lowered_by(_putting_pixels(True))
def stream_pixels(array, i, vecs, count):
    """`store_pixels` past the caches, to the start of a cache line; then `fence`."""
    pixels = np.concatenate(vecs).reshape(-1, FEW)[:, :count]
    array[i : i + LANES * count] = pixels.reshape(-1)
