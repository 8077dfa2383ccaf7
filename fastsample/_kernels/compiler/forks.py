"""A fork waits until no other thread compiles.

The child has only the thread that forked. A lock that another one held stays held in it, so that
its first kernel, even one that is on disk, would wait for good: three of three children of a
process one of whose threads compiled did. It also keeps what `shortcuts` puts in the place of
Numba's functions out of a child. A fork by C code that runs no hooks of Python's gets nothing.
"""

import contextlib
import os

from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock

# Numba's, then LLVM's: who takes both takes them in this order.
LOCKS = global_compiler_lock, getattr(ffi.lib, "_lock", contextlib.nullcontext())


def _hold():
    for lock in LOCKS:
        lock.__enter__()


def _let_go():
    for lock in reversed(LOCKS):
        lock.__exit__(None, None, None)


def guard():
    """Take the locks around each fork from now on."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_let_go)
