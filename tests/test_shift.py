"""region_shift and its gradients."""

import numpy as np
import pytest
import systems
from cases import FILL, fill_of, noise
from shifting import PADS, numbers, pad_roll_crop
from systems import (
    GRADIENT,
    LAYOUTS,
    assert_refused,
    assert_written_and_returned,
    layouts,
    slopes,
    watched,
)
from tolerances import assert_close, of_the_coarser

import fastsample as fs

F32, F64 = np.float32, np.float64
NEAR = of_the_coarser(F32, factor=3)
PADDINGS = ("zeros", "border", "reflection", "wrap", "constant")
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
DTYPES = ["bool", *INTEGERS, "float16", "float32", "float64", "complex64", "complex128"]


def check_copy(input, shifts, padding="border", **options):
    """The result, equal to the oracle's to the bit."""
    got = watched(fs.region_shift, input, shifts, padding_mode=padding, **options)
    assert got.dtype == input.dtype.newbyteorder("=")
    assert got.flags.c_contiguous
    assert not np.shares_memory(got, input)
    want = systems.region_shift(input, shifts, padding, **options)
    assert got.tobytes() == want.tobytes(), f"{input.dtype} {padding} {shifts.tolist()}"
    return got


class TestIntegers:
    @pytest.mark.parametrize("padding", PADDINGS)
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_any_dtype(self, dtype, padding):
        shifts = np.array([[2, -1], [0, 3], [-4, 0]])
        check_copy(numbers(1, (2, 6, 5, 7), dtype), shifts, padding, **fill_of(padding, 3))

    @pytest.mark.parametrize("padding", PADDINGS)
    @pytest.mark.parametrize("ndim", [1, 2, 3])
    def test_any_number_of_axes(self, ndim, padding):
        shifts = np.random.default_rng(2).integers(-5, 6, (4, ndim))
        input = numbers(3, (2, 8, *(6, 5, 4)[:ndim]), "int32")
        check_copy(input, shifts, padding, **fill_of(padding, 3))

    @pytest.mark.parametrize("groups", [1, 2, 3, 4, 6, 12])
    def test_any_number_of_groups(self, groups):
        shifts = np.random.default_rng(4).integers(-3, 4, (groups, 2))
        check_copy(numbers(5, (1, 12, 4, 5), "uint8"), shifts)

    @pytest.mark.parametrize("padding", PADDINGS)
    @pytest.mark.parametrize("width", [1, 2, 3, 15, 16, 17, 64, 65])
    def test_widths(self, width, padding):
        shifts = np.array([[0, 0], [0, 1], [0, -1], [1, width - 1], [-1, width], [0, -width - 1]])
        check_copy(numbers(6, (1, 6, 3, width), "float32"), shifts, padding, **fill_of(padding, 3))

    @pytest.mark.parametrize("padding", PADDINGS)
    def test_huge_shifts(self, padding):
        top, bottom = np.iinfo(np.int64).max, np.iinfo(np.int64).min
        far = [5, -5, 6, 10**6, 2**31, -(2**31), 2**32 + 1, 2**62, top, bottom, bottom + 1]
        shifts = np.array([[0, s] for s in far] + [[s, 1] for s in far])
        input = numbers(7, (1, len(shifts), 5, 5), "int16")
        check_copy(input, shifts, padding, **fill_of(padding, 3))

    @pytest.mark.parametrize("dtype", INTEGERS)
    def test_any_integer_may_shift(self, dtype):
        """-128 has no negative among int8, and half of uint64 is no int64."""
        info = np.iinfo(dtype)
        shifts = np.array([[info.min, 1], [info.max, 0], [2, info.max], [3, info.min]], dtype)
        for padding in PADDINGS:
            check_copy(numbers(8, (1, 4, 7, 6), "uint8"), shifts, padding, **fill_of(padding, 3))

    def test_positive_moves_to_larger_indices(self):
        row = np.array([[[1, 2, 3, 4]]])
        np.testing.assert_array_equal(fs.region_shift(row, np.array([[1]])), [[[1, 1, 2, 3]]])
        np.testing.assert_array_equal(
            fs.region_shift(row, np.array([[-1]]), "zeros"), [[[2, 3, 4, 0]]]
        )

    def test_rows_are_dy_dx(self):
        image = np.arange(12).reshape(1, 1, 3, 4)
        got = fs.region_shift(image, np.array([[1, 2]]), "wrap")
        np.testing.assert_array_equal(got, np.roll(image, (1, 2), (2, 3)))

    @pytest.mark.parametrize("padding", PADS)
    def test_is_pad_roll_crop(self, padding):
        input = numbers(9, (2, 4, 6, 7), "float32")
        shifts = np.array([[2, -3], [0, 1], [-1, 0], [3, 3]])
        got = fs.region_shift(input, shifts, padding)
        np.testing.assert_array_equal(got, pad_roll_crop(input, shifts, padding))

    def test_special_values_are_copied(self):
        """A NaN's payload and a negative zero too."""
        bits = np.array([[0x7FC00001, 0xFF800001, 0x80000000, 0x00000001, 0x7F800000]], np.uint32)
        input = bits.view(F32)[None]
        got = fs.region_shift(input, np.array([[2]]), "wrap")
        np.testing.assert_array_equal(got.view(np.uint32), np.roll(bits, 2)[None])

    def test_a_list_will_do(self):
        image = np.arange(12).reshape(1, 1, 3, 4)
        got = fs.region_shift(image, [[1, 0]], "wrap")
        np.testing.assert_array_equal(got, np.roll(image, 1, 2))

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("dtype", ["uint8", "float32", "complex128"])
    def test_layouts(self, dtype, layout):
        input, shifts = numbers(10, (2, 4, 5, 6), dtype), np.array([[1, -2], [-1, 3]])
        for padding in ("border", "wrap", "zeros"):
            check_copy(dict(layouts(input))[layout], dict(layouts(shifts))[layout], padding)

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "float32", "complex128"])
    def test_out(self, dtype):
        input = numbers(11, (2, 4, 5, 6), dtype)
        assert_written_and_returned(fs.region_shift, input, np.array([[1, -2], [-1, 3]]))

    @pytest.mark.parametrize("count", [126, 127, 128, 129, 191, 192, 193, 320, 5000])
    def test_runs_of_any_length_anywhere_in_a_cache_line(self, count):
        input, whole = numbers(26, (count + 1,), "uint8"), np.zeros(count + 200, np.uint8)
        for start in range(66):
            whole[:] = 7
            out = whole[start : start + count + 1]
            fs.region_shift(input[None, None], np.array([[1]]), "wrap", out=out[None, None])
            np.testing.assert_array_equal(out, np.roll(input, 1))
            assert (whole[:start] == 7).all()
            assert (whole[start + count + 1 :] == 7).all()

    def test_channels_last(self):
        input, shifts = numbers(12, (2, 4, 5, 6), "int64"), np.array([[1, -2], [-1, 3]])
        got = fs.region_shift(systems.last(input), shifts, channels_last=True)
        np.testing.assert_array_equal(got, systems.last(fs.region_shift(input, shifts)))

    @pytest.mark.parametrize("shape", [(0, 4, 5, 6), (2, 0, 5, 6), (2, 4, 0, 6), (2, 4, 5, 0)])
    @pytest.mark.parametrize("padding", PADDINGS)
    def test_empty(self, shape, padding):
        got = fs.region_shift(np.ones(shape), np.array([[1, 0], [0, 1]]), padding)
        assert got.shape == shape


