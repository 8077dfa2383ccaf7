"""A fork waits until no other thread compiles.

The child has only the thread that forked. A lock that another one held stays held in it, so that
its first kernel, even one that is on disk, would wait for good: three of three children of a
process one of whose threads compiled did. It also keeps what `shortcuts` puts in the place of
Numba's functions out of a child. A fork by C code that runs no hooks of Python's gets nothing.
"""

import contextlib
import os
import sys
import threading

from llvmlite.binding import ffi

_IMPORT = threading.RLock()


class _State:
    held = ()  # what a fork that goes on has taken


def importing():
    """What to hold while Numba is imported: a module that is half imported stays so in a child."""
    return _IMPORT


def locks():
    """That one, Numba's, LLVM's: who takes several takes them in this order."""
    yield _IMPORT
    numbas = sys.modules.get("numba.core.compiler_lock")
    if numbas is not None and hasattr(numbas, "global_compiler_lock"):
        yield numbas.global_compiler_lock
    yield getattr(ffi.lib, "_lock", contextlib.nullcontext())


def _hold():
    held = []
    for lock in locks():
        lock.__enter__()
        held.append(lock)
    _State.held = held


def _let_go():
    for lock in reversed(_State.held):
        lock.__exit__(None, None, None)


def guard():
    """Take the locks around each fork from now on."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_let_go)
