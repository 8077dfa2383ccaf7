"""Gathers: elements, pairs and quads of neighbours from 16 places in memory.

As in `simd`, each primitive has a plain Python twin, and none checks a bound.
"""

from llvmlite import ir

from ..compiler.cpu import HARDWARE_GATHER, PERMUTE
from ..compiler.later import types
from .memory import both_pointers
from .shuffles import HALF, concatenated, pairs_apart, transposed
from .simd import (
    I32,
    I64,
    LANES,
    alignment,
    lanes_at,
    llvm_call,
    lowered_by,
    read,
    undefined,
    vec_of,
)

FLOATS = {32: ir.FloatType(), 64: ir.DoubleType()}  # what AVX-512 gathers, by its bits


def _gather(typing, array, first, offsets, j):
    vec = vec_of(array.dtype)

    def code(context, builder, sig, args):
        base, at = both_pointers(context, builder, array, offsets, args)
        if hardware_takes(array, offsets):
            return ones_by_hardware(builder, array, base, at)
        return by_loads(builder, array, base, at, base.type.pointee, range(LANES))

    return vec(array, types.intp, offsets, types.intp), code


@lowered_by(_gather)
def gather(array, first, offsets, j):
    """array[o] for the 16 offsets o = first + offsets[j : j + 16].

    The offsets come from memory because extracting lanes costs more than loading them.
    """
    return array[first + offsets[j : j + LANES]]


def _gather_pairs(typing, array, first, offsets, j):
    vec = vec_of(array.dtype)
    returns = types.UniTuple(vec, 2)

    def code(context, builder, sig, args):
        base, at = both_pointers(context, builder, array, offsets, args)
        bits = array.dtype.bitwidth
        if hardware_takes(array, offsets) and bits == 32:
            parts = pairs_by_hardware(builder, base, at)
        else:
            parts = pairs_by_loads(builder, array, base, at, HALF // bits if bits >= 32 else LANES)
        return context.make_tuple(builder, returns, parts)

    return returns(array, types.intp, offsets, types.intp), code


def pairs_by_hardware(builder, base, at):
    """16 pairs of float32, which travel as one 64-bit value each."""
    half, whole = LANES // 2, ir.VectorType(base.type.pointee, LANES)
    found = [by_hardware(builder, base, at, ir.DoubleType(), k, half) for k in (0, half)]
    halves = [builder.bitcast(value, whole) for value in found]
    lanes = [lanes_at(*range(k, 2 * LANES, 2)) for k in (0, 1)]
    return [builder.shuffle_vector(*halves, lane) for lane in lanes]


def pairs_by_loads(builder, array, base, at, size):
    """16 pairs, `size` elements of them after the other; two of 32 bits are one load of 64."""
    element, both = base.type.pointee, ([], [])
    for k in range(LANES):
        both[2 * k // size % 2].append(k)
    if array.dtype.bitwidth == 32:
        found = [by_loads(builder, array, base, at, I64, some) for some in both]
        found = [builder.bitcast(x, ir.VectorType(element, LANES)) for x in found]
    else:
        unit = ir.VectorType(element, 2)
        found = [by_loads(builder, array, base, at, unit, some) for some in both]
    return pairs_apart(builder, *found, size)


def hardware_takes(array, offsets):
    return HARDWARE_GATHER and array.dtype.bitwidth in FLOATS and offsets.dtype.bitwidth == 32


def by_loads(builder, array, base, offsets, unit, some):
    """One load of type `unit` at each of some offsets, laid end to end."""
    found = []
    for k in some:
        offset = builder.sext(builder.load(builder.gep(offsets, [ir.Constant(I64, k)])), I64)
        found.append(read(builder, builder.gep(base, [offset]), unit, alignment(array)))
    if isinstance(unit, ir.VectorType):
        return concatenated(builder, found)
    packed = undefined(unit, len(found))
    for k, value in enumerate(found):
        packed = builder.insert_element(packed, value, ir.Constant(I32, k))
    return packed


def by_hardware(builder, array, base, offsets, unit, first, count):
    """One AVX-512 instruction for `count` values of type `unit`, which fill a register."""
    ty = ir.VectorType(unit, count)
    at = builder.gep(offsets, [ir.Constant(I64, first)])
    at = read(builder, at, ir.VectorType(I32, count), 4)
    yes = ir.Constant(ir.IntType(1), 1)
    lanes = ir.Constant(ir.VectorType(yes.type, count), [yes] * count)
    source = builder.bitcast(base, ir.IntType(8).as_pointer())
    scale = ir.Constant(I32, array.dtype.bitwidth // 8)
    name = f"llvm.x86.avx512.mask.gather.{'dps' if count == LANES else 'dpd'}.512"
    return llvm_call(builder, name, [ir.Constant(ty, None), source, at, lanes, scale], ty)


def ones_by_hardware(builder, array, base, at):
    """16 elements; integers travel as floats of their size."""
    unit, half = FLOATS[array.dtype.bitwidth], LANES // 2
    if array.dtype.bitwidth == 32:
        found = by_hardware(builder, array, base, at, unit, 0, LANES)
    else:
        parts = [by_hardware(builder, array, base, at, unit, k, half) for k in (0, half)]
        found = concatenated(builder, parts)
    return builder.bitcast(found, ir.VectorType(base.type.pointee, LANES))


@lowered_by(_gather_pairs)
def gather_pairs(array, first, offsets, j):
    """array[o] and array[o + 1] for the 16 offsets o = first + offsets[j : j + 16].

    A pair is one access: half the accesses of two gathers.
    """
    at = first + offsets[j : j + LANES]
    return array[at], array[at + 1]


def _gather_quads(typing, array, first, offsets, j):
    vec = vec_of(array.dtype)
    returns = types.UniTuple(vec, 4)

    def code(context, builder, sig, args):
        base, at = both_pointers(context, builder, array, offsets, args)
        if array.dtype.bitwidth == HALF // 2 and not PERMUTE:  # quads are whole registers
            pairs = [base, builder.gep(base, [ir.Constant(I64, 2)])]
            found = [pairs_by_loads(builder, array, pair, at, 2) for pair in pairs]
            return context.make_tuple(builder, returns, [row for two in found for row in two])
        unit = ir.VectorType(base.type.pointee, 4)
        quads = [by_loads(builder, array, base, at, unit, [k]) for k in range(LANES)]
        rows = [concatenated(builder, quads[k::4]) for k in range(4)]
        return context.make_tuple(builder, returns, transposed(builder, rows))

    return returns(array, types.intp, offsets, types.intp), code


@lowered_by(_gather_quads)
def gather_quads(array, first, offsets, j):
    """array[o], ... array[o + 3] for the 16 offsets o = first + offsets[j : j + 16].

    One load a quad, then a transposition.
    """
    at = first + offsets[j : j + LANES]
    return tuple(array[at + k] for k in range(4))
