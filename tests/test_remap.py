"""remap: OpenCV's call, with exact coordinates."""

import numpy as np
import pytest
import systems
from cases import FILL, noise
from scipy import ndimage
from systems import (
    LAYOUTS,
    assert_refused,
    assert_written_and_returned,
    layouts,
    off_the_kinks,
    watched,
)
from tolerances import assert_close, of_the_coarser

import fastsample as fs

F32, F64 = np.float32, np.float64
NEAR = of_the_coarser(F32, factor=3)

KERNELS = [
    ("bilinear", "zeros", F32),
    ("bilinear", "border", F64),
    ("bilinear", "wrap", F32),
    ("bicubic", "constant", F32),
    ("nearest", "reflection", F32),
]


def maps(seed, shape, sizes, dtype=F32):
    """(map_x, map_y) off the kinks and two pixels outside."""
    return tuple(np.moveaxis(off_the_kinks(seed, shape, sizes), -1, 0).astype(dtype))


def check(image, map_x, map_y, **options):
    """The result, after a comparison with the oracle."""
    got = watched(fs.remap, image, map_x, map_y, **options)
    assert got.dtype == image.dtype.newbyteorder("=")
    assert got.shape == (*map_x.shape, *image.shape[2:])
    assert got.flags.c_contiguous
    want = systems.remap(image, map_x, map_y, **options)
    assert_close(got, want, scale=np.abs(want).max(initial=1), table=NEAR, context=str(options))
    return got


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize(("mode", "padding", "dtype"), KERNELS)
def test_equals_oracle(mode, padding, dtype, channels):
    image = noise(1, (6, 7, *channels), dtype)
    fill = {"fill_value": FILL} if padding == "constant" else {}
    check(image, *maps(2, (9, 8), (6, 7), dtype), mode=mode, padding_mode=padding, **fill)


@pytest.mark.parametrize("channels", [2, 4, 5, 16, 17, 70, 300])
def test_any_number_of_channels(channels):
    check(noise(3, (6, 7, channels), F32), *maps(4, (5, 4), (6, 7)))


@pytest.mark.parametrize("width", [*range(1, 19), 31, 32, 33])
def test_any_size(width):
    check(noise(5, (2, width, 3), F32), *maps(6, (3, width), (2, width)))


@pytest.mark.compiled
def test_beyond_one_tile():
    check(noise(7, (40, 51, 3), F32), *maps(8, (70, 61), (40, 51)))


@pytest.mark.compiled
def test_wider_than_opencv_can():
    """More than 32767 columns."""
    image = noise(9, (2, 40_000, 3), F32)
    map_x = np.array([[32_768.25, 39_999, 0]], F32)
    check(image, map_x, np.full_like(map_x, 0.5))


@pytest.mark.parametrize(
    ("padding", "theirs"),
    [
        ("zeros", "grid-constant"),
        ("border", "nearest"),
        ("wrap", "grid-wrap"),
        ("reflection", "reflect"),
    ],
)
def test_equals_scipy(padding, theirs):
    """float64, since SciPy's coordinates are."""
    image, (map_x, map_y) = noise(10, (11, 13), F64), maps(11, (20, 20), (11, 13), F64)
    want = ndimage.map_coordinates(image, [map_y, map_x], order=1, mode=theirs)
    got = fs.remap(image, map_x, map_y, padding_mode=padding)
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-11)


def test_whole_coordinates_copy():
    image = noise(12, (6, 7, 3), F32)
    image[::2, ::3] = [np.nan, np.inf, -np.inf]
    y, x = np.random.default_rng(13).integers(0, [[[6]], [[7]]], (2, 9, 8))
    got = fs.remap(image, x.astype(F32), y.astype(F32))
    np.testing.assert_array_equal(got, image[y, x])


def test_no_steps_of_a_32nd_of_a_pixel():
    ramp = np.arange(9, dtype=F32)[None].repeat(2, 0)
    x = np.linspace(3, 4, 1000, dtype=F32)[None]
    np.testing.assert_allclose(fs.remap(ramp, x, np.zeros_like(x)), x, rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "out"),
    [((0, 7, 3), (0, 4)), ((6, 7, 0), (5, 4)), ((6, 7), (0, 4)), ((6, 7, 3), (5, 0))],
)
def test_empty(image, out):
    got = fs.remap(np.ones(image, F32), np.zeros(out, F32), np.zeros(out, F32))
    assert got.shape == (*out, *image[2:])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_layouts(channels, layout):
    image, (map_x, map_y) = noise(14, (6, 7, *channels), F32), maps(15, (5, 8), (6, 7))
    check(dict(layouts(image))[layout], map_x, map_y)
    check(image, *(dict(layouts(m))[layout] for m in (map_x, map_y)))


def test_channels_first_as_a_view():
    image = np.moveaxis(noise(16, (3, 6, 7), F32), 0, -1)
    check(image, *maps(17, (5, 8), (6, 7)))


