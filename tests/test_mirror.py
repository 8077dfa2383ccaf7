"""The border rule of pixel coordinates alone: mirrors at the outer pixels' centres."""

import gradients
import numpy as np
import pytest
import sampling
import systems
from cases import MODES, coordinates, noise
from scipy import ndimage
from systems import assert_refused, off_the_kinks, slopes

import fastsample as fs

F32, F64 = np.float32, np.float64
MIRROR = {"padding_mode": "mirror", "coordinates": "pixel"}
SIZES = [(1,), (2,), (3,), (7,), (1, 2), (2, 1), (5, 6), (2, 3, 4)]
each_size = pytest.mark.parametrize("sizes", SIZES, ids=str)
each_mode = pytest.mark.parametrize("mode", MODES)


def far(seed, sizes, count=200, dtype=F64):
    """Points (1, count, D) up to four turns outside; a third of them on pixels' centres."""
    return coordinates(seed, (1, count), dtype, sizes, "pixel", spill=9)


class TestForward:
    @each_size
    @pytest.mark.parametrize(("order", "mode"), [(0, "nearest"), (1, "bilinear")])
    def test_equals_scipy(self, order, mode, sizes):
        image, points = noise(1, sizes, F64), far(2, sizes)
        want = ndimage.map_coordinates(image, points[0].T[::-1], order=order, mode="mirror")
        got = fs.grid_sample(image[None, None], points, mode, **MIRROR)
        np.testing.assert_allclose(got[0, 0], want, rtol=1e-11, atol=1e-11)

    @each_size
    @each_mode
    def test_equals_oracle(self, mode, sizes):
        image = noise(3, (1, 2, *sizes), F32)
        sampling.check(image, far(4, sizes, dtype=F32), sizes, mode=mode, **MIRROR)

    @each_mode
    @pytest.mark.parametrize("size", range(1, 6))
    def test_whole_coordinates_copy(self, mode, size):
        row = noise(5, (1, 1, size), F32)
        places = np.arange(-40, 41)
        got = fs.grid_sample(row, places[None, :, None].astype(F32), mode, **MIRROR)
        want = row[..., [systems.source(int(p), size, "mirror") for p in places]]
        np.testing.assert_array_equal(got, want)

    def test_as_numpy_pads(self):
        row = noise(6, (1, 1, 5), F32)
        places = np.arange(-9, 14, dtype=F32)[None, :, None]
        want = np.pad(row[0, 0], 9, "reflect")
        np.testing.assert_array_equal(fs.grid_sample(row, places, **MIRROR)[0, 0], want)

    @pytest.mark.parametrize("dtype", ["uint8", "float16", "complex64"])
    def test_types(self, dtype):
        image, points = (90 * noise(7, (1, 2, 4, 5), F64) + 100).astype(dtype), far(8, (4, 5))
        got = fs.grid_sample(image, points, **MIRROR)
        want = fs.grid_sample(image, points, "bilinear", "reflection", True, coordinates="pixel")
        np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("align_corners", [True, False, None])
    def test_corners_say_nothing(self, align_corners):
        image, points = noise(9, (1, 2, 4, 5), F32), far(10, (4, 5))
        got = fs.grid_sample(image, points, align_corners=align_corners, **MIRROR)
        np.testing.assert_array_equal(got, fs.grid_sample(image, points, **MIRROR))

    @each_mode
    def test_flow_warp(self, mode):
        image, flow = noise(11, (2, 3, 5, 6), F32), 6 * noise(12, (2, 2, 5, 6), F32)
        got = fs.flow_warp(image, flow, mode, "mirror")
        want = systems.flow_warp(image, flow, mode, "mirror")
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)

    @each_mode
    def test_remap(self, mode):
        image, points = noise(13, (5, 6, 3), F32), far(14, (5, 6), dtype=F32)[0]
        got = fs.remap(image, points[:, 0], points[:, 1], mode, "mirror")
        want = systems.remap(image, points[:, 0], points[:, 1], mode, "mirror")
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


