"""Image sampling on CPUs: PyTorch's grid_sample and more for NumPy arrays."""

from .grid import grid_sample

__all__ = ["__version__", "grid_sample"]
__version__ = "0.1.0"
