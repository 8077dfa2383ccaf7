"""`deform_conv2d`."""

from fastsample._bench import systems

from .suite import by_name, measured


class Deform(measured(by_name(systems.deform_conv2d()))):
    """Beside its matrix product alone."""
