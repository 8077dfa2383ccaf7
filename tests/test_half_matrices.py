"""theta of float16: grids and gradients are of its type, computed in float32 and rounded once."""

import numpy as np
import pytest
from cases import noise
from systems import assert_refused, assert_written_and_returned

import fastsample as fs

F16, F32, F64 = np.float16, np.float32, np.float64
THETA = noise(0, (3, 2, 3), F16)
SIZE = (3, 1, 40, 50)


def same_bits(got, want):
    """Of the first one's type, rounded once."""
    with np.errstate(over="ignore"):
        want = want.astype(got.dtype)
    np.testing.assert_array_equal(got, want)


class TestGrid:
    @pytest.mark.parametrize("ndim", [1, 2, 3])
    @pytest.mark.parametrize("batch", [1, 2])
    def test_is_rounded_once(self, ndim, batch):
        theta, size = noise(1, (batch, ndim, ndim + 1), F16), (2, 1, 5, 60, 7)[: 2 + ndim]
        got = fs.affine_grid(theta, size)
        assert got.dtype == F16
        same_bits(got, fs.affine_grid(theta.astype(F32), size))

    def test_does_not_collapse(self):
        """Beyond 2048 float16 counts in twos."""
        got = fs.affine_grid(np.eye(1, 2, dtype=F16)[None], (1, 1, 5000))
        centres = (2 * np.arange(5000) + 1) / 5000 - 1
        np.testing.assert_allclose(got[0, :, 0], centres, rtol=1e-3, atol=1e-6)

    def test_out(self):
        assert_written_and_returned(fs.affine_grid, THETA, SIZE)
        out = np.zeros((*SIZE[:1], *SIZE[2:], 2), F32)
        assert_refused(fs.affine_grid, "out", "float16", of=(THETA, SIZE), out=out, error=TypeError)

    def test_beyond_its_range_it_is_infinite(self):
        with np.errstate(all="raise"):
            got = fs.affine_grid(np.full((1, 1, 2), 60_000, F16), (1, 1, 4))
        assert np.isposinf(got[0, -1, 0])

    def test_byte_swapped(self):
        got = fs.affine_grid(THETA.astype(">f2"), SIZE)
        np.testing.assert_array_equal(got, fs.affine_grid(THETA, SIZE))


class TestGradient:
    """It is that of the same numbers in double, rounded once."""

    def test_of_a_grid(self):
        gradient = noise(2, (3, 40, 50, 2), F16)
        got = fs.affine_grid_backward(gradient, SIZE)
        assert got.dtype == F16
        same_bits(got, fs.affine_grid_backward(gradient.astype(F64), SIZE))

    def test_of_a_sample(self):
        image, gradient = noise(3, (3, 2, 9, 11), F32), noise(4, (3, 2, 40, 50), F32)
        got = fs.affine_sample_backward(gradient, image, THETA, SIZE[2:])[1]
        assert got.dtype == F16
        same_bits(got, fs.affine_sample_backward(gradient, image, THETA.astype(F32), SIZE[2:])[1])

    def test_of_patches(self):
        image, gradient = noise(5, (1, 2, 9, 11), F32), noise(6, (1, 2, 9, 11), F32)
        boxes = np.array([[0, 0, 9, 8]] * 3), np.zeros(3, int)
        got = fs.patch_affine_backward(gradient, image, THETA, *boxes)[1]
        assert got.dtype == F16
        same_bits(got, fs.patch_affine_backward(gradient, image, THETA.astype(F32), *boxes)[1])

    def test_through_vjp(self):
        grid, pullback = fs.vjp(fs.affine_grid, THETA, SIZE)
        (got,) = pullback(np.ones_like(grid))
        assert got.dtype == F16

    def test_beyond_its_range_it_is_infinite(self):
        """Without a warning, whatever NumPy is told to do about them."""
        image = noise(7, (1, 1, 9, 11), F32)
        image[...] = 1e4 * np.arange(11)
        gradient = np.ones((1, 1, 40, 50), F32)
        with np.errstate(all="raise"):
            to_theta = fs.affine_sample_backward(gradient, image, THETA[:1] / 8, SIZE[2:])[1]
            to_grid = fs.grid_sample_backward(
                gradient, image, np.zeros((1, 40, 50, 2), F16), padding_mode="border"
            )[1]
            of_grid = fs.affine_grid_backward(np.full((1, 90, 90, 2), 6e4, F16), (1, 1, 90, 90))
        assert np.isinf(to_theta).any()
        assert to_grid.dtype == F16
        assert np.isposinf(of_grid[..., 2]).all()
