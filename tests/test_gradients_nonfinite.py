"""Gradients with NaN and infinity: what is not read spoils nothing, what is bad stays there."""

import numpy as np
import oracle
import pytest
from cases import MODES, PADDINGS, coordinates, fill_of, noise
from gradients import (
    FOLDS,
    backward,
    check,
    check_image,
    each,
    each_float32_kernel,
    each_folding_kernel,
    each_kernel,
    each_open_kernel,
    extent,
    grad_for,
    rotation,
)
from sampling import SMALL
from tolerances import ORACLE, assert_close

HUGE = {np.float32: (3e38, 1e30, 1e20), np.float64: (1.7e308, 1e300, 1e30)}
SETTINGS = (("normalized", False), ("normalized", True), ("pixel", False), ("pixel", True))
SIZES = {1: (7,), 2: (6, 7), 3: (4, 5, 7)}


def scenes(kernel, bad):
    """(image, grid, where `bad` is, options): along each axis and in every setting."""
    sizes = SIZES[kernel.ndim]
    image = noise(178, (1, 2, *sizes), kernel.input)
    for kind, align in SETTINGS:
        options = {**kernel.options, "coordinates": kind, "align_corners": align}
        for axis in range(kernel.ndim):
            grid = coordinates(179, (1, 53), kernel.grid, sizes, kind, align, spill=0.9)
            hit = np.arange(grid.shape[1]) % 5 == axis
            grid[0, hit, axis] = bad
            yield image, grid, hit, options


class TestWhatIsNotRead:
    """0 * inf would be NaN."""

    @pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
    @each_float32_kernel
    def test_pixels_beyond_the_taps(self, kernel, bad):
        reach = {"nearest": 0, "bilinear": 1, "bicubic": 2}[kernel.mode]
        sizes = (3 + 2 * reach,) * kernel.ndim
        core = (..., *(slice(reach, reach + 3),) * kernel.ndim)
        image = np.full((1, 2, *(s + 4 for s in sizes)), bad, np.float32)
        image[(..., *(slice(2, 2 + s) for s in sizes))] = noise(169, (1, 2, *sizes), np.float32)
        grid = 2 + reach + np.random.default_rng(170).uniform(0, 2, (1, 40, kernel.ndim))
        grid[:, ::3] = np.rint(grid[:, ::3])
        options = {**kernel.options, "coordinates": "pixel"}
        grads = check_image(image, grid.astype(np.float32), core, **options)
        assert all(np.isfinite(g).all() for g in grads)

    @pytest.mark.parametrize("bad", [np.inf, np.nan])
    @each_float32_kernel
    def test_each_axis_drops_alone(self, kernel, bad):
        """On a lattice line of x the slopes of y and z read that line alone."""
        image = noise(171, (1, 1, *(6,) * kernel.ndim), np.float32)
        image[..., 3:] = bad
        grid = coordinates(172, (1, 40), np.float32, (6,) * kernel.ndim, "pixel", spill=0.4)
        grid[..., 0] = 2
        options = {**kernel.options, "coordinates": "pixel"}
        args = grad_for(image, grid), image, grid
        got, want = backward(*args, **options), oracle.grid_sample_backward(*args, **options)
        assert_close(got[0], want[0], extent(want[0]))
        assert np.isfinite(want[1][..., 1:]).all()
        assert_close(got[1][..., 1:], want[1][..., 1:], 9)
        # the slope along x is that of the cell to the right
        assert np.isfinite(got[1][..., 0]).all() == (kernel.mode == "nearest")

    @pytest.mark.parametrize("bad", [np.inf, np.nan])
    @pytest.mark.parametrize("mode", MODES)
    def test_outside_is_not_the_edge(self, mode, bad):
        """Taps outside read the fill value, not the pixel that their offset was clipped to."""
        image = np.full((1, 1, 6, 6), bad, np.float32)
        image[..., 1:-1, 1:-1] = 1
        outside = np.array([-4, -9, -3.5, 6, 7, 8, 9, 8.5, 14], np.float32)
        grid = np.stack(np.meshgrid(outside, outside), -1)[None]
        for padding in ("zeros", "constant"):
            options = {"padding_mode": padding, "coordinates": "pixel", **fill_of(padding)}
            grads = check_image(image, grid, padding, mode=mode, **options)
            assert all(np.isfinite(g).all() for g in grads)

    @each_float32_kernel
    def test_a_bad_grad_output_reaches_its_taps_alone(self, kernel):
        """NaN and inf where one point reads; at integers that is one pixel."""
        sizes = SMALL[kernel.ndim]
        image = noise(173, (1, 2, *sizes), np.float32)
        grid = coordinates(174, (1, 40), np.float32, sizes, "pixel", spill=0.9)
        grid[:, 7] = 1
        grad = grad_for(image, grid)
        options = {**kernel.options, "coordinates": "pixel"}
        clean = backward(grad, image, grid, **options)
        for bad in (np.nan, np.inf):
            grad[:, 1, 7] = bad
            got = backward(grad, image, grid, **options)
            hit = np.zeros(image.shape, bool)
            hit[(0, 1, *(1,) * kernel.ndim)] = True
            np.testing.assert_array_equal(got[0], np.where(hit, bad, clean[0]))
            kept = np.arange(40) != 7
            np.testing.assert_array_equal(got[1][:, kept], clean[1][:, kept])
            assert np.isfinite(got[1][:, 7]).all() == (kernel.mode == "nearest")

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_bad_grad_output_between_pixels(self, mode, bad):
        """All the taps of its point, and no other pixel."""
        image = noise(175, (1, 1, 9, 9), np.float32)
        grad, grid = np.ones((1, 1, 1), np.float32), np.full((1, 1, 2), 4.25, np.float32)
        options = {"mode": mode, "coordinates": "pixel"}
        taps = backward(grad, image, grid, **options)[0] != 0
        got, _ = backward(grad * np.float32(bad), image, grid, **options)
        np.testing.assert_array_equal(np.isfinite(got), ~taps)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("padding", ["zeros", "constant"])
    @pytest.mark.parametrize("mode", MODES)
    def test_a_bad_grad_output_outside_reaches_no_pixel(self, mode, padding, bad):
        image = noise(176, (1, 2, 6, 7), np.float32)
        grid = np.array([[(-9, 2), (2.5, 30), (3.25, 2.5), (2, -1e30), (99, 99)]], np.float32)
        grad = grad_for(image, grid)
        options = {"mode": mode, "padding_mode": padding, "coordinates": "pixel"}
        options |= fill_of(padding)
        clean = backward(grad, image, grid, **options)
        grad[..., [0, 1, 3, 4]] = bad
        got = backward(grad, image, grid, **options)
        np.testing.assert_array_equal(got[0], clean[0])
        np.testing.assert_array_equal(got[1][:, 2], clean[1][:, 2])

    def test_a_bad_grad_output_moves_no_clipped_coordinate(self):
        """Where the slope is 0 by rule it stays 0."""
        image = noise(177, (1, 1, 6, 7), np.float32)
        grid = np.array([[(-2, 2.5), (9, 2.5), (2.5, -1), (2.5, 7)]], np.float32)
        grad = np.full((1, 1, 4), np.inf, np.float32)
        options = {"padding_mode": "border", "coordinates": "pixel"}
        _, got = backward(grad, image, grid, **options)
        np.testing.assert_array_equal(got[0, [0, 1], 0], 0)
        np.testing.assert_array_equal(got[0, [2, 3], 1], 0)
        _, got = backward(grad, image, grid, mode="nearest", **options)
        np.testing.assert_array_equal(got, 0)


