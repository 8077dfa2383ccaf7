"""Images of more elements than 31 and 32 bits count, in a sparse file that takes no space."""

import numpy as np
import oracle
import pytest

import fastsample as fs

F64 = np.float64
SHAPES = {
    "rows past 2**31": (1, 1, 46_400, 46_400),
    "rows past 2**32": (1, 1, 65_600, 65_600),
    "a signal past 2**32": (1, 1, 2**32 + 5),
    "a volume past 2**32": (1, 1, 1700, 1600, 1600),
    "channels past 2**32": (1, 5, 30_000, 30_000),
    "samples past 2**32": (5, 1, 30_000, 30_000),
}


@pytest.fixture
def image(request, tmp_path):
    """Zeros, and numbers in the last corner of the last channel of the last sample."""
    shape = SHAPES[request.param]
    made = np.memmap(tmp_path / "image", np.uint8, "w+", shape=shape)
    made[corner(shape)] = np.random.default_rng(0).integers(1, 255, (1, 1, *[4] * len(shape[2:])))
    return made


def corner(shape):
    """The last four pixels along each axis."""
    return (slice(-1, None), slice(-1, None), *[slice(-4, None)] * len(shape[2:]))


def points_of(shape):
    """Places in the corner, and one far from it: (N, P, D) in pixels, x first."""
    sizes = np.array(shape[:1:-1])
    places = sizes - 1 - np.random.default_rng(1).uniform(-1, 3, (40, len(sizes)))
    places[-1] = 3.5
    return np.broadcast_to(places, (shape[0], *places.shape))


@pytest.mark.compiled
@pytest.mark.parametrize("image", SHAPES, indirect=True)
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_reads_the_last_corner(image, mode):
    points = points_of(image.shape)
    got = fs.grid_sample(image, points, mode, "constant", coordinates="pixel", fill_value=9)
    assert got.shape == (*image.shape[:2], 40)
    part = np.zeros((1, 1, *[5] * (image.ndim - 2)))  # the corner, with a row of zeros before it
    part[corner(part.shape)] = image[corner(image.shape)]
    sizes = np.array(image.shape[:1:-1])
    near = points[:1, :-1] - (sizes - 5)
    want = oracle.grid_sample(part, near, mode, "constant", coordinates="pixel", fill_value=9)
    np.testing.assert_allclose(got[-1, -1, :-1], np.rint(want[0, 0]), atol=1)
    assert want[0, 0].max() > 100
    assert got[-1, -1, -1] == 0
    if image.shape[1] > 1:  # other channels hold zeros, but for what lies outside
        assert set(got[0, 0][: 40 - 1].tolist()) <= set(range(10))


@pytest.mark.compiled
@pytest.mark.parametrize("image", ["rows past 2**32"], indirect=True)
def test_channels_last(image):
    """Whole pixels of the same file."""
    pixels = image.reshape(1, 65_600, 16_400, 4)
    points = np.array([[[16_399.0, 65_599.0], [16_398.25, 65_598.5]]])
    how = {"padding_mode": "constant", "coordinates": "pixel", "channels_last": True}
    got = fs.grid_sample(pixels, points, **how)
    np.testing.assert_array_equal(got[0, 0], pixels[0, -1, -1])
    part = np.moveaxis(pixels[:, -2:, -2:], -1, 1).astype(F64)
    want = oracle.grid_sample(part, points - (16_398, 65_598), coordinates="pixel")
    np.testing.assert_allclose(got[0, 1], want[0, :, 1], atol=0.501)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_and_strips_are_one(dtype):
    """Large maps are read in whole rows or in strips, as they lie: the points are the same."""
    image = np.random.default_rng(7).integers(0, 255, (1100, 1000), np.uint8)
    y, x = np.mgrid[:53, :701].astype(dtype) * dtype(1.3)
    for degrees in (0, 5, 40, 90, 185):
        turn = np.exp(1j * np.deg2rad(degrees))
        places = (x + 1j * y) * turn + 200 + 150j
        maps = places.real.astype(dtype), places.imag.astype(dtype)
        maps[0][53 // 2, 0 if degrees == 5 else 9] = np.nan
        found = fs.remap(image, *maps, "nearest")
        parts = [
            fs.remap(image, maps[0][k : k + 1], maps[1][k : k + 1], "nearest") for k in range(53)
        ]
        np.testing.assert_array_equal(found, np.concatenate(parts))
