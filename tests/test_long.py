"""Axes on which a float32 cannot count pixels: single coordinates are computed in double there."""

from functools import partial

import numpy as np
import pytest
from cases import MODES, noise

import fastsample as fs
from fastsample._calls import run, sampled

F32, F64 = np.float32, np.float64
SIZE = 2**24 + 4099
PADDINGS = ("zeros", "border", "reflection", "wrap", "mirror", "constant")
FILL = 7
IMAGES = {1: (2, 3, 9), 2: (2, 3, 4, 9), 3: (2, 3, 3, 4, 6)}


def source(index, size, padding):
    """The pixel that each position reads, -1 where it is outside."""
    if padding == "border":
        return np.clip(index, 0, size - 1)
    if padding == "wrap":
        return index % size
    if padding == "reflection":
        return np.minimum(index % (2 * size), 2 * size - 1 - index % (2 * size))
    if padding == "mirror":
        period = 2 * (size - 1)
        return np.minimum(index % period, period - index % period)
    return np.where((index >= 0) & (index < size), index, -1)


def pixels(index, size, padding):
    """What a signal whose pixel j holds j has there."""
    at = source(index, size, padding)
    return np.where(at < 0, FILL if padding == "constant" else 0, at)


@pytest.fixture(scope="module")
def signal():
    """(1, 1, SIZE): each pixel holds its own index."""
    return np.arange(SIZE, dtype=np.int32)[None, None]


@pytest.fixture(scope="module")
def steps():
    """(SIZE,): small ones, some of which lead far outside, at the other end."""
    made = np.random.default_rng(0).integers(-5, 6, SIZE, np.int32)
    made[::1000] = 2**24
    return made


@pytest.mark.compiled
class TestWholeSteps:
    @pytest.mark.parametrize("padding", PADDINGS)
    def test_a_whole_flow_copies(self, signal, steps, padding):
        flow = steps.astype(F32)[None, None]
        got = fs.flow_warp(signal, flow, "nearest", padding, fill_value=FILL)
        want = pixels(signal[0, 0] + steps, SIZE, padding)
        np.testing.assert_array_equal(got[0, 0], want)

    @pytest.mark.parametrize("mode", MODES)
    def test_no_flow_is_the_input(self, signal, mode):
        got = fs.flow_warp(signal, np.zeros((1, 1, SIZE), F32), mode)
        np.testing.assert_array_equal(got, signal)

    @pytest.mark.parametrize("padding", ["border", "zeros", "wrap", "reflection"])
    def test_a_whole_shift_copies(self, signal, padding):
        for shift in (3, -5, 2**24):
            got = fs.region_shift(signal, np.array([[shift]], F32), padding)
            want = pixels(signal[0, 0] - np.int32(shift), SIZE, padding)
            np.testing.assert_array_equal(got[0, 0], want, err_msg=str(shift))

    @pytest.mark.parametrize("padding", PADDINGS)
    @pytest.mark.parametrize("mode", MODES)
    def test_a_whole_coordinate_reads_its_pixel(self, signal, mode, padding):
        """Of all that float32 has, beyond both ends too."""
        index = np.array([*range(2**23 - 20, 2**23 + 20), *range(2**24 - 40, 2**24 + 1)])
        index = np.append(index, [2 * SIZE - 1000, -3, -(2**23) - 1, 0, 2 * SIZE + 2**22])
        index = index.astype(F32).astype(np.int64)  # the last ones are rounded
        grid = index.astype(F32)[None, :, None]
        options = {"coordinates": "pixel", "fill_value": FILL}
        got = fs.grid_sample(signal, grid, mode, padding, **options)
        np.testing.assert_array_equal(got[0, 0], pixels(index, SIZE, padding))

    def test_an_affine_identity(self, signal):
        got = fs.affine_sample(signal, np.eye(1, 2, dtype=F32)[None], (SIZE,), "nearest")
        np.testing.assert_array_equal(got, signal)

    def test_an_affine_grid_is_rounded_once(self):
        theta = np.array([[[0.5, 0.25]]], F32)
        got = fs.affine_grid(theta, (1, 1, SIZE))
        want = fs.affine_grid(theta.astype(F64), (1, 1, SIZE))
        np.testing.assert_array_equal(got, want.astype(F32))


