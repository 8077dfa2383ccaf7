"""Memory as kernels meet it: arrays at a place, interleaved loads, streams, prefetches.

As in `simd`, each primitive has a plain Python twin, and none checks a bound.
"""

import numpy as np
from llvmlite import ir

from ..compiler.cpu import PERMUTE
from ..compiler.flat import CACHE_LINE, flat_of
from ..compiler.later import cgutils, types
from .shuffles import HALF, concatenated, halves_of, interleaved, pairs_apart
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


def _view_at(typing, raw, start, size, dtype):
    array = flat_of(dtype.dtype)

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
    array, n = flat_of(dtype.dtype), size.literal_value

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


def pass_caches(builder, write, align=CACHE_LINE):
    """Make a store to the start of a cache line, or a part of it, one that leaves them alone."""
    write.align = align
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
    vec, n = vec_of(array.dtype), width.literal_value

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
        write(builder, pointer, value, alignment(array))
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


def _since_line(context, builder, array, args):
    address = builder.ptrtoint(element_pointer(context, builder, array, *args), I64)
    return builder.and_(address, ir.Constant(I64, CACHE_LINE - 1))


def _starts_line(typing, array, i):
    def code(context, builder, sig, args):
        since = _since_line(context, builder, array, args)
        return builder.icmp_unsigned("==", since, ir.Constant(I64, 0))

    return types.boolean(array, types.intp), code


@lowered_by(_starts_line)
def starts_line(array, i):
    """Is array[i] the first element of a cache line?"""
    return (array.ctypes.data + i * array.itemsize) % CACHE_LINE == 0


def _to_line(typing, array, i):
    def code(context, builder, sig, args):
        since = _since_line(context, builder, array, args)
        return builder.sub(ir.Constant(I64, CACHE_LINE), since)

    return types.intp(array, types.intp), code


@lowered_by(_to_line)
def to_line(array, i):
    """How many bytes lie before the next cache line, from array[i] on: 1 to all of a line."""
    return CACHE_LINE - (array.ctypes.data + i * array.itemsize) % CACHE_LINE


def _load_interleaved(step):
    """A typing function: `step` vectors, the k-th holding array[i + k], array[i + k + step], ..."""

    def typed(typing, array, i):
        vec = vec_of(array.dtype)
        returns = types.UniTuple(vec, step)

        def code(context, builder, sig, args):
            pointer = element_pointer(context, builder, array, *args)
            element = context.get_value_type(array.dtype)
            if step == 2 and not PERMUTE:
                size = HALF // array.dtype.bitwidth
                halves = halves_at(builder, pointer, ir.VectorType(element, size), alignment(array))
                parts = pairs_apart(builder, *[concatenated(builder, x) for x in halves], size)
                return context.make_tuple(builder, returns, parts)
            wide = ir.VectorType(element, LANES * step)
            value = read(builder, pointer, wide, alignment(array))
            lanes = [lanes_at(*range(k, LANES * step, step)) for k in range(step)]
            parts = [builder.shuffle_vector(value, value, lane) for lane in lanes]
            return context.make_tuple(builder, returns, parts)

        return returns(array, types.intp), code

    return typed


def halves_at(builder, pointer, unit, align):
    """32 elements from a place on as halves of registers: every other one, then the others."""
    starts = [ir.Constant(I64, k) for k in range(0, 2 * LANES, unit.count)]
    found = [read(builder, builder.gep(pointer, [at]), unit, align) for at in starts]
    return found[::2], found[1::2]


@lowered_by(_load_interleaved(2))
def load_pairs(array, i):
    """16 pairs from array[i : i + 32]: the first of each, the second of each."""
    return array[i : i + 2 * LANES : 2].copy(), array[i + 1 : i + 2 * LANES : 2].copy()


@lowered_by(_load_interleaved(3))
def load_triples(array, i):
    """16 triples from array[i : i + 48]: the first, the second and the third of each."""
    return tuple(array[i + k : i + 3 * LANES : 3].copy() for k in range(3))


@lowered_by(_load_interleaved(4))
def load_fours(array, i):
    """16 fours from array[i : i + 64]: the first of each, the second, the third and the fourth."""
    return tuple(array[i + k : i + 4 * LANES : 4].copy() for k in range(4))


def _interleaving(streamed):
    """A typing function: vectors to memory lane by lane, past the caches if `streamed`."""

    def typed(typing, array, i, vecs):
        count = len(vecs)

        def code(context, builder, sig, args):
            pointer = element_pointer(context, builder, array, *args[:2])
            vecs, size = cgutils.unpack_tuple(builder, args[2], count), HALF // array.dtype.bitwidth
            in_halves = count in (2, 4) and size in (2, 4) and not PERMUTE
            parts = halves_of(builder, vecs, size) if in_halves else [interleaved(builder, vecs)]
            for k, value in enumerate(parts):
                place = builder.gep(pointer, [ir.Constant(I64, k * value.type.count)])
                stored = write(builder, place, value, alignment(array))
                if streamed:
                    pass_caches(builder, stored, HALF // 8 if in_halves else CACHE_LINE)
            return context.get_dummy_value()

        return types.void(array, types.intp, vecs), code

    return typed


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
        write(builder, place, total, alignment(array))
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
