"""Grids and matrices, their results and gradients: one row a case, and their arrays."""

from dataclasses import dataclass
from functools import cache, lru_cache, partial

import numpy as np

from .case import CV2, OURS, SCIPY, SKIMAGE, TORCH, Case
from .libraries import LIBRARIES

QUICK = (TORCH, CV2)
EVERY = (*QUICK, SCIPY, SKIMAGE)


@dataclass(frozen=True)
class Job:
    """A function and its input (N, C, *in); the result has the input's sizes, or `out`."""

    function: str
    shape: tuple[int, ...]
    mode: str = "bilinear"
    padding: str = "zeros"
    output_mask: tuple[bool, bool] = (True, True)  # of a backward with two gradients
    degrees: float = 6.0
    out: tuple[int, ...] | None = None


def case(function, name, shape, *how, others=QUICK, targets=None, **rest):
    """A case of a job; what is no option of a job is one of a case."""
    options = {key: rest.pop(key) for key in ("within", "headline") if key in rest}
    job = Job(function, shape, *how, **rest)
    calls = {library: partial(call, library, job) for library in (OURS, *others)}
    return Case(name, function, calls, targets or {}, **options)


def call(library, job):
    """What a library does for a job, or None."""
    return LIBRARIES[library](job, *make_arrays(job))


sample = partial(case, "grid_sample")
backward = partial(case, "grid_sample_backward", others=(TORCH,))
affine_sample = partial(case, "affine_sample", others=EVERY)
affine_backward = partial(case, "affine_sample_backward", others=(TORCH,))
PHOTO = (1, 3, 1080, 1920)
VOLUME = (1, 1, 128, 128, 128)
IMAGES = (8, 3, 224, 224)
GRIDS = (16, 1, 256, 256)
BATCH = (8, 3, 256, 256)
FEATURES, SMALL_FEATURES = (1, 64, 128, 128), (16, 256, 32, 32)


@cache
def cases():
    """Every case."""
    shown = {"headline": True}
    return (
        sample(
            "photo 1x3x1080x1920",
            PHOTO,
            targets={TORCH: 3.5, CV2: 2.2, SCIPY: 30},
            others=EVERY,
            **shown,
        ),
        sample("batch 8x3x256x256", BATCH, targets={TORCH: 2}, **shown),
        sample("features 1x64x128x128", FEATURES, targets={TORCH: 4}),
        sample("features 16x256x32x32", SMALL_FEATURES, targets={TORCH: 3}, **shown),
        sample("plane 1x1x1024x1024", (1, 1, 1024, 1024), targets={TORCH: 3}),
        sample("photo border", PHOTO, padding="border", targets={TORCH: 2}),
        sample("photo reflection", PHOTO, padding="reflection", targets={TORCH: 2}),
        sample("photo nearest", PHOTO, "nearest", targets={TORCH: 5, CV2: 1.2}),
        sample("photo bicubic", PHOTO, "bicubic", targets={TORCH: 5, CV2: 1.3}, **shown),
        sample("volume 1x1x128x128x128", VOLUME, targets={TORCH: 8}, others=EVERY, **shown),
        backward("backward photo 1x3x1080x1920", PHOTO, targets={TORCH: 3}, **shown),
        backward("backward photo, grid alone", PHOTO, output_mask=(False, True)),
        backward("backward photo, input alone", PHOTO, output_mask=(True, False)),
        backward("backward batch 8x3x256x256", BATCH, targets={TORCH: 2}),
        backward("backward features 1x64x128x128", FEATURES, targets={TORCH: 4}),
        backward("backward features 16x256x32x32", SMALL_FEATURES, targets={TORCH: 3.5}, **shown),
        backward("backward bicubic 1x3x512x512", (1, 3, 512, 512), "bicubic", targets={TORCH: 4}),
        backward("backward volume 1x1x96x96x96", (1, 1, 96, 96, 96), targets={TORCH: 4}),
        affine_sample("affine_sample 8x3x224x224", IMAGES, targets={TORCH: 2.5}, **shown),
        affine_sample("affine_sample 1x1x128x128x128", VOLUME, targets={TORCH: 8}),
        affine_backward("affine_sample backward 8x3x224x224", IMAGES),
        affine_backward("affine_sample backward 1x1x128x128x128", VOLUME),
        case("affine_grid", "affine_grid 16x256x256", GRIDS, targets={TORCH: 2}),
        case("affine_grid_backward", "affine_grid backward 16x256x256", GRIDS),
        sample("8x8 image, 4 points", (1, 1, 8, 8), others=EVERY, out=(1, 4), within=8e-6, **shown),
    )


def make_input(job):
    """Reproducible noise, float32."""
    return _noise(0, job.shape)


def make_gradient(job):
    """Of the result, whose shape is the input's."""
    return _noise(1, job.shape)


def make_grid(job):
    """A rotation with a ripple in normalized coordinates, one grid a batch: (N, *out, D) float32.

    (x, y) -> R(degrees) (x, y) + (0.02 sin 5y, 0.02 cos 4x); a volume keeps its z.
    """
    n, _, *sizes = job.shape
    sizes = job.out or sizes
    *z, y, x = np.meshgrid(*(_centres(size) for size in sizes), indexing="ij", sparse=True)
    cos, sin = np.cos(np.radians(job.degrees)), np.sin(np.radians(job.degrees))
    gx = cos * x - sin * y + 0.02 * np.sin(5 * y)
    gy = sin * x + cos * y + 0.02 * np.cos(4 * x)
    grid = np.empty((n, *sizes, len(sizes)), np.float32)
    for k, places in enumerate((gx, gy, *z)):
        grid[..., k] = places
    return grid


def make_grid_gradient(job):
    """Noise of the grid's shape."""
    n, _, *sizes = job.shape
    return _noise(2, (n, *sizes, len(sizes)))


def make_theta(job):
    """The rotation and a shift by 0.03: (N, D, D + 1) float32; a volume keeps its z otherwise."""
    axes = len(job.shape) - 2
    theta = np.eye(axes, axes + 1)
    cos, sin = np.cos(np.radians(job.degrees)), np.sin(np.radians(job.degrees))
    theta[:2, :2] = [[cos, -sin], [sin, cos]]
    theta[:, -1] = 0.03
    return np.repeat(theta[None].astype(np.float32), job.shape[0], axis=0)


ARRAYS = {
    "grid_sample": (make_input, make_grid),
    "grid_sample_backward": (make_gradient, make_input, make_grid),
    "affine_sample": (make_input, make_theta),
    "affine_sample_backward": (make_gradient, make_input, make_theta),
    "affine_grid": (make_theta,),
    "affine_grid_backward": (make_grid_gradient,),
}


@lru_cache(maxsize=1)  # all libraries get the same ones
def make_arrays(job):
    """The arrays that a job's function takes, in its order."""
    return [make(job) for make in ARRAYS[job.function]]


def _centres(size):
    """Normalised places of the pixels of an axis, `align_corners=False`."""
    return (2 * np.arange(size) + 1) / size - 1


def _noise(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
