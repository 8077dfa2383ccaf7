"""A fill value for each channel equals channels that are sampled one by one."""

import numpy as np
import pytest
from cases import coordinates, noise

import fastsample as fs

pytestmark = pytest.mark.compiled
MODES = ("nearest", "bilinear", "bicubic")


def fills(channels):
    return [3.5 - 7 * c for c in range(channels)]


def one_by_one(image, grid, values, mode):
    """The oracle: a call for each channel."""
    return np.concatenate(
        [
            fs.grid_sample(image[:, c : c + 1], grid, mode, "constant", fill_value=v)
            for c, v in enumerate(values)
        ],
        axis=1,
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 9, 17])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("last", [False, True])
def test_each_channel_has_its_own(mode, channels, dtype, last):
    image = (noise(0, (2, channels, 9, 8), "float32") * 50).astype(dtype)
    grid = coordinates(1, (2, 7, 23), "float32", (9, 8), "normalized")
    want = one_by_one(image, grid, fills(channels), mode)
    seen = np.ascontiguousarray(np.moveaxis(image, 1, -1)) if last else image
    rule = {"fill_value": fills(channels), "channels_last": last}
    got = fs.grid_sample(seen, grid, mode, "constant", **rule)
    np.testing.assert_array_equal(np.moveaxis(got, -1, 1) if last else got, want)
    assert (want != one_by_one(image, grid, [0] * channels, mode)).any()


def test_complex_numbers_take_them_as_real_parts():
    image = noise(0, (1, 3, 9, 8), "float32") + 1j * noise(1, (1, 3, 9, 8), "float32")
    grid = coordinates(1, (1, 7, 23), "float32", (9, 8), "normalized")
    got = fs.grid_sample(image, grid, padding_mode="constant", fill_value=np.array(fills(3)))
    np.testing.assert_array_equal(got, one_by_one(image, grid, fills(3), "bilinear"))


@pytest.mark.parametrize("how", ["swapped", "grid", "result"])
def test_where_arrays_are_sampled_in_parts(how):
    image = noise(0, (1, 3, 9, 8), "float32")
    grid = coordinates(1, (1, 7, 23), "float32", (9, 8), "normalized")
    want, out = one_by_one(image, grid, fills(3), "bilinear"), None
    if how == "swapped":
        image = image.astype(">f4")
    elif how == "grid":
        grid = grid.astype(">f4")
    else:
        room = np.zeros((1, 3, 7, 23), [("a", "f4"), ("b", "u1")])
        out = room["a"]
    rule = {"padding_mode": "constant", "fill_value": tuple(fills(3)), "out": out}
    np.testing.assert_array_equal(fs.grid_sample(image, grid, **rule), want)


def test_gradients():
    image = noise(0, (1, 3, 9, 8), "float64")
    grid = coordinates(1, (1, 7, 23), "float64", (9, 8), "normalized")
    gradient = noise(2, (1, 3, 7, 23), "float64")
    _, got = fs.grid_sample_backward(
        gradient, image, grid, padding_mode="constant", fill_value=fills(3)
    )
    want = 0
    for c, value in enumerate(fills(3)):
        one = slice(c, c + 1)
        rule = {"padding_mode": "constant", "fill_value": value}
        want = want + fs.grid_sample_backward(gradient[:, one], image[:, one], grid, **rule)[1]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_other_functions():
    photo = (noise(0, (9, 8, 3), "float32") * 99).astype("uint8")
    far = np.full((2, 2), 99.0, np.float32)
    got = fs.remap(photo, far, far, padding_mode="constant", fill_value=(1, 2, 3))
    np.testing.assert_array_equal(got, np.broadcast_to([1, 2, 3], (2, 2, 3)))
    theta = np.array([[[1, 0, 9], [0, 1, 0]]], np.float32)
    batch, rule = photo[None], {"channels_last": True, "fill_value": (1, 2, 3)}
    got = fs.affine_sample(batch, theta, (2, 2), padding_mode="constant", **rule)
    np.testing.assert_array_equal(got, np.broadcast_to([1, 2, 3], (1, 2, 2, 3)))


@pytest.mark.parametrize("fill", [(1.0,), (1, 2, 3, 4), ()])
def test_as_many_as_channels(fill):
    image, grid = np.zeros((1, 3, 4, 4), "f4"), np.zeros((1, 5, 2), "f4")
    with pytest.raises(ValueError, match=r"fill_value must be a number or a sequence of C = 3"):
        fs.grid_sample(image, grid, padding_mode="constant", fill_value=fill)


@pytest.mark.parametrize("fill", [("a", "b", "c"), (1, None, 2), [[1, 2, 3]], (1j, 2, 3)])
def test_all_are_numbers(fill):
    image, grid = np.zeros((1, 3, 4, 4), "f4"), np.zeros((1, 5, 2), "f4")
    with pytest.raises(TypeError, match="fill_value must be a real number"):
        fs.grid_sample(image, grid, padding_mode="constant", fill_value=fill)
