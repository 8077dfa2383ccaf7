"""Vector values for kernels: `Vec`, 16 lanes of one type held in registers.

LLVM calls it ``<16 x T>`` and splits it into whatever registers the CPU has. Operators work on it,
so a kernel reads like its formula. Each primitive is written twice: a Python twin over NumPy lanes,
which is its definition and what runs under ``NUMBA_DISABLE_JIT=1``, and the LLVM instructions that
`lowered_by` names for compiled code.

No primitive checks a bound: whoever calls `load`, `store` or `gather` answers for every lane.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

from .cpu import HARDWARE_GATHER

LANES = 16
CACHE_LINE = 64
PREFETCH_EVERY = 8  # of 16 lanes: neighbours mostly share a cache line; 4 and 16 are slower
I32, I64 = ir.IntType(32), ir.IntType(64)


class Vec(types.Type):
    """16 lanes of `dtype`."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"Vec({dtype})")


class Mask(types.Type):
    """16 lanes of true or false."""

    def __init__(self):
        super().__init__("Mask")


@register_model(Vec)
class _VecModel(models.PrimitiveModel):
    def __init__(self, dmm, fe):
        super().__init__(dmm, fe, ir.VectorType(dmm.lookup(fe.dtype).get_value_type(), LANES))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, dmm, fe):
        super().__init__(dmm, fe, ir.VectorType(ir.IntType(1), LANES))


def lowered_by(typed):
    """A primitive: the decorated Python twin, or in compiled code the intrinsic `typed`."""

    def primitive(twin):
        return twin if config.DISABLE_JIT else intrinsic(typed)

    return primitive


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
    return builder.gep(context.make_array(array)(context, builder, value).data, [index])


def alignment(array):
    return array.dtype.bitwidth // 8 if array.aligned else 1


def read(builder, pointer, ty, align):
    value = builder.load(builder.bitcast(pointer, ty.as_pointer()))
    value.align = align
    return value


def _array(context, builder, array, pointer, size):
    """An array struct at a pointer; owned by nobody, so that no reference is counted."""
    made = context.make_array(array)(context, builder)
    itemsize = context.get_constant(types.intp, array.dtype.bitwidth // 8)
    context.populate_array(
        made,
        data=builder.bitcast(pointer, made.data.type),
        shape=cgutils.pack_array(builder, [size]),
        strides=cgutils.pack_array(builder, [itemsize]),
        itemsize=itemsize,
        meminfo=None,
    )
    return made._getvalue()


def _view_at(typing, raw, start, size, dtype):
    array = types.Array(dtype.dtype, 1, "C")

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, raw, *args[:2])
        return _array(context, builder, array, pointer, args[2])

    return array(raw, types.intp, types.intp, dtype), code


@lowered_by(_view_at)
def view_at(raw, start, size, dtype):
    """`size` elements of a type from byte `start` of raw on. Keep raw alive yourself."""
    return raw[start : start + size * np.dtype(dtype).itemsize].view(dtype)


def _local(typing, size, dtype):
    if not isinstance(size, types.IntegerLiteral):
        return None
    array, n = types.Array(dtype.dtype, 1, "C"), size.literal_value

    def code(context, builder, sig, args):
        element = context.get_value_type(array.dtype)
        place = cgutils.alloca_once(builder, ir.ArrayType(element, n))
        place.align = CACHE_LINE
        return _array(context, builder, array, place, context.get_constant(types.intp, n))

    return array(size, dtype), code


@lowered_by(_local)
def local(size, dtype):
    """An array on the stack, of a constant size; where all indices are constant, in registers."""
    return np.empty(size, dtype)


def _load(typing, array, i):
    vec = Vec(array.dtype)

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
        write = builder.store(args[2], builder.bitcast(pointer, args[2].type.as_pointer()))
        write.align = alignment(array)
        return context.get_dummy_value()

    return types.void(array, types.intp, vec), code


@lowered_by(_store)
def store(array, i, vec):
    """array[i : i + 16] = vec"""
    array[i : i + LANES] = vec


def _stream(typing, array, i, vec):
    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        write = builder.store(args[2], builder.bitcast(pointer, args[2].type.as_pointer()))
        write.align = CACHE_LINE
        write.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))
        return context.get_dummy_value()

    return types.void(array, types.intp, vec), code


@lowered_by(_stream)
def stream(array, i, vec):
    """`store` past the caches, to the start of a cache line; `fence` before others may read it."""
    array[i : i + LANES] = vec


