"""Vector values for kernels: `Vec`, 16 lanes of one type held in registers.

LLVM calls it ``<16 x T>`` and splits it into whatever registers the CPU has. Operators work on it,
so a kernel reads like its formula. Each primitive is written twice: a Python twin over NumPy lanes,
which is its definition and what runs under ``NUMBA_DISABLE_JIT=1``, and the LLVM instructions that
`lowered_by` names for compiled code.

No primitive checks a bound: whoever calls `load` or `store` answers for every lane. What else is
read and written is in `memory`.
"""

import numpy as np
from llvmlite import ir

from ..compiler.cpu import PERMUTE
from ..compiler.flat import primitive as lowered_by
from ..compiler.flat import start_of
from ..compiler.later import cgutils, module_of_types, types

LANES = 16
SQUARE = LANES * LANES
I32, I64 = ir.IntType(32), ir.IntType(64)


_lane_types = module_of_types(f"{__package__}.lane_types")


def vec_of(dtype):
    """The type of a Vec."""
    return _lane_types.Vec(dtype)


def mask_type():
    """The type of a Mask."""
    return _lane_types.Mask()


def is_float(vec):
    return isinstance(vec.dtype, types.Float)


def lanes_at(*indices):
    """A constant vector of lane numbers, for shuffles."""
    return ir.Constant(ir.VectorType(I32, len(indices)), [ir.Constant(I32, k) for k in indices])


def undefined(ty, n=LANES):
    return ir.Constant(ir.VectorType(ty, n), ir.Undefined)


def broadcast(builder, scalar):
    """One scalar in all lanes."""
    first = builder.insert_element(undefined(scalar.type), scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, undefined(scalar.type), lanes_at(*[0] * LANES))


def llvm_call(builder, name, args, returns=None):
    """Call the LLVM intrinsic `name` on `args`."""
    kind = ir.FunctionType(returns or args[0].type, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def suffix(vec):
    """How LLVM's intrinsics name the type: v16f32."""
    return f"v{LANES}{'f' if is_float(vec) else 'i'}{vec.dtype.bitwidth}"


# Memory ------------------------------------------------------------------------------------------


def element_pointer(context, builder, array, value, index):
    """The address of array[index], without Numba's wrapping of negative indices."""
    return builder.gep(start_of(context, builder, array, value), [index])


def alignment(array):
    return array.dtype.bitwidth // 8 if array.aligned else 1


def read(builder, pointer, ty, align):
    value = builder.load(builder.bitcast(pointer, ty.as_pointer()))
    value.align = align
    return value


def write(builder, pointer, value, align):
    stored = builder.store(value, builder.bitcast(pointer, value.type.as_pointer()))
    stored.align = align
    return stored


def _load(typing, array, i):
    vec = vec_of(array.dtype)

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args)
        return read(builder, pointer, context.get_value_type(vec), alignment(array))

    return vec(array, types.intp), code


@lowered_by(_load)
def load(array, i):
    """array[i : i + 16]"""
    return array[i : i + LANES].copy()


def _store(typing, array, i, vec):
    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        write(builder, pointer, args[2], alignment(array))
        return context.get_dummy_value()

    return types.void(array, types.intp, vec), code


@lowered_by(_store)
def store(array, i, vec):
    """array[i : i + 16] = vec"""
    array[i : i + LANES] = vec


def _store_mask(typing, array, i, mask):
    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        flags = builder.zext(args[2], ir.VectorType(ir.IntType(8), LANES))
        write(builder, pointer, flags, 1)
        return context.get_dummy_value()

    return types.void(array, types.intp, mask), code


@lowered_by(_store_mask)
def store_mask(array, i, mask):
    """array[i : i + 16] = mask, as bytes 0 and 1."""
    array[i : i + LANES] = mask


# Arithmetic --------------------------------------------------------------------------------------


def as_vec(context, builder, ty, value, vec):
    """A Vec as it is, a scalar cast to the lane type of `vec` and broadcast."""
    if isinstance(ty, _lane_types.Vec):
        return value
    return broadcast(builder, context.cast(builder, value, ty, vec.dtype))


def _splat(typing, x, like):
    vec = vec_of(like.dtype)

    def code(context, builder, sig, args):
        return as_vec(context, builder, sig.args[0], args[0], vec)

    return vec(x, like), code


@lowered_by(_splat)
def splat(x, like):
    """The scalar x in every lane, in the lane type of `like` (a Vec or an array)."""
    return np.full(LANES, x).astype(like.dtype)


def _ramp(typing, like):
    vec = vec_of(like.dtype)

    def code(context, builder, sig, args):
        ty = context.get_value_type(vec)
        return ir.Constant(ty, [ir.Constant(ty.element, k) for k in range(LANES)])

    return vec(like), code


