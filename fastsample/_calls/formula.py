"""The coordinate formula as data: pixel = (value + pre) * scale + offset, along each axis."""

import functools
from typing import NamedTuple

import numpy as np

from .._kernels.kind import (
    AXES,
    CENTRES,
    CONSTANT,
    FOLDS,
    KEEP,
    MIRROR,
    PERSPECTIVE,
    REPEAT,
    SLOPE,
    SQUARES,
    STRIDES,
    ZEROS,
    dtype_of,
    item_of,
)
from .._kernels.vectors.pixels import FEW
from .._kernels.vectors.simd import LANES


class Axis(NamedTuple):
    """One axis of the input and the formula that leads to its pixels."""

    size: int
    pre: float
    scale: float
    offset: float
    low_mirror: float  # where `reflection` mirrors: the first pixel's centre or its edge
    points: int = 0  # the output along this axis: point j lies at base + j * step
    base: float = 0.0
    step: float = 0.0
    begin: int = 0  # j of the first point that is made
    knots: int = 0  # of a spline along this axis of the output
    order: int = 0  # of that spline


def each(axis):
    """Give a function of one size that makes an axis a sequence of sizes."""

    @functools.wraps(axis)
    def axes(sizes, *options):
        return tuple(axis(size, *options) for size in sizes)

    return axes


def grid_axis(size, align_corners, coordinates):
    """The axis of a grid: -1 and 1 are the outer pixels' centres, or edges, or plain pixels."""
    low_mirror = 0.0 if align_corners else -0.5
    if coordinates == "pixel":
        return Axis(size, 0.0, 1.0, 0.0, low_mirror)
    if align_corners:
        return Axis(size, 1.0, (size - 1) / 2, 0.0, low_mirror)
    return Axis(size, 1.0, size / 2, -0.5, low_mirror)


def point_axis(size, align_corners):
    """The axis of points from 0 to 1: the outer pixels' centres, or their edges.

    In one step, where PyTorch's users take two, 2 p - 1 and then the grid's formula: p may be huge.
    """
    if align_corners:
        return Axis(size, 0.0, size - 1.0, 0.0, 0.0)
    return Axis(size, 0.0, size, -0.5, -0.5)


def step_axis(size, points, base=0.0, step=1.0):
    """The axis of steps in pixels away from places: base + j * step for each output point."""
    return Axis(size, 0.0, 1.0, 0.0, -0.5, points, base, step)


def affine_axis(size, points, align_corners):
    """The axis of a matrix that maps `points` output points, -1 to 1, to normalized coordinates."""
    axis = grid_axis(size, align_corners, "normalized")
    if points < 2:
        return axis._replace(points=points)
    step = 2 / (points - 1) if align_corners else 2 / points
    return axis._replace(points=points, base=-1.0 if align_corners else step / 2 - 1, step=step)


def affine_axes(sizes, points, align_corners):
    """The axes of a map from an output of these points to an input of these sizes."""
    both = zip(sizes, points, strict=True)
    return tuple(affine_axis(size, n, align_corners) for size, n in both)


def pixel_map_axes(sizes, points, align_corners=False):
    """The axes of a map of pixels, from an output of these points to an input of these sizes."""
    both = zip(sizes, points, strict=True)
    return tuple(step_axis(size, n) for size, n in both)


def spline_axes(sizes, points, knots, order, normalized):
    """The axes of a map and a spline of steps, of so many knots along each axis."""
    axes = (affine_axes if normalized else pixel_map_axes)(sizes, points, False)
    both = zip(axes, knots, strict=True)
    return tuple(axis._replace(knots=k, order=order) for axis, k in both)


def flow_axes(sizes):
    """The axes of steps away from an input's own pixels."""
    return tuple(step_axis(size, size) for size in sizes)


grid_axes, point_axes = each(grid_axis), each(point_axis)


def records(kind, axes, strides):
    """The axes as stages read them, as bytes: the strides in elements, then a record for each.

    Both in the order of the array's axes.
    """
    return records_of_many(kind, axes, [strides])[0]


