"""NumPy's error state is the user's: no function warns of numbers, or raises as `np.seterr` asks.

Kernels know no error state. What is cast or summed outside of them must not either: too large is
infinite, too small is 0, and inf - inf is NaN.
"""

import inspect

import numpy as np
import pytest
from cases import coordinates

import fastsample as fs
from fastsample._calls.registry import BACKWARDS

F16, F32, F64, C64 = np.float16, np.float32, np.float64, np.complex64
NUMBERS = {
    "enormous": lambda t: np.finfo(t).max,
    "tiny": lambda t: np.finfo(t).smallest_subnormal,
    "infinite": lambda _: np.inf,
    "both infinities": lambda _: [np.inf, -np.inf, np.inf, -np.inf, 1],
    "nan": lambda _: np.nan,
}
SIZES = 5, 5
SECOND = {
    fs.grid_sample: fs.grid_sample_double_backward,
    fs.point_sample: fs.point_sample_double_backward,
    fs.flow_warp: fs.flow_warp_double_backward,
    fs.affine_sample: fs.affine_sample_double_backward,
}


@pytest.fixture(autouse=True)
def all_errors_raise():
    """Warnings are errors already, see pyproject."""
    with np.errstate(all="raise"):
        yield


def full(shape, dtype, number):
    """An array of nothing but a number, or of some in turn."""
    return np.resize(np.array(number(dtype), dtype), shape)


def arguments(dtype, number):
    """What each function is called with: images of such numbers, read at places inside."""
    image = full((2, 3, *SIZES), dtype, number)
    grid = coordinates(1, (2, *SIZES), F32, SIZES, "normalized")
    turn = np.array([[[0.8, 0.3, 0.1], [-0.3, 0.8, 0.0]]], F32)
    boxes, owners = [[0, 0, 4, 4], [1, 1, 5, 5]], [0, 1]
    return {
        fs.grid_sample: (image, grid),
        fs.point_sample: (image, grid),
        fs.flow_warp: (image, np.moveaxis(grid, -1, 1)),
        fs.affine_sample: (image, turn, SIZES),
        fs.perspective_sample: (image, np.eye(3, dtype=F32)[None] * 0.8, SIZES),
        fs.elastic_sample: (image, np.full((2, 2, 3, 3), 0.25, F32), SIZES),
        fs.region_shift: (image, np.array([[0.5, 0.25]], F32), "zeros"),
        fs.patch_affine: (image, turn.repeat(2, 0), boxes, owners),
    }


def go_back(function, of, dtype, number):
    """A function and its backward, with a gradient of such numbers."""
    result = function(*of)
    gradient = full(result.shape, dtype, number)
    takes = BACKWARDS[function].takes
    given = inspect.signature(function).bind(*of).arguments
    found = BACKWARDS[function].function(
        gradient, **{name: x for name, x in given.items() if name in takes}
    )
    return result, found if isinstance(found, tuple) else (found,)


def ones_for(dtype):
    """An image to be read at coordinates of a type, in which it is computed."""
    return np.ones((2, 3, *SIZES), F64 if dtype == F64 else F32)


def assert_quiet(function, of, dtype, number):
    """A function and its backward: none raises, and gradients are of their arguments' kinds."""
    result, found = go_back(function, of, dtype, number)
    given = [x for x in of if isinstance(x, np.ndarray)]
    assert result.size
    for x in [x for x in found if x is not None]:
        assert x.shape in {one.shape for one in given}, function.__name__
        assert x.dtype in {np.dtype(dtype), *(one.dtype for one in given)}, function.__name__


def assert_like(points, found):
    """Points of the same number and type."""
    assert (found.shape, found.dtype) == (points.shape, points.dtype)


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("dtype", [F16, F32, C64])
def test_images_and_gradients(dtype, number):
    for function, of in arguments(dtype, number).items():
        result, (to_image, *_) = go_back(function, of, dtype, number)
        assert result.dtype == to_image.dtype == dtype, function.__name__


@pytest.mark.parametrize("function", [fs.grid_sample, fs.affine_sample])
def test_a_half_that_overflows_is_infinite(function):
    of = arguments(F16, NUMBERS["enormous"])[function]
    _, (to_image, _) = go_back(function, of, F16, NUMBERS["enormous"])
    assert np.isposinf(to_image).any()


