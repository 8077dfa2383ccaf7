"""bfloat16 images of `ml_dtypes`: each result is float32's, rounded once; and what goes back."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from cases import FILL, MODES, PADDINGS, coordinates, noise

import fastsample as fs

pytestmark = pytest.mark.compiled
BRAIN, F32 = np.dtype(ml_dtypes.bfloat16), np.float32
SIZES = 9, 11
LAYOUTS = {"planes": 2, "few last": 3, "many last": 17}
PAIRS = [*itertools.product(MODES, PADDINGS)]
PLANAR = np.array([[[0.9, 0.2, 0.1], [-0.2, 0.8, 0]]] * 2, F32)
FLOW = coordinates(3, (2, *SIZES), F32, SIZES, "normalized")
BOXES = np.array([[1, 1, 6, 7], [3, 2, 9, 8]])
CALLS = {
    "affine_sample": lambda x: fs.affine_sample(x, PLANAR, (5, 6)),
    "point_sample": lambda x: fs.point_sample(x, abs(FLOW)),
    "flow_warp": lambda x: fs.flow_warp(x, FLOW.transpose(0, 3, 1, 2)),
    "remap": lambda x: fs.remap(x[0, 0], FLOW[0] * 4 + 4),
    "shift by fractions": lambda x: fs.region_shift(x, np.array([[0.3, -0.6]])),
    "patch_affine": lambda x: fs.patch_affine(x, PLANAR, BOXES, [0, 1]),
}
BACKWARDS = {
    "affine_sample": lambda g, x: fs.affine_sample_backward(g[..., :5, :6], x, PLANAR, (5, 6)),
    "flow_warp": lambda g, x: fs.flow_warp_backward(g, x, FLOW.transpose(0, 3, 1, 2)),
    "shift by fractions": lambda g, x: fs.region_shift_backward(g, x, np.array([[0.3, -0.6]])),
    "shift by pixels": lambda g, x: fs.region_shift_backward(g, x, np.array([[1, -2]])),
}


def brains(seed, channels=2, sizes=SIZES):
    return noise(seed, (2, channels, *sizes), BRAIN)


def assert_rounded(got, want):
    """Of the type, and to the bit the float32 result rounded by another library."""
    assert type(got) is np.ndarray
    assert got.dtype == BRAIN
    np.testing.assert_array_equal(got.view(np.uint16), want.astype(BRAIN).view(np.uint16))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("mode", "padding"), PAIRS)
def test_equals_rounded_float32(mode, padding, layout):
    image, grid = brains(0, LAYOUTS[layout]), coordinates(1, (2, 5, 37), F32, SIZES, "normalized")
    options = {"mode": mode, "padding_mode": padding, "channels_last": layout != "planes"}
    options["fill_value"] = FILL if padding == "constant" else 0
    if options["channels_last"]:
        image = np.ascontiguousarray(np.moveaxis(image, 1, -1))
    assert_rounded(
        fs.grid_sample(image, grid, **options),
        fs.grid_sample(image.astype(F32), grid, **options),
    )


@pytest.mark.parametrize("dims", [1, 3])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_other_numbers_of_axes(dims, mode):
    sizes = (5, 6, 7)[:dims]
    image, grid = brains(0, 3, sizes), coordinates(1, (2, 40), F32, sizes, "normalized")
    want = fs.grid_sample(image.astype(F32), grid, mode)
    assert_rounded(fs.grid_sample(image, grid, mode), want)


@pytest.mark.parametrize("name", CALLS)
def test_other_functions(name):
    image = brains(0)
    assert_rounded(CALLS[name](image), CALLS[name](image.astype(F32)))


def test_halves_go_to_even_and_the_ends_are_kept():
    """Between neighbours of the type; beyond its largest; among infinities, NaN and subnormals."""
    unit, most = 2.0**-7, float(ml_dtypes.finfo(BRAIN).max)
    row = [1, 1 + unit, 1 + 2 * unit, most, np.inf, -np.inf, np.nan, 0, 2.0**-133, -0.0]
    image = np.array([[row]], BRAIN)
    at = np.array([0.5, 1.5, 3, 4, 5, 6, 8, 8.5, 9], F32).reshape(1, -1, 1)
    got = fs.grid_sample(image, at, coordinates="pixel").ravel()
    want = [1, 1 + 2 * unit, most, np.inf, -np.inf, np.nan, 2.0**-133, 0, 0]
    np.testing.assert_array_equal(got.astype(F32), np.array(want, F32))
    pair = np.array([[[most, -most]]], BRAIN)  # bicubic overshoots
    got = fs.grid_sample(pair, np.array([[[0.1], [0.9]]], F32), "bicubic", "border", True)
    want = fs.grid_sample(
        pair.astype(F32), np.array([[[0.1], [0.9]]], F32), "bicubic", "border", True
    )
    assert_rounded(got, want)


def test_nearest_keeps_all_bits():
    image = np.arange(2**16, dtype=np.uint16).view(BRAIN).reshape(1, 1, 256, 256)
    got = fs.affine_sample(image, np.eye(2, 3)[None], (256, 256), "nearest")
    np.testing.assert_array_equal(got.view(np.uint16), image.view(np.uint16))


@pytest.mark.parametrize("fill", [1 + 2.0**-8, 1 + 3 * 2.0**-8, 1e39, np.nan, -3])
def test_a_fill_value_is_rounded(fill):
    image, away = brains(0)[:1], np.full((1, 4, 2), 50.0, F32)
    with np.errstate(all="ignore"):
        want = np.full((1, 2, 4), fill).astype(F32)
    for mode in MODES:
        got = fs.grid_sample(image, away, mode, "constant", fill_value=fill)
        assert_rounded(got, want)
    shifted = fs.region_shift(image, [[99, 0]], "constant", fill_value=fill)
    assert_rounded(shifted[..., 0, :4], want)


def test_whole_shifts_copy():
    image = brains(0)
    want = np.roll(image, (2, -3), (2, 3))
    np.testing.assert_array_equal(fs.region_shift(image, [[2, -3]], "wrap"), want)


def test_strides_and_out():
    image, grid = brains(0), coordinates(1, (2, 5, 7), F32, SIZES, "normalized")
    want = fs.grid_sample(image, grid)
    wide = np.zeros((2, 2, 18, 33), BRAIN)
    wide[:, :, ::2, ::3] = image
    raw = np.zeros(image.nbytes + 1, np.uint8)
    odd = raw[1:].view(BRAIN).reshape(image.shape)
    odd[...] = image
    flipped = np.ascontiguousarray(image[..., ::-1])[..., ::-1]
    for other in (wide[:, :, ::2, ::3], odd, flipped):
        room = np.zeros((2, 2, 5, 14), BRAIN)[..., ::2]
        assert fs.grid_sample(other, grid, out=room) is room
        np.testing.assert_array_equal(room, want)
    frozen = image.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(fs.grid_sample(frozen, grid), want)


def test_bytes_in_the_other_order():
    """`ml_dtypes` has them under the same name."""
    image, grid = brains(0), coordinates(1, (2, 5, 7), F32, SIZES, "normalized")
    swapped = image.astype(BRAIN.newbyteorder())
    assert_rounded(fs.grid_sample(swapped, grid), fs.grid_sample(image.astype(F32), grid))
    out = np.zeros((2, 2, 5, 7), swapped.dtype)
    with pytest.raises(TypeError, match="type bfloat16; got bfloat16 in the other byte order"):
        fs.grid_sample(image, grid, out=out)


def test_a_list_of_images():
    image, grid = brains(0), coordinates(1, (2, 5, 7), F32, SIZES, "normalized")
    want = fs.grid_sample(image, grid)
    assert_rounded(fs.grid_sample(list(image), grid), want.astype(F32))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", MODES)
def test_gradients_are_float32s(mode, layout):
    image, grid = brains(0, LAYOUTS[layout]), coordinates(1, (2, 5, 7), F32, SIZES, "normalized")
    gradient = noise(2, (2, LAYOUTS[layout], 5, 7), BRAIN)
    rule = {"mode": mode, "padding_mode": "constant", "fill_value": FILL}
    if layout != "planes":
        image, gradient = (np.ascontiguousarray(np.moveaxis(x, 1, -1)) for x in (image, gradient))
        rule["channels_last"] = True
    got = fs.grid_sample_backward(gradient, image, grid, **rule)
    want = fs.grid_sample_backward(gradient.astype(F32), image.astype(F32), grid, **rule)
    assert_rounded(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


@pytest.mark.parametrize("name", BACKWARDS)
def test_gradients_of_other_functions(name):
    gradient, image = brains(1), brains(0)
    got = BACKWARDS[name](gradient, image)
    want = BACKWARDS[name](gradient.astype(F32), image.astype(F32))
    assert_rounded(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


def test_gradients_of_patches():
    """Each object's share is added, and the sum rounded."""
    gradient, image = brains(1), brains(0)
    got = fs.patch_affine_backward(gradient, image, PLANAR, BOXES, [0, 0])
    want = fs.patch_affine_backward(gradient.astype(F32), image.astype(F32), PLANAR, BOXES, [0, 0])
    assert got[0].dtype == BRAIN
    np.testing.assert_allclose(got[0].astype(F32), want[0], rtol=0, atol=0.05)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-5, atol=1e-5)


