"""Types that `nearest` copies bit by bit, and no other mode takes: label maps, masks."""

import numpy as np
import pytest

import fastsample as fs

pytestmark = pytest.mark.compiled
LABELS = ("bool", "uint32", "int64", "uint64")


def pixel_grid(sizes):
    """Each pixel's own place."""
    y, x = np.indices(sizes, np.float32)
    return np.stack([x, y], -1)[None]


def labels(dtype, shape):
    """Labels that no float holds, where the type has them."""
    if dtype == "bool":
        return np.random.default_rng(0).random(shape) < 0.5
    info = np.iinfo(dtype)
    return np.random.default_rng(0).integers(info.max - 2**20, info.max, shape, dtype, True)


@pytest.mark.parametrize("dtype", LABELS)
@pytest.mark.parametrize("channels", [1, 3, 17])
@pytest.mark.parametrize("last", [False, True])
def test_are_copied(dtype, channels, last):
    image = labels(dtype, (2, channels, 6, 7))
    grid = pixel_grid((6, 7))[:, ::-1, ::2]
    seen = np.ascontiguousarray(np.moveaxis(image, 1, -1)) if last else image
    got = fs.grid_sample(seen, grid, "nearest", coordinates="pixel", channels_last=last)
    assert got.dtype == image.dtype
    got = np.moveaxis(got, -1, 1) if last else got
    np.testing.assert_array_equal(got, image[:, :, ::-1, ::2])


@pytest.mark.parametrize("dtype", LABELS)
def test_outside_is_the_fill_value_and_so_is_nowhere(dtype):
    image = labels(dtype, (1, 1, 6, 7))
    most = 1 if dtype == "bool" else int(np.iinfo(dtype).max) - 1
    grid = np.array([[[-9.0, 0.0], [np.nan, 0.0], [2.0, 3.0]]])
    rule = {"padding_mode": "constant", "fill_value": most, "coordinates": "pixel"}
    got = fs.grid_sample(image, grid, "nearest", **rule)
    np.testing.assert_array_equal(got[0, 0], np.array([most, most, image[0, 0, 3, 2]], dtype))


def test_other_functions_take_them():
    image = labels("int64", (1, 1, 6, 7))
    eye = np.eye(2, 3)[None]
    np.testing.assert_array_equal(fs.affine_sample(image, eye, (6, 7), "nearest"), image)
    flow = np.zeros((1, 2, 6, 7), np.float32)
    np.testing.assert_array_equal(fs.flow_warp(image, flow, "nearest"), image)
    y, x = np.mgrid[:6, :7].astype(np.float32)
    np.testing.assert_array_equal(fs.remap(image[0, 0], x, y, "nearest"), image[0, 0])
    boxes = np.array([[0, 0, 7, 6]])
    got = fs.patch_affine(image, eye, boxes, np.array([0]), "nearest")
    np.testing.assert_array_equal(got, image)


def test_swapped_bytes_and_gaps():
    image = labels("uint64", (1, 2, 6, 14))[..., ::2]
    grid = pixel_grid((6, 7))
    for seen in (image, image.astype(image.dtype.newbyteorder())):
        got = fs.grid_sample(seen, grid, "nearest", coordinates="pixel")
        np.testing.assert_array_equal(got, image)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_floats_keep_their_bits(kind):
    """A minus zero, a NaN's payload: all but what is computed with."""
    bits = {"float16": "u2", "float32": "u4", "float64": "u8"}[kind]
    odd = np.array([-0.0, np.nan, np.inf, 1.5], kind)
    odd.view(bits)[1] += 1
    grid = np.arange(4.0)[None, :, None]
    got = fs.grid_sample(odd[None, None], grid, "nearest", coordinates="pixel")
    np.testing.assert_array_equal(got.view(bits)[0, 0], odd.view(bits))


@pytest.mark.parametrize("dtype", LABELS)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_are_not_interpolated(dtype, mode):
    image, grid = labels(dtype, (1, 1, 6, 7)), pixel_grid((6, 7))
    with pytest.raises(TypeError, match=rf"input must be .*got {dtype}.*mode='nearest'.*float64"):
        fs.grid_sample(image, grid, mode)


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("bool", 2), ("uint32", -1), ("uint32", 2**32), ("int64", 0.5), ("uint64", np.nan)],
)
def test_a_fill_value_fits(dtype, fill):
    image, grid = labels(dtype, (1, 1, 6, 7)), pixel_grid((6, 7))
    with pytest.raises(ValueError, match=f"fill_value must be a number that {dtype} has"):
        fs.grid_sample(image, grid, "nearest", "constant", fill_value=fill)
