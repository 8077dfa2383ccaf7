"""``demo``: a photograph under three warps in three modes, a picture of it, and a race."""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import fastsample as fs
from fastsample._calls.typed import Mode
from fastsample._cli.files import check_target, replacing
from fastsample._cli.problem import Problem, require
from fastsample._cli.progress import progress
from fastsample._kernels.threads import MOST_THREADS

if TYPE_CHECKING:
    from PIL.Image import Image

    from fastsample._cli.picture import Shot

NOISY = 3.0  # a call's median over its best time
SHORTEST, LONGEST = 64, 2000  # pixels on a side; for more SciPy would take minutes
ORDERS: dict[Mode, int] = {
    "nearest": 0,
    "bilinear": 1,
    "bicubic": 3,
}  # the mode and SciPy's closest order

Array = NDArray[Any]


def _rotation(z: Array) -> Array:
    return z * np.exp(0.35j)


def _swirl(z: Array) -> Array:
    return z * np.exp(-1.3j * np.exp(-1.6 * np.abs(z) ** 2))


def _lens(z: Array) -> Array:
    return z * (0.7 + 0.45 * np.abs(z) ** 2)


# Where each output place reads. Places are x + iy about the centre; the nearest edge is at 1.
WARPS: dict[str, Callable[[Array], Array]] = {
    "rotation": _rotation,
    "swirl": _swirl,
    "lens distortion": _lens,
}


def run(args: argparse.Namespace) -> None:
    """Warp, draw, and print the times."""
    require("PIL", "matplotlib", "scipy", extra="demo")
    from fastsample._cli import picture

    check_target(args.output, picture.writable_suffixes())
    photo, note = load(args.photo)
    grids = {name: grid_of(warp, *photo.shape[1:]) for name, warp in WARPS.items()}
    with progress(len(WARPS) * len(ORDERS) + 1) as step:
        shots = [shoot(photo, grids, w, m, step) for w in WARPS for m in ORDERS]
        step("drawing")
        figure = picture.draw(photo, grids, shots)
        with replacing(args.output) as temporary:
            figure.savefig(temporary)
    print_table(photo, shots)
    print(f"{note}wrote {args.output}")


def load(path: Path | None) -> tuple[Array, str]:
    """Read the photograph as (3, H, W) float32; without a path, one that matplotlib carries."""
    from matplotlib import get_data_path
    from PIL import Image

    from fastsample._cli import images

    path = path or Path(get_data_path(), "sample_data", "grace_hopper.jpg")
    opened, file_format, _ = images.open_image(path)
    image = eight_bit(opened, images.kind_of(opened, file_format))
    size = image.size
    if min(size) < SHORTEST:
        raise Problem(f"{path} is smaller than {SHORTEST} x {SHORTEST} pixels")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    note = f"note: {path} was reduced to {image.width} x {image.height}\n"
    planes = np.moveaxis(np.atleast_3d(np.asarray(image, np.float32)), -1, 0)
    planes = np.ascontiguousarray(np.broadcast_to(planes, (3, *planes.shape[1:])))
    return planes, note if image.size != size else ""


def eight_bit(image: "Image", kind: str) -> "Image":
    """Bring a picture's values between 0 and 255; gray of more bits keeps its steps, as floats."""
    from PIL import Image

    if kind not in ("I;16", "I", "F"):
        return image.convert("RGB")
    values = np.asarray(image, np.float32)
    low, high = (0.0, 65535.0) if kind == "I;16" else (values.min(), values.max())
    scaled = (values - low) * (255 / max(high - low, 1e-30))
    return Image.fromarray(scaled.astype(np.float32))


def grid_of(warp: Callable[[Array], Array], height: int, width: int) -> Array:
    """Pixel coordinates (H, W, 2) that `warp` reads for each pixel of the result."""
    centre = complex(width - 1, height - 1) / 2
    half = min(width, height) / 2
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    z = warp((x + 1j * y - centre) / half) * half + centre
    return np.stack([z.real, z.imag], axis=-1).astype(np.float32)


def shoot(
    photo: Array, grids: dict[str, Array], warp: str, mode: Mode, step: Callable[[str], None]
) -> "Shot":
    """Warp the photograph once with each library, after a first call, and keep the best times."""
    from fastsample._cli import picture

    step(f"{warp}, {mode}; a mode's first use compiles it")
    images, grid = photo[None], grids[warp][None]
    coordinates = np.ascontiguousarray(np.moveaxis(grids[warp][..., ::-1], -1, 0))
    result = fs.grid_sample(images, grid, mode, coordinates="pixel")
    ours = timed(lambda: fs.grid_sample(images, grid, mode, coordinates="pixel"))
    theirs = timed(lambda: scipy_sample(photo, coordinates, ORDERS[mode]))
    return picture.Shot(
        warp, mode, result[0], min(ours), min(theirs), statistics.median(ours) / min(ours)
    )


def scipy_sample(photo: Array, coordinates: Array, order: int) -> Array:
    """Do the same with SciPy, plane by plane."""
    from scipy.ndimage import map_coordinates

    result = np.empty_like(photo)
    for plane, out in zip(photo, result, strict=True):
        map_coordinates(plane, coordinates, out, order, mode="grid-constant")
    return result


def timed(call: Callable[[], object], seconds: float = 0.15) -> list[float]:
    """Time at least three calls after a warm-up one."""
    call()
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def print_table(photo: Array, shots: "list[Shot]") -> None:
    """Print the times, and what they compare."""
    channels, height, width = photo.shape
    print(f"{channels} x {height} x {width} float32, best times in ms\n")
    print(f"{'warp':<17}{'mode':<10}{'fastsample':>11}{'scipy':>9}{'ratio':>8}")
    for s in shots:
        ratio = f"{s.theirs / s.ours:.0f}x"
        print(f"{s.warp:<17}{s.mode:<10}{s.ours * 1e3:>11.2f}{s.theirs * 1e3:>9.1f}{ratio:>8}")
    if max(s.apart for s in shots) > NOISY:
        print(
            "\nwarning: a call's median and best time lie far apart: other processes are running, "
            "so repeat this on a quiet machine"
        )
    print(
        f"\nscipy is scipy.ndimage.map_coordinates on the same arrays (order 0, 1 and 3), with one"
        f"\nthread, which is all it uses; fastsample may use {MOST_THREADS}. SciPy's"
        " order 3 is a B-spline with a\nprefilter, a different kernel from bicubic (Keys)."
    )
