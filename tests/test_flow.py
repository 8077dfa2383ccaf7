"""flow_warp and its gradients: displacements in pixels."""

import numpy as np
import pytest
import systems
from cases import fill_of, noise
from systems import (
    GRADIENT,
    LAYOUTS,
    assert_refused,
    assert_written_and_returned,
    layouts,
    off_the_kinks,
    slopes,
    source,
    watched,
)
from tolerances import assert_close, of_the_coarser

import fastsample as fs

F32, F64 = np.float32, np.float64
SIZES = {1: (11,), 2: (6, 7), 3: (4, 5, 6)}
NEAR = of_the_coarser(F32, factor=3)
PADDINGS = ("zeros", "border", "reflection", "wrap", "constant")

FORWARD = [
    ("bilinear", "zeros", 1, F32),
    ("bilinear", "zeros", 2, F32),
    ("bilinear", "zeros", 3, F32),
    ("bilinear", "zeros", 2, F64),
    ("bilinear", "border", 2, F32),
    ("bicubic", "reflection", 2, F32),
    ("nearest", "reflection", 2, F32),
]
BACKWARD = [(2, F32), (3, F64)]
"""Few, since a kernel takes seconds to compile both ways; grid_sample's tests visit the others."""


def scene(seed, sizes, dtype, batch=2, channels=3, flows=None):
    """(input, flow) whose targets are off the kinks and reach two pixels outside."""
    pixels = off_the_kinks(seed, (flows or batch, *sizes), sizes)
    flow = np.moveaxis(pixels - systems.identity(sizes, F64), -1, 1)
    return noise(seed, (batch, channels, *sizes), dtype), flow.astype(dtype)


def check(input, flow, **options):
    """The result, after a comparison with the oracle."""
    got = watched(fs.flow_warp, input, flow, **options)
    assert got.dtype == input.dtype.newbyteorder("=")
    assert got.flags.c_contiguous
    want = systems.flow_warp(input, flow, **options)
    assert_close(got, want, scale=np.abs(want).max(initial=1), table=NEAR, context=str(options))
    return got


class TestForward:
    @pytest.mark.parametrize(("mode", "padding", "ndim", "dtype"), FORWARD)
    def test_equals_oracle(self, mode, padding, ndim, dtype):
        check(*scene(1, SIZES[ndim], dtype), mode=mode, padding_mode=padding)

    @pytest.mark.parametrize("size", [*range(1, 20), 31, 32, 33])
    def test_widths(self, size):
        for sizes in ((2, size), (size, 3)):
            check(*scene(size, sizes, F32))

    @pytest.mark.compiled
    def test_beyond_one_tile(self):
        check(*scene(2, (70, 61), F32, batch=1))

    @pytest.mark.parametrize(("batch", "flows"), [(1, 3), (3, 1)])
    def test_batch_of_one_is_shared(self, batch, flows):
        input, flow = scene(3, (6, 7), F32, batch=batch, flows=flows)
        assert check(input, flow).shape == (3, 3, 6, 7)

    @pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5), (2, 3, 0, 5), (2, 3, 0)])
    def test_empty(self, shape):
        input, flow = np.ones(shape, F32), np.ones((shape[0], len(shape) - 2, *shape[2:]), F32)
        assert fs.flow_warp(input, flow).shape == shape

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        input, flow = scene(4, (6, 7), F32)
        check(dict(layouts(input))[layout], flow)
        check(input, dict(layouts(flow))[layout])

    def test_a_flow_with_its_components_last(self):
        """A view of a field (N, H, W, 2), as optical flow is often stored."""
        input, flow = scene(5, (6, 7), F32)
        check(input, np.moveaxis(systems.last(flow), -1, 1))

    def test_out(self):
        assert_written_and_returned(fs.flow_warp, *scene(6, (6, 7), F32))

    def test_channels_last(self):
        input, flow = scene(7, (6, 7), F32)
        got = fs.flow_warp(systems.last(input), systems.last(flow), channels_last=True)
        want = systems.last(fs.flow_warp(input, flow))
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)

    def test_constant(self):
        options = {"padding_mode": "constant", "fill_value": 4.5}
        assert (check(*scene(8, (6, 7), F32), **options) == 4.5).any()


class TestDirection:
    """The result at (y, x) is the input at (y + dy, x + dx)."""

    IMAGE = noise(9, (1, 2, 4, 5, 6), F32)

    @pytest.mark.parametrize(("component", "axis"), [(0, -1), (1, -2), (2, -3)])
    def test_reads_ahead(self, component, axis):
        flow = np.zeros((1, 3, 4, 5, 6), F32)
        flow[:, component] = 1
        got = fs.flow_warp(self.IMAGE, flow)
        want = np.roll(self.IMAGE, -1, axis)
        np.moveaxis(want, axis, 0)[-1] = 0
        np.testing.assert_array_equal(got, want)


