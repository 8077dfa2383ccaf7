"""`grid_sample`: sizes, modes, borders and numbers of axes."""

from fastsample._bench import grids

from .suite import by_name, measured

CASES = by_name(case for case in grids.cases() if case.within is None)  # see bench_small.py


class Forward(measured(by_name(CASES.values(), "grid_sample"))):
    """Beside the same job in every library."""
