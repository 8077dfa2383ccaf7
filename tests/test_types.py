"""Integers, float16 and complex numbers: what is read, what comes out, and what goes back."""

import itertools
import tracemalloc

import numpy as np
import oracle
import pytest
from cases import PAIRS, coordinates, fill_of, image_of
from sampling import sample

import fastsample as fs

INTEGERS = ("uint8", "int8", "uint16", "int16", "int32")
COMPLEX = ("complex64", "complex128")
NARROW = (*INTEGERS, "float16")
LAYOUTS = {"planes": 2, "few last": 3, "two last": 2, "many last": 5}
FILL = 7.0


def rounded(want, dtype, fill=FILL):
    """An oracle's float64 as an integer type has it."""
    limits = np.iinfo(dtype)
    return np.clip(np.rint(np.where(np.isnan(want), fill, want)), limits.min, limits.max)


def combinations():
    """uint8 in every layout and mode; of the others each layout once, modes and borders in turn."""
    pairs, layouts = itertools.cycle(PAIRS), itertools.cycle(LAYOUTS)
    for layout, mode in itertools.product(LAYOUTS, ("nearest", "bilinear", "bicubic")):
        yield "uint8", layout, mode, "zeros"
    for _, dtype in itertools.product(range(2), NARROW[1:]):
        yield dtype, next(layouts), *next(pairs)


def laid_out(image, layout):
    """An image (N, C, *in), with its channels last in memory if the layout says so."""
    if layout == "planes":
        return image
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(image, 1, -1)), -1, 1)


