"""16 columns of elements to 16 places in memory: a lane of some vectors is a stretch of a line.

As in `simd`, each primitive has a plain Python twin, and none checks a bound.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils

from .memory import CACHE_LINE, both_pointers, pass_caches
from .shuffles import concatenated, transposed
from .simd import I64, LANES, alignment, element_pointer, lanes_at, lowered_by, read

QUAD = 4


def _write(builder, base, offsets, k, value):
    """Put a vector where the k-th offset leads; the store."""
    offset = builder.sext(builder.load(builder.gep(offsets, [ir.Constant(I64, k)])), I64)
    place = builder.gep(base, [offset])
    return builder.store(value, builder.bitcast(place, value.type.as_pointer()))


def _scatter_quads(typing, array, first, offsets, j, vecs):
    def code(context, builder, sig, args):
        base, at = both_pointers(context, builder, array, offsets, args[:4])
        rows = transposed(builder, cgutils.unpack_tuple(builder, args[4], QUAD))
        for k in range(LANES):
            block, row = k // QUAD * QUAD, rows[k % QUAD]
            quad = builder.shuffle_vector(row, row, lanes_at(*range(block, block + QUAD)))
            _write(builder, base, at, k, quad).align = alignment(array)
        return context.get_dummy_value()

    return types.void(array, types.intp, offsets, types.intp, vecs), code


@lowered_by(_scatter_quads)
def scatter_quads(array, first, offsets, j, vecs):
    """Lane k of four vectors to array[o], ... array[o + 3] for o = first + offsets[j + k]."""
    for k in range(LANES):
        o = first + offsets[j + k]
        array[o : o + QUAD] = [vec[k] for vec in vecs]


def _stream_columns(typing, rows, i, array, first, offsets, j):
    if rows.dtype != array.dtype:
        return None
    count = CACHE_LINE * 8 // array.dtype.bitwidth

    def code(context, builder, sig, args):
        source = element_pointer(context, builder, rows, *args[:2])
        base, at = both_pointers(context, builder, array, offsets, args[2:])
        unit = ir.VectorType(source.type.pointee, QUAD)
        for block in range(0, LANES, QUAD):  # few enough for the registers
            places = [ir.Constant(I64, k * LANES + block) for k in range(count)]
            found = [read(builder, builder.gep(source, [k]), unit, alignment(rows)) for k in places]
            quads = [transposed(builder, found[k : k + QUAD]) for k in range(0, count, QUAD)]
            for k in range(QUAD):
                line = concatenated(builder, [some[k] for some in quads])
                pass_caches(builder, _write(builder, base, at, block + k, line))
        return context.get_dummy_value()

    return types.void(rows, types.intp, array, types.intp, offsets, types.intp), code


@lowered_by(_stream_columns)
def stream_columns(rows, i, array, first, offsets, j):
    """Rows of 16 from rows[i] on, as columns to array[first + offsets[j + k]], past the caches.

    A column fills a cache line, at the start of which its place lies; then `fence`.
    """
    count = CACHE_LINE // array.itemsize
    for k in range(LANES):
        o = first + offsets[j + k]
        array[o : o + count] = rows[i + k : i + count * LANES : LANES]
