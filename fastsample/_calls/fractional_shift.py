"""Shifts by fractions of a pixel as matrices: the identity, and a column that moves.

Groups of channels are seen as samples (N G, C / G, *in), each with its matrix. Pixels are the unit,
and a matrix says where to read, so that its last column is minus the shift, x first.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels.kind import AFFINE
from . import buffers, gradients, run
from .formula import step_axis
from .quiet import cast, quietly
from .run import Sampling

Array = NDArray[Any]


def sampling(mode: str, padding_mode: str, sizes: tuple[int, ...], fill: Any) -> Sampling:
    """What to do for an input of these sizes."""
    axes = tuple(step_axis(size, size) for size in sizes)
    return Sampling(mode, padding_mode, axes, fill, AFFINE)


def slide(sampling: Sampling, image: Array, shifts: Array, out: Array) -> None:
    """Shift the channels of (N, C, *in) into `out`, each group by its row of `shifts`."""
    for part, rows, (source, target) in shares(sampling, len(shifts), image, out):
        run.sample(part, source, matrices(shifts[rows], source), target)


def input_gradient(sampling: Sampling, gradient: Array, shifts: Array) -> Array:
    """The gradient of the input, from the result's."""
    out = buffers.empty(gradient.shape, gradient.dtype.newbyteorder("="))
    scatter(sampling, gradient, shifts, out)
    return out


def scatter(sampling: Sampling, gradient: Array, shifts: Array, out: Array) -> None:
    """Put the input's gradient into `out`, which has no gaps."""
    for source, target in parts(len(shifts), gradient, out):
        gradients.scatter(sampling, source, matrices(shifts, source), target)


@quietly
def shift_gradient(sampling: Sampling, gradient: Array, image: Array, shifts: Array) -> Array:
    """The gradient of the shifts, summed over samples and channels in double."""
    total = np.zeros(shifts.shape)
    for part, rows, (slopes_of, source) in shares(sampling, len(shifts), gradient, image):
        thetas = matrices(shifts[rows], source)
        slopes = np.empty(thetas.shape)
        gradients.slope(part, slopes_of, source, thetas, slopes)
        total[rows] -= slopes[:, ::-1, -1].reshape(-1, *total[rows].shape).sum(axis=0)
    return cast(total, shifts.dtype)


def matrices(shifts: Array, samples: Array) -> Array:
    """A matrix for each sample, whose groups come in turn; one shift is one matrix for all."""
    groups, axes = shifts.shape
    thetas = np.zeros((groups, axes, axes + 1), shifts.dtype.newbyteorder("="))
    thetas[:, range(axes), range(axes)] = 1
    thetas[:, :, axes] = -shifts[:, ::-1]
    return thetas if groups == 1 else np.tile(thetas, (len(samples) // groups, 1, 1))


def shares(
    sampling: Sampling, groups: int, *arrays: Array
) -> Iterator[tuple[Sampling, slice, tuple[Array, ...]]]:
    """`parts`, what to do with them, and by which rows of the shifts.

    Group by group where each channel has its fill value: a call of kernels has one of them, or one
    for each channel of a sample, and groups are samples of it.
    """
    if not isinstance(sampling.fill, tuple):
        for part in parts(groups, *arrays):
            yield sampling, slice(None), part
    elif 0 not in arrays[0].shape:
        each = arrays[0].shape[1] // groups
        for g in range(groups):
            own = slice(g * each, (g + 1) * each)
            fills = sampling._replace(fill=sampling.fill[own])
            yield fills, slice(g, g + 1), tuple(x[:, own] for x in arrays)


def parts(groups: int, *arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Arrays (N, C, *in) seen as (N groups, C / groups, *in), sample by sample if strides ask."""
    n, c, *sizes = arrays[0].shape
    if 0 in arrays[0].shape or groups == 1:
        if 0 not in arrays[0].shape:
            yield arrays
    elif n == 1 or all(x.strides[0] == x.strides[1] * c for x in arrays):
        yield tuple(x.reshape(n * groups, c // groups, *sizes) for x in arrays)
    else:
        for k in range(n):
            yield from parts(groups, *(x[k : k + 1] for x in arrays))
