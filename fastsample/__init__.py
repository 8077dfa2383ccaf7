"""Image sampling on CPUs: PyTorch's grid_sample and more for NumPy arrays."""

from . import shifts
from .affine import (
    affine_grid,
    affine_grid_backward,
    affine_sample,
    affine_sample_backward,
    affine_sample_double_backward,
)
from .deform import deform_conv2d, deform_conv2d_backward
from .grid import grid_sample, grid_sample_backward, grid_sample_double_backward
from .masks import paste_masks
from .patches import patch_affine, patch_affine_backward
from .points import point_sample, point_sample_backward, point_sample_double_backward
from .shift import region_shift, region_shift_backward
from .vjp import vjp
from .warmup import warmup
from .warp import flow_warp, flow_warp_backward, flow_warp_double_backward, remap

__all__ = [
    "__version__",
    "affine_grid",
    "affine_grid_backward",
    "affine_sample",
    "affine_sample_backward",
    "affine_sample_double_backward",
    "deform_conv2d",
    "deform_conv2d_backward",
    "flow_warp",
    "flow_warp_backward",
    "flow_warp_double_backward",
    "grid_sample",
    "grid_sample_backward",
    "grid_sample_double_backward",
    "paste_masks",
    "patch_affine",
    "patch_affine_backward",
    "point_sample",
    "point_sample_backward",
    "point_sample_double_backward",
    "region_shift",
    "region_shift_backward",
    "remap",
    "shifts",
    "vjp",
    "warmup",
]
__version__ = "0.1.0"
