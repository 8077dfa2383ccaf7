"""deform_conv2d: torchvision's definition."""

import tracemalloc

import numpy as np
import pytest
from cases import noise
from deforming import F32, F64, LAYERS, NAMES, Layer, call, each_layer, large_arrays, oracle_of
from numpy.lib.stride_tricks import sliding_window_view
from systems import LAYOUTS, assert_refused, layouts
from tolerances import assert_close, of_the_coarser

import fastsample as fs
from fastsample import _deform as deform
from fastsample._calls.kept import STORE

NEAR = of_the_coarser(F32, factor=3)
MEGABYTE = 1 << 20


def check(arrays, layer, context=""):
    """The result, after a comparison with the oracle."""
    got = call(arrays, layer)
    want = oracle_of(arrays, layer)
    assert got.dtype == arrays[0].dtype.newbyteorder("=")
    assert got.flags.c_contiguous
    assert_close(got, want, np.abs(want).max(initial=1), NEAR, f"{layer} {context}")
    return got


class TestForward:
    @pytest.mark.parametrize("dtype", [F32, F64])
    @each_layer
    def test_equals_oracle(self, layer, dtype):
        check(layer.arrays(1, dtype=dtype), layer)

    @each_layer
    def test_a_tap_at_a_time(self, layer, monkeypatch):
        """As planes are read that are not small."""
        arrays = layer.arrays(1, dtype=F32)
        want = call(arrays, layer)
        monkeypatch.setattr(deform, "_SMALL", 0)
        np.testing.assert_allclose(check(arrays, layer), want, rtol=1e-5, atol=1e-5)

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

    @pytest.mark.parametrize("padding", [((0, 2), (3, 1)), [[1, 0], [0, 0]], np.eye(2, dtype=int)])
    def test_four_paddings_are_those_of_a_padded_image(self, padding):
        input, _, weight, *_ = (layer := Layer(padding=padding)).arrays(6)
        offset = layer.arrays(7)[1]
        got = fs.deform_conv2d(input, offset, weight, padding=padding)
        wide = np.pad(input, [(0, 0), (0, 0), *padding])
        np.testing.assert_allclose(got, fs.deform_conv2d(wide, offset, weight), rtol=1e-12)

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


class TestManyGroups:
    """What calls cost does not grow with the groups."""

    @pytest.mark.parametrize(("batch", "groups", "calls"), [(1, 24, 1), (2, 24, 2), (3, 2, 2)])
    def test_one_call_reads_all_taps(self, batch, groups, calls, monkeypatch):
        layer = Layer((24, 24), groups=24, offset_groups=groups)
        arrays, seen, sample = layer.arrays(28, batch, dtype=F32), [], deform.run.sample
        monkeypatch.setattr(deform.run, "sample", lambda *of: seen.append(of) or sample(*of))
        check(arrays, layer)
        assert len(seen) == calls

    def test_of_a_large_plane(self):
        """Each group's own offsets, where taps are read one by one."""
        layer = Layer((6, 6), (1, 2), padding=0, groups=6, offset_groups=6, mask=True)
        input, offset, weight, _, mask = layer.arrays(29, 1, (70, 71), F32)
        got = fs.deform_conv2d(input, offset, weight, mask=mask)
        for k in range(6):
            part = (a[:, k * n : k * n + n] for a, n in ((input, 1), (offset, 4), (mask, 2)))
            image, steps, factors = part
            alone = fs.deform_conv2d(image, steps, weight[k : k + 1], mask=factors)
            np.testing.assert_allclose(got[:, k], alone[:, 0], rtol=1e-5, atol=1e-5)


@pytest.mark.compiled
class TestBlocks:
    """Columns of more than 64 MB are made a block at a time."""

    SHAPES = ((24, 64, 48, 48), (1, 64, 256, 256))

    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_memory_is_bounded(self, shape):
        arrays = large_arrays(shape)
        result = fs.deform_conv2d(*arrays, padding=1).nbytes  # loads the kernel
        STORE.free.clear()  # memory that is kept is memory
        tracemalloc.start()
        fs.deform_conv2d(*arrays, padding=1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 * MEGABYTE + result + 16 * MEGABYTE

    def test_a_sample_is_the_same_in_any_batch(self):
        input, offset, weight = large_arrays(self.SHAPES[0])
        got = fs.deform_conv2d(input, offset, weight, padding=1)
        for n in (0, 11, 12, 23):
            alone = fs.deform_conv2d(input[n : n + 1], offset[n : n + 1], weight, padding=1)
            np.testing.assert_allclose(got[n], alone[0], rtol=1e-4, atol=1e-4)

    def test_a_large_plane(self):
        """Far from the first block, beside the oracle's columns for a corner."""
        input, offset, weight = large_arrays(self.SHAPES[1])
        got = fs.deform_conv2d(input, offset, weight, padding=1)[..., -3:, -3:]
        corner = fs.deform_conv2d(input[..., -9:, -9:], offset[..., -9:, -9:], weight, padding=1)
        np.testing.assert_allclose(got, corner[..., -3:, -3:], rtol=1e-4, atol=1e-4)


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

    @pytest.mark.parametrize(
        "value",
        [
            *(-1, (1, -1), (1, 1, 1), 0.5, "1", None, "ab", (1, (2, 3)), ((1, 2), 3), ((1, 2),)),
            *(
                ((1, 2), (3, -1)),
                ((1, 2), (3,)),
                ((1, 2), (3, 0.5)),
                ((1, 1),) * 3,
                (("1", 1),) * 2,
            ),
        ],
        ids=repr,
    )
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