@lowered_by(_ramp)
def ramp(like):
    """0, 1, ... 15 in the lane type of `like`."""
    return np.arange(LANES, dtype=like.dtype)


def _spread(typing, vec, part):
    if not isinstance(part, types.IntegerLiteral):
        return None
    first = part.literal_value * 4

    def code(context, builder, sig, args):
        lanes = lanes_at(*[first + k // 4 for k in range(LANES)])
        return builder.shuffle_vector(args[0], args[0], lanes)

    return vec(vec, part), code


@lowered_by(_spread)
def spread(vec, part):
    """Four times each of the four lanes from 4 * part on."""
    return np.repeat(vec[4 * part : 4 * part + 4], 4)


def _convert(typing, vec, like):
    to = vec_of(like.dtype)

    def code(context, builder, sig, args):
        return cast_lanes(builder, args[0], vec, to, context.get_value_type(to))

    return to(vec, like), code


def cast_lanes(builder, value, vec, to, ty):
    if vec.dtype == to.dtype:
        return value
    if is_float(vec) and is_float(to):
        wider = to.dtype.bitwidth > vec.dtype.bitwidth
        return (builder.fpext if wider else builder.fptrunc)(value, ty)
    if is_float(vec) and to.dtype.bitwidth < 32:  # by itself LLVM takes lane by lane
        return builder.trunc(builder.fptosi(value, ir.VectorType(I32, LANES)), ty)
    if is_float(vec):
        return (builder.fptosi if to.dtype.signed else builder.fptoui)(value, ty)
    if is_float(to) and vec.dtype.bitwidth < 32:
        wide = (builder.sext if vec.dtype.signed else builder.zext)(
            value, ir.VectorType(I32, LANES)
        )
        return builder.sitofp(wide, ty)
    if is_float(to):
        return (builder.sitofp if vec.dtype.signed else builder.uitofp)(value, ty)
    if to.dtype.bitwidth == vec.dtype.bitwidth:
        return value
    if to.dtype.bitwidth < vec.dtype.bitwidth:
        return builder.trunc(value, ty)
    return (builder.sext if vec.dtype.signed else builder.zext)(value, ty)


@lowered_by(_convert)
def convert(vec, like):
    """The lanes as the lane type of `like`. A float must fit the integer it becomes."""
    return vec.astype(like.dtype)


def _swap_bytes(typing, vec):
    def code(context, builder, sig, args):
        bits = vec.dtype.bitwidth
        if bits == 8:
            return args[0]
        whole = builder.bitcast(args[0], ir.VectorType(ir.IntType(bits), LANES))
        swapped = llvm_call(builder, f"llvm.bswap.v{LANES}i{bits}", [whole])
        return builder.bitcast(swapped, args[0].type)

    return vec(vec), code


@lowered_by(_swap_bytes)
def swap_bytes(vec):
    """The bytes of each lane the other way round."""
    return vec.byteswap()


def comparison(predicate, vec):
    """How lanes are compared: emit(builder, x, y)."""

    def emit(builder, x, y):
        if is_float(vec):
            unordered = predicate == "!="  # as in Python, NaN differs from everything
            compare = builder.fcmp_unordered if unordered else builder.fcmp_ordered
        else:
            compare = builder.icmp_signed if vec.dtype.signed else builder.icmp_unsigned
        return compare(predicate, x, y)

    return emit


def _within(typing, vec, size):
    def code(context, builder, sig, args):
        limit = as_vec(context, builder, sig.args[1], args[1], vec)
        return builder.icmp_unsigned("<", args[0], limit)

    return mask_type()(vec, size), code


@lowered_by(_within)
def within(vec, size):
    """0 <= vec < size for integers: one unsigned comparison, to which negatives are huge."""
    return (vec >= 0) & (vec < size)


def _everywhere(typing, mask):
    def code(context, builder, sig, args):
        bits = ir.IntType(LANES)
        return builder.icmp_unsigned("==", builder.bitcast(args[0], bits), ir.Constant(bits, -1))

    return types.boolean(mask), code


@lowered_by(_everywhere)
def everywhere(mask):
    """Is it true in all lanes?"""
    return bool(np.all(mask))


def _lane(typing, vec, k):
    if not isinstance(k, types.IntegerLiteral):
        return None
    place = ir.Constant(I32, k.literal_value)
    return vec.dtype(vec, k), lambda context, builder, sig, args: builder.extract_element(
        args[0], place
    )


@lowered_by(_lane)
def lane(vec, k):
    """One lane, by a constant number."""
    return vec[k]


def _permuted(typing, low, high, places):
    def code(context, builder, sig, args):
        first, second, at = args
        if PERMUTE:
            name = "llvm.x86.avx512.vpermi2var.ps.512"
            return llvm_call(builder, name, [first, at, second], first.type)
        raise NotImplementedError("AVX-512 alone has an instruction for this")

    return low(low, high, places), code


@lowered_by(_permuted)
def permuted(low, high, places):
    """Of the 32 float32 in two vectors those at `places`, of which the five lowest bits count."""
    return np.concatenate([low, high])[places & (2 * LANES - 1)]


def _where(typing, mask, x, y):
    vec = x if isinstance(x, _lane_types.Vec) else y

    def code(context, builder, sig, args):
        chosen = zip(sig.args[1:], args[1:], strict=True)
        return builder.select(args[0], *[as_vec(context, builder, t, v, vec) for t, v in chosen])

    return vec(mask, x, y), code


@lowered_by(_where)
def where(mask, x, y):
    """x where the mask is true, else y; one of the two may be a scalar."""
    vec = x if np.ndim(x) else y
    return np.where(mask, x, y).astype(vec.dtype)


def _unary(name):
    def typed(typing, vec):
        def code(context, builder, sig, args):
            return llvm_call(builder, f"llvm.{name}.{suffix(vec)}", args)

        return vec(vec), code

    return typed


@lowered_by(_unary("floor"))
def floor(vec):
    """The largest whole number not above."""
    return np.floor(vec)


@lowered_by(_unary("rint"))
def rint(vec):
    """The nearest whole number, halves to even."""
    return np.rint(vec)


@lowered_by(_unary("fabs"))
def absolute(vec):
    """The distance from zero."""
    return np.abs(vec)


def _multiply_add(typing, x, y, z):
    def code(context, builder, sig, args):
        # fmuladd: one rounding where the CPU has the instruction, two where it would be a call.
        return llvm_call(builder, f"llvm.fmuladd.{suffix(x)}", args)

    return x(x, y, z), code


@lowered_by(_multiply_add)
def multiply_add(x, y, z):
    """x * y + z, rounded once where the CPU can."""
    return x * y + z


def _at_most(typing, vec, bound):
    return _bounded(vec, bound, "<")


def _at_least(typing, vec, bound):
    return _bounded(vec, bound, ">")


def _bounded(vec, bound, predicate):
    """bound where `bound predicate vec`: one MIN or MAX instruction, and NaN stays NaN."""
    compare = comparison(predicate, vec)

    def code(context, builder, sig, args):
        limit = as_vec(context, builder, sig.args[1], args[1], vec)
        return builder.select(compare(builder, limit, args[0]), limit, args[0])

    return vec(vec, bound), code


@lowered_by(_at_most)
def at_most(vec, bound):
    """The smaller of the two; NaN stays NaN."""
    return np.where(bound < vec, bound, vec).astype(vec.dtype)


@lowered_by(_at_least)
def at_least(vec, bound):
    """The larger of the two; NaN stays NaN."""
    return np.where(bound > vec, bound, vec).astype(vec.dtype)


def _turn(typing, source, i, out, j):
    vec = vec_of(source.dtype)

    def code(context, builder, sig, args):
        ty = context.get_value_type(vec)
        first = element_pointer(context, builder, source, *args[:2])
        last = element_pointer(context, builder, out, *args[2:])
        at = [ir.Constant(I64, k * LANES) for k in range(LANES)]
        rows = [read(builder, builder.gep(first, [k]), ty, alignment(source)) for k in at]
        for k, column in zip(at, columns_of(builder, rows), strict=True):
            place = builder.bitcast(builder.gep(last, [k]), ty.as_pointer())
            builder.store(column, place).align = alignment(out)
        return context.get_dummy_value()

    return types.void(source, types.intp, out, types.intp), code


def columns_of(builder, rows):
    """The columns of 16 vectors: squares of 8, 4, 2 and 1 lanes change places with each other."""
    for step in (8, 4, 2, 1):
        upper = lanes_at(*[k if not k & step else LANES + k - step for k in range(LANES)])
        lower = lanes_at(*[k + step if not k & step else LANES + k for k in range(LANES)])
        turned = list(rows)
        for k in range(LANES):
            if not k & step:
                turned[k] = builder.shuffle_vector(rows[k], rows[k + step], upper)
                turned[k + step] = builder.shuffle_vector(rows[k], rows[k + step], lower)
        rows = turned
    return rows


@lowered_by(_turn)
def turn(source, i, out, j):
    """The 16 x 16 elements from source[i] on, rows as columns, to out[j] on."""
    out[j : j + SQUARE] = source[i : i + SQUARE].reshape(LANES, LANES).T.ravel()