def test_vjp():
    image, grid = brains(0), coordinates(1, (2, 5, 7), F32, SIZES, "normalized")
    result, pullback = fs.vjp(fs.grid_sample, image, grid)
    assert [x.dtype for x in (result, *pullback(result))] == [BRAIN, BRAIN, F32]


class TestErrors:
    IMAGE, GRID = np.zeros((1, 1, 3, 3), BRAIN), np.zeros((1, 4, 2), F32)

    def test_coordinates(self):
        said = r"grid must be float32, .*; got bfloat16: convert it with numpy.asarray\(grid, "
        with pytest.raises(TypeError, match=said):
            fs.grid_sample(self.IMAGE, self.GRID.astype(BRAIN))
        with pytest.raises(TypeError, match=r"theta must be .*got bfloat16: convert it"):
            fs.affine_grid(np.zeros((1, 2, 3), BRAIN), (1, 1, 2, 2))
        with pytest.raises(TypeError, match=r"shifts must be .*got bfloat16: convert it"):
            fs.region_shift(self.IMAGE, np.zeros((1, 2), BRAIN))

    def test_out_of_another_type(self):
        out = np.zeros((1, 1, 4), BRAIN)
        with pytest.raises(TypeError, match="out must have the result's type float32; got bfloat"):
            fs.grid_sample(self.IMAGE.astype(F32), self.GRID, out=out)
        with pytest.raises(TypeError, match="out must have the result's type bfloat16; got uint16"):
            fs.grid_sample(self.IMAGE, self.GRID, out=out.view(np.uint16))

    def test_a_gradient_of_another_type(self):
        said = r"type bfloat16; got float32: convert it with grad_output.astype\(ml_dtypes.bfloat16"
        with pytest.raises(TypeError, match=said):
            fs.grid_sample_backward(np.zeros((1, 1, 4), F32), self.IMAGE, self.GRID)

    def test_where_it_is_not_taken(self):
        with pytest.raises(TypeError, match="input must be float32 or float64; got bfloat16"):
            fs.deform_conv2d(self.IMAGE, self.GRID, self.GRID)
        with pytest.raises(TypeError, match=r"masks must be .*; got bfloat16: convert it"):
            fs.paste_masks(self.IMAGE[0], np.zeros((1, 4), F32), (3, 3))

    @pytest.mark.parametrize("dtype", [ml_dtypes.float8_e4m3fn, "V2", [("a", "u2")]])
    def test_others_that_numpy_does_not_compute_with(self, dtype):
        with pytest.raises(TypeError, match="input must be"):
            fs.grid_sample(np.zeros((1, 1, 3, 3), dtype), self.GRID)
