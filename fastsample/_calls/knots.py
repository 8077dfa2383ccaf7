"""Uniform splines through knots at a few places, in double; and their gradient from rows'.

`stencil` has the formulas once for all that is computed in NumPy; `_kernels/stages/field.py` has
them for kernels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .formula import Axis
from .quiet import put, quietly, summed

Array = NDArray[Any]
TAPS = 4


def stencil(place: Array, knots: int, order: int) -> tuple[Array, Array, Array]:
    """What the spline at places, in knots, is made of: four knots, their weights, and slopes."""
    place = np.clip(np.nan_to_num(place), 0, knots - 1)
    cell = np.minimum(np.floor(place), knots - 2)
    f = (place - cell)[..., None]
    zero, one = np.zeros_like(f), np.ones_like(f)
    if order == 1:
        weights, slopes = [zero, 1 - f, f, zero], [zero, -one, one, zero]
    else:
        weights = [(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, 1 + 3 * (f + f**2 - f**3), f**3]
        slopes = [-3 * (1 - f) ** 2, 9 * f**2 - 12 * f, 3 * (1 + 2 * f - 3 * f**2), 3 * f**2]
        weights, slopes = [w / 6 for w in weights], [s / 6 for s in slopes]
    index = np.clip(cell[..., None] + np.arange(-1, TAPS - 1), 0, knots - 1).astype(np.intp)
    return index, np.concatenate(weights, -1), np.concatenate(slopes, -1)


def weights_of(axis: Axis) -> Array:
    """What each knot weighs at each output point of an axis, (points, knots)."""
    step = (axis.knots - 1) / max(axis.points - 1, 1)
    index, weights, _ = stencil(np.arange(axis.points) * step, axis.knots, axis.order)
    found = np.zeros((axis.points, axis.knots))
    np.add.at(found, (np.arange(axis.points)[:, None], index), weights)
    return found


@quietly
def collect(axes: tuple[Axis, ...], shares: Array, tile: tuple[int, int], out: Array) -> Array:
    """Sum the tiles' shares (N, tiles, numbers) to gradients of matrices and knots, in `out`.

    `tile` is how many tiles lie below each other, and the rows of one.
    """
    (down, rows), axis_count, last = tile, len(axes), axes[-1]
    first = axis_count * (axis_count + 1)
    samples, outer = len(shares), [axis.points for axis in axes[:-1]]
    put(out[:, :first], summed(shares[..., :first], 1), False)
    parts = shares[..., first:].reshape(samples, -1, down * rows, axis_count * last.knots)
    lines = summed(parts, 1)[:, : int(np.prod(outer))]
    lines = lines.reshape(samples, *outer, -1)
    for axis in axes[-2::-1]:  # from the second last on: each leaves its knots behind it
        lines = weights_of(axis).T @ lines
        lines = lines.reshape(*lines.shape[:-2], -1)
    found = lines.reshape(samples, *(axis.knots for axis in axes[:-1]), axis_count, last.knots)
    found = np.moveaxis(found, -2, 1)
    units = np.array([axis.scale for axis in axes[::-1]]).reshape(-1, *[1] * axis_count)
    put(out[:, first:], (found / units).reshape(samples, -1), False)
    return out
