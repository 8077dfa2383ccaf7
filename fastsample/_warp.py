"""flow_warp and remap: images read at displacements in pixels, and at maps in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._calls import buffers, checks
from ._calls.again import like_before
from ._calls.formula import flow_axes, grid_axes
from ._calls.registry import has_backward
from ._calls.sampled import Coordinates, Options, backward, double_backward, forward
from ._calls.typed import (
    Array,
    Fill,
    Mode,
    PixelBorder,
    like_image,
    like_input,
    three_like_direction,
    two_like_gradient,
)
from ._kernels.kind import FLOW

_FLOW, _FLOW_BACK, _REMAP = "flow_warp", "flow_warp_backward", "remap"
_FLOW_TWICE = "flow_warp_double_backward"
_STEPS = Coordinates("flow", flow_axes, source=FLOW, check=checks.flow, pixels=True)
_STEPS_LAST = _STEPS._replace(check=checks.flow_last)
_PIXELS = Coordinates("map_x", grid_axes, (False, "pixel"), pixels=True)


@like_input
@like_before
def flow_warp(
    input: ArrayLike,
    flow: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    out: Array | None = None,
) -> NDArray[Any]:
    """Warp images or feature maps by a flow: displacements in pixels.

    As Deep Feature Flow and Accel do, to bring a key frame's features to the current frame.

    Parameters
    ----------
    input : array_like, shape (N, C, *in)
        Of any type that `grid_sample` takes.
    flow : array_like, shape (N, D, *in)
        float32 or float64: dx, dy, dz, each a map of the input's own size. With `channels_last`
        (N, *in, D).
    mode, padding_mode, fill_value, channels_last
        As for `grid_sample`; "reflection" mirrors at the outer pixels' edges, "mirror" at their
        centres.
    out : ndarray, of the result's shape, optional
        Where to write the result: of the input's type, with any strides.

    Returns
    -------
    ndarray, of the input's shape (its batch the larger one)
        At (y, x) the input at (y + dy, x + dx).

    Raises
    ------
    ValueError, TypeError
        As `grid_sample`, and where the flow is not of the input's sizes.

    See Also
    --------
    remap : Coordinates instead of displacements.
    grid_sample : Any grid.
    elastic_sample : A field from a few knots.
    region_shift : One displacement for all pixels of a group of channels.
    flow_warp_backward : The gradients.

    Notes
    -----
    Integer displacements copy pixels and zero displacement returns the input, to the last bit, on
    axes of any length: beyond 2**22 pixels positions are computed in double. (Going through
    normalized coordinates is off by 1e-7 of the value.)

    A batch of 1 on either side is shared with all samples of the other, without a copy.

    References
    ----------
    X. Zhu et al., "Deep Feature Flow for Video Recognition", 2017. S. Jain et al., "Accel: A
    Corrective Fusion Network for Efficient Semantic Segmentation on Video", 2019.

    Convention
    ----------
    Flow components are ordered (dx, dy, dz), in pixels, x along the last spatial axis; positive
    values read ahead.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 20.0, 30.0]]])
    >>> fs.flow_warp(row, np.array([[[1.0, 1.0, 0.5, 0.0]]]))
    array([[[10., 20., 25., 30.]]])
    """
    about, steps = _flow(_FLOW, flow, channels_last)
    options = Options(mode, padding_mode, fill_value, channels_last)
    return forward(_FLOW, about, input, steps, options, out)


@has_backward(flow_warp, "input", "flow")
@two_like_gradient
@like_before
def flow_warp_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    flow: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool] = (True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Gradients of `flow_warp` with respect to its input and its flow.

    Parameters
    ----------
    grad_output : array_like, of the result's shape
        The gradient of a scalar with respect to the result; of the input's type.
    input, flow, mode, padding_mode, fill_value, channels_last
        As they were passed to `flow_warp`.
    output_mask : (bool, bool)
        Which gradients to compute, the input's and the flow's. The other one costs nothing.

    Returns
    -------
    grad_input : ndarray, of the input's shape and type, or None
    grad_flow : ndarray, of the flow's shape and type, or None

    Raises
    ------
    ValueError, TypeError
        As `flow_warp`, and where `grad_output` is not of the result's shape or the input's type.

    See Also
    --------
    flow_warp : The function itself.
    vjp : A result together with its pullback.
    flow_warp_double_backward : Second derivatives.

    Notes
    -----
    See `grid_sample_backward`. At integer displacements the slope is that of the cell to the right.

    References
    ----------
    X. Zhu et al., "Deep Feature Flow for Video Recognition", 2017.

    Convention
    ----------
    grad_flow is ordered as the flow, per pixel.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 40.0]]])
    >>> flow = np.array([[[0.5, 0.5, 0.0]]])
    >>> fs.flow_warp_backward(np.ones((1, 1, 3)), row, flow, padding_mode="border")
    (array([[[0.5, 1. , 1.5]]]), array([[[10., 30.,  0.]]]))
    """
    about, steps = _flow(_FLOW_BACK, flow, channels_last)
    options = Options(mode, padding_mode, fill_value, channels_last)
    planar = not channels_last
    arrays = grad_output, input, steps
    to_input, to_flow = backward(_FLOW_BACK, about, arrays, options, output_mask, planar)
    if to_flow is not None and planar:
        to_flow = _planar(to_flow)
    return to_input, to_flow