def copied(input, flow, padding, fill=0):
    """Each pixel by plain indexing; the flow is whole."""
    out = np.full_like(input, fill)
    for n, y, x in np.ndindex(len(input), *input.shape[2:]):
        dx, dy = (int(d) for d in flow[n, :, y, x])
        row, column = (
            source(y + dy, input.shape[2], padding),
            source(x + dx, input.shape[3], padding),
        )
        if row is not None and column is not None:
            out[n, :, y, x] = input[n, :, row, column]
    return out


class TestExactness:
    @pytest.mark.parametrize("padding", PADDINGS)
    def test_an_integer_flow_copies(self, padding):
        input = noise(10, (2, 3, 6, 7), F32)
        input[:, :, ::3, ::2] = [np.inf, -np.inf, np.nan, 1e-45]
        flow = np.random.default_rng(11).integers(-9, 10, (2, 2, 6, 7)).astype(F32)
        got = fs.flow_warp(input, flow, padding_mode=padding, **fill_of(padding, 1.5))
        want = copied(input, flow, padding, 1.5 if padding == "constant" else 0)
        np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
    def test_in_every_mode(self, mode):
        input = noise(12, (2, 3, 6, 7), F32)
        flow = np.random.default_rng(13).integers(-9, 10, (2, 2, 6, 7)).astype(F32)
        got = fs.flow_warp(input, flow, mode, "reflection")
        np.testing.assert_array_equal(got, copied(input, flow, "reflection"))

    @pytest.mark.parametrize(("ndim", "dtype"), [(1, F32), (2, F32), (3, F32), (2, F64)])
    def test_no_flow_is_the_input_to_the_last_bit(self, ndim, dtype):
        sizes = {1: (501,), 2: (37, 53), 3: (7, 9, 18)}[ndim]
        input = noise(14, (1, 3, *sizes), dtype)
        got = fs.flow_warp(input, np.zeros((1, ndim, *sizes), dtype))
        assert got.tobytes() == input.tobytes()


class TestNonFinite:
    def test_nan_gives_nan_and_spoils_no_neighbour(self):
        input, flow = scene(15, (6, 7), F32)
        flow[:, 1, 2, 3] = np.nan
        got = fs.flow_warp(input, flow)
        assert np.isnan(got[:, :, 2, 3]).all()
        assert np.isnan(got).sum() == 6

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38, -3e38])
    def test_far_outside(self, value):
        input, flow = scene(16, (6, 7), F32)
        flow[:, 0, ::2] = value
        assert (fs.flow_warp(input, flow)[:, :, ::2] == 0).all()

    @pytest.mark.parametrize(("value", "edge"), [(np.inf, -1), (-3e38, 0)])
    def test_far_outside_border_reads_the_edge(self, value, edge):
        image = noise(17, (1, 3, 5, 9), F32)
        flow = np.zeros((1, 2, 5, 9), F32)
        flow[:, 0] = value
        got = fs.flow_warp(image, flow, padding_mode="border")
        np.testing.assert_array_equal(got, np.broadcast_to(image[..., edge, None], image.shape))


def check_gradients(input, flow, grad, **options):
    """Both gradients against finite differences of the oracle."""
    got = watched(fs.flow_warp_backward, grad, input, flow, **options)
    wide, field, weights = (x.astype(F64) for x in (input, flow, grad))
    want = (
        slopes(lambda x: systems.flow_warp(x, field, **options), wide, weights),
        slopes(lambda f: systems.flow_warp(wide, f, **options), field, weights),
    )
    for name, one, other in zip(("grad_input", "grad_flow"), got, want, strict=True):
        assert one.dtype == input.dtype, name
        assert_close(one, other, np.abs(other).max(initial=1), GRADIENT, f"{name} {options}")