def test_maps_that_are_halves_of_one_array():
    both = off_the_kinks(18, (5, 8), (6, 7)).astype(F32)
    check(noise(19, (6, 7, 3), F32), both[..., 0], both[..., 1])


class TestOneMap:
    """(x, y) along the last axis of map_x, without map_y."""

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("channels", [(), (3,)])
    def test_equals_two(self, channels, layout):
        image, pairs = noise(30, (6, 7, *channels), F32), off_the_kinks(31, (5, 8), (6, 7))
        pairs = pairs.astype(F32)
        want = fs.remap(image, pairs[..., 0], pairs[..., 1])
        got = watched(fs.remap, image, dict(layouts(pairs))[layout])
        np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("out", [(), (0,), (4,), (2, 3, 4)])
    def test_any_number_of_axes(self, out):
        image, pairs = noise(32, (6, 7, 3), F64), noise(33, (*out, 2), F64) + 3
        got = fs.remap(image, pairs, padding_mode="border")
        want = fs.remap(image, pairs[..., 0], pairs[..., 1], padding_mode="border")
        assert got.shape == (*out, 3)
        np.testing.assert_array_equal(got, want)

    def test_out(self):
        pairs = off_the_kinks(34, (5, 8), (6, 7)).astype(F32)
        assert_written_and_returned(fs.remap, noise(35, (6, 7, 3), F32), pairs)

    @pytest.mark.parametrize("shape", [(5, 8), (5, 8, 3), (2, 5, 8), (1,)])
    def test_its_last_axis_is_two(self, shape):
        of = np.ones((6, 7), F32), np.zeros(shape, F32)
        assert_refused(fs.remap, "map_x", r"(*out, 2)", "map_y is None", shape, of=of)

    def test_its_type(self):
        of = np.ones((6, 7), F32), np.zeros((5, 8, 2), np.int16)
        assert_refused(fs.remap, "map_x", "int16", of=of, error=TypeError)

    def test_out_is_not_the_map(self):
        pairs = np.zeros((5, 8, 2), F32)
        of = np.ones((6, 7, 2), F32), pairs
        assert_refused(fs.remap, "out", "map_x", of=of, out=pairs)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_out(channels):
    assert_written_and_returned(
        fs.remap, noise(20, (6, 7, *channels), F32), *maps(21, (5, 8), (6, 7))
    )


class TestNonFinite:
    def test_nan_gives_nan_and_spoils_no_neighbour(self):
        map_x, map_y = maps(22, (5, 8), (6, 7))
        map_y[2, 3] = np.nan
        got = fs.remap(noise(23, (6, 7), F32), map_x, map_y)
        assert np.isnan(got[2, 3])
        assert np.isnan(got).sum() == 1

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38, -3e38])
    def test_far_outside(self, value):
        map_x, map_y = maps(24, (5, 8), (6, 7))
        map_x[::2] = value
        assert (fs.remap(noise(25, (6, 7, 3), F32), map_x, map_y)[::2] == 0).all()


class TestErrors:
    GOOD = np.ones((6, 7, 3), F32), np.zeros((5, 8), F32), np.zeros((5, 8), F32)

    @pytest.mark.parametrize("shape", [(), (7,), (1, 6, 7, 3)])
    def test_image(self, shape):
        assert_refused(fs.remap, "image", shape, of=(np.ones(shape, F32), *self.GOOD[1:]))

    def test_nothing_to_sample(self):
        assert_refused(fs.remap, "image", (0, 7, 3), of=(np.ones((0, 7, 3), F32), *self.GOOD[1:]))

    @pytest.mark.parametrize("shape", [(5, 7), (8, 5), (5,), (1, 5, 8)])
    def test_maps_of_two_shapes(self, shape):
        image, map_x, _ = self.GOOD
        assert_refused(fs.remap, "map_[xy]", shape, of=(image, map_x, np.zeros(shape, F32)))

    @pytest.mark.parametrize("dtype", [bool, np.int16, np.complex64])
    def test_types(self, dtype):
        image, map_x, map_y = self.GOOD
        assert_refused(fs.remap, "map_x", of=(image, map_x.astype(dtype), map_y), error=TypeError)
        assert_refused(fs.remap, "map_y", of=(image, map_x, map_y.astype(dtype)), error=TypeError)

    @pytest.mark.parametrize("option", ["mode", "padding_mode"])
    def test_words(self, option):
        assert_refused(fs.remap, option, "'edge'", of=self.GOOD, **{option: "edge"})

    def test_out(self):
        image, map_x, map_y = self.GOOD
        assert_refused(fs.remap, "out", (5, 8, 3), of=self.GOOD, out=np.ones((5, 8), F32))
        of = image[..., 0], map_x, map_y
        assert_refused(fs.remap, "out", "map_x", of=of, out=map_x)
        assert_refused(fs.remap, "out", "map_y", of=of, out=map_y)
        square = np.ones((6, 7), F32)
        small = np.zeros((6, 7), F32)
        assert_refused(fs.remap, "out", "image", of=(square, small, small), out=square[::-1])
