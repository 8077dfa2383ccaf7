"""grid_sample against the oracle: kernels, sizes, fill values, exact coordinates, dropped taps."""

import itertools

import numpy as np
import pytest
from cases import (
    FLOAT32,
    IMAGES,
    KERNELS,
    MODES,
    PADDINGS,
    SHORT,
    coordinates,
    fill_of,
    identity,
    noise,
)
from sampling import OUT, SMALL, check, grid_for, sample, settings_of

import fastsample as fs

by_name = {"ids": str}


class TestKernels:
    @pytest.mark.parametrize("kernel", KERNELS, **by_name)
    def test_equals_oracle(self, kernel):
        sizes, out = SMALL[kernel.ndim], OUT[kernel.ndim]
        image = noise(1, (2, 3, *sizes), kernel.input)
        for options in settings_of(kernel):
            check(image, grid_for(kernel, options, (2, *out), sizes), options, **options)

    @pytest.mark.parametrize("kernel", SHORT, **by_name)
    def test_axes_of_size_one(self, kernel):
        for sizes in itertools.product((1, 2), repeat=kernel.ndim):
            image = noise(2, (1, 2, *sizes), kernel.input)
            for options in settings_of(kernel):
                grid = grid_for(kernel, options, (1, 19), sizes)
                check(image, grid, (sizes, options), **options)

    @pytest.mark.compiled
    @pytest.mark.parametrize("kernel", FLOAT32, **by_name)
    def test_beyond_one_tile(self, kernel):
        out = {1: (3000,), 2: (70, 70), 3: (11, 12, 13)}[kernel.ndim]
        sizes = {1: (90,), 2: (31, 45), 3: (9, 8, 33)}[kernel.ndim]
        image = noise(3, (2, 2, *sizes), kernel.input)
        for options in settings_of(kernel):
            check(image, grid_for(kernel, options, (2, *out), sizes), options, **options)


each_image_kernel = pytest.mark.parametrize(
    "options", [k.options for k in IMAGES], ids=[str(k) for k in IMAGES]
)


class TestSizes:
    @each_image_kernel
    def test_number_of_points(self, options):
        image = noise(4, (1, 2, 6, 7), np.float32)
        for points in (*range(1, 36), 47, 48, 49):
            grid = coordinates(points, (1, points), np.float32, (6, 7), "normalized")
            check(image, grid, f"{points} points", **options)

    @each_image_kernel
    def test_width_and_height(self, options):
        for size in (*range(1, 20), 31, 32, 33, 34):
            for sizes in ((2, size), (size, 3)):
                image = noise(5, (1, 1, *sizes), np.float32)
                grid = coordinates(size, (1, 21), np.float32, sizes, "normalized")
                check(image, grid, sizes, **options)

    @pytest.mark.compiled
    @pytest.mark.parametrize("points", [1008, 1023, 1024, 1025, 1040, 2047, 2048, 2049, 4096, 4097])
    def test_around_a_tile(self, points):
        image = noise(6, (2, 3, 16, 16), np.float32)
        grid = coordinates(7, (2, points), np.float32, (16, 16), "normalized")
        check(image, grid)

    @pytest.mark.compiled
    def test_square_tiles(self):
        image = noise(7, (1, 1, 40, 50), np.float32)
        for out in ((64, 64), (63, 65), (65, 129), (1, 5000), (5000, 1), (3, 700), (700, 3)):
            grid = coordinates(8, (1, *out), np.float32, (40, 50), "normalized")
            check(image, grid, out)

    @pytest.mark.compiled
    def test_large_planes(self):
        """Planes beyond the second-level cache may take another path."""
        image = noise(8, (1, 2, 900, 1100), np.float32)
        for mode in MODES:
            grid = coordinates(9, (1, 90, 110), np.float32, (900, 1100), "pixel", spill=1.05)
            check(image, grid, mode, mode=mode, coordinates="pixel")

    @pytest.mark.compiled
    def test_many_channels(self):
        image = noise(9, (1, 130, 5, 6), np.float32)
        check(image, coordinates(10, (1, 9, 9), np.float32, (5, 6), "normalized"))

    @pytest.mark.large
    def test_offsets_beyond_32_bits(self):
        try:
            image = np.zeros((1, 1, 50_000, 50_000), np.float32)  # pages come when touched
        except MemoryError:
            pytest.skip("no room for ten gigabytes of virtual memory")
        image[0, 0, -3:, -3:] = np.arange(9, dtype=np.float32).reshape(3, 3)
        y, x = np.meshgrid([49_997.0, 49_998, 49_999], [49_997.0, 49_998, 49_999], indexing="ij")
        grid = np.stack([x, y], -1)[None]
        for mode in MODES:
            got = fs.grid_sample(image, grid, mode, coordinates="pixel")
            np.testing.assert_array_equal(got, image[:, :, -3:, -3:])


