"""The public functions: arguments to tensors and options."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .._calls import checks
from .._calls.typed import Border, Fill, Mode, PixelBorder, Size, Unit
from ._autograd import Call, Differentiable, is_plain
from ._operators import OPERATORS

_FUNCTIONS = {name: Differentiable(operators) for name, operators in OPERATORS.items()}
_MOST = 512  # calls whose options are remembered
_known: dict[Any, Call] = {}


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    align_corners: bool | None = None,
    *,
    coordinates: Unit = "normalized",
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Tensor:
    """Sample images, volumes or signals at the points of a grid.

    `torch.nn.functional.grid_sample`, with all that `fastsample.grid_sample` adds to it.

    Parameters
    ----------
    input : Tensor, shape (N, C, *in)
        Of any type that `fastsample.grid_sample` takes. ``*in`` is (W,), (H, W) or (D, H, W).
    grid : Tensor, shape (N, *out, D)
        float32, float64, or floats of 16 bits, which are widened.
    mode, padding_mode, align_corners, coordinates, fill_value, channels_last
        As for `fastsample.grid_sample`.

    Returns
    -------
    Tensor, shape (N, C, *out)
        Of the input's type; under `torch.autocast` float32 where input or grid has 16 bits.

    Raises
    ------
    ValueError
        An unknown word for an option, as in PyTorch.
    RuntimeError
        Shapes, types or a device that do not fit.
    TypeError
        An argument that should be a tensor or a bool and is not.

    Notes
    -----
    Input and grid have first and second derivatives, in reverse and in forward mode; third ones
    raise a RuntimeError. It works in `torch.func`, and in `torch.compile` and `torch.export`
    without a graph break.

    A NaN coordinate reads what PyTorch's kernels read for it: nothing with "zeros" under "nearest"
    and in volumes, an outer pixel with "border" and "reflection", but NaN with "bicubic".

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.grid_sample`.

    Convention
    ----------
    Coordinates are ordered (x, y, z); tensors' axes (N, C, D, H, W).

    Examples
    --------
    >>> import torch
    >>> import fastsample.torch as fst
    >>> row = torch.tensor([[[0.0, 10.0, 40.0]]])
    >>> where = torch.tensor([[[0.25], [1.5]]], requires_grad=True)
    >>> result = fst.grid_sample(row, where, coordinates="pixel")
    >>> torch.autograd.grad(result.sum(), where)
    (tensor([[[10.],
             [30.]]]),)
    """
    options = mode, padding_mode, align_corners, coordinates, fill_value, channels_last
    return _call("grid_sample", (input, grid), options, _grid_options, is_widened=True)


def affine_grid(theta: Tensor, size: Size, align_corners: bool | None = None) -> Tensor:
    """Make the grids for sampling under affine maps.

    `torch.nn.functional.affine_grid`, for one spatial axis, too.

    Parameters
    ----------
    theta : Tensor, shape (N, D, D + 1)
        Of a floating type.
    size : (N, C, *out)
        The result that is to be sampled; C does not matter.
    align_corners : bool or None
        As for `fastsample.affine_grid`.

    Returns
    -------
    Tensor, shape (N, *out, D)
        Of theta's type.

    Raises
    ------
    ValueError, NotImplementedError, RuntimeError
        A type, shape or size that does not fit, as in PyTorch.

    Notes
    -----
    It is linear, and has derivatives of any order.

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.affine_grid`.

    Convention
    ----------
    Coordinates are ordered (x, y, z), normalized, x along the last axis of ``*out``.

    Examples
    --------
    >>> import torch
    >>> import fastsample.torch as fst
    >>> fst.affine_grid(torch.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2))
    tensor([[[[ 0.5000,  0.0000],
              [-0.5000,  0.0000]]]])
    """
    name = "affine_grid"
    _tensors(name, {"theta": theta})
    align = checks.aligned(name, align_corners)
    batch, *out = _grid_size(theta, size)
    if theta.shape[0] not in (batch, 1):
        raise RuntimeError(f"{name}: theta must have N = {batch} or 1; got {tuple(theta.shape)}")
    if theta.shape[0] != batch:
        theta = theta.expand(batch, *theta.shape[1:])
    brain = theta.dtype is torch.bfloat16
    made = _call(name, (theta.float() if brain else theta,), (tuple(out), align), _plain_options)
    return made.to(theta.dtype) if brain else made


def affine_sample(
    input: Tensor,
    theta: Tensor,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = None,
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Tensor:
    """Sample images through affine maps: `grid_sample` of `affine_grid`, in one pass.

    Parameters
    ----------
    input : Tensor, shape (N, C, *in)
    theta : Tensor, shape (N, D, D + 1)
    size : tuple of D ints
        The output's spatial sizes.
    mode, padding_mode, align_corners, fill_value, channels_last
        As for `fastsample.affine_sample`.

    Returns
    -------
    Tensor, shape (N, C, *size)
        Of the input's type.

    Raises
    ------
    ValueError, RuntimeError, TypeError
        As `grid_sample`.

    Notes
    -----
    The grid is never made, forward or backward. Derivatives are those of `grid_sample`.

    References
    ----------
    M. Jaderberg et al., "Spatial Transformer Networks", 2015.

    Convention
    ----------
    theta maps the output's normalized coordinates (x, y, z) to the input's.

    Examples
    --------
    >>> import torch
    >>> import fastsample.torch as fst
    >>> mirror = torch.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> fst.affine_sample(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), mirror, (2, 2))
    tensor([[[[2., 1.],
              [4., 3.]]]])
    """
    options = tuple(size), mode, padding_mode, align_corners, fill_value, channels_last
    return _call("affine_sample", (input, theta), options, _affine_options)


def perspective_sample(
    input: Tensor,
    homography: Tensor,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Tensor:
    """Sample images through homographies, which map the output's pixels to the input's.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W)
    homography : Tensor, shape (N, 3, 3)
    size : (int, int)
        The output's height and width.
    mode, padding_mode, fill_value, channels_last
        As for `fastsample.perspective_sample`.

    Returns
    -------
    Tensor, shape (N, C, *size)
        Of the input's type.

    Raises
    ------
    ValueError, RuntimeError, TypeError
        As `grid_sample`.

    Notes
    -----
    It has first derivatives, in reverse mode; second ones raise a RuntimeError.

    References
    ----------
    R. Hartley and A. Zisserman, "Multiple View Geometry in Computer Vision", 2003.

    Convention
    ----------
    The output's pixel (x, y) reads the input at (u / w, v / w), where (u, v, w) is
    homography (x, y, 1).

    Examples
    --------
    >>> import torch
    >>> import fastsample.torch as fst
    >>> row = torch.tensor([[[[0.0, 10.0, 20.0, 30.0]]]])
    >>> double = torch.diag(torch.tensor([2.0, 1.0, 1.0]))[None]
    >>> fst.perspective_sample(row, double, (1, 2))
    tensor([[[[ 0., 20.]]]])
    """
    options = tuple(size), mode, padding_mode, fill_value, channels_last
    return _call("perspective_sample", (input, homography), options, _perspective_options)


def point_sample(
    input: Tensor,
    points: Tensor,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = None,
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Tensor:
    """Sample feature maps at points whose coordinates run from 0 to 1.

    Parameters
    ----------
    input : Tensor, shape (N, C, *in)
    points : Tensor, shape (N, *out, D)
        Usually (N, P, D).
    mode, padding_mode, align_corners, fill_value, channels_last
        As for `fastsample.point_sample`.

    Returns
    -------
    Tensor, shape (N, C, *out)
        Of the input's type.

    Raises
    ------
    ValueError, RuntimeError, TypeError
        As `grid_sample`.

    Notes
    -----
    Derivatives are those of `grid_sample`.

    References
    ----------
    A. Kirillov et al., "PointRend: Image Segmentation as Rendering", 2019.

    Convention
    ----------
    Points are ordered (x, y, z), tensors' axes (N, C, D, H, W).

    Examples
    --------
    >>> import torch
    >>> import fastsample.torch as fst
    >>> row = torch.tensor([[[0.0, 10.0, 20.0, 30.0]]])
    >>> fst.point_sample(row, torch.tensor([[[0.125], [0.5]]]))
    tensor([[[ 0., 15.]]])
    """
    options = mode, padding_mode, align_corners, fill_value, channels_last
    return _call("point_sample", (input, points), options, _point_options)


def flow_warp(
    input: Tensor,
    flow: Tensor,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Tensor:
    """Warp images or feature maps by a flow: displacements in pixels.

    Parameters
    ----------
    input : Tensor, shape (N, C, *in)
    flow : Tensor, shape (N, D, *in)
        (N, *in, D) with `channels_last`.
    mode, padding_mode, fill_value, channels_last
        As for `fastsample.flow_warp`.

    Returns
    -------
    Tensor, shape (N, C, *in)
        Of the input's type.

    Raises
    ------
    ValueError, RuntimeError, TypeError
        As `grid_sample`.

    Notes
    -----
    Derivatives are those of `grid_sample`.

    References
    ----------
    X. Zhu et al., "Deep Feature Flow for Video Recognition", 2017.

    Convention
    ----------
    The flow is ordered (dx, dy, dz); the result at (y, x) is the input at (y + dy, x + dx).

    Examples
    --------
    >>> import torch
    >>> import fastsample.torch as fst
    >>> row, flow = torch.tensor([[[0.0, 10.0, 40.0]]]), torch.tensor([[[0.5, 1.0, 0.0]]])
    >>> fst.flow_warp(row, flow)
    tensor([[[ 5., 40., 40.]]])
    """
    options = mode, padding_mode, fill_value, channels_last
    return _call("flow_warp", (input, flow), options, _flow_options)


def deform_conv2d(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: Any = 0,
    dilation: int | tuple[int, int] = 1,
    mask: Tensor | None = None,
) -> Tensor:
    """Deformable convolution: torchvision's function, with a gradient for every tensor.

    Parameters
    ----------
    input : Tensor, shape (N, Cin, H, W)
    offset : Tensor, shape (N, 2 * groups * kh * kw, Ho, Wo)
    weight : Tensor, shape (Cout, Cin / groups, kh, kw)
    bias : Tensor, shape (Cout,), optional
    stride, padding, dilation
        As for `fastsample.deform_conv2d`.
    mask : Tensor, shape (N, groups * kh * kw, Ho, Wo), optional

    Returns
    -------
    Tensor, shape (N, Cout, Ho, Wo)
        Of the input's type.

    Raises
    ------
    RuntimeError, TypeError
        As `grid_sample`.

    Notes
    -----
    It has first derivatives; second ones raise a RuntimeError.

    References
    ----------
    X. Zhu et al., "Deformable ConvNets v2: More Deformable, Better Results", 2018.

    Convention
    ----------
    Offsets are pairs (dy, dx), one for each tap.

    Examples
    --------
    >>> import torch
    >>> import fastsample.torch as fst
    >>> image, still = torch.ones(1, 1, 3, 3), torch.zeros(1, 18, 1, 1)
    >>> fst.deform_conv2d(image, still, torch.ones(1, 1, 3, 3))
    tensor([[[[9.]]]])
    """
    name = "deform_conv2d"
    given = input, offset, weight, bias, mask
    steps = _pair(name, "stride", stride, 1), _pair(name, "dilation", dilation, 1)
    return _call(name, given, (steps[0], _padding(padding), steps[1]), _plain_options)


def _pair(function: str, name: str, came: Any, least: int) -> tuple[int, ...]:
    """Two ints, none below the least."""
    pair = (came, came) if type(came) is int else came
    known = type(pair) in (tuple, list) and len(pair) == 2
    if known and all(type(n) is int and n >= least for n in pair):  # what a graph's tracer follows
        return tuple(pair)
    return tuple(checks.pair(function, name, came, least))


def _padding(came: Any) -> tuple[int, ...]:
    """Top, bottom, left and right."""
    if type(came) is int or (type(came) in (tuple, list) and all(type(n) is int for n in came)):
        y, x = _pair("deform_conv2d", "padding", came, 0)
        return y, y, x, x
    return tuple(n for side in checks.sides("deform_conv2d", "padding", came) for n in side)


def _call(
    name: str,
    given: tuple[Any, ...],
    options: tuple[Any, ...],
    check: Callable[..., Any],
    is_widened: bool = False,
) -> Any:
    """Call a function: options that came before are known to be right.

    `is_widened` lets it compute in float32 under `torch.autocast`.
    """
    function, known = _FUNCTIONS[name], None
    traced = torch.compiler.is_dynamo_compiling()
    if not traced:
        try:
            known = _known.get((name, options, tuple(map(type, options))))  # 1 is not True
        except TypeError:  # a list of fill values has no hash
            known = None
        if known and (last := known.like(given)):
            return function.like(last, given, known)
    if is_widened and torch.is_autocast_enabled("cpu"):
        given = tuple([_single(x) for x in given])
    if not traced and is_plain(given):
        return function(given, known or _remember(name, options, check))
    _tensors(name, dict(zip(function.operators.family.names, given, strict=True)))
    return function.followed(given, check(name, *options))


def _remember(name: str, options: tuple[Any, ...], check: Callable[..., Any]) -> Call:
    """Check options, and keep them if they have a hash."""
    call = _FUNCTIONS[name].call_of(*check(name, *options))
    with contextlib.suppress(TypeError):
        if len(_known) >= _MOST:
            _known.clear()
        _known[name, options, tuple(map(type, options))] = call
    return call


def _tensors(function: str, given: dict[str, Any]) -> None:
    """Check that they are tensors where there is memory to read."""
    for name, tensor in given.items():
        if tensor is None and name in ("bias", "mask"):
            continue
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{function}: {name} must be a Tensor; got {type(tensor).__name__}")
        if tensor.device.type not in ("cpu", "meta"):
            raise RuntimeError(f"{function}: {name} must be on the CPU; got one on {tensor.device}")


def _single(tensor: Any) -> Any:
    """Numbers of 16 bits as float32, which is what autocast has PyTorch's function compute in."""
    low = isinstance(tensor, Tensor) and tensor.dtype in (torch.float16, torch.bfloat16)
    return tensor.float() if low else tensor


