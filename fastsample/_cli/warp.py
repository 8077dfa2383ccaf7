"""``warp``: rotate, scale, shear and shift the user's own image."""

import argparse
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import fastsample as fs
from fastsample._calls.typed import Border, Mode
from fastsample._cli import images
from fastsample._cli.files import check_target
from fastsample._cli.problem import require
from fastsample._cli.progress import busy, progress

STRIP = 1 << 20  # output pixels at a time: bounds the coordinates' memory, moves the bar

Array = NDArray[np.floating]


def run(args: argparse.Namespace) -> None:
    """Warp one file into another."""
    require("PIL", "rich")
    check_target(args.output, images.writable_suffixes())
    with busy(f"reading {args.input}"):
        picture = images.read(args.input)
    inverse = inverse_matrix(args.rotate, args.scale, args.shear)
    planes = warp_picture(picture, inverse, tuple(args.shift), args.mode, args.padding)
    with busy(f"writing {args.output}"):
        images.write(replace(picture, planes=planes), args.output)
    height, width = planes.shape[1:]
    for note in picture.notes:
        print(f"note: {note}")
    print(f"wrote {args.output} ({picture.kind}, {width} x {height})")


def inverse_matrix(rotate: float, scale: float, shear: float) -> Array:
    """Undo shift-free warping: from an output pixel's place about the centre to the input's."""
    cos, sin = _cos_sin(rotate)
    back = np.array([[cos, -sin], [sin, cos]])  # y points down, so this turns clockwise
    upright = np.array([[1.0, math.tan(math.radians(shear))], [0.0, 1.0]])
    return upright @ back / scale


def _cos_sin(degrees: float) -> tuple[float, float]:
    """Cosine and sine, exact at quarter turns so that those move pixels unchanged."""
    quarter, rest = divmod(degrees % 360, 90)
    if rest == 0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(quarter) % 4]
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def warp_picture(
    picture: images.Picture,
    inverse: Array,
    shift: tuple[float, float],
    mode: Mode,
    padding: Border,
) -> Array:
    """Warp all planes; colours next to transparent pixels are weighted by their opacity."""
    weighted = picture.has_alpha and mode != "nearest"
    planes = _premultiply(picture.planes) if weighted else picture.planes
    rows = max(1, STRIP // planes.shape[2])
    with progress(-(-planes.shape[1] // rows)) as step:
        warped = _warp_strips(planes, inverse, shift, mode, padding, rows, step)
    return _unpremultiply(warped) if weighted else warped


def _warp_strips(
    planes: Array,
    inverse: Array,
    shift: tuple[float, float],
    mode: Mode,
    padding: Border,
    rows: int,
    step: Callable[[str], None],
) -> Array:
    """Sample strip by strip of output rows."""
    _, height, width = planes.shape
    warped = np.empty_like(planes)
    for top in range(0, height, rows):
        step("warping" if top else f"warping; the first use of {mode} compiles it")
        strip = warped[None, :, top : top + rows]
        ys = np.arange(top, top + strip.shape[2])
        with np.errstate(all="ignore"):  # enormous shifts: the border rule takes them
            grid = _places(ys, height, width, inverse, shift).astype(planes.dtype)
        fs.grid_sample(planes[None], grid[None], mode, padding, coordinates="pixel", out=strip)
    return warped


def _places(
    ys: NDArray[np.intp], height: int, width: int, inverse: Array, shift: tuple[float, float]
) -> Array:
    """Where the output rows `ys` read: centre + inverse of (place - centre - shift)."""
    centre = np.array([width - 1, height - 1]) / 2
    x, y = np.meshgrid(np.arange(width) - centre[0] - shift[0], ys - centre[1] - shift[1])
    return np.stack([x, y], axis=-1) @ inverse.T + centre


def _premultiply(planes: Array) -> Array:
    """Colour · alpha, alpha, colour."""
    colour, alpha = planes[:-1], planes[-1:]
    return np.concatenate([colour * alpha, alpha, colour])


def _unpremultiply(stack: Array) -> Array:
    """Divide by alpha; where nothing is seen, keep the plain colour that lies hidden there."""
    colours = len(stack) // 2
    alpha = stack[colours]
    seen = np.rint(alpha) >= 1
    plain = stack[colours + 1 :]
    colour = np.divide(stack[:colours], alpha, out=plain.copy(), where=seen)
    return np.concatenate([colour, alpha[None]])
