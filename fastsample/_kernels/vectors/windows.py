"""Windows of neighbours, a few at a time: what sums of many taps are made of.

A window is 4 or 8 elements along the last axis. A vector of 16 lanes holds those of 4 or 2 points,
so that a row of taps is one load a point, and its weight the same for all of a point (`parts`).
As in `simd`, each primitive has a plain Python twin, and none checks a bound.
"""

import numpy as np
from llvmlite import ir

from ..compiler.cpu import PERMUTE
from ..compiler.later import types
from .memory import both_pointers
from .shuffles import HALF, concatenated, pairs_apart, transposed
from .simd import (
    I64,
    LANES,
    _unary,
    alignment,
    element_pointer,
    lanes_at,
    llvm_call,
    lowered_by,
    read,
    undefined,
    vec_of,
)

QUAD = 4
PARTS = 4  # of a mask
SHIFT = 1.5 * 2**52  # added to a whole number, leaves it in the low bits


@lowered_by(_unary("trunc"))
def truncated(vec):
    """The whole number next to it on the way to zero."""
    return np.trunc(vec)


def _as_places(typing, vec):
    to = vec_of(types.int64)

    def code(context, builder, sig, args):
        ty = args[0].type
        shift = ir.Constant(ty, [ir.Constant(ty.element, SHIFT)] * LANES)
        bits = builder.bitcast(builder.fadd(args[0], shift), ir.VectorType(I64, LANES))
        zero = int(np.float64(SHIFT).view(np.int64))
        return builder.sub(bits, ir.Constant(bits.type, [ir.Constant(I64, zero)] * LANES))

    return to(vec), code


@lowered_by(_as_places)
def as_places(vec):
    """Doubles that are whole numbers below 2**51 as int64.

    Two instructions; before AVX-512 there is none for the conversion, which would go lane by lane.
    """
    return vec.astype(np.int64)


def _swapped(typing, vec):
    def code(context, builder, sig, args):
        if vec.dtype.bitwidth == 8:
            return args[0]
        bits = ir.VectorType(ir.IntType(vec.dtype.bitwidth), LANES)
        value = builder.bitcast(args[0], bits)
        value = llvm_call(builder, f"llvm.bswap.v{LANES}i{vec.dtype.bitwidth}", [value])
        return builder.bitcast(value, args[0].type)

    return vec(vec), code


@lowered_by(_swapped)
def swapped(vec):
    """The bytes of each lane turned round."""
    return vec.byteswap()


def _all_lanes(typing, mask):
    def code(context, builder, sig, args):
        if PERMUTE:  # masks have registers of their own
            bits = ir.IntType(LANES)
            whole = builder.bitcast(args[0], bits)
            return builder.icmp_unsigned("==", whole, ir.Constant(bits, -1))
        size, bits = LANES // PARTS, ir.IntType(LANES // PARTS)
        some = [lanes_at(*range(k * size, (k + 1) * size)) for k in range(PARTS)]
        first, *rest = [builder.shuffle_vector(args[0], args[0], lanes) for lanes in some]
        for part in rest:
            first = builder.and_(first, part)
        return builder.icmp_unsigned("==", builder.bitcast(first, bits), ir.Constant(bits, -1))

    return types.boolean(mask), code


@lowered_by(_all_lanes)
def all_lanes(mask):
    """`everywhere` for lanes of 64 bits: without AVX-512 a third of its instructions."""
    return bool(np.all(mask))


def _all_within(typing, vec, low, high):
    def code(context, builder, sig, args):
        size, found = LANES // PARTS, None
        bits, nothing = ir.IntType(size), undefined(args[0].type.element, size)
        ends = []
        for end in args[1:]:
            one = builder.insert_element(nothing, end, ir.Constant(ir.IntType(32), 0))
            ends.append(builder.shuffle_vector(one, nothing, lanes_at(*[0] * size)))
        for k in range(PARTS):
            lanes = lanes_at(*range(k * size, (k + 1) * size))
            part = builder.shuffle_vector(args[0], args[0], lanes)
            for sign, end in zip((">=", "<="), ends, strict=True):
                inside = builder.fcmp_ordered(sign, part, end)
                found = inside if found is None else builder.and_(found, inside)
        return builder.icmp_unsigned("==", builder.bitcast(found, bits), ir.Constant(bits, -1))

    return types.boolean(vec, vec.dtype, vec.dtype), code


