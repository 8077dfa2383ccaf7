"""elastic_sample: images read through matrices and smooth fields of displacements."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from ._calls import checks, fields, ragged
from ._calls.registry import has_backward
from ._calls.sampled import Options, forward
from ._calls.typed import (
    Array,
    Fill,
    Mode,
    PixelBorder,
    Size,
    Unit,
    like_input,
    three_like_gradient,
)

_SAMPLE, _BACK = "elastic_sample", "elastic_sample_backward"


@like_input
def elastic_sample(
    input: ArrayLike,
    control: ArrayLike,
    size: Size,
    theta: ArrayLike | None = None,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    order: int = 3,
    coordinates: Unit = "pixel",
    fill_value: Fill = 0,
    channels_last: bool = False,
    out: Array | None = None,
) -> NDArray[Any]:
    """Deform images elastically: a matrix first, then displacements from a few knots.

    The field of displacements is never in memory: kernels evaluate it where they read.

    Parameters
    ----------
    input : array_like, shape (N, C, *in), or a list of N arrays (C, *in)
        Of any type that `grid_sample` takes. Images of a list may differ in size: all become one
        batch in one call.
    control : array_like, shape (N, D, k, ...)
        float32 or float64; float16 is widened. Displacements dx, dy, dz in the input's pixels, at
        knots spaced evenly from the output's first pixel to its last one, two or more along each
        axis.
    size : tuple of D ints
        The output's spatial sizes.
    theta : array_like, shape (N, D, D + 1), optional
        What the output's pixels (x, y, z, 1) are mapped by before the displacement is added, as in
        `affine_sample`; of control's type. Without it, the identity.
    mode, padding_mode
        As for `grid_sample`; "reflection" mirrors at the outer pixels' edges, "mirror" at their
        centres.
    order : {3, 1}
        3 is the uniform cubic B-spline whose coefficients are `control`, which smooths; 1 is linear
        interpolation between the knots.
    coordinates : {"pixel", "normalized"}
        What theta maps: pixels, or coordinates from -1 to 1 (`align_corners=False`). Displacements
        are in pixels.
    fill_value, channels_last
        As for `grid_sample`.
    out : ndarray, shape (N, C, *size), optional
        Where to write the result: of the input's type, with any strides.

    Returns
    -------
    ndarray, shape (N, C, *size)
        Of the input's type; `out` itself, where given.

    Raises
    ------
    ValueError, TypeError
        As `grid_sample`, and where there are fewer than two knots along an axis.

    See Also
    --------
    affine_sample : The matrix alone.
    flow_warp : A displacement for each pixel.
    transform_points : Where points of the input land.
    elastic_sample_backward : The gradients.

    Notes
    -----
    The result at output pixel j is the input at theta j + displacement(j). Along an axis with k
    knots and S output pixels, pixel j lies at j (k - 1) / (S - 1) knots; knots beyond either end
    repeat the outer one. Integer displacements copy pixels.

    A batch of 1 on any side is shared with all samples of the others; control and theta have one
    batch, or either has 1.

    References
    ----------
    P. Simard et al., "Best Practices for Convolutional Neural Networks Applied to Visual Document
    Analysis", 2003. D. Rueckert et al., "Nonrigid Registration Using Free-Form Deformations", 1999.

    Convention
    ----------
    Displacements are ordered (dx, dy, dz), x along the last axis; positive values read ahead.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 20.0, 30.0]]])
    >>> fs.elastic_sample(row, np.array([[[0.0, 1.5]]]), (4,), order=1, padding_mode="border")
    array([[[ 0., 15., 30., 30.]]])
    """
    field = fields.given(_SAMPLE, control, size, theta, order, coordinates)
    options = Options(mode, padding_mode, fill_value, channels_last)
    if ragged.is_list(input):
        return ragged.forward(_SAMPLE, field.about, input, field.rows, options, out)
    apart = {"input": checks.array(_SAMPLE, "input", input), "control": field.control}
    if field.theta is not None:
        apart["theta"] = field.theta
    return forward(_SAMPLE, field.about, input, field.rows, options, out, apart)


@has_backward(elastic_sample, "input", "control", "theta")
@three_like_gradient
def elastic_sample_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    control: ArrayLike,
    size: Size,
    theta: ArrayLike | None = None,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    order: int = 3,
    coordinates: Unit = "pixel",
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None]:
    """Gradients of `elastic_sample` with respect to its input, control and theta.

    Parameters
    ----------
    grad_output : array_like, shape (N, C, *size)
        The gradient of a scalar with respect to the result; of the input's type.
    input, control, size, theta, mode, padding_mode, order, coordinates, fill_value, channels_last
        As they were passed to `elastic_sample`.
    output_mask : (bool, bool, bool)
        Which gradients to compute.

    Returns
    -------
    grad_input : ndarray, of the input's shape and type, or None
    grad_control : ndarray, of control's shape and type, or None
    grad_theta : ndarray, of theta's shape and type, or None, as where there was no theta
        The last two are sums over all points, in double and in a fixed order.

    Raises
    ------
    ValueError, TypeError
        As `elastic_sample`, and where `grad_output` is not of the result's shape or the input's
        type.

    See Also
    --------
    elastic_sample : The function itself.
    vjp : A result together with its pullback.

    Notes
    -----
    See `grid_sample_backward` for the slopes at borders. The bits are the same for any number of
    threads.

    References
    ----------
    D. Rueckert et al., "Nonrigid Registration Using Free-Form Deformations", 1999.

    Convention
    ----------
    grad_control is ordered (dx, dy, dz), per pixel.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row, still = np.array([[[0.0, 10.0, 40.0]]]), np.zeros((1, 1, 2))
    >>> ones, mask = np.ones((1, 1, 3)), (False, True, False)
    >>> rule = {"order": 1, "padding_mode": "constant", "output_mask": mask}
    >>> fs.elastic_sample_backward(ones, row, still, (3,), **rule)
    (None, array([[[ 25., -25.]]]), None)
    """
    found = fields.given(_BACK, control, size, theta, order, coordinates)
    options = Options(mode, padding_mode, fill_value, channels_last)
    return fields.backward(_BACK, found, (grad_output, input), options, output_mask)
