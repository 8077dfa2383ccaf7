"""spline_filter and spline_filter1d: the coefficients of splines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._calls.again import like_before
from .._calls.splines import arguments as checks
from .._calls.splines.run import filtered
from .._calls.typed import of_any_type

Output = NDArray[Any] | DTypeLike


@of_any_type
@like_before
def spline_filter1d(
    input: ArrayLike,
    order: int = 3,
    axis: int = -1,
    output: Output = np.float64,
    mode: str = "mirror",
) -> NDArray[Any]:
    """Find B-spline coefficients along one axis.

    `scipy.ndimage.spline_filter1d`, faster.

    Parameters
    ----------
    input : array_like
        Any number of axes; bool, integers of 8 to 64 bits, float32, float64 or complex. Any strides
        and byte order.
    order : int
        Of the spline, 0 to 5; 0 and 1 copy.
    axis : int
        The axis.
    output : ndarray or dtype
        Where to write the result, or its type: float64 by default. The result of each axis is
        stored in it, so integers are truncated after every axis.
    mode : str
        How lines continue beyond their ends; see Convention.

    Returns
    -------
    ndarray
        Of the input's shape; `output` itself, where given.

    Raises
    ------
    RuntimeError
        An unknown order, mode or type, or shapes and lengths that do not fit.
    TypeError
        A number of the wrong kind, such as an order that is no int.
    ValueError
        An `output` that is read-only, or an axis that the input does not have (NumPy's AxisError).

    See Also
    --------
    fastsample.ndimage.spline_filter : Along every axis.

    Notes
    -----
    Along each axis the samples are multiplied by a gain and filtered up and down, once for each
    pole of the spline. "reflect" and "nearest" follow SciPy 1.18, which fixed short axes.

    The result is the same to the bit for any number of threads.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.spline_filter1d`. M. Unser, A. Aldroubi, M. Eden, "B-spline signal
    processing", IEEE Trans. Signal Processing 41, 1993.

    Convention
    ----------
    "mirror", "constant", "grid-constant" and "wrap" continue a line `d c b | a b c d | c b a`,
    "reflect", "grid-mirror" and "nearest" `c b a | a b c d | d c b`, "grid-wrap"
    `b c d | a b c d | a b c`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastsample import ndimage
    >>> ndimage.spline_filter1d(np.array([[1.0, 1.0], [0.0, 0.0]]), axis=0)
    array([[ 2.,  2.],
           [-1., -1.]])
    """
    name = "spline_filter1d"
    order = checks.order(name, order)
    array = checks.array(name, "input", input)
    mode = checks.mode(name, mode)
    axes = (np.lib.array_utils.normalize_axis_index(axis, array.ndim),) if order > 1 else ()
    return filtered(name, array, order, axes, output, mode)


@of_any_type
@like_before
def spline_filter(
    input: ArrayLike,
    order: int = 3,
    output: Output = np.float64,
    mode: str = "mirror",
) -> NDArray[Any]:
    """Find an array's B-spline coefficients.

    `scipy.ndimage.spline_filter`, faster: what the functions here read with ``prefilter=False``.

    Parameters
    ----------
    input : array_like
        Any number of axes; bool, integers of 8 to 64 bits, float32, float64 or complex. Any strides
        and byte order.
    order : int
        Of the spline, 2 to 5.
    output : ndarray or dtype
        Where to write the result, or its type: float64 by default. The result of each axis is
        stored in it, so integers are truncated after every axis.
    mode : str
        How lines continue beyond their ends; see Convention.

    Returns
    -------
    ndarray
        Of the input's shape; `output` itself, where given.

    Raises
    ------
    RuntimeError
        An unknown order, mode or type, or shapes and lengths that do not fit.
    TypeError
        A number of the wrong kind, such as an order that is no int.
    ValueError
        An `output` that is read-only.

    See Also
    --------
    fastsample.ndimage.spline_filter1d : Along one axis.
    fastsample.ndimage.map_coordinates : With `prefilter=False` reads the result.

    Notes
    -----
    Along each axis the samples are multiplied by a gain and filtered up and down, once for each
    pole of the spline. "reflect" and "nearest" follow SciPy 1.18, which fixed short axes.

    The result is the same to the bit for any number of threads.

    References
    ----------
    SciPy 1.18, `scipy.ndimage.spline_filter`. M. Unser, A. Aldroubi, M. Eden, "B-spline signal
    processing", IEEE Trans. Signal Processing 41, 1993.

    Convention
    ----------
    "mirror", "constant", "grid-constant" and "wrap" continue a line `d c b | a b c d | c b a`,
    "reflect", "grid-mirror" and "nearest" `c b a | a b c d | d c b`, "grid-wrap"
    `b c d | a b c d | a b c`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastsample import ndimage
    >>> row = np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    >>> ndimage.spline_filter(row).round(3)
    array([ 0.25, -0.5 ,  1.75, -0.5 ,  0.25])
    """
    name = "spline_filter"
    order = checks.order(name, order, 2)
    array = checks.array(name, "input", input)
    axes = tuple(range(array.ndim))
    return filtered(name, array, order, axes, output, checks.mode(name, mode))
