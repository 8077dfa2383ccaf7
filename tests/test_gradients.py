"""grid_sample_backward against the oracle: kernels, sizes, shapes, masks, kinks, fill values."""

import itertools

import numpy as np
import pytest
from cases import MODES, coordinates, noise
from gradients import (
    backward,
    check,
    check_image,
    each,
    each_float32_kernel,
    each_image_kernel,
    each_kernel,
    each_open_kernel,
    grad_for,
    shortest,
)
from sampling import OUT, SMALL, grid_for, settings_of

import fastsample as fs


class TestKernels:
    @each_kernel
    def test_equals_oracle(self, kernel):
        sizes, out = SMALL[kernel.ndim], OUT[kernel.ndim]
        image = noise(101, (2, 3, *sizes), kernel.input)
        for options in settings_of(kernel):
            check_image(image, grid_for(kernel, options, (2, *out), sizes), options, **options)

    @each(lambda kernel: shortest(kernel) == 1)
    def test_axes_of_size_one(self, kernel):
        for sizes in itertools.product((1, 2), repeat=kernel.ndim):
            image = noise(102, (1, 2, *sizes), kernel.input)
            for options in settings_of(kernel):
                grid = grid_for(kernel, options, (1, 19), sizes)
                check_image(image, grid, (sizes, options), **options)

    @pytest.mark.compiled
    @each_float32_kernel
    def test_beyond_one_tile(self, kernel):
        out = {1: (3000,), 2: (70, 70), 3: (11, 12, 13)}[kernel.ndim]
        sizes = {1: (90,), 2: (31, 45), 3: (9, 8, 33)}[kernel.ndim]
        image = noise(103, (2, 2, *sizes), kernel.input)
        for options in settings_of(kernel):
            check_image(image, grid_for(kernel, options, (2, *out), sizes), options, **options)


class TestSizes:
    @each_image_kernel
    def test_number_of_points(self, kernel):
        image = noise(104, (1, 2, 6, 7), np.float32)
        for points in (*range(1, 10), *range(14, 20), *range(30, 36), 47, 48, 49):
            grid = coordinates(points, (1, points), np.float32, (6, 7), "normalized")
            check_image(image, grid, f"{points} points", **kernel.options)

    @each_image_kernel
    def test_width_and_height(self, kernel):
        least = shortest(kernel)
        for size in (*range(least, 10), 15, 16, 17, 31, 32, 33):
            for sizes in ((least, size), (size, least + 1)):
                image = noise(105, (1, 1, *sizes), np.float32)
                grid = coordinates(size, (1, 21), np.float32, sizes, "normalized")
                check_image(image, grid, sizes, **kernel.options)

    @pytest.mark.compiled
    @pytest.mark.parametrize("points", [1008, 1023, 1024, 1025, 1040, 2047, 2049, 4096, 4097])
    def test_around_a_tile(self, points):
        image = noise(106, (2, 3, 16, 16), np.float32)
        check_image(image, coordinates(107, (2, points), np.float32, (16, 16), "normalized"))

    @pytest.mark.compiled
    def test_square_tiles(self):
        image = noise(108, (1, 1, 40, 50), np.float32)
        for out in ((64, 64), (63, 65), (65, 129), (1, 5000), (5000, 1), (3, 700), (700, 3)):
            grid = coordinates(109, (1, *out), np.float32, (40, 50), "normalized")
            check_image(image, grid, out)

    @pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 7, 8, 9, 17, 130])
    def test_channels(self, channels):
        image = noise(110, (1, channels, 5, 6), np.float32)
        check_image(image, coordinates(111, (1, 5, 7), np.float32, (5, 6), "normalized"), channels)


