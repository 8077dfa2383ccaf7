"""deform_conv2d and its five gradients: torchvision's definition."""

import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest
import systems
from cases import noise
from numpy.lib.stride_tricks import sliding_window_view
from systems import GRADIENT, LAYOUTS, assert_refused, layouts, slopes, watched
from tolerances import assert_close, of_the_coarser

import fastsample as fs

F32, F64 = np.float32, np.float64
NEAR = of_the_coarser(F32, factor=3)
NAMES = "input", "offset", "weight", "bias", "mask"
MEGABYTE = 1 << 20


class Layer(NamedTuple):
    """What a deformable convolution is told beside its arrays' values."""

    channels: tuple = (2, 3)  # in, out
    kernel: tuple = (3, 3)
    stride: tuple | int = 1
    padding: tuple | int = 1
    dilation: tuple | int = 1
    groups: int = 1
    offset_groups: int = 1
    bias: bool = False
    mask: bool = False

    @property
    def options(self):
        """Keyword arguments of deform_conv2d."""
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}

    def length(self, size, axis):
        """Of the output along an axis."""
        settings = self.stride, self.padding, self.dilation
        stride, pad, step = (int(np.broadcast_to(pair, 2)[axis]) for pair in settings)
        return (size + 2 * pad - step * (self.kernel[axis] - 1) - 1) // stride + 1

    def arrays(self, seed, batch=2, sizes=(5, 6), dtype=F64):
        """(input, offset, weight, bias, mask); positions lie a tenth off every whole pixel."""
        (inputs, outputs), rng = self.channels, np.random.default_rng(seed)
        taps = self.offset_groups * self.kernel[0] * self.kernel[1]
        out = [self.length(size, axis) for axis, size in enumerate(sizes)]
        part = rng.uniform(0.1, 0.9, (batch, 2 * taps, *out))
        arrays = (
            rng.standard_normal((batch, inputs, *sizes)),
            rng.integers(-2, 2, part.shape) + part,
            rng.standard_normal((outputs, inputs // self.groups, *self.kernel)),
            rng.standard_normal(outputs) if self.bias else None,
            rng.standard_normal((batch, taps, *out)) if self.mask else None,
        )
        return [None if a is None else a.astype(dtype) for a in arrays]


LAYERS = {
    "plain": Layer(),
    "bias": Layer(bias=True),
    "mask": Layer(mask=True),
    "groups": Layer((4, 6), (3, 2), groups=2, bias=True),
    "offset groups": Layer((6, 4), (2, 3), offset_groups=3, mask=True),
    "more groups than offset groups": Layer((8, 8), groups=4, offset_groups=2, mask=True),
    "more offset groups than groups": Layer((8, 4), (2, 2), groups=2, offset_groups=4, bias=True),
    "depthwise": Layer((4, 8), groups=4, offset_groups=4),
    "stride": Layer((4, 6), (3, 2), (2, 1), (1, 2), (1, 2), 2, 2, True, True),
    "dilation": Layer(dilation=2, padding=(2, 1)),
    "no padding": Layer(padding=0, stride=2),
    "one tap": Layer((3, 5), (1, 1), padding=0, mask=True),
    "wide padding": Layer(kernel=(2, 2), padding=4),
}
each_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


def check(arrays, layer, context=""):
    """The result, after a comparison with the oracle."""
    got = call(arrays, layer)
    want = oracle_of(arrays, layer)
    assert got.dtype == arrays[0].dtype.newbyteorder("=")
    assert got.flags.c_contiguous
    assert_close(got, want, np.abs(want).max(initial=1), NEAR, f"{layer} {context}")
    return got


def call(arrays, layer):
    """deform_conv2d, its inputs watched."""
    input, offset, weight, bias, mask = arrays
    return watched(fs.deform_conv2d, input, offset, weight, bias, mask=mask, **layer.options)


def oracle_of(arrays, layer, **more):
    input, offset, weight, bias, mask = arrays
    return systems.deform_conv2d(input, offset, weight, bias, mask=mask, **layer.options, **more)


class TestForward:
    @pytest.mark.parametrize("dtype", [F32, F64])
    @each_layer
    def test_equals_oracle(self, layer, dtype):
        check(layer.arrays(1, dtype=dtype), layer)

    @pytest.mark.parametrize("sizes", [(3, 3), (1, 9), (9, 1), (4, 17), (16, 2)])
    def test_sizes(self, sizes):
        layer = Layer(mask=True)
        check(layer.arrays(2, sizes=sizes, dtype=F32), layer)

    @pytest.mark.parametrize("batch", [1, 3, 5])
    def test_batches(self, batch):
        layer = Layer((3, 4), offset_groups=3)
        check(layer.arrays(3, batch, dtype=F32), layer)

    def test_by_position(self):
        """torchvision's order of arguments."""
        layer = Layer((4, 6), (3, 2), (2, 1), (1, 2), (1, 2), 2, 2, True, True)
        arrays = layer.arrays(4)
        *first, mask = arrays
        got = fs.deform_conv2d(*first, layer.stride, layer.padding, layer.dilation, mask)
        np.testing.assert_array_equal(got, call(arrays, layer))

    def test_without_offsets_it_is_a_convolution(self):
        input, offset, weight, *_ = Layer((3, 4)).arrays(5)
        wide = np.pad(input, [(0, 0), (0, 0), (1, 1), (1, 1)])
        windows = sliding_window_view(wide, (3, 3), (2, 3))
        want = np.einsum("ncyxij,ocij->noyx", windows, weight)
        got = fs.deform_conv2d(input, np.zeros_like(offset), weight, padding=1)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)

    def test_offsets_are_y_x(self):
        image = np.arange(20, dtype=F32).reshape(1, 1, 4, 5)
        offset = np.zeros((1, 2, 4, 5), F32)
        offset[:, 0], offset[:, 1] = 1, 2
        got = fs.deform_conv2d(image, offset, np.ones((1, 1, 1, 1), F32))
        want = np.zeros_like(image)
        want[..., :3, :3] = image[..., 1:, 2:]
        np.testing.assert_array_equal(got, want)

    def test_each_tap_has_its_own_offset(self):
        """Only the tap in row 0, column 1 of a 2x2 kernel is moved, down by one pixel."""
        image = noise(6, (1, 1, 4, 5), F64)
        offset = np.zeros((1, 8, 3, 4))
        offset[:, 2] = 1
        a, b, c, d = weight = np.array([2.0, 3, 5, 7])
        got = fs.deform_conv2d(image, offset, weight.reshape(1, 1, 2, 2))[0, 0]
        x = image[0, 0]
        want = a * x[:-1, :-1] + b * x[1:, 1:] + c * x[1:, :-1] + d * x[1:, 1:]
        np.testing.assert_allclose(got, want, rtol=1e-12)

    def test_half_in_half_out(self):
        """From one pixel outside on it reads 0; before that it fades."""
        image, weight = np.ones((1, 1, 1, 4), F32), np.ones((1, 1, 1, 1), F32)
        offset = np.zeros((1, 2, 1, 4), F32)
        offset[0, 1, 0] = [-0.75, -2, 1.25, 1]
        got = fs.deform_conv2d(image, offset, weight)
        np.testing.assert_array_equal(got, [[[[0.25, 0, 0.75, 0]]]])

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38, -3e38, 2.0**31, -(2.0**63)])
    def test_far_outside(self, value):
        arrays = (layer := Layer(bias=True, mask=True)).arrays(7, dtype=F32)
        arrays[1][:, ::2] = value
        got = call(arrays, layer)
        np.testing.assert_array_equal(got, np.broadcast_to(arrays[3][:, None, None], got.shape))

    def test_nan_spoils_its_position_alone(self):
        arrays = (layer := Layer()).arrays(8, dtype=F32)
        arrays[1][1, 5, 2, 3] = np.nan
        spoilt = np.isnan(call(arrays, layer))
        assert spoilt[1, :, 2, 3].all()
        assert spoilt.sum() == 3

    def test_a_pixel_without_weight_is_not_read(self):
        """Infinite rows above and below those that the kernel stands on."""
        input, offset, weight, *_ = Layer(kernel=(1, 3), padding=0).arrays(9, dtype=F32)
        input[:, :, ::2] = np.inf
        got = fs.deform_conv2d(input, np.zeros_like(offset), weight)
        assert np.isfinite(got[:, :, 1::2]).all()

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        arrays = (layer := LAYERS["stride"]).arrays(10, dtype=F32)
        check([dict(layouts(a))[layout] for a in arrays], layer)

    @pytest.mark.parametrize(("batch", "out"), [(0, 8), (2, 0)])
    def test_empty(self, batch, out):
        input, offset = np.ones((batch, 4, 5, 6), F32), np.zeros((batch, 18, 5, 6), F32)
        got = fs.deform_conv2d(input, offset, np.ones((out, 4, 3, 3), F32), padding=1)
        assert got.shape == (batch, out, 5, 6)
        assert got.dtype == F32


