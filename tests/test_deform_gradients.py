"""The five gradients of deform_conv2d."""

import numpy as np
import pytest
import systems
from cases import noise
from deforming import (
    F32,
    F64,
    NAMES,
    Layer,
    call,
    each_layer,
    gradients,
    large_arrays,
    oracle_of,
)
from systems import GRADIENT, LAYOUTS, assert_refused, layouts, slopes
from tolerances import assert_close

import fastsample as fs
from fastsample import _deform as deform

GRADIENTS = {
    "plain": Layer(kernel=(2, 2), stride=2),
    "all": Layer((4, 4), (2, 1), (2, 3), (1, 0), (1, 2), 2, 2, True, True),
    "more groups than offset groups": Layer((4, 4), (1, 2), 2, 0, 1, 4, 2, False, True),
    "more offset groups than groups": Layer((4, 2), (2, 1), 2, 1, 1, 1, 4, True, False),
}
each_gradient = pytest.mark.parametrize("layer", GRADIENTS.values(), ids=GRADIENTS)


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

    @each_gradient
    def test_a_tap_at_a_time(self, layer, monkeypatch):
        """As planes are read that are not small."""
        monkeypatch.setattr(deform, "_SMALL", 0)
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

    @pytest.mark.parametrize("name", NAMES)
    def test_one_alone(self, name):
        layer = GRADIENTS["all"]
        arrays = layer.arrays(28)
        grad = noise(29, call(arrays, layer).shape, F64)
        all_five = gradients(grad, arrays, layer)
        wanted = tuple(other == name for other in NAMES)
        found = gradients(grad, arrays, layer, output_mask=wanted)
        for is_wanted, one, other in zip(wanted, found, all_five, strict=True):
            if is_wanted:
                np.testing.assert_array_equal(one, other)
            else:
                assert one is None

    @pytest.mark.parametrize(
        ("wanted", "steps"),
        [
            ((False,) * 5, set()),
            ((False, False, False, True, False), set()),
            ((False, False, True, False, False), {"sample"}),
            ((False, False, False, False, True), {"sample"}),
            ((True, False, False, False, False), {"scatter"}),
            ((False, True, False, False, False), {"coordinate_gradient"}),
        ],
    )
    def test_what_is_not_wanted_is_not_computed(self, wanted, steps, monkeypatch):
        layer, done = GRADIENTS["all"], set()
        arrays = layer.arrays(30)
        grad = noise(31, call(arrays, layer).shape, F64)
        for module, name in (
            (deform.run, "sample"),
            (deform.gradients, "scatter"),
            (deform.gradients, "coordinate_gradient"),
        ):
            step = getattr(module, name)
            monkeypatch.setattr(
                module,
                name,
                lambda *of, step=step, name=name, **more: done.add(name) or step(*of, **more),
            )
        gradients(grad, arrays, layer, output_mask=wanted)
        assert done == steps

    def test_a_wish_for_what_was_not_given(self):
        arrays = (layer := Layer()).arrays(32)
        found = gradients(
            call(arrays, layer), arrays, layer, output_mask=(False,) * 3 + (True,) * 2
        )
        assert found == (None,) * 5

    def test_whole_pixels_have_the_slope_of_the_right_hand_cell(self):
        image, weight = noise(22, (1, 1, 2, 9), F64), np.ones((1, 1, 1, 1))
        _, slope, *_ = fs.deform_conv2d_backward(
            np.ones_like(image), image, np.zeros((1, 2, 2, 9)), weight
        )
        want = [np.diff(image[0, 0], axis=axis, append=0) for axis in (0, 1)]
        np.testing.assert_allclose(slope[0], want, rtol=1e-12)

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
        input, offset, weight = large_arrays((14, 64, 48, 48))
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
    GRAD, INPUT, OFFSET, WEIGHT = (
        np.ones(shape, F32) for shape in ((2, 6, 5, 6), (2, 4, 5, 6), (2, 18, 5, 6), (6, 4, 3, 3))
    )
    GOOD = GRAD, INPUT, OFFSET, WEIGHT

    def assert_refused(self, argument, *parts, of=None, **options):
        of = of or self.GOOD
        assert_refused(fs.deform_conv2d_backward, argument, *parts, of=of, padding=1, **options)

    def test_grad_output(self):
        wrong = np.ones((2, 6, 5, 5), F32)
        self.assert_refused("grad_output", wrong.shape, of=(wrong, *self.GOOD[1:]))

    def test_those_of_the_forward(self):
        of = self.GRAD, self.INPUT, self.OFFSET[:, :17], self.WEIGHT
        self.assert_refused("offset", (2, 17, 5, 6), of=of)

    @pytest.mark.parametrize("mask", [(True, True), (True,) * 6, (1,) * 5, None, True, "abcde"])
    def test_output_mask(self, mask):
        self.assert_refused("output_mask", "five", repr(mask), output_mask=mask, error=TypeError)
