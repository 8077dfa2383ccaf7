"""map_coordinates, affine_transform and zoom of scipy.ndimage on arrays larger than memory."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .._calls import checks
from .._calls.splines import arguments
from .._calls.splines.places import Axes, Matrix, scaled, zoomed
from .._calls.splines.run import Options
from . import _graph, _sources
from ._job import Layout, Task
from ._sampling import KEEP_BYTES, READ_BYTES, _aligned, checked_limits
from ._scipy import Given, Mapped, Positions

_MAP, _AFFINE, _ZOOM = "map_coordinates", "affine_transform", "zoom"


def map_coordinates(
    input: Any,
    coordinates: Any,
    output: DTypeLike = None,
    order: int = 1,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    *,
    chunks: Any = None,
    threads: int | None = 1,
    max_read_bytes: int = READ_BYTES,
) -> da.Array:
    """Sample an array larger than memory at coordinates, as `scipy.ndimage.map_coordinates` does.

    Parameters
    ----------
    input : dask.array.Array, or anything with a shape, a dtype and slices
        See `fastsample.dask.affine_sample`.
    coordinates : the same, shape (D, *out)
        Of any real type; computed in double.
    output : data type, optional
        The result's type, by default the input's.
    order : int
        Of the spline, 0 to 5: 0 is the nearest pixel, 1 linear (by default; SciPy's default is 3).
    mode, cval
        As in SciPy.
    prefilter : bool
        Whether the input is filtered first, for orders above 1: each chunk does so with what it
        reads, some 30 to 60 pixels more on all sides. False: it holds the coefficients.
    chunks, threads, max_read_bytes
        See `fastsample.dask.affine_sample`; by default the result has the coordinates' chunks.

    Returns
    -------
    dask.array.Array, shape (*out)

    Raises
    ------
    ValueError, TypeError
        Arguments that do not fit: before a graph is made. A chunk whose points spread over the
        input so far that it cannot be split raises a ValueError that names it.

    Notes
    -----
    Orders 0 and 1 equal `fastsample.ndimage.map_coordinates` of the whole array to the bit. Above
    that, each chunk filters what it reads, and values agree to some 1e-16 of the largest; a NaN in
    the input spreads within the chunks that read it, and with "wrap" and "grid-wrap" chunks at a
    seam read whole axes.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.map_coordinates`.

    Convention
    ----------
    Coordinates are in pixels, in the order of the input's axes.

    Examples
    --------
    >>> import numpy as np, fastsample.dask as fd
    >>> image = np.arange(16.0).reshape(4, 4)
    >>> fd.map_coordinates(image, np.array([[0.5, 1.0], [0.0, 2.5]])).compute()
    array([2. , 6.5])
    """
    source, dtype, options = _checked(_MAP, input, output, order, mode, cval, prefilter)
    given = _sources.sliceable(_MAP, "coordinates", coordinates)
    axes = len(source.shape)
    if not given.shape or given.shape[0] != axes or len(given.shape) < 2:
        raise ValueError(
            f"map_coordinates: coordinates must have shape ({axes}, *out); got {given.shape}"
        )
    if _sources.type_of(given).kind not in "biuf":
        raise TypeError(f"map_coordinates: coordinates must be real; got {_sources.type_of(given)}")
    result = tuple(given.shape[1:])
    made = _graph.chunks_of(_MAP, chunks, result, dtype, _graph.usual_chunks(given)[1:])
    lazy: list[Any] = []
    if isinstance(given, da.Array):
        lazy = [(_aligned(given, ((axes,), *made)), lambda index: (0, *index))]
    geometry = Given(tuple(source.shape), None if lazy else given)
    limits = threads, max_read_bytes
    return _made(_MAP, source, geometry, options, dtype, made, limits, lazy)


def affine_transform(
    input: Any,
    matrix: ArrayLike,
    offset: Any = 0.0,
    output_shape: tuple[int, ...] | None = None,
    output: DTypeLike = None,
    order: int = 1,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    *,
    chunks: Any = None,
    threads: int | None = 1,
    max_read_bytes: int = READ_BYTES,
    keep_bytes: int = KEEP_BYTES,
) -> da.Array:
    """Transform an array larger than memory, as `scipy.ndimage.affine_transform` does.

    Parameters
    ----------
    input : dask.array.Array, or anything with a shape, a dtype and slices
        See `fastsample.dask.affine_sample`.
    matrix : array_like, shape (D,), (D, D), (D, D + 1) or (D + 1, D + 1)
        From the output's pixels to the input's; an additional last column is the offset.
    offset : float or sequence of D floats
        Where the output's first pixel reads.
    output_shape : tuple of D ints, optional
        The input's shape by default.
    output, order, mode, cval, prefilter
        See `fastsample.dask.map_coordinates`.
    chunks, threads, max_read_bytes, keep_bytes
        See `fastsample.dask.affine_sample`.

    Returns
    -------
    dask.array.Array, shape output_shape

    Raises
    ------
    ValueError, TypeError
        Arguments that do not fit: before a graph is made.

    Notes
    -----
    As for `fastsample.dask.map_coordinates`; where `fastsample.ndimage.affine_transform` copies or
    goes axis by axis (a diagonal, rotations by 90 degrees), the two agree to rounding.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.affine_transform`.

    Convention
    ----------
    The matrix maps the output's pixels to the input's, in the order of the axes.

    Examples
    --------
    >>> import numpy as np, fastsample.dask as fd
    >>> image = np.arange(16.0).reshape(4, 4)
    >>> fd.affine_transform(image, np.array([[0.0, 1.0], [1.0, 0.0]]), chunks=2).compute()[0]
    array([ 0.,  4.,  8., 12.])
    """
    source, dtype, options = _checked(_AFFINE, input, output, order, mode, cval, prefilter)
    axes = len(source.shape)
    mapping = _mapping(np.asarray(matrix, np.float64), offset, axes)
    shape = tuple(source.shape) if output_shape is None else output_shape
    shape = checks.sizes(_AFFINE, shape, (axes,), f"a tuple of {axes}", "output_shape")
    made = _graph.chunks_of(_AFFINE, chunks, shape, dtype, _graph.usual_chunks(source))
    geometry = Mapped(tuple(source.shape), mapping)
    limits = threads, max_read_bytes, keep_bytes
    return _made(_AFFINE, source, geometry, options, dtype, made, limits, [])


def zoom(
    input: Any,
    zoom: Any,
    output: DTypeLike = None,
    order: int = 1,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    *,
    grid_mode: bool = False,
    chunks: Any = None,
    threads: int | None = 1,
    max_read_bytes: int = READ_BYTES,
    keep_bytes: int = KEEP_BYTES,
) -> da.Array:
    """Resize an array larger than memory, as `scipy.ndimage.zoom` does.

    Parameters
    ----------
    input : dask.array.Array, or anything with a shape, a dtype and slices
        See `fastsample.dask.affine_sample`.
    zoom : float or sequence of D floats
        The factor along each axis.
    output, order, mode, cval, prefilter
        See `fastsample.dask.map_coordinates`.
    grid_mode : bool
        Whether the outer edges of the outer pixels are aligned instead of their centres.
    chunks, threads, max_read_bytes, keep_bytes
        See `fastsample.dask.affine_sample`.

    Returns
    -------
    dask.array.Array
        Each axis has round(size * factor) pixels.

    Raises
    ------
    ValueError, TypeError
        Arguments that do not fit: before a graph is made.

    Notes
    -----
    Positions are SciPy's to the bit, so the last row may be `cval`, as in SciPy; values agree to
    rounding.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.zoom`.

    Convention
    ----------
    Sizes are rounded as by Python's `round`: halves to even.

    Examples
    --------
    >>> import numpy as np, fastsample.dask as fd
    >>> fd.zoom(np.array([0.0, 2.0, 4.0]), 5 / 3).compute()
    array([0., 1., 2., 3., 4.])
    """
    source, dtype, options = _checked(_ZOOM, input, output, order, mode, cval, prefilter)
    axes = len(source.shape)
    factors = _each(_ZOOM, "zoom", zoom, axes)
    grid_mode = checks.flag(_ZOOM, "grid_mode", grid_mode)
    shape = arguments.zoomed(_ZOOM, source.shape, factors)
    made = _graph.chunks_of(_ZOOM, chunks, shape, dtype, _graph.usual_chunks(source))
    geometry = Mapped(tuple(source.shape), zoomed(source.shape, shape, grid_mode))
    limits = threads, max_read_bytes, keep_bytes
    return _made(_ZOOM, source, geometry, options, dtype, made, limits, [])


def _checked(
    function: str, input: Any, output: Any, order: Any, mode: Any, cval: Any, prefilter: Any
) -> tuple[Any, Any, Options]:
    """Check what the three share: the source, the result's type, and how to sample."""
    source = _sources.sliceable(function, "input", input)
    if not source.shape:
        raise ValueError(f"{function}: input must have one axis or more; got a number")
    if order not in range(6) or isinstance(order, float):
        raise ValueError(f"{function}: order must be one of 0 to 5; got {order!r}")
    modes = arguments.MODES
    if not isinstance(mode, str) or mode not in modes:
        raise ValueError(
            f"{function}: mode must be one of {', '.join(map(repr, modes))}; got {mode!r}"
        )
    dtype = _real(function, "input", _sources.type_of(source))
    wanted = dtype if output is None else _real(function, "output", np.dtype(output))
    fill = checks.real(function, "cval", cval)
    flag, mode = bool(prefilter), arguments.mode(function, mode)
    return source, wanted, Options(int(order), mode, fill, flag)


def _real(function: str, name: str, dtype: Any) -> Any:
    """A type of real numbers that are known, in native byte order."""
    native = dtype.newbyteorder("=")
    if native.name not in arguments.REAL:
        raise TypeError(
            f"{function}: {name} must be of bool, an integer of 8 to 64 bits, float32 or float64; "
            f"got {dtype}"
        )
    return native


def _each(function: str, name: str, came: Any, axes: int) -> tuple[float, ...]:
    """A number for each axis, or one for all."""
    numbers = (came,) * axes if np.ndim(came) == 0 else tuple(came)
    if len(numbers) != axes:
        raise ValueError(
            f"{function}: {name} must be a number, or one for each of {axes} axes; got {came!r}"
        )
    return tuple(checks.real(function, name, x) for x in numbers)


def _mapping(matrix: Any, offset: Any, axes: int) -> Matrix | Axes:
    """A matrix and an offset; or each axis by itself, where its diagonal came."""
    if matrix.shape == (axes,):
        with np.errstate(divide="ignore", invalid="ignore"):
            return scaled(matrix, np.array(_each(_AFFINE, "offset", offset, axes)))
    if matrix.shape == (axes + 1, axes + 1):
        if not np.array_equal(matrix[-1], [0] * axes + [1]):
            raise ValueError(
                f"affine_transform: matrix must have the last row 0 ... 0 1; got {matrix[-1]}"
            )
        matrix = matrix[:-1]
    if matrix.shape == (axes, axes + 1):
        return Matrix(matrix[:, :-1], matrix[:, -1])
    if matrix.shape != (axes, axes):
        raise ValueError(
            f"affine_transform: matrix must have shape ({axes},), ({axes}, {axes}), ({axes}, "
            f"{axes + 1}) or ({axes + 1}, {axes + 1}); got {matrix.shape}"
        )
    return Matrix(matrix, np.array(_each(_AFFINE, "offset", offset, axes)))


def _made(
    function: str, source: Any, geometry: Positions, options: Options, dtype: Any, chunks: Any,
    limits: tuple[Any, ...], lazy: list[Any],
) -> da.Array:  # fmt: skip
    """The Dask array of a checked call."""
    shape = tuple(source.shape)
    if 0 in shape and all(map(sum, chunks)):
        raise ValueError(
            f"{function}: input must not be empty for a result with pixels; got {shape}"
        )
    blocks = isinstance(source, da.Array)
    task = Task(
        function, geometry, options, Layout(False, ""), chunks, dtype, None if blocks else source,
        shape, *checked_limits(function, *limits),
    )  # fmt: skip
    return _graph.result(task, source if blocks else None, lazy)
