"""grid_sample: an image read at the points of a grid; and its gradients."""

from __future__ import annotations

import itertools
from typing import Any

from numpy.typing import ArrayLike, NDArray

from ._calls import checks
from ._calls.again import like_before
from ._calls.formula import grid_axes
from ._calls.registry import has_backward
from ._calls.sampled import Coordinates, Options, backward, double_backward, forward
from ._calls.typed import (
    Array,
    Fill,
    Mode,
    PixelBorder,
    Unit,
    like_input,
    three_like_direction,
    two_like_gradient,
)

_NAME, _BACK = "grid_sample", "grid_sample_backward"
_TWICE = "grid_sample_double_backward"


@like_input
@like_before
def grid_sample(
    input: ArrayLike,
    grid: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    align_corners: bool | None = False,
    *,
    coordinates: Unit = "normalized",
    fill_value: Fill = 0,
    channels_last: bool = False,
    out: Array | None = None,
) -> NDArray[Any]:
    """Sample images, volumes or signals at the points of a grid.

    PyTorch's function of the same name, for NumPy arrays, with 1 to 3 spatial axes, three more
    borders, pixel coordinates, and grids of any shape.

    Parameters
    ----------
    input : array_like, shape (N, C, *in)
        Floats of 16, 32 or 64 bits, bfloat16 (PyTorch's, or of ``ml_dtypes``), integers of 8 or 16,
        int32, or complex numbers; with "nearest" bools and any integers. ``*in`` is (W,), (H, W) or
        (D, H, W). Any strides and byte order.
    grid : array_like, shape (N, *out, D)
        float32 or float64, D the number of axes in ``*in``; float16 is widened. Where to read: (x),
        (x, y) or (x, y, z), x along the last axis of `input`. ``*out`` may have any number of axes,
        so a list of points (N, P, D) is a grid. Coordinates are computed in the grid's own
        precision, but in double along axes of more than 2**22 pixels.
    mode : {"bilinear", "nearest", "bicubic"}
        "bilinear" is linear along every axis. "nearest" rounds halves to even. "bicubic" is Keys'
        kernel with a = -0.75, along every axis.
    padding_mode : {"zeros", "border", "reflection", "wrap", "constant", "mirror"}
        What is read outside the input; see Convention. "mirror" is for pixel coordinates alone.
    align_corners : bool or None
        Whether -1 and 1 are the centres of the outer pixels (True) or their outer edges (False, as
        is None). It also says where "reflection" mirrors.
    coordinates : {"normalized", "pixel"}
        "pixel": 0 is the centre of the first pixel, 1 of the second; an integer coordinate reads
        that pixel's exact value.
    fill_value : float or sequence of C floats
        What "constant" reads outside, in all channels or in each. Other rules do not read it, and
        refuse any but 0; integers, which have no NaN, read it where a coordinate is NaN.
    channels_last : bool
        Whether `input`, the result and `out` have their channels last: (N, *in, C), (N, *out, C).
    out : ndarray, shape (N, C, *out), optional
        Where to write the result: of the result's type, with any strides.

    Returns
    -------
    ndarray, shape (N, C, *out)
        Of the input's type, in native byte order; `out` itself, where given. Integers are rounded,
        halves to even, and saturate.

    Raises
    ------
    ValueError
        Shapes that do not fit, an unknown word for an option, an `out` that is read-only or shares
        memory with an input or with itself, a `fill_value` that nothing reads, or an empty input
        with a non-empty output.
    TypeError
        An argument of a type that is not supported; the message says what to convert to.

    See Also
    --------
    affine_sample : With a matrix instead of a grid.
    remap : One image (H, W, C) and maps in pixels.
    flow_warp : Displacements of each pixel.
    point_sample : Points from 0 to 1.
    affine_grid : The grid of a matrix.
    grid_sample_backward : The gradients.

    Notes
    -----
    A batch of 1 on either side is shared with all samples of the other, without a copy.

    Values are computed in float32, float64 ones and int32 in float64, complex ones part by part.
    Arrays of other frameworks are taken and given back through DLPack, over the same memory.

    Along an axis of size S a normalized coordinate g is the pixel (g + 1) (S / 2) - 1/2, or
    (g + 1) ((S - 1) / 2) with `align_corners`; so do PyTorch's CPU kernels. "nearest" and
    "bilinear" apply the border to the coordinate, "bicubic" to each of its four taps.

    A tap without weight is not read: what is stored there, NaN or infinity, does not matter. A NaN
    coordinate gives NaN, and the fill value among integers. An infinite one reads the fill value,
    or with "border" the edge; with "reflection", "mirror" and "wrap" it behaves like
    NaN. No coordinate reads out of bounds.

    The result is the same to the bit for any number of threads. Numba controls the threads:
    `NUMBA_NUM_THREADS` and `numba.set_num_threads`.

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.grid_sample`. R. Keys, "Cubic convolution interpolation for
    digital image processing", IEEE Trans. Acoustics, Speech, and Signal Processing 29(6), 1981.

    Convention
    ----------
    A row `a b c d` of pixels, and what lies beyond it::

        zeros                       0 0 0 | a b c d | 0 0 0
        constant                    k k k | a b c d | k k k
        border                      a a a | a b c d | d d d
        reflection                  c b a | a b c d | d c b
        reflection, align_corners   d c b | a b c d | c b a
        mirror                      d c b | a b c d | c b a
        wrap                        b c d | a b c d | a b c

    Coordinates are ordered (x, y, z); array axes (N, C, D, H, W).

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 20.0, 30.0]]], dtype=np.float32)
    >>> where = np.array([[[0.0], [0.5], [2.75], [3.5]]], dtype=np.float32)
    >>> fs.grid_sample(row, where, coordinates="pixel")
    array([[[ 0. ,  5. , 27.5, 15. ]]], dtype=float32)
    >>> fs.grid_sample(row, where, coordinates="pixel", padding_mode="border")
    array([[[ 0. ,  5. , 27.5, 30. ]]], dtype=float32)
    """
    about = _about(_NAME, align_corners, coordinates)
    points = checks.array(_NAME, "grid", grid)
    options = Options(mode, padding_mode, fill_value, channels_last)
    return forward(_NAME, about, input, points, options, out)


