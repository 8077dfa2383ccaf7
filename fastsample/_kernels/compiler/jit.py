"""Kernels as addresses: found on disk, or compiled and left there."""

import warnings

import numpy as np
from llvmlite import ir

from . import disk, forks, garbage, interrupts, loaded
from .flat import BYTE, primitive
from .inner import inline
from .inner import jit as jit
from .later import making, types
from .settings import INTERPRETED


@inline
def lesser(a, b):
    """min: Numba would compile one of its own for each stage, as far as machine code."""
    return a if a < b else b


@inline
def greater(a, b):
    """max."""
    return a if a > b else b


forks.guard()


# What is called by address, as the names of Numba's types, the result's first. A loop's work: on
# (job, axes, image, grid, other, out), one piece.
WORK = ("void", *("voidptr",) * 6, "intp")
# A stage's: on the same and scratch, one of scratch's tiles; and which comes after it.
STAGE = ("void", *("voidptr",) * 7, "intp", "intp")


def compiled_address(function, made_from, signature):
    """The address of `function`, compiled with a signature; or a number that stands for it.

    An address can be called without being compiled into its caller, so that the loops are compiled
    once and not for each stage, and a stage once and not for each that it meets.
    """
    return made_address(lambda *frozen: function, made_from, signature)


def made_address(maker, made_from, signature):
    """The same of what `maker` makes of all that follows a name in `made_from`.

    It makes nothing where that is on disk: all small functions of a stage take milliseconds, and
    Numba a quarter of a second to be imported.
    """
    if INTERPRETED:
        _KEPT.append(maker(*made_from[1:]))
        return len(_KEPT)
    with interrupts.held():
        found = disk.read(made_from, signature)
        return loaded.address_of(found) if found else _compiled(maker, made_from, signature)


def _compiled(maker, made_from, signature):
    """The address of a kernel that is compiled, and written to disk where that may be."""
    with garbage.resting():
        with forks.importing():
            compiler = making.compiled
        kernel, address, code = compiler(maker(*made_from[1:]), signature)
    _KEPT.append(kernel)
    try:
        disk.write(made_from, signature, code)
    except (OSError, RuntimeError) as error:
        _warn_once(str(error))
    return address


def _warn_once(reason):
    if not _warned:
        _warned.append(reason)
        warnings.warn(f"fastsample: compiled kernels are not kept on disk: {reason}", stacklevel=2)


_warned = []
_KEPT = []  # what an address points to must stay


def _called(builder, address, pointers, numbers):
    """Call code at an address on pointers, then 64-bit numbers."""
    pointers = [builder.bitcast(p, BYTE) for p in pointers]
    kind = ir.FunctionType(ir.VoidType(), [*[BYTE] * len(pointers), *[n.type for n in numbers]])
    builder.call(builder.inttoptr(address, kind.as_pointer()), [*pointers, *numbers])


def _call(typing, work, job, axes, image, grid, other, out, piece):
    def code(context, builder, sig, args):
        _called(builder, args[0], args[1:7], args[7:])
        return context.get_dummy_value()

    return types.void(types.uintp, *(types.voidptr,) * 6, types.intp), code


@primitive(_call)
def call(work, job, axes, image, grid, other, out, piece):
    """Run the loop at an address on one piece."""
    with np.errstate(all="ignore"):  # as compiled code
        _KEPT[work - 1](job, axes, image, grid, other, out, piece)


def _call_stage(typing, stage, job, axes, image, grid, other, out, scratch, tile, after):
    def code(context, builder, sig, args):
        _called(builder, args[0], args[1:8], args[8:])
        return context.get_dummy_value()

    return types.void(types.uintp, *(types.voidptr,) * 7, types.intp, types.intp), code


@primitive(_call_stage)
def call_stage(stage, job, axes, image, grid, other, out, scratch, tile, after):
    """Run the stage at an address on a tile."""
    _KEPT[stage - 1](job, axes, image, grid, other, out, scratch, tile, after)


def _call_loop(typing, work, job, axes, image, grid, other, out, piece):
    def code(context, builder, sig, args):
        _called(builder, args[0], args[1:7], args[7:])
        return context.get_dummy_value()

    return types.void(types.uintp, *(types.voidptr,) * 6, types.intp), code


@primitive(_call_loop)
def call_loop(work, job, axes, image, grid, other, out, piece):
    """Run the loop at an address on one piece, from within a loop."""
    _KEPT[work - 1](job, axes, image, grid, other, out, piece)