@pytest.mark.compiled
class TestValues:
    @pytest.mark.parametrize(("dtype", "layout", "mode", "padding"), list(combinations()))
    def test_equals_the_rounded_oracle(self, dtype, layout, mode, padding):
        sizes = 9, 11
        image = laid_out(image_of(dtype, (2, LAYOUTS[layout], *sizes)), layout)
        grid = coordinates(1, (2, 7, 37), np.float64, sizes, "pixel")
        grid[0, 0, :3] = [[np.nan], [np.inf], [-np.inf]]
        options = {"mode": mode, "padding_mode": padding, "coordinates": "pixel"}
        if np.dtype(dtype).kind in "iu" or padding == "constant":
            options["fill_value"] = FILL
        got = sample(image, grid, **options)
        assert got.dtype == dtype
        want = oracle.grid_sample(image, grid, **options)
        if dtype == "float16":
            bound = 2e-3 * np.abs(image).max()
            np.testing.assert_allclose(got, want, rtol=0, atol=bound)
            return
        apart = np.abs(got - rounded(want, dtype))
        assert apart.max() <= 1
        near_a_tie = np.abs(want - np.floor(want) - 0.5) < 2e-7 * np.abs(want) + 1e-4
        assert not (apart > 0)[~near_a_tie].any()

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts_give_the_same_bits(self, layout):
        image = image_of("uint8", (2, LAYOUTS[layout], 9, 11))
        grid = coordinates(2, (2, 7, 37), np.float32, (9, 11), "normalized")
        want = fs.grid_sample(image, grid)
        np.testing.assert_array_equal(fs.grid_sample(laid_out(image, layout), grid), want)
        last = fs.grid_sample(np.moveaxis(image, 1, -1), grid, channels_last=True)
        np.testing.assert_array_equal(np.moveaxis(last, -1, 1), want)

    @pytest.mark.parametrize("dtype", NARROW)
    @pytest.mark.parametrize("align", [False, True])
    def test_the_identity_copies(self, dtype, align):
        image = image_of(dtype, (1, 2, 6, 7))
        theta = np.eye(2, 3)[None]
        got = fs.affine_sample(image, theta, (6, 7), "nearest", align_corners=align)
        np.testing.assert_array_equal(got, image)

    def test_halves_go_to_even(self):
        row = np.array([[[0, 1, 2, 3, 4, 251, 254, 255]]], np.uint8)
        grid = np.arange(0.5, 7, dtype=np.float32).reshape(1, -1, 1)
        got = fs.grid_sample(row, grid, coordinates="pixel")
        assert got.ravel().tolist() == [0, 2, 2, 4, 128, 252, 254]

    @pytest.mark.parametrize(
        ("dtype", "low", "high"), [("uint8", 0, 255), ("int16", -32768, 32767)]
    )
    def test_what_is_too_large_stays_at_the_end(self, dtype, low, high):
        """bicubic overshoots at a step."""
        row = np.array([[[low] * 4 + [high] * 4]], dtype)
        grid = np.array([[[2.5], [3.5], [4.5]]], np.float32)
        got = fs.grid_sample(row, grid, "bicubic", coordinates="pixel").ravel().tolist()
        assert got[::2] == [low, high]

    @pytest.mark.parametrize(
        ("fill", "want"), [(300, 255), (-3, 0), (12.5, 12), (np.inf, 255), (-np.inf, 0)]
    )
    def test_fill_value(self, fill, want):
        image = np.ones((1, 1, 3, 3), np.uint8)
        grid = np.full((1, 1, 2), 50, np.float32)
        rule = {"padding_mode": "constant", "fill_value": fill}
        assert fs.grid_sample(image, grid, "nearest", **rule).item() == want

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_an_infinite_fill_value_has_no_share_inside(self, layout):
        image = laid_out(image_of("uint8", (1, LAYOUTS[layout], 9, 11)), layout)
        grid = coordinates(8, (1, 40), np.float32, (9, 11), "pixel", spill=0.8)
        rule = {"padding_mode": "constant", "fill_value": np.inf, "coordinates": "pixel"}
        want = oracle.grid_sample(image, grid, **rule)
        np.testing.assert_allclose(
            fs.grid_sample(image, grid, **rule), rounded(want, "uint8"), atol=1
        )

    @pytest.mark.parametrize("padding", ["zeros", "border", "reflection", "wrap", "constant"])
    def test_no_coordinate_gives_the_fill_value(self, padding):
        image = np.full((1, 1, 3, 3), 9, np.int8)
        grid = np.array([[[np.nan, 0]]], np.float32)
        got = fs.grid_sample(image, grid, padding_mode=padding, fill_value=-4)
        assert got.item() == -4

    @pytest.mark.parametrize("dtype", COMPLEX)
    @pytest.mark.parametrize("padding", ["border", "constant"])
    def test_complex_numbers_part_by_part(self, dtype, padding):
        image = image_of(dtype, (2, 3, 9, 11))
        grid = coordinates(3, (2, 5, 17), np.float32, (9, 11), "normalized")
        options = {"padding_mode": padding}
        fill = fill_of(padding, 2)
        got = fs.grid_sample(image, grid, **options, **fill)
        assert got.dtype == dtype
        want = fs.grid_sample(image.real.copy(), grid, **options, **fill)
        np.testing.assert_array_equal(got.real, want)
        want = fs.grid_sample(image.imag.copy(), grid, **options)
        np.testing.assert_array_equal(got.imag, want)

    def test_float16_coordinates_are_widened(self):
        image = image_of("float32", (1, 2, 9, 11))
        grid = coordinates(4, (1, 5, 17), np.float16, (9, 11), "normalized")
        want = fs.grid_sample(image, grid.astype(np.float32))
        np.testing.assert_array_equal(fs.grid_sample(image, grid), want)
        grads = fs.grid_sample_backward(want, image, grid)
        assert grads[1].dtype == np.float16

    @pytest.mark.parametrize("dtype", ["uint8", "float16", "int32", "complex64"])
    def test_any_byte_order_strides_and_alignment(self, dtype):
        image = image_of(dtype, (1, 2, 6, 7))
        grid = coordinates(5, (1, 5, 9), np.float32, (6, 7), "normalized")
        want = fs.grid_sample(image, grid)
        swapped = image.astype(image.dtype.newbyteorder(">"))
        wide = np.zeros((1, 2, 12, 21), dtype)
        wide[:, :, ::2, ::3] = image
        raw = np.zeros(image.nbytes + 1, np.uint8)
        odd = raw[1:].view(dtype).reshape(image.shape)
        odd[...] = image
        flipped = np.ascontiguousarray(image[..., ::-1])[..., ::-1]
        for other in (swapped, wide[:, :, ::2, ::3], odd, flipped):
            np.testing.assert_array_equal(fs.grid_sample(other, grid), want)

    @pytest.mark.parametrize("dtype", ["uint8", "float16"])
    def test_no_copy_of_the_image_is_made(self, dtype):
        image = image_of(dtype, (1, 3, 700, 700))
        grid = coordinates(6, (1, 8, 8), np.float32, (700, 700), "normalized")
        fs.grid_sample(image, grid)
        tracemalloc.start()
        try:
            fs.grid_sample(image, grid)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < image.nbytes / 20