class TestBadCoordinates:
    @each_kernel
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, kernel, bad):
        for image, grid, hit, options in scenes(kernel, bad):
            _, got = check_image(image, grid, options, **options)
            lost = np.isnan(bad) or kernel.padding in FOLDS
            assert np.isnan(got[0, hit]).all() if lost else np.isfinite(got).all(), options
            assert np.isfinite(got[0, ~hit]).all(), options

    @each_open_kernel
    @pytest.mark.parametrize("sign", [1, -1])
    def test_huge(self, kernel, sign):
        for value in HUGE[kernel.grid]:
            for image, grid, _, options in scenes(kernel, sign * value):
                check_image(image, grid, options, **options)

    @each_folding_kernel
    @pytest.mark.parametrize("sign", [1, -1])
    def test_huge_and_folded(self, kernel, sign):
        """Some pixels inside get all of grad_output; the other points do not notice."""
        for value in HUGE[kernel.grid]:
            for image, grid, hit, options in scenes(kernel, sign * value):
                grad = grad_for(image, grid)
                got = backward(grad, image, grid, **options)
                assert all(np.isfinite(g).all() for g in got), options
                sums = [g.astype(np.float64).reshape(2, -1).sum(1) for g in (got[0], grad)]
                near = 100 * ORACLE[got[0].dtype]
                np.testing.assert_allclose(*sums, rtol=near, atol=near, err_msg=str(options))
                rest = check(grad[..., ~hit], image, grid[:, ~hit], options, **options)
                np.testing.assert_array_equal(got[1][:, ~hit], rest[1], err_msg=str(options))

    @each_folding_kernel
    def test_large_but_exact(self, kernel):
        """Folding is exact while the quotient is: the very pixel and the very direction."""
        image = noise(180, (1, 2, *SIZES[kernel.ndim]), kernel.input)
        grid = coordinates(181, (1, 37), kernel.grid, SIZES[kernel.ndim], "pixel")
        grid += np.rint(np.linspace(-1e4, 1e4, 37))[None, :, None].astype(kernel.grid)
        for align in (False, True):
            options = {**kernel.options, "coordinates": "pixel", "align_corners": align}
            check_image(image, grid, options, **options)

    @each(lambda kernel: kernel.ndim == 2)
    def test_nan_along_one_axis_is_nan_along_both(self, kernel):
        image = noise(182, (1, 1, 4, 5), kernel.input)
        pairs = [(np.nan, np.inf), (np.inf, np.nan), (np.nan, 99), (-1e30, np.nan), (1, np.nan)]
        grid = np.array([pairs], kernel.grid)
        grad_input, grad_grid = backward(grad_for(image, grid), image, grid, **kernel.options)
        assert np.isnan(grad_grid).all()
        assert not grad_input.any()

    def test_nan_in_a_shared_grid(self):
        """Its gradient is a sum over samples: NaN too."""
        image = noise(183, (3, 2, 6, 7), np.float32)
        grid = coordinates(184, (1, 40), np.float32, (6, 7), "normalized")
        grid[0, ::4, 1] = np.nan
        _, got = check_image(image, grid)
        assert np.isnan(got[0, ::4]).all()

    @pytest.mark.compiled
    @pytest.mark.parametrize("padding", PADDINGS)
    def test_beyond_one_tile(self, padding):
        grid = rotation(20, (250, 250), zoom=2.3)
        grid.reshape(-1)[::7] = np.nan
        grid.reshape(-1)[3::11] = np.inf
        check_image(noise(185, (1, 1, 300, 400), np.float32), grid, padding_mode=padding)
