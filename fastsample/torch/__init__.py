"""The functions that sample, on PyTorch's tensors: in autograd, `torch.func`, `torch.compile`.

Tensors are those of the CPU. The functions give the answers of `torch.nn.functional`, where that
has the function, and more borders, modes and axes; `replace` puts them in its place. Their
gradients have gradients, and tangents of forward mode pass through. See `fastsample` for what each
of them computes.
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
    "point_sample",
    "replace",
]
