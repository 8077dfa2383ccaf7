"""The sampling functions for JAX: under `jit`, `grad` and `vmap`, on the CPU.

`import fastsample` does not import it. XLA calls the kernels on its own buffers, so nothing is
copied on the way in.
"""

from __future__ import annotations

from typing import Any

try:
    import jax  # noqa: F401
except ImportError as error:
    raise ImportError(
        "fastsample.jax needs JAX, which is not installed: pip install 'jax>=0.5'"
    ) from error

from .._calls.typed import Border, Fill, Mode, PixelBorder, Size, Unit
from ._public import call

__all__ = [
    "affine_grid",
    "affine_sample",
    "deform_conv2d",
    "flow_warp",
    "grid_sample",
    "perspective_sample",
    "point_sample",
]


def grid_sample(
    input: Any,
    grid: Any,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    align_corners: bool | None = False,
    *,
    coordinates: Unit = "normalized",
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Any:
    """Sample images, volumes or signals at the points of a grid.

    Parameters
    ----------
    input : array, shape (N, C, *in)
        Of any type that `fastsample.grid_sample` takes.
    grid : array, shape (N, *out, D)
        float32, float16, or, with x64 enabled, float64.
    mode, padding_mode, align_corners, coordinates, fill_value, channels_last
        As for `fastsample.grid_sample`. They are static: plain Python values, not traced.

    Returns
    -------
    jax.Array, shape (N, C, *out)
        Of the input's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.grid_sample`, while the call is traced.

    Notes
    -----
    First and second derivatives exist with respect to both arrays, in reverse mode, forward mode
    and mixtures of the two, except forward mode over forward mode. Under `jit` a gradient that
    nothing uses is not computed.

    `vmap` extends the batch where every array has the mapped axis, or has a batch of 1 that is
    shared; otherwise it loops.

    References
    ----------
    `fastsample.grid_sample`; PyTorch 2.13, `torch.nn.functional.grid_sample`.

    Convention
    ----------
    Coordinates are ordered (x, y, z), x along the last axis of `input`, unlike those of
    `jax.scipy.ndimage.map_coordinates`, which are in the order of the array's axes.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, fastsample.jax as fj
    >>> row = jnp.array([[[0.0, 10.0, 40.0]]])
    >>> at = jnp.array([[[0.5], [1.5]]])
    >>> jax.grad(lambda g: fj.grid_sample(row, g, coordinates="pixel").sum())(at)
    Array([[[10.],
            [30.]]], dtype=float32)
    """
    return call(
        "grid_sample",
        {"input": input, "grid": grid},
        mode=mode,
        padding_mode=padding_mode,
        align_corners=align_corners,
        coordinates=coordinates,
        fill_value=fill_value,
        channels_last=channels_last,
    )


def affine_grid(theta: Any, size: Size, align_corners: bool | None = False) -> Any:
    """Make the grids for sampling under affine maps.

    Parameters
    ----------
    theta : array, shape (N, D, D + 1)
        As for `fastsample.affine_grid`.
    size : (N, C, *out)
        The result that is to be sampled; static.
    align_corners : bool or None
        As for `fastsample.affine_grid`.

    Returns
    -------
    jax.Array, shape (N, *out, D)
        Of theta's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.affine_grid`, while the call is traced.

    Notes
    -----
    It is linear, so it has derivatives of every order.

    References
    ----------
    `fastsample.affine_grid`.

    Convention
    ----------
    Coordinates are ordered (x, y, z), normalized.

    Examples
    --------
    >>> import jax.numpy as jnp, fastsample.jax as fj
    >>> fj.affine_grid(jnp.eye(2, 3)[None], (1, 1, 8, 8)).shape
    (1, 8, 8, 2)
    """
    return call("affine_grid", {"theta": theta}, size=size, align_corners=align_corners)


def affine_sample(
    input: Any,
    theta: Any,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = False,
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Any:
    """Sample images through affine maps, without a grid in memory.

    Parameters
    ----------
    input : array, shape (N, C, *in)
        Of any type that `fastsample.grid_sample` takes.
    theta : array, shape (N, D, D + 1)
        As for `fastsample.affine_sample`.
    size : tuple of D ints
        The output's spatial sizes; static.
    mode, padding_mode, align_corners, fill_value, channels_last
        As for `grid_sample`.

    Returns
    -------
    jax.Array, shape (N, C, *size)
        Of the input's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.affine_sample`, while the call is traced.

    Notes
    -----
    Derivatives are those of `grid_sample`.

    References
    ----------
    `fastsample.affine_sample`. M. Jaderberg et al., "Spatial Transformer Networks", 2015.

    Convention
    ----------
    theta maps the output's normalized coordinates (x, y, z) to the input's.

    Examples
    --------
    >>> import jax.numpy as jnp, fastsample.jax as fj
    >>> fj.affine_sample(jnp.ones((1, 3, 8, 8)), jnp.eye(2, 3)[None], (4, 4)).shape
    (1, 3, 4, 4)
    """
    return call(
        "affine_sample",
        {"input": input, "theta": theta},
        size=size,
        mode=mode,
        padding_mode=padding_mode,
        align_corners=align_corners,
        fill_value=fill_value,
        channels_last=channels_last,
    )


def perspective_sample(
    input: Any,
    homography: Any,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Any:
    """Sample images through homographies, which map the output's pixels to the input's.

    Parameters
    ----------
    input : array, shape (N, C, H, W)
        Of any type that `fastsample.grid_sample` takes.
    homography : array, shape (N, 3, 3)
        As for `fastsample.perspective_sample`.
    size : (int, int)
        The output's height and width; static.
    mode, padding_mode, fill_value, channels_last
        As for `fastsample.perspective_sample`.

    Returns
    -------
    jax.Array, shape (N, C, *size)
        Of the input's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.perspective_sample`, while the call is traced.
    NotImplementedError
        Second derivatives that involve the homography.

    Notes
    -----
    It has first derivatives with respect to both arrays.

    References
    ----------
    `fastsample.perspective_sample`.

    Convention
    ----------
    The output's pixel (x, y) reads the input at (u / w, v / w), where (u, v, w) is
    homography (x, y, 1).

    Examples
    --------
    >>> import jax.numpy as jnp, fastsample.jax as fj
    >>> fj.perspective_sample(jnp.ones((1, 3, 8, 8)), jnp.eye(3)[None], (4, 4)).shape
    (1, 3, 4, 4)
    """
    return call(
        "perspective_sample",
        {"input": input, "homography": homography},
        size=size,
        mode=mode,
        padding_mode=padding_mode,
        fill_value=fill_value,
        channels_last=channels_last,
    )


def point_sample(
    input: Any,
    points: Any,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = False,
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Any:
    """Sample feature maps at points whose coordinates run from 0 to 1.

    Parameters
    ----------
    input : array, shape (N, C, *in)
        Of any type that `fastsample.grid_sample` takes.
    points : array, shape (N, *out, D)
        As for `fastsample.point_sample`.
    mode, padding_mode, align_corners, fill_value, channels_last
        As for `grid_sample`.

    Returns
    -------
    jax.Array, shape (N, C, *out)
        Of the input's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.point_sample`, while the call is traced.

    Notes
    -----
    Derivatives are those of `grid_sample`.

    References
    ----------
    `fastsample.point_sample`.

    Convention
    ----------
    Coordinates are ordered (x, y, z); 0 and 1 are the outer edges of the map.

    Examples
    --------
    >>> import jax.numpy as jnp, fastsample.jax as fj
    >>> fj.point_sample(jnp.ones((1, 3, 8, 8)), jnp.full((1, 5, 2), 0.5)).shape
    (1, 3, 5)
    """
    return call(
        "point_sample",
        {"input": input, "points": points},
        mode=mode,
        padding_mode=padding_mode,
        align_corners=align_corners,
        fill_value=fill_value,
        channels_last=channels_last,
    )


def flow_warp(
    input: Any,
    flow: Any,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
) -> Any:
    """Warp images or feature maps by a flow: displacements in pixels.

    Parameters
    ----------
    input : array, shape (N, C, *in)
        Of any type that `fastsample.grid_sample` takes.
    flow : array, shape (N, D, *in)
        As for `fastsample.flow_warp`.
    mode, padding_mode, fill_value, channels_last
        As for `fastsample.flow_warp`.

    Returns
    -------
    jax.Array, shape (N, C, *in)
        Of the input's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.flow_warp`, while the call is traced.

    Notes
    -----
    Derivatives are those of `grid_sample`.

    References
    ----------
    `fastsample.flow_warp`.

    Convention
    ----------
    The flow is ordered (dx, dy, dz); the result at (y, x) is the input at (y + dy, x + dx).

    Examples
    --------
    >>> import jax.numpy as jnp, fastsample.jax as fj
    >>> fj.flow_warp(jnp.ones((1, 3, 8, 8)), jnp.zeros((1, 2, 8, 8))).shape
    (1, 3, 8, 8)
    """
    return call(
        "flow_warp",
        {"input": input, "flow": flow},
        mode=mode,
        padding_mode=padding_mode,
        fill_value=fill_value,
        channels_last=channels_last,
    )


def deform_conv2d(
    input: Any,
    offset: Any,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] = 0,
    dilation: int | tuple[int, int] = 1,
    mask: Any = None,
) -> Any:
    """Deformable convolution: a kernel whose taps are displaced, each by its own offset.

    Parameters
    ----------
    input : array, shape (N, Cin, H, W)
        As for `fastsample.deform_conv2d`.
    offset : array, shape (N, 2 * G * kh * kw, Ho, Wo)
        How far each tap is displaced, (y, x), in pixels.
    weight : array, shape (Cout, Cin / groups, kh, kw)
        Of the input's type.
    bias : array, shape (Cout,), optional
        Of the input's type.
    stride, padding, dilation
        As for `fastsample.deform_conv2d`; static.
    mask : array, shape (N, G * kh * kw, Ho, Wo), optional
        What each tap's value is multiplied by.

    Returns
    -------
    jax.Array, shape (N, Cout, Ho, Wo)
        Of the input's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.deform_conv2d`, while the call is traced.
    NotImplementedError
        Forward mode along the offset, and second derivatives that involve it.

    Notes
    -----
    It has first derivatives with respect to all five arrays. `vmap` loops.

    References
    ----------
    `fastsample.deform_conv2d`; torchvision 0.28, `torchvision.ops.deform_conv2d`.

    Convention
    ----------
    Offsets are (y, x), where grids and flows are (x, y).

    Examples
    --------
    >>> import jax.numpy as jnp, fastsample.jax as fj
    >>> image, still = jnp.ones((1, 2, 8, 8)), jnp.zeros((1, 18, 6, 6))
    >>> fj.deform_conv2d(image, still, jnp.ones((4, 2, 3, 3))).shape
    (1, 4, 6, 6)
    """
    arrays = {"input": input, "offset": offset, "weight": weight, "bias": bias, "mask": mask}
    return call("deform_conv2d", arrays, stride=stride, padding=padding, dilation=dilation)