@has_backward(grid_sample, "input", "grid")
@two_like_gradient
@like_before
def grid_sample_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    grid: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    align_corners: bool | None = False,
    *,
    coordinates: Unit = "normalized",
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool] = (True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Gradients of `grid_sample` with respect to its input and its grid.

    Parameters
    ----------
    grad_output : array_like, shape (N, C, *out)
        The gradient of a scalar with respect to the result; of the input's type.
    input, grid, mode, padding_mode, align_corners, coordinates, fill_value, channels_last
        As they were passed to `grid_sample`; the input of a floating or complex type.
    output_mask : (bool, bool)
        Which gradients to compute, the input's and the grid's. The other one costs nothing.

    Returns
    -------
    grad_input : ndarray, of the input's shape and type, or None
        The exact adjoint: each point's gradient goes to the pixels it read, with the weights they
        had.
    grad_grid : ndarray, of the grid's shape and type, or None
        In the grid's own units: per normalized unit, or per pixel.

    Raises
    ------
    ValueError, TypeError
        As `grid_sample`, and where `grad_output` is not of the result's shape or the input's type.

    See Also
    --------
    grid_sample : The function itself.
    vjp : A result together with its pullback.
    grid_sample_double_backward : Second derivatives.

    Notes
    -----
    A batch of 1 that was shared takes the sum over all samples.

    At an integer position the slope is that of the cell to its right. With "border" it is 0 at the
    outer pixels' centres and beyond, with "reflection" it changes sign at each mirror and is 0
    between mirror and pixel centre (with "mirror" these are one), with "nearest" it is 0
    everywhere. "bicubic" takes no such factor. A point whose value is NaN because of its coordinate
    adds nothing to grad_input, and its grad_grid is NaN.

    The bits are the same for any number of threads.

    References
    ----------
    PyTorch 2.13, `torch.ops.aten.grid_sampler_2d_backward`.

    Convention
    ----------
    The last axis of grad_grid is ordered (x, y, z), as the grid's.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 20.0, 30.0]]], dtype=np.float32)
    >>> where = np.array([[[0.75], [2.0]]], dtype=np.float32)
    >>> ones = np.ones((1, 1, 2), dtype=np.float32)
    >>> fs.grid_sample_backward(ones, row, where, coordinates="pixel")
    (array([[[0.25, 0.75, 1.  , 0.  ]]], dtype=float32), array([[[10.],
            [10.]]], dtype=float32))
    """
    about = _about(_BACK, align_corners, coordinates)
    arrays = grad_output, input, checks.array(_BACK, "grid", grid)
    options = Options(mode, padding_mode, fill_value, channels_last)
    return backward(_BACK, about, arrays, options, output_mask)


@three_like_direction
def grid_sample_double_backward(
    grad_grad_input: ArrayLike | None,
    grad_grad_grid: ArrayLike | None,
    grad_output: ArrayLike,
    input: ArrayLike,
    grid: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    align_corners: bool | None = False,
    *,
    coordinates: Unit = "normalized",
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None]:
    """Second derivatives: the gradients of `grid_sample_backward`.

    Parameters
    ----------
    grad_grad_input : array_like, of the input's shape and type, or None
        The gradient of a scalar with respect to grad_input; None stands for zeros.
    grad_grad_grid : array_like, of the grid's shape and type, or None
        The same for grad_grid.
    grad_output, input, grid, mode, padding_mode, align_corners, coordinates
        As they were passed to `grid_sample_backward`.
    fill_value, channels_last
        As they were passed to `grid_sample_backward`.
    output_mask : (bool, bool, bool)
        Which gradients to compute: grad_output's, the input's and the grid's. Others cost nothing.

    Returns
    -------
    grad_grad_output : ndarray, of the result's shape and of the input's type, or None
        The sample of `grad_grad_input`, plus the derivative of the result along `grad_grad_grid`.
    grad_input : ndarray, of the input's shape and type, or None
    grad_grid : ndarray, of the grid's shape and type, or None

    Raises
    ------
    ValueError, TypeError
        As `grid_sample_backward`, and where a gradient has another shape or type
        than what it belongs to.

    See Also
    --------
    grid_sample_backward : What this differentiates.
    grid_sample : The function itself.

    Notes
    -----
    With weights W of the taps, u = grad_grad_input and v = grad_grad_grid, this is the gradient of
    <W u + (D_v W) input, grad_output>, where D_v is the derivative along v. "bilinear" weights are
    linear along each axis, so their only second derivatives are those of two axes; "bicubic" has
    them all, though they jump at integer positions; "nearest" does not even have
    slopes. At borders the slopes are those of `grid_sample_backward`.

    A batch of 1 that was shared takes the sum over all samples. The bits are the same for any
    number of threads.

    References
    ----------
    R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. Acoustics,
    Speech, and Signal Processing 29(6), 1981.

    Convention
    ----------
    The last axis of both gradients of the grid is ordered (x, y, z), as the grid's.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 40.0]]])
    >>> where = np.array([[[0.25], [1.5]]])
    >>> ones, along = np.ones((1, 1, 2)), np.array([[[1.0], [2.0]]])
    >>> fs.grid_sample_double_backward(None, along, ones, row, where, coordinates="pixel")
    (array([[[10., 60.]]]), array([[[-1., -1.,  2.]]]), array([[[0.],
            [0.]]]))
    """
    about = _about(_TWICE, align_corners, coordinates)
    arrays = grad_output, input, checks.array(_TWICE, "grid", grid)
    along = grad_grad_input, grad_grad_grid
    options = Options(mode, padding_mode, fill_value, channels_last)
    return double_backward(_TWICE, about, along, arrays, options, output_mask)


def _about(function, align_corners, coordinates):
    """Say what a grid's coordinates mean."""
    align_corners = checks.aligned(function, align_corners)
    checks.words(function, coordinates=coordinates)
    return _ABOUT[align_corners, coordinates]


_ABOUT = {
    options: Coordinates("grid", grid_axes, options, pixels=options[1] == "pixel")
    for options in itertools.product((False, True), checks.CHOICES["coordinates"])
}
