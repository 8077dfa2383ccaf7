"""A user's program: every function with arrays and with tensors, for a strict type checker.

`mypy --strict` reads it; nobody runs it. `assert_type` says what a user may rely on.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import assert_type

import fastsample as fs
import fastsample.torch as ft
from fastsample import ndimage

Array = NDArray[np.float32]
Grads = tuple[Array | None, Array | None]
Second = tuple[Array | None, Array | None, Array | None]
Tensors = tuple[Tensor | None, Tensor | None, Tensor | None]


def with_arrays(x: Array, grid: Array, theta: Array, flow: Array, table: NDArray[np.int64]) -> None:
    """NumPy's in, NumPy's out."""
    assert_type(fs.grid_sample(x, grid, "bicubic", "border", out=np.empty_like(x)), Array)
    assert_type(
        fs.grid_sample(input=x, grid=grid, coordinates="pixel", fill_value=(1, 2, 3)), Array
    )
    assert_type(fs.grid_sample([[[1.0, 2.0]]], grid), NDArray[Any])
    assert_type(fs.grid_sample_backward(x, x, grid, output_mask=(True, False)), Grads)
    assert_type(fs.affine_grid(theta, [1, 3, 4, 4]), Array)
    assert_type(fs.affine_grid_backward(grid, (1, 3, 4, 4)), Array)
    assert_type(fs.affine_sample(x, theta, np.array([4, 4]), align_corners=None), Array)
    assert_type(fs.affine_sample([x, x], theta, (4, 4)), NDArray[Any])
    assert_type(fs.affine_sample_backward(x, x, theta, (4, 4)), Grads)
    assert_type(fs.perspective_sample(x, theta, (4, 4), padding_mode="mirror"), Array)
    assert_type(fs.perspective_sample_backward(x, x, theta, (4, 4)), Grads)
    assert_type(fs.elastic_sample(x, flow, (4, 4), theta, order=1), Array)
    assert_type(fs.elastic_sample_backward(x, x, flow, (4, 4))[2], Array | None)
    assert_type(fs.transform_points(grid, (flow, None), (4, 4)), Array)
    assert_type(fs.point_sample(x, grid, "nearest"), Array)
    assert_type(fs.point_sample_backward(x, x, grid), Grads)
    assert_type(fs.flow_warp(x, flow, channels_last=True), Array)
    assert_type(fs.flow_warp_backward(x, x, flow), Grads)
    assert_type(fs.remap(x, grid, grid), Array)
    assert_type(fs.region_shift(x, table, "wrap"), Array)
    assert_type(fs.region_shift_backward(x, x, table), Grads)
    assert_type(fs.paste_masks(x, grid, (9, 9), None), NDArray[Any])
    assert_type(fs.patch_affine(x, theta, table, [0]), Array)
    assert_type(fs.patch_affine_backward(x, x, theta, table, [0]), Grads)
    assert_type(fs.deform_conv2d(x, flow, x, stride=[1, 1], padding=((1, 0), (0, 1))), Array)
    assert_type(fs.deform_conv2d_backward(x, x, flow, x)[1], Array | None)
    assert_type(fs.grid_sample_double_backward(x, grid, x, x, grid), Second)
    assert_type(fs.affine_sample_double_backward(x, theta, x, x, theta, (4, 4)), Second)
    assert_type(fs.point_sample_double_backward(x, grid, x, input=x, points=grid), Second)
    assert_type(fs.flow_warp_double_backward(x, flow, x, x, flow, "bicubic"), Second)
    assert_type(fs.shifts.s2_mlp(96), NDArray[np.int64])
    assert_type(fs.warmup(), int)
    assert_type(ndimage.map_coordinates(x, grid, np.float64), NDArray[Any])
    assert_type(ndimage.affine_transform([[1.0, 2.0]], theta[0]), NDArray[Any])


def with_tensors(x: Tensor, grid: Tensor, theta: Tensor, flow: Tensor, table: Tensor) -> Tensor:
    """Tensors in, tensors out."""
    assert_type(fs.affine_grid(theta, (1, 3, 4, 4)), Tensor)
    assert_type(fs.affine_sample(x, theta, [4, 4]).relu(), Tensor)
    assert_type(fs.perspective_sample(x, theta, (4, 4)), Tensor)
    assert_type(fs.elastic_sample(x, flow, (4, 4)), Tensor)
    assert_type(fs.transform_points(grid, theta, (4, 4)), Tensor)
    assert_type(fs.point_sample(x, grid), Tensor)
    assert_type(fs.flow_warp(x, flow), Tensor)
    assert_type(fs.remap(x, grid), Tensor)
    assert_type(fs.region_shift(x, table), Tensor)
    assert_type(fs.paste_masks(x, grid, (9, 9)), Tensor)
    assert_type(fs.patch_affine(x, theta, table, table), Tensor)
    assert_type(fs.deform_conv2d(x, flow, x), Tensor)
    assert_type(fs.grid_sample_double_backward(x, None, x, x, grid, "bicubic"), Tensors)
    assert_type(fs.affine_sample_double_backward(x, theta, x, x, theta, (4, 4)), Tensors)
    assert_type(fs.point_sample_double_backward(x, grid, x, x, grid), Tensors)
    assert_type(fs.flow_warp_double_backward(x, flow, x, x, flow), Tensors)
    either = fs.grid_sample_double_backward(None, grid, x, x, grid)[0]
    assert_type(either, Any | None)
    assert_type(ft.perspective_sample(x, theta, (4, 4), padding_mode="mirror"), Tensor)
    assert_type(ft.grid_sample(x, grid, "bicubic", padding_mode="mirror"), Tensor)
    assert_type(ndimage.zoom(x, 2, order=1), Tensor)
    assert_type(ndimage.rotate(x, 30), Tensor)
    assert_type(ndimage.spline_filter(x), Tensor)
    assert_type(ndimage.shift(x, [1.0, 2.0, 0.5, 0.5]), Tensor)
    one, back = fs.vjp(fs.affine_grid, theta, (1, 3, 4, 4))
    assert_type(back(one), tuple[Any, ...])
    result, pullback = fs.vjp(fs.grid_sample, x, grid, mode="bilinear")
    assert_type(result, Tensor)
    assert_type(pullback(result), tuple[Any, ...])
    return fs.grid_sample(x, grid, out=torch.empty(1, 3, 4, 4)).relu()


def mistakes(x: Array, grid: Array) -> None:
    """What a checker has to find."""
    fs.grid_sample(x, grid, "linear")  # type: ignore[call-overload]
    fs.grid_sample(x, grid, padding_mode="reflect")  # type: ignore[call-overload]
    fs.point_sample(x, grid, padding_mode="mirror")  # type: ignore[call-overload]
    fs.grid_sample(x, grid, coordinates="pixels")  # type: ignore[call-overload]
    fs.grid_sample_backward("x", order=3)  # type: ignore[call-overload]
    ft.grid_sample(torch.ones(1), torch.ones(1), "linear")  # type: ignore[arg-type]
    fs.grid_sample(torch.ones(1), torch.ones(1)).relo()  # type: ignore[attr-defined]
    fs.grid_sample_double_backward(x, None, x, x, grid, order=3)  # type: ignore[call-overload]
    fs.warmup("all")  # type: ignore[arg-type]
