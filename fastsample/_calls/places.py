"""Where a part of an output reads, and its values from a part of the input.

Positions are those of the whole call, whatever part of the output is made: indices begin at the
part's first point, border rules know the whole input's sizes, and only the addresses are the
part's. So a part equals that of the whole result to the bit.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels.kind import AFFINE, FLOW, FOLDS, GRID, RULES
from . import ranges, run
from .formula import Axis

Array = NDArray[Any]
SLACK = 1e-6  # pixels by which a corner of a part may be rounded, and of its distance:
RELATIVE = 1e-12
FEW = 8  # pixels along an axis of an image that is small, but has room for all taps


class Places(NamedTuple):
    """Where the points of a part of an output read."""

    source: int  # GRID, AFFINE or FLOW
    axes: tuple[Axis, ...]  # of the whole input; `begin` and `points` are the part's
    numbers: Array  # (N, *out, D) coordinates or steps, or (N, D, D + 1) matrices

    @property
    def shape(self) -> tuple[int, ...]:
        """*out of the part."""
        if self.source == GRID:  # of any number of axes
            return self.numbers.shape[1:-1]
        return tuple(a.points for a in self.axes)

    def cut(self, part: tuple[slice, ...]) -> "Places":
        """The places of a smaller part."""
        if self.source == GRID:
            return self._replace(numbers=self.numbers[(slice(None), *part)])
        both = zip(self.axes, part, strict=True)
        axes = tuple(a._replace(begin=a.begin + s.start, points=s.stop - s.start) for a, s in both)
        numbers = self.numbers if self.source == AFFINE else self.numbers[(slice(None), *part)]
        return Places(self.source, axes, numbers)


def matrices(axes: tuple[Axis, ...], theta: Array) -> Places:
    """The places of matrices; a matrix that is not finite has points of all kinds."""
    if np.isfinite(theta).all():
        return Places(AFFINE, axes, theta)
    grid = np.empty((len(theta), *(a.points for a in axes), len(axes)))
    for at in range(len(axes)):
        row = theta[:, at].reshape(-1, *[1] * len(axes), len(axes) + 1)
        total = row[..., -1]
        for k, other in enumerate(axes[::-1]):
            with np.errstate(invalid="ignore", over="ignore"):
                total = total + row[..., k] * _index_of(axes, len(axes) - 1 - k, other)
        grid[..., at] = total
    return Places(GRID, axes, grid)


def _index_of(axes: tuple[Axis, ...], a: int, axis: Axis) -> Array:
    """The places of the output's points along axis a, to be broadcast over the others."""
    index = axis.base + (axis.begin + np.arange(axis.points)) * axis.step
    return index.reshape(-1, *[1] * (len(axes) - 1 - a))


def bounds(places: Places, padding_mode: str) -> tuple[list[float], list[float]] | None:
    """The lowest and the highest position along each axis; None where no point has a place."""
    if places.source == AFFINE:
        return _bounds_of_matrices(places)
    lost, low, high = lost_points(places, padding_mode), [], []
    for a, axis in enumerate(places.axes):
        p = _positions(places, a, axis)
        if lost is not None:
            p = p[~lost]
        if p.size == 0:
            return None
        low.append(float(p.min()))
        high.append(float(p.max()))
    return low, high


def _bounds_of_matrices(places: Places) -> tuple[list[float], list[float]]:
    """In closed form: the middle of the box, and half its sides under the absolute matrix."""
    low, high = [], []
    for a, axis in enumerate(places.axes):
        row = places.numbers[:, len(places.axes) - 1 - a]
        middle, around = row[:, -1] + axis.pre, np.zeros(len(row))
        size = np.abs(middle)
        for k, other in enumerate(places.axes[::-1]):
            half = (other.points - 1) / 2
            step = row[:, k] * other.step
            place = row[:, k] * other.base + step * (other.begin + half)
            middle, around = middle + place, around + np.abs(step) * half
            size = size + np.abs(place)
        scale = abs(axis.scale)
        slack = SLACK + RELATIVE * scale * (size + around)
        middle = middle * axis.scale + axis.offset
        low.append(float((middle - around * scale - slack).min()))
        high.append(float((middle + around * scale + slack).max()))
    return low, high


