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


# How pixels of so many channels take theirs has nothing to do with the taps.
EACH = [(m, n) for m in MODES for n in (1, 2, 3, 4, 9, 17) if m != "bicubic" or n in (1, 3, 17)]


@pytest.mark.parametrize(("mode", "channels"), EACH)
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


COLOURS = [11.0 + 7 * c for c in range(6)]
WHOLE, PARTS = [[2, -1], [-3, 0]], [[0.5, -1.25], [-2.0, 3.75]]


def shifted_one_by_one(image, shifts, values, function=fs.region_shift, *gradient):
    """The oracle: each channel by its group's shift, with its own fill value."""
    each = image.shape[1] // len(shifts)
    for c, value in enumerate(values):
        arrays = [x[:, c : c + 1] for x in (*gradient, image)]
        rows = np.array(shifts)[c // each :][:1]
        yield function(*arrays, rows, "constant", fill_value=value)


@pytest.mark.parametrize("shifts", [WHOLE, PARTS, WHOLE[:1], PARTS[:1], WHOLE * 3, PARTS * 3])
@pytest.mark.parametrize("dtype", ["float32", "uint8", ">i2", "complex64"])
@pytest.mark.parametrize("last", [False, True])
def test_shifts(shifts, dtype, last):
    image = (noise(0, (2, 6, 9, 8), "float32") * 50).astype(dtype)
    want = np.concatenate(list(shifted_one_by_one(image, shifts, COLOURS)), axis=1)
    seen = np.ascontiguousarray(np.moveaxis(image, 1, -1)) if last else image
    rule = {"fill_value": COLOURS, "channels_last": last}
    got = fs.region_shift(seen, np.array(shifts), "constant", **rule)
    np.testing.assert_array_equal(np.moveaxis(got, -1, 1) if last else got, want)
    other = list(shifted_one_by_one(image, shifts, [0] * 6))
    assert (want != np.concatenate(other, axis=1)).any((0, 2, 3)).all()


@pytest.mark.parametrize("shifts", [WHOLE, PARTS, PARTS[:1], PARTS * 3])
def test_gradients_of_shifts(shifts):
    image, gradient = noise(0, (2, 6, 9, 8), "float64"), noise(1, (2, 6, 9, 8), "float64")
    back = fs.region_shift_backward
    found = list(shifted_one_by_one(image, shifts, COLOURS, back, gradient))
    rule = {"padding_mode": "constant", "fill_value": COLOURS}
    got = back(gradient, image, np.array(shifts), **rule)
    np.testing.assert_array_equal(got[0], np.concatenate([one for one, _ in found], axis=1))
    if shifts is WHOLE:
        assert got[1] is None
        return
    want = np.reshape([slope for _, slope in found], (len(shifts), -1, 2)).sum(1)
    np.testing.assert_allclose(got[1], want, rtol=1e-12, atol=1e-12)


def test_shifts_bring_values_to_the_type():
    image = np.zeros((1, 3, 1, 2), np.uint8)
    got = fs.region_shift(image, [[0, 1]], "constant", fill_value=(300, -1, 2.5))
    assert got[0, :, 0].tolist() == [[255, 0], [0, 0], [2, 0]]
    labels = np.array([[[0]], [[0]]]).reshape(1, 2, 1)
    got = fs.region_shift(labels, [[9]], "constant", fill_value=[2**53 + 1, -(2**62) + 1])
    assert got.ravel().tolist() == [2**53 + 1, -(2**62) + 1]


@pytest.mark.parametrize("shifts", [WHOLE[:1], PARTS[:1]])
@pytest.mark.parametrize("padding", ["constant", "border"])
def test_shifts_take_as_many_as_channels(shifts, padding):
    image = np.zeros((1, 3, 4, 4), "f4")
    with pytest.raises(ValueError, match=r"region_shift: fill_value must be .* C = 3 numbers"):
        fs.region_shift(image, shifts, padding, fill_value=(1, 2))
    with pytest.raises(ValueError, match="fill_value must be a number that uint8 has; got nan"):
        fs.region_shift(image.astype("u1"), shifts, "constant", fill_value=(1, 2, np.nan))


@pytest.mark.parametrize("shape", [(0, 3, 4), (1, 0, 4), (1, 3, 0)])
@pytest.mark.parametrize("kind", ["i8", "f4"])
def test_shifts_of_nothing(shape, kind):
    rule = {"padding_mode": "constant", "fill_value": list(range(shape[1]))}
    image, shifts = np.zeros(shape, "f4"), np.zeros((1, 1), kind)
    assert fs.region_shift(image, shifts, **rule).shape == shape
    fs.region_shift_backward(image, image, shifts, **rule)


FLAT, EYE = np.zeros((1, 3, 4, 4), "f4"), np.eye(3, dtype="f4")[None]
SAMPLERS = {
    "grid_sample": (FLAT, np.zeros((1, 5, 2), "f4")),
    "affine_sample": (FLAT, EYE[:, :2], (4, 4)),
    "elastic_sample": (FLAT, np.zeros((1, 2, 3, 3), "f4"), (4, 4)),
    "point_sample": (FLAT, np.zeros((1, 5, 2), "f4")),
    "flow_warp": (FLAT, FLAT[:, :2]),
    "remap": (FLAT[0, 0], FLAT[0, 0], FLAT[0, 0]),
    "region_shift": (FLAT, [[0.5, 0.5]]),
}
IN_VAIN = "fill_value must be 0 unless padding_mode is 'constant', which reads it; got"
NOWHERE = np.full((1, 1, 2), np.nan, "f4")


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection", "wrap"])
def test_what_nothing_reads_is_refused(name, padding):
    """By gradients, too, which take the same options."""
    arrays, rule = SAMPLERS[name], {"padding_mode": padding, "fill_value": 7}
    with pytest.raises(ValueError, match=f"^{name}: {IN_VAIN} 7 with '{padding}'"):
        getattr(fs, name)(*arrays, **rule)
    if name != "remap":
        with pytest.raises(ValueError, match=f"^{name}_backward: {IN_VAIN} 7 with '{padding}'"):
            getattr(fs, f"{name}_backward")(FLAT, *arrays, **rule)


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64"])
@pytest.mark.parametrize("fill", [7, -0.5, np.nan, (0, 0, 1)])
def test_no_float_reads_it(dtype, fill):
    with pytest.raises(ValueError, match=IN_VAIN):
        fs.grid_sample(FLAT.astype(dtype), NOWHERE, padding_mode="border", fill_value=fill)


@pytest.mark.parametrize("fill", [0, -0.0, False, (0, 0.0, 0)])
def test_zero_is_taken_everywhere(fill):
    got = fs.grid_sample(FLAT, NOWHERE, padding_mode="border", fill_value=fill)
    assert np.isnan(got).all()


def test_second_derivatives_and_lists_refuse_it():
    grid, rule = np.zeros((1, 4, 4, 2), "f4"), {"fill_value": 7}
    with pytest.raises(ValueError, match=f"^grid_sample_double_backward: {IN_VAIN}"):
        fs.grid_sample_double_backward(None, None, FLAT, FLAT, grid, **rule)
    with pytest.raises(ValueError, match=f"^affine_sample: {IN_VAIN}"):
        fs.affine_sample([FLAT[0]], EYE[:, :2], (4, 4), coordinates="pixel", **rule)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection", "wrap"])
def test_integers_read_it_where_a_coordinate_is_nan(padding):
    image, rule = FLAT.astype("u1"), {"padding_mode": padding, "fill_value": 7}
    assert (fs.grid_sample(image, NOWHERE, **rule) == 7).all()
    assert (fs.region_shift(image, [[np.nan, 0]], **rule) == 7).all()
    with pytest.raises(ValueError, match=f"^region_shift: {IN_VAIN}"):
        fs.region_shift(image, [[1, 0]], **rule)  # no integer is NaN


@pytest.mark.parametrize("padding", ["border", "reflection", "wrap", "mirror"])
def test_homographies_read_it_where_w_is_not_positive(padding):
    rule = {"padding_mode": padding, "fill_value": 7}
    for image in (FLAT, [FLAT[0]]):
        assert (fs.perspective_sample(image, -EYE, (4, 4), **rule) == 7).all()


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
