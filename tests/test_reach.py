"""Which rows of an input a tile may add to is never too few: no two threads may meet there."""

import numpy as np
import pytest
from cases import coordinates

from fastsample._calls import gradients, run, schedule
from fastsample._calls.formula import grid_axes
from fastsample._kernels.drive import NOTHING
from fastsample._kernels.threads import MOST_THREADS

SIZES, POINTS = (37, 9), 40
SAMPLES = 4 * MOST_THREADS  # as many planes as pieces are wanted: none is cut into bands
UNUSUAL = (np.nan, np.inf, -np.inf, 1e30, -1e30, -1.0, 0.0, 36.0, 37.0)
PADDINGS = ("zeros", "border", "reflection", "wrap")


@pytest.fixture(autouse=True)
def bands(monkeypatch):
    """Cut even this little work into bands."""
    monkeypatch.setattr(schedule, "SERIAL_NS", -1)
    gradients.prepare_scatter.cache_clear()
    yield
    gradients.prepare_scatter.cache_clear()


def sampling_of(mode, padding):
    return run.Sampling(mode, padding, grid_axes(SIZES, False, "pixel"), 0.0)


def reached(sampling, grid):
    """The first row and the one after the last that `reach` says the only tile touches."""
    gradient, out = np.zeros((1, 1, 1, POINTS), grid.dtype), np.zeros((1, 1, *SIZES), grid.dtype)
    specs = (run.Spec(*run.spec(x)) for x in (gradient, grid, out))
    call, _ = gradients.prepare_scatter(sampling, *specs, False)
    reach = np.empty((1, 1, 2), np.int64)
    run.start(call, NOTHING, grid, NOTHING, reach)
    return reach.ravel() // SIZES[1]


def touched(sampling, grid):
    """The rows that it touches: to add a zero of any sign to -0.0 leaves a mark."""
    out = np.full((SAMPLES, 1, *SIZES), -0.0, grid.dtype)
    gradient = np.ones((SAMPLES, 1, 1, POINTS), grid.dtype)
    gradients.scatter(sampling, gradient, np.repeat(grid, SAMPLES, 0), out, add=True)
    return np.flatnonzero((~np.signbit(out[0, 0]) | (out[0, 0] != 0)).any(axis=1))


@pytest.mark.compiled
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_no_row_is_forgotten(mode, padding):
    sampling, rng = sampling_of(mode, padding), np.random.default_rng(0)
    for seed in range(60):
        spill = rng.choice([0.1, 0.6, 1.6, 4.0])
        grid = coordinates(seed, (1, 1, POINTS), np.float32, SIZES, "pixel", spill=spill)
        grid[..., 1] += np.float32(rng.uniform(-60, 60) * (seed % 3 == 0))
        if seed % 4 == 1:
            grid[0, 0, rng.integers(POINTS, size=3), 1] = rng.choice(UNUSUAL, 3)
        if seed == 2:
            grid[..., 1] = np.nan
        first, end = reached(sampling, grid)
        rows = touched(sampling, grid)
        assert 0 <= first <= end <= SIZES[0]
        assert rows.size
        assert first <= rows.min()
        assert rows.max() < end, (seed, mode, padding)