class TestBackward:
    @each_size
    @pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
    def test_equals_oracle(self, mode, sizes):
        image, points = noise(15, (1, 2, *sizes), F32), far(16, sizes, dtype=F32)
        gradients.check_image(image, points, sizes, load=200, mode=mode, **MIRROR)

    def test_nearest_has_no_slope(self):
        image, points = noise(17, (1, 2, 4, 5), F32), far(18, (4, 5), dtype=F32)
        grads = gradients.check_image(image, points, load=200, mode="nearest", **MIRROR)
        assert not grads[1].any()

    @pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
    def test_slopes(self, mode):
        """Against differences of the result, off the kinks."""
        image, points = noise(19, (1, 2, 4, 5), F64), off_the_kinks(20, (1, 30), (4, 5))
        weights = noise(21, (1, 2, 30), F64)
        options = {"mode": mode, **MIRROR}
        got = fs.grid_sample_backward(weights, image, points, **options)[1]
        want = slopes(lambda p: fs.grid_sample(image, p, **options), points, weights)
        if mode == "bilinear":
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
        else:  # each tap is brought in by itself, and so is smooth
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)

    def test_flow_warp_through_vjp(self):
        image, flow = noise(22, (1, 2, 4, 5), F64), 3 * noise(23, (1, 2, 4, 5), F64)
        weights = noise(24, image.shape, F64)
        _, pullback = fs.vjp(fs.flow_warp, image, flow, padding_mode="mirror")
        to_image, to_flow = pullback(weights)
        options = {"padding_mode": "mirror"}
        want = slopes(lambda f: systems.flow_warp(image, f, **options), flow, weights)
        np.testing.assert_allclose(to_flow, want, rtol=1e-6, atol=1e-6)
        moved = noise(25, image.shape, F64)
        there = np.vdot(fs.flow_warp(moved, flow, **options), weights)
        np.testing.assert_allclose(there, np.vdot(moved, to_image), rtol=1e-11)


class TestNonFinite:
    @each_mode
    @pytest.mark.parametrize("dtype", [F32, F64])
    def test_as_reflection(self, mode, dtype):
        row = noise(26, (1, 1, 5), dtype)
        lost = np.array([np.nan, np.inf, -np.inf], dtype)[None, :, None]
        assert np.isnan(fs.grid_sample(row, lost, mode, **MIRROR)).all()
        ones = np.ones((1, 1, 3), dtype)
        to_row, to_grid = fs.grid_sample_backward(ones, row, lost, mode, **MIRROR)
        assert not to_row.any()
        assert np.isnan(to_grid).all()

    @pytest.mark.parametrize("dtype", [F32, F64])
    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_huge_ones_read_some_pixel(self, dtype, size):
        row = np.arange(1, size + 1, dtype=F32)[None, None]
        limit = np.finfo(dtype).max
        huge = np.array([1e9, -1e9, 1e30, -1e30, limit, -limit], dtype)[None, :, None]
        got = fs.grid_sample(row, huge, "nearest", **MIRROR)
        assert np.isin(got, row).all()

    def test_integers_read_the_fill_value(self):
        row, nan = np.arange(5, dtype=np.uint8)[None, None], np.full((1, 1, 1), np.nan)
        assert fs.grid_sample(row, nan, fill_value=7, **MIRROR).item() == 7


IMAGE, EYE = np.ones((1, 2, 4, 4), F32), np.eye(2, 3, dtype=F32)[None]
GRID = np.zeros((1, 4, 4, 2), F32)
BOX = np.array([[0, 0, 2, 2]]), np.array([0])
ELSEWHERE = {
    "grid_sample": (IMAGE, GRID),
    "grid_sample_backward": (IMAGE, IMAGE, GRID),
    "affine_sample": (IMAGE, EYE, (4, 4)),
    "affine_sample_backward": (IMAGE, IMAGE, EYE, (4, 4)),
    "point_sample": (IMAGE, GRID),
    "point_sample_backward": (IMAGE, IMAGE, GRID),
    "patch_affine": (IMAGE, EYE, *BOX),
    "patch_affine_backward": (IMAGE, IMAGE, EYE, *BOX),
    "region_shift": (IMAGE, [[1, 1]]),
    "region_shift_backward": (IMAGE, IMAGE, [[1, 1]]),
}
"""Calls that are right, but for it."""


class TestErrors:
    @pytest.mark.parametrize("name", ELSEWHERE)
    def test_elsewhere_it_says_where_it_works(self, name):
        words = "'reflection'", "got 'mirror'", "coordinates='pixel'", "remap", "flow_warp"
        of = ELSEWHERE[name]
        assert_refused(getattr(fs, name), "padding_mode", *words, of=of, padding_mode="mirror")

    def test_a_wrong_word_learns_of_it(self):
        options = {"coordinates": "pixel", "padding_mode": "mirrored"}
        assert_refused(fs.grid_sample, "padding_mode", "'mirror'", of=(IMAGE, GRID), **options)
