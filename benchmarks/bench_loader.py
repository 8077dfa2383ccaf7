"""What a worker of a loader does: another image each call, mostly on one thread."""

from fastsample._bench import loader

from .suite import by_name, measured


class Loader(measured(by_name(loader.cases()))):
    """Beside OpenCV's calls, and SciPy's field of displacements."""