def _fence(typing):
    def code(context, builder, sig, args):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), code


@lowered_by(_fence)
def fence():
    """Let all that was written be seen by other threads before what follows."""


def _starts_line(typing, array, i):
    def code(context, builder, sig, args):
        address = builder.ptrtoint(element_pointer(context, builder, array, *args), I64)
        low = builder.and_(address, ir.Constant(I64, CACHE_LINE - 1))
        return builder.icmp_unsigned("==", low, ir.Constant(I64, 0))

    return types.boolean(array, types.intp), code


@lowered_by(_starts_line)
def starts_line(array, i):
    """Is array[i] the first element of a cache line?"""
    return (array.ctypes.data + i * array.itemsize) % CACHE_LINE == 0


def _load_interleaved(step):
    """A typing function: `step` vectors, the k-th holding array[i + k], array[i + k + step], ..."""

    def typed(typing, array, i):
        vec = Vec(array.dtype)
        returns = types.UniTuple(vec, step)

        def code(context, builder, sig, args):
            pointer = element_pointer(context, builder, array, *args)
            wide = ir.VectorType(context.get_value_type(array.dtype), LANES * step)
            value = read(builder, pointer, wide, alignment(array))
            lanes = [lanes_at(*range(k, LANES * step, step)) for k in range(step)]
            parts = [builder.shuffle_vector(value, value, lane) for lane in lanes]
            return context.make_tuple(builder, returns, parts)

        return returns(array, types.intp), code

    return typed


@lowered_by(_load_interleaved(2))
def load_pairs(array, i):
    """16 pairs from array[i : i + 32]: the first of each, the second of each."""
    return array[i : i + 2 * LANES : 2].copy(), array[i + 1 : i + 2 * LANES : 2].copy()


@lowered_by(_load_interleaved(3))
def load_triples(array, i):
    """16 triples from array[i : i + 48]: the first, the second and the third of each."""
    return tuple(array[i + k : i + 3 * LANES : 3].copy() for k in range(3))


def _gather(typing, array, first, offsets, j):
    vec = Vec(array.dtype)

    def code(context, builder, sig, args):
        base = element_pointer(context, builder, array, args[0], args[1])
        at = element_pointer(context, builder, offsets, args[2], args[3])
        if hardware_takes(array, offsets):
            return ones_by_hardware(builder, array, base, at)
        return by_loads(builder, array, base, at, base.type.pointee, 0, LANES)

    return vec(array, types.intp, offsets, types.intp), code


@lowered_by(_gather)
def gather(array, first, offsets, j):
    """array[o] for the 16 offsets o = first + offsets[j : j + 16].

    The offsets come from memory because extracting lanes costs more than loading them.
    """
    return array[first + offsets[j : j + LANES]]


def _gather_pairs(typing, array, first, offsets, j):
    vec = Vec(array.dtype)
    returns = types.UniTuple(vec, 2)

    def code(context, builder, sig, args):
        base = element_pointer(context, builder, array, args[0], args[1])
        at = element_pointer(context, builder, offsets, args[2], args[3])
        half = LANES // 2
        halves = [eight_pairs(builder, array, offsets, base, at, k) for k in (0, half)]
        lanes = [lanes_at(*range(k, 2 * LANES, 2)) for k in (0, 1)]
        parts = [builder.shuffle_vector(*halves, lane) for lane in lanes]
        return context.make_tuple(builder, returns, parts)

    return returns(array, types.intp, offsets, types.intp), code


def eight_pairs(builder, array, offsets, base, at, first):
    """Pairs first to first + 8 laid end to end; two float32 travel as one 64-bit value."""
    element, half = base.type.pointee, LANES // 2
    if array.dtype.bitwidth != 32:
        return by_loads(builder, array, base, at, ir.VectorType(element, 2), first, half)
    if hardware_takes(array, offsets):
        double = ir.DoubleType()
        found = by_hardware(builder, array, base, at, double, first, half)
    else:
        found = by_loads(builder, array, base, at, I64, first, half)
    return builder.bitcast(found, ir.VectorType(element, LANES))


def hardware_takes(array, offsets):
    return HARDWARE_GATHER and isinstance(array.dtype, types.Float) and offsets.dtype.bitwidth == 32


