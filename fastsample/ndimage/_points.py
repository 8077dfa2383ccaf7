"""map_coordinates and geometric_transform: an array read at any places."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._calls import spline_checks as checks
from .._calls import spline_output
from .._calls.dlpack import takes_any_array
from .._calls.spline_places import Points, mapped
from .._calls.splines import Options, interpolated

Output = NDArray[Any] | DTypeLike | None


@takes_any_array
def map_coordinates(
    input: ArrayLike,
    coordinates: ArrayLike,
    output: Output = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    *,
    single: bool = False,
) -> NDArray[Any]:
    """Map."""
    name = "map_coordinates"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    places = checks.coordinates(name, coordinates, array.ndim)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    return interpolated(name, array, Points(places), places.shape[1:], output, options)


@takes_any_array
def geometric_transform(
    input: ArrayLike,
    mapping: Callable[..., tuple[float, ...]],
    output_shape: Sequence[int] | None = None,
    output: Output = None,
    order: int = 3,
    mode: str = "constant",
    cval: complex = 0.0,
    prefilter: bool = True,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    single: bool = False,
) -> NDArray[Any]:
    """Map."""
    name = "geometric_transform"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    shape = array.shape if output_shape is None else checks.shape(name, output_shape)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    out = spline_output.made(name, output, array.dtype, shape)
    places = mapped(name, mapping, array.ndim, shape, extra_arguments, extra_keywords or {})
    return interpolated(name, array, Points(places), shape, out, options)
