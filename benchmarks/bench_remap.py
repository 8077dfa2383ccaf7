"""`remap`."""

from fastsample._bench import systems

from .suite import by_name, measured


class Remap(measured(by_name(systems.remap()))):
    """OpenCV's own call, on several types; SciPy and scikit-image where they do the same."""
