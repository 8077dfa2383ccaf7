"""What Numba says of the machine it compiles for."""

import llvmlite
import numba

from . import place
from .cpu import registers, target


def versions() -> dict[str, str]:
    """The compiler's."""
    return {"numba": numba.__version__, "llvmlite": llvmlite.__version__}


def threads() -> int:
    """How many threads a call may use, unless `numba.set_num_threads` says otherwise."""
    return int(numba.config.NUMBA_NUM_THREADS)


def threads_in_use() -> int:
    """How many a call of this thread uses now."""
    return int(numba.get_num_threads())


def use_threads(number: int) -> None:
    """Let this thread's calls use so many, at most as many as `threads` says."""
    numba.set_num_threads(number)


def layer() -> str:
    """The threading layer that Numba chooses here; choosing starts its threads."""
    try:
        numba.get_num_threads()
        return str(numba.threading_layer())
    except ValueError:  # the one asked for is not there
        return f"{numba.config.THREADING_LAYER}, which is not available"


def cpu() -> str:
    """LLVM's name for the CPU, and the widest vectors that Numba may use there."""
    bits, feature = registers() or ("?", "?")
    return f"{target()[0]}, {bits}-bit vectors ({feature})"


def cache_folder() -> str:
    """Where compiled kernels are kept."""
    try:
        return str(place.folder())
    except RuntimeError as error:
        return f"none: {error}"
