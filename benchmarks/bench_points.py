"""`point_sample`."""

from fastsample._bench import systems

from .suite import by_name, measured


class Points(measured(by_name(systems.point_sample()))):
    """Beside `grid_sample` in PyTorch and `map_coordinates` in SciPy."""
