"""`patch_affine`."""

from fastsample._bench import systems

from .suite import by_name, measured


class Patches(measured(by_name(systems.patch_affine()))):
    """Beside a loop over PyTorch's `grid_sample`."""