@pytest.mark.compiled
class TestBlocks:
    """Columns of more than 64 MB are made a block at a time."""

    SHAPES = ((24, 64, 48, 48), (1, 64, 256, 256))

    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_memory_is_bounded(self, shape):
        arrays = self.arrays(shape)
        result = fs.deform_conv2d(*arrays, padding=1).nbytes  # loads the kernel
        tracemalloc.start()
        fs.deform_conv2d(*arrays, padding=1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 * MEGABYTE + result + 16 * MEGABYTE

    def test_a_sample_is_the_same_in_any_batch(self):
        input, offset, weight = self.arrays(self.SHAPES[0])
        got = fs.deform_conv2d(input, offset, weight, padding=1)
        for n in (0, 11, 12, 23):
            alone = fs.deform_conv2d(input[n : n + 1], offset[n : n + 1], weight, padding=1)
            np.testing.assert_allclose(got[n], alone[0], rtol=1e-4, atol=1e-4)

    def test_a_large_plane(self):
        """Far from the first block, beside the oracle's columns for a corner."""
        input, offset, weight = self.arrays(self.SHAPES[1])
        got = fs.deform_conv2d(input, offset, weight, padding=1)[..., -3:, -3:]
        corner = fs.deform_conv2d(input[..., -9:, -9:], offset[..., -9:, -9:], weight, padding=1)
        np.testing.assert_allclose(got, corner[..., -3:, -3:], rtol=1e-4, atol=1e-4)

    @staticmethod
    def arrays(shape):
        batch, channels, *sizes = shape
        rng = np.random.default_rng(11)
        offset = rng.uniform(-1, 1, (batch, 18, *sizes)).astype(F32)
        return noise(12, shape, F32), offset, noise(13, (64, channels, 3, 3), F32) / 24


GRADIENTS = {
    "plain": Layer(kernel=(2, 2), stride=2),
    "all": Layer((4, 4), (2, 1), (2, 3), (1, 0), (1, 2), 2, 2, True, True),
    "more groups than offset groups": Layer((4, 4), (1, 2), 2, 0, 1, 4, 2, False, True),
    "more offset groups than groups": Layer((4, 2), (2, 1), 2, 1, 1, 1, 4, True, False),
}
each_gradient = pytest.mark.parametrize("layer", GRADIENTS.values(), ids=GRADIENTS)


def gradients(grad, arrays, layer):
    """deform_conv2d_backward, its inputs watched."""
    input, offset, weight, bias, mask = arrays
    of = grad, input, offset, weight, bias
    return watched(fs.deform_conv2d_backward, *of, mask=mask, **layer.options)


def columns_of(arrays, layer):
    """The oracle's columns, which neither weight nor bias changes."""
    input, offset, weight, _, mask = arrays
    settings = layer.stride, layer.padding, layer.dilation
    return systems.deform_columns(input, offset, weight, *settings, mask)


def check_gradients(arrays, layer):
    """All five against finite differences of the oracle, None where nothing was given."""
    grad = noise(14, oracle_of(arrays, layer).shape, arrays[0].dtype)
    got = gradients(grad, arrays, layer)
    wide = [None if a is None else a.astype(F64) for a in arrays]
    known = columns_of(wide, layer)
    for k, (name, one) in enumerate(zip(NAMES, got, strict=True)):
        if arrays[k] is None:
            assert one is None, name
            continue
        columns = known if name in ("weight", "bias") else None

        def with_another(x, k=k, columns=columns):
            return oracle_of([*wide[:k], x, *wide[k + 1 :]], layer, columns=columns)

        want = slopes(with_another, wide[k], grad.astype(F64))
        assert one.dtype == arrays[k].dtype, name
        assert_close(one, want, np.abs(want).max(initial=1), GRADIENT, f"{name} {layer}")


class TestBackward:
    @each_gradient
    def test_equals_finite_differences(self, layer):
        check_gradients(layer.arrays(15, sizes=(3, 4)), layer)

    def test_in_single_precision(self):
        layer = GRADIENTS["all"]
        check_gradients(layer.arrays(16, sizes=(3, 4), dtype=F32), layer)

    @each_layer
    def test_is_the_adjoint(self, layer):
        """The result is linear in input, weight and mask, each alone."""
        arrays = layer.arrays(17)
        arrays[3] = None
        forward = call(arrays, layer)
        grad = noise(18, forward.shape, F64)
        want = np.vdot(forward, grad)
        for name, one, back in zip(NAMES, arrays, gradients(grad, arrays, layer), strict=True):
            if name in ("input", "weight", "mask") and one is not None:
                assert np.vdot(one, back) == pytest.approx(want, rel=1e-9), name

    def test_bias_sums_what_comes(self):
        layer = Layer(bias=True)
        arrays = layer.arrays(19)
        grad = noise(20, call(arrays, layer).shape, F64)
        bias = gradients(grad, arrays, layer)[3]
        np.testing.assert_allclose(bias, grad.sum((0, 2, 3)), rtol=1e-12)

    def test_what_was_not_given_has_no_gradient(self):
        arrays = (layer := Layer()).arrays(21)
        *_, bias, mask = gradients(call(arrays, layer), arrays, layer)
        assert bias is None
        assert mask is None

    def test_whole_pixels_have_the_slope_of_the_right_hand_cell(self):
        row, weight = noise(22, (1, 1, 1, 9), F64), np.ones((1, 1, 1, 1))
        _, slope, *_ = fs.deform_conv2d_backward(
            np.ones_like(row), row, np.zeros((1, 2, 1, 9)), weight
        )
        np.testing.assert_allclose(slope[0, 1, 0], np.diff(row[0, 0, 0], append=0), rtol=1e-12)
        np.testing.assert_allclose(slope[0, 0, 0], -row[0, 0, 0], rtol=1e-12)

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38, 2.0**31])
    def test_far_outside_adds_nothing(self, value):
        arrays = (layer := Layer(mask=True)).arrays(23, dtype=F32)
        arrays[1][:, ::2] = value
        grad = noise(24, call(arrays, layer).shape, F32)
        for name, one in zip(NAMES, gradients(grad, arrays, layer), strict=True):
            assert one is None or not one.any(), name

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        arrays = (layer := GRADIENTS["all"]).arrays(25)
        grad = noise(26, call(arrays, layer).shape, F64)
        want = gradients(grad, arrays, layer)
        grad, *others = (dict(layouts(a))[layout] for a in (grad, *arrays))
        for one, other in zip(gradients(grad, others, layer), want, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)

    def test_empty(self):
        offset, weight = np.zeros((0, 18, 5, 6)), np.ones((8, 4, 3, 3))
        input, grad = np.ones((0, 4, 5, 6)), np.ones((0, 8, 5, 6))
        of = grad, input, offset, weight, np.ones(8)
        got = fs.deform_conv2d_backward(*of, padding=1)
        for one, array in zip(got, of[1:], strict=False):
            np.testing.assert_array_equal(one, np.zeros_like(array))

    @pytest.mark.compiled
    def test_blocks(self):
        """The gradients of a batch are those of its samples."""
        input, offset, weight = TestBlocks.arrays((14, 64, 48, 48))
        whole = fs.deform_conv2d_backward(input, input, offset, weight, padding=1)
        n = np.s_[12:13]
        part = fs.deform_conv2d_backward(input[n], input[n], offset[n], weight, padding=1)
        np.testing.assert_allclose(whole[0][n], part[0], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(whole[1][n], part[1], rtol=1e-3, atol=1e-3)

    def test_vjp(self):
        arrays = (layer := Layer()).arrays(27)[:3]
        result, pullback = fs.vjp(fs.deform_conv2d, *arrays, **layer.options)
        np.testing.assert_array_equal(result, fs.deform_conv2d(*arrays, **layer.options))
        want = fs.deform_conv2d_backward(result, *arrays, **layer.options)
        for one, other in zip(pullback(result)[:3], want[:3], strict=True):
            np.testing.assert_array_equal(one, other)


class TestErrors:
    INPUT, WEIGHT = np.ones((2, 4, 5, 6), F32), np.ones((6, 4, 3, 3), F32)
    OFFSET = np.zeros((2, 18, 5, 6), F32)
    GOOD = INPUT, OFFSET, WEIGHT

    def assert_refused(self, argument, *parts, of=None, **options):
        assert_refused(fs.deform_conv2d, argument, *parts, of=of or self.GOOD, padding=1, **options)

    @pytest.mark.parametrize("channels", [0, 9, 17, 19, 2, 54, 180])
    def test_offsets_whose_channels_do_not_fit_the_kernel(self, channels):
        """Not 2 · 9 · G, or a G that does not divide the 4 channels."""
        shape = 2, channels, 5, 6
        self.assert_refused("offset", shape, of=(self.INPUT, np.zeros(shape, F32), self.WEIGHT))

    @pytest.mark.parametrize("shape", [(1, 18, 5, 6), (2, 18, 5, 5), (2, 18, 3, 4), (2, 18, 30)])
    def test_offset(self, shape):
        self.assert_refused("offset", shape, of=(self.INPUT, np.zeros(shape, F32), self.WEIGHT))

    @pytest.mark.parametrize("shape", [(6, 3, 3, 3), (6, 8, 3, 3), (5, 2, 3, 3), (6, 4, 3)])
    def test_weight(self, shape):
        self.assert_refused("weight", shape, of=(self.INPUT, self.OFFSET, np.ones(shape, F32)))

    @pytest.mark.parametrize("shape", [(2, 4, 5), (4, 5, 6), (2, 4, 1, 5, 6)])
    def test_input(self, shape):
        self.assert_refused("input", shape, of=(np.ones(shape, F32), self.OFFSET, self.WEIGHT))

    @pytest.mark.parametrize("shape", [(5,), (6, 1), (1,)])
    def test_bias(self, shape):
        self.assert_refused("bias", shape, bias=np.ones(shape, F32))

    @pytest.mark.parametrize("shape", [(2, 18, 5, 6), (1, 9, 5, 6), (2, 9, 5, 5), (2, 9)])
    def test_mask(self, shape):
        self.assert_refused("mask", shape, mask=np.ones(shape, F32))

    @pytest.mark.parametrize("name", ["stride", "dilation"])
    @pytest.mark.parametrize("value", [0, (1, 0), -1, (1, 1, 1), 1.5, "1"])
    def test_steps(self, name, value):
        self.assert_refused(name, error=(ValueError, TypeError), **{name: value})

    @pytest.mark.parametrize("value", [-1, (1, -1), (1, 1, 1), 0.5, "1"])
    def test_padding(self, value):
        error = (ValueError, TypeError)
        assert_refused(fs.deform_conv2d, "padding", of=self.GOOD, padding=value, error=error)

    def test_a_kernel_larger_than_the_image(self):
        weight, offset = np.ones((6, 4, 9, 3), F32), np.zeros((2, 54, 5, 6), F32)
        self.assert_refused(r"\w+", of=(self.INPUT, offset, weight))

    @pytest.mark.parametrize("dtype", [bool, np.int64, np.complex64, object])
    @pytest.mark.parametrize("which", [0, 1, 2])
    def test_types(self, which, dtype):
        of = list(self.GOOD)
        of[which] = of[which].astype(dtype)
        self.assert_refused(NAMES[which], of=of, error=TypeError)

    def test_grad_output(self):
        wrong = np.ones((2, 6, 5, 5), F32)
        assert_refused(
            fs.deform_conv2d_backward, "grad_output", wrong.shape, of=(wrong, *self.GOOD), padding=1
        )

    def test_backward_checks_too(self):
        grad = np.ones((2, 6, 5, 6), F32)
        of = grad, self.INPUT, self.OFFSET[:, :17], self.WEIGHT
        assert_refused(fs.deform_conv2d_backward, "offset", (2, 17, 5, 6), of=of, padding=1)