@three_like_direction
def flow_warp_double_backward(
    grad_grad_input: ArrayLike | None,
    grad_grad_flow: ArrayLike | None,
    grad_output: ArrayLike,
    input: ArrayLike,
    flow: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None]:
    """Second derivatives: the gradients of `flow_warp_backward`.

    Parameters
    ----------
    grad_grad_input : array_like, of the input's shape and type, or None
        The gradient of a scalar with respect to grad_input; None stands for zeros.
    grad_grad_flow : array_like, of the flow's shape and type, or None
        The same for grad_flow.
    grad_output, input, flow, mode, padding_mode, fill_value, channels_last
        As they were passed to `flow_warp_backward`.
    output_mask : (bool, bool, bool)
        Which gradients to compute: grad_output's, the input's and the flow's. Others cost nothing.

    Returns
    -------
    grad_grad_output : ndarray, of the result's shape and of the input's type, or None
        The sample of `grad_grad_input`, plus the derivative of the result along `grad_grad_flow`.
    grad_input : ndarray, of the input's shape and type, or None
    grad_flow : ndarray, of the flow's shape and type, or None

    Raises
    ------
    ValueError, TypeError
        As `flow_warp_backward`, and where a gradient has another shape or type
        than what it belongs to.

    See Also
    --------
    flow_warp_backward : What this differentiates.
    flow_warp : The function itself.

    Notes
    -----
    See `grid_sample_double_backward`: coordinates are an index plus the flow.

    References
    ----------
    X. Zhu et al., "Deep Feature Flow for Video Recognition", 2017.

    Convention
    ----------
    grad_flow is ordered as the flow, per pixel.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row, ones = np.array([[[0.0, 10.0, 40.0]]]), np.ones((1, 1, 3))
    >>> flow = np.array([[[0.5, 0.5, 0.0]]])
    >>> rule = {"padding_mode": "border", "output_mask": (True, True, False)}
    >>> fs.flow_warp_double_backward(None, 2 * ones, ones, row, flow, **rule)
    (array([[[20., 60.,  0.]]]), array([[[-2.,  0.,  2.]]]), None)
    """
    about, steps = _flow(_FLOW_TWICE, flow, channels_last)
    along = grad_grad_input, _along_flow(grad_grad_flow, flow, channels_last)
    options = Options(mode, padding_mode, fill_value, channels_last)
    found = double_backward(
        _FLOW_TWICE, about, along, (grad_output, input, steps), options, output_mask
    )
    to_output, to_input, to_flow = found
    if to_flow is not None and not channels_last:
        to_flow = np.ascontiguousarray(_planar(to_flow))
    return to_output, to_input, to_flow


