"""region_shift: groups of channels moved within their image; and its gradients."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._calls import buffers, checks, fractional_shift, integer_shift, run
from ._calls.registry import has_backward
from ._calls.typed import Array, Border, Fill, like_input, two_like_gradient

_NAME, _BACK = "region_shift", "region_shift_backward"


class _Call(NamedTuple):
    """What a call is about, checked."""

    dtype: np.dtype[Any]
    whole: bool
    fill: bytes  # an item of that type, or one for each channel
    sampling: run.Sampling  # between pixels


@like_input
def region_shift(
    input: ArrayLike,
    shifts: ArrayLike,
    padding_mode: Border = "border",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    out: Array | None = None,
) -> NDArray[Any]:
    """Shift groups of channels, each by its own distance.

    Parameters
    ----------
    input : array_like, shape (N, C, *in)
        Numbers of any type, or bools, where shifts are integers; else as for `grid_sample`. ``*in``
        is (W,), (H, W) or (D, H, W). Any strides and byte order.
    shifts : array_like, shape (G, D)
        Integers, float32 or float64, in pixels. Row g moves the g-th of G groups of C / G
        consecutive channels; G divides C, and G = C gives each channel a row. Columns are in the
        order of the array's axes: (dx), (dy, dx) or (dz, dy, dx). Positive moves the content to
        larger indices.
    padding_mode : {"border", "zeros", "reflection", "wrap", "constant"}
        What moves in from outside; see Convention.
    fill_value : float or sequence of C floats
        What "constant" moves in, in all channels or in each. Integer types saturate. Any but 0 is
        refused where nothing reads it, as in `grid_sample`.
    channels_last : bool
        Whether `input` and the result are laid out as (N, *in, C).
    out : ndarray, of the result's shape and type, optional
        Where to write the result; with any strides.

    Returns
    -------
    ndarray, shape (N, C, *in)
        Of the input's type, in native byte order; `out` itself, where given.

    Raises
    ------
    ValueError
        Shapes that do not fit, a number of shifts that does not divide C; an unknown word for
        `padding_mode`; an `out` that is read-only or shares memory with an input.
    TypeError
        An argument of a type that is not supported.

    See Also
    --------
    shifts.s2_mlp : The shifts of S2-MLP.
    shifts.as_mlp : Of AS-MLP.
    shifts.cycle_fc : Of CycleFC.
    shifts.shift_net : Of ShiftNet.
    flow_warp : A displacement for each pixel.
    region_shift_backward : The gradients.

    Notes
    -----
    The result at h is the input at h - s. Shifts of an integer type copy, bit by bit, however far
    they go. Shifts of a floating type are computed in their own precision, in double along axes of
    more than 2**22 pixels, and interpolate linearly along each axis, as Active Shift does; an
    integer among them copies, too. A NaN makes NaN of its group.

    "border" is what slice indexing does, "wrap" is a roll, and "zeros" a depthwise convolution with
    a single one in each kernel. `fastsample.shifts` makes the tables of several papers.

    The result is the same to the bit for any number of threads.

    References
    ----------
    T. Yu et al., "S2-MLP: Spatial-Shift MLP Architecture for Vision", 2021. Y. Jeon and J. Kim,
    "Constructing Fast Network through Deconstruction of Convolution" (Active Shift), 2018.

    Convention
    ----------
    A row `a b c d`, shifted by 2::

        border       a a a b
        zeros        0 0 a b
        constant     k k a b
        reflection   b a a b
        wrap         c d a b

    A row of `shifts` is ordered (dz, dy, dx), as for `numpy.roll` and `scipy.ndimage.shift`, not
    (x, y, z) as coordinates are.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[1, 2, 3, 4], [1, 2, 3, 4]]])
    >>> fs.region_shift(row, [[1], [-2]])
    array([[[1, 1, 2, 3],
            [3, 4, 4, 4]]])
    >>> fs.region_shift(row.astype(np.float32), np.array([[0.5]]), "zeros")
    array([[[0.5, 1.5, 2.5, 3.5],
            [0.5, 1.5, 2.5, 3.5]]], dtype=float32)
    """
    image, table = checks.array(_NAME, "input", input), checks.array(_NAME, "shifts", shifts)
    fill, last = _options(_NAME, padding_mode, fill_value, channels_last)
    shape, image = image.shape, _channels_second(image) if last else image
    call = _describe(_NAME, image.shape, image.dtype, table.shape, table.dtype, padding_mode, fill)
    if out is None:
        result = (np.empty if call.whole else buffers.empty)(shape, call.dtype)
    else:
        result = checks.writable(_NAME, out)
        checks.result(_NAME, result, shape, call.dtype)
        checks.apart(_NAME, result, input=image, shifts=table)
    target = _channels_second(result) if last else result
    if call.whole:
        integer_shift.copy(image, table, padding_mode, call.fill, target)
    else:
        fractional_shift.slide(call.sampling, image, table, target)
    return result


@has_backward(region_shift, "input", "shifts")
@two_like_gradient
def region_shift_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    shifts: ArrayLike,
    padding_mode: Border = "border",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool] = (True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Gradients of `region_shift` with respect to its input and its shifts.

    Parameters
    ----------
    grad_output : array_like, of the result's shape
        The gradient of a scalar with respect to the result; of the input's type.
    input : array_like, shape (N, C, *in)
        As it was passed to `region_shift`, of a floating or complex type.
    shifts, padding_mode, fill_value, channels_last
        As they were passed to `region_shift`.
    output_mask : (bool, bool)
        Which gradients to compute, the input's and the shifts'. The other one costs nothing.

    Returns
    -------
    grad_input : ndarray, of the input's shape and type, or None
        The exact adjoint.
    grad_shifts : ndarray, of the shifts' shape and type, or None
        Per pixel, summed over samples and channels in double. None for integer shifts, which have
        none.

    Raises
    ------
    ValueError, TypeError
        As `region_shift`, and where `grad_output` is not of the result's shape or the input's type.

    See Also
    --------
    region_shift : The function itself.
    vjp : A result together with its pullback.

    Notes
    -----
    At an integer shift the slope is that of the cell to the right. With "border" it is 0 where the
    input is read at an outer pixel's centre or beyond.

    The bits are the same for any number of threads.

    References
    ----------
    Y. Jeon and J. Kim, "Constructing Fast Network through Deconstruction of Convolution", 2018,
    whose (α, β) read ahead: they are (-dx, -dy).

    Convention
    ----------
    A row of grad_shifts is ordered (dz, dy, dx), as the shifts'.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 30.0, 60.0]]])
    >>> fs.region_shift_backward(np.ones((1, 1, 4)), row, np.array([[0.25]]))
    (array([[[1.25, 1.  , 1.  , 0.75]]]), array([[-60.]]))
    """
    gradient = checks.array(_BACK, "grad_output", grad_output)
    image, table = checks.array(_BACK, "input", input), checks.array(_BACK, "shifts", shifts)
    fill, last = _options(_BACK, padding_mode, fill_value, channels_last)
    to_input, to_shifts = checks.mask(_BACK, output_mask)
    shape, image = image.shape, _channels_second(image) if last else image
    call = _describe(_BACK, image.shape, image.dtype, table.shape, table.dtype, padding_mode, fill)
    checks.dtype(_BACK, "input", image.dtype, checks.DIFFERENTIABLE)
    checks.gradient(_BACK, "grad_output", gradient, shape, call.dtype)
    gradient = _channels_second(gradient) if last else gradient
    grad_input = grad_shifts = None
    if to_input:
        grad_input = _input_gradient(call, gradient, table)
        grad_input = np.ascontiguousarray(np.moveaxis(grad_input, 1, -1)) if last else grad_input
    if to_shifts and not call.whole:
        grad_shifts = fractional_shift.shift_gradient(call.sampling, gradient, image, table)
    return grad_input, grad_shifts


