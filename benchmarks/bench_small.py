"""The smallest call: an 8x8 image and 4 points, where the checks and the dispatch are all."""

import numpy as np

from .cases import EVERY, Case
from .implementations import IMPLEMENTATIONS, ready

SMALLEST = Case("8x8 image, 4 points", (1, 1, 8, 8), others=EVERY)


def small_arrays():
    """An image (1, 1, 8, 8) and a grid (1, 1, 4, 2)."""
    rng = np.random.default_rng(0)
    grid = rng.uniform(-0.9, 0.9, (1, 1, 4, 2)).astype(np.float32)
    return rng.standard_normal(SMALLEST.shape, dtype=np.float32), grid


class Small:
    """Time of one call."""

    params = tuple(IMPLEMENTATIONS)
    param_names = ("implementation",)

    def setup(self, implementation):
        self.call = ready(implementation, SMALLEST, small_arrays())

    def time_call(self, implementation):
        self.call()