def _positions(places: Places, a: int, axis: Axis) -> Array:
    """Positions in pixels along axis a, to within rounding."""
    values = places.numbers[..., -1 - a]
    if places.source == FLOW:
        return values + _index_of(places.axes, a, axis).astype(values.dtype)
    if (axis.pre, axis.scale, axis.offset) == (0.0, 1.0, 0.0):
        return values
    with np.errstate(invalid="ignore", over="ignore"):
        return (values + axis.pre) * axis.scale + axis.offset


def lost_points(places: Places, padding_mode: str) -> Array | None:
    """Which points have no place: NaN, and infinite ones where a rule folds. None: all have one."""
    has_place = np.isfinite(places.numbers).all(-1)
    if has_place.all():
        return None
    if RULES[padding_mode] not in FOLDS:
        has_place = ~np.isnan(places.numbers).any(-1)
    return None if has_place.all() else ~has_place


class Options(NamedTuple):
    """How a part is sampled."""

    mode: str
    padding_mode: str
    fill: Any


Intervals = tuple[tuple[tuple[int, int], ...], ...]


def pixels(places: Places, options: Options) -> Intervals | None:
    """Which pixels a part reads: intervals along each axis; None where it reads none."""
    found = bounds(places, options.padding_mode)
    return None if found is None else between(*found, places.axes, options)


def between(
    low: list[float], high: list[float], axes: tuple[Axis, ...], options: Options
) -> Intervals | None:
    """Which pixels points between two positions along each axis read."""
    each = []
    for start, end, axis in zip(low, high, axes, strict=True):
        reading = ranges.reading_of(options.mode, options.padding_mode, axis.low_mirror)
        each.append(ranges.pixels(start, end, axis.size, reading))
    return None if None in each else tuple(each)


def sample(
    places: Places, input: Array, origin: tuple[int, ...], options: Options, out: Array
) -> None:
    """Sample the part (N, C, *in) of the input that begins at `origin` into `out` (N, C, *out)."""
    lost = None if places.source == AFFINE else lost_points(places, options.padding_mode)
    if lost is not None:
        places = places._replace(numbers=_found(places, lost))
    sampling = run.Sampling(
        options.mode, options.padding_mode, places.axes, options.fill, places.source, origin=origin
    )
    specs = (run.Spec(*run.spec(x)) for x in (input, places.numbers, out))
    # Not kept: no other part has this call, and the calls that users repeat would be forgotten.
    ready = run.prepare.__wrapped__(sampling, *specs)
    run.run(ready, sampling, input, places.numbers, out)
    if lost is not None:
        put_lost(out, lost, places, options)


def _found(places: Places, lost: Array) -> Array:
    """Numbers in which points without a place read where the first point with one does."""
    numbers = np.array(places.numbers)
    where = tuple(np.argwhere(~lost)[0])
    for a, axis in enumerate(places.axes):
        if places.source == FLOW:
            index = np.broadcast_to(_index_of(places.axes, a, axis), lost.shape)
            value = numbers[(*where, -1 - a)] + index[where] - index[lost]
        else:
            value = numbers[(*where, -1 - a)]
        numbers[lost, -1 - a] = value
    return numbers


def put_lost(out: Array, lost: Array, places: Places, options: Options) -> None:
    """Write what points without a place read."""
    for c, value in enumerate(_value_of(np.nan, places, options, out)):
        plane = out[:, c]
        plane[np.broadcast_to(lost, plane.shape)] = value


def put_outside(places: Places, options: Options, out: Array) -> None:
    """Write a part that reads no pixel."""
    for c, value in enumerate(_value_of(-100.0, places, options, out)):
        out[:, c] = value
    lost = None if places.source == AFFINE else lost_points(places, options.padding_mode)
    if lost is not None:
        put_lost(out, lost, places, options)


def _value_of(position: float, places: Places, options: Options, out: Array) -> Array:
    """What a point there reads of a small image, in each channel: rules stay in the kernels."""
    count = len(places.axes)
    axes = tuple(Axis(FEW, 0.0, 1.0, 0.0, -0.5, points=1) for _ in places.axes)
    numbers = np.full((1, *[1] * count, count), position, places.numbers.dtype)
    if places.source == AFFINE:
        numbers = np.zeros((1, count, count + 1), places.numbers.dtype)
        numbers[..., -1] = position
    image = np.zeros((1, out.shape[1], *[FEW] * count), out.dtype)
    found = np.empty((1, out.shape[1], *[1] * count), out.dtype)
    sampling = run.Sampling(options.mode, options.padding_mode, axes, options.fill, places.source)
    run.sample(sampling, image, numbers, found)
    return found.reshape(-1)
