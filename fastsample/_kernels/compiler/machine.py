"""What Numba says of the machine it compiles for."""

import llvmlite

from . import place
from .cpu import registers, target


def versions() -> dict[str, str]:
    """The compiler's."""
    import numba

    return {"numba": numba.__version__, "llvmlite": llvmlite.__version__}


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