@pytest.fixture
def everything_is_long(monkeypatch):
    """Axes of five pixels count as long, and what is copied is cut into many parts."""

    def forget():
        run.prepare.cache_clear()
        sampled._prepare.cache_clear()

    monkeypatch.setattr(run, "LONG", 4)
    monkeypatch.setattr(run, "DOUBLED_BYTES", 200)
    forget()
    yield
    monkeypatch.undo()
    forget()


def of_both(function, *arguments, at):
    """What a function gives for float32 coordinates and for float64 ones of the same values."""
    double = [x.astype(F64) if k == at else x for k, x in enumerate(arguments)]
    return function(*arguments), function(*double)


@pytest.mark.usefixtures("everything_is_long")
class TestSameAsDouble:
    """Single coordinates give what the same numbers give in double; their gradient is rounded."""

    @pytest.mark.parametrize("shape", [(2, 40, 2), (1, 40, 2), (2, 3, 50, 2), (2, 2, 5, 30, 2)])
    def test_grids(self, shape):
        image, grid = noise(0, IMAGES[2], F32), noise(1, shape, F32)
        got, want = of_both(fs.grid_sample, image, grid, at=1)
        np.testing.assert_array_equal(got, want)
        gradient = noise(2, got.shape, F32)
        got, want = of_both(fs.grid_sample_backward, gradient, image, grid, at=2)
        self.equal_gradients(got, want)

    def test_no_output_axes(self):
        got, want = of_both(fs.grid_sample, noise(3, (2, 3, 9), F32), noise(4, (2, 1), F32), at=1)
        np.testing.assert_array_equal(got, want)

    def test_empty(self):
        image, grid = noise(5, (2, 3, 9), F32), np.zeros((2, 0, 1), F32)
        assert fs.grid_sample(image, grid).shape == (2, 3, 0)
        to_image, to_grid = fs.grid_sample_backward(np.zeros((2, 3, 0), F32), image, grid)
        assert not to_image.any()
        assert to_grid.shape == grid.shape

    @pytest.mark.parametrize(("ndim", "last"), [(1, False), (2, False), (3, False), (2, True)])
    def test_flows(self, ndim, last):
        shape = IMAGES[ndim]
        image, flow = noise(6, shape, F32), 3 * noise(7, (2, ndim, *shape[2:]), F32)
        if last:
            image, flow = (np.ascontiguousarray(np.moveaxis(x, 1, -1)) for x in (image, flow))
        options = {"padding_mode": "reflection", "channels_last": last}
        got, want = of_both(partial(fs.flow_warp, **options), image, flow, at=1)
        np.testing.assert_array_equal(got, want)
        gradient = noise(8, got.shape, F32)
        back = partial(fs.flow_warp_backward, **options)
        self.equal_gradients(*of_both(back, gradient, image, flow, at=2))

    @pytest.mark.parametrize("dtype", ["float32", "complex64", "float16"])
    def test_matrices(self, dtype):
        image, theta = noise(9, IMAGES[2], F32).astype(dtype), noise(10, (2, 2, 3), F32)
        got, want = of_both(partial(fs.affine_sample, size=(5, 7)), image, theta, at=1)
        np.testing.assert_array_equal(got, want)
        back = partial(fs.affine_sample_backward, size=(5, 7))
        self.equal_gradients(*of_both(back, np.ones_like(got), image, theta, at=2))

    def test_shifts(self):
        image, shifts = noise(11, (2, 4, 3, 9), F32), 5 * noise(12, (2, 2), F32)
        got, want = of_both(fs.region_shift, image, shifts, at=1)
        np.testing.assert_array_equal(got, want)
        self.equal_gradients(*of_both(fs.region_shift_backward, want, image, shifts, at=2))

    def test_maps_into_a_strided_result(self):
        image, maps = noise(13, (5, 9, 3), F32), 4 * noise(14, (30, 20, 2), F32)
        out = np.zeros((30, 40, 3), F32)[:, ::2]
        assert fs.remap(image, maps, out=out) is out
        np.testing.assert_array_equal(out, fs.remap(image, maps.astype(F64)))

    def test_byte_swapped(self):
        image, grid = noise(15, IMAGES[2], ">f4"), noise(16, (2, 40, 2), ">f4")
        got = fs.grid_sample(image, grid)
        np.testing.assert_array_equal(got, fs.grid_sample(image, grid.astype(F64)))

    def equal_gradients(self, got, want):
        for ours, theirs in zip(got, want, strict=True):
            np.testing.assert_allclose(ours, theirs.astype(ours.dtype), rtol=2e-5, atol=2e-5)
        assert got[1].dtype == F32
