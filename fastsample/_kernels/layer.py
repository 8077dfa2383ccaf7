"""Numba's threading layer: Numba's own choice where it is imported, else the same choice made here.

A layer is a module in C that needs nothing of Numba's Python. It is known to Python by the name
that Numba gives it, so that a Numba that is imported later finds the same layer, started, and its
settings of threads are the same.
"""

import ctypes
import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from llvmlite import binding as llvm

from .compiler.settings import LAYERS, setting

TBB = {"win32": "tbb12.dll", "darwin": "libtbb.12.dylib"}.get(sys.platform, "libtbb.so.12")
OLDEST_TBB = 12060  # its interface, that Numba's layer is built for
FOLDER = "numba.np.ufunc"
MODULES = {"tbb": "tbbpool", "omp": "omppool", "workqueue": "workqueue"}


class _State:
    module = None  # the layer that was started here
    name = None


def asked():
    """What a user asks for: a layer, a kind of layer, or `default`."""
    return str(setting("THREADING_LAYER")).lower()


def most():
    """How many threads a layer starts."""
    return setting("NUMBA_NUM_THREADS")


def is_started():
    """Is there one?"""
    return bool(_State.module) or _is_numbas()


def name():
    """Of the one that is started."""
    return _State.name if _State.module else _numbas().threading_layer()


def start():
    """Start the layer's threads; a ValueError if there is no such layer."""
    if not is_started() and not (_numbas() is None and _start_here()):
        from numba.np.ufunc import parallel

        parallel.get_num_threads()  # starts them


def region():
    """Where the layer opens a region, in C."""
    if _State.module:
        return _State.module.parallel_for
    return llvm.address_of_symbol("numba_parallel_for")


def tasks():
    """Where TBB's layer takes a task, and where it waits for them; None of another layer."""
    module = sys.modules.get(f"{FOLDER}.{MODULES['tbb']}") if name() == "tbb" else None
    return module and (module.add_task, module.synchronize)


def get():
    """How many threads a region of this thread has, in 0.2 us: Numba's own way takes locks in 3."""
    if _is_numbas():
        numbas = _numbas()
        ask = getattr(numbas, "_get_num_threads", None) or numbas.get_num_threads
    elif _State.module:
        ask = _State.get
    else:
        start()
        return get()
    return ask()


def put(number):
    """Let regions of this thread have so many."""
    start()
    if _is_numbas():
        _numbas().set_num_threads(number)
    else:
        _State.put(number)


def _numbas():
    """Numba's own module for that, once it is imported."""
    return sys.modules.get("numba.np.ufunc.parallel")


def _is_numbas():
    """Has Numba started a layer? It may be one that was started here."""
    return getattr(_numbas(), "_is_initialized", False)


def _start_here():
    """Start what Numba would choose; False where that is not known."""
    choice = LAYERS if asked() == "default" else [asked()]
    for one in choice:
        try:
            module = _load(one)
        except (ImportError, OSError):
            continue
        _enter(one, module)
        return True
    return False


def _load(one):
    """A layer's module, under its name."""
    if one == "tbb":
        _look_at_tbb()
    name = f"{FOLDER}.{MODULES[one]}"
    for place in importlib.util.find_spec("numba").submodule_search_locations:
        for suffix in EXTENSION_SUFFIXES:
            path = Path(place, "np", "ufunc", MODULES[one] + suffix)
            if path.is_file():
                spec = importlib.util.spec_from_file_location(name, path)
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                sys.modules[name] = module
                return module
    raise ImportError(name)


def _look_at_tbb():
    """An OSError if TBB is not there, or is older than Numba takes."""
    version = ctypes.CDLL(TBB).TBB_runtime_interface_version
    version.argtypes, version.restype = [], ctypes.c_int
    if version() < OLDEST_TBB:
        raise OSError("an old TBB")


def _enter(one, module):
    number = ctypes.c_int
    ctypes.CFUNCTYPE(None, number)(module.launch_threads)(most())
    _State.get = ctypes.CFUNCTYPE(number)(module.get_num_threads)
    _State.put = ctypes.CFUNCTYPE(None, number)(module.set_num_threads)
    _State.put(most())
    _State.module, _State.name = module, one