class TestBackward:
    @pytest.mark.parametrize(("ndim", "dtype"), BACKWARD)
    def test_equals_finite_differences(self, ndim, dtype):
        input, flow = scene(18, {2: (4, 5), 3: (2, 3, 4)}[ndim], dtype, channels=2)
        check_gradients(input, flow, noise(19, input.shape, dtype))

    @pytest.mark.parametrize(("batch", "flows"), [(1, 3), (3, 1)])
    def test_a_shared_batch_sums(self, batch, flows):
        arrays = scene(20, (3, 4), F32, batch=batch, channels=2, flows=flows)
        check_gradients(*arrays, noise(21, (3, 2, 3, 4), F32))

    def test_whole_pixels_have_the_slope_of_the_right_hand_cell(self):
        """With zeros, the last pixel's right neighbour is 0."""
        image = noise(22, (1, 1, 2, 3, 9), F64)
        _, slope = fs.flow_warp_backward(np.ones_like(image), image, np.zeros((1, 3, 2, 3, 9)))
        for component, axis in enumerate((2, 1, 0)):
            want = np.diff(image[0, 0], axis=axis, append=0)
            np.testing.assert_allclose(slope[0, component], want, rtol=1e-12)

    def test_an_integer_flow_gives_the_pixels_back(self):
        input = noise(24, (1, 2, 6, 7), F32)
        flow = np.zeros((1, 2, 6, 7), F32)
        flow[:, 0] = 2
        back, _ = fs.flow_warp_backward(input, input, flow)
        want = np.zeros_like(input)
        want[..., 2:] = input[..., :-2]
        np.testing.assert_array_equal(back, want)

    def test_is_the_adjoint(self):
        input, flow = scene(25, (20, 31), F32)
        grad = noise(26, input.shape, F32)
        back, none = fs.flow_warp_backward(grad, input, flow, output_mask=(True, False))
        want = np.vdot(fs.flow_warp(input, flow).astype(F64), grad)
        assert none is None
        assert np.vdot(input.astype(F64), back) == pytest.approx(want, rel=1e-4, abs=1e-3)

    def test_output_mask(self):
        input, flow = scene(27, (6, 7), F32)
        both = fs.flow_warp_backward(input, input, flow)
        none, grad = fs.flow_warp_backward(input, input, flow, output_mask=(False, True))
        assert none is None
        np.testing.assert_array_equal(grad, both[1])

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        input, flow = scene(28, (6, 7), F32)
        arrays = noise(29, input.shape, F32), input, flow
        want = fs.flow_warp_backward(*arrays)
        got = watched(fs.flow_warp_backward, *(dict(layouts(a))[layout] for a in arrays))
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)

    def test_vjp(self):
        input, flow = scene(31, (6, 7), F32)
        result, pullback = fs.vjp(fs.flow_warp, input, flow)
        np.testing.assert_array_equal(result, fs.flow_warp(input, flow))
        want = fs.flow_warp_backward(result, input, flow)
        for one, other in zip(pullback(result), want, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_nan_adds_nothing_to_the_input(self):
        input, flow = scene(30, (6, 7), F32)
        flow[:, 0, 2, 3] = np.nan
        grad_input, grad_flow = fs.flow_warp_backward(np.ones_like(input), input, flow)
        assert np.isfinite(grad_input).all()
        assert np.isnan(grad_flow[:, :, 2, 3]).all()
        assert np.isnan(grad_flow).sum() == 4


class TestErrors:
    GOOD = np.ones((4, 3, 6, 7), F32), np.zeros((4, 2, 6, 7), F32)

    @pytest.mark.parametrize(
        "shape", [(4, 3, 6, 7), (4, 2, 6, 8), (4, 2, 5, 7), (3, 2, 6, 7), (4, 6, 7, 2), (4, 2, 42)]
    )
    def test_flow(self, shape):
        assert_refused(fs.flow_warp, "flow", shape, of=(self.GOOD[0], np.zeros(shape, F32)))

    @pytest.mark.parametrize("shape", [(4, 3), (1, 2, 3, 4, 5, 6)])
    def test_input(self, shape):
        assert_refused(fs.flow_warp, "input", shape, of=(np.ones(shape, F32), self.GOOD[1]))

    @pytest.mark.parametrize("dtype", [bool, np.int64, np.complex64])
    def test_types(self, dtype):
        input, flow = self.GOOD
        assert_refused(fs.flow_warp, "flow", of=(input, flow.astype(dtype)), error=TypeError)

    @pytest.mark.parametrize("option", ["mode", "padding_mode"])
    def test_words(self, option):
        assert_refused(fs.flow_warp, option, "'edge'", of=self.GOOD, **{option: "edge"})

    def test_out(self):
        input, flow = self.GOOD
        assert_refused(fs.flow_warp, "out", "input", of=self.GOOD, out=input)
        assert_refused(fs.flow_warp, "out", "flow", of=(input[:, :2], flow), out=flow)
        assert_refused(fs.flow_warp, "out", (4, 3, 6, 7), of=self.GOOD, out=input[..., 1:].copy())

    def test_grad_output(self):
        wrong = np.ones((4, 3, 6, 8), F32)
        assert_refused(fs.flow_warp_backward, "grad_output", wrong.shape, of=(wrong, *self.GOOD))