@pytest.mark.parametrize("dtype", [F16, F32, F64])
@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_coordinates(number, dtype):
    image, most = ones_for(dtype), NUMBERS["enormous"]
    places, theta = full((2, *SIZES, 2), dtype, number), full((2, 2, 3), dtype, number)
    places[0, 0] = places[1] = 0.5
    assert_quiet(fs.grid_sample, (image, places), image.dtype, most)
    assert_quiet(fs.point_sample, (image, places), image.dtype, most)
    assert_quiet(fs.flow_warp, (image, np.moveaxis(places, -1, 1)), image.dtype, most)
    assert_quiet(fs.affine_sample, (image, theta, SIZES), image.dtype, most)
    boxes = [[0, 0, 4, 4]] * 2, [0, 1]
    assert_quiet(fs.patch_affine, (image, theta, *boxes), image.dtype, most)
    assert_quiet(fs.affine_grid, (theta, (2, 3, *SIZES)), dtype if dtype != F16 else F32, number)
    if dtype != F16:
        assert_quiet(fs.region_shift, (image, places[0, 1, :1]), image.dtype, most)


@pytest.mark.parametrize("dtype", [F16, F32, F64])
@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_maps(number, dtype):
    image, points = ones_for(dtype), full((2, 4, 2), dtype, number)
    homography, control = full((2, 3, 3), dtype, number), full((2, 2, 3, 3), dtype, number)
    most = NUMBERS["enormous"]
    assert_quiet(fs.perspective_sample, (image, homography, SIZES), image.dtype, most)
    assert_quiet(fs.elastic_sample, (image, control, SIZES), image.dtype, most)
    for inverse in (False, True):
        assert_like(
            points,
            fs.transform_points(points, np.eye(3, dtype=dtype)[None], SIZES, inverse=inverse),
        )
    assert_like(points, fs.transform_points(points, homography, SIZES, inverse=False))
    assert_like(points, fs.transform_points(points, (control, None), SIZES, inverse=False))


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("dtype", [F32, F64])
def test_deform_conv2d(dtype, number):
    image, weight = full((2, 4, *SIZES), dtype, number), full((2, 2, 3, 3), dtype, number)
    offset, mask = full((2, 36, *SIZES), dtype, number), full((2, 18, *SIZES), dtype, number)
    bias, one = full((2,), dtype, number), np.ones_like(image)
    for steps in (offset, np.full_like(offset, 0.25)):
        for x in (image, one):
            of = x, steps, weight, bias, 1, 1, 1, mask
            assert_quiet(fs.deform_conv2d, of, dtype, number)


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("dtype", [F16, F32, C64])
def test_second_derivatives(dtype, number):
    for function, of in arguments(dtype, number).items():
        twice = SECOND.get(function)
        if twice:
            result, (to_image, to_points) = go_back(function, of, dtype, number)
            gradient = full(result.shape, dtype, number)
            found = twice(to_image, to_points, gradient, *of)
            assert found[0].dtype == found[1].dtype == dtype, twice.__name__


@pytest.mark.parametrize("threshold", [0.5, None])
@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("dtype", [F32, F64])
def test_paste_masks(dtype, number, threshold):
    boxes = np.array([[0.25, 1, 9, 7], [-1e-30, -1e30, 1e-30, 1e30]], dtype)
    pasted = fs.paste_masks(full((2, 4, 5), dtype, number), boxes, (8, 8), threshold)
    assert pasted.shape == (2, 8, 8)
    assert pasted.dtype == (F32 if threshold is None else bool)


def as_type(number, dtype):
    """A number as integers and floats have it: rounded and saturated, or infinite."""
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        return dtype(np.clip(np.rint(number), limits.min, limits.max))
    with np.errstate(all="ignore"):
        return np.float64(number).astype(dtype)


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("dtype", [F16, F32, np.uint8, np.int32])
def test_fill_values(dtype, number):
    fill = float(np.max(number(F64)))
    image, far = np.ones((1, 2, *SIZES), dtype), np.full((1, 4, 2), 9.0, F32)
    rule = {"padding_mode": "constant", "fill_value": fill}
    if np.dtype(dtype).kind in "iu" and np.isnan(fill):
        with pytest.raises(ValueError, match="fill_value"):
            fs.grid_sample(image, far, **rule)
        return
    want = as_type(fill, dtype)
    for mode in ("nearest", "bilinear"):
        found = fs.grid_sample(image, far, mode, **rule)
        np.testing.assert_array_equal(found, np.full((1, 2, 4), want), strict=True)
    moved = np.full((1, 2, *SIZES), want)
    moved[..., 3:, 3:] = 1
    np.testing.assert_array_equal(fs.region_shift(image, [[3, 3]], **rule), moved, strict=True)


def test_every_function_is_met():
    met = {*arguments(F32, NUMBERS["nan"]), fs.affine_grid, fs.deform_conv2d, fs.paste_masks}
    met |= {fs.transform_points}
    others = {fs.vjp, fs.warmup, fs.remap}  # which is grid_sample
    public = {getattr(fs, name) for name in fs.__all__}
    backwards = {backward.function for backward in BACKWARDS.values()}
    assert {f for f in public if inspect.isfunction(f)} == met | others | backwards | {
        *SECOND.values()
    }
