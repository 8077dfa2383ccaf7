"""Sums over points: planes that threads share, groups of channels, many points on a pixel."""

import numpy as np
import oracle
import pytest
from cases import MODES, PADDINGS, coordinates, fill_of, identity, noise
from gradients import (
    backward,
    check,
    check_image,
    each,
    each_image_kernel,
    each_kernel,
    extent,
    grad_for,
    rotation,
)
from sampling import grid_for, settings_of
from tolerances import assert_close


@pytest.mark.compiled
class TestBands:
    """Planes so large that threads may share one: each pixel still gets all its points."""

    @pytest.mark.parametrize("degrees", [6, 45, 90])
    def test_rotations(self, degrees):
        check_image(noise(112, (1, 1, 700, 900), np.float32), rotation(degrees, (400, 500)))

    @pytest.mark.parametrize("mode", MODES)
    def test_other_modes_and_types(self, mode):
        image = noise(113, (1, 1, 500, 600), np.float32)
        check_image(image, rotation(30, (200, 300)), mode=mode, padding_mode="border")

    def test_a_quarter_turn_returns_every_value(self):
        """Pixel centres onto pixel centres: grad_input is grad_output turned back, to the bit."""
        grad = noise(114, (1, 1, 900, 1100), np.float32)
        grid = np.rot90(identity((1100, 900), np.float32), axes=(1, 2))
        image = np.ones((1, 1, 1100, 900), np.float32)
        got, _ = backward(grad, image, grid, coordinates="pixel")
        assert got.tobytes() == np.rot90(grad, -1, (2, 3)).tobytes()

    def test_few_rows(self):
        """Points on the first and last rows alone, and on rows where bands may meet."""
        for rows in ([0, 1023], [511, 512], [255, 256, 767, 768], [340, 341, 682, 683], [1023]):
            x = np.random.default_rng(115).uniform(-1, 600, 3000)
            y = np.resize(rows, 3000) + np.random.default_rng(116).uniform(-0.9, 0.9, 3000)
            grid = np.stack([x, y], -1)[None].astype(np.float32)
            image = noise(117, (1, 1, 1024, 600), np.float32)
            check_image(image, grid, rows, coordinates="pixel")

    @each_kernel
    def test_points_in_order(self, kernel):
        """Row after row: a tile's taps end now before a row where bands meet, now behind it."""
        rng = np.random.default_rng(196)
        for rows, step in ((37, 1), (40, -1), (43, 1)):
            sizes = rows, *(6, 5)[: kernel.ndim - 1]
            others = [rng.uniform(-1, s, 10_000) for s in sizes[:0:-1]]
            first = np.linspace(-2.3, rows + 1.2, 10_000)[::step]
            grid = np.stack([*others, first], -1)[None].astype(kernel.grid)
            image = noise(197, (1, 1, *sizes), kernel.input)
            options = {**kernel.options, "coordinates": "pixel"}
            check(grad_for(image, grid), image, grid, rows, load=10, **options)

    @pytest.mark.parametrize("padding", PADDINGS)
    def test_every_border(self, padding):
        """Wrapped and mirrored points fall on bands far from their neighbours'."""
        image = noise(118, (1, 1, 300, 400), np.float32)
        options = {"padding_mode": padding, **fill_of(padding)}
        check_image(image, rotation(20, (250, 250), zoom=2.3), **options)

    @pytest.mark.parametrize(("n_input", "n_grid"), [(1, 3), (3, 1)])
    def test_a_shared_batch(self, n_input, n_grid):
        image = noise(119, (n_input, 1, 300, 400), np.float32)
        turns = [rotation(degrees, (150, 180)) for degrees in (6, 50, 85)[:n_grid]]
        check_image(image, np.concatenate(turns))

    def test_a_volume(self):
        grid = coordinates(120, (1, 25, 30, 35), np.float32, (40, 50, 60), "normalized")
        check_image(noise(121, (1, 1, 40, 50, 60), np.float32), grid)

    def test_a_long_row(self):
        grid = coordinates(122, (1, 60_000), np.float32, (100_000,), "pixel")
        check_image(noise(123, (1, 1, 100_000), np.float32), grid, coordinates="pixel")


