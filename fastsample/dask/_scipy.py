"""Where chunks read as scipy.ndimage has it, and their values: by the kernels of `ndimage`.

A chunk is a part of the whole call: positions and modes are those of the whole array, and only the
addresses are the chunk's.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._calls import places as affine
from .._calls import ranges
from .._calls.formula import step_axis
from .._calls.splines.filters import POLES
from .._calls.splines.gather import Part
from .._calls.splines.paths import by_points
from .._calls.splines.places import Axes, Matrix, Points
from .._calls.splines.run import Options
from .._kernels.kind import AFFINE
from . import _sources

Array = NDArray[Any]
READINGS = {  # how a mode brings points in: see `ranges.Reading`
    "constant": ("fill",),
    "grid-constant": ("fill",),
    "nearest": ("clip",),
    "mirror": ("mirror", 0.0),
    "reflect": ("mirror", -0.5),
    "wrap": ("repeat", 0.0, 1),
    "grid-wrap": ("repeat",),
}
BEYOND = -100.0  # pixels from an image, where no tap is inside
WINDOW = 8  # the most pixels that a kernel reads at once along an axis
LEFT = 1e-18  # of what lies beyond the end of a part, after its filter's margin


class Here(NamedTuple):
    """Where the points of a part of a result read."""

    places: Points | Matrix | Axes
    sizes: tuple[int, ...]  # of the whole input
    first: tuple[int, ...]  # where in the whole result the part begins
    shape: tuple[int, ...]

    def cut(self, part: tuple[slice, ...]) -> "Here":
        """The places of a smaller part."""
        first = tuple(at + s.start for at, s in zip(self.first, part, strict=True))
        shape, places = tuple(s.stop - s.start for s in part), self.places
        if isinstance(places, Points):
            places = Points(places.coordinates[(slice(None), *part)])
        return Here(places, self.sizes, first, shape)


def pixels(here: Here, options: Options) -> Any:
    """Which pixels a part reads: intervals along each axis; None where it reads none."""
    found = bounds(here, options)
    if found is None:
        return None
    reading = ranges.Reading(options.order + 1, *READINGS[options.mode])
    reading = reading._replace(margin=margin_of(options))
    if is_filtered(options) and reading.fold == "fill" and options.mode != "constant":
        reading = reading._replace(fold="clip")  # the filter goes on in what lies outside
    each, limits = [], zip(*found, here.sizes, strict=True)
    for low, high, n in limits:
        intervals = ranges.pixels(float(low), float(high), n, reading)
        if intervals is None:
            return None
        # A filter needs what lies between two intervals, too.
        each.append(((0, n),) if len(intervals) > 1 and is_filtered(options) else intervals)
    return tuple(each)


def is_filtered(options: Options) -> bool:
    """Each part finds the coefficients of splines for itself, where these are sampled."""
    return options.order > 1 and options.prefilter


def margin_of(options: Options) -> int:
    """How many pixels are read beyond the taps: what lies further off leaves no trace in these."""
    if not is_filtered(options):
        return WINDOW if options.order > 1 else 0
    slowest = max(map(abs, POLES[options.order]))
    return WINDOW + math.ceil(math.log(LEFT) / math.log(slowest))


def bounds(here: Here, options: Options) -> Any:
    """The lowest and the highest position along each axis; None where no point has a place."""
    if not isinstance(here.places, Points):
        matrix, offset = as_matrix(here.places)
        each = zip(here.sizes, here.shape, here.first, strict=True)
        axes = tuple(step_axis(n, k)._replace(begin=at) for n, k, at in each)
        theta = np.column_stack([matrix[::-1, ::-1], offset[::-1]])[None]
        return affine.bounds(affine.Places(AFFINE, axes, theta), "border")
    rows = here.places.coordinates.reshape(len(here.sizes), -1)
    if rows.shape[1]:
        low, high = rows.min(1), rows.max(1)
        if np.isfinite(low).all() and np.isfinite(high).all():  # NaN would be the least
            return low, high
    rows, lost = read_at(rows, here.sizes, options)
    rows = rows[:, ~lost]
    return (rows.min(1), rows.max(1)) if rows.size else None


def read_at(rows: Array, sizes: tuple[int, ...], options: Options) -> tuple[Array, Array]:
    """Where points read of which some are not finite; and which points have no place at all."""
    rows, folds = np.array(rows, np.float64), READINGS[options.mode][0] in ("mirror", "repeat")
    lost = np.zeros(rows.shape[1], bool)
    for row, size in zip(rows, sizes, strict=True):
        if options.mode == "nearest" and options.order == 0:
            row[np.isnan(row)] = 0
        elif folds and size == 1:
            row[~np.isnan(row)] = 0
        lost |= ~np.isfinite(row) if folds else np.isnan(row)
    return rows, lost


def as_matrix(places: Matrix | Axes) -> tuple[Array, Array]:
    """The matrix and the offset of places, to within rounding."""
    if isinstance(places, Matrix):
        return places.matrix, places.offset
    pre, scale, offset = np.array(places.axes).T
    with np.errstate(invalid="ignore", over="ignore"):
        return np.diag(scale), pre * scale + offset


def sample(here: Here, image: Array, origin: Any, options: Options, out: Array) -> None:
    """Sample a part (1, 1, *in) of the input that begins at `origin` into `out` (1, 1, *out)."""
    axes, part = tuple(range(len(here.sizes))), Part(here.sizes, tuple(origin), here.first)
    by_points(image[0, 0], axes, here.places, out[0, 0], options, part)


def put_outside(here: Here, options: Options, out: Array) -> None:
    """Fill a part of which no point reads a pixel, with what the kernels make of such points."""
    rank = len(here.sizes)
    image, found = np.zeros([WINDOW] * rank, out.dtype), np.empty(2, out.dtype)
    points = Points(np.array([[BEYOND, np.nan]] * rank))
    by_points(image, tuple(range(rank)), points, found, options)
    out[...] = found[0]
    if isinstance(here.places, Points):
        rows = here.places.coordinates.reshape(rank, -1)
        _, lost = read_at(rows, here.sizes, options)
        out[0, 0][lost.reshape(here.shape)] = found[1]


class Positions:
    """What the geometries of the three functions share."""

    is_bounded, is_known = True, False
    pixels = staticmethod(pixels)
    sample = staticmethod(sample)
    put_outside = staticmethod(put_outside)


class Given(Positions):
    """Coordinates (D, *out) of a source, or as blocks."""

    is_bounded = False

    def __init__(self, sizes: tuple[int, ...], source: Any) -> None:
        self.sizes, self.source = sizes, source

    def places(self, first: Any, shape: Any, samples: Any, arrays: Any) -> Here:
        box = tuple((a, a + n) for a, n in zip(first, shape, strict=True))
        given = arrays[0] if arrays else _sources.read(self.source, ((0, len(self.sizes)), *box))
        return Here(Points(np.asarray(given)), self.sizes, tuple(first), tuple(shape))


class Mapped(Positions):
    """A matrix, or each axis by itself."""

    def __init__(self, sizes: tuple[int, ...], mapping: Matrix | Axes) -> None:
        self.sizes, self.mapping = sizes, mapping
        self.is_known = all(np.isfinite(x).all() for x in as_matrix(mapping))

    def places(self, first: Any, shape: Any, samples: Any, arrays: Any) -> Here:
        places: Any = self.mapping
        if not self.is_known:
            places = Points(np.stack(list(self.coordinates(first, shape))))
        return Here(places, self.sizes, tuple(first), tuple(shape))

    def coordinates(self, first: Any, shape: Any) -> Any:
        """The positions along each axis of a map that is not finite, which has no bounds."""
        matrix, offset = as_matrix(self.mapping)
        index = np.ogrid[tuple(slice(a, a + n) for a, n in zip(first, shape, strict=True))]
        for row, start in zip(matrix, offset, strict=True):
            x = np.full((1,) * len(index), start)
            with np.errstate(invalid="ignore", over="ignore"):
                for i, step in zip(index, row, strict=True):
                    x = x + i * step
            yield np.broadcast_to(x, tuple(shape))
