"""point_sample: values at points of the unit square."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from ._calls import checks
from ._calls.again import like_before
from ._calls.formula import point_axes
from ._calls.registry import has_backward
from ._calls.sampled import Coordinates, Options, backward, double_backward, forward
from ._calls.typed import (
    Array,
    Border,
    Fill,
    Mode,
    like_input,
    three_like_direction,
    two_like_gradient,
)

_NAME, _BACK = "point_sample", "point_sample_backward"
_TWICE = "point_sample_double_backward"
_ABOUT = {align: Coordinates("points", point_axes, (align,)) for align in (False, True)}


@like_input
@like_before
def point_sample(
    input: ArrayLike,
    points: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = False,
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    out: Array | None = None,
) -> NDArray[Any]:
    """Sample feature maps at points whose coordinates run from 0 to 1.

    As PointRend and its relatives do: few points, many channels, large maps.

    Parameters
    ----------
    input : array_like, shape (N, C, *in)
        Of any type that `grid_sample` takes. ``*in`` is (W,), (H, W) or (D, H, W).
    points : array_like, shape (N, *out, D)
        float32 or float64, mostly (N, P, D). Coordinates (x), (x, y) or (x, y, z), x along the last
        axis of `input`; 0 and 1 are the outer edges of the map, or the centres of its outer pixels
        with `align_corners`.
    mode, padding_mode, align_corners, fill_value, channels_last
        As for `grid_sample`.
    out : ndarray, shape (N, C, *out), optional
        Where to write the result: of the input's type, with any strides.

    Returns
    -------
    ndarray, shape (N, C, *out)
        Of the input's type; `out` itself, where given.

    Raises
    ------
    ValueError, TypeError
        As `grid_sample`.

    See Also
    --------
    grid_sample : Coordinates from -1 to 1, or in pixels.
    point_sample_backward : The gradients.

    Notes
    -----
    Along an axis of size S a coordinate p is the pixel p S - 1/2, or p (S - 1) with
    `align_corners`, rounded once; code that calls `torch.nn.functional.grid_sample`
    also rounds 2 p - 1.

    References
    ----------
    A. Kirillov et al., "PointRend: Image Segmentation as Rendering", 2019.

    Convention
    ----------
    Points are ordered (x, y, z), array axes (N, C, D, H, W).

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 20.0, 30.0]]], dtype=np.float32)
    >>> fs.point_sample(row, np.array([[[0.125], [0.5]]], dtype=np.float32))
    array([[[ 0., 15.]]], dtype=float32)
    """
    about = _ABOUT[checks.aligned(_NAME, align_corners)]
    where = checks.array(_NAME, "points", points)
    options = Options(mode, padding_mode, fill_value, channels_last)
    return forward(_NAME, about, input, where, options, out)


@has_backward(point_sample, "input", "points")
@two_like_gradient
@like_before
def point_sample_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    points: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = False,
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool] = (True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Gradients of `point_sample` with respect to its input and its points.

    Parameters
    ----------
    grad_output : array_like, shape (N, C, *out)
        The gradient of a scalar with respect to the result; of the input's type.
    input, points, mode, padding_mode, align_corners, fill_value, channels_last
        As they were passed to `point_sample`.
    output_mask : (bool, bool)
        Which gradients to compute, the input's and the points'. The other one costs nothing.

    Returns
    -------
    grad_input : ndarray, of the input's shape and type, or None
    grad_points : ndarray, of the points' shape and type, or None

    Raises
    ------
    ValueError, TypeError
        As `grid_sample_backward`.

    See Also
    --------
    point_sample : The function itself.
    vjp : A result together with its pullback.
    point_sample_double_backward : Second derivatives.

    Notes
    -----
    See `grid_sample_backward`.

    References
    ----------
    A. Kirillov et al., "PointRend: Image Segmentation as Rendering", 2019.

    Convention
    ----------
    grad_points is per unit of the points: the width of the map.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 20.0, 30.0]]])
    >>> fs.point_sample_backward(np.ones((1, 1, 1)), row, np.array([[[0.5]]]))
    (array([[[0. , 0.5, 0.5, 0. ]]]), array([[[40.]]]))
    """
    about = _ABOUT[checks.aligned(_BACK, align_corners)]
    arrays = grad_output, input, checks.array(_BACK, "points", points)
    options = Options(mode, padding_mode, fill_value, channels_last)
    return backward(_BACK, about, arrays, options, output_mask)


@three_like_direction
def point_sample_double_backward(
    grad_grad_input: ArrayLike | None,
    grad_grad_points: ArrayLike | None,
    grad_output: ArrayLike,
    input: ArrayLike,
    points: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = False,
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None]:
    """Second derivatives: the gradients of `point_sample_backward`.

    Parameters
    ----------
    grad_grad_input : array_like, of the input's shape and type, or None
        The gradient of a scalar with respect to grad_input; None stands for zeros.
    grad_grad_points : array_like, of the points' shape and type, or None
        The same for grad_points.
    grad_output, input, points, mode, padding_mode, align_corners, fill_value, channels_last
        As they were passed to `point_sample_backward`.
    output_mask : (bool, bool, bool)
        Which gradients to compute: grad_output's, the input's and the points'. Others cost nothing.

    Returns
    -------
    grad_grad_output : ndarray, of the result's shape and of the input's type, or None
        The sample of `grad_grad_input`, plus the derivative of the result along `grad_grad_points`.
    grad_input : ndarray, of the input's shape and type, or None
    grad_points : ndarray, of the points' shape and type, or None

    Raises
    ------
    ValueError, TypeError
        As `point_sample_backward`, and where a gradient has another shape or type
        than what it belongs to.

    See Also
    --------
    point_sample_backward : What this differentiates.
    point_sample : The function itself.

    Notes
    -----
    See `grid_sample_double_backward`: coordinates are linear in the points.

    References
    ----------
    A. Kirillov et al., "PointRend: Image Segmentation as Rendering", 2019.

    Convention
    ----------
    grad_points is per unit of the points: the width of the map.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row, ones = np.array([[[0.0, 10.0, 20.0, 30.0]]]), np.ones((1, 1, 1))
    >>> found = fs.point_sample_double_backward(row, ones, ones, row, np.array([[[0.5]]]))
    >>> found[0]
    array([[[55.]]])
    """
    about = _ABOUT[checks.aligned(_TWICE, align_corners)]
    arrays = grad_output, input, checks.array(_TWICE, "points", points)
    along = grad_grad_input, grad_grad_points
    options = Options(mode, padding_mode, fill_value, channels_last)
    return double_backward(_TWICE, about, along, arrays, options, output_mask)