class TestShapes:
    @pytest.mark.parametrize("out", [(), (5,), (3, 4), (2, 3, 4), (2, 1, 3, 2), (1, 2, 1, 3, 2)])
    def test_any_number_of_output_axes(self, out):
        image = noise(129, (2, 3, 6, 5), np.float32)
        check_image(image, coordinates(130, (2, *out), np.float32, (6, 5), "normalized"))

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    @pytest.mark.parametrize(("n_input", "n_grid"), [(1, 3), (3, 1), (3, 3), (1, 1)])
    def test_the_gradient_of_a_shared_batch_is_a_sum(self, n_input, n_grid, ndim):
        sizes = SMALL[ndim]
        image = noise(131, (n_input, 2, *sizes), np.float32)
        grid = coordinates(132, (n_grid, 9), np.float32, sizes, "normalized")
        check_image(image, grid)

    @each(lambda kernel: kernel.grid is not kernel.input)
    def test_a_shared_batch_of_mixed_types(self, kernel):
        for n_input, n_grid in ((1, 3), (3, 1)):
            image = noise(133, (n_input, 2, *SMALL[kernel.ndim]), kernel.input)
            grid = coordinates(134, (n_grid, 9), kernel.grid, SMALL[kernel.ndim], "normalized")
            check_image(image, grid, **kernel.options)

    @pytest.mark.parametrize(
        ("image", "grid"),
        [
            ((0, 3, 4, 5), (0, 6, 7, 2)),
            ((0, 3, 4, 5), (1, 6, 7, 2)),
            ((1, 3, 4, 5), (0, 6, 7, 2)),
            ((2, 0, 4, 5), (2, 6, 7, 2)),
            ((2, 0, 4, 5), (1, 6, 7, 2)),
            ((2, 3, 4, 5), (2, 0, 7, 2)),
            ((2, 3, 4, 5), (2, 6, 0, 2)),
            ((1, 3, 4, 5), (2, 6, 0, 2)),
            ((2, 3, 0, 5), (2, 6, 0, 2)),
            ((0, 3, 0, 5), (0, 6, 7, 2)),
            ((2, 3, 4), (2, 0, 1)),
            ((2, 3, 4, 5, 6), (2, 6, 0, 4, 3)),
        ],
    )
    def test_without_points_or_channels_the_gradients_are_zero(self, image, grid):
        arrays = np.ones(image, np.float32), np.zeros(grid, np.float32)
        for mask in itertools.product((True, False), repeat=2):
            grads = backward(grad_for(*arrays), *arrays, output_mask=mask)
            for asked, got, like in zip(mask, grads, arrays, strict=True):
                assert (got is not None) == asked
                if asked:
                    np.testing.assert_array_equal(got, np.zeros_like(like), strict=True)


class TestOutputMask:
    @each_kernel
    def test_each_gradient_alone_is_the_same(self, kernel):
        image = noise(135, (2, 3, *SMALL[kernel.ndim]), kernel.input)
        for options in settings_of(kernel):
            grid = grid_for(kernel, options, (2, *OUT[kernel.ndim]), SMALL[kernel.ndim])
            args = grad_for(image, grid), image, grid
            both = backward(*args, **options)
            first, nothing = backward(*args, output_mask=(True, False), **options)
            assert nothing is None
            np.testing.assert_array_equal(first, both[0], strict=True)
            nothing, second = backward(*args, output_mask=(False, True), **options)
            assert nothing is None
            np.testing.assert_array_equal(second, both[1], strict=True)

    def test_nothing_asked(self):
        image, grid = noise(136, (1, 2, 6, 7), np.float32), np.zeros((1, 5, 2), np.float32)
        assert backward(grad_for(image, grid), image, grid, output_mask=(False, False)) == (
            None,
            None,
        )

    def test_a_list_will_do(self):
        """As PyTorch's own signature has it."""
        image, grid = noise(137, (1, 2, 6, 7), np.float32), np.zeros((1, 5, 2), np.float32)
        got, nothing = backward(grad_for(image, grid), image, grid, output_mask=[True, False])
        assert got.shape == image.shape
        assert nothing is None


