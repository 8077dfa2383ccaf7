"""Both gradients from one kernel: the bits of each alone, and when there is such a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import MODES, PADDINGS

import fastsample as fs
from fastsample._calls import again
from fastsample._kernels import threads
from fastsample._kernels.loops import samples_loop

pytestmark = pytest.mark.compiled

MANY = 4 * threads.MOST_THREADS  # samples, of which each is a piece of work for one thread
SIZES = {"image": (40, 37), "signal": (600,), "volume": (8, 9, 10)}


def arrays(samples: int, size: tuple[int, ...], channels: int = 3, work: Any = np.float32) -> Any:
    """The result's gradient, an input, and a grid that leaves it, with what is no number."""
    rng = np.random.default_rng(len(size))
    gradient, image = rng.standard_normal((2, samples, channels, *size)).astype(work)
    grid = rng.uniform(-1.3, 1.3, (samples, *size, len(size))).astype(work)
    grid[0].flat[:9] = np.nan
    grid[-1].flat[3:7] = np.inf
    return gradient, image, grid


def calls_of(back: Any, *args: Any, **options: Any) -> list[Any]:
    """The calls of kernels that a call makes."""
    again._watch.steps = steps = []
    try:
        back.calls.function(*args, **options)
    finally:
        again._watch.steps = None
    return [call for call, _ in steps]


def loops_of(back: Any, *args: Any, **options: Any) -> list[int]:
    """The loops that a call runs."""
    return [call.work for call in calls_of(back, *args, **options)]


def assert_equal_to_each_alone(back: Any, *args: Any, **options: Any) -> None:
    """Three times: a call that is made again takes another way."""
    to_input, _ = back(*args, **options, output_mask=(True, False))
    _, to_points = back(*args, **options, output_mask=(False, True))
    for _ in range(3):
        both = back(*args, **options)
        assert both[0].tobytes() == to_input.tobytes()
        assert both[1].tobytes() == to_points.tobytes()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_bits_are_those_of_each_alone(size: Any, mode: str) -> None:
    for padding in PADDINGS:
        given = arrays(MANY, size)
        assert loops_of(fs.grid_sample_backward, *given, mode, padding) == [samples_loop()]
        assert_equal_to_each_alone(fs.grid_sample_backward, *given, mode, padding)


def jobs_of(back: Any, *args: Any, **options: Any) -> Any:
    """The two jobs of the one call of kernels."""
    (call,) = calls_of(back, *args, **options)
    assert call.work == samples_loop()
    return call.job


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_one_plan_serves_both(mode: str, padding: str) -> None:
    of_slope, of_add = jobs_of(fs.grid_sample_backward, *arrays(MANY, (40, 37)), mode, padding)
    assert of_slope["plan"]
    assert not of_add["plan"]
    assert of_slope["scratch"] >= of_add["scratch"]


@pytest.mark.parametrize("size", [(40, 37), (24, 32)], ids=["gaps", "dense"])
@pytest.mark.parametrize("channels", [1, 2, 4, 5, 7])
def test_one_stage_finds_both_of_some_channels_at_a_time(channels: int, size: Any) -> None:
    given = arrays(MANY, size, channels)
    for options in ({}, {"padding_mode": "constant", "fill_value": 0.5}):
        _, of_add = jobs_of(fs.grid_sample_backward, *given, **options)
        assert (of_add["apply"] == 0) == (channels > 1)
        assert_equal_to_each_alone(fs.grid_sample_backward, *given, **options)


def test_a_tap_outside_may_hold_what_is_no_number() -> None:
    """The point's 2 x 2 pixels are one vector, of which two are no taps."""
    image = np.ones((MANY, 3, 8, 8), np.float32)
    image[..., 1, :] = np.nan
    grid = np.zeros((MANY, 1, 1, 2), np.float32)
    grid[..., 1] = -1  # half a pixel above the first row, in which both taps are
    gradient = np.ones((MANY, 3, 1, 1), np.float32)
    to_input, to_points = fs.grid_sample_backward(gradient, image, grid)
    assert np.isfinite(to_points).all()
    assert not to_input[..., 1:, :].any()
    np.testing.assert_allclose(to_input.sum((2, 3)), 0.5)


