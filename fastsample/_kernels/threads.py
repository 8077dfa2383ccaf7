"""When a kernel may run on several threads.

Numba's own settings rule; its threading layer is never changed. Two layers need care (seen with
numba 0.68): after `fork` a child that opens an OpenMP region is killed if its parent had opened
one, and on the workqueue layer a second region at the same time aborts the process.
"""

import os
import threading

import numba as nb
from numba.np.ufunc import parallel as _parallel

MOST_THREADS = nb.config.NUMBA_NUM_THREADS


class _State:
    """What this process may do."""

    serial_only = False  # a child of a parent whose OpenMP threads did not follow it
    one_region = threading.Lock()


def _before_fork():
    _State.parent_had_openmp = _parallel._is_initialized and nb.threading_layer() == "omp"


def _in_child():
    _State.one_region = threading.Lock()  # another thread may have held it
    _State.serial_only |= _State.parent_had_openmp


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)


def run(serial, parallel, args):
    """Call parallel()(*args) if this process may open a region now, else serial()(*args)."""
    if _State.serial_only or nb.get_num_threads() == 1:
        serial()(*args)
    elif nb.threading_layer() != "workqueue":
        parallel()(*args)
    elif _State.one_region.acquire(blocking=False):
        try:
            parallel()(*args)
        finally:
            _State.one_region.release()
    else:
        serial()(*args)
