"""affine_transform and rotate: an array read where a matrix says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._calls import spline_checks as checks
from .._calls.dlpack import takes_any_array
from .._calls.spline_places import Matrix, scaled, turned
from .._calls.splines import Options, interpolated

Output = NDArray[Any] | DTypeLike | None


@takes_any_array
def affine_transform(
    input: ArrayLike,
    matrix: ArrayLike,
    offset: float | Sequence[float] = 0.0,
    output_shape: Sequence[int] | None = None,
    output: Output = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    *,
    single: bool = False,
) -> NDArray[Any]:
    """Affine."""
    name = "affine_transform"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    if output_shape is None:
        shape = output.shape if isinstance(output, np.ndarray) else array.shape
    else:
        shape = checks.shape(name, output_shape)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    entries, own = checks.matrix(name, matrix, array.ndim, len(shape))
    start = np.array(checks.sequence(name, "offset", offset if own is None else own, array.ndim))
    places = scaled(entries, start) if entries.ndim == 1 else Matrix(entries, start)
    return interpolated(name, array, places, shape, output, options)


@takes_any_array
def rotate(
    input: ArrayLike,
    angle: float,
    axes: tuple[int, int] = (1, 0),
    reshape: bool = True,
    output: Output = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    *,
    single: bool = False,
) -> NDArray[Any]:
    """Rotate."""
    name = "rotate"
    array = checks.array(name, "input", input)
    plane = checks.plane(name, axes, array.ndim)
    order = checks.order(name, order)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    places, sizes = turned(angle, [array.shape[a] for a in plane], reshape)
    shape = list(array.shape)
    shape[plane[0]], shape[plane[1]] = sizes
    return interpolated(name, array, places, tuple(shape), output, options, tuple(plane))
