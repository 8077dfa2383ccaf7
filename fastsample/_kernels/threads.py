"""On which threads a kernel runs.

Numba's own settings rule: NUMBA_NUM_THREADS, `numba.set_num_threads`, NUMBA_THREADING_LAYER. Where
nothing is set, the layer is TBB if its library is installed (a wheel's, which Numba by itself does
not find): its processes may fork, and its threads do not spin for each other. OMP_NUM_THREADS,
which users set for all that they run, is a limit too.

Threads of OpenMP spin for some milliseconds after each region of theirs before they sleep, and keep
those of TBB from a core. So beside a library whose calls come in between ours, `join` lets ours run
on its threads. Measured with PyTorch on two cores of Zen 1, a training step on 8x3x256x256: 22 ms
on TBB's threads, 16 on PyTorch's, 28 for PyTorch's own functions.

Two layers need care (seen with Numba 0.68). On OpenMP's a forked child waits for threads that did
not follow it, or is killed, whichever library of the parent had started them. On the workqueue's a
second region at the same time aborts the process.
"""

import ctypes
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from . import crowd
from . import layer as numbas
from .compiler.flat import address
from .compiler.settings import INTERPRETED
from .compiler.team import GOMP, LAYER, TASKS, team
from .layer import TBB

OPENMP = ("libgomp", "libiomp", "libomp")
FORKED = 0x40  # PF_FORKNOEXEC, of Linux's flags of a process


def _limit():
    """How many threads this process may use, by the environment."""
    most, asked = numbas.most(), os.environ.get("OMP_NUM_THREADS", "")
    first = asked.split(",")[0].strip()  # a list is for regions inside regions
    if "NUMBA_NUM_THREADS" in os.environ or not first.isdecimal() or int(first) == 0:
        return most
    return min(most, int(first))


MOST_THREADS = _limit()


class _State:
    """What this process may do; `process` is the one that it was found for."""

    process = os.getpid()
    imported_in = process
    checked = False  # is the layer chosen, and are the two below known?
    serial_only = False  # no region may be opened: threads did not follow a fork
    one_at_a_time = False
    one_region = threading.Lock()
    owner = None  # the thread that holds it
    checking = threading.Lock()
    forked_aside = False  # forked by another thread than the one that started TBB's
    starter = threading.main_thread().ident  # that one, as far as is known
    layer_parallel = 0  # where Numba's layer opens a region
    tasks = None  # what `team.TASKS` takes, where the layer is TBB
    gomp_parallel = 0  # where a library's OpenMP opens a region, if the main thread joins in those


def run(serial, args):
    """Call serial()(*args), or its twin over threads if this process may open a region now."""
    if _State.gomp_parallel and _has_joined():
        threads = in_use()
        if threads == 1:
            serial()(*args)
        else:
            drive, share = team(GOMP)
            drive(GOMP, _State.gomp_parallel, share, threads, *args)
        return
    if crowd.is_here():
        crowd.alone(serial(), args)
        return
    if MOST_THREADS == 1 or not _may_open():
        serial()(*args)
        return
    threads = in_use()
    if threads == 1 or not _on_layer(threads, args):
        serial()(*args)


def _on_layer(threads, args):
    """Make a call on the layer's threads, if there may be a region now."""
    region = _State.one_region
    alone = region.acquire(blocking=False)
    if alone:
        _State.owner = threading.get_ident()
    try:
        if not alone and _State.one_at_a_time:
            return False
        # Whoever waits for tasks waits for all there are.
        by_tasks = alone and _State.tasks is not None
        way = TASKS if by_tasks else LAYER
        start = address(_State.tasks) if by_tasks else _State.layer_parallel
        drive, share = team(way)
        crowd.together(drive, (way, start, share, threads, *args), threads)
        return True
    finally:
        if alone:
            _State.owner = None
            region.release()


def join(library):
    """Let the main thread's calls run on the threads of the OpenMP that a loaded library uses.

    Not where a user has chosen Numba's layer, where this process has forked, since OpenMP's threads
    did not follow, or where that OpenMP has not GNU's interface.
    """
    chosen = numbas.asked() != "default"
    if chosen or MOST_THREADS == 1 or INTERPRETED or _has_forked():
        return
    try:
        bound = ctypes.CDLL(library, os.RTLD_NOLOAD | os.RTLD_NOW)
        _State.gomp_parallel = ctypes.cast(bound.GOMP_parallel, ctypes.c_void_p).value
    except (OSError, AttributeError):  # no such library, or no such function, or Windows
        return


def _has_joined():
    """Is this the thread that works on a library's threads? Each has threads of its own there."""
    is_main = threading.get_ident() == threading.main_thread().ident
    return is_main and _may_open() and bool(_State.gomp_parallel)  # a fork's child has none


@contextmanager
def of_threads(number):
    """Let this thread's regions have so many threads."""
    before = numbas.get()
    numbas.put(number)
    try:
        yield
    finally:
        numbas.put(before)


