"""What makes an operator of a function: one table, from which all else is made.

A function whose backward and double backward are in the library takes one more row.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._affine import (
    affine_grid,
    affine_grid_backward,
    affine_sample,
    affine_sample_backward,
    affine_sample_double_backward,
)
from .._deform import deform_conv2d, deform_conv2d_backward
from .._grid import grid_sample, grid_sample_backward, grid_sample_double_backward
from .._perspective import perspective_sample, perspective_sample_backward
from .._points import point_sample, point_sample_backward, point_sample_double_backward
from .._warp import flow_warp, flow_warp_backward, flow_warp_double_backward

Arrays = list[Any]
Options = dict[str, Any]


class Family(NamedTuple):
    """A function, its gradients and theirs, on arrays in their order and options by name."""

    name: str
    tensors: tuple[str, ...]  # those that have a gradient; a name that ends in "?" may be None
    options: tuple[tuple[str, str], ...]  # their names and types, as a schema has them
    shape: Callable[..., Any]  # of the result, from tensors and options, in their order
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    double_backward: Callable[..., Any] | None = None
    coordinate: int | None = None  # which tensor tells where to read: bfloat16 does not do there
    is_linear: bool = False  # in its one tensor: it is its own double backward
    has_batch: bool = True  # all tensors begin with N, or with 1 that all samples share
    # change arrays before any call, and say whether their numbers were asked
    prepare: Callable[[Arrays, Options], bool] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The tensors' plain names."""
        return tuple(name.rstrip("?") for name in self.tensors)


def of_points(input: Any, points: Any, *options: Any) -> Any:
    """(N, C, *out) for points (N, *out, D)."""
    return _result(input, points.shape[0], points.shape[1:-1], options[-1])


def of_size(input: Any, theta: Any, size: Any, *options: Any) -> Any:
    """(N, C, *size) for matrices."""
    return _result(input, theta.shape[0], size, options[-1])


def of_flow(input: Any, flow: Any, *options: Any) -> Any:
    """(N, C, *in) for a flow."""
    sizes = flow.shape[1:-1] if options[-1] else flow.shape[2:]
    return _result(input, flow.shape[0], sizes, options[-1])


def _result(input: Any, batch: Any, sizes: Any, last: bool) -> Any:
    """A result's shape, its channels last or second."""
    n = batch if input.shape[0] == 1 else input.shape[0]
    return (n, *sizes, input.shape[-1]) if last else (n, input.shape[1], *sizes)


def of_grid(theta: Any, size: Any, align_corners: bool) -> Any:
    """(N, *out, D)."""
    return (theta.shape[0], *size, len(size))


def of_convolution(
    input: Any, offset: Any, weight: Any, bias: Any, mask: Any, *options: Any
) -> Any:
    """(N, Cout, Ho, Wo)."""
    return (input.shape[0], weight.shape[0], *offset.shape[2:])


def nan_as_pytorch(arrays: Arrays, options: Options) -> bool:
    """Let a coordinate that is NaN read what PyTorch's kernels read for it.

    With "border" and "reflection" that is the first pixel along its axis, in volumes the last one,
    but for "bicubic". With "zeros" it is nothing under "nearest" and in volumes, NaN elsewhere, as
    here.
    """
    mode, rule = options["mode"], options["padding_mode"]
    if mode == "bicubic" or options["coordinates"] != "normalized":
        return False
    image, grid = arrays[-2:]
    if rule in ("border", "reflection"):
        places = _outer_pixels(image.shape, options)
    elif rule in ("zeros", "constant") and (mode == "nearest" or grid.shape[-1] == 3):
        places = [-np.inf] * grid.shape[-1]
    else:
        return False
    values = np.asarray(grid)
    if values.size and np.isnan(values.min()) and values.shape[-1] == len(places):
        found = np.where(np.isnan(values), np.array(places, values.dtype), values)
        arrays[-1] = found if grid is values else grid.new_tensor(found)
    return True


def _outer_pixels(shape: Any, options: Options) -> list[float]:
    """Where the first pixel's centre lies along each axis, x first; the last one's in a volume."""
    sizes = shape[1:-1] if options["channels_last"] else shape[2:]
    side = 1.0 if len(sizes) == 3 else -1.0
    return [side if options["align_corners"] else side - side / max(n, 1) for n in sizes[::-1]]


def grid_of(theta: Any, size: Any, align_corners: bool) -> Any:
    """`affine_grid` of plain sizes."""
    return affine_grid(theta, (len(theta), 1, *size), align_corners)


def theta_of(
    grad_output: Any, theta: Any, size: Any, align_corners: bool, output_mask: Any
) -> tuple[Any]:
    """The gradient of theta, which does not depend on theta."""
    return (affine_grid_backward(grad_output, (len(theta), 1, *size), align_corners),)


def convolved(input: Any, offset: Any, weight: Any, bias: Any, mask: Any, **options: Any) -> Any:
    """`deform_conv2d` with its mask among the arrays."""
    return deform_conv2d(input, offset, weight, bias, mask=mask, **options)


def convolved_back(gradient: Any, *arrays: Any, **options: Any) -> Any:
    """Its gradients."""
    *given, mask = arrays
    return deform_conv2d_backward(gradient, *given, mask=mask, **options)


RULES = ("mode", "str"), ("padding_mode", "str")
ALIGN = ("align_corners", "bool")
LAST = ("fill_value", "float[]"), ("channels_last", "bool")

FAMILIES = {
    family.name: family
    for family in (
        Family(
            "grid_sample",
            ("input", "grid"),
            (*RULES, ALIGN, ("coordinates", "str"), *LAST),
            of_points,
            grid_sample,
            grid_sample_backward,
            grid_sample_double_backward,
            1,
            prepare=nan_as_pytorch,
        ),
        Family(
            "affine_grid",
            ("theta",),
            (("size", "SymInt[]"), ALIGN),
            of_grid,
            grid_of,
            theta_of,
            is_linear=True,
        ),
        Family(
            "affine_sample",
            ("input", "theta"),
            (("size", "SymInt[]"), *RULES, ALIGN, *LAST),
            of_size,
            affine_sample,
            affine_sample_backward,
            affine_sample_double_backward,
            1,
        ),
        Family(
            "perspective_sample",
            ("input", "homography"),
            (("size", "SymInt[]"), *RULES, *LAST),
            of_size,
            perspective_sample,
            perspective_sample_backward,
            coordinate=1,
        ),
        Family(
            "point_sample",
            ("input", "points"),
            (*RULES, ALIGN, *LAST),
            of_points,
            point_sample,
            point_sample_backward,
            point_sample_double_backward,
            1,
        ),
        Family(
            "flow_warp",
            ("input", "flow"),
            (*RULES, *LAST),
            of_flow,
            flow_warp,
            flow_warp_backward,
            flow_warp_double_backward,
            1,
        ),
        Family(
            "deform_conv2d",
            ("input", "offset", "weight", "bias?", "mask?"),
            (("stride", "int[]"), ("padding", "int[]"), ("dilation", "int[]")),
            of_convolution,
            convolved,
            convolved_back,
            has_batch=False,
        ),
    )
}