def _input_gradient(call: _Call, gradient: NDArray[Any], shifts: NDArray[Any]) -> NDArray[Any]:
    """Go back through copies, or through the interpolation."""
    if call.whole:
        return integer_shift.input_gradient(gradient, shifts, call.sampling.padding_mode)
    return fractional_shift.input_gradient(call.sampling, gradient, shifts)


def _options(
    name: str, padding_mode: str, fill_value: Any, channels_last: Any
) -> tuple[int | float | tuple[int | float, ...], bool]:
    """Check the options."""
    checks.border(name, padding_mode)
    fill = checks.fill(name, "fill_value", fill_value)
    return fill, checks.flag(name, "channels_last", channels_last)


def _channels_second(x: NDArray[Any]) -> NDArray[Any]:
    """See (N, *in, C) as (N, C, *in)."""
    return np.moveaxis(x, -1, 1) if x.ndim > 2 else x


@lru_cache(maxsize=512)
def _describe(name, image, dtype, shifts, kind, padding_mode, fill):
    """Check shapes and types, of the input (N, C, *in) and of the shifts."""
    checks.image(name, image)
    checks.shifts(name, shifts, kind, image)
    whole = kind.kind in "iu"
    if whole:
        checks.copied(name, "input", dtype)
        checks.one_each(name, "fill_value", fill, image[1])
    else:
        checks.dtype(name, "input", dtype, checks.INPUT_TYPES)
        checks.fills(name, "fill_value", fill, dtype, image[1])
    checks.fill_is_read(name, fill, padding_mode, dtype, lost=not whole)
    native = dtype.newbyteorder("=")
    moved_in = fill if padding_mode == "constant" else 0
    items = checks.items(name, "fill_value", moved_in, native)
    return _Call(
        native, whole, items, fractional_shift.sampling("bilinear", padding_mode, image[2:], fill)
    )
