"""Work cut into tiles: each plan fits its scratch, and each point belongs to one tile."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastsample as fs
from fastsample._calls import schedule
from fastsample._kernels.kind import MODES, RULES, Kind
from fastsample._kernels.stages.scratch import tile_points
from fastsample._kernels.vectors.simd import LANES

KINDS = [
    Kind(RULES["constant"], taps, axes, layout, 0, 4, 4)
    for taps, axes, layout in itertools.product(MODES.values(), (1, 2, 3), (0, 1, 2))
]
sizes = st.integers(1, 5000)


def cut(kind, samples, channels, rows, cols):
    """The job after `_cut`, and its number of pieces."""
    job = np.zeros(1, schedule.JOB)
    for name, n in zip(("n", "c", "rows", "cols"), (samples, channels, rows, cols), strict=True):
        job[0][name] = n
    return job[0], schedule._cut(kind, job[0])


@given(st.sampled_from(KINDS), st.integers(1, 9), st.integers(1, 300), sizes, sizes)
def test_a_tile_fits_its_scratch(kind, samples, channels, rows, cols):
    job, _ = cut(kind, samples, channels, rows, cols)
    row = -(-job["tile_cols"] // LANES) * LANES
    assert 1 <= job["tile_cols"] <= cols
    assert 1 <= job["tile_rows"] <= rows
    assert job["tile_rows"] * row <= tile_points(kind)


@given(st.sampled_from(KINDS), st.integers(1, 9), sizes, st.integers(schedule.STRIP + 1, 5000))
def test_tiles_hold_as_many_stretches(kind, samples, rows, cols):
    """Of all points in one row, where a call is level; each begins at a whole vector."""
    job, _ = cut(kind, samples, 1, rows, cols)
    size = job["tile_rows"] * job["tile_cols"]
    tiles = -(-rows // job["tile_rows"]) * -(-cols // job["tile_cols"])
    assert size % LANES == 0
    assert tiles * size >= rows * cols


@given(st.sampled_from(KINDS), st.integers(1, 9), st.integers(1, 300), sizes, sizes)
def test_pieces_are_all_the_work(kind, samples, channels, rows, cols):
    job, pieces = cut(kind, samples, channels, rows, cols)
    tiles = -(-rows // job["tile_rows"]) * -(-cols // job["tile_cols"])
    parts = -(-channels // job["channels"])
    assert pieces == samples * parts * -(-tiles // job["tiles"])
    assert (parts - 1) * job["channels"] < channels


@pytest.mark.compiled
@pytest.mark.parametrize("padding", ["zeros", "wrap"])
@pytest.mark.parametrize("shape", [(1, 2, 6, 5, 7), (1, 2, 20, 30)])
def test_long_rows_that_lie_apart(shape, padding):
    """Bicubic plans are the largest, so their tiles are the shortest."""
    rng = np.random.default_rng(0)
    image, axes = rng.random(shape, np.float32), len(shape) - 2
    grid = rng.uniform(-1.2, 1.2, (1, 3, 700, axes)).astype(np.float32)
    apart = np.full((1, 2, 3, 800), -1, np.float32)
    fs.grid_sample(image, grid, "bicubic", padding, out=apart[..., :700])
    np.testing.assert_array_equal(apart[..., :700], fs.grid_sample(image, grid, "bicubic", padding))
    assert (apart[..., 700:] == -1).all()
