"""Calls of vjp, of any function that has a gradient."""

import numpy as np

from ..case import Vjp
from ..memory import array_of
from .affine import make_affine_grid, make_affine_sample
from .deform import layer_kernels, make_deform_conv2d
from .grid import make_grid_sample
from .patches import make_patch_affine
from .points import make_point_sample, unit_kernels
from .shift import make_region_shift
from .warp import make_flow_warp


def make_vjp(d):
    """Of a function that has kernels to go back through."""
    makes = [
        *((make_grid_sample, k) for k in d.pool.grid_back),
        *((make_point_sample, k) for k in unit_kernels(d.pool.grid_back)),
        *((make_flow_warp, k) for k in d.pool.steps_back),
        *((make_affine_sample, k) for k in d.pool.matrix_back),
        *((make_region_shift, k) for k in d.pool.matrix_back),
        *((make_patch_affine, k) for k in d.pool.matrix_back),
        *((make_deform_conv2d, k) for k in layer_kernels(d, d.pool.steps_back)),
        (make_affine_grid, None),
    ]
    make, kernel = d.one(makes)
    while True:
        case = make(d, kernel, tame=True)
        if array_of(next(iter(case.arguments.values()))).dtype != np.float16:
            break  # a float16 theta makes a float32 grid
    case.arguments.pop("out", None)
    return Vjp(case)
