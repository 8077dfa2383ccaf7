"""Image sampling on CPUs: PyTorch's grid_sample and more for NumPy arrays."""

from . import shifts
from ._affine import (
    affine_grid,
    affine_grid_backward,
    affine_sample,
    affine_sample_backward,
    affine_sample_double_backward,
)
from ._deform import deform_conv2d, deform_conv2d_backward
from ._elastic import elastic_sample, elastic_sample_backward
from ._grid import grid_sample, grid_sample_backward, grid_sample_double_backward
from ._masks import paste_masks
from ._patches import patch_affine, patch_affine_backward
from ._perspective import perspective_sample, perspective_sample_backward
from ._points import point_sample, point_sample_backward, point_sample_double_backward
from ._shift import region_shift, region_shift_backward
from ._transform import transform_points
from ._vjp import vjp
from ._warmup import warmup
from ._warp import flow_warp, flow_warp_backward, flow_warp_double_backward, remap

__all__ = [
    "__version__",
    "affine_grid",
    "affine_grid_backward",
    "affine_sample",
    "affine_sample_backward",
    "affine_sample_double_backward",
    "deform_conv2d",
    "deform_conv2d_backward",
    "elastic_sample",
    "elastic_sample_backward",
    "flow_warp",
    "flow_warp_backward",
    "flow_warp_double_backward",
    "grid_sample",
    "grid_sample_backward",
    "grid_sample_double_backward",
    "paste_masks",
    "patch_affine",
    "patch_affine_backward",
    "perspective_sample",
    "perspective_sample_backward",
    "point_sample",
    "point_sample_backward",
    "point_sample_double_backward",
    "region_shift",
    "region_shift_backward",
    "remap",
    "shifts",
    "transform_points",
    "vjp",
    "warmup",
]
__version__ = "0.1.0"
