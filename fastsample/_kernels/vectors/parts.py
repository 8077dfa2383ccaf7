"""Vectors in parts of a constant width, each in a register of its own: sums of windows.

As wholes they would be in wider registers, and on Zen 1 it costs more to join two windows of
float32 than to add both. As in `simd`, each primitive has a plain Python twin, and none checks a
bound.
"""

import numpy as np
from llvmlite import ir
from numba import types

from .shuffles import concatenated, parts_of
from .simd import (
    I32,
    I64,
    LANES,
    Vec,
    alignment,
    element_pointer,
    lanes_at,
    llvm_call,
    lowered_by,
    read,
    undefined,
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
    vec, n = Vec(array.dtype), width.literal_value

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


def spreads(builder, pointer, n):
    """For each part the weight that is its own, in all lanes."""
    found, nothing = [], undefined(pointer.type.pointee, n)
    for k in range(LANES // n):
        weight = builder.load(builder.gep(pointer, [ir.Constant(I64, k)]))
        weight = builder.insert_element(nothing, weight, ir.Constant(I32, 0))
        found.append(builder.shuffle_vector(weight, nothing, lanes_at(*[0] * n)))
    return found


def _add_parts(typing, sums, vec, weights, i, width):
    if not isinstance(width, types.IntegerLiteral):
        return None
    n = width.literal_value

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, sums, args[0], ir.Constant(I64, 0))
        places, parts = places_of(builder, pointer, n), parts_of(builder, args[1], n)
        each = spreads(builder, element_pointer(context, builder, weights, *args[2:4]), n)
        name, totals = f"llvm.fmuladd.v{n}f{vec.dtype.bitwidth}", read_all(builder, sums, places)
        terms = zip(parts, each, totals, strict=True)
        found = [llvm_call(builder, name, list(term)) for term in terms]
        write_all(builder, sums, places, found)
        return context.get_dummy_value()

    return types.void(sums, vec, weights, types.intp, width), code


@lowered_by(_add_parts)
def add_parts(sums, vec, weights, i, width):
    """Add to sums[:16] the lanes of `vec`, weighed: each part has a weight, from weights[i] on.

    A `local` array of sums stays in registers if only primitives by parts of one width use it.
    """
    sums[:LANES] += vec * np.repeat(weights[i : i + LANES // width], width)
