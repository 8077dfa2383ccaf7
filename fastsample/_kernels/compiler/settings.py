"""Numba's settings, read without Numba where they are few and plain.

Numba takes half of an import, and a process whose kernels are all on disk needs nothing of it but
what the environment says. What is not plain (most of Numba's hundred settings change what is
compiled) is Numba's to read: then it is imported here.
"""

import os
import platform
import sys

from llvmlite import binding

LAYERS = ("tbb", "omp", "workqueue")
FILE = ".numba_config.yaml"  # Numba reads it where a process starts
# For all else the defaults hold: by Numba's rules kernels are for the CPU as it is.
DEFAULTS = {"CPU_NAME": None, "CPU_FEATURES": None, "ENABLE_AVX": 1, "DISABLE_JIT": 0}


def _cores():
    """How many cores this process may use, as Numba counts them."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _is_number(text):
    return text.isdecimal() and int(text) > 0


def _is_layer(text):
    return text.lower() in ("default", *LAYERS)


# Variables that are read here: what tells whether one is plain.
_PLAIN = {
    "NUMBA_CACHE_DIR": lambda text: True,
    "NUMBA_NUM_THREADS": _is_number,
    "NUMBA_THREADING_LAYER": _is_layer,
}


def _are_plain():
    """Does the environment set nothing but those, and nothing about the CPU?"""
    given = {name: text for name, text in os.environ.items() if name.startswith("NUMBA_")}
    known = all(name in _PLAIN and _PLAIN[name](text) for name, text in given.items())
    return known and not os.path.isfile(FILE) and _takes_the_cpu_as_it_is()


def _takes_the_cpu_as_it_is():
    """Does Numba leave out nothing of what the CPU has? It does on some before AVX2."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    try:
        return bool(binding.get_host_cpu_features().get("avx2"))
    except RuntimeError:  # LLVM can't tell
        return False


def _read():
    given = os.environ.get
    return {
        **DEFAULTS,
        "CACHE_DIR": given("NUMBA_CACHE_DIR", ""),
        "NUMBA_NUM_THREADS": int(given("NUMBA_NUM_THREADS", _cores())),
        "THREADING_LAYER": given("NUMBA_THREADING_LAYER", "default"),
    }


if _are_plain():
    _read_here = _read()
else:
    from numba import config  # noqa: F401

    _read_here = {}


def setting(name):
    """One of Numba's: as Numba has it now, where somebody has imported it."""
    config = sys.modules.get("numba.core.config")
    if config is not None and hasattr(config, name):  # it may be amid its import
        return getattr(config, name)
    return _read_here[name]


INTERPRETED = bool(setting("DISABLE_JIT"))  # kernels are plain Python, for tests
