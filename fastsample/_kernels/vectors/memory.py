"""Memory as kernels meet it: arrays at a place, interleaved loads, gathers, streams, prefetches.

As in `simd`, each primitive has a plain Python twin, and none checks a bound.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from ..compiler.cpu import HARDWARE_GATHER
from ..compiler.flat import CACHE_LINE, Flat
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
)

FLOATS = {32: ir.FloatType(), 64: ir.DoubleType()}  # what AVX-512 gathers, by its bits
FEW = 4  # channels, at most, of a pixel that is read at once


def _view_at(typing, raw, start, size, dtype):
    array = Flat(dtype.dtype)

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, raw, *args[:2])
        return builder.bitcast(pointer, context.get_value_type(array))

    return array(raw, types.intp, types.intp, dtype), code


@lowered_by(_view_at)
def view_at(raw, start, size, dtype):
    """`size` elements of a type from byte `start` of raw on. Keep raw alive yourself."""
    return raw[start : start + size * np.dtype(dtype).itemsize].view(dtype)


def _local(typing, size, dtype):
    if not isinstance(size, types.IntegerLiteral):
        return None
    array, n = Flat(dtype.dtype), size.literal_value

    def code(context, builder, sig, args):
        element = context.get_value_type(array.dtype)
        place = cgutils.alloca_once(builder, ir.ArrayType(element, n))
        place.align = CACHE_LINE
        return builder.bitcast(place, context.get_value_type(array))

    return array(size, dtype), code


@lowered_by(_local)
def local(size, dtype):
    """An array on the stack, of a constant size; where all indices are constant, in registers."""
    return np.empty(size, dtype)


def pass_caches(builder, write):
    """Make a store to the start of a cache line one that leaves the caches alone."""
    write.align = CACHE_LINE
    write.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))


def _masked(builder, array, pointer, count, width):
    """For a masked access to `width` lanes: the pointer, the mask of the first ones, a suffix."""
    lanes = ir.Constant(ir.VectorType(I64, width), list(range(width)))
    counts = builder.insert_element(undefined(I64, width), count, ir.Constant(I32, 0))
    counts = builder.shuffle_vector(counts, undefined(I64, width), lanes_at(*[0] * width))
    element = pointer.type.pointee
    pointer = builder.bitcast(pointer, ir.VectorType(element, width).as_pointer())
    kind = f"v{width}{'f' if isinstance(array.dtype, types.Float) else 'i'}{array.dtype.bitwidth}"
    return pointer, builder.icmp_signed("<", lanes, counts), f"{kind}.p0"


def _load_first(typing, array, i, count, width):
    if not isinstance(width, types.IntegerLiteral):
        return None
    vec, n = Vec(array.dtype), width.literal_value

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        pointer, mask, kind = _masked(builder, array, pointer, args[2], n)
        ty, align = pointer.type.pointee, ir.Constant(I32, alignment(array))
        zeros, name = ir.Constant(ty, None), f"llvm.masked.load.{kind}"
        found = llvm_call(builder, name, [pointer, align, mask, zeros], ty)
        lanes = lanes_at(*range(n), *[n] * (LANES - n))
        return builder.shuffle_vector(found, zeros, lanes) if n < LANES else found

    return vec(array, types.intp, types.intp, width), code


@lowered_by(_load_first)
def load_first(array, i, count, width):
    """array[i : i + count] and zeros, for a count of up to the constant width; nothing beyond."""
    found = np.zeros(LANES, array.dtype)
    count = min(count, width)
    found[:count] = array[i : i + count]
    return found


def _store_first(typing, array, i, vec, count, width):
    if not isinstance(width, types.IntegerLiteral):
        return None
    n = width.literal_value

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        pointer, mask, kind = _masked(builder, array, pointer, args[3], n)
        value = builder.shuffle_vector(args[2], args[2], lanes_at(*range(n)))
        align, name = ir.Constant(I32, alignment(array)), f"llvm.masked.store.{kind}"
        llvm_call(builder, name, [value, pointer, align, mask], ir.VoidType())
        return context.get_dummy_value()

    return types.void(array, types.intp, vec, types.intp, width), code


@lowered_by(_store_first)
def store_first(array, i, vec, count, width):
    """array[i : i + count] = the first lanes, for a count of up to the constant width."""
    count = min(count, width)
    array[i : i + count] = vec[:count]


def _store_part(typing, array, i, vec, width):
    if not isinstance(width, types.IntegerLiteral):
        return None
    n = width.literal_value

    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        value = builder.shuffle_vector(args[2], args[2], lanes_at(*range(n)))
        write = builder.store(value, builder.bitcast(pointer, value.type.as_pointer()))
        write.align = alignment(array)
        return context.get_dummy_value()

    return types.void(array, types.intp, vec, width), code


@lowered_by(_store_part)
def store_part(array, i, vec, width):
    """array[i : i + width] = the first lanes, for a constant width."""
    array[i : i + width] = vec[:width]


def _stream(typing, array, i, vec):
    def code(context, builder, sig, args):
        pointer = element_pointer(context, builder, array, *args[:2])
        write = builder.store(args[2], builder.bitcast(pointer, args[2].type.as_pointer()))
        pass_caches(builder, write)
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


def _interleaving(streamed):
    """A typing function: vectors to memory lane by lane, past the caches if `streamed`."""

    def typed(typing, array, i, vecs):
        count = len(vecs)

        def code(context, builder, sig, args):
            pointer = element_pointer(context, builder, array, *args[:2])
            value = interleaved(builder, cgutils.unpack_tuple(builder, args[2], count))
            write = builder.store(value, builder.bitcast(pointer, value.type.as_pointer()))
            write.align = alignment(array)
            if streamed:
                pass_caches(builder, write)
            return context.get_dummy_value()

        return types.void(array, types.intp, vecs), code

    return typed


def interleaved(builder, parts):
    """The first lane of each vector, then the second of each, and so on."""
    count = len(parts)
    if count == 1:
        return parts[0]
    if count == 3:
        parts = [*parts, undefined(parts[0].type.element)]
    whole = concatenated(builder, parts)
    lanes = lanes_at(*[k % count * LANES + k // count for k in range(count * LANES)])
    return builder.shuffle_vector(whole, whole, lanes)


@lowered_by(_interleaving(False))
def store_interleaved(array, i, vecs):
    """The first lane of one to four vectors to array[i], array[i + 1] ...; then the next."""
    for k, vec in enumerate(vecs):
        array[i + k : i + len(vecs) * LANES : len(vecs)] = vec


@lowered_by(_interleaving(True))
def stream_interleaved(array, i, vecs):
    """`store_interleaved` past the caches, to the start of a cache line; then `fence`."""
    for k, vec in enumerate(vecs):
        array[i + k : i + len(vecs) * LANES : len(vecs)] = vec


def _add_unit(typing, array, i, terms, j, count):
    if not isinstance(count, types.IntegerLiteral):
        return None
    n = count.literal_value

    def code(context, builder, sig, args):
        element = context.get_value_type(array.dtype)
        unit = ir.VectorType(element, n) if n > 1 else element
        place = element_pointer(context, builder, array, args[0], args[1])
        found = read(builder, place, unit, alignment(array))
        source = element_pointer(context, builder, terms, args[2], args[3])
        total = builder.fadd(found, read(builder, source, unit, alignment(terms)))
        write = builder.store(total, builder.bitcast(place, unit.as_pointer()))
        write.align = alignment(array)
        return context.get_dummy_value()

    return types.void(array, types.intp, terms, types.intp, count), code


@lowered_by(_add_unit)
def add_unit(array, i, terms, j, count):
    """array[i : i + count] += terms[j : j + count], for a constant count of 1, 2 or 4."""
    array[i : i + count] += terms[j : j + count]


def both_pointers(context, builder, array, offsets, args):
    """Those of array[first] and of offsets[j]."""
    base = element_pointer(context, builder, array, *args[:2])
    return base, element_pointer(context, builder, offsets, *args[2:])


def _gather(typing, array, first, offsets, j):
    vec = Vec(array.dtype)

    def code(context, builder, sig, args):
        base, at = both_pointers(context, builder, array, offsets, args)
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
        base, at = both_pointers(context, builder, array, offsets, args)
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
    return HARDWARE_GATHER and array.dtype.bitwidth in FLOATS and offsets.dtype.bitwidth == 32


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
    """16 elements; integers travel as floats of their size."""
    unit, half = FLOATS[array.dtype.bitwidth], LANES // 2
    if array.dtype.bitwidth == 32:
        found = by_hardware(builder, array, base, at, unit, 0, LANES)
    else:
        parts = [by_hardware(builder, array, base, at, unit, k, half) for k in (0, half)]
        found = concatenated(builder, parts)
    return builder.bitcast(found, ir.VectorType(base.type.pointee, LANES))


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
        base, at = both_pointers(context, builder, array, offsets, args)
        unit = ir.VectorType(base.type.pointee, 4)
        quads = [by_loads(builder, array, base, at, unit, k, 1) for k in range(LANES)]
        rows = [concatenated(builder, quads[k::4]) for k in range(4)]
        return context.make_tuple(builder, returns, transposed(builder, rows))

    return returns(array, types.intp, offsets, types.intp), code


def transposed(builder, rows):
    """4 x 4 blocks turned over: row k holds quads k, k + 4, ...; column k element k of each."""
    n = rows[0].type.count

    def interleaved(a, b, *picks):
        lanes = [block + k for block in range(0, n, 4) for k in picks]
        return builder.shuffle_vector(a, b, lanes_at(*lanes))

    low, high = (0, n, 1, n + 1), (2, n + 2, 3, n + 3)
    first, second = (0, 1, n, n + 1), (2, 3, n + 2, n + 3)
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
        vec, n = Vec(array.dtype), count.literal_value
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


def _putting_pixels(streamed):
    """A typing function: few channels of 16 points to memory, past the caches if `streamed`."""

    def typed(typing, array, i, vecs, count):
        if not isinstance(count, types.IntegerLiteral):
            return None
        n = count.literal_value

        def code(context, builder, sig, args):
            pointer = element_pointer(context, builder, array, *args[:2])
            whole = concatenated(builder, cgutils.unpack_tuple(builder, args[2], LANES // FEW))
            lanes = lanes_at(*[k // n * FEW + k % n for k in range(LANES * n)])
            value = builder.shuffle_vector(whole, whole, lanes)
            write = builder.store(value, builder.bitcast(pointer, value.type.as_pointer()))
            write.align = alignment(array)
            if streamed:
                pass_caches(builder, write)
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


def ask_memory(builder, pointer):
    """One prefetch, for reading, to stay in all caches."""
    hints = [ir.Constant(I32, hint) for hint in (0, 3, 1)]
    pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
    llvm_call(builder, "llvm.prefetch.p0", [pointer, *hints], ir.VoidType())


def _prefetch(typing, array, first, offsets, j, every):
    if not isinstance(every, types.IntegerLiteral):
        return None

    def code(context, builder, sig, args):
        start = element_pointer(context, builder, array, *args[:2])
        at = element_pointer(context, builder, offsets, args[2], args[3])
        for k in range(0, LANES, every.literal_value):
            offset = builder.sext(builder.load(builder.gep(at, [ir.Constant(I64, k)])), I64)
            ask_memory(builder, builder.gep(start, [offset]))
        return context.get_dummy_value()

    return types.void(array, types.intp, offsets, types.intp, every), code


@lowered_by(_prefetch)
def prefetch(array, first, offsets, j, every):
    """Ask the memory for each `every`-th of array[first + offsets[j : j + 16]]; only a hint."""


def _prefetch_at(typing, array, i):
    def code(context, builder, sig, args):
        ask_memory(builder, element_pointer(context, builder, array, *args))
        return context.get_dummy_value()

    return types.void(array, types.intp), code


@lowered_by(_prefetch_at)
def prefetch_at(array, i):
    """Ask the memory for the cache line of array[i]."""
