"""Image files to arrays and back; every kind of picture keeps its kind."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsample._cli.files import replacing
from fastsample._cli.problem import Problem, reason

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

# Pillow's mode -> how its pixels are stored here, and what users call it.
KINDS: dict[str, tuple[str, str]] = {
    "1": ("u1", "black and white"),
    "L": ("u1", "8-bit gray"),
    "LA": ("u1", "8-bit gray with opacity"),
    "RGB": ("u1", "8-bit colour"),
    "RGBA": ("u1", "8-bit colour with opacity"),
    "CMYK": ("u1", "8-bit CMYK"),
    "I;16": ("<u2", "16-bit gray"),
    "I": ("i4", "32-bit integers"),
    "F": ("f4", "32-bit floats"),
}
OTHERS = {"P": "a palette", "PA": "a palette with opacity"}
# Where each kind fits.
SUFFIXES = {"I;16": ".png or .tif", "I": ".tif", "F": ".tif", "CMYK": ".jpg or .tif"}
WITH_QUALITY = ("JPEG", "WEBP")
ROWS = 1 << 20  # pixels that are copied at a time


@dataclass(frozen=True)
class Picture:
    """Pixels (H, W, C) as they are stored, the Pillow mode they came in, and what else there is."""

    pixels: NDArray[Any]
    kind: str
    extras: dict[str, bytes]
    notes: tuple[str, ...] = ()

    @property
    def has_alpha(self) -> bool:
        """Tell whether the last channel is opacity."""
        return self.kind in ("LA", "RGBA")


def writable_suffixes() -> set[str]:
    """List the suffixes Pillow can write."""
    from PIL import Image

    known = Image.registered_extensions()
    return {suffix for suffix, name in known.items() if name in Image.SAVE}


def format_of(path: Path) -> str:
    """Name the format of a file with this suffix, as Pillow does."""
    from PIL import Image

    return Image.registered_extensions()[path.suffix.lower()]


def read(path: Path, huge: bool = False, flatten: str | None = None) -> Picture:
    """Read an image file, onto a background if one is asked for."""
    image, file_format, notes = open_image(path, huge)
    kind = kind_of(image, file_format)
    if kind not in (image.mode, "I;16"):
        came = OTHERS.get(image.mode, image.mode)
        notes = (*notes, f"{came} becomes {KINDS[kind][1]}")
        image = image.convert(kind)
    extras = {k: image.info[k] for k in ("icc_profile", "exif") if image.info.get(k)}
    if flatten is not None and kind in ("LA", "RGBA"):
        image, kind = flattened(image, flatten), kind[:-1]
    return Picture(pixels_of(image, kind), kind, extras, notes)


def open_image(path: Path, huge: bool = False) -> "tuple[Image, str | None, tuple[str, ...]]":
    """Decode a file, turn it as its EXIF orientation says, and give its format and notes."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    most = Image.MAX_IMAGE_PIXELS
    try:
        Image.MAX_IMAGE_PIXELS = None if huge else most
        with warnings.catch_warnings(), Image.open(path) as opened:
            warnings.simplefilter("ignore")
            notes = _notes(opened)
            opened.load()
            file_format = opened.format
            ImageOps.exif_transpose(opened, in_place=True)  # else it is copied, turned or not
            return opened, file_format, notes
    except UnidentifiedImageError as error:
        raise Problem(f"cannot read {path}: not an image file that Pillow knows") from error
    except Image.DecompressionBombError as error:
        raise Problem(
            f"cannot read {path}: it has more than {2 * (most or 0) / 1e6:.0f} million pixels; "
            "if you trust the file, add --huge"
        ) from error
    except Exception as error:  # decoders raise nearly every kind on a broken file
        raise Problem(f"cannot read {path}: {reason(error)}") from error
    finally:
        Image.MAX_IMAGE_PIXELS = most


def flattened(image: "Image", colour: str) -> "Image":
    """Put a picture with opacity onto a background."""
    from PIL import Image

    solid = image.mode[:-1]
    numbers = tuple(round(n) for n in fill_of(colour, solid, "--flatten"))
    background = Image.new(solid, image.size, numbers)
    background.paste(image.convert(solid), mask=image.getchannel("A"))
    return background


