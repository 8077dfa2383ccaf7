"""map_coordinates and geometric_transform: an array read at any places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._calls.again import Calls, like_before
from .._calls.splines import arguments as checks
from .._calls.splines import results
from .._calls.splines.places import Points, mapped
from .._calls.splines.run import Options, interpolated
from .._calls.typed import of_any_type

Output = NDArray[Any] | DTypeLike | None


@of_any_type
@like_before
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
    """Sample an array at arbitrary coordinates, with spline interpolation.

    `scipy.ndimage.map_coordinates`, faster.

    Parameters
    ----------
    input : array_like
        Any number of axes; bool, integers of 8 to 64 bits, float32, float64 or complex. Any strides
        and byte order.
    coordinates : array_like, shape (input.ndim, *out)
        bool, integers, float32 or float64, in pixels: the place along each axis.
    output : ndarray or dtype, optional
        Where to write the result, with any strides and byte order, or the type of a new array. The
        input's type by default. It may be the input.
    order : int
        Of the spline, 0 to 5: 0 is the nearest pixel, 1 linear, 3 cubic.
    mode : str
        What is read outside: "constant", "grid-constant", "nearest", "mirror", "reflect" (also
        "grid-mirror"), "wrap" or "grid-wrap"; see Convention.
    cval : float or complex
        What "constant" and "grid-constant" read outside.
    prefilter : bool
        Whether `input` is filtered first, for orders above 1. False: it holds the coefficients that
        `spline_filter` gives, and only what is needed is read of it.
    single : bool
        Sum in float32 instead of float64: up to twice as fast, errors up to some 3e-6 of the
        largest value.

    Returns
    -------
    ndarray
        Of shape `*out`. Of the input's type by default, in native byte order; `output` itself,
        where given.

    Raises
    ------
    RuntimeError
        An unknown order, mode or type, or shapes and lengths that do not fit.
    TypeError
        A number of the wrong kind, such as a complex fill value for a real input.
    ValueError
        Empty input, or an `output` that is read-only.

    See Also
    --------
    fastsample.ndimage.geometric_transform : A function instead of coordinates.
    fastsample.ndimage.affine_transform : A matrix instead of coordinates.
    fastsample.remap : Images with channels, in their own type.

    Notes
    -----
    Results are SciPy's, to the last bits of float64. Integers are rounded, halves away from zero,
    and saturate. The page "From scipy.ndimage" lists the inputs on which SciPy crashes or reads out
    of bounds, and this does not.

    With `prefilter`, orders above 1 read the input as B-spline coefficients, 8 bytes a pixel, found
    by a filter along all axes: one NaN makes everything NaN.

    The result is the same to the bit for any number of threads. Numba controls the threads:
    `NUMBA_NUM_THREADS` and `numba.set_num_threads`.

    A NaN coordinate reads `cval`, but NaN with "nearest" and "grid-constant" for orders above 0. An
    infinite one reads `cval`, or the edge with "nearest". None reads out of bounds.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.map_coordinates`. M. Unser, A. Aldroubi, M. Eden, "B-spline signal
    processing", IEEE Trans. Signal Processing 41, 1993.

    Convention
    ----------
    Axes are in the order of the array's, rows before columns. Coordinate 0 is the centre of the
    first pixel. A row `a b c d`, and what lies beyond it::

        constant         k k k | a b c d | k k k    cut off at the centres of the outer pixels
        grid-constant    k k k | a b c d | k k k    fading over a pixel
        nearest          a a a | a b c d | d d d
        mirror           d c b | a b c d | c b a
        reflect          c b a | a b c d | d c b
        wrap             b c d | a b c d | b c d    the last pixel lies on the first
        grid-wrap        b c d | a b c d | a b c

    Examples
    --------
    >>> import numpy as np
    >>> from fastsample import ndimage
    >>> row = np.array([0.0, 1.0, 4.0, 9.0, 16.0])
    >>> ndimage.map_coordinates(row, [[0.5, 1.5, 9.0]], order=1)
    array([0.5, 2.5, 0. ])
    >>> ndimage.map_coordinates(row, [[2.0, 2.5]]).round(3)
    array([4.   , 5.911])
    """
    name = "map_coordinates"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    places = checks.coordinates(name, coordinates, array.ndim)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    return interpolated(name, array, Points(places), places.shape[1:], output, options)


@of_any_type
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
    """Sample an array where a function says, with spline interpolation.

    `scipy.ndimage.geometric_transform`; `map_coordinates`, given all coordinates at once, is far
    faster, since the function is called for each pixel.

    Parameters
    ----------
    input : array_like
        Any number of axes; bool, integers of 8 to 64 bits, float32, float64 or complex. Any strides
        and byte order.
    mapping : callable
        From a tuple of indices of the result to a tuple of coordinates in the input.
    output_shape : tuple of int, optional
        The input's shape by default.
    output : ndarray or dtype, optional
        Where to write the result, with any strides and byte order, or the type of a new array. The
        input's type by default. It may be the input.
    order : int
        Of the spline, 0 to 5: 0 is the nearest pixel, 1 linear, 3 cubic.
    mode : str
        What is read outside: "constant", "grid-constant", "nearest", "mirror", "reflect" (also
        "grid-mirror"), "wrap" or "grid-wrap"; see Convention.
    cval : float or complex
        What "constant" and "grid-constant" read outside.
    prefilter : bool
        Whether `input` is filtered first, for orders above 1. False: it holds the coefficients that
        `spline_filter` gives, and only what is needed is read of it.
    extra_arguments : tuple
        Further arguments of `mapping`.
    extra_keywords : mapping, optional
        Its keyword arguments.
    single : bool
        Sum in float32 instead of float64: up to twice as fast, errors up to some 3e-6 of the
        largest value.

    Returns
    -------
    ndarray
        Of `output_shape`. Of the input's type by default; `output` itself, where given.

    Raises
    ------
    RuntimeError
        An unknown order, mode or type, or shapes and lengths that do not fit.
    TypeError
        A number of the wrong kind, such as a complex fill value for a real input.
    ValueError
        Empty input, or an `output` that is read-only.

    See Also
    --------
    fastsample.ndimage.map_coordinates : All coordinates at once, which is faster.

    Notes
    -----
    Results are SciPy's, to the last bits of float64. Integers are rounded, halves away from zero,
    and saturate. The page "From scipy.ndimage" lists the inputs on which SciPy crashes or reads out
    of bounds, and this does not.

    With `prefilter`, orders above 1 read the input as B-spline coefficients, 8 bytes a pixel, found
    by a filter along all axes: one NaN makes everything NaN.

    The result is the same to the bit for any number of threads. Numba controls the threads:
    `NUMBA_NUM_THREADS` and `numba.set_num_threads`.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.geometric_transform`. M. Unser, A. Aldroubi, M. Eden, "B-spline
    signal processing", IEEE Trans. Signal Processing 41, 1993.

    Convention
    ----------
    Axes are in the order of the array's, rows before columns. Coordinate 0 is the centre of the
    first pixel. A row `a b c d`, and what lies beyond it::

        constant         k k k | a b c d | k k k    cut off at the centres of the outer pixels
        grid-constant    k k k | a b c d | k k k    fading over a pixel
        nearest          a a a | a b c d | d d d
        mirror           d c b | a b c d | c b a
        reflect          c b a | a b c d | d c b
        wrap             b c d | a b c d | b c d    the last pixel lies on the first
        grid-wrap        b c d | a b c d | a b c

    Examples
    --------
    >>> import numpy as np
    >>> from fastsample import ndimage
    >>> image = np.arange(6.0).reshape(2, 3)
    >>> ndimage.geometric_transform(image, lambda i: (i[1], i[0]), (3, 2), order=1)
    array([[0., 3.],
           [1., 4.],
           [2., 5.]])
    """
    name = "geometric_transform"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    shape = array.shape if output_shape is None else checks.shape(name, output_shape)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    out = results.made(name, output, array.dtype, shape)  # before the mapping is called
    places = mapped(name, mapping, array.ndim, shape, extra_arguments, extra_keywords or {})
    return _again_at_places(array, places, *options, output=None if output is None else out)


def _at_places(
    array: NDArray[Any], places: NDArray[Any], *options: Any, output: NDArray[Any] | None
) -> NDArray[Any]:
    """What a mapping has found is read as coordinates are, and what was prepared once is kept."""
    name = "geometric_transform"
    return interpolated(name, array, Points(places), places.shape[1:], output, Options(*options))


_again_at_places = Calls(_at_places)
