"""`affine_sample` and `affine_grid`."""

from fastsample._bench import grids

from .suite import by_name, measured


class Affine(measured(by_name(grids.cases(), "affine_sample", "affine_grid"))):
    """Beside each library's own call for matrices, where it has one."""