class TestFractions:
    @pytest.mark.parametrize(
        ("padding", "ndim"),
        [("border", 1), ("border", 2), ("border", 3), ("zeros", 2), ("wrap", 2)],
    )
    def test_equals_oracle(self, padding, ndim):
        input = noise(13, (2, 6, *(6, 5, 4)[:ndim]), F32)
        check_slide(input, fractions(14, (3, ndim)), padding_mode=padding)

    def test_equals_oracle_in_double(self):
        check_slide(noise(15, (2, 6, 6, 5), F64), fractions(16, (6, 2), F64))

    def test_constant(self):
        options = {"padding_mode": "constant", "fill_value": FILL}
        check_slide(noise(17, (2, 6, 6, 5), F32), fractions(18, (6, 2)), **options)

    @pytest.mark.parametrize("padding", ["border", "zeros", "wrap"])
    def test_whole_floats_copy(self, padding):
        input = noise(19, (2, 6, 5, 7), F32)
        input[:, :, ::2, ::3] = np.nan
        shifts = np.array([[2, -1], [0, 3], [-4, 0]])
        got = fs.region_shift(input, shifts.astype(F32), padding)
        np.testing.assert_array_equal(got, fs.region_shift(input, shifts, padding))

    def test_active_shift_reads_ahead(self):
        """(α, β) along x and y is (-dx, -dy), and a row holds (dy, dx)."""
        ramp = np.arange(8, dtype=F32) + 10 * np.arange(6, dtype=F32)[:, None]
        alpha, beta = 0.25, 0.5
        got = fs.region_shift(ramp[None, None], np.array([[-beta, -alpha]], F32))
        np.testing.assert_allclose(got[0, 0, :-1, :-1], (ramp + alpha + 10 * beta)[:-1, :-1])

    def test_nan_spoils_its_group_alone(self):
        shifts = np.array([[0.5, 0], [np.nan, 0], [0, 0.5]], F32)
        got = fs.region_shift(noise(20, (2, 6, 5, 7), F32), shifts)
        spoilt = np.isnan(got).all((0, 2, 3))
        np.testing.assert_array_equal(spoilt, [False, False, True, True, False, False])
        assert np.isfinite(got[:, ~spoilt]).all()

    @pytest.mark.parametrize(("value", "edge"), [(np.inf, 0), (3e38, 0), (-np.inf, -1)])
    def test_far_shifts(self, value, edge):
        input, shifts = noise(21, (1, 2, 5, 7), F32), np.array([[0, value]], F32)
        want = np.broadcast_to(input[..., edge, None], input.shape)
        np.testing.assert_array_equal(fs.region_shift(input, shifts), want)
        assert not fs.region_shift(input, shifts, "zeros").any()

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        input, shifts = noise(22, (2, 6, 5, 7), F32), fractions(23, (3, 2))
        check_slide(dict(layouts(input))[layout], dict(layouts(shifts))[layout])

    def test_out(self):
        assert_written_and_returned(
            fs.region_shift, noise(24, (2, 6, 5, 7), F32), fractions(25, (3, 2))
        )


