"""affine_grid and affine_sample: the grids of matrices, and images read through matrices."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from numpy.typing import ArrayLike, NDArray

from ._calls import buffers, checks, gradients, ragged, run
from ._calls.again import like_before
from ._calls.formula import affine_axes, pixel_map_axes
from ._calls.outline import Outline, outlined
from ._calls.registry import has_backward
from ._calls.sampled import Coordinates, Options, backward, double_backward, forward
from ._calls.typed import (
    Array,
    Fill,
    Mode,
    PixelBorder,
    Size,
    Unit,
    like_grad_grid,
    like_input,
    like_theta,
    three_like_direction,
    two_like_gradient,
)
from ._kernels.kind import AFFINE

_GRID, _GRID_BACK = "affine_grid", "affine_grid_backward"
_SAMPLE, _SAMPLE_BACK = "affine_sample", "affine_sample_backward"
_SAMPLE_TWICE = "affine_sample_double_backward"


@like_theta
@like_before
def affine_grid(
    theta: ArrayLike,
    size: Size,
    align_corners: bool | None = False,
    *,
    out: Array | None = None,
) -> NDArray[Any]:
    """Make the grids for sampling under affine maps.

    Parameters
    ----------
    theta : array_like, shape (N, D, D + 1)
        float32 or float64; float16 is computed in float32. Row i gives coordinate i (x, y, z) of
        the grid as the sum of the output's own (x, y, z, 1), each times its column.
    size : (N, C, *out)
        The result that is to be sampled; C does not matter. ``*out`` is (W,), (H, W) or (D, H, W).
    align_corners : bool or None
        Whether -1 and 1 are the centres of the output's outer pixels (True) or their outer edges
        (False, as is None), in either case 0 along an axis of size 1.
    out : ndarray, shape (N, *out, D), optional
        Where to write the grid: of theta's type, with any strides.

    Returns
    -------
    ndarray, shape (N, *out, D)
        Of theta's type; `out` itself, where given.

    Raises
    ------
    ValueError, TypeError
        Shapes, types or an `out` that do not fit.

    See Also
    --------
    affine_sample : Sample without making the grid.
    grid_sample : What reads the grid.
    affine_grid_backward : The gradient of `theta`.

    Notes
    -----
    To sample, `affine_sample` does without the grid.

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.affine_grid`.

    Convention
    ----------
    Coordinates are ordered (x, y, z), normalized, x along the last axis of ``*out``.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> mirror = np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> fs.affine_grid(mirror, (1, 1, 2, 2))
    array([[[[ 0.5, -0.5],
             [-0.5, -0.5]],
    <BLANKLINE>
            [[ 0.5,  0.5],
             [-0.5,  0.5]]]])
    """
    came = checks.array(_GRID, "theta", theta)
    checks.dtype(_GRID, "theta", came.dtype, checks.GRID_TYPES)
    align_corners = checks.aligned(_GRID, align_corners)
    samples, sizes = _sizes(_GRID, size)
    checks.matrices(_GRID, came.shape, samples, len(sizes), either=False)
    shape, dtype = (samples, *sizes, len(sizes)), came.dtype.newbyteorder("=")
    if isinstance(theta, Outline):
        return outlined(shape, dtype)
    if out is None:
        target = buffers.empty(shape, dtype)
    else:
        target = checks.writable(_GRID, out)
        checks.result(_GRID, target, shape, dtype)
        checks.apart(_GRID, target, theta=came)
    run.make_grid(affine_axes(sizes, sizes, align_corners), came, target)
    return target


@has_backward(affine_grid, "theta")
@like_grad_grid
@like_before
def affine_grid_backward(
    grad_grid: ArrayLike, size: Size, align_corners: bool | None = False
) -> NDArray[Any]:
    """Gradient of `affine_grid` with respect to theta.

    Parameters
    ----------
    grad_grid : array_like, shape (N, *out, D)
        The gradient of a scalar with respect to the grid: of its type.
    size, align_corners
        As they were passed to `affine_grid`.

    Returns
    -------
    ndarray, shape (N, D, D + 1)
        Of grad_grid's type: the sum of grad_grid times (x, y, z, 1) over the points, taken in
        double and in a fixed order, and rounded once.

    Raises
    ------
    ValueError, TypeError
        Shapes or types that do not fit.

    See Also
    --------
    affine_grid : The function itself.
    vjp : A result together with its pullback.

    Notes
    -----
    The bits are the same for any number of threads.

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.affine_grid` under autograd.

    Convention
    ----------
    Coordinates are ordered (x, y, z), x along the last axis of ``*out``.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> fs.affine_grid_backward(np.ones((1, 2, 2, 2)), (1, 1, 2, 2))
    array([[[0., 0., 4.],
            [0., 0., 4.]]])
    """
    gradient = checks.array(_GRID_BACK, "grad_grid", grad_grid)
    checks.dtype(_GRID_BACK, "grad_grid", gradient.dtype, checks.GRID_TYPES)
    align_corners = checks.aligned(_GRID_BACK, align_corners)
    samples, sizes = _sizes(_GRID_BACK, size)
    shape, dtype = (samples, *sizes, len(sizes)), gradient.dtype.newbyteorder("=")
    checks.gradient(_GRID_BACK, "grad_grid", gradient, shape, dtype)
    return gradients.matrix_gradient(affine_axes(sizes, sizes, align_corners), gradient)


@like_input
@like_before
def affine_sample(
    input: ArrayLike,
    theta: ArrayLike,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    align_corners: bool | None = False,
    *,
    coordinates: Unit = "normalized",
    fill_value: Fill = 0,
    channels_last: bool = False,
    out: Array | None = None,
) -> NDArray[Any]:
    """Sample images through affine maps: `grid_sample` with `affine_grid`'s grid, not built.

    Parameters
    ----------
    input : array_like, shape (N, C, *in), or a list of N arrays (C, *in)
        Of any type that `grid_sample` takes. Images of a list may differ in size; theta maps
        pixels then, whatever `coordinates` says, and all become one batch in one call.
    theta : array_like, shape (N, D, D + 1)
        float32 or float64; see `affine_grid`. float16 is widened.
    size : tuple of D ints
        The output's spatial sizes.
    mode, padding_mode, align_corners
        As for `grid_sample`.
    coordinates : {"normalized", "pixel"}
        What theta maps: coordinates from -1 to 1, or the output's pixels (x, y, z, 1) to the
        input's, 0 the centre of the first one; then "mirror" is a `padding_mode` too.
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
        As `grid_sample`.

    See Also
    --------
    grid_sample : Any grid.
    affine_grid : The grid that is not made here.
    perspective_sample : Homographies.
    elastic_sample : A matrix and a smooth field.
    transform_points : Where points of the input land.
    affine_sample_backward : The gradients.

    Notes
    -----
    A batch of 1 on either side is shared with all samples of the other, without a copy.

    Positions are those of the exact map, to half a unit in the last place of theta's type: where a
    row begins is computed in double. For a float32 theta at 1080x1920 that is 6e-5 of a pixel.

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.affine_grid` and `grid_sample`. M. Jaderberg et al.,
    "Spatial Transformer Networks", 2015.

    Convention
    ----------
    theta maps the output's coordinates (x, y, z) to the input's, x along the last axis: to turn an
    image one way, turn theta the other way.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> image = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> mirror = np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> fs.affine_sample(image, mirror, (2, 2))
    array([[[[2., 1.],
             [4., 3.]]]])
    """
    several = ragged.is_list(input)
    about = _about(_SAMPLE, size, align_corners, "pixel" if several else coordinates)
    matrices = checks.array(_SAMPLE, "theta", theta)
    options = Options(mode, padding_mode, fill_value, channels_last)
    if several:
        return ragged.forward(_SAMPLE, about, input, matrices, options, out)
    return forward(_SAMPLE, about, input, matrices, options, out)


@has_backward(affine_sample, "input", "theta")
@two_like_gradient
@like_before
def affine_sample_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    theta: ArrayLike,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    align_corners: bool | None = False,
    *,
    coordinates: Unit = "normalized",
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool] = (True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Gradients of `affine_sample` with respect to its input and theta.

    Parameters
    ----------
    grad_output : array_like, shape (N, C, *size)
        The gradient of a scalar with respect to the result; of the input's type.
    input, theta, size, mode, padding_mode, align_corners, coordinates, fill_value, channels_last
        As they were passed to `affine_sample`.
    output_mask : (bool, bool)
        Which gradients to compute, the input's and theta's. The other one costs nothing.

    Returns
    -------
    grad_input : ndarray, of the input's shape and type, or None
    grad_theta : ndarray, of theta's shape and type, or None
        Sums over all points, taken in double and in a fixed order, and rounded once.

    Raises
    ------
    ValueError, TypeError
        As `affine_sample`, and where `grad_output` is not of the result's shape or the input's
        type.

    See Also
    --------
    affine_sample : The function itself.
    vjp : A result together with its pullback.
    affine_sample_double_backward : Second derivatives.

    Notes
    -----
    A batch of 1 that was shared takes the sum over all samples. See `grid_sample_backward` for the
    slopes at borders. The bits are the same for any number of threads.

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.affine_grid` and `grid_sample` under autograd.

    Convention
    ----------
    grad_theta is per unit of theta's elements, in the coordinates that these map.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> image = np.array([[[[0.0, 1.0, 2.0, 3.0]]]])
    >>> theta = np.array([[[0.5, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> ones = np.ones((1, 1, 1, 2))
    >>> rule = {"padding_mode": "border", "output_mask": (False, True)}
    >>> fs.affine_sample_backward(ones, image, theta, (1, 2), **rule)
    (None, array([[[0., 0., 4.],
            [0., 0., 0.]]]))
    """
    about = _about(_SAMPLE_BACK, size, align_corners, coordinates)
    matrices = checks.array(_SAMPLE_BACK, "theta", theta)
    options = Options(mode, padding_mode, fill_value, channels_last)
    return backward(_SAMPLE_BACK, about, (grad_output, input, matrices), options, output_mask)


@three_like_direction
def affine_sample_double_backward(
    grad_grad_input: ArrayLike | None,
    grad_grad_theta: ArrayLike | None,
    grad_output: ArrayLike,
    input: ArrayLike,
    theta: ArrayLike,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    align_corners: bool | None = False,
    *,
    coordinates: Unit = "normalized",
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None]:
    """Second derivatives: the gradients of `affine_sample_backward`.

    Parameters
    ----------
    grad_grad_input : array_like, of the input's shape and type, or None
        The gradient of a scalar with respect to grad_input; None stands for zeros.
    grad_grad_theta : array_like, of theta's shape and type, or None
        The same for grad_theta.
    grad_output, input, theta, size, mode, padding_mode, align_corners, coordinates
        As they were passed to `affine_sample_backward`.
    fill_value, channels_last
        Likewise.
    output_mask : (bool, bool, bool)
        Which gradients to compute: grad_output's, the input's and theta's. Others cost nothing.

    Returns
    -------
    grad_grad_output : ndarray, of the result's shape and of the input's type, or None
        The sample of `grad_grad_input`, plus the derivative of the result along `grad_grad_theta`.
    grad_input : ndarray, of the input's shape and type, or None
    grad_theta : ndarray, of theta's shape and type, or None

    Raises
    ------
    ValueError, TypeError
        As `affine_sample_backward`, and where a gradient has another shape or type
        than what it belongs to.

    See Also
    --------
    affine_sample_backward : What this differentiates.
    affine_sample : The function itself.

    Notes
    -----
    See `grid_sample_double_backward`: coordinates are linear in theta, so no other
    second derivatives come in.

    References
    ----------
    M. Jaderberg et al., "Spatial Transformer Networks", 2015.

    Convention
    ----------
    grad_theta is per unit of theta's elements, in the coordinates that these map.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> image = np.array([[[[0.0, 1.0, 4.0, 9.0]]]])
    >>> theta = np.array([[[0.5, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> ones, move = np.ones((1, 1, 1, 2)), np.array([[[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]])
    >>> rule = {"padding_mode": "border", "output_mask": (True, False, False)}
    >>> fs.affine_sample_double_backward(None, move, ones, image, theta, (1, 2), **rule)
    (array([[[[ 6., 10.]]]]), None, None)
    """
    about = _about(_SAMPLE_TWICE, size, align_corners, coordinates)
    matrices = checks.array(_SAMPLE_TWICE, "theta", theta)
    options = Options(mode, padding_mode, fill_value, channels_last)
    along, arrays = (grad_grad_input, grad_grad_theta), (grad_output, input, matrices)
    return double_backward(_SAMPLE_TWICE, about, along, arrays, options, output_mask)


def _sizes(name, size):
    """N and *out of a size (N, C, *out)."""
    found = checks.sizes(name, size, (3, 4, 5), "(N, C, *out) with 1, 2 or 3 axes in *out")
    return found[0], found[2:]


def _about(function, size, align_corners, coordinates):
    """Say what matrices mean for an output of this size."""
    align_corners = checks.aligned(function, align_corners)
    size = checks.sizes(function, size, (1, 2, 3), checks.SPATIAL_SIZES)
    checks.words(function, coordinates=coordinates)
    pixels, options = coordinates == "pixel", (size, align_corners)
    axes = pixel_map_axes if pixels else affine_axes
    return Coordinates("theta", axes, options, AFFINE, _check_theta(size), size, pixels)


@lru_cache(maxsize=64)
def _check_theta(size):
    """Check theta's shape and, against the input's, the size."""

    def check(function, name, shape, image):
        checks.matrices(function, shape, image[0], len(image) - 2)
        checks.spatial(function, size, len(image) - 2)

    return check
