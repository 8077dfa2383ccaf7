"""affine_transform and rotate: an array read where a matrix says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._calls import again
from .._calls.again import like_before, like_before_by
from .._calls.splines import arguments as checks
from .._calls.splines.places import Matrix, scaled, turned
from .._calls.splines.run import Options, interpolated
from .._calls.typed import of_any_type

Output = NDArray[Any] | DTypeLike | None


@of_any_type
@like_before_by("matrix", "offset")
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
    """Apply an affine transformation to an array, with spline interpolation.

    `scipy.ndimage.affine_transform`, faster. Pixel o of the result reads the input at
    ``matrix @ o + offset``.

    Parameters
    ----------
    input : array_like
        Any number of axes; bool, integers of 8 to 64 bits, float32, float64 or complex. Any strides
        and byte order.
    matrix : array_like
        Shape (n, m) for an input of n axes and a result of m; (n,), the diagonal; or (n, n + 1) and
        (n + 1, n + 1), whose last column is the offset.
    offset : float or sequence
        One for each axis of the input, or one for all.
    output_shape : tuple of int, optional
        The shape of `output`, or the input's, by default.
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
        Of `output_shape`. Of the input's type by default; `output` itself, where given.

    Raises
    ------
    RuntimeError
        An unknown order, mode or type, or shapes and lengths that do not fit.
    TypeError
        A number of the wrong kind, such as a complex fill value for a real input.
    ValueError
        Empty input, a last row of a homogeneous matrix that is not 0 ... 0 1, or an `output` that
        is read-only.

    See Also
    --------
    fastsample.ndimage.rotate : An angle instead of a matrix.
    fastsample.ndimage.shift : Shifts alone.
    fastsample.ndimage.zoom : Scales alone.
    fastsample.affine_sample : Batches and channels, with gradients.

    Notes
    -----
    Results are SciPy's, to the last bits of float64. Integers are rounded, halves away from zero,
    and saturate. The page "From scipy.ndimage" lists the inputs on which SciPy crashes or reads out
    of bounds, and this does not.

    With `prefilter`, orders above 1 read the input as B-spline coefficients, 8 bytes a pixel, found
    by a filter along all axes: one NaN makes everything NaN. Axes that the matrix leaves alone are
    not filtered, rotations by 90 degrees and whole shifts are copied, and a diagonal matrix goes
    axis by axis; there a NaN spreads less.

    The result is the same to the bit for any number of threads. Numba controls the threads:
    `NUMBA_NUM_THREADS` and `numba.set_num_threads`.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.affine_transform`. M. Unser, A. Aldroubi, M. Eden, "B-spline signal
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
    >>> image = np.arange(6.0).reshape(2, 3)
    >>> ndimage.affine_transform(image, [[0, 1], [1, 0]], output_shape=(3, 2))
    array([[0., 3.],
           [1., 4.],
           [2., 5.]])
    """
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
    if entries.ndim == 1 and not entries.all():
        again.unseen()  # NumPy warns of the division
    places = scaled(entries, start) if entries.ndim == 1 else Matrix(entries, start)
    return interpolated(name, array, places, shape, output, options)


@of_any_type
@like_before
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
    """Rotate an array in the plane of two of its axes, with spline interpolation.

    `scipy.ndimage.rotate`, faster. Multiples of 90 degrees are exact copies.

    Parameters
    ----------
    input : array_like
        Any number of axes; bool, integers of 8 to 64 bits, float32, float64 or complex. Any strides
        and byte order.
    angle : float
        In degrees.
    axes : tuple of two ints
        The plane. Their order does not matter.
    reshape : bool
        Whether the result is large enough for the whole rotated plane, or as large as the input.
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
        Of the input's type by default, in native byte order; `output` itself, where given.

    Raises
    ------
    RuntimeError
        An unknown order, mode or type, or shapes and lengths that do not fit.
    TypeError
        A number of the wrong kind, such as a complex fill value for a real input.
    ValueError
        Empty input, axes that are not two of the input's, or an `output` that is read-only.

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
    by a filter along all axes: one NaN makes everything NaN. Only the plane's axes are filtered.

    The result is the same to the bit for any number of threads. Numba controls the threads:
    `NUMBA_NUM_THREADS` and `numba.set_num_threads`.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.rotate`. M. Unser, A. Aldroubi, M. Eden, "B-spline signal
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
    >>> ndimage.rotate(np.arange(6).reshape(2, 3), 90)
    array([[2, 5],
           [1, 4],
           [0, 3]])
    """
    name = "rotate"
    array = checks.array(name, "input", input)
    plane = checks.plane(name, axes, array.ndim)
    order = checks.order(name, order)
    options = Options(order, checks.mode(name, mode), cval, bool(prefilter), bool(single))
    places, sizes = turned(angle, [array.shape[a] for a in plane], reshape)
    shape = list(array.shape)
    shape[plane[0]], shape[plane[1]] = sizes
    return interpolated(name, array, places, tuple(shape), output, options, tuple(plane))