class TestGroups:
    """Eight channels of an image and more, which are summed 16 at a time."""

    @each(lambda kernel: kernel.ndim == 2 and kernel.mode == "bilinear")
    def test_equals_oracle(self, kernel):
        image = noise(220, (2, 19, 7, 9), kernel.input)
        for options in settings_of(kernel):
            check_image(image, grid_for(kernel, options, (2, 5, 11), (7, 9)), options, **options)

    @pytest.mark.parametrize("channels", [7, 8, 9, 15, 16, 17, 31, 32, 33, 70])
    def test_a_channel_is_the_same_in_every_group(self, channels):
        image = noise(221, (2, channels, 5, 6), np.float32)
        grid = coordinates(223, (2, 3, 40), np.float32, (5, 6), "normalized")
        grad = grad_for(image, grid)
        got, _ = backward(grad, image, grid)
        want = oracle.grid_sample_backward(grad, image, grid)[0]
        assert_close(got, want, extent(want))
        first = max(0, channels - 13)
        if channels - first >= 8:
            alone, _ = backward(grad[:, first:], image[:, first:], grid)
            assert alone.tobytes() == got[:, first:].tobytes()

    @pytest.mark.compiled
    @pytest.mark.parametrize("degrees", [6, 45, 90])
    @pytest.mark.parametrize("sizes", [(150, 120), (40, 800), (20, 1000)])
    def test_bands(self, sizes, degrees):
        """Planes whose sums are too many for a thread, and rows too wide for groups."""
        check_image(noise(224, (1, 9, *sizes), np.float32), rotation(degrees, (60, 50)), degrees)

    @pytest.mark.parametrize(("n_input", "n_grid"), [(1, 3), (3, 1)])
    def test_a_shared_batch(self, n_input, n_grid):
        image = noise(225, (n_input, 18, 6, 5), np.float32)
        turns = [rotation(degrees, (8, 9)) for degrees in (6, 50, 85)[:n_grid]]
        check_image(image, np.concatenate(turns))

    @pytest.mark.parametrize("step", [-1, 2])
    def test_gradients_with_strides(self, step):
        image = noise(226, (1, 18, 6, 5), np.float32)
        grid = coordinates(227, (1, 6, 21), np.float32, (6, 5), "normalized")
        grad = noise(228, (1, 18, 6, 21 * abs(step)), np.float32)[..., ::step]
        check(grad, image, grid)
        check(grad.transpose(0, 1, 3, 2), image, grid.transpose(0, 2, 1, 3))

    def test_every_point_counts(self):
        grad, image = np.ones((1, 8, 50), np.float32), noise(229, (1, 8, 7, 8), np.float32)
        grid = np.full((1, 50, 2), 2.5, np.float32)
        got, _ = backward(grad, image, grid, coordinates="pixel")
        want = np.zeros_like(image)
        want[:, :, 2:4, 2:4] = 50 / 4
        np.testing.assert_array_equal(got, want)


class TestPileUp:
    """Many points on one pixel: none is lost, whoever else adds to it."""

    @pytest.mark.parametrize("points", [16, 33, pytest.param(40_000, marks=pytest.mark.compiled)])
    @each_image_kernel
    def test_every_point_counts(self, kernel, points):
        grad = np.ones((1, 2, points), np.float32)
        image = noise(124, (1, 2, 7, 8), np.float32)
        grid = np.full((1, points, 2), 3, np.float32)
        got, _ = backward(grad, image, grid, coordinates="pixel", **kernel.options)
        want = np.zeros_like(image)
        want[:, :, 3, 3] = points
        np.testing.assert_array_equal(got, want)

    @each_image_kernel
    def test_fractions(self, kernel):
        grid = np.full((1, 50, 2), 2.3, np.float32)
        grid[:, ::3] = -0.6
        image = noise(125, (1, 2, 7, 8), np.float32)
        check(grad_for(image, grid), image, grid, load=50, coordinates="pixel", **kernel.options)

    @pytest.mark.compiled
    def test_neighbours_take_turns(self):
        """Points that meet pairwise, in every order within a vector and across tiles."""
        x = np.random.default_rng(126).integers(0, 4, 20_000) + 0.5
        grid = np.stack([x, np.ones_like(x)], -1)[None].astype(np.float32)
        image = noise(127, (1, 3, 3, 6), np.float32)
        check(grad_for(image, grid), image, grid, load=100, coordinates="pixel")

    @pytest.mark.compiled
    def test_on_a_large_plane(self):
        """All threads want the same four pixels."""
        grid = np.full((1, 300, 200, 2), 500.5, np.float32)
        grad = np.ones((1, 1, 300, 200), np.float32)
        image = noise(128, (1, 1, 900, 1000), np.float32)
        got, _ = backward(grad, image, grid, coordinates="pixel")
        want = np.zeros_like(image)
        want[:, :, 500:502, 500:502] = 300 * 200 / 4
        np.testing.assert_array_equal(got, want)