class TestShapes:
    @pytest.mark.parametrize("out", [(), (5,), (3, 4), (2, 3, 4), (2, 1, 3, 2), (1, 2, 1, 3, 2)])
    def test_any_number_of_output_axes(self, out):
        image = noise(10, (2, 3, 6, 5), np.float32)
        got = check(image, coordinates(11, (2, *out), np.float32, (6, 5), "normalized"))
        assert got.shape == (2, 3, *out)

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    @pytest.mark.parametrize(("n_input", "n_grid"), [(1, 3), (3, 1), (3, 3), (1, 1)])
    def test_batch_of_one_is_shared(self, n_input, n_grid, ndim):
        sizes = SMALL[ndim]
        image = noise(12, (n_input, 2, *sizes), np.float32)
        grid = coordinates(13, (n_grid, 9), np.float32, sizes, "normalized")
        got = check(image, grid)
        assert got.shape == (max(n_input, n_grid), 2, 9)

    @pytest.mark.parametrize(
        ("image", "grid", "result"),
        [
            ((0, 3, 4, 5), (0, 6, 7, 2), (0, 3, 6, 7)),
            ((0, 3, 4, 5), (1, 6, 7, 2), (0, 3, 6, 7)),
            ((1, 3, 4, 5), (0, 6, 7, 2), (0, 3, 6, 7)),
            ((2, 0, 4, 5), (2, 6, 7, 2), (2, 0, 6, 7)),
            ((2, 3, 4, 5), (2, 0, 7, 2), (2, 3, 0, 7)),
            ((2, 3, 4, 5), (2, 6, 0, 2), (2, 3, 6, 0)),
            ((2, 3, 0, 5), (2, 6, 0, 2), (2, 3, 6, 0)),
            ((0, 3, 0, 5), (0, 6, 7, 2), (0, 3, 6, 7)),
            ((2, 3, 4), (2, 0, 1), (2, 3, 0)),
            ((2, 3, 4, 5, 6), (2, 6, 0, 4, 3), (2, 3, 6, 0, 4)),
        ],
    )
    def test_empty(self, image, grid, result):
        got = fs.grid_sample(np.ones(image, np.float32), np.zeros(grid, np.float32))
        assert got.shape == result
        assert got.dtype == np.float32

    def test_empty_into_out(self):
        out = np.empty((2, 0, 6), np.float32)
        image, grid = np.ones((2, 0, 5), np.float32), np.zeros((2, 6, 1), np.float32)
        assert fs.grid_sample(image, grid, out=out) is out


class TestFill:
    @pytest.mark.parametrize("mode", MODES)
    def test_constant_zero_is_zeros(self, mode):
        image = noise(14, (1, 2, 6, 7), np.float32)
        grid = coordinates(15, (1, 40), np.float32, (6, 7), "normalized")
        constant = fs.grid_sample(image, grid, mode, "constant", fill_value=0)
        np.testing.assert_array_equal(constant, fs.grid_sample(image, grid, mode, "zeros"))

    @pytest.mark.parametrize("fill", [0, -3, 2.5, np.float32(0.1), np.float64(0.1)])
    def test_kinds_of_numbers(self, fill):
        image = noise(16, (1, 2, 6, 7), np.float32)
        grid = coordinates(17, (1, 40), np.float32, (6, 7), "normalized")
        check(image, grid, padding_mode="constant", fill_value=fill)

    @pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf])
    def test_non_finite_fill_stays_outside(self, fill):
        image = noise(18, (1, 2, 4, 4), np.float32)
        grid = identity((4, 4), np.float32)
        options = {"padding_mode": "constant", "fill_value": fill, "coordinates": "pixel"}
        for mode in MODES:
            np.testing.assert_array_equal(sample(image, grid, mode, **options), image)
        for mode in ("nearest", "bilinear"):
            outside = sample(image, grid - np.float32(9), mode, **options)
            np.testing.assert_array_equal(outside, np.full_like(image, fill))


