"""Points whose taps are all inside are planned in fewer steps, 16 at a time: no bit tells which.

One point outside of 16 lets all of them be planned with care; the others must stay as they were.
"""

import numpy as np
import pytest
from cases import image_of, noise

import fastsample as fs

SIZES = {1: (40,), 2: (9, 11), 3: (5, 6, 7)}
POINTS = 96
OPTIONS = {"coordinates": "pixel"}


EDGE = {"nearest": 0, "bilinear": 0, "bicubic": 1}  # pixels at either end whose taps are not inside


def inside(axes, mode="bilinear"):
    """Points of which all are inside, a third on pixels, some on the first and on the last ones.

    Of bicubic ones a third have all of their taps inside, and others lack some at one end alone.
    """
    rng = np.random.default_rng(axes)
    last = np.array(SIZES[axes][::-1]) - 1.0
    points = rng.uniform(0.01, 0.98, (1, POINTS, axes)) * last
    points[:, ::3] = np.rint(points[:, ::3])
    points[:, 5] = 0.0
    points[:, 40] = -0.0
    points[:, 20] = last - 1
    points[:, 50] = np.nextafter(last, 0)
    points = points.astype(np.float32)
    if EDGE[mode]:
        before, high = (
            np.nextafter(np.float32(x), np.float32(0)) for x in (last, last - EDGE[mode])
        )
        points[:, :64] = np.maximum(points[:, :64], EDGE[mode])
        points[:, 32:64] = np.minimum(points[:, 32:64], before)
        points[:, :32] = np.minimum(points[:, :32], high)
        points[:, 64:] = np.minimum(points[:, 64:], high)
    return points


def disturbed(points, value):
    """The same with every 16th point elsewhere, and which points they are."""
    moved = np.arange(POINTS) % 16 == 7
    points = points.copy()
    points[:, moved, -1] = value
    return points, moved


def assert_same(found, wanted, moved):
    """Results (N, C, points), or gradients (N, points, D) turned over: alike to the bit."""
    found, wanted = (np.ascontiguousarray(x[..., ~moved]) for x in (found, wanted))
    assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("axes", SIZES)
@pytest.mark.parametrize("padding", ["zeros", "border", "constant"])
class TestOnePointOutside:
    @pytest.mark.parametrize("mode", EDGE)
    @pytest.mark.parametrize("value", [np.nan, -3.0, 1e30])
    def test_of_the_result(self, axes, mode, padding, value):
        image, points = noise(0, (1, 2, *SIZES[axes]), np.float32), inside(axes, mode)
        others, moved = disturbed(points, value)
        how = {"padding_mode": padding, "fill_value": 7.0 * (padding == "constant"), **OPTIONS}
        wanted = fs.grid_sample(image, points, mode, **how)
        assert_same(fs.grid_sample(image, others, mode, **how), wanted, moved)

    @pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
    def test_of_the_gradients(self, axes, mode, padding):
        """A single tap has no slope, and all of its plans for slopes are careful."""
        image, points = noise(0, (1, 2, *SIZES[axes]), np.float32), inside(axes, mode)
        others, moved = disturbed(points, -3.0)
        gradient = noise(1, (1, 2, POINTS), np.float32)
        how = {"mode": mode, "padding_mode": padding, **OPTIONS}
        wanted = fs.grid_sample_backward(gradient, image, points, **how)[1]
        found = fs.grid_sample_backward(gradient, image, others, **how)[1]
        assert_same(np.moveaxis(found, -1, 1), np.moveaxis(wanted, -1, 1), moved)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("channels", [2, 3, 5, 12, 19])
