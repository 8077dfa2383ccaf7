"""Which kernels a run visits: each takes seconds to compile, so a pool is a short list."""

from typing import NamedTuple


class Kernel(NamedTuple):
    """What needs machine code of its own; `channels` are those of images with channels last."""

    mode: str
    padding: str
    ndim: int
    image: str
    points: str
    channels: int = 0


class Pool(NamedTuple):
    """The kernels of a run, by where coordinates come from and by direction.

    Where it is `tight`, images keep the layout that their kernel is for: planes, or whole pixels if
    it has channels.
    """

    grid: tuple[Kernel, ...]
    matrix: tuple[Kernel, ...]
    steps: tuple[Kernel, ...]
    grid_back: tuple[Kernel, ...]
    matrix_back: tuple[Kernel, ...] = ()
    steps_back: tuple[Kernel, ...] = ()
    matrices: tuple[str, ...] = ("f4", "f8", "f2")
    tight: bool = False


FULL = Pool(
    grid=(
        Kernel("bilinear", "zeros", 2, "f4", "f4", 3),
        Kernel("bilinear", "constant", 2, "u1", "f4", 3),
        Kernel("bilinear", "border", 2, "f2", "f2", 3),
        Kernel("bilinear", "reflection", 2, "i4", "f8", 5),
        Kernel("bilinear", "wrap", 3, "f4", "f8", 2),
        Kernel("bilinear", "zeros", 3, "c16", "f4", 2),
        Kernel("bilinear", "reflection", 1, "c8", "f8", 2),
        Kernel("nearest", "border", 1, "f8", "f8", 2),
        Kernel("nearest", "constant", 3, "u1", "f4", 3),
        Kernel("nearest", "wrap", 2, "u2", "f2", 4),
        Kernel("nearest", "constant", 2, "i8", "f4", 3),
        Kernel("nearest", "zeros", 2, "b1", "f4", 2),
        Kernel("nearest", "reflection", 2, "u4", "f8", 17),
        Kernel("bicubic", "reflection", 2, "f4", "f4", 4),
        Kernel("bicubic", "constant", 1, "i2", "f4", 2),
        Kernel("bicubic", "border", 3, "f8", "f8", 2),
        Kernel("bicubic", "zeros", 2, "i1", "f4", 3),
        Kernel("bilinear", "mirror", 2, "f4", "f4", 3),
        Kernel("bicubic", "mirror", 1, "f4", "f4", 2),
        Kernel("nearest", "mirror", 2, "u1", "f4", 3),
        Kernel("bilinear", "constant", 2, "bfloat16", "f4", 3),
        Kernel("bicubic", "reflection", 2, "bfloat16", "f4", 3),
        Kernel("nearest", "constant", 2, "bfloat16", "f4", 3),
    ),
    matrix=(
        Kernel("bilinear", "zeros", 2, "f4", "f4", 3),
        Kernel("bilinear", "border", 2, "u1", "f4", 3),
        Kernel("bilinear", "constant", 1, "f2", "f8", 2),
        Kernel("bilinear", "wrap", 2, "c8", "f2", 2),
        Kernel("nearest", "reflection", 3, "f4", "f4", 2),
        Kernel("nearest", "border", 2, "u8", "f4", 3),
        Kernel("bicubic", "wrap", 2, "f8", "f8", 2),
        Kernel("bilinear", "zeros", 2, "bfloat16", "f4", 3),
    ),
    steps=(
        Kernel("bilinear", "zeros", 2, "f4", "f4", 3),
        Kernel("bilinear", "zeros", 2, "f8", "f4", 2),
        Kernel("bilinear", "border", 2, "f8", "f8", 2),
        Kernel("nearest", "constant", 1, "i4", "f4", 3),
        Kernel("bicubic", "reflection", 3, "f2", "f4", 2),
        Kernel("bilinear", "mirror", 2, "u1", "f4", 3),
        Kernel("bicubic", "mirror", 1, "f8", "f8", 2),
        Kernel("bilinear", "border", 2, "bfloat16", "f4", 3),
    ),
    grid_back=(
        Kernel("bilinear", "zeros", 2, "f4", "f4", 3),
        Kernel("bicubic", "reflection", 1, "c16", "f2", 2),
        Kernel("bilinear", "mirror", 2, "f4", "f4", 3),
    ),
    matrix_back=(Kernel("bilinear", "border", 2, "f4", "f4", 3),),
    steps_back=(
        Kernel("bilinear", "zeros", 2, "f8", "f8", 2),
        Kernel("bilinear", "mirror", 2, "f4", "f4", 2),
    ),
)
SMALL = Pool(
    grid=(
        Kernel("bilinear", "zeros", 2, "f4", "f4"),
        Kernel("bilinear", "constant", 2, "u1", "f4", 3),
        Kernel("nearest", "reflection", 1, "f8", "f8"),
        Kernel("bicubic", "border", 1, "i2", "f4"),
    ),
    matrix=(Kernel("bilinear", "border", 2, "f4", "f4"),),
    steps=(Kernel("bilinear", "zeros", 2, "f4", "f4"),),
    grid_back=(Kernel("bilinear", "zeros", 2, "f4", "f4"),),
    matrices=("f4",),
    tight=True,
)
POOLS = {"full": FULL, "small": SMALL}