@like_image
@like_before
def remap(
    image: ArrayLike,
    map_x: ArrayLike,
    map_y: ArrayLike | None = None,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    out: Array | None = None,
) -> NDArray[Any]:
    """Sample an image at maps of pixel coordinates: `cv2.remap` for any size and any channels.

    Parameters
    ----------
    image : array_like, shape (H, W) or (H, W, C)
        Of any type that `grid_sample` takes: uint8, mostly.
    map_x, map_y : array_like, shape (*out)
        float32 or float64, both of one shape and type: where each pixel of the result reads, in
        pixels, 0 the centre of the first one. Without map_y, map_x is one map of both, (x, y)
        along its last axis: (*out, 2).
    mode, padding_mode, fill_value
        As for `grid_sample`; "reflection" mirrors at the outer pixels' edges, "mirror" at their
        centres.
    out : ndarray, shape (*out) or (*out, C), optional
        Where to write the result: of the image's type, with any strides.

    Returns
    -------
    ndarray, shape (*out) or (*out, C)
        Of the image's type; `out` itself, where given.

    Raises
    ------
    ValueError, TypeError
        As `grid_sample`, and where the maps differ in shape or type.

    See Also
    --------
    grid_sample : Batches of planes, any number of axes.
    flow_warp : Displacements instead of coordinates.
    affine_sample : A matrix instead of maps.
    perspective_sample : A homography instead of maps.

    Notes
    -----
    Coordinates are exact; OpenCV rounds them to 1/32 of a pixel for int16 and float64 images and
    those of more than four channels, and takes no image of 32,767 pixels or more a side. It calls
    borders BORDER_CONSTANT ("constant", "zeros"), BORDER_REPLICATE ("border"), BORDER_REFLECT
    ("reflection"), BORDER_REFLECT_101 ("mirror") and BORDER_WRAP ("wrap").

    References
    ----------
    OpenCV 5.0, `cv2.remap`.

    Convention
    ----------
    Maps are in pixels, x along the width; a pixel's channels come last.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> image = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> fs.remap(image, np.array([[1.0, 0.5]]), np.array([[0.0, 1.0]]))
    array([[2. , 3.5]])
    """
    pixels = checks.picture(_REMAP, checks.array(_REMAP, "image", image), mode)
    given = {"map_x": checks.array(_REMAP, "map_x", map_x)}
    if map_y is not None:
        given["map_y"] = checks.array(_REMAP, "map_y", map_y)
    maps = _maps(**given)
    gray, shape = pixels.ndim == 2, maps.shape[1:-1] + pixels.shape[2:]
    checks.something_to_sample(_REMAP, pixels.shape, shape, "image", pixels.shape[:2])
    target = None
    if out is not None:
        written = checks.writable(_REMAP, out)
        checks.result_shape(_REMAP, written, shape)
        target = (written[..., None] if gray else written)[None]
    options = Options(mode, padding_mode, fill_value, True)
    image = (pixels[..., None] if gray else pixels)[None]
    apart = {"image": pixels, **given}
    made = forward(_REMAP, _PIXELS, image, maps, options, target, apart)
    if target is not None:
        return written
    return made[0, ..., 0] if gray else made[0]


def _flow(function, flow, channels_last):
    """Check a flow: what it means, and it as steps (N, *in, D)."""
    steps = checks.array(function, "flow", flow)
    if checks.flag(function, "channels_last", channels_last):
        return _STEPS_LAST, steps
    if steps.ndim < 3:
        raise ValueError(
            f"{function}: flow must have shape (N, D, *in) with 1, 2 or 3 axes in *in; "
            f"got {steps.shape}"
        )
    return _STEPS, steps.transpose(0, *range(2, steps.ndim), 1)


def _along_flow(came, flow, channels_last):
    """Check a gradient of a flow's gradient: it as steps (N, *in, D), or None."""
    if came is None:
        return None
    came = checks.array(_FLOW_TWICE, "grad_grad_flow", came)
    flow = checks.array(_FLOW_TWICE, "flow", flow)
    expected = flow.shape, flow.dtype.newbyteorder("=")
    checks.gradient(_FLOW_TWICE, "grad_grad_flow", came, *expected, of="flow")
    return came if channels_last else came.transpose(0, *range(2, came.ndim), 1)


def _planar(steps):
    """Turn steps (N, *in, D) into a flow (N, D, *in)."""
    return steps.transpose(0, steps.ndim - 1, *range(1, steps.ndim - 1))


def _maps(map_x, map_y=None):
    """One map, or two as one, (1, *out, 2); without a copy where both are laid out alike."""
    if map_y is None:
        checks.pairs(_REMAP, "map_x", map_x, "where map_y is None")
        return map_x[None]
    x, y = map_x, map_y
    checks.alike(_REMAP, map_x=x, map_y=y)
    apart = y.ctypes.data - x.ctypes.data
    if x.strides == y.strides and apart % x.itemsize == 0:
        shape, strides = (1, *x.shape, 2), (0, *x.strides, apart)
        return buffers.both(x, y, shape, strides)
    return np.stack([x, y], axis=-1)[None]
