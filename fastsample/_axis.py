"""The coordinate formula as data: pixel = (value + pre) * scale + offset, along each axis."""

from typing import NamedTuple

import numpy as np

from ._kernels.kind import AXES, REFLECTION, WRAP


class Axis(NamedTuple):
    """One axis of the input and the formula that leads to its pixels."""

    size: int
    pre: float
    scale: float
    offset: float
    low_mirror: float  # where `reflection` mirrors: the first pixel's centre or its edge


def grid_axis(size, align_corners, coordinates):
    """The axis of a grid: -1 and 1 are the outer pixels' centres, or edges, or plain pixels."""
    low_mirror = 0.0 if align_corners else -0.5
    if coordinates == "pixel":
        return Axis(size, 0.0, 1.0, 0.0, low_mirror)
    if align_corners:
        return Axis(size, 1.0, (size - 1) / 2, 0.0, low_mirror)
    return Axis(size, 1.0, size / 2, -0.5, low_mirror)


def records(kind, axes, strides):
    """The axes as kernels read them, in the order of the array's axes; strides in elements."""
    table = np.zeros(len(axes), AXES[kind.real])
    real = table["pre"].dtype.type
    reach = 3 if kind.taps == 4 else 1  # pixels beyond the image from where no tap is inside
    for row, axis, stride in zip(table, axes, strides, strict=True):
        row["size"], row["stride"] = axis.size, stride
        row["last"], row["last_start"] = axis.size - 1, axis.size - kind.taps
        row["pre"], row["scale"], row["offset"] = axis.pre, axis.scale, axis.offset
        row["edge"] = _rounded(axis.size - 1, real, -np.inf)
        row["low"], row["high"] = -reach, _rounded(axis.size - 1 + reach, real, np.inf)
        if kind.rule in (REFLECTION, WRAP):
            row["low"], row["high"] = np.finfo(real).min, np.finfo(real).max
        row["mirror"] = axis.low_mirror
        row["period"] = _period(kind, axis)
        row["inverse"] = 1 / _period(kind, axis)
    return table


def _period(kind, axis):
    """After how many pixels a rule repeats; one pixel mirrored in its centre lies still."""
    if kind.rule == REFLECTION:
        return max(2 * (axis.size - 1 - 2 * axis.low_mirror), 1)
    return axis.size


def _rounded(n, real, towards):
    """An int as a float, rounded to one side where it has too many bits."""
    near = real(n)
    if (int(near) < n and towards > 0) or (int(near) > n and towards < 0):
        return np.nextafter(near, real(towards))
    return near