def test_an_input_that_is_laid_out_otherwise_has_a_plan_of_its_own() -> None:
    gradient, image, grid = arrays(MANY, (40, 37))
    turned = np.ascontiguousarray(image.swapaxes(2, 3)).swapaxes(2, 3)
    assert jobs_of(fs.grid_sample_backward, gradient, turned, grid)["plan"].all()
    assert_equal_to_each_alone(fs.grid_sample_backward, gradient, turned, grid)


def test_matrices_whose_sums_have_other_tiles_have_a_plan_of_their_own() -> None:
    gradient, image, _ = arrays(MANY, (40, 37))
    theta = np.tile(np.eye(2, 3, dtype=np.float32), (MANY, 1, 1))
    for mode, apart in (("bilinear", False), ("bicubic", True)):
        given = gradient, image, theta, (40, 37), mode
        assert jobs_of(fs.affine_sample_backward, *given)["plan"].all() == apart
        assert_equal_to_each_alone(fs.affine_sample_backward, *given)


def test_doubles() -> None:
    given = arrays(MANY, (40, 37), work=np.float64)
    assert loops_of(fs.grid_sample_backward, *given) == [samples_loop()]
    assert_equal_to_each_alone(fs.grid_sample_backward, *given)


@pytest.mark.parametrize("channels", [1, 3])
def test_planes_whose_tiles_are_planned_ahead(channels: int) -> None:
    size = (768, 704) if channels == 1 else (128, 128)  # both kernels plan ahead, or the slopes'
    given = arrays(MANY, size, channels)
    assert loops_of(fs.grid_sample_backward, *given) == [samples_loop()]
    assert_equal_to_each_alone(fs.grid_sample_backward, *given)


@pytest.mark.parametrize("number", range(1, threads.MOST_THREADS + 1))
def test_any_number_of_threads(number: int) -> None:
    given = arrays(MANY, (64, 80))
    expected = [x.tobytes() for x in fs.grid_sample_backward(*given)]
    with threads.of_threads(number):
        assert [x.tobytes() for x in fs.grid_sample_backward(*given)] == expected


def test_matrices_homographies_and_flows() -> None:
    gradient, image, _ = arrays(MANY, (40, 37))
    rng = np.random.default_rng(0)
    theta = (np.eye(2, 3) + rng.normal(0, 0.1, (MANY, 2, 3))).astype(np.float32)
    homography = np.eye(3) + rng.normal(0, 1e-3, (MANY, 3, 3))
    flow = rng.normal(0, 3, (MANY, 2, 40, 37)).astype(np.float32)
    for back, points, *size in (
        (fs.affine_sample_backward, theta, (40, 37)),
        (fs.perspective_sample_backward, homography, (40, 37)),
        (fs.flow_warp_backward, flow),
    ):
        assert loops_of(back, gradient, image, points, *size) == [samples_loop()]
        assert_equal_to_each_alone(back, gradient, image, points, *size)


def test_few_samples_are_shared_out_otherwise() -> None:
    given = arrays(1, (512, 512))
    found = loops_of(fs.grid_sample_backward, *given)
    assert (samples_loop() in found) == (threads.MOST_THREADS == 1)
    assert_equal_to_each_alone(fs.grid_sample_backward, *given)


def test_samples_that_share_an_array_are_summed_elsewhere() -> None:
    gradient, image, grid = arrays(MANY, (40, 37))
    for given in ((gradient, image, grid[1:2]), (gradient, image[:1], grid)):
        assert samples_loop() not in loops_of(fs.grid_sample_backward, *given)
        assert_equal_to_each_alone(fs.grid_sample_backward, *given)


def test_channels_that_are_last() -> None:
    gradient, image, grid = arrays(MANY, (40, 37))
    last = [np.ascontiguousarray(np.moveaxis(x, 1, -1)) for x in (gradient, image)]
    assert_equal_to_each_alone(fs.grid_sample_backward, *last, grid, channels_last=True)
