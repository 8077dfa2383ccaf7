"""Lanes of 16 bits that are float16 or bfloat16, as float32 and back: primitives, see `simd`."""

import numpy as np
from llvmlite import ir

from ..compiler.cpu import has_halves
from ..compiler.flat import primitive as lowered_by
from ..compiler.later import types
from . import brain
from .half import narrowed, widened
from .simd import LANES, vec_of


def _from_half(typing, vec):
    to = vec_of(types.float32)

    def code(context, builder, sig, args):
        if not has_halves():
            return widened(builder, args[0])
        half = builder.bitcast(args[0], ir.VectorType(ir.HalfType(), LANES))
        return builder.fpext(half, context.get_value_type(to))

    return to(vec), code


@lowered_by(_from_half)
def from_half(vec):
    """16 bits a lane, which are a float16, as float32."""
    return vec.view(np.float16).astype(np.float32)


def _to_half(typing, vec):
    to = vec_of(types.uint16)

    def code(context, builder, sig, args):
        if not has_halves():
            return narrowed(builder, args[0])
        half = builder.fptrunc(args[0], ir.VectorType(ir.HalfType(), LANES))
        return builder.bitcast(half, context.get_value_type(to))

    return to(vec), code


@lowered_by(_to_half)
def to_half(vec):
    """The nearest float16, halves to even, as 16 bits a lane."""
    with np.errstate(over="ignore"):  # too large is infinite
        return vec.astype(np.float16).view(np.uint16)


def _from_brain(typing, vec):
    def code(context, builder, sig, args):
        return brain.lanes_widened(builder, args[0])

    return vec_of(types.float32)(vec), code


@lowered_by(_from_brain)
def from_brain(vec):
    """16 bits a lane, which are a bfloat16, as float32."""
    return brain.widened(vec)


def _to_brain(typing, vec):
    def code(context, builder, sig, args):
        return brain.lanes_rounded(builder, args[0])

    return vec_of(types.uint16)(vec), code


@lowered_by(_to_brain)
def to_brain(vec):
    """The nearest bfloat16, halves to even, as 16 bits a lane."""
    return brain.rounded(vec).view(np.uint16)