def by_loads(builder, array, base, offsets, unit, first, count):
    """One load of type `unit` at each of `count` offsets, laid end to end."""
    found = []
    for k in range(first, first + count):
        offset = builder.sext(builder.load(builder.gep(offsets, [ir.Constant(I64, k)])), I64)
        found.append(read(builder, builder.gep(base, [offset]), unit, alignment(array)))
    if isinstance(unit, ir.VectorType):
        return concatenated(builder, found)
    packed = undefined(unit, count)
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
    element = base.type.pointee
    if array.dtype.bitwidth == 32:
        return by_hardware(builder, array, base, at, element, 0, LANES)
    half = LANES // 2
    parts = [by_hardware(builder, array, base, at, element, k, half) for k in (0, half)]
    return concatenated(builder, parts)


def concatenated(builder, parts):
    """Vectors laid end to end; their number is a power of two."""
    while len(parts) > 1:
        lanes = lanes_at(*range(2 * parts[0].type.count))
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [builder.shuffle_vector(a, b, lanes) for a, b in pairs]
    return parts[0]


@lowered_by(_gather_pairs)
def gather_pairs(array, first, offsets, j):
    """array[o] and array[o + 1] for the 16 offsets o = first + offsets[j : j + 16].

    A pair is one access: half the accesses of two gathers.
    """
    at = first + offsets[j : j + LANES]
    return array[at], array[at + 1]


def _gather_quads(typing, array, first, offsets, j):
    vec = Vec(array.dtype)
    returns = types.UniTuple(vec, 4)

    def code(context, builder, sig, args):
        base = element_pointer(context, builder, array, args[0], args[1])
        at = element_pointer(context, builder, offsets, args[2], args[3])
        unit = ir.VectorType(base.type.pointee, 4)
        quads = [by_loads(builder, array, base, at, unit, k, 1) for k in range(LANES)]
        rows = [concatenated(builder, quads[k::4]) for k in range(4)]
        return context.make_tuple(builder, returns, transposed(builder, rows))

    return returns(array, types.intp, offsets, types.intp), code


def transposed(builder, rows):
    """4 x 4 blocks turned over: row k holds quads k, k + 4, ...; column k element k of each."""

    def interleaved(a, b, *picks):
        lanes = [block + k for block in range(0, LANES, 4) for k in picks]
        return builder.shuffle_vector(a, b, lanes_at(*lanes))

    low, high = (0, LANES, 1, LANES + 1), (2, LANES + 2, 3, LANES + 3)
    first, second = (0, 1, LANES, LANES + 1), (2, 3, LANES + 2, LANES + 3)
    columns = []
    for half in (low, high):
        upper, lower = interleaved(*rows[:2], *half), interleaved(*rows[2:], *half)
        columns += [interleaved(upper, lower, *first), interleaved(upper, lower, *second)]
    return columns


@lowered_by(_gather_quads)
def gather_quads(array, first, offsets, j):
    """array[o], ... array[o + 3] for the 16 offsets o = first + offsets[j : j + 16].

    One load a quad, then a transposition.
    """
    at = first + offsets[j : j + LANES]
    return tuple(array[at + k] for k in range(4))


def _prefetch(typing, array, first, offsets, j):
    def code(context, builder, sig, args):
        start = element_pointer(context, builder, array, *args[:2])
        at = element_pointer(context, builder, offsets, args[2], args[3])
        for k in range(0, LANES, PREFETCH_EVERY):
            offset = builder.sext(builder.load(builder.gep(at, [ir.Constant(I64, k)])), I64)
            pointer = builder.bitcast(builder.gep(start, [offset]), ir.IntType(8).as_pointer())
            hints = [ir.Constant(I32, hint) for hint in (0, 3, 1)]
            llvm_call(builder, "llvm.prefetch.p0", [pointer, *hints], ir.VoidType())
        return context.get_dummy_value()

    return types.void(array, types.intp, offsets, types.intp), code


@lowered_by(_prefetch)
def prefetch(array, first, offsets, j):
    """Ask the memory for array[first + offsets[j : j + 16]]; a hint that changes nothing."""


# Arithmetic --------------------------------------------------------------------------------------


def as_vec(context, builder, ty, value, vec):
    """A Vec as it is, a scalar cast to the lane type of `vec` and broadcast."""
    if isinstance(ty, Vec):
        return value
    return broadcast(builder, context.cast(builder, value, ty, vec.dtype))


def _splat(typing, x, like):
    vec = Vec(like.dtype)

    def code(context, builder, sig, args):
        return as_vec(context, builder, sig.args[0], args[0], vec)

    return vec(x, like), code


@lowered_by(_splat)
def splat(x, like):
    """The scalar x in every lane, in the lane type of `like` (a Vec or an array)."""
    return np.full(LANES, x).astype(like.dtype)


