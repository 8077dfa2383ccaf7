"""Which pixels of an axis points between two positions read, by border rule: intervals."""

import math
from typing import NamedTuple

import numpy as np

from .._kernels.kind import MODES

FAR = 2.0**40  # pixels from the image beyond which no fold is followed: the whole axis is read


class Reading(NamedTuple):
    """How points read along an axis: taps, and what brings them in."""

    taps: int
    fold: str  # "fill", "clip", "mirror" or "repeat"
    mirror: float = 0.0  # where `mirror` folds below: at the first pixel's centre, or its edge
    shared: int = 0  # pixels at the end that `repeat` lays on the first ones
    margin: int = 0  # pixels that are read on both sides of the taps


def reading_of(mode, padding_mode, low_mirror):
    """The reading of a border rule."""
    folds = {"wrap": "repeat", "reflection": "mirror", "mirror": "mirror", "border": "clip"}
    mirror = 0.0 if padding_mode == "mirror" else low_mirror
    return Reading(MODES[mode], folds.get(padding_mode, "fill"), mirror)


def pixels(low, high, size, reading):
    """Half-open intervals of pixels, at most two, that points from low to high may read.

    None where all of them are outside and read no pixel. One pixel more on both sides is for
    positions that are rounded elsewhere in another way.
    """
    reach = reading.taps // 2 + 1
    if reading.fold == "fill" and not (low < size + reach and high > -1 - reach):
        return None
    if reading.fold in ("fill", "clip"):
        low, high = min(max(low, -reach), size + reach), min(max(high, -reach), size + reach)
    elif not (low > -FAR and high < FAR):
        return ((0, size),)
    reach += reading.margin
    first, last = math.floor(low) - reach, math.ceil(high) + reach
    if reading.fold == "repeat":
        return _repeated(first, last + 1, size, size - reading.shared)
    if reading.fold == "mirror":
        first, last = _mirrored(first, last, size, reading.mirror)
    # A window stays on the axis: at its ends it covers pixels of weight 0.
    first, last = min(first, size - reading.taps), max(last, reading.taps - 1)
    return ((max(first, 0), min(last + 1, size)),)


def _repeated(first, end, size, period):
    """An interval on an axis that repeats after so many pixels."""
    if end - first >= period:
        return ((0, size),)
    begin = first % period
    beyond = begin + end - first - period
    return ((begin, begin + end - first),) if beyond <= 0 else ((0, beyond), (begin, size))


def _mirrored(first, last, size, mirror):
    """The first and the last pixel of an interval that is folded."""
    if last - first >= size:
        return 0, size - 1
    period = max(2 * (size - 1 - 2 * mirror), 1)
    rest = np.abs(np.arange(first, last + 1) - mirror) % period
    found = np.minimum(rest, period - rest) + mirror
    return math.floor(found.min()) - 1, math.ceil(found.max()) + 1
