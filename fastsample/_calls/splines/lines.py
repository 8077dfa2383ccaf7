"""Spline filters and separable resampling: what is done along which axes, and what lies outside."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._kernels.stages.splines.outputs import stored
from ..._kernels.vectors.memory import CACHE_LINE
from .. import again, buffers
from . import band_steps, band_taps, copies, line_steps, row_steps
from .line_steps import NO_BORDER, Border, Line
from .line_taps import SYMMETRY, Places, padding_of, stretch_of, taps_of

Array = NDArray[Any]


def filtered(
    x: Array,
    order: int,
    symmetry: str,
    work: type,
    pad: int = 0,
    padding: str | float = "edge",
    axes: Sequence[int] | None = None,
) -> Array:
    """The spline coefficients of x along some axes (all, by default), C-contiguous, in `work`.

    64 bytes that may be read lie behind them. With `pad` each of the axes is so much longer at both
    ends, by its edge or by a value of x's type, before it is filtered.
    """
    shape, lines = list(x.shape), []
    for axis in range(x.ndim) if axes is None else axes:
        size = x.shape[axis]
        shape[axis] = size + 2 * pad
        if shape[axis] > 1:
            lines.append(Line(axis, size, pad, order, symmetry, None, shape[axis]))
    out = with_slack(tuple(shape), work)
    border = NO_BORDER if padding == "edge" else Border(float(padding), 0.0)
    _filter(x, tuple(lines), border, out, work)
    return out


def _filter(x, lines, border, out, work):
    """Filter lines, those of two axes at once where that is quicker."""
    todo = band_steps if band_steps.suit(x, lines, border, out, work) else line_steps
    todo.run(x, lines, border, out, work)


def filter_axes(x: Array, order: int, axes: Sequence[int], symmetry: str, out: Array) -> None:
    """The coefficients along some axes, each put into `out` as NumPy casts: integers are truncated.

    Where `out` holds doubles, that is what is computed in, and all axes go in one run.
    """
    known = out.dtype.kind == "f" and out.dtype.isnative and out.flags.aligned
    if known and (out.dtype == np.float64 or len(axes) == 1):
        sizes = [(axis, x.shape[axis]) for axis in axes if x.shape[axis] > 1]
        lines = tuple(Line(axis, n, 0, order, symmetry, None, n) for axis, n in sizes)
        _filter(x, lines, NO_BORDER, out, np.float64)
    elif len(axes) == 1:
        with np.errstate(all="ignore"):  # what an integer can't hold is whatever NumPy makes of it
            out[...] = filtered(x, order, symmetry, np.float64, axes=axes)
    else:
        again.unseen()
        for axis in axes:
            filter_axes(x, order, [axis], symmetry, out)
            x = out


def with_slack(shape: tuple[int, ...], work: type) -> Array:
    """An empty array with a cache line behind it."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(work).itemsize
    raw = buffers.empty((size + CACHE_LINE,), np.dtype(np.uint8))
    return raw[:size].view(work).reshape(shape)


def resampled(
    x: Array,
    order: int,
    prefilter: bool,
    mode: str,
    cval: float,
    per_axis: Sequence[tuple[float, float, float] | None],
    out: Array,
    work: type,
) -> None:
    """Resample axes of x into `out`, each by itself.

    Result o of an axis lies at (o + pre) * scale + offset, for (pre, scale, offset) of `per_axis`;
    None leaves an axis alone. `out` is of any stored type, with any strides and byte order.
    """
    if not out.flags.aligned:
        whole = np.empty(out.shape, out.dtype)
        resampled(x, order, prefilter, mode, cval, per_axis, whole, work)
        out[...] = whole
        return
    native = out if out.dtype.isnative else out.view(out.dtype.newbyteorder("="))
    if order == 0 and copies.is_shift(x, native, mode):
        stretches = _stretches(per_axis, x.shape, work)
        if stretches is not None:
            copies.shift(x, stretches, native, cval)
            return
    pad, filtered = padding_of(mode, order, prefilter), order if prefilter else 0
    lines, parts, target = [], [], native
    for axis, place in enumerate(per_axis):
        if place is not None:
            places = Places(out.shape[axis], *place, mode, order, x.shape[axis], filtered > 1)
            taps, stretch = taps_of(places, work), stretch_of(places, work)
            first, end, before = taps.begins, taps.end, (slice(None),) * axis
            if stretch is None:
                how = taps.count, pad, filtered, SYMMETRY[mode], places, end - first
                lines.append(Line(axis, *how, first, taps.begin))
            else:
                x, target = x[(*before, stretch)], target[(*before, slice(first, end))]
            parts.append((axis, taps.good, taps.first, end))
    padding = cast_number(cval, x.dtype) if mode == "grid-constant" else None
    if all(line.results for line in lines):
        _resample(x, tuple(lines), Border(padding, cval), target, work)
    for part in parts:
        _fill(native, *part, cval)
    if not out.dtype.isnative:
        out.byteswap(inplace=True)


def _resample(x, lines, border, out, work):
    """Resample lines: all axes or two of them at once, where that is quicker."""
    todo = line_steps
    if row_steps.suit(x, lines, out):
        todo = row_steps
    elif band_taps.suit(x, lines, border, out, work):
        todo = band_taps
    todo.run(x, lines, border, out, work)


def _stretches(per_axis, shape, work):
    """Of each axis the stretch that is copied under order 0; None if any is not all in one."""
    found = []
    for size, place in zip(shape, per_axis, strict=True):
        first, end, stretch = 0, size, slice(0, size, 1)
        if place is not None:
            places = Places(size, *place, "constant", 0, size, False)
            taps, stretch = taps_of(places, work), stretch_of(places, work)
            first, end = taps.first, taps.end
        if stretch is None or stretch.step != 1:
            return None
        found.append(copies.Stretch(first, end, first - stretch.start))
    return tuple(found)


def cast_number(number: float, dtype: np.dtype[Any]) -> float:
    """A number as NumPy casts it: -1 is 255 among uint8."""
    with np.errstate(all="ignore"):
        return float(np.float64(number).astype(dtype.newbyteorder("=")))


def _fill(out, axis, good, first, end, value):
    """Results without taps, which lie before `first` or from `end` on, or are not good."""
    if good is None:
        return
    item, before = stored(value, out.dtype)[0], (slice(None),) * axis
    parts = [(*before, slice(first)), (*before, slice(end, None))]
    if not good[first:end].all():
        parts.append((*before, ~good))

    def fill(_, out):
        for part in parts:
            out[part] = item

    again.by_hand(fill, None, out, whole=False)
