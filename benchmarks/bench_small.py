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
    """A thousand calls: milliseconds here are microseconds a call."""

    time_call = peakmem_call = None

    def time_thousand_calls(self, case, library):
        for _ in range(1000):
            self.call()
