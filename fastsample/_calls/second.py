"""Second derivatives of checked arrays: the way back of both gradients.

With W the weights of the taps, u the direction in the input and v the one of a point's coordinates,
the gradients of a result's gradient g have the derivative <W u + (D_v W) x, g>, where D_v is the
derivative along v. So the way back to g is the sample of u and, with weights differentiated along
v, that of the input x; to the input a scatter of g with these weights; to the coordinates the
slopes of u, and the slopes of x differentiated along v, axis by axis.
"""

from typing import Any, NamedTuple

import numpy as np

from .._kernels.kind import AFFINE
from .._kernels.vectors import brain
from . import buffers, gradients, run
from .quiet import put
from .run import Array, Sampling


class Directions(NamedTuple):
    """Along which both gradients are differentiated; either may be None, for zeros."""

    input: Array | None
    points: Array | None


def joined(sampling: Sampling, points: Array, directions: Array) -> Array:
    """Points and their directions, (N, *out, 2 D), or matrices, (N, 2 D, D + 1).

    Points lie coordinate by coordinate, as kernels read them quickly, whatever else is among them.
    """
    dtype = points.dtype.newbyteorder("=")
    if sampling.source == AFFINE:
        return np.concatenate([points, directions], 1, dtype=dtype)
    n, *sizes, d = points.shape
    made = np.empty((n, 2 * d, *sizes), dtype)
    both = made.transpose(0, *range(2, made.ndim), 1)
    both[..., :d], both[..., d:] = points, directions
    return both


def without_fill(sampling: Sampling) -> Sampling:
    """Outside lies nothing that moves with the input."""
    if sampling.padding_mode != "constant":
        return sampling
    return sampling._replace(padding_mode="zeros", fill=0.0)


def to_output(
    sampling: Sampling, along: Directions, image: Array, points: Array, out: Array
) -> None:
    """Write the gradient of the result's gradient to `out` (N, C, *out)."""
    if along.input is None:
        out[...] = np.zeros((), out.dtype)
    else:
        run.sample(without_fill(sampling), along.input, points, out)
    if along.points is not None:
        moved = np.empty_like(out)
        both = joined(sampling, points, along.points)
        run.sample(sampling._replace(along=True), image, both, moved)
        put(out, moved, add=True)


def to_input(
    sampling: Sampling, along: Directions, gradient: Array, shape: Any, points: Array
) -> Array:
    """The gradient of the input: it moves with the coordinates alone."""
    if along.points is None:
        return np.zeros(shape, gradient.dtype.newbyteorder("="))
    both = joined(sampling, points, along.points)
    return gradients.input_gradient(sampling._replace(along=True), gradient, shape, both)


def to_points(
    sampling: Sampling, along: Directions, gradient: Array, image: Array, points: Array
) -> Array:
    """The gradient of the coordinates; that of matrices in double, as it was summed."""
    dtype = np.float64 if sampling.source == AFFINE else points.dtype.newbyteorder("=")
    out = np.zeros(points.shape, dtype)
    if along.input is not None:
        gradients.slope(without_fill(sampling), gradient, along.input, points, out)
    if along.points is not None:
        both = joined(sampling, points, along.points)
        for a in range(len(sampling.axes)):
            turned = sampling._replace(along=True, turned=a)
            gradients.slope(turned, gradient, image, both, out, add=True)
    return out


def widened(x: Array) -> Array:
    """Numbers of 16 bits as float32, so that sums are rounded once; other arrays as they are."""
    return brain.widened(x) if x.dtype == brain.DTYPE else buffers.widened(x)


def rounded(x: Array, dtype: Any) -> Array:
    """The way back from `widened`."""
    if x.dtype == dtype:
        return x
    out = np.empty_like(x, dtype)
    put(out, x)
    return out
