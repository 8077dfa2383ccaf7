"""The smallest calls, where the checks and the dispatch are all."""

from fastsample._bench import grids

from .suite import by_name, measured

TINY = (1, 1, 8, 8)
CASES = (
    *(case for case in grids.cases() if case.within is not None),
    grids.affine_sample("affine_sample 8x8", TINY),
    grids.backward("backward 8x8", TINY),
)


class Small(measured(by_name(CASES))):
    """Beside every library that can do it."""