def _may_open():
    """May this process open regions? Found out once in each: a fork may run no hook of Python's."""
    if not _State.checked or _State.process != os.getpid():
        _look_around()
    return not _State.serial_only


def _look_around():
    """Choose the layer where nobody has, and see what this process may do on it."""
    if _State.process != os.getpid():
        _forget()
    with _State.checking:
        if _State.checked:
            return
        started = numbas.is_started()
        strangers = _has_lost_threads()  # before a layer brings OpenMP along
        find_tbb()
        _State.serial_only = strangers and _is_openmp(started)
        if not _State.serial_only:
            layer = _start()
            _State.layer_parallel = numbas.region()
            functions = numbas.tasks()
            _State.tasks = functions and np.array([*functions, 0], np.int64)
            _State.one_at_a_time = layer == "workqueue"
            _State.serial_only = layer == "tbb" and _State.forked_aside
            if not started or _State.imported_in != os.getpid():
                _State.starter = threading.get_ident()
        _State.checked = True


def _start():
    """Start the layer's threads; its name."""
    try:
        numbas.start()
    except ValueError:
        raise RuntimeError(_why_none(numbas.asked())) from None
    return numbas.name()


def _why_none(asked):
    """What to do where Numba cannot load the layer that a user asked for."""
    install = "install its library with 'pip install tbb', or " if asked == "tbb" else ""
    return (
        f"fastsample: NUMBA_THREADING_LAYER must name a layer that Numba can load; got {asked!r}: "
        f"{install}unset the variable"
    )


def _is_openmp(started):
    """Is OpenMP Numba's layer, or would it be?"""
    if started:
        return numbas.name() == "omp"
    layer = numbas.asked()
    if layer in ("default", "threadsafe"):
        return not _tbb_is_loaded()
    return layer == "omp"


def _has_lost_threads():
    """Is this a fork of a process that may have used OpenMP, in whatever library?

    If no OpenMP has been loaded, there were no threads of it to be lost.
    """
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:  # no Linux
        return _has_forked()
    return _has_forked() and any(name in maps for name in OPENMP)


def _has_forked():
    """Is this a fork that has started no program since?

    Linux says so of a process; elsewhere it counts from when this module was imported.
    """
    if sys.platform == "win32":
        return False
    try:
        flags = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[6]
    except (OSError, IndexError):
        return _State.imported_in != os.getpid()
    return bool(int(flags) & FORKED)


def find_tbb():
    """Load TBB, so that Numba finds it, unless a user has chosen another layer."""
    if numbas.asked() in ("omp", "workqueue") or numbas.is_started() or _tbb_is_loaded():
        return
    for path in _places():
        try:
            ctypes.CDLL(str(path), getattr(ctypes, "RTLD_GLOBAL", 0))
        except OSError:
            continue  # an unfinished installation, or one for another system
        return


def _tbb_is_loaded():
    """Would Numba find TBB by its name?"""
    try:
        ctypes.CDLL(TBB)
    except OSError:
        return False
    return True


def _beside():
    """Where a wheel, or conda, puts TBB."""
    folder = Path("Library", "bin") if sys.platform == "win32" else Path("lib")
    return Path(sys.prefix) / folder / TBB


def _places():
    """The same, and where else a wheel may have put it."""
    if _beside().exists():
        yield _beside()
        return
    from importlib import metadata  # 70 ms, and seldom needed

    try:
        files = metadata.files("tbb") or ()
    except metadata.PackageNotFoundError:
        return
    yield from (Path(file.locate()).resolve() for file in files if file.name == TBB)


def _forget():
    """A child knows nothing: locks that other threads held stay held in it."""
    _State.process, _State.checked, _State.serial_only = os.getpid(), False, False
    _State.gomp_parallel = 0
    _State.one_region, _State.checking = threading.Lock(), threading.Lock()
    _State.owner = None


def _before_fork():
    # A child would wait for tasks that are under way; not for its own, should this be a handler of
    # signals amid a call of this thread's.
    if _State.owner != threading.get_ident():
        _State.one_region.acquire()
    _State.forked_aside |= numbas.is_started() and _State.starter != threading.get_ident()


def _in_parent():
    _State.forked_aside = False
    if _State.owner != threading.get_ident():
        _State.one_region.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_forget)
if _beside().exists():  # early, so that other code of Numba's in this process runs on it, too: 3 ms
    find_tbb()


# What users are told ---------------------------------------------------------------------------


def in_use():
    """How many a call of this thread uses now: all, unless numba.set_num_threads was called."""
    threads = numbas.get()
    return int(MOST_THREADS if threads == numbas.most() else threads)


def use(number):
    """Let this thread's calls use so many, at most MOST_THREADS."""
    numbas.put(number)


def layer():
    """The threading layer that is used here; choosing starts its threads."""
    try:
        find_tbb()
        return str(_start())
    except RuntimeError:  # the one asked for is not there
        return f"{numbas.asked()}, which is not available"