def _grid_options(
    name: str, mode: Any, rule: Any, align: Any, coordinates: Any, fill: Any, last: Any
) -> tuple[Any, ...]:
    """Options of `grid_sample`, in the order of its operator."""
    checks.words(name, coordinates=coordinates)
    rules = _rules(name, mode, rule, coordinates == "pixel")
    return *rules, checks.aligned(name, align), coordinates, *_last(name, fill, last)


def _affine_options(name: str, size: Any, *options: Any) -> tuple[Any, ...]:
    """The same of `affine_sample`."""
    return list(size), *_point_options(name, *options)


def _point_options(
    name: str, mode: Any, rule: Any, align: Any, fill: Any, last: Any
) -> tuple[Any, ...]:
    """The same of `point_sample`."""
    return *_rules(name, mode, rule), checks.aligned(name, align), *_last(name, fill, last)


def _flow_options(name: str, mode: Any, rule: Any, fill: Any, last: Any) -> tuple[Any, ...]:
    """The same of `flow_warp`."""
    return *_rules(name, mode, rule, True), *_last(name, fill, last)


def _perspective_options(name: str, size: Any, *options: Any) -> tuple[Any, ...]:
    """The same of `perspective_sample`."""
    return list(size), *_flow_options(name, *options)


def _plain_options(name: str, *options: Any) -> tuple[Any, ...]:
    """Options that are checked."""
    return tuple(list(x) if isinstance(x, tuple) else x for x in options)


