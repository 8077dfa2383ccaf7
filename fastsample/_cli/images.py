"""Image files to planes of floats and back; every kind of picture keeps its kind."""

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

# Pillow's mode -> how its pixels are stored and the values they may take (None: any).
KINDS: dict[str, tuple[str, tuple[int, int] | None]] = {
    "1": ("u1", (0, 1)),
    "L": ("u1", (0, 255)),
    "LA": ("u1", (0, 255)),
    "RGB": ("u1", (0, 255)),
    "RGBA": ("u1", (0, 255)),
    "CMYK": ("u1", (0, 255)),
    "I;16": ("<u2", (0, 65535)),
    "I": ("i4", (-(2**31), 2**31 - 1)),
    "F": ("f4", None),
}
QUALITY: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95}, "WEBP": {"quality": 95}}


@dataclass(frozen=True)
class Picture:
    """Planes (C, H, W) of floats, the Pillow mode they came in, and what else is carried along."""

    planes: NDArray[Any]
    kind: str
    extras: dict[str, bytes]
    notes: tuple[str, ...] = ()

    @property
    def has_alpha(self) -> bool:
        """Tell whether the last plane is opacity."""
        return self.kind in ("LA", "RGBA")


def writable_suffixes() -> set[str]:
    """List the suffixes Pillow can write."""
    from PIL import Image

    known = Image.registered_extensions()
    return {suffix for suffix, name in known.items() if name in Image.SAVE}


def read(path: Path) -> Picture:
    """Read an image file as planes."""
    return _picture(*open_image(path))


def open_image(path: Path) -> "tuple[Image, str | None, tuple[str, ...]]":
    """Decode a file, turn it as its EXIF orientation says, and give its format and notes."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings(), Image.open(path) as opened:
            warnings.simplefilter("ignore")
            notes = _notes(opened)
            opened.load()
            return ImageOps.exif_transpose(opened), opened.format, notes
    except UnidentifiedImageError as error:
        raise Problem(f"cannot read {path}: not an image file that Pillow knows") from error
    except Exception as error:  # decoders raise nearly every kind on a broken file
        raise Problem(f"cannot read {path}: {reason(error)}") from error


def write(picture: Picture, path: Path) -> None:
    """Write the planes, rounded half to even and saturated, under the kind they came in."""
    from PIL import Image

    name = Image.registered_extensions()[path.suffix.lower()]
    _, height, width = picture.planes.shape
    image = Image.frombytes(picture.kind, (width, height), _bytes(picture))
    with replacing(path) as temporary:
        image.save(temporary, format=name, **QUALITY.get(name, {}), **picture.extras)


def _notes(image: "ImageFile") -> tuple[str, ...]:
    """Say what Pillow itself leaves out."""
    raw = str(image.tile[0][3]) if image.tile else ""
    frames = getattr(image, "n_frames", 1)
    notes = ["16-bit colour is read as 8-bit"] * (";16" in raw and image.mode.startswith("RGB"))
    notes += [f"the first of {frames} frames is used"] * (frames > 1)
    return tuple(notes)


def _picture(image: "Image", file_format: str | None, notes: tuple[str, ...]) -> Picture:
    """Turn an image of any kind into planes."""
    kind = _kind(image, file_format)
    if kind not in (image.mode, "I;16"):
        notes = (*notes, f"a picture of kind {image.mode} becomes {kind}")
        image = image.convert(kind)
    pixels = np.atleast_3d(np.asarray(image))
    real = np.float64 if kind == "I" else np.float32
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0), dtype=real)
    extras = {k: image.info[k] for k in ("icc_profile", "exif") if image.info.get(k)}
    return Picture(planes, kind, extras, notes)


def _kind(image: "Image", file_format: str | None) -> str:
    """Choose the kind to work in: the image's own where it has no palette and no colour key."""
    mode = image.mode
    if mode.startswith("I;16") or (mode == "I" and file_format in ("PNG", "PPM")):
        return "I;16"  # Pillow hands 16-bit gray out under several names
    if mode in KINDS and (mode in ("LA", "RGBA") or not image.has_transparency_data):
        return mode
    if image.has_transparency_data:
        return "LA" if mode in ("1", "L", "La") else "RGBA"
    return "RGB"


def _bytes(picture: Picture) -> bytes:
    """Lay planes out as Pillow stores the kind."""
    stored, limits = KINDS[picture.kind]
    pixels = np.moveaxis(picture.planes, 0, -1)
    if limits is not None:
        pixels = np.clip(np.rint(np.nan_to_num(pixels)), *limits)
    pixels = pixels.astype(stored)
    return (np.packbits(pixels[..., 0], axis=1) if picture.kind == "1" else pixels).tobytes()
