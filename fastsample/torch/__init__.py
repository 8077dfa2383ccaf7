"""The functions that sample, on PyTorch's tensors: in autograd, `torch.func`, `torch.compile`.

Tensors must be on the CPU. Where `torch.nn.functional` has a function, results are the same, with
more borders, modes and axes; `replace` puts these functions in the place of PyTorch's. First and
second derivatives work in reverse and in forward mode. See `fastsample` for what each function
computes.
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError(
        "fastsample.torch needs PyTorch: install it, or fastsample[torch], which asks for it"
    ) from error

from ._functions import (
    affine_grid,
    affine_sample,
    deform_conv2d,
    flow_warp,
    grid_sample,
    perspective_sample,
    point_sample,
)
from ._replace import replace
from ._threads import share_threads as _share_threads

_share_threads()

__all__ = [
    "affine_grid",
    "affine_sample",
    "deform_conv2d",
    "flow_warp",
    "grid_sample",
    "perspective_sample",
    "point_sample",
    "replace",
]