class TestExactCoordinates:
    @pytest.mark.parametrize("kernel", KERNELS, **by_name)
    def test_identity_in_pixels_returns_the_input(self, kernel):
        shortest = (kernel.shortest,) * kernel.ndim
        for sizes in (SMALL[kernel.ndim], shortest, (18, 17, 5)[: kernel.ndim]):
            image = noise(21, (2, 3, *sizes), kernel.input)
            got = sample(image, identity(sizes, kernel.grid), coordinates="pixel", **kernel.options)
            assert got.tobytes() == image.tobytes()

    @pytest.mark.parametrize("mode", MODES)
    def test_identity_returns_special_values(self, mode):
        """Infinities, subnormals and huge numbers come through untouched, whatever is beside."""
        values = [np.inf, -np.inf, 1e-45, 3e38, 1.0, np.nan, np.inf, 2.0, np.nan, np.nan, -7.0, 0.0]
        image = np.array(values * 5, np.float32).reshape(1, 1, 10, 6)
        for padding in PADDINGS:
            grid = identity((10, 6), np.float32)
            got = sample(image, grid, mode, padding, coordinates="pixel")
            np.testing.assert_array_equal(got, image, err_msg=padding)

    @pytest.mark.parametrize("kernel", [k for k in KERNELS if k.ndim == 2], **by_name)
    def test_a_rounding_beside_the_folds(self, kernel):
        """A fold may land a rounding outside [0, S); it must not read there."""
        dtype = kernel.grid
        for size in range(kernel.shortest, 12):
            turns = [s * k for s in (size, size - 1, size - 0.5, -0.5) for k in range(-9, 10)]
            turns = np.array([*turns, *np.divide(turns, 2), -1e-9, -1e-30, 1e-30], dtype)
            around = [np.nextafter(turns, dtype(side)) for side in (-np.inf, np.inf)]
            x = np.concatenate([turns, *around])
            grid = np.stack([x, np.ones_like(x)], -1)[None]
            image = noise(22, (1, 2, 4, size), kernel.input)
            for align in (False, True):
                options = {"align_corners": align, "coordinates": "pixel", **kernel.options}
                check(image, grid, (size, align), **options)

    @pytest.mark.parametrize("padding", PADDINGS)
    def test_nearest_rounds_half_to_even(self, padding):
        image = np.arange(10, 26, dtype=np.float32).reshape(1, 1, 2, 8)
        x = np.arange(-20.5, 21, 0.5, dtype=np.float32)
        grid = np.stack([x, np.ones_like(x)], -1)[None]
        for align in (False, True):
            options = {"align_corners": align, "coordinates": "pixel", "padding_mode": padding}
            check(image, grid, (padding, align), mode="nearest", **options)

    def test_the_worked_example(self):
        """g = -0.5 on a 4x4 image of 0..15 is 3.5, and 4.75 with aligned corners."""
        image = np.arange(1, 17, dtype=np.float64).reshape(1, 1, 4, 4)
        grid = np.full((1, 1, 2), -0.5)
        assert fs.grid_sample(image, grid, align_corners=False) == 3.5
        assert fs.grid_sample(image, grid, align_corners=True) == 4.75


class TestDroppedTaps:
    """A tap without weight is not read: 0 * inf would be NaN."""

    @pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
    @pytest.mark.parametrize("kernel", FLOAT32, **by_name)
    def test_neighbours_of_an_integer_coordinate(self, kernel, bad):
        sizes = (5,) * kernel.ndim
        image = np.full((1, 2, *sizes), bad, np.float32)
        image[(..., *(slice(1, 4),) * kernel.ndim)] = noise(23, (3,) * kernel.ndim, np.float32)
        grid = 1 + identity((3,) * kernel.ndim, np.float32)
        got = sample(image, grid, coordinates="pixel", **kernel.options)
        np.testing.assert_array_equal(got, image[(..., *(slice(1, 4),) * kernel.ndim)])

    @pytest.mark.parametrize("bad", [np.inf, np.nan])
    @pytest.mark.parametrize("kernel", FLOAT32, **by_name)
    def test_each_axis_drops_alone(self, kernel, bad):
        """On a lattice line of one axis only the other axes' neighbours are read."""
        sizes = (6,) * kernel.ndim
        image = noise(24, (1, 1, *sizes), np.float32)
        image[..., 3:] = bad
        grid = coordinates(25, (1, 40), np.float32, sizes, "pixel", spill=0.4)
        grid[..., 0] = 2
        options = {**kernel.options, "coordinates": "pixel"}
        assert np.isfinite(check(image, grid, **options)).all()

    @pytest.mark.parametrize("bad", [np.inf, np.nan])
    @pytest.mark.parametrize("mode", MODES)
    def test_outside_is_not_the_edge(self, mode, bad):
        """Taps outside read the fill value, not the pixel that their offset was clipped to."""
        image = np.full((1, 1, 6, 6), bad, np.float32)
        image[..., 1:-1, 1:-1] = 1
        outside = np.array([-1, -2, -3, -9, 6, 7, 8, 9, 14], np.float32)
        grid = np.stack(np.meshgrid(outside, outside), -1)[None]
        for padding in ("zeros", "constant"):
            options = {"padding_mode": padding, "coordinates": "pixel", **fill_of(padding)}
            got = check(image, grid, mode=mode, **options)
            assert np.isfinite(got).all()

    @pytest.mark.parametrize("padding", PADDINGS)
    @pytest.mark.parametrize("mode", MODES)
    def test_a_hole_spreads_no_further_than_its_taps(self, mode, padding):
        image = noise(26, (1, 2, 8, 9), np.float32)
        image[0, 0, 4, 4], image[0, 1, 0, 0], image[0, 1, 7, 8] = np.nan, np.inf, -np.inf
        if mode == "bicubic":
            # At an edge several taps are one pixel: the kernel adds their weights, the oracle
            # their products, and inf - inf is NaN where inf alone is not.
            image[np.isinf(image)] = np.nan
        grid = coordinates(27, (1, 200), np.float32, (8, 9), "pixel")
        check(image, grid, mode=mode, padding_mode=padding, coordinates="pixel")


