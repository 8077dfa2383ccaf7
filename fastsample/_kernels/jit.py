"""How kernels are compiled and kept on disk: one place for Numba's options."""

import contextlib
import gc
import hashlib
import itertools
import os
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys
from numba.extending import intrinsic

from . import lean
from .cpu import HARDWARE_GATHER, PERMUTE

OPTIONS = {"nogil": True, "error_model": "numpy"}
# No reference is counted inside: an array there belongs to the caller. (Counting calls a function
# for each array wherever a small function with a branch takes it: twice the time of a loop.)
INNER = {**OPTIONS, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

# The small functions of a kernel become one function, so that what `Kind` freezes prunes branches.
inline = njit(forceinline=True, pipeline_class=lean.INNER, **INNER)
jit = njit(pipeline_class=lean.INNER, **INNER)


def _digest():
    """All sources of the kernels as one int; Numba itself watches a kernel's own file only."""
    text = b"".join(p.read_bytes() for p in sorted(Path(__file__).parent.glob("*.py")))
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "little")


DIGEST = _digest()


class _Cache(FunctionCache):
    """Numba's cache with a key of our own, and with no error for a damaged or unwritable file.

    Numba's key holds a pickle of the closure, in which a compiled function never looks the same
    twice, and knows nothing of changes in other files; ours is what the kernel was made from.
    """

    def __init__(self, function, made_from):
        super().__init__(function)
        self._made_from = (*made_from, HARDWARE_GATHER, PERMUTE, DIGEST)
        # A file of its own: Numba numbers the files of one index, and two processes that save two
        # kernels at once could give both one number, so that one would run as the other.
        own = hashlib.sha256(repr(tuple(made_from)).encode()).hexdigest()[:16]
        base, stamp = self._impl.filename_base, self._impl.locator.get_source_stamp()
        self._cache_file = IndexDataCacheFile(self._cache_path, f"{base}-{own}", stamp)

    def _index_key(self, sig, codegen):
        return sig, codegen.magic_tuple(), self._made_from

    def load_overload(self, sig, target_context):
        # Without super's refresh of the context, which only compilation needs: it imports all that
        # Numba knows of NumPy, and scipy.linalg where that is installed, 0.15 to 0.35 s. What
        # kernels call of Numba's is the memory of their scratch.
        rtsys.initialize(target_context)
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
            _warn_once(str(error))


def _warn_once(reason):
    if not _warned:
        _warned.append(reason)
        warnings.warn(f"fastsample: compiled kernels are not kept on disk: {reason}", stacklevel=2)


_warned = []


def _kept(kernel, function, made_from):
    """Give a kernel its place on disk, if there is one."""
    try:
        kernel._cache = _Cache(function, made_from)
    except RuntimeError as error:  # no folder can be written
        _warn_once(str(error))
    return kernel


def number_apart():
    """Let what this process compiles have names that no other process gives.

    Numba names a function after its source and a number that counts from 1 in each process. All
    kernels of a process share one space of names, in which the first of a name stands for all: of
    two kernels from disk, compiled by two processes, one would call the other's inner functions.
    """
    FunctionIdentity._unique_ids = itertools.count(int.from_bytes(os.urandom(6), "little"))


number_apart()
if hasattr(os, "register_at_fork"):  # a child would count on from where its parent was
    os.register_at_fork(after_in_child=number_apart)


def compiled(function, made_from, parallel):
    """`function` compiled, from disk where the same has been compiled before."""
    if config.DISABLE_JIT:
        return function
    return _kept(njit(parallel=parallel, **OPTIONS)(function), function, made_from)


def array_struct(context, builder, array, pointer, size):
    """What compiled code takes for an array, at a pointer; owned by nobody."""
    made = context.make_array(array)(context, builder)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(made.data.type.pointee))
    context.populate_array(
        made,
        data=builder.bitcast(pointer, made.data.type),
        shape=cgutils.pack_array(builder, [size]),
        strides=cgutils.pack_array(builder, [itemsize]),
        itemsize=itemsize,
        meminfo=None,
    )
    return made._getvalue()


WORK = ((types.voidptr,) * 6 + (types.intp,), types.void)
ENDLESS = 2**40  # the size of an array at a pointer, as far as compiled code is told


def compiled_address(function, made_from):
    """The address of `function`, compiled with the signature WORK; or the function itself.

    An address can be called without being compiled into its caller, so that the loops over
    threads are compiled once and not for each kernel.
    """
    if config.DISABLE_JIT:
        return function
    made = CFunc(function, WORK, {}, dict(OPTIONS), pipeline_class=lean.KERNEL)
    kernel = _kept(made, function, made_from)
    with _no_collections():
        kernel.compile()
    _KEPT.append(kernel)
    return kernel.address


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


def _call(typing, address, job, axes, image, grid, other, out, piece):
    def code(context, builder, sig, args):
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte] * 6 + [ir.IntType(64)])
        work = builder.inttoptr(args[0], kind.as_pointer())
        arrays = zip(sig.args[1:7], args[1:7], strict=True)
        starts = [context.make_array(ty)(context, builder, v).data for ty, v in arrays]
        pointers = [builder.bitcast(start, byte) for start in starts]
        builder.call(work, [*pointers, args[7]])
        return context.get_dummy_value()

    arrays = (job, axes, image, grid, other, out)
    return types.void(types.uintp, *arrays, types.intp), code


def _call_twin(work, job, axes, image, grid, other, out, piece):
    """Run the kernel at an address on one piece; the arrays' first bytes are its pointers."""
    with np.errstate(all="ignore"):  # as compiled code
        work(job, axes, image, grid, other, out, piece)


call = _call_twin if config.DISABLE_JIT else intrinsic(_call)


def _array_at_twin(pointer, dtype):
    """The array that begins at a pointer."""
    array = pointer.view(dtype)
    if array.dtype.names:
        fields = array.dtype.names
        return [SimpleNamespace(**dict(zip(fields, row, strict=True))) for row in array]
    return array


def _array_at(typing, pointer, dtype):
    array = types.Array(dtype.dtype, 1, "C")

    def code(context, builder, sig, args):
        size = context.get_constant(types.intp, ENDLESS)
        return array_struct(context, builder, array, args[0], size)

    return array(pointer, dtype), code


array_at = _array_at_twin if config.DISABLE_JIT else intrinsic(_array_at)