@lowered_by(_all_within)
def all_within(vec, low, high):
    """Is no lane below `low`, above `high` or NaN? A quarter of a vector at a time.

    Without AVX-512 half the instructions of two comparisons of whole vectors, whose masks are
    packed into bytes.
    """
    return bool(np.all((vec >= low) & (vec <= high)))


def _windows(typing, array, first, offsets, j, width):
    if not isinstance(width, types.IntegerLiteral):
        return None
    vec, n = vec_of(array.dtype), width.literal_value

    def code(context, builder, sig, args):
        base, at = both_pointers(context, builder, array, offsets, args[:4])
        unit, found = ir.VectorType(base.type.pointee, n), []
        start = element_pointer(context, builder, array, args[0], ir.Constant(I64, 0))
        for k in range(LANES // n):
            offset = builder.load(builder.gep(at, [ir.Constant(I64, k)]))
            place = builder.gep(builder.gep(start, [offset]), [args[1]])
            found.append(read(builder, place, unit, alignment(array)))
        return concatenated(builder, found)

    return vec(array, types.intp, offsets, types.intp, width), code


@lowered_by(_windows)
def windows(array, first, offsets, j, width):
    """array[o : o + width] for o = first + offsets[j + k], k from 0 on; a constant width.

    The offsets are those of the loop around, so that each point has its pointer, and `first` moves.
    """
    at = first + offsets[j : j + LANES // width]
    return array[(at[:, None] + np.arange(width)).ravel()]


def _quad_columns(typing, array, i, pitch):
    if not isinstance(pitch, types.IntegerLiteral):
        return None
    vec, step = vec_of(array.dtype), pitch.literal_value
    returns = types.UniTuple(vec, QUAD)

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])

        def units(start, count):
            places = [
                builder.gep(pointer, [ir.Constant(I64, start + k * step)]) for k in range(LANES)
            ]
            unit = ir.VectorType(pointer.type.pointee, count)
            return [read(builder, place, unit, alignment(array)) for place in places]

        if array.dtype.bitwidth == HALF // 2 and not PERMUTE:  # quads are whole registers
            found = []
            for pairs in (units(0, 2), units(2, 2)):
                both = [concatenated(builder, pairs[k::2]) for k in (0, 1)]
                found += pairs_apart(builder, *both, 2)
            return context.make_tuple(builder, returns, found)
        quads = units(0, QUAD)
        rows = [concatenated(builder, quads[k::QUAD]) for k in range(QUAD)]
        return context.make_tuple(builder, returns, transposed(builder, rows))

    return returns(array, types.intp, pitch), code


@lowered_by(_quad_columns)
def quad_columns(array, i, pitch):
    """The first elements of 16 quads that begin at i, i + pitch, ...; their second ones, and so on.

    The pitch is a constant.
    """
    rows = array[i + pitch * np.arange(LANES)[:, None] + np.arange(QUAD)]
    return tuple(rows.T)


def _all_inside(typing, places, ends, axes):
    if not isinstance(axes, types.IntegerLiteral):
        return None

    def code(context, builder, sig, args):
        size, found = LANES // PARTS, None
        bits, element = ir.IntType(size), context.get_value_type(places.dtype)
        unit, nothing = ir.VectorType(element, size), undefined(element, size)
        for a in range(axes.literal_value):
            limits = []
            for k in range(2):
                end = builder.load(builder.gep(args[1], [ir.Constant(I64, 2 * a + k)]))
                one = builder.insert_element(nothing, end, ir.Constant(ir.IntType(32), 0))
                limits.append(builder.shuffle_vector(one, nothing, lanes_at(*[0] * size)))
            for k in range(PARTS):
                at = builder.gep(args[0], [ir.Constant(I64, a * LANES + k * size)])
                part = read(builder, at, unit, alignment(places))
                for sign, end in zip((">=", "<="), limits, strict=True):
                    inside = builder.fcmp_ordered(sign, part, end)
                    found = inside if found is None else builder.and_(found, inside)
        return builder.icmp_unsigned("==", builder.bitcast(found, bits), ir.Constant(bits, -1))

    return types.boolean(places, ends, axes), code


@lowered_by(_all_inside)
def all_inside(places, ends, axes):
    """`all_within` along a constant number of axes at once: 16 places and two ends of each.

    One branch for all: a quarter's mask is one test, a boolean of each axis five instructions.
    """
    x, ends = places[: axes * LANES].reshape(axes, LANES), ends[: 2 * axes].reshape(axes, 2)
    return bool(np.all((x >= ends[:, :1]) & (x <= ends[:, 1:])))
