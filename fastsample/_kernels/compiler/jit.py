"""How kernels are compiled and kept on disk: one place for Numba's options."""

import contextlib
import gc
import hashlib
import itertools
import os
import sys
import warnings

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import registry
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock

from .. import home
from . import forks, interrupts, lean, place, shortcuts
from .cpu import HARDWARE_GATHER, PERMUTE
from .flat import BYTE, primitive
from .inner import OPTIONS, inline
from .inner import jit as jit
from .once import in_each_process
from .sources import DIGEST


@inline
def lesser(a, b):
    """min: Numba would compile one of its own for each stage, as far as machine code."""
    return a if a < b else b


@inline
def greater(a, b):
    """max."""
    return a if a > b else b


class _Cache(FunctionCache):
    """Numba's cache with a key of our own, and with no error for a damaged or unwritable file.

    Numba's key holds a pickle of the closure, in which a compiled function never looks the same
    twice, and knows nothing of changes in other files; ours is what the kernel was made from.
    """

    _impl_class = place.Impl

    def __init__(self, made_from):
        super().__init__(home)
        self._made_from = (*made_from, HARDWARE_GATHER, PERMUTE, DIGEST)
        # A file of its own: Numba numbers the files of one index, and two processes that save two
        # kernels at once could give both one number, so that one would run as the other. Sources
        # are known by their digest: the times of files change when an installation is copied.
        own = hashlib.sha256(repr(tuple(made_from)).encode()).hexdigest()[:16]
        name = f"{made_from[0]}-{own}.{sys.implementation.cache_tag}"
        self._cache_file = IndexDataCacheFile(self._cache_path, name, DIGEST)

    def _index_key(self, sig, codegen):
        return sig, codegen.magic_tuple(), self._made_from

    def load_overload(self, sig, target_context):
        # Without super's refresh of the context, which only compilation needs: it imports all that
        # Numba knows of NumPy, and scipy.linalg where that is installed, 0.15 to 0.35 s, and
        # compiles its counting of references, another 15 ms. Kernels call nothing of these.
        try:
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)
        except Exception:
            self._try(self.flush)
            return None

    def save_overload(self, sig, data):
        self._try(super().save_overload, sig, data)

    @staticmethod
    def _try(action, *args):
        try:
            action(*args)
        except Exception as error:
            if interrupts.LOST in str(error):
                raise KeyboardInterrupt from None
            _warn_once(str(error))


def _warn_once(reason):
    if not _warned:
        _warned.append(reason)
        warnings.warn(f"fastsample: compiled kernels are not kept on disk: {reason}", stacklevel=2)


_warned = []


def _place_of(made_from):
    """A kernel's place on disk, or None."""
    try:
        return _Cache(made_from)
    except Exception as error:  # no folder can be written, or a locator asked for has none
        _warn_once(str(error))
        return None


def number_apart():
    """Let what this process compiles have names that no other process gives.

    Numba names a function after its source and a number that counts from 1 in each process. All
    kernels of a process share one space of names, in which the first of a name stands for all: of
    two kernels from disk, compiled by two processes, one would call the other's inner functions.
    """
    FunctionIdentity._unique_ids = itertools.count(int.from_bytes(os.urandom(6), "little"))


in_each_process(number_apart)  # a forked child would count on from where its parent was
forks.guard()


# What is called by address. A loop's work: on (job, axes, image, grid, other, out), one piece.
WORK = types.void(*(types.voidptr,) * 6, types.intp)
# A stage's: on the same and scratch, one of scratch's tiles; and which comes after it.
STAGE = types.void(*(types.voidptr,) * 7, types.intp, types.intp)


def compiled_address(function, made_from, signature):
    """The address of `function`, compiled with a signature; or a number that stands for it.

    An address can be called without being compiled into its caller, so that the loops are compiled
    once and not for each stage, and a stage once and not for each that it meets.
    """
    return made_address(lambda *frozen: function, made_from, signature)


def made_address(maker, made_from, signature):
    """The same of what `maker` makes of all that follows a name in `made_from`.

    It makes nothing where that is on disk: all small functions of a stage take milliseconds.
    """
    if config.DISABLE_JIT:
        _KEPT.append(maker(*made_from[1:]))
        return len(_KEPT)
    cache = _place_of(made_from)
    with interrupts.held():
        found = _read(cache, signature)
        kernel, address = found or _compiled(maker(*made_from[1:]), signature, cache)
    _KEPT.append(kernel)
    return address


def _read(cache, signature):
    """A kernel from disk, and its address; or None."""
    with global_compiler_lock:
        found = cache and cache.load_overload(signature, registry.cpu_target.target_context)
        if found:
            name = found.fndesc.llvm_cfunc_wrapper_name
            return found, found.library.get_pointer_to_function(name)
    return None


def _compiled(function, signature, cache):
    """A kernel that is compiled and written to disk, and its address."""
    arguments, options = (signature.args, signature.return_type), dict(OPTIONS)
    kernel = CFunc(function, arguments, {}, options, pipeline_class=lean.KERNEL)
    kernel._cache = cache or kernel._cache
    with _no_collections(), shortcuts.taken():
        kernel.compile()
    return kernel, kernel.address


@contextlib.contextmanager
def _no_collections():
    """Let the collector rest: to look through all that a compilation makes takes a tenth of it."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


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
