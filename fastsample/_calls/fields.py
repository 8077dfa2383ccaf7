"""Fields of displacements as a few knots, with the matrix that comes before them.

Kernels read both from one row of numbers a sample: the matrix, then the knots.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels.kind import ELASTIC
from . import buffers, checks, sampled
from .formula import spline_axes
from .quiet import cast, summed
from .sampled import Coordinates, Options

Array = NDArray[Any]


class Field(NamedTuple):
    """Control and theta as they came, and as rows of numbers."""

    control: Array
    theta: Array | None
    rows: Array
    about: Coordinates


def given(
    function: str, control: Any, size: Any, theta: Any, order: Any, coordinates: Any
) -> Field:
    """Check control and theta, and say what they mean."""
    size = checks.sizes(function, size, (1, 2, 3), checks.SPATIAL_SIZES)
    order = checks.spline_order(function, order)
    checks.words(function, coordinates=coordinates)
    knots = checks.array(function, "control", control)
    checks.dtype(function, "control", knots.dtype, checks.GRID_TYPES)
    checks.knots(function, knots.shape, len(size))
    matrix = None if theta is None else checks.array(function, "theta", theta)
    if matrix is not None:
        checks.dtype(function, "theta", matrix.dtype, checks.GRID_TYPES)
        checks.matrices(function, matrix.shape, len(knots), len(size))
    normalized = coordinates == "normalized" and matrix is not None
    options = size, knots.shape[2:], order, normalized
    about = Coordinates("control", spline_axes, options, ELASTIC, _check(size), size, True)
    return Field(knots, matrix, rows_of(knots, matrix), about)


def rows_of(control: Array, theta: Array | None) -> Array:
    """Matrices and knots, a row of numbers for each sample, of the wider one's type."""
    control, axes = buffers.widened(control), control.shape[1]
    matrices = np.eye(axes, axes + 1, dtype=control.dtype)[None]
    if theta is not None:
        matrices = buffers.widened(theta)
    samples, first = max(len(control), len(matrices)) if len(control) else 0, axes * (axes + 1)
    real = np.result_type(control, matrices).newbyteorder("=")
    rows = np.empty((samples, first + control[:1].size if len(control) else first), real)
    if samples:
        rows[:, :first] = matrices.reshape(len(matrices), -1)
        rows[:, first:] = control.reshape(len(control), -1)
    return rows


def backward(
    function: str, field: Field, arrays: tuple[Any, Any], options: Options, output_mask: Any
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of input, control and theta."""
    to_input, to_control, to_theta = checks.mask(function, output_mask, 3)
    mask = to_input, to_control or (to_theta and field.theta is not None)
    found = sampled.backward(function, field.about, (*arrays, field.rows), options, mask)
    grad_input, grad_rows = found
    grad_control = grad_theta = None
    first = field.control.shape[1] * (field.control.shape[1] + 1)
    if grad_rows is not None and to_control:
        grad_control = _part(grad_rows[:, first:], field.control)
    if grad_rows is not None and to_theta and field.theta is not None:
        grad_theta = _part(grad_rows[:, :first], field.theta)
    return grad_input, grad_control, grad_theta


def _part(rows: Array, like: Array) -> Array:
    """Some numbers of all rows, as the array that they were."""
    if len(like) < len(rows):  # one that all samples share
        rows = summed(rows, 0)[None]
    return cast(rows.reshape(like.shape), like.dtype.newbyteorder("="))


@lru_cache(maxsize=64)
def _check(size: tuple[int, ...]) -> Any:
    """Check the batch and, against the input's, the number of axes."""

    def check(function: str, name: str, shape: Any, image: Any) -> None:
        checks.spatial(function, size, len(image) - 2)
        checks.batch(function, name, shape[0], image[0])

    return check
