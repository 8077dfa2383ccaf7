"""`paste_masks`."""

from fastsample._bench import systems

from .suite import by_name, measured


class Masks(measured(by_name(systems.paste_masks()))):
    """Beside the usual loop over PyTorch's `grid_sample`."""