def _rules(function: str, mode: str, padding_mode: str, pixels: bool = False) -> tuple[str, str]:
    """Check words, as an error that PyTorch has for them."""
    checks.words(function, mode=mode)
    checks.border(function, padding_mode, pixels)
    return mode, padding_mode


def _last(function: str, fill_value: Any, channels_last: bool) -> tuple[list[float], bool]:
    """The options that come last."""
    if type(fill_value) in (int, float):
        fills = [float(fill_value)]
    else:
        found = checks.fill(function, "fill_value", fill_value)
        fills = [float(x) for x in (found if isinstance(found, tuple) else (found,))]
    return fills, checks.flag(function, "channels_last", channels_last)


def _grid_size(theta: Tensor, size: Sequence[int]) -> list[Any]:
    """N and *out of a size (N, C, *out), against theta, with PyTorch's errors."""
    size, axes = tuple(size), len(size) - 2
    if not (theta.is_floating_point() or theta.is_complex()):
        raise ValueError(f"affine_grid: theta must be of a floating type; got {theta.dtype}")
    if axes not in (1, 2, 3):
        raise NotImplementedError(
            f"affine_grid: size must be (N, C, *out) with 1, 2 or 3 axes in *out; got {size}"
        )
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (axes, axes + 1):
        raise ValueError(
            f"affine_grid: theta must have shape (N, {axes}, {axes + 1}); got {tuple(theta.shape)}"
        )
    if any(n < 0 for n in size[2:]) or any(n == 0 for n in size[2:]):
        raise ValueError(f"affine_grid: size must have no axis of 0 or less; got {size}")
    return [size[0], *size[2:]]
