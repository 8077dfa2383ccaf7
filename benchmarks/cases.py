"""What is measured: one row a case, and the grids they sample on."""

from dataclasses import dataclass, field

import numpy as np

TORCH, CV2, SCIPY = "torch", "cv2", "scipy"


@dataclass(frozen=True)
class Case:
    """A shape (N, C, *in), how it is sampled, and how many times faster than whom it should be."""

    name: str
    shape: tuple[int, ...]
    mode: str = "bilinear"
    padding: str = "zeros"
    targets: dict[str, float] = field(default_factory=dict)


PHOTO = (1, 3, 1080, 1920)

CASES = (
    Case("photo 1x3x1080x1920", PHOTO, targets={TORCH: 3.5, CV2: 2.2, SCIPY: 30}),
    Case("batch 8x3x256x256", (8, 3, 256, 256), targets={TORCH: 2}),
    Case("features 1x64x128x128", (1, 64, 128, 128), targets={TORCH: 4}),
    Case("features 16x256x32x32", (16, 256, 32, 32), targets={TORCH: 3}),
    Case("plane 1x1x1024x1024", (1, 1, 1024, 1024), targets={TORCH: 3}),
    Case("photo border", PHOTO, padding="border", targets={TORCH: 2}),
    Case("photo reflection", PHOTO, padding="reflection", targets={TORCH: 2}),
    Case("photo nearest", PHOTO, mode="nearest", targets={TORCH: 5, CV2: 1.2}),
    Case("photo bicubic", PHOTO, mode="bicubic", targets={TORCH: 5, CV2: 1.3}),
    Case("volume 1x1x128x128x128", (1, 1, 128, 128, 128), targets={TORCH: 8}),
)
BY_NAME = {case.name: case for case in CASES}


def make_input(case):
    """Reproducible noise, float32."""
    return np.random.default_rng(0).standard_normal(case.shape, dtype=np.float32)


def make_grid(case, degrees=6.0):
    """A rotation with a ripple in normalised coordinates, one grid a batch: (N, *out, D) float32.

    (x, y) -> R(degrees) (x, y) + (0.02 sin 5y, 0.02 cos 4x); a volume keeps its z.
    """
    n, _, *sizes = case.shape
    *z, y, x = np.meshgrid(*(_centres(size) for size in sizes), indexing="ij")
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    gx = cos * x - sin * y + 0.02 * np.sin(5 * y)
    gy = sin * x + cos * y + 0.02 * np.cos(4 * x)
    grid = np.stack([gx, gy, *z], axis=-1).astype(np.float32)
    return np.repeat(grid[None], n, axis=0)


def _centres(size):
    """Normalised places of the pixels of an axis, `align_corners=False`."""
    return (2 * np.arange(size) + 1) / size - 1


def to_pixels(grid, sizes):
    """The same places in pixels, float32; x runs along the last of `sizes`."""
    half = np.asarray(sizes[::-1], np.float64) / 2
    return ((grid + 1.0) * half - 0.5).astype(np.float32)