class TestKinks:
    """Where the slope jumps: the right-hand cell's, and none at the bounds of a clip."""

    @each(lambda kernel: kernel.mode != "nearest")
    def test_pixel_centres_and_edges(self, kernel):
        sizes = SMALL[kernel.ndim]
        image = noise(156, (1, 2, *sizes), kernel.input)
        ticks = np.arange(-26, 52) / 2
        steps = np.random.default_rng(157).permuted(np.tile(ticks, (kernel.ndim, 1)), axis=1)
        grid = steps.T[None].astype(kernel.grid)
        for align in (False, True):
            options = {**kernel.options, "coordinates": "pixel", "align_corners": align}
            check_image(image, grid, options, **options)

    @each(lambda kernel: kernel.ndim == 2)
    def test_a_rounding_beside_the_folds(self, kernel):
        dtype, size = kernel.grid, 5
        turns = [s * k for s in (size, size - 1, size - 0.5, -0.5) for k in range(-5, 6)]
        turns = np.array([*turns, *np.divide(turns, 2), -1e-9, -1e-30, 1e-30], dtype)
        around = [np.nextafter(turns, dtype(side)) for side in (-np.inf, np.inf)]
        x = np.concatenate([turns, *around])
        grid = np.stack([x, np.full_like(x, 1.25)], -1)[None]
        image = noise(158, (1, 2, 4, size), kernel.input)
        for align in (False, True):
            options = {"align_corners": align, "coordinates": "pixel", **kernel.options}
            check(grad_for(image, grid), image, grid, (size, align), load=x.size, **options)

    @pytest.mark.parametrize("padding", ["border", "reflection"])
    def test_a_clipped_coordinate_does_not_move(self, padding):
        image = noise(159, (1, 1, 4, 6), np.float32)
        x = np.array([-9, -0.5, -0.25, 0, 5, 5.25, 5.5, 40] if padding == "border" else [0, 5])
        grid = np.stack([x, np.full_like(x, 1.5)], -1)[None].astype(np.float32)
        options = {"coordinates": "pixel", "padding_mode": padding}
        _, got = check_image(image, grid, **options)
        np.testing.assert_array_equal(got[..., 0], 0)
        assert got[..., 1].all()

    @each_open_kernel
    def test_far_outside_nothing_moves(self, kernel):
        """Kernels may have stopped such a coordinate near the image: no slope is read there."""
        image = noise(160, (1, 2, *SMALL[kernel.ndim]), kernel.input)
        for value in (-3, -3.5, -4, -40.25, 14, 14.5, 99, 3e9, -3e9):
            grid = np.full((1, 3, kernel.ndim), value, kernel.grid)
            options = {**kernel.options, "coordinates": "pixel"}
            _, got = check_image(image, grid, value, **options)
            if kernel.padding == "zeros":
                np.testing.assert_array_equal(got, 0)


class TestFill:
    def test_constant_zero_is_zeros(self):
        image = noise(161, (1, 2, 6, 7), np.float32)
        grid = coordinates(162, (1, 40), np.float32, (6, 7), "normalized")
        for mode in MODES:
            args = grad_for(image, grid), image, grid, mode
            zeros = backward(*args, "zeros")
            for got, want in zip(backward(*args, "constant", fill_value=0), zeros, strict=True):
                np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("fill", [-3, 250.5, np.float32(0.1), np.float64(0.1)])
    @pytest.mark.parametrize("mode", MODES)
    def test_moves_the_coordinate_and_gets_nothing(self, mode, fill):
        image = noise(163, (1, 2, 6, 7), np.float32)
        grid = coordinates(164, (1, 40), np.float32, (6, 7), "normalized")
        options = {"mode": mode, "padding_mode": "constant"}
        got, _ = check_image(image, grid, fill_value=fill, **options)
        plain, _ = backward(grad_for(image, grid), image, grid, fill_value=0, **options)
        np.testing.assert_array_equal(got, plain)

    @pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("mode", MODES)
    def test_non_finite_fill_stays_outside(self, mode, fill):
        image = noise(165, (1, 2, 8, 9), np.float32)
        inside = np.random.default_rng(166).uniform(2, 5, (1, 40, 2)).astype(np.float32)
        inside[:, ::3] = np.rint(inside[:, ::3])
        options = {"mode": mode, "padding_mode": "constant", "coordinates": "pixel"}
        grad = grad_for(image, inside)
        got = backward(grad, image, inside, fill_value=fill, **options)
        for a, b in zip(got, backward(grad, image, inside, fill_value=0, **options), strict=True):
            np.testing.assert_array_equal(a, b)


class TestSignature:
    def test_defaults_are_those_of_grid_sample(self):
        image = noise(186, (1, 2, 6, 7), np.float32)
        grid = coordinates(187, (1, 33), np.float32, (6, 7), "normalized")
        args = grad_for(image, grid), image, grid
        check(*args)  # the oracle has the same defaults
        spelled = backward(*args, "bilinear", "zeros", False, output_mask=(True, True))
        for got, want in zip(backward(*args), spelled, strict=True):
            np.testing.assert_array_equal(got, want)

    def test_the_rest_is_keyword_only(self):
        image, grid = np.ones((1, 1, 2, 2), np.float32), np.zeros((1, 1, 2), np.float32)
        with pytest.raises(TypeError):
            fs.grid_sample_backward(
                image[..., 0, :1], image, grid, "bilinear", "zeros", False, True
            )

    def test_align_corners_is_moot_in_pixels(self):
        image = noise(188, (1, 2, 6, 7), np.float32)
        grid = coordinates(189, (1, 33), np.float32, (6, 7), "pixel")
        for padding in ("zeros", "border", "wrap"):
            args = grad_for(image, grid), image, grid, "bilinear", padding
            plain = backward(*args, False, coordinates="pixel")
            for got, want in zip(backward(*args, True, coordinates="pixel"), plain, strict=True):
                np.testing.assert_array_equal(got, want)
