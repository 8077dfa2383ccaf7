"""shift and zoom: each axis by itself."""

import warnings
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._calls import spline_checks as checks
from .._calls import spline_output
from .._calls.dlpack import takes_any_array
from .._calls.spline_places import shifted, zoomed
from .._calls.splines import Options, interpolated

Output = NDArray[Any] | DTypeLike | None


@takes_any_array
def shift(
    input: ArrayLike,
    shift: float | Sequence[float],
    output: Output = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    *,
    single: bool = False,
) -> NDArray[Any]:
    """Shift."""
    name = "shift"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    places = shifted(checks.sequence(name, "shift", shift, array.ndim))
    return interpolated(name, array, places, array.shape, output, options)


@takes_any_array
def zoom(
    input: ArrayLike,
    zoom: float | Sequence[float],
    output: Output = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    *,
    grid_mode: bool = False,
    single: bool = False,
) -> NDArray[Any]:
    """Zoom."""
    name = "zoom"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    factors = checks.sequence(name, "zoom", zoom, array.ndim)
    shape = checks.zoomed(name, array.shape, factors)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    if prefilter and all(factor == 1 for factor in factors):
        out = spline_output.made(name, output, array.dtype, shape)
        out[...] = array
        return out
    # SciPy forgets grid_mode where it takes the parts of a complex array.
    grid_mode = grid_mode and array.dtype.kind != "c"
    if grid_mode and mode in ("constant", "wrap"):
        warnings.warn(
            f"It is recommended to use mode = grid-{mode} instead of {mode} when grid_mode is "
            "True.",
            stacklevel=3,
        )
    places = zoomed(array.shape, shape, grid_mode)
    return interpolated(name, array, places, shape, output, options)