def fractions(seed, shape, dtype=F32):
    """Shifts of a few pixels, a tenth off every integer and every half."""
    rng = np.random.default_rng(seed)
    return (rng.integers(-3, 3, shape) + rng.choice([0.2, 0.7], shape)).astype(dtype)


def check_slide(input, shifts, **options):
    """The result, after a comparison with the oracle."""
    got = watched(fs.region_shift, input, shifts, **options)
    assert got.dtype == input.dtype.newbyteorder("=")
    assert_close(got, systems.region_shift(input, shifts, **options), 4, NEAR, str(options))


class TestBackward:
    @pytest.mark.parametrize(("padding", "ndim"), [("border", 2), ("zeros", 3)])
    def test_equals_finite_differences(self, padding, ndim):
        input = noise(26, (2, 4, *(4, 3, 2)[:ndim]), F64)
        check_gradients(input, fractions(27, (2, ndim), F64), padding_mode=padding)

    def test_a_shift_for_each_channel(self):
        check_gradients(noise(28, (2, 4, 3, 4), F64), fractions(29, (4, 2), F64))

    @pytest.mark.parametrize("padding", ["zeros", "border", "reflection", "wrap"])
    def test_integer_shifts_have_no_gradient_of_their_own(self, padding):
        input, shifts = noise(32, (2, 6, 5, 4), F32), np.array([[2, -1], [0, 3], [-9, 9]])
        grad = noise(33, input.shape, F32)
        back, none = watched(fs.region_shift_backward, grad, input, shifts, padding_mode=padding)
        assert none is None
        assert back.dtype == F32
        wide = input.astype(F64)
        want = slopes(lambda x: systems.region_shift(x, shifts, padding), wide, grad.astype(F64))
        assert_close(back, want, table=GRADIENT)

    @pytest.mark.parametrize("dtype", [F32, np.complex128])
    @pytest.mark.parametrize("padding", ["zeros", "border", "wrap", "constant"])
    def test_integer_shifts_adjoint(self, dtype, padding):
        input, grad = (numbers(seed, (2, 6, 9, 8), dtype) for seed in (34, 35))
        shifts = np.array([[2, -1], [0, 3], [-20, 2**40]])
        back, _ = fs.region_shift_backward(grad, input, shifts, padding)
        assert back.dtype == dtype
        forward = fs.region_shift(input, shifts, padding)  # whole numbers: every sum is exact
        assert np.vdot(input, back) == np.vdot(forward, grad)

    def test_whole_floats_have_the_slope_of_the_right_hand_cell(self):
        """A shift moves the content, so its slope is the pixel's less its right neighbour's; the
        bounds of `border` count as outside."""
        image, grad = noise(36, (5, 9), F64), noise(47, (5, 9), F64)
        _, slope = fs.region_shift_backward(grad[None, None], image[None, None], np.zeros((1, 2)))
        by_y = -np.vdot(np.diff(image, axis=0)[1:], grad[1:-1])
        by_x = -np.vdot(np.diff(image, axis=1)[:, 1:], grad[:, 1:-1])
        np.testing.assert_allclose(slope, [[by_y, by_x]], rtol=1e-10)

    @pytest.mark.parametrize("output_mask", [(True, False), (False, True)])
    def test_output_mask(self, output_mask):
        input, shifts = noise(37, (2, 4, 5, 6), F64), fractions(38, (2, 2), F64)
        both = fs.region_shift_backward(input, input, shifts)
        got = fs.region_shift_backward(input, input, shifts, output_mask=output_mask)
        for one, full, asked in zip(got, both, output_mask, strict=True):
            np.testing.assert_array_equal(one, full if asked else None)

    def test_vjp(self):
        input, shifts = noise(45, (2, 4, 5, 6), F64), fractions(46, (2, 2), F64)
        result, pullback = fs.vjp(fs.region_shift, input, shifts)
        np.testing.assert_array_equal(result, fs.region_shift(input, shifts))
        want = fs.region_shift_backward(result, input, shifts)
        for one, other in zip(pullback(result), want, strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("shift", [F64, np.int64])
    def test_layouts(self, layout, shift):
        input, shifts = noise(39, (2, 4, 5, 6), F64), np.array([[1, -2], [0, 3]], shift)
        grad = noise(40, input.shape, F64)
        want = fs.region_shift_backward(grad, input, shifts)
        others = (dict(layouts(a))[layout] for a in (grad, input, shifts))
        for one, other in zip(watched(fs.region_shift_backward, *others), want, strict=True):
            if other is None:
                assert one is None
            else:
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def check_gradients(input, shifts, **options):
    """Both gradients against finite differences of the oracle."""
    grad = noise(41, input.shape, input.dtype)
    got = watched(fs.region_shift_backward, grad, input, shifts, **options)
    wide, rows, weights = (x.astype(F64) for x in (input, shifts, grad))
    want = (
        slopes(lambda x: systems.region_shift(x, rows, **options), wide, weights),
        slopes(lambda s: systems.region_shift(wide, s, **options), rows, weights),
    )
    for name, one, other in zip(("grad_input", "grad_shifts"), got, want, strict=True):
        assert one.dtype == input.dtype, name
        assert_close(one, other, np.abs(other).max(initial=1), GRADIENT, f"{name} {options}")


class TestErrors:
    INPUT = np.ones((2, 8, 5, 6), F32)

    @pytest.mark.parametrize("groups", [0, 3, 5, 16])
    def test_a_table_that_does_not_divide_the_channels(self, groups):
        shape = (groups, 2)
        assert_refused(fs.region_shift, "shifts", 8, shape, of=(self.INPUT, np.zeros(shape, int)))
        assert_refused(fs.region_shift, "shifts", 8, shape, of=(self.INPUT, np.zeros(shape, F32)))

    @pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 3), (1, 4, 2), ()])
    def test_a_table_of_another_shape(self, shape):
        error = (ValueError, TypeError)  # a plain number is no array
        assert_refused(
            fs.region_shift, "shifts", of=(self.INPUT, np.zeros(shape, int)), error=error
        )

    @pytest.mark.parametrize("dtype", [bool, complex, object])
    def test_a_table_of_another_type(self, dtype):
        of = self.INPUT, np.zeros((4, 2), dtype)
        assert_refused(fs.region_shift, "shifts", of=of, error=TypeError)

    @pytest.mark.parametrize("dtype", ["bool", "int64"])
    def test_fractions_of_what_has_none(self, dtype):
        of = self.INPUT.astype(dtype), np.zeros((4, 2), F32)
        assert_refused(fs.region_shift, "input", dtype, of=of, error=TypeError)

    def test_objects(self):
        of = self.INPUT.astype(object), np.zeros((4, 2), int)
        assert_refused(fs.region_shift, "input", "object", of=of, error=TypeError)

    @pytest.mark.parametrize("shape", [(2, 8), (2, 8, 1, 1, 1, 1)])
    def test_input(self, shape):
        assert_refused(fs.region_shift, "input", shape, of=(np.ones(shape), np.zeros((4, 2), int)))

    def test_padding_mode(self):
        of = self.INPUT, np.zeros((4, 2), int)
        assert_refused(fs.region_shift, "padding_mode", "'edge'", of=of, padding_mode="edge")

    @pytest.mark.parametrize("dtype", [int, F32])
    def test_out(self, dtype):
        of = self.INPUT, np.zeros((4, 2), dtype)
        assert_refused(fs.region_shift, "out", "input", of=of, out=self.INPUT)
        assert_refused(
            fs.region_shift, "out", self.INPUT.shape, of=of, out=np.ones((2, 8, 5, 5), F32)
        )
        frozen = np.ones_like(self.INPUT)
        frozen.flags.writeable = False
        assert_refused(fs.region_shift, "out", "read-only", of=of, out=frozen)

    def test_grad_output(self):
        wrong = np.ones((2, 8, 5, 5), F32)
        of = wrong, self.INPUT, np.zeros((4, 2), F32)
        assert_refused(fs.region_shift_backward, "grad_output", wrong.shape, of=of)

    def test_gradients_of_integers(self):
        input = self.INPUT.astype(np.int32)
        of = input, input, np.zeros((4, 2), int)
        assert_refused(fs.region_shift_backward, "input", "int32", of=of, error=TypeError)