def _convert(typing, vec, like):
    to = Vec(like.dtype)

    def code(context, builder, sig, args):
        return cast_lanes(builder, args[0], vec, to, context.get_value_type(to))

    return to(vec, like), code


def cast_lanes(builder, value, vec, to, ty):
    if vec.dtype == to.dtype:
        return value
    if is_float(vec) and is_float(to):
        wider = to.dtype.bitwidth > vec.dtype.bitwidth
        return (builder.fpext if wider else builder.fptrunc)(value, ty)
    if is_float(vec):
        return (builder.fptosi if to.dtype.signed else builder.fptoui)(value, ty)
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


def operate(symbol, make):
    """Let the operator `symbol` take Vec with Vec, Vec with scalar, scalar with Vec."""

    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, args, kws):
            vecs = [x for x in args if isinstance(x, Vec)]
            if len(args) == 2 and vecs and all(isinstance(x, (Vec, types.Number)) for x in args):
                return make(vecs[0])[0](*args)
            return None

    def code(context, builder, sig, args):
        vec = next(x for x in sig.args if isinstance(x, Vec))
        both = zip(sig.args, args, strict=True)
        return make(vec)[1](builder, *[as_vec(context, builder, ty, v, vec) for ty, v in both])

    for pair in ((Vec, Vec), (Vec, types.Number), (types.Number, Vec)):
        lower_builtin(symbol, *pair)(code)


def arithmetic(on_float, on_int):
    def make(vec):
        name = on_float if is_float(vec) else on_int
        return vec, lambda builder, x, y: getattr(builder, name)(x, y)

    return make


def comparison(predicate):
    def make(vec):
        def emit(builder, x, y):
            if is_float(vec):
                unordered = predicate == "!="  # as in Python, NaN differs from everything
                compare = builder.fcmp_unordered if unordered else builder.fcmp_ordered
            else:
                compare = builder.icmp_signed if vec.dtype.signed else builder.icmp_unsigned
            return compare(predicate, x, y)

        return Mask(), emit

    return make


operate(operator.add, arithmetic("fadd", "add"))
operate(operator.sub, arithmetic("fsub", "sub"))
operate(operator.mul, arithmetic("fmul", "mul"))
operate(operator.truediv, arithmetic("fdiv", "sdiv"))
for _symbol, _predicate in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):
    operate(_symbol, comparison(_predicate))


def combine_masks(symbol, instruction):
    """Let the operator `symbol` take two masks."""

    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, args, kws):
            if len(args) == 2 and all(isinstance(x, Mask) for x in args):
                return Mask()(*args)
            return None

    def code(context, builder, sig, args):
        return getattr(builder, instruction)(*args)

    lower_builtin(symbol, Mask, Mask)(code)


combine_masks(operator.and_, "and_")
combine_masks(operator.or_, "or_")


def _within(typing, vec, size):
    def code(context, builder, sig, args):
        limit = as_vec(context, builder, sig.args[1], args[1], vec)
        return builder.icmp_unsigned("<", args[0], limit)

    return Mask()(vec, size), code


@lowered_by(_within)
def within(vec, size):
    """0 <= vec < size for integers: one unsigned comparison, to which negatives are huge."""
    return (vec >= 0) & (vec < size)


def _where(typing, mask, x, y):
    vec = x if isinstance(x, Vec) else y

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
    compare = comparison(predicate)(vec)[1]

    def code(context, builder, sig, args):
        limit = as_vec(context, builder, sig.args[1], args[1], vec)
        return builder.select(compare(builder, limit, args[0]), limit, args[0])

    return vec(vec, bound), code


def _number(typing, vec, instead):
    compare = comparison(">")(vec)[1]

    def code(context, builder, sig, args):
        other = as_vec(context, builder, sig.args[1], args[1], vec)
        return builder.select(compare(builder, args[0], other), args[0], other)

    return vec(vec, instead), code


@lowered_by(_number)
def number(vec, low):
    """The larger of the two, and `low` for NaN."""
    return np.where(vec > low, vec, low).astype(vec.dtype)


@lowered_by(_at_most)
def at_most(vec, bound):
    """The smaller of the two; NaN stays NaN."""
    return np.where(bound < vec, bound, vec).astype(vec.dtype)


@lowered_by(_at_least)
def at_least(vec, bound):
    """The larger of the two; NaN stays NaN."""
    return np.where(bound > vec, bound, vec).astype(vec.dtype)
