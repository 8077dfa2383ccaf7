"""`region_shift`."""

from fastsample._bench import systems

from .suite import by_name, measured


class Shift(measured(by_name(systems.region_shift()))):
    """Whole pixels beside slices, fractions beside SciPy."""
