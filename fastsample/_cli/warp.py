"""``warp``: rotate, scale, shear and shift the user's own image."""

import argparse
import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastsample as fs
from fastsample._calls.typed import Border, Mode
from fastsample._cli import images
from fastsample._cli.files import check_target
from fastsample._cli.problem import Problem, require
from fastsample._cli.progress import busy, progress

STRIP = 1 << 20  # output pixels at a time of what is weighted by its opacity
ROUNDED = 1e-6  # pixels by which an angle's cosine may enlarge the canvas

Array = NDArray[np.floating]


class Map(NamedTuple):
    """From the output's pixels to the input's: centre to centre, and the output's size."""

    theta: Array  # (2, 3)
    size: tuple[int, int]  # (height, width)


class Look(NamedTuple):
    """How pixels are read."""

    mode: Mode
    padding: Border
    fill: tuple[float, ...] | float = 0.0


def run(args: argparse.Namespace) -> None:
    """Warp one file into another."""
    require("PIL", extra="demo")
    check_target(args.output, images.writable_suffixes())
    check_options(args)
    with busy(f"reading {args.input}"):
        picture = images.read(args.input, args.huge, args.flatten)
    images.check_kind(picture.kind, args.output)
    where = map_of(args, picture.pixels.shape[:2])
    look = look_of(args, picture.kind)
    kept, notes = replace(picture, pixels=np.empty((0, 0, 1))), picture.notes
    with busy(f"warping; the first use of {args.mode} compiles it"):
        warped = warp_picture(picture, where, look)
    del picture  # whose pixels are as many
    with busy(f"writing {args.output}"):
        images.write(replace(kept, pixels=warped), args.output, args.quality or 95)
    for note in notes:
        print(f"note: {note}")
    height, width = where.size
    print(f"wrote {args.output} ({width} x {height}, {images.KINDS[kept.kind][1]})")


def check_options(args: argparse.Namespace) -> None:
    """Refuse options that would do nothing, and colours that are none."""
    if args.fill is not None and args.padding not in (None, "constant"):
        raise Problem(f"--fill is for --padding constant; got --padding {args.padding}")
    if args.padding == "constant" and args.fill is None:
        raise Problem("--padding constant needs a colour: add --fill white, for example")
    if args.size is not None and args.expand:
        raise Problem("--expand finds the size itself; leave --size out")
    if args.quality is not None and images.format_of(args.output) not in images.WITH_QUALITY:
        raise Problem(f"--quality is for .jpg and .webp; got {args.output}")
    if args.flatten is not None:
        images.fill_of(args.flatten, "RGB", "--flatten")


def look_of(args: argparse.Namespace, kind: str) -> Look:
    """What the options say of pixels."""
    if args.fill is None:
        return Look(args.mode, args.padding or "zeros")
    return Look(args.mode, "constant", images.fill_of(args.fill, kind))


def map_of(args: argparse.Namespace, shape: tuple[int, ...]) -> Map:
    """Where the output reads, and how large it is."""
    inverse = inverse_matrix(args.rotate, args.scale, args.shear)
    size = shape[0], shape[1]
    if args.size is not None:
        size = args.size[1], args.size[0]
    elif args.expand:
        size = expanded(inverse, size)
    return Map(theta_of(inverse, (shape[0], shape[1]), size, tuple(args.shift)), size)


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


def expanded(inverse: Array, size: tuple[int, int]) -> tuple[int, int]:
    """Find the canvas (height, width) that holds the whole warped picture."""
    height, width = size
    extent = np.abs(np.linalg.inv(inverse)) @ np.array([width, height])
    if extent.max() > 2**31:
        raise Problem("--expand makes a canvas too large to write; choose a smaller --scale")
    across, down = (max(1, math.ceil(n - ROUNDED)) for n in extent)
    return down, across


def theta_of(
    inverse: Array, input: tuple[int, int], output: tuple[int, int], shift: tuple[float, ...]
) -> Array:
    """Lay the matrix out for pixels: centre of the input + inverse (pixel - centre - shift)."""
    centre, middle = (np.array([n[1] - 1, n[0] - 1]) / 2 for n in (input, output))
    with np.errstate(all="ignore"):  # enormous shifts: the border rule takes them
        offset = centre - inverse @ (middle + np.array(shift))
    return np.concatenate([inverse, offset[:, None]], axis=1)


def warp_picture(picture: images.Picture, where: Map, look: Look) -> NDArray[np.generic]:
    """Warp all pixels; colours next to transparent ones are weighted by their opacity."""
    if picture.has_alpha and look.mode != "nearest":
        return _by_opacity(picture.pixels, where, look)
    return _sample(picture.pixels, where, look)


def _sample(pixels: NDArray[np.generic], where: Map, look: Look) -> NDArray[np.generic]:
    """Read pixels (H, W, C) of any type, which are rounded half to even and saturated."""
    warped: NDArray[np.generic] = fs.affine_sample(
        pixels[None],
        where.theta[None],
        where.size,
        look.mode,
        look.padding,
        coordinates="pixel",
        fill_value=look.fill,
        channels_last=True,
    )
    return warped[0]


def _by_opacity(pixels: NDArray[np.generic], where: Map, look: Look) -> NDArray[np.generic]:
    """Strip by strip: colour times opacity over opacity, all as 16-bit integers of the product."""
    weights = weighted(pixels)
    fill = np.broadcast_to(np.asarray(look.fill, float), pixels.shape[-1])
    heavy = look._replace(fill=(*(fill[:-1] * fill[-1]), 255 * fill[-1]))
    warped = np.empty((*where.size, pixels.shape[-1]), np.uint8)
    rows = max(1, STRIP // max(where.size[1], 1))
    with progress(-(-where.size[0] // rows)) as step:
        for top in range(0, where.size[0], rows):
            step("warping")
            strip = warped[top : top + rows]
            part = strip_of(where, top, len(strip))
            unweighted(_sample(weights, part, heavy), _sample(pixels, part, look), strip)
    return warped


def strip_of(where: Map, top: int, rows: int) -> Map:
    """Cut some rows of the output out."""
    theta = where.theta.copy()
    theta[:, 2] += theta[:, 1] * top
    return Map(theta, (rows, where.size[1]))


def weighted(pixels: NDArray[np.generic]) -> NDArray[np.uint16]:
    """Colour times opacity, and opacity times 255: bytes' products need 16 bits."""
    wide = np.empty(pixels.shape, np.uint16)
    np.multiply(pixels[..., :-1], pixels[..., -1:], out=wide[..., :-1], dtype=np.uint16)
    np.multiply(pixels[..., -1], 255, out=wide[..., -1], dtype=np.uint16)
    return wide


def unweighted(
    heavy: NDArray[np.generic], plain: NDArray[np.generic], out: NDArray[np.uint8]
) -> None:
    """Divide by opacity; where nothing is seen, keep the plain colour that lies hidden there."""
    out[...] = plain
    opacity = heavy[..., -1:].astype(np.float32) / 255
    seen = (np.asarray(plain[..., -1:], np.uint8) > 0) & (opacity > 0)
    colour = plain[..., :-1].astype(np.float32)
    np.divide(heavy[..., :-1], opacity, out=colour, where=seen)
    out[..., :-1] = np.clip(np.rint(colour), 0, 255)
