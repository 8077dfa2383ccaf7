"""Vectors in parts of a constant width, each in a register of its own: sums of windows.

As wholes they would be in wider registers, and on Zen 1 it costs more to join two windows of
float32 than to add both. As in `simd`, each primitive has a plain Python twin, and none checks a
bound.
"""

import numpy as np
from llvmlite import ir

from ..compiler.later import types
from .shuffles import concatenated, parts_of
from .simd import (
    I32,
    I64,
    LANES,
    alignment,
    element_pointer,
    lanes_at,
    llvm_call,
    lowered_by,
    read,
    undefined,
    vec_of,
    write,
)


def places_of(builder, pointer, n):
    """Where the parts of 16 elements are."""
    unit = ir.VectorType(pointer.type.pointee, n)
    places = [builder.gep(pointer, [ir.Constant(I64, k)]) for k in range(0, LANES, n)]
    return [builder.bitcast(place, unit.as_pointer()) for place in places]


def read_all(builder, array, places):
    return [read(builder, place, place.type.pointee, alignment(array)) for place in places]


def write_all(builder, array, places, parts):
    for place, part in zip(places, parts, strict=True):
        write(builder, place, part, alignment(array))


def _load_parts(typing, array, i, width):
    if not isinstance(width, types.IntegerLiteral):
        return None
    vec, n = vec_of(array.dtype), width.literal_value

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        return concatenated(builder, read_all(builder, array, places_of(builder, pointer, n)))

    return vec(array, types.intp, width), code


@lowered_by(_load_parts)
def load_parts(array, i, width):
    """`load` by parts."""
    return array[i : i + LANES].copy()


def _store_parts(typing, array, i, vec, width):
    if not isinstance(width, types.IntegerLiteral):
        return None
    n = width.literal_value

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        parts = parts_of(builder, args[2], n)
        write_all(builder, array, places_of(builder, pointer, n), parts)
        return context.get_dummy_value()

    return types.void(array, types.intp, vec, width), code


@lowered_by(_store_parts)
def store_parts(array, i, vec, width):
    """`store` by parts."""
    array[i : i + LANES] = vec


def spread(builder, weight, n):
    """A weight in all lanes of a part."""
    nothing = undefined(weight.type, n)
    weight = builder.insert_element(nothing, weight, ir.Constant(I32, 0))
    return builder.shuffle_vector(weight, nothing, lanes_at(*[0] * n))


def multiply_add(builder, part, weight, total):
    """part * weight + total, rounded once where the CPU can."""
    n, bits = part.type.count, 32 if isinstance(part.type.element, ir.FloatType) else 64
    return llvm_call(builder, f"llvm.fmuladd.v{n}f{bits}", [part, weight, total])


def _adding(one):
    """A typing function: parts are added to sums, weighed by `one` weight or each by its own."""

    def typed(typing, sums, vec, weights, i, width):
        if not isinstance(width, types.IntegerLiteral):
            return None
        n = width.literal_value

        def code(context, builder, sig, args):
            pointer = element_pointer(context, builder, sums, args[0], ir.Constant(I64, 0))
            places, parts = places_of(builder, pointer, n), parts_of(builder, args[1], n)
            first, count = element_pointer(context, builder, weights, *args[2:4]), len(parts)
            each = [builder.gep(first, [ir.Constant(I64, k)]) for k in range(1 if one else count)]
            each = [spread(builder, builder.load(place), n) for place in each]
            totals = read_all(builder, sums, places)
            terms = zip(parts, each * count if one else each, totals, strict=not one)
            found = [multiply_add(builder, *term) for term in terms]
            write_all(builder, sums, places, found)
            return context.get_dummy_value()

        return types.void(sums, vec, weights, types.intp, width), code

    return typed


@lowered_by(_adding(False))
def add_parts(sums, vec, weights, i, width):
    """Add to sums[:16] the lanes of `vec`, weighed: each part has a weight, from weights[i] on.

    A `local` array of sums stays in registers if only primitives by parts of one width use it.
    """
    sums[:LANES] += vec * np.repeat(weights[i : i + LANES // width], width)


@lowered_by(_adding(True))
def add_rows(sums, vec, weights, i, width):
    """The same with one weight for all parts."""
    sums[:LANES] += vec * weights[i]


def _add_part(typing, total, sums, k, weights, i, width):
    if not all(isinstance(x, types.IntegerLiteral) for x in (k, width)):
        return None
    n, at = width.literal_value, k.literal_value * width.literal_value

    def code(context, builder, sig, args):
        to = element_pointer(context, builder, total, args[0], ir.Constant(I64, 0))
        place = element_pointer(context, builder, sums, args[1], ir.Constant(I64, at))
        unit = ir.VectorType(place.type.pointee, n)
        part = read(builder, place, unit, alignment(sums))
        weight = builder.load(element_pointer(context, builder, weights, *args[3:5]))
        found = read(builder, to, unit, alignment(total))
        found = multiply_add(builder, part, spread(builder, weight, n), found)
        write(builder, to, found, alignment(total))
        return context.get_dummy_value()

    return types.void(total, sums, k, weights, types.intp, width), code


@lowered_by(_add_part)
def add_part(total, sums, k, weights, i, width):
    """Add to total[:width] the k-th part of some sums, by its weight, weights[i]."""
    total[:width] += sums[k * width : (k + 1) * width] * weights[i]


def _copy_part(typing, source, i, out, j, width):
    if not isinstance(width, types.IntegerLiteral):
        return None

    def code(context, builder, sig, args):
        place = element_pointer(context, builder, source, *args[:2])
        to = element_pointer(context, builder, out, *args[2:4])
        unit = ir.VectorType(place.type.pointee, width.literal_value)
        write(builder, to, read(builder, place, unit, alignment(source)), alignment(out))
        return context.get_dummy_value()

    return types.void(source, types.intp, out, types.intp, width), code


@lowered_by(_copy_part)
def copy_part(source, i, out, j, width):
    """out[j : j + width] = source[i : i + width]"""
    out[j : j + width] = source[i : i + width]