class TestSignature:
    def test_defaults_are_pytorchs(self):
        image = noise(50, (1, 2, 6, 7), np.float32)
        grid = coordinates(51, (1, 33), np.float32, (6, 7), "normalized")
        check(image, grid)  # the oracle has the same defaults
        spelled = fs.grid_sample(image, grid, "bilinear", "zeros", False)
        np.testing.assert_array_equal(fs.grid_sample(image, grid), spelled)

    def test_the_rest_is_keyword_only(self):
        image, grid = np.ones((1, 1, 2, 2), np.float32), np.zeros((1, 1, 2), np.float32)
        with pytest.raises(TypeError):
            fs.grid_sample(image, grid, "bilinear", "zeros", False, "pixel")

    def test_align_corners_is_moot_in_pixels(self):
        image = noise(52, (1, 2, 6, 7), np.float32)
        grid = coordinates(53, (1, 33), np.float32, (6, 7), "pixel")
        for padding in ("zeros", "border", "wrap"):
            options = {"padding_mode": padding, "coordinates": "pixel"}
            plain = fs.grid_sample(image, grid, align_corners=False, **options)
            aligned = fs.grid_sample(image, grid, align_corners=True, **options)
            np.testing.assert_array_equal(plain, aligned)


@pytest.mark.compiled
class TestPointsNearEachOther:
    """They are read otherwise than points far apart, and give the same bits."""

    @pytest.mark.parametrize("padding", PADDINGS)
    @pytest.mark.parametrize("degrees", [-7, -2, 0, 1, 5, 30, 90, 178, 183])
    @pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
    def test_order_does_not_matter(self, mode, padding, degrees):
        image = noise(0, (2, 3, 60, 70), np.float32)
        y, x = np.meshgrid(np.linspace(-1.1, 1.1, 61), np.linspace(-1.2, 1.2, 83), indexing="ij")
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        grid = np.stack([cos * x - sin * y, sin * x + cos * y], -1).reshape(1, -1, 2)
        grid = np.repeat(grid.astype(np.float32), 2, axis=0)
        grid[0, 5], grid[1, 100] = np.nan, np.inf
        shuffled = np.random.default_rng(1).permutation(grid.shape[1])
        options = {"mode": mode, "padding_mode": padding, **fill_of(padding)}
        got = fs.grid_sample(image, grid, **options)
        want = fs.grid_sample(image, grid[:, shuffled], **options)
        np.testing.assert_array_equal(got[..., shuffled], want)

    def test_any_strides(self):
        """Rows apart, in the wrong order, and a view that ends with its memory."""
        whole = noise(2, (1, 2, 80, 90), np.float32)
        grid = identity((30, 40), np.float32) + np.float32(0.3)
        for image in (whole[:, :, ::2], whole[:, :, ::-1], whole[:, :, 40:, 50:], whole[..., ::-1]):
            got = sample(image, grid, coordinates="pixel")
            want = sample(np.ascontiguousarray(image), grid, coordinates="pixel")
            np.testing.assert_array_equal(got, want)
