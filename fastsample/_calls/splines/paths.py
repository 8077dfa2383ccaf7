"""Which way a spline is computed: copied, axis by axis, plane by plane, or point by point."""

from typing import Any

import numpy as np

from .. import again
from ..quiet import cast
from . import copies, lines
from .gather import POINT_NS, TAP_NS, Rule, sample
from .line_taps import KEPT, SYMMETRY
from .places import Axes, Axis, Matrix, Points

PADDED = ("nearest", "grid-constant")  # modes of which SciPy filters a wider array,
PAD = 12  # by so many pixels on all sides: finite, so that its results show it
# ns: a sample of a line, read and resampled along all axes; a result's taps along an axis where a
# call does not find them kept. Half of what they take, as points must win clearly. And how many
# times a point's time where no sampled axis has neighbours in memory.
LINE_NS, TABLE_NS, APART = 2.0, 200.0, 4


def interpolate(x: Any, axes: tuple[int, ...], places: Any, out: Any, options: Any) -> None:
    """Interpolate a real array along some axes, plane by plane of the others, into `out`."""
    if isinstance(places, Matrix):
        places = _diagonal(places)
    if not isinstance(places, Points) and x.ndim == out.ndim and _interpolates(options):
        x, axes, places = _sampled_axes(x, axes, places, out)
        if not axes:
            again.unseen()
            copies.copy(x, out)
            return
        steps = _whole_steps(places)
        if steps is not None and _copies(x, axes, steps, out, options):
            copies.move(x, axes, steps, out, options)
            return
    separable = isinstance(places, Axes) and _is_separable(x, options)
    if separable and not _suits_points(x, axes, places, out, options):
        _by_axes(x, axes, places, out, options)
    else:
        by_points(x, axes, places, out, options)


def _interpolates(options):
    """Is a value at a pixel the pixel's own?"""
    return options.order < 2 or options.prefilter


def _diagonal(places):
    """A matrix as its diagonal, if it is one."""
    matrix, offset = places
    rank, columns = matrix.shape
    if rank != columns or not np.isfinite(matrix).all():
        return places
    if np.count_nonzero(matrix) != np.count_nonzero(np.diag(matrix)):
        return places
    pairs = zip(np.diag(matrix), offset, strict=True)
    return Axes(tuple(Axis(0.0, float(m), float(b)) for m, b in pairs))


def _sampled_axes(x, axes, places, out):
    """Without the axes along which each pixel reads itself: these are left alone."""
    if isinstance(places, Matrix):
        eye = np.eye(len(axes))
        same = (places.matrix == eye) & (eye == places.matrix.T)
        still = same.all(1) & (places.offset == 0)
    else:
        still = [a.scale == 1 and a.pre + a.offset == 0 for a in places.axes]
    kept = [k for k, a in enumerate(axes) if not (still[k] and out.shape[a] <= x.shape[a])]
    if len(kept) == len(axes):
        return x, axes, places
    for k, a in enumerate(axes):
        if k not in kept:
            x = x[(slice(None),) * a + (slice(out.shape[a]),)]
    if isinstance(places, Matrix):
        places = Matrix(places.matrix[np.ix_(kept, kept)], places.offset[kept])
    else:
        places = Axes(tuple(places.axes[k] for k in kept))
    return x, tuple(axes[k] for k in kept), places


def _whole_steps(places):
    """For each axis the axis of the output it reads along, the sign and the start; None if not so.

    All whole: these are copies.
    """
    if isinstance(places, Axes):
        steps = [(k, a.scale, a.pre * a.scale + a.offset) for k, a in enumerate(places.axes)]
    else:
        along = np.argmax(places.matrix != 0, axis=1)
        if (np.count_nonzero(places.matrix, axis=1) != 1).any() or len({*along}) < len(along):
            return None
        signs = places.matrix[np.arange(len(along)), along]
        steps = list(zip(along.tolist(), signs.tolist(), places.offset.tolist(), strict=True))
    if all(abs(sign) == 1 and float(start).is_integer() for _, sign, start in steps):
        return [(k, int(sign), int(start)) for k, sign, start in steps if abs(start) < 2**53]
    return None


