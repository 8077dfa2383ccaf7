"""shift and zoom: each axis by itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._calls import again
from .._calls.again import like_before_by
from .._calls.splines import arguments as checks
from .._calls.splines import results
from .._calls.splines.places import shifted, zoomed
from .._calls.splines.run import Options, interpolated
from .._calls.typed import of_any_type

Output = NDArray[Any] | DTypeLike | None


@of_any_type
@like_before_by("shift")
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
    """Shift an array, with spline interpolation.

    `scipy.ndimage.shift`, faster: axis by axis. Whole shifts are copies.

    Parameters
    ----------
    input : array_like
        Any number of axes; bool, integers of 8 to 64 bits, float32, float64 or complex. Any strides
        and byte order.
    shift : float or sequence
        For each axis, or for all: positive moves content to larger indices.
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
        Of the input's shape, and its type by default; `output` itself, where given.

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
    fastsample.ndimage.affine_transform : Any matrix.
    fastsample.region_shift : Whole pixels of any type, groups of channels.

    Notes
    -----
    Results are SciPy's, to the last bits of float64. Integers are rounded, halves away from zero,
    and saturate. The page "From scipy.ndimage" lists the inputs on which SciPy crashes or reads out
    of bounds, and this does not.

    With `prefilter`, orders above 1 read the input as B-spline coefficients, 8 bytes a pixel, found
    by a filter along all axes: one NaN makes everything NaN. Axes that are not shifted are left
    alone, so a NaN does not spread along them.

    The result is the same to the bit for any number of threads. Numba controls the threads:
    `NUMBA_NUM_THREADS` and `numba.set_num_threads`.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.shift`. M. Unser, A. Aldroubi, M. Eden, "B-spline signal
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
    >>> row = np.array([1.0, 2.0, 3.0, 4.0])
    >>> ndimage.shift(row, 1)
    array([0., 1., 2., 3.])
    >>> ndimage.shift(row, 0.5, order=1, mode="nearest")
    array([1. , 1.5, 2.5, 3.5])
    """
    name = "shift"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    places = shifted(checks.sequence(name, "shift", shift, array.ndim))
    return interpolated(name, array, places, array.shape, output, options)


@of_any_type
@like_before_by("zoom")
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
    """Resize an array by a factor for each axis, with spline interpolation.

    `scipy.ndimage.zoom`, faster: axis by axis.

    Parameters
    ----------
    input : array_like
        Any number of axes; bool, integers of 8 to 64 bits, float32, float64 or complex. Any strides
        and byte order.
    zoom : float or sequence
        For each axis, or for all. The result has round(n * zoom) pixels along an axis of n.
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
    grid_mode : bool
        Whether the outer edges of the outer pixels are aligned instead of their centres.
    single : bool
        Sum in float32 instead of float64: up to twice as fast, errors up to some 3e-6 of the
        largest value.

    Returns
    -------
    ndarray
        Of the input's type by default, in native byte order; `output` itself, where given.

    Raises
    ------
    RuntimeError
        An unknown order, mode or type, or shapes and lengths that do not fit.
    TypeError
        A number of the wrong kind, such as a complex fill value for a real input.
    ValueError
        Empty input, a factor that is negative or not finite, or an `output` that is read-only.

    See Also
    --------
    fastsample.ndimage.affine_transform : Any matrix.
    fastsample.affine_sample : Batches and channels, with gradients.

    Notes
    -----
    Results are SciPy's, to the last bits of float64. Integers are rounded, halves away from zero,
    and saturate. The page "From scipy.ndimage" lists the inputs on which SciPy crashes or reads out
    of bounds, and this does not.

    With `prefilter`, orders above 1 read the input as B-spline coefficients, 8 bytes a pixel, found
    by a filter along all axes: one NaN makes everything NaN. Axes whose factor is 1 are left alone,
    so a NaN does not spread along them.

    The result is the same to the bit for any number of threads. Numba controls the threads:
    `NUMBA_NUM_THREADS` and `numba.set_num_threads`.

    As in SciPy, rounding may put the last point just beyond the last pixel, so that "constant", the
    default, reads `cval` there (4 pixels to 188, for instance), and `grid_mode` is ignored for
    complex arrays.

    Warns with `UserWarning` where `grid_mode` meets "constant" or "wrap".

    References
    ----------
    SciPy 1.18, `scipy.ndimage.zoom`. M. Unser, A. Aldroubi, M. Eden, "B-spline signal
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
    >>> ndimage.zoom(np.array([0.0, 1.0, 2.0]), 5 / 3, order=1)
    array([0. , 0.5, 1. , 1.5, 2. ])
    """
    name = "zoom"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    checks.some_axes(name, array)
    factors = checks.sequence(name, "zoom", zoom, array.ndim)
    shape = checks.zoomed(name, array.shape, factors)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    if prefilter and all(factor == 1 for factor in factors):
        out = results.made(name, output, array.dtype, shape)
        again.by_hand(_assign, array, out, whole=True)
        return out
    # SciPy forgets grid_mode where it takes the parts of a complex array.
    grid_mode = grid_mode and array.dtype.kind != "c"
    if grid_mode and mode in ("constant", "wrap"):
        again.unseen()
        warnings.warn(
            f"It is recommended to use mode = grid-{mode} instead of {mode} when grid_mode is "
            "True.",
            stacklevel=3,
        )
    places = zoomed(array.shape, shape, grid_mode)
    return interpolated(name, array, places, shape, output, options)


def _assign(array: NDArray[Any], out: NDArray[Any]) -> None:
    out[...] = array
