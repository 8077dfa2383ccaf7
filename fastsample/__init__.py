"""Image sampling on CPUs: PyTorch's grid_sample and more for NumPy arrays."""

from .affine import affine_grid, affine_grid_backward, affine_sample, affine_sample_backward
from .grid import grid_sample, grid_sample_backward
from .vjp import vjp

__all__ = [
    "__version__",
    "affine_grid",
    "affine_grid_backward",
    "affine_sample",
    "affine_sample_backward",
    "grid_sample",
    "grid_sample_backward",
    "vjp",
]
__version__ = "0.1.0"