def pixels_of(image: "Image", kind: str) -> NDArray[Any]:
    """Copy the pixels, some rows at a time: Pillow would make two more copies of them."""
    width, height = image.size
    channels = len(image.getbands())
    pixels = np.empty((height, width, channels), KINDS[kind][0])
    rows = max(1, ROWS // max(width, 1))
    for top in range(0, height, rows):
        part = image.crop((0, top, width, min(top + rows, height)))
        pixels[top : top + rows] = np.asarray(part).reshape(-1, width, channels)
    return pixels


def check_kind(kind: str, path: Path) -> None:
    """Refuse a kind that the format lacks, before any work; a pixel is written in memory."""
    from PIL import Image

    name = format_of(path)
    try:
        Image.new(kind, (1, 1)).save(io.BytesIO(), format=name)
    except Exception as error:  # encoders raise nearly every kind
        remedy = f"write {SUFFIXES.get(kind, '.png')}"
        if kind in ("LA", "RGBA"):
            remedy = "add --flatten white, or write .png"
        raise Problem(f"cannot write {path}: {name} has no {KINDS[kind][1]}; {remedy}") from error


def write(picture: Picture, path: Path, quality: int = 95) -> None:
    """Write the pixels under the kind they came in."""
    name = format_of(path)
    options = {"quality": quality} if name in WITH_QUALITY else {}
    image = _image(picture)
    with replacing(path) as temporary:
        image.save(temporary, format=name, **options, **picture.extras)


def _image(picture: Picture) -> "Image":
    """Make Pillow's image of the pixels."""
    from PIL import Image

    height, width = picture.pixels.shape[:2]
    pixels = np.ascontiguousarray(picture.pixels)
    if picture.kind == "1":
        pixels = np.packbits(pixels[..., 0], axis=1)
    return Image.frombuffer(picture.kind, (width, height), pixels, "raw", picture.kind, 0, 1)


def _notes(image: "ImageFile") -> tuple[str, ...]:
    """Say what Pillow itself leaves out."""
    raw = str(image.tile[0][3]) if image.tile else ""
    frames = getattr(image, "n_frames", 1)
    notes = ["16-bit colour is read as 8-bit"] * (";16" in raw and image.mode.startswith("RGB"))
    notes += [f"the first of {frames} frames is used"] * (frames > 1)
    return tuple(notes)


def kind_of(image: "Image", file_format: str | None) -> str:
    """Choose the kind to work in: the image's own where it has no palette and no colour key."""
    mode = image.mode
    if mode.startswith("I;16") or (mode == "I" and file_format in ("PNG", "PPM")):
        return "I;16"  # Pillow hands 16-bit gray out under several names
    if mode in KINDS and (mode in ("LA", "RGBA") or not image.has_transparency_data):
        return mode
    if image.has_transparency_data:
        return "LA" if mode in ("1", "L", "La") else "RGBA"
    return "RGB"


def fill_of(text: str, kind: str, option: str = "--fill") -> tuple[float, ...]:
    """Read a colour: a number for each channel, one number for all, or a name that Pillow knows."""
    from PIL import Image, ImageColor

    channels = Image.getmodebands(kind)
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) in (1, channels):
        return numbers * (channels // len(numbers))
    try:
        red, green, blue, *opacity = ImageColor.getrgb(text)
    except ValueError:
        raise Problem(
            f"{option} must be a colour, such as white or #ffd23f, or {channels} numbers with "
            f"commas between for {KINDS[kind][1]}; got {text!r}"
        ) from None
    if kind in ("I;16", "I", "F", "1"):
        gray = ImageColor.getcolor(text, "L")
        assert isinstance(gray, int)
        return (gray * {"I;16": 257, "1": 1 / 255}.get(kind, 1),)
    colour = Image.new("RGBA", (1, 1), (red, green, blue, *(opacity or [255])))
    found = colour.convert("RGB").convert(kind) if kind == "CMYK" else colour.convert(kind)
    pixel = found.getpixel((0, 0))
    return tuple(map(float, pixel)) if isinstance(pixel, tuple) else (float(pixel or 0),)