def test_pixels_of_so_many_channels(mode, channels):
    """The last pixel of all included, behind which there is nothing to read."""
    image, points = image_of(np.uint8, (1, *SIZES[2], channels)), inside(2)
    points[:, 50] = np.array(SIZES[2][::-1]) - 1
    planes = np.ascontiguousarray(np.moveaxis(image, -1, 1))
    wanted = fs.grid_sample(planes, points, mode, **OPTIONS)
    for value in (None, -3.0):
        there, moved = (
            (points, np.zeros(POINTS, bool)) if value is None else disturbed(points, value)
        )
        found = fs.grid_sample(image, there, mode, channels_last=True, **OPTIONS)
        assert_same(np.moveaxis(found, -1, 1), wanted, moved)


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_offsets_that_single_coordinates_do_not_hold(real):
    """A plane of more than 2^24 pixels: each is found, those at its end, too."""
    height, width = 4099, 4100
    image = np.zeros((1, 1, height, width), np.uint8)
    rng = np.random.default_rng(0)
    rows, cols = height - 1 - rng.integers(0, 40, POINTS), rng.integers(0, width, POINTS)
    labels = rng.integers(1, 256, POINTS)
    image[0, 0, rows, cols] = labels
    points = np.stack([cols, rows], -1)[None].astype(real)
    found = fs.grid_sample(image, points, "nearest", **OPTIONS)
    assert np.array_equal(found[0, 0], image[0, 0, rows, cols])


def test_strides_that_lead_backwards():
    image, points = noise(0, (1, 3, *SIZES[2]), np.float32), inside(2)
    turned = np.ascontiguousarray(image[..., ::-1, ::-1])[..., ::-1, ::-1]
    for mode in ("nearest", "bilinear"):
        wanted = fs.grid_sample(image, points, mode, **OPTIONS)
        assert fs.grid_sample(turned, points, mode, **OPTIONS).tobytes() == wanted.tobytes()


def maps(source, size, out):
    """Matrices of turns, flips, shifts and zooms; as homographies, tilted."""
    rng = np.random.default_rng(5)
    middle, of_out = (np.array(size[::-1]) - 1) / 2, (np.array(out[::-1]) - 1) / 2
    plain = [np.eye(2), -np.eye(2), [[-1.0, -0.0], [0.0, 1.0]], [[0.0, 1.0], [-1.0, 0.0]]]
    turned = [[[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]] for a in rng.uniform(-3, 3, 12)]
    scales = [1.0] * 4 + list(rng.choice([0.02, 0.5, 1.0, 3.0, 40.0], 12))
    for scale, turn in zip(scales, np.array(plain + turned), strict=True):
        matrix = scale * turn
        shift = middle - matrix @ of_out + rng.choice([0, 1]) * rng.uniform(-9, 9, 2)
        theta = np.column_stack([matrix, shift])
        if source == "perspective":
            theta = np.vstack([theta, [*rng.uniform(-0.02, 0.02, 2), rng.uniform(0.5, 2)]])
        yield theta.astype(np.float32)


def places(theta, out):
    """Where each output point leads, in double, as x and y; NaN for nowhere."""
    y, x = np.mgrid[: out[0], : out[1]]
    found = theta.astype(np.float64) @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    if len(found) == 3:
        found = found[:2] / np.where(found[2] > 1e-3, found[2], np.nan)
    return found.reshape(2, *out)


@pytest.mark.parametrize("mode", EDGE)
@pytest.mark.parametrize("source", ["affine", "perspective"])
def test_stretches_of_rows(source, mode):
    """A rule that folds knows none of them: inside the image no bit tells, outside all is 0."""
    size, out = (37, 150), (40, 139)
    image = noise(0, (1, 1, *size), np.float32) + 2
    for theta in maps(source, size, out):
        sample, how = fs.perspective_sample, {}
        if source == "affine":
            sample, how = fs.affine_sample, OPTIONS
        folded, found, kept = (
            sample(image, theta[None], out, mode, padding, **how)[0, 0]
            for padding in ("mirror", "zeros", "border")
        )
        at, last = places(theta, out), np.array(size[::-1]).reshape(2, 1, 1) - 1
        inside = ((at > EDGE[mode] + 1e-3) & (at < last - EDGE[mode] - 1e-3)).all(0)
        away = ((at < -1.001 - EDGE[mode]) | (at > last + 1.001 + EDGE[mode])).any(0)
        assert found[inside].tobytes() == folded[inside].tobytes() == kept[inside].tobytes()
        assert not found[away].any()
