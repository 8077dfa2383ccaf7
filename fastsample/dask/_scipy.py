"""Where chunks read as scipy.ndimage has it: coordinates in double, folded by its own formulas.

After the fold the taps of every mode of SciPy's are those of one of this library's borders.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._calls import places
from .._calls.formula import Axis, grid_axes
from .._calls.places import Places
from .._kernels.kind import AFFINE, GRID
from . import _sources
from ._job import Sampled

Array = NDArray[Any]
BORDERS = {  # which border the taps of a folded position meet
    "constant": "constant",
    "grid-constant": "constant",
    "nearest": "border",
    "mirror": "mirror",
    "reflect": "border",
    "grid-mirror": "border",
    "wrap": "border",
    "grid-wrap": "wrap",
}
SAFE = 1e-6  # pixels inside the image where no rounding leads out of it


def _beyond(x: Array, period: float) -> Array:
    """Whole periods in a distance, as SciPy truncates them."""
    return period * np.trunc(x / period)


def _mirror(x: Array, n: int) -> Array:
    p = 2.0 * n - 2
    low = _beyond(-x, p) + x
    high = x - _beyond(x, p)
    low = np.where(low <= 1 - n, low + p, -low)
    return np.where(x < 0, low, np.where(high >= n, p - high, high))


def _reflect(x: Array, n: int) -> Array:
    p = 2.0 * n
    low = np.where(x < -p, _beyond(-x, p) + x, x)
    low = np.where(low < -n, low + p, np.where(low > -1e-15, 1e-15, -low) - 1)
    high = x - _beyond(x, p)
    return np.where(x < 0, low, np.where(high >= n, p - high - 1, high))


def _wrap(x: Array, n: int) -> Array:
    p = n - 1.0
    return np.where(x < 0, x + (_beyond(-x, p) + p), x - _beyond(x, p))


def _grid_wrap(x: Array, n: int) -> Array:
    p = float(n)
    return np.where(x < 0, x + (_beyond(-1 - x, p) + p), x - _beyond(x, p))


FOLDS = {
    "mirror": _mirror,
    "reflect": _reflect,
    "grid-mirror": _reflect,
    "wrap": _wrap,
    "grid-wrap": _grid_wrap,
}


def folded(x: Array, n: int, mode: str, order: int) -> tuple[Array, Array | None]:
    """Positions along an axis as taps are taken of, and which points are the fill value, if any."""
    inside = (x >= 0) & (x <= n - 1)
    lost = None
    if not inside.all():
        out = ~inside
        values, gone = x[out], np.isnan(x[out])
        with np.errstate(invalid="ignore", over="ignore"):
            if mode in FOLDS:
                gone = ~np.isfinite(values)
                values = FOLDS[mode](values, n) if n > 1 else np.zeros_like(values)
            elif mode == "constant":
                gone = np.ones(len(values), bool)
            elif mode == "nearest" and not order:
                values, gone = np.where(gone, 0.0, values), np.zeros(len(values), bool)
            elif mode == "nearest" or order:  # NaN passes
                gone = np.zeros(len(values), bool)
        x = np.array(x)
        x[out] = values
        if gone.any():
            lost = np.zeros(x.shape, bool)
            lost[out] = gone
    return (np.floor(x + 0.5) if order == 0 else x), lost


class Positions(Sampled):
    """What the three functions share; `coordinates` gives unfolded positions of each axis."""

    is_bounded = True
    exact = False  # integers are rounded: the last bit of a position may decide

    def __init__(self, sizes: tuple[int, ...], mode: str, order: int) -> None:
        self.sizes, self.mode, self.order = sizes, mode, order
        self.axes = grid_axes(sizes, False, "pixel")

    def places(self, first: Any, shape: Any, samples: Any, arrays: Any) -> Places:
        quick = self.inside(first, shape)
        if quick is not None:
            return quick
        points, lost = np.empty((1, *shape, len(self.sizes))), None
        for a, x in enumerate(self.coordinates(first, shape, arrays)):
            x, gone = folded(x, self.sizes[a], self.mode, self.order)
            points[0, ..., -1 - a] = x
            if gone is not None:
                lost = np.zeros(tuple(shape), bool) if lost is None else lost
                lost |= gone
        if lost is not None:
            points[0, lost] = np.nan  # see `put_lost`
        return Places(GRID, self.axes, points)

    def inside(self, first: Any, shape: Any) -> Places | None:
        """The places of a chunk that lies inside, where a kernel computes them by itself."""
        return None

    def put_outside(self, here: Any, options: Any, out: Array) -> None:
        """Fill a part of which no point reads a pixel."""
        places.put_outside(here, options, out)
        self.put_lost(here, options, out)

    def put_lost(self, here: Any, options: Any, out: Array) -> None:
        """Points without a place read the fill value, where NaN does not pass."""
        passes = self.mode == "nearest" or (self.mode == "grid-constant" and self.order)
        if passes or here.source != GRID:
            return
        lost = np.isnan(here.numbers[0]).any(-1)
        if lost.any():
            value = np.empty(1, out.dtype)
            stored(np.array([options.fill], np.float64), value)
            out[..., lost] = value[0]

    def sample(self, here: Any, image: Array, origin: Any, options: Any, out: Array) -> None:
        """Sample; integers in double, since SciPy rounds halves away from zero."""
        work = np.float64 if image.dtype.kind in "biu" and self.order else image.dtype
        wide = image.astype(work, copy=False)
        direct = wide.dtype == out.dtype
        found = out if direct else np.empty(out.shape, wide.dtype)
        places.sample(here, wide, origin, options, found)
        if not direct:
            stored(found, out)
        self.put_lost(here, options, out)


def stored(found: Array, out: Array) -> None:
    """Values as another type, as SciPy stores them: halves away from zero, clamped."""
    if out.dtype.kind == "f":
        out[...] = found
    elif out.dtype.kind == "b":
        out[...] = np.abs(found) >= 1
    else:
        limits = np.iinfo(out.dtype)
        with np.errstate(invalid="ignore"):
            whole = np.nan_to_num(np.trunc(found + np.copysign(0.5, found)))
        most = np.nextafter(float(limits.max), 0) if limits.bits == 64 else limits.max
        out[...] = np.clip(whole, limits.min, most).astype(out.dtype)


class Given(Positions):
    """Coordinates (D, *out) of a source, or as blocks."""

    is_bounded = False

    def __init__(self, source: Any, *about: Any) -> None:
        super().__init__(*about)
        self.source = source

    def coordinates(self, first: Any, shape: Any, arrays: Any) -> Any:
        box = tuple((a, a + n) for a, n in zip(first, shape, strict=True))
        given = arrays[0] if arrays else _sources.read(self.source, ((0, len(self.sizes)), *box))
        return np.asarray(given, np.float64)


class Affine(Positions):
    """(offset + o_0 m_0) + o_1 m_1 + ..., in this order and without fused operations."""

    def __init__(self, matrix: Array, offset: Array, *about: Any) -> None:
        super().__init__(*about)
        self.matrix, self.offset = matrix, offset

    def coordinates(self, first: Any, shape: Any, arrays: Any) -> Any:
        count = len(shape)
        for row, start in zip(self.matrix, self.offset, strict=True):
            x = np.full((1,) * count, start)
            with np.errstate(invalid="ignore", over="ignore"):
                for k, (begin, n) in enumerate(zip(first, shape, strict=True)):
                    index = np.arange(begin, begin + n, dtype=np.float64)
                    x = x + index.reshape(-1, *[1] * (count - 1 - k)) * row[k]
            yield np.broadcast_to(x, tuple(shape))

    def inside(self, first: Any, shape: Any) -> Places | None:
        known = np.isfinite(self.matrix).all() and np.isfinite(self.offset).all()
        if (
            self.exact
            or not self.order
            or not known
            or self.matrix.shape[0] != self.matrix.shape[1]
        ):
            return None
        theta = np.column_stack([self.matrix[::-1, ::-1], self.offset[::-1]])[None]
        both = zip(self.sizes, first, shape, strict=True)
        axes = tuple(Axis(n, 0.0, 1.0, 0.0, -0.5, k, 0.0, 1.0, at) for n, at, k in both)
        here = Places(AFFINE, axes, np.ascontiguousarray(theta))
        low, high = places.bounds(here, "border")
        limits = zip(low, high, self.sizes, strict=True)
        return here if all(a > SAFE and b < n - 1 - SAFE for a, b, n in limits) else None


class Zoomed(Positions):
    """(o + pre) * step - pre along each axis."""

    def __init__(self, steps: tuple[float, ...], pre: float, *about: Any) -> None:
        super().__init__(*about)
        self.steps, self.pre = steps, pre

    def coordinates(self, first: Any, shape: Any, arrays: Any) -> Any:
        count = len(shape)
        for k, (begin, n) in enumerate(zip(first, shape, strict=True)):
            x = np.arange(begin, begin + n, dtype=np.float64)
            x = (x + self.pre) * self.steps[k] - self.pre if self.pre else x * self.steps[k]
            yield np.broadcast_to(x.reshape(-1, *[1] * (count - 1 - k)), tuple(shape))