IMAGE = image_of("uint8", (2, 4, 8, 9))
FLOW = np.random.default_rng(1).uniform(-2, 2, (2, 2, 8, 9)).astype(np.float32)
THETA = np.array([[[0.9, 0.2, 0.1], [-0.2, 0.8, 0]]], np.float32)
BOXES = np.array([[1, 1, 6, 7], [3, 2, 9, 8]])
CALLS = {
    "point_sample": lambda x: fs.point_sample(x, abs(FLOW.reshape(2, -1, 2))),
    "flow_warp": lambda x: fs.flow_warp(x, FLOW),
    "affine_sample": lambda x: fs.affine_sample(x, THETA, (5, 6)),
    "remap": lambda x: fs.remap(x[0, 0], *(3 + FLOW[0])),
    "region_shift": lambda x: fs.region_shift(x, np.array([[0.3, -0.6], [1.2, 0]])),
    "patch_affine": lambda x: fs.patch_affine(x, np.repeat(THETA, 2, 0), BOXES, [0, 1]),
}


@pytest.mark.compiled
class TestEverySystem:
    """Each function takes them by the same rule: what float32 gives, rounded."""

    @pytest.mark.parametrize("name", CALLS)
    def test_rounds_what_float32_gives(self, name):
        got = CALLS[name](IMAGE)
        want = CALLS[name](IMAGE.astype(np.float32))
        assert got.dtype == np.uint8
        np.testing.assert_array_equal(got, rounded(want, "uint8"))


@pytest.mark.compiled
class TestGradients:
    GRID = coordinates(7, (2, 6, 7), np.float64, (5, 6), "pixel", spill=0.9) + 0.123

    def back(self, gradient, image, **options):
        return fs.grid_sample_backward(gradient, image, self.GRID, coordinates="pixel", **options)

    @pytest.mark.parametrize("padding", ["zeros", "constant"])
    def test_complex(self, padding):
        """Both parts take the same weights; what moves a point moves both."""
        image, gradient = image_of("complex128", (2, 3, 5, 6)), image_of("complex128", (2, 3, 6, 7))
        rule = {"padding_mode": padding, **fill_of(padding, 3)}
        to_image, to_grid = self.back(gradient, image, **rule)
        real = self.back(gradient.real.copy(), image.real.copy(), **rule)
        imag = self.back(gradient.imag.copy(), image.imag.copy(), padding_mode=padding)
        np.testing.assert_array_equal(to_image, real[0] + 1j * imag[0])
        np.testing.assert_allclose(to_grid, real[1] + imag[1], rtol=1e-12, atol=1e-12)

    def test_float16_is_summed_in_float32(self):
        image, gradient = image_of("float16", (2, 3, 5, 6)), image_of("float16", (2, 3, 6, 7))
        got = self.back(gradient, image)
        want = self.back(gradient.astype(np.float32), image.astype(np.float32))
        assert [g.dtype for g in got] == [np.float16, np.float64]
        np.testing.assert_array_equal(got[0], want[0].astype(np.float16))
        np.testing.assert_array_equal(got[1], want[1])

    @pytest.mark.parametrize("dtype", INTEGERS)
    def test_integers_have_none(self, dtype):
        image = image_of(dtype, (2, 3, 5, 6))
        with pytest.raises(TypeError, match="input must be float32"):
            self.back(image_of(dtype, (2, 3, 6, 7)), image)


class TestErrors:
    @pytest.mark.parametrize("dtype", INTEGERS)
    def test_a_fill_value_that_no_integer_is_near(self, dtype):
        image, grid = np.ones((1, 1, 3, 3), dtype), np.zeros((1, 1, 2), np.float32)
        with pytest.raises(ValueError, match=f"fill_value must be a number that {dtype} has"):
            fs.grid_sample(image, grid, padding_mode="constant", fill_value=np.nan)

    @pytest.mark.parametrize("dtype", ["bool", "int64", "uint64", "uint32"])
    def test_types_that_are_not_taken(self, dtype):
        image, grid = np.ones((1, 1, 3, 3)).astype(dtype), np.zeros((1, 1, 2), np.float32)
        with pytest.raises(TypeError, match=r"input must be .*; got .*: .*convert them with"):
            fs.grid_sample(image, grid)

    @pytest.mark.parametrize("dtype", ["object", "U3"])
    def test_types_that_hold_no_numbers(self, dtype):
        image, grid = np.ones((1, 1, 3, 3)).astype(dtype), np.zeros((1, 1, 2), np.float32)
        with pytest.raises(TypeError, match=r"input must be .*; got (object|<U3)$"):
            fs.grid_sample(image, grid)

    @pytest.mark.parametrize("dtype", ["complex64", "int32", "uint8", "bool"])
    def test_coordinates_are_floats(self, dtype):
        image = np.ones((1, 1, 3, 3), np.float32)
        with pytest.raises(TypeError, match="grid must be float32, float64 or float16"):
            fs.grid_sample(image, np.zeros((1, 1, 2), dtype))
