"""The gradients of `grid_sample`, `affine_sample` and `affine_grid`."""

from fastsample._bench import grids

from .suite import by_name, measured

GROUPS = "grid_sample_backward", "affine_sample_backward", "affine_grid_backward"


class Backward(measured(by_name(grids.cases(), *GROUPS))):
    """Beside PyTorch's own operators."""
