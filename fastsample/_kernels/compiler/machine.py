"""What Numba says of the machine it compiles for."""

import llvmlite
import numba
from llvmlite import binding
from numba.core.caching import FunctionCache

from .. import home

# The first feature a CPU has gives its widest vectors, in bits.
WIDTHS = {"avx512f": 512, "avx": 256, "sse2": 128, "neon": 128}


def versions() -> dict[str, str]:
    """The compiler's."""
    return {"numba": numba.__version__, "llvmlite": llvmlite.__version__}


def cpu() -> str:
    """LLVM's name for the CPU, and its widest vectors."""
    features = binding.get_host_cpu_features()
    bits = next((f"{b}-bit vectors ({f})" for f, b in WIDTHS.items() if features.get(f)), "?")
    return f"{numba.config.CPU_NAME or binding.get_host_cpu_name()}, {bits}"


def cache_folder() -> str:
    """Where compiled kernels are kept."""
    try:
        return str(FunctionCache(home).cache_path)
    except RuntimeError:
        return "none: no folder can be written"
