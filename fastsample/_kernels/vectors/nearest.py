"""Floats as the nearest integers, and whether all of 16 integers lie on an axis.

As in `simd`, each primitive has a plain Python twin.
"""

import numpy as np
from llvmlite import ir

from ..compiler.cpu import registers
from ..compiler.later import types
from .shuffles import concatenated, parts_of
from .simd import I32, LANES, as_vec, llvm_call, lowered_by, suffix, vec_of

LOWEST = -(2**31)
FLOATS = ir.VectorType(ir.FloatType(), LANES)


def by_hardware(builder, vec, bits):
    """What x86 does in one instruction, LOWEST for what has no such integer."""
    whole = ir.VectorType(I32, bits // 32)
    if bits == 512:
        mask, none = ir.Constant(ir.IntType(16), -1), ir.Constant(whole, None)
        args = [vec, none, mask, ir.Constant(I32, 4)]  # rounded as the CPU is set: halves to even
        return llvm_call(builder, "llvm.x86.avx512.mask.cvtps2dq.512", args, whole)
    name = "llvm.x86.avx.cvt.ps2dq.256" if bits == 256 else "llvm.x86.sse2.cvtps2dq"
    parts = parts_of(builder, vec, bits // 32)
    return concatenated(builder, [llvm_call(builder, name, [part], whole) for part in parts])


def by_comparison(builder, vec, kind):
    """The same anywhere."""
    whole = llvm_call(builder, f"llvm.rint.{kind}", [vec])
    far = llvm_call(builder, f"llvm.fabs.{kind}", [whole])
    limits = ir.Constant(vec.type, [ir.Constant(vec.type.element, -LOWEST)] * LANES)
    lowest = ir.Constant(vec.type, [ir.Constant(vec.type.element, LOWEST)] * LANES)
    kept = builder.select(builder.fcmp_ordered("<", far, limits), whole, lowest)
    return builder.fptosi(kept, ir.VectorType(I32, LANES))


def _nearest_integers(typing, vec):
    def code(context, builder, sig, args):
        bits, feature = registers() or (0, None)
        if args[0].type == FLOATS and feature in ("sse2", "avx", "avx512f"):
            return by_hardware(builder, args[0], bits)
        return by_comparison(builder, args[0], suffix(vec))

    return vec_of(types.int32)(vec), code


@lowered_by(_nearest_integers)
def nearest_integers(vec):
    """Floats as the nearest int32, halves to even; LOWEST where there is none, as for NaN."""
    whole = np.rint(vec)
    return np.where(np.abs(whole) < -LOWEST, whole, LOWEST).astype(np.int32)


def _all_on_axis(typing, vec, last):
    def code(context, builder, sig, args):
        limit = as_vec(context, builder, sig.args[1], args[1], vec)
        bits, _ = registers() or (0, None)
        lanes = max(bits, 128) // 32
        (found, *others), (limit, *_) = (parts_of(builder, x, lanes) for x in (args[0], limit))
        for other in others:  # the largest, to which negatives are huge
            found = builder.select(builder.icmp_unsigned(">", found, other), found, other)
        beyond = builder.icmp_unsigned(">", found, limit)
        some = builder.bitcast(beyond, ir.IntType(lanes))
        return builder.icmp_unsigned("==", some, ir.Constant(some.type, 0))

    return types.boolean(vec, last), code


@lowered_by(_all_on_axis)
def all_on_axis(vec, last):
    """Is 0 <= vec <= last in all lanes? For a `last` that is not negative."""
    return bool(np.all((vec >= 0) & (vec <= last)))
