"""What is measured: one row a case, and the arrays that its function takes."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

TORCH, CV2, SCIPY = "torch", "cv2", "scipy"
QUICK = (TORCH, CV2)
EVERY = (*QUICK, SCIPY)


@dataclass(frozen=True)
class Case:
    """A function and its input (N, C, *in), and how many times faster than whom it should be.

    Results have the input's spatial sizes.
    """

    name: str
    shape: tuple[int, ...]
    mode: str = "bilinear"
    padding: str = "zeros"
    targets: dict[str, float] = field(default_factory=dict)
    function: str = "grid_sample"
    output_mask: tuple[bool, bool] = (True, True)  # of a backward with two gradients
    others: tuple[str, ...] = QUICK  # the libraries that race, those of them that can


backward = partial(Case, function="grid_sample_backward")
affine_sample = partial(Case, function="affine_sample", others=EVERY)
affine_sample_backward = partial(Case, function="affine_sample_backward")
PHOTO = (1, 3, 1080, 1920)
VOLUME = (1, 1, 128, 128, 128)
IMAGES = (8, 3, 224, 224)
GRIDS = (16, 1, 256, 256)

CASES = (
    Case("photo 1x3x1080x1920", PHOTO, targets={TORCH: 3.5, CV2: 2.2, SCIPY: 30}, others=EVERY),
    Case("batch 8x3x256x256", (8, 3, 256, 256), targets={TORCH: 2}),
    Case("features 1x64x128x128", (1, 64, 128, 128), targets={TORCH: 4}),
    Case("features 16x256x32x32", (16, 256, 32, 32), targets={TORCH: 3}),
    Case("plane 1x1x1024x1024", (1, 1, 1024, 1024), targets={TORCH: 3}),
    Case("photo border", PHOTO, padding="border", targets={TORCH: 2}),
    Case("photo reflection", PHOTO, padding="reflection", targets={TORCH: 2}),
    Case("photo nearest", PHOTO, mode="nearest", targets={TORCH: 5, CV2: 1.2}),
    Case("photo bicubic", PHOTO, mode="bicubic", targets={TORCH: 5, CV2: 1.3}),
    Case("volume 1x1x128x128x128", VOLUME, targets={TORCH: 8}),
    backward("backward photo 1x3x1080x1920", PHOTO, targets={TORCH: 3}),
    backward("backward photo, grid alone", PHOTO, output_mask=(False, True)),
    backward("backward photo, input alone", PHOTO, output_mask=(True, False)),
    backward("backward batch 8x3x256x256", (8, 3, 256, 256), targets={TORCH: 2}),
    backward("backward features 1x64x128x128", (1, 64, 128, 128), targets={TORCH: 4}),
    backward("backward features 16x256x32x32", (16, 256, 32, 32), targets={TORCH: 3.5}),
    backward("backward bicubic 1x3x512x512", (1, 3, 512, 512), "bicubic", targets={TORCH: 4}),
    backward("backward volume 1x1x96x96x96", (1, 1, 96, 96, 96), targets={TORCH: 4}),
    affine_sample("affine_sample 8x3x224x224", IMAGES, targets={TORCH: 2.5}),
    affine_sample("affine_sample 1x1x128x128x128", VOLUME, targets={TORCH: 8}),
    affine_sample_backward("affine_sample backward 8x3x224x224", IMAGES),
    affine_sample_backward("affine_sample backward 1x1x128x128x128", VOLUME),
    Case("affine_grid 16x256x256", GRIDS, targets={TORCH: 2}, function="affine_grid"),
    Case("affine_grid backward 16x256x256", GRIDS, function="affine_grid_backward"),
)
BY_NAME = {case.name: case for case in CASES}


def names(*functions):
    """The names of the cases of these functions."""
    return [case.name for case in CASES if case.function in functions]


def make_input(case):
    """Reproducible noise, float32."""
    return _noise(0, case.shape)


def make_gradient(case):
    """Of the result, whose shape is the input's."""
    return _noise(1, case.shape)


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


def make_grid_gradient(case):
    """Noise of the grid's shape."""
    n, _, *sizes = case.shape
    return _noise(2, (n, *sizes, len(sizes)))


def make_theta(case, degrees=6.0):
    """The rotation and a shift by 0.03: (N, D, D + 1) float32; a volume keeps its z otherwise."""
    axes = len(case.shape) - 2
    theta = np.eye(axes, axes + 1)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    theta[:2, :2] = [[cos, -sin], [sin, cos]]
    theta[:, -1] = 0.03
    return np.repeat(theta[None].astype(np.float32), case.shape[0], axis=0)


ARRAYS = {
    "grid_sample": (make_input, make_grid),
    "grid_sample_backward": (make_gradient, make_input, make_grid),
    "affine_sample": (make_input, make_theta),
    "affine_sample_backward": (make_gradient, make_input, make_theta),
    "affine_grid": (make_theta,),
    "affine_grid_backward": (make_grid_gradient,),
}


def make_arrays(case):
    """The arrays that a case's function takes, in its order."""
    return [make(case) for make in ARRAYS[case.function]]


def to_pixels(grid, sizes):
    """The same places in pixels, float32; x runs along the last of `sizes`."""
    half = np.asarray(sizes[::-1], np.float64) / 2
    return ((grid + 1.0) * half - 0.5).astype(np.float32)


def to_pixel_maps(theta, sizes):
    """The same maps (N, D, D + 1), of an output of the input's sizes, from pixels to pixels."""
    half = np.asarray(sizes[::-1], np.float64) / 2
    linear = theta[..., :-1] * half[:, None] / half
    centre = half - 0.5  # which the map without a shift keeps
    shift = theta[..., -1] * half + centre - linear @ centre
    return np.concatenate([linear, shift[..., None]], axis=-1)


def _centres(size):
    """Normalised places of the pixels of an axis, `align_corners=False`."""
    return (2 * np.arange(size) + 1) / size - 1


def _noise(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
