"""Which samples a result along one axis is made from: borders, taps and weights, as tables."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._kernels.vectors.simd import LANES
from ..quiet import quietly
from .filters import brought_in, tap_weights

Array = NDArray[Any]
PAD = 12  # samples before and after a line whose border no filter has
# How taps outside are brought in, and so the symmetry with which a line is filtered.
SYMMETRY = {
    "constant": "mirror",
    "grid-constant": "mirror",
    "nearest": "reflect",
    "mirror": "mirror",
    "reflect": "reflect",
    "grid-mirror": "reflect",
    "wrap": "mirror",
    "grid-wrap": "wrap",
}
KEPT = 2**12  # results along an axis, up to which their tables are kept for the next call


class Places(NamedTuple):
    """Where the results along an axis lie: result o at (o + pre) * scale + offset."""

    size: int
    pre: float
    scale: float
    offset: float
    mode: str
    order: int
    samples: int  # of a line
    prefilter: bool  # is a line filtered first? Then all of its samples are read


class Taps(NamedTuple):
    """A table of taps: rows of 16 samples by where they begin, and weights.

    Its results are those from `begins` to the last that has any taps; its rows are what is read.
    """

    index: Array
    starts: Array  # of each result the first tap, where a line goes on without end
    weights: Array
    good: Array | None  # which of all results have taps; None: all of them
    begins: int  # the first result in the table: that at `first`, or some before it made likewise
    first: int  # the first that has taps
    end: int
    begin: int  # the first sample that is read
    count: int  # how many are


def padding_of(mode: str, order: int, prefilter: bool) -> int:
    """How many samples are set before and after a line."""
    return PAD if prefilter and order > 1 and mode in ("nearest", "grid-constant") else 0


def range_of(good: Array | None, size: int) -> tuple[int, int]:
    """From the first result that has taps to behind the last."""
    if good is None:
        return 0, size
    known = np.flatnonzero(good)
    return (int(known[0]), int(known[-1]) + 1) if len(known) else (0, 0)


def taps_of(places: Places, work: type) -> Taps:
    """The taps of all results of a line."""
    make = _kept if places.size <= KEPT else _made
    return make(places, work)


@quietly
def _made(places, work):
    size, mode, order = places.samples, places.mode, places.order
    pad = padding_of(mode, order, places.prefilter)
    x = (np.arange(places.size) + places.pre) * places.scale + places.offset
    x, good = folded(x, size, mode)
    x = np.clip(x + pad, -PAD, size + 2 * pad + PAD)  # beyond, all taps are outside anyway
    whole = np.floor(x if order % 2 else x + 0.5)
    known = np.isfinite(whole)
    start = np.where(known, whole, 0).astype(np.int64) - order // 2
    index = inside(start[:, None] + np.arange(order + 1), size + 2 * pad, mode)
    weights = tap_weights(x - whole, order)
    if order == 0 and mode == "grid-constant":
        index[~known] = size + 2 * pad
    good = None if good.all() else good
    first, end = range_of(good, places.size)
    begins = first - first % LANES if order else first
    kept = np.maximum(np.arange(begins, end), first)
    index, weights, begin, behind = index[kept], weights[kept], 0, size
    if not places.prefilter:
        begin, behind = _met(index, size)
        index = np.where(index < size, index - begin, behind - begin)
    rows = np.ascontiguousarray(index * LANES, np.int32)
    table = rows, start[kept], np.ascontiguousarray(weights, work)
    return Taps(*table, good, begins, first, end, begin, behind - begin)


def _met(index, size):
    """The first sample that taps meet, and what is behind the last; not none at all."""
    met = index[index < size]
    return (int(met.min()), int(met.max()) + 1) if met.size else (0, 1)


_kept = lru_cache(maxsize=256)(_made)


@lru_cache(maxsize=256)
def stretch_of(places: Places, work: type) -> slice | None:
    """The samples that are a line's results as they are, an even step apart; None if not so."""
    if places.order:
        return None
    taps = taps_of(places, work)
    index = taps.index[:, 0] // LANES
    steps = np.diff(index)
    if len(steps) == 0 or steps[0] == 0 or (steps != steps[0]).any() or index.max() == taps.count:
        return None
    stop = taps.begin + int(index[-1] + steps[0])
    return slice(taps.begin + int(index[0]), None if stop < 0 else stop, int(steps[0]))


def inside(index: Array, size: int, mode: str) -> Array:
    """Taps brought into the line, or to the row behind it."""
    if mode == "nearest":
        return np.clip(index, 0, size - 1)
    if mode == "grid-constant":
        return np.where((index < 0) | (index >= size), size, index)
    return brought_in(index, size, SYMMETRY[mode])


def folded(x: Array, size: int, mode: str) -> tuple[Array, Array]:
    """Places outside the line folded into it, and which of them are inside then."""
    if mode in ("nearest", "grid-constant"):
        return x, np.ones(x.shape, bool)
    if mode == "constant":
        return x, (x >= 0) & (x <= size - 1)
    if size == 1:
        return np.where(np.isfinite(x), 0.0, x), np.isfinite(x)
    fold = {"mirror": _mirror, "wrap": _wrap, "grid-wrap": _grid_wrap}.get(mode, _reflect)
    low, high = fold(x, size)
    x = np.where(x < 0, low, np.where(x > size - 1, high, x))
    return x, (x > -1) & (x <= size + 1)


# What is below and what is above a line, as scipy.ndimage rounds it.


def _mirror(x, size):
    period = 2 * size - 2
    low = period * np.trunc(-x / period) + x
    high = x - period * np.trunc(x / period)
    low = np.where(low <= 1 - size, low + period, -low)
    return low, np.where(high >= size, period - high, high)


def _reflect(x, size):
    period = 2 * size
    low = np.where(x < -period, period * np.trunc(-x / period) + x, x)
    high = x - period * np.trunc(x / period)
    beside = np.where(low > -1e-15, 1e-15, -low) - 1
    low = np.where(low < -size, low + period, beside)
    return low, np.where(high >= size, period - high - 1, high)


def _wrap(x, size):
    period = size - 1
    return x + period * (np.trunc(-x / period) + 1), x - period * np.trunc(x / period)


def _grid_wrap(x, size):
    low = x + size * (np.trunc((-1 - x) / size) + 1)
    return low, x - size * np.trunc(x / size)
