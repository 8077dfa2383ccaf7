"""Types and layouts of `grid_sample`."""

from functools import partial

from fastsample._bench import systems
from fastsample._bench.case import OURS, TORCH, Case

from .suite import by_name, measured

SHAPE = (8, 3, 256, 256)
TYPES = "float16", "float32", "float64", "complex64", "uint8", "int16", "uint16", "int32"


def of_type(dtype):
    """The same images in one type; PyTorch wants the grid in the type of the images."""

    def alike():
        x, grid = systems.picture_and_grid(SHAPE, dtype)
        return x, grid.astype(dtype)

    make = partial(systems.picture_and_grid, SHAPE, dtype)
    calls = {OURS: partial(systems.ours, "grid_sample", make)}
    if dtype.startswith("float"):
        calls[TORCH] = partial(systems.on_torch, systems.sampled, alike)
    return Case(dtype, "types", calls)


class Types(measured({dtype: of_type(dtype) for dtype in TYPES}, "type")):
    """Images 8x3x256x256, grids in float32."""


class Uint8(measured(by_name(systems.planes()))):
    """Beside the same images in float32."""


class ChannelsLast(measured(by_name(systems.channels_last()))):
    """Beside PyTorch's tensors in the memory format of that name."""