def _copies(x, axes, steps, out, options):
    """Is a value at whole places the pixel's own, to the last bits that SciPy's has?"""
    order, mode, cval, _, _ = options
    if len(steps) < len(axes):
        return False
    if order < 2 or mode not in PADDED:
        return True
    if mode == "grid-constant" and not _holds(x.dtype, cval):
        return False
    return all(
        low >= -PAD and high <= x.shape[a] - 1 + PAD
        for a, (low, high) in zip(axes, copies.ranges(axes, steps, out.shape), strict=True)
    )


def _holds(dtype, number):
    """Has a type this number?"""
    return float(cast(np.array([number], np.float64), dtype)[0]) == number


def _is_separable(x, options):
    """Does the filter pad with the value that lies beyond the padding?"""
    return (
        options.order < 2
        or not options.prefilter
        or options.mode != "grid-constant"
        or _holds(x.dtype, options.cval)
    )


def _suits_points(x, axes, places, out, options):
    """Do sums of each point's own taps take less than lines, which are read and described whole?

    Where few results are made of many samples that need no filter, or lines are long and few. On
    two cores of Zen 1, order 1: 1024x1024 to half of it 1.5 ms and not 2.4, to a tenth 0.2 and not
    2.0; 100,000 samples of one line to 125,000 0.5 and not 61, of order 3 with its filter 6 and 69.
    """
    order, _, _, prefilter, _ = options
    samples, table = float(x.size), 0
    for a, place in zip(axes, places.axes, strict=True):
        if order < 2 or not prefilter:
            read = abs(place.scale) * (out.shape[a] - 1) + order + 1
            samples *= min(1.0, read / x.shape[a])
        table += out.shape[a] if out.shape[a] > KEPT else 0
    if order > 1 and prefilter:
        samples = 0.0  # both filter
    apart = 1 if any(x.strides[a] == x.itemsize for a in axes) else APART
    point_ns = (POINT_NS + TAP_NS * (order + 1) ** len(axes)) * apart
    return samples * LINE_NS + table * TABLE_NS > out.size * point_ns


def _by_axes(x, axes, places, out, options):
    """Each axis by itself."""
    order, mode, cval, prefilter, single = options
    per_axis = [None] * x.ndim
    for a, place in zip(axes, places.axes, strict=True):
        per_axis[a] = tuple(place)
    prefilter = prefilter and order > 1
    lines.resampled(x, order, prefilter, mode, float(cval), per_axis, out, _work(single))


def _work(single):
    """The type of sums."""
    return np.float32 if single else np.float64


def by_points(x, axes, places, out, options, part=None):
    """Sums of all taps of each point; of a part of a call, whose input is filtered by itself."""
    order, mode, cval, prefilter, single = options
    pad = 0
    if order > 1 and prefilter:
        x, pad = coefficients(x, axes, options)
    if part is not None:
        part = part._replace(sizes=tuple(n + 2 * pad for n in part.sizes))
    sample(x, axes, places, out, Rule(order, mode, float(cval), pad, 4 if single else 8), part)


def coefficients(x, axes, options):
    """What the filter makes of an array, and how many pixels more it has on all sides."""
    order, mode, cval, _, single = options
    symmetry, work = SYMMETRY[mode], _work(single)
    if mode not in PADDED:
        return lines.filtered(x, order, symmetry, work, axes=axes), 0
    fill = "edge"
    if mode == "grid-constant":  # as NumPy pads: -1 is 255 among bytes
        fill = float(lines.cast_number(cval, x.dtype))
    return lines.filtered(x, order, symmetry, work, PAD, fill, axes), PAD
