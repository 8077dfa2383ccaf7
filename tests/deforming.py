"""Deformable convolutions: their settings, arrays, and calls."""

from typing import NamedTuple

import numpy as np
import pytest
import systems
from cases import noise
from systems import watched

import fastsample as fs

F32, F64 = np.float32, np.float64
NAMES = "input", "offset", "weight", "bias", "mask"


class Layer(NamedTuple):
    """What a deformable convolution is told beside its arrays' values."""

    channels: tuple = (2, 3)  # in, out
    kernel: tuple = (3, 3)
    stride: tuple | int = 1
    padding: tuple | int = 1  # (y, x), or ((top, bottom), (left, right))
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
        stride, step = (int(np.broadcast_to(x, 2)[axis]) for x in (self.stride, self.dilation))
        padded = size + int(systems.sides(self.padding)[axis].sum())
        return (padded - step * (self.kernel[axis] - 1) - 1) // stride + 1

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
    "four paddings": Layer((4, 2), (2, 3), 2, ((2, 1), (0, 3)), 1, 1, 2, True, True),
}
each_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


def call(arrays, layer):
    """deform_conv2d, its inputs watched."""
    input, offset, weight, bias, mask = arrays
    return watched(fs.deform_conv2d, input, offset, weight, bias, mask=mask, **layer.options)


def oracle_of(arrays, layer, **more):
    input, offset, weight, bias, mask = arrays
    return systems.deform_conv2d(input, offset, weight, bias, mask=mask, **layer.options, **more)


def gradients(grad, arrays, layer, **more):
    """deform_conv2d_backward, its inputs watched."""
    input, offset, weight, bias, mask = arrays
    of = grad, input, offset, weight, bias
    return watched(fs.deform_conv2d_backward, *of, mask=mask, **layer.options, **more)


def large_arrays(shape):
    """Input, offset and weight of 64 channels, for an input of this shape."""
    batch, channels, *sizes = shape
    rng = np.random.default_rng(11)
    offset = rng.uniform(-1, 1, (batch, 18, *sizes)).astype(F32)
    return noise(12, shape, F32), offset, noise(13, (64, channels, 3, 3), F32) / 24
