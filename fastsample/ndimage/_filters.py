"""spline_filter and spline_filter1d: the coefficients of splines."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._calls import spline_checks as checks
from .._calls.dlpack import takes_any_array
from .._calls.splines import filtered

Output = NDArray[Any] | DTypeLike


@takes_any_array
def spline_filter1d(
    input: ArrayLike,
    order: int = 3,
    axis: int = -1,
    output: Output = np.float64,
    mode: str = "mirror",
) -> NDArray[Any]:
    """Filter."""
    name = "spline_filter1d"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    mode = checks.mode(name, mode)
    axes = (np.lib.array_utils.normalize_axis_index(axis, array.ndim),) if order > 1 else ()
    return filtered(name, array, order, axes, output, mode)


@takes_any_array
def spline_filter(
    input: ArrayLike,
    order: int = 3,
    output: Output = np.float64,
    mode: str = "mirror",
) -> NDArray[Any]:
    """Filter."""
    name = "spline_filter"
    order = checks.order(name, order, 2)
    array = checks.array(name, "input", input)
    axes = tuple(range(array.ndim))
    return filtered(name, array, order, axes, output, checks.mode(name, mode))
