"""ONNX's sampling operators on these kernels, for its reference evaluator.

`onnx.reference.ReferenceEvaluator` runs a model in Python; each operator is a class. `ops` returns
the classes for GridSample, AffineGrid and DeformConv::

    ReferenceEvaluator(model, new_ops=fastsample.onnx.ops())
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from onnx.reference.op_run import OpRun
except ImportError as error:
    raise ImportError(
        "fastsample.onnx needs onnx, which is not installed: pip install 'onnx>=1.17'"
    ) from error

from ._affine import affine_grid
from ._deform import deform_conv2d
from ._grid import grid_sample

__all__ = ["ops"]
_MODES = {"linear": "bilinear", "cubic": "bicubic"}  # what opset 20 calls them


def ops() -> list[type]:
    """List the operators for a `ReferenceEvaluator`.

    Returns
    -------
    list of classes
        GridSample (opsets 16 to 22, signals, images and volumes, all modes and borders), AffineGrid
        (20) and DeformConv (19 to 22, images).

    Raises
    ------
    ValueError, TypeError
        When a model runs: as `fastsample.grid_sample`, `affine_grid` and `deform_conv2d`. The
        evaluator wraps a TypeError in one of its own.

    Notes
    -----
    Results are PyTorch's. The evaluator's own GridSample differs in two cases: with a cubic kernel
    and "border" or "reflection" it applies the border to the coordinate, PyTorch to each of the
    four taps; and with "nearest" it rounds before it mirrors.

    float16 and bfloat16 images are computed in float32.

    References
    ----------
    ONNX operators GridSample-22, AffineGrid-20 and DeformConv-22.

    Convention
    ----------
    Coordinates are ordered (x, y, z), normalized, as in ONNX and PyTorch.

    Examples
    --------
    >>> import fastsample.onnx
    >>> [operator.__name__ for operator in fastsample.onnx.ops()]
    ['GridSample', 'AffineGrid', 'DeformConv']
    """
    return [GridSample, AffineGrid, DeformConv]


class GridSample(OpRun):
    """GridSample: `fastsample.grid_sample`."""

    def _run(self, X, grid, mode=None, padding_mode=None, align_corners=None):
        mode = _MODES.get(mode, mode)
        return (grid_sample(X, _coordinates(grid), mode, padding_mode, bool(align_corners)),)


class AffineGrid(OpRun):
    """AffineGrid: `fastsample.affine_grid`."""

    def _run(self, theta, size, align_corners=None):
        made = affine_grid(_coordinates(theta), tuple(size.tolist()), bool(align_corners))
        return (made.astype(theta.dtype, copy=False),)


class DeformConv(OpRun):
    """DeformConv: `fastsample.deform_conv2d`."""

    def _run(
        self,
        X,
        W,
        offset,
        B=None,
        mask=None,
        dilations=None,
        group=None,
        kernel_shape=None,
        offset_group=None,
        pads=None,
        strides=None,
    ):
        padding = 0
        if pads is not None:  # both beginnings, then both ends
            top, left, bottom, right = pads
            padding = (top, bottom), (left, right)
        arrays = (None if x is None else _computable(x) for x in (X, offset, W, B))
        result = deform_conv2d(
            *arrays,
            strides or 1,
            padding,
            dilations or 1,
            None if mask is None else _computable(mask),
        )
        return (result.astype(X.dtype, copy=False),)


def _coordinates(x: NDArray[Any]) -> NDArray[Any]:
    """bfloat16 as float32; what else there may be as it is."""
    return x.astype(np.float32) if x.dtype.name == "bfloat16" else x


def _computable(x: NDArray[Any]) -> NDArray[Any]:
    """Floats of 16 bits as float32."""
    return x.astype(np.float32) if x.dtype.name in ("float16", "bfloat16") else x
