"""Which kernels the tests visit, and arrays to visit them with.

Each distinct kernel costs a second or two of compilation when the cache is cold, so not every mix
is visited: two axes get all modes with all borders in float32; every mode with every border occurs
once more, in another mix of dtypes or with one axis or three, in turn. With
FASTSAMPLE_EVERY_KERNEL=1 the full cross is run.
"""

import itertools
import os
from typing import NamedTuple

import numpy as np

MODES = ("nearest", "bilinear", "bicubic")
PADDINGS = ("zeros", "border", "reflection", "wrap", "constant")
DTYPES = (np.float32, np.float64)
MIXES = ((np.float32, np.float64), (np.float64, np.float32), (np.float64, np.float64))
FILL = 1.75
TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4}
EVERY = os.environ.get("FASTSAMPLE_EVERY_KERNEL", "0") not in ("", "0")


def fill_of(padding, fill=FILL):
    """A fill value where one is read."""
    return {"fill_value": fill} if padding == "constant" else {}


class Kernel(NamedTuple):
    """What needs machine code of its own."""

    mode: str
    padding: str
    ndim: int
    input: type = np.float32
    grid: type = np.float32

    def __str__(self):
        types = f"{np.dtype(self.input).str[1:]}-{np.dtype(self.grid).str[1:]}"
        return f"{self.mode}-{self.padding}-{self.ndim}d-{types}"

    @property
    def options(self):
        """Keyword arguments of grid_sample."""
        return {"mode": self.mode, "padding_mode": self.padding, **fill_of(self.padding)}

    @property
    def shortest(self):
        """The shortest axis to try: one shorter than a row of taps takes yet another kernel."""
        return 1 if self in SHORT or EVERY else TAPS[self.mode]


def _every_kernel():
    for ndim, (mode, padding) in itertools.product((1, 2, 3), PAIRS):
        for input, grid in itertools.product(DTYPES, DTYPES):
            yield Kernel(mode, padding, ndim, input, grid)


def _some_kernels():
    mixes, other = itertools.cycle(MIXES), itertools.cycle((1, 3))
    for k, (mode, padding) in enumerate(PAIRS):
        yield Kernel(mode, padding, 2)
        if k % 2:
            yield Kernel(mode, padding, 2, *next(mixes))
        else:
            yield Kernel(mode, padding, next(other))
    for ndim in (1, 3):
        yield Kernel("bilinear", "zeros", ndim)
        for k, mode in enumerate(MODES):
            yield Kernel(mode, "border", ndim, *MIXES[(k + ndim // 2) % 3])


PAIRS = tuple(itertools.product(MODES, PADDINGS))
KERNELS = tuple(dict.fromkeys(_every_kernel() if EVERY else _some_kernels()))
FLOAT32 = tuple(k for k in KERNELS if k.input is k.grid is np.float32)
IMAGES = tuple(k for k in FLOAT32 if k.ndim == 2)
SHORT = (*IMAGES, Kernel("bilinear", "zeros", 1), Kernel("bicubic", "border", 3))
"""Which of them also meet axes shorter than a row of taps."""


def noise(seed, shape, dtype):
    """Standard normal numbers; the seed is the test's own."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def image_of(dtype, shape, seed=0):
    """Numbers over all of a type's range, but for int32's, whose products need not be exact."""
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    image = rng.standard_normal(shape)
    return (image + 1j * rng.standard_normal(shape) if dtype.kind == "c" else image).astype(dtype)


def coordinates(seed, shape, dtype, sizes, kind, align_corners=False, spill=1.6):
    """A grid (*shape, D) that spills outside by `spill`; a third of it sits on pixel centres."""
    rng = np.random.default_rng(seed)
    sizes = np.array(sizes[::-1])
    half = sizes / 2
    pixel = half - 0.5 + rng.uniform(-spill, spill, (*shape, sizes.size)) * np.maximum(half, 1)
    pixel = np.where(rng.random(shape)[..., None] < 1 / 3, np.rint(pixel), pixel)
    if kind == "pixel":
        return pixel.astype(dtype)
    if align_corners:
        return (pixel / np.maximum(sizes - 1, 1) * 2 - 1).astype(dtype)
    return ((pixel + 0.5) / sizes * 2 - 1).astype(dtype)


def identity(sizes, dtype):
    """Pixel coordinates of every pixel of an image, (1, *sizes, D), x first."""
    axes = np.meshgrid(*(np.arange(s) for s in sizes), indexing="ij")
    return np.stack(axes[::-1], axis=-1)[None].astype(dtype)