def records_of_many(kind, axes, strides):
    """The same for several inputs at once, a row each: the sizes may be arrays."""
    made = np.zeros((len(strides), STRIDES + len(axes) * AXES[kind.real].itemsize), np.uint8)
    table = made[:, STRIDES:].view(AXES[kind.real])
    made[:, :STRIDES].view(np.int64)[:, : len(axes)] = strides
    real = table["pre"].dtype.type
    for a, axis in enumerate(axes):
        row = table[:, a]
        row["size"], row["stride"] = axis.size, np.array(strides)[:, a]
        row["last"], row["last_start"] = axis.size - 1, axis.size - kind.taps
        row["pre"], row["scale"], row["offset"] = axis.pre, axis.scale, axis.offset
        row["points"], row["base"], row["step"] = axis.points, axis.base, axis.step
        row["begin"] = axis.begin
        row["gain"], row["origin"] = axis.scale, axis.pre * axis.scale + axis.offset
        row["knots"], row["order"] = axis.knots, axis.order
        row["knot_step"] = (axis.knots - 1) / (axis.points - 1) if axis.points > 1 else 0.0
        _set_rule(row, kind, axis, real)
    return made


@functools.lru_cache(maxsize=64)
def fills(kind, fill):
    """What is read where no pixel is, as `stages/fills.py` has it.

    Steps from channel to channel, and three tables. `fill` is a number for all channels or a tuple,
    one for each.
    """
    each = list(fill) if isinstance(fill, tuple) else [fill]
    step = int(len(each) > 1)
    if 0 < kind.last <= FEW:
        pixel = each if len(each) > 1 else each * FEW
        each, step = (pixel + pixel[:1] * (FEW - len(pixel))) * (LANES // FEW), 0
    else:  # room for a vector from the last one on
        each += each[-1:] * (LANES - 1)
    dtype = dtype_of(kind.value)
    keeps = kind.rule == CONSTANT or (kind.source == PERSPECTIVE and kind.rule != ZEROS)
    outside = each if keeps else [0] * len(each)
    lost = each if dtype.kind in "iu" else [np.nan] * len(each)
    return step, np.array(each, np.float64), bits_of(outside, dtype), bits_of(lost, dtype)


def bits_of(numbers, dtype):
    """Numbers of a type as what their bits are as unsigned integers."""
    bits = np.dtype(f"u{dtype.itemsize}")
    return np.array([item_of(x, dtype).view(bits)[0] for x in numbers], np.uint64)


def _set_rule(row, kind, axis, real):
    """What the border rule does, as numbers: see `axis_dtype`."""
    size = np.asarray(axis.size)
    edge = _rounded(size - 1, real, -np.inf)
    reach = {1: 1, 2: 2, 4: 3}[kind.taps]  # pixels beyond the image: no tap is inside, nor a slope
    row["low"], row["high"] = -reach, _rounded(size - 1 + reach, real, np.inf)
    row["fold"] = FOLDS.get(kind.rule, KEEP)
    row["first"], row["end"] = 0, edge
    row["lower"], row["upper"] = 0, edge
    if kind.rule in (ZEROS, CONSTANT):
        row["first"], row["end"] = -1 if kind.taps == 2 else -np.inf, np.inf
        row["lower"], row["upper"] = np.nextafter(real(-1), real(-2)), np.inf
    changes = kind.role in (SLOPE, SQUARES) or kind.along
    if kind.taps <= 2 and not changes:  # the only bounds: `keep_of`
        row["low"] = np.maximum(row["low"], row["first"])
        row["high"] = np.minimum(row["high"], row["end"])
    if kind.rule in FOLDS:
        row["low"], row["high"] = np.finfo(real).min, np.finfo(real).max
    low_mirror = 0.0 if kind.rule == CENTRES else axis.low_mirror
    row["mirror"] = low_mirror
    # After how many pixels a rule repeats; one pixel mirrored in its centre lies still.
    period = size
    if FOLDS.get(kind.rule) == MIRROR:
        period = np.maximum(2 * (size - 1 - 2 * low_mirror), 1)
    row["period"], row["inverse"] = period, 1 / period
    if FOLDS.get(kind.rule) == REPEAT:
        row["end"], row["lower"], row["upper"] = row["period"], -np.inf, np.inf


def _rounded(n, real, towards):
    """Ints as floats, rounded to one side where they have too many bits."""
    near = n.astype(real)
    whole = near.astype(np.int64)
    missed = whole < n if towards > 0 else whole > n
    return np.where(missed, np.nextafter(near, real(towards)), near)
