"""Spline filters and separable resampling: arrays as lines, axis after axis, for the kernels.

Each axis is read and written once, filtered and resampled on the way. Between two axes an array
lies in the result, if that is of the type that is computed in and large enough. Axes of a part of
the result that stays in the second-level cache are done in turn, part by part.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels import drive
from .._kernels.kind import CODES
from .._kernels.stages.line_blocks import LINES
from .._kernels.stages.lines import (
    AXIS,
    IMAGE,
    OTHER,
    OUT,
    lines_loop,
    reader,
    scratch_bytes,
    writer,
)
from .._kernels.stages.outputs import code_of, stored
from .._kernels.threads import MOST_THREADS
from .._kernels.vectors.memory import CACHE_LINE
from .._kernels.vectors.simd import LANES
from . import buffers, schedule
from .line_taps import SYMMETRY, Places, Taps, padding_of, taps_of
from .spline_filters import NO_FILTER, Filter, filter_of

Array = NDArray[Any]
TOGETHER = 2**18  # bytes of a part whose axes are done in turn: half a second-level cache
PIECES = 8  # for each thread
# ns, one thread: to read a sample, filter it and write it, and to add one of its taps.
SAMPLE_NS, TAP_NS = 1.5, 0.4


class Line(NamedTuple):
    """What is done along an axis."""

    axis: int
    size: int
    pad: int
    filter: Filter
    taps: Taps | None
    results: int


class Border(NamedTuple):
    """What lies outside a line: its own ends (None) or a value before and after it; at a tap."""

    padding: float | None
    outside: float


class Step(NamedTuple):
    """A line's axis, in arrays that begin in others."""

    line: Line
    source: Array
    target: Array


class Arrays(NamedTuple):
    """The memory that steps read and write."""

    image: Array
    out: Array
    other: Array | None


NO_BORDER = Border(None, 0.0)


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
    axes = range(x.ndim) if axes is None else axes
    lines = [_filter_line(axis, x.shape[axis], order, symmetry, pad) for axis in axes]
    lines = [line for line in lines if line]
    shape = list(x.shape)
    for line in lines:
        shape[line.axis] = line.results
    out = with_slack(tuple(shape), work)
    border = NO_BORDER if padding == "edge" else Border(float(padding), 0.0)
    _run(x, lines, border, out, work)
    return out


def _filter_line(axis, size, order, symmetry, pad):
    found = filter_of(order, size + 2 * pad, symmetry)
    if not pad and not len(found.poles):
        return None
    return Line(axis, size, pad, found, None, size + 2 * pad)


def filter_axes(x: Array, order: int, axes: Sequence[int], symmetry: str, out: Array) -> None:
    """The coefficients along some axes, each put into `out` as NumPy casts: integers are truncated.

    Where `out` holds doubles, that is what is computed in, and all axes go in one run.
    """
    known = out.dtype.kind == "f" and out.dtype.isnative and out.flags.aligned
    if known and (out.dtype == np.float64 or len(axes) == 1):
        lines = [_filter_line(axis, x.shape[axis], order, symmetry, 0) for axis in axes]
        _run(x, [line for line in lines if line], NO_BORDER, out, np.float64)
    elif len(axes) == 1:
        out[...] = filtered(x, order, symmetry, np.float64, axes=axes)
    else:
        for axis in axes:
            filter_axes(x, order, [axis], symmetry, out)
            x = out


def filter_axis(x: Array, order: int, axis: int, symmetry: str, out: Array) -> None:
    """`filter_axes` along one axis."""
    filter_axes(x, order, [axis], symmetry, out)


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
    native = out.view(out.dtype.newbyteorder("="))
    plans = [
        Resampling(axis, x.shape[axis], Places(out.shape[axis], *place))
        for axis, place in enumerate(per_axis)
        if place is not None
    ]
    pad = padding_of(mode, order, prefilter)
    taps = [taps_of(p.size, p.places, mode, order, pad, work) for p in plans]
    inner, parts = native, []
    for plan, table in zip(plans, taps, strict=True):
        first, end = _inside(table.good, plan.places.size)
        inner = inner[(slice(None),) * plan.axis + (slice(first, end),)]
        found = filter_of(order, plan.size + 2 * pad, SYMMETRY[mode]) if prefilter else NO_FILTER
        parts.append(Line(plan.axis, plan.size, pad, found, _part(table, first, end), end - first))
    padding = float(cast_number(cval, x.dtype)) if mode == "grid-constant" else None
    _run(x, parts, Border(padding, cval), inner, work)
    for plan, table in zip(plans, taps, strict=True):
        _fill(native, plan.axis, table.good, cval)
    if not out.dtype.isnative:
        out.byteswap(inplace=True)


class Resampling(NamedTuple):
    """An axis that is resampled."""

    axis: int
    size: int
    places: Places


def cast_number(number: float, dtype: np.dtype[Any]) -> Any:
    """A number as NumPy casts it: -1 is 255 among uint8."""
    with np.errstate(all="ignore"):
        return np.float64(number).astype(dtype.newbyteorder("="))


def _inside(good, size):
    """From the first result that has taps to the last."""
    if good is None:
        return 0, size
    known = np.flatnonzero(good)
    return (int(known[0]), int(known[-1]) + 1) if len(known) else (0, 0)


def _part(table, first, end):
    return Taps(table.index[first:end], table.weights[first:end], None)


def _fill(out, axis, good, value):
    """Results without taps."""
    if good is None:
        return
    item = stored(value, out.dtype)[0]
    along = np.moveaxis(out, axis, 0)
    first, end = _inside(good, len(good))
    along[:first] = item
    along[end:] = item
    if not good[first:end].all():
        along[~good] = item


# Steps -------------------------------------------------------------------------------------------


def _run(x, lines, border, out, work):
    """Do what is to be done along some axes of x, and put the results into `out`."""
    if out.size == 0:
        return
    if x.ndim == 0:
        x, out = x.reshape(1), out.reshape(1)
    if not x.flags.aligned or any(s % x.itemsize for s in x.strides):
        x = buffers.native(x)
    if not lines:
        last = x.ndim - 1
        lines = [Line(last, x.shape[last], 0, NO_FILTER, None, x.shape[last])]
    lines = sorted(lines, key=lambda line: line.results / line.size)  # first what makes it smaller
    steps, arrays = _steps(x, lines, out, work)
    for group, slabs in _groups(steps, work):
        _run_group(group, slabs, arrays, border, work)


def _steps(x, lines, out, work):
    """Where each step reads and writes; and the arrays in which that lies."""
    shapes = [x.shape]
    for line in lines:
        shapes.append((*shapes[-1][: line.axis], line.results, *shapes[-1][line.axis + 1 :]))
    between, other, room = shapes[1:-1], None, out
    fits = out.dtype == work and all(
        n <= m for shape in between for n, m in zip(shape, out.shape, strict=True)
    )
    if between and not fits:
        room = other = np.empty([max(sizes) for sizes in zip(*between, strict=True)], work)
    views = [x, *(room[tuple(slice(n) for n in shape)] for shape in between), out]
    steps = [Step(*three) for three in zip(lines, views, views[1:], strict=False)]
    return steps, Arrays(x, out, other)


def _groups(steps, work):
    """Steps one by one; the last ones together where a part of the array fits into a cache.

    Each with the number of such parts.
    """
    shape = np.max([step.target.shape for step in steps] + [steps[-1].source.shape], axis=0)
    count = 0
    for k in range(2, len(steps) + 1):
        first = min(step.line.axis for step in steps[-k:])
        slabs = int(np.prod(shape[:first]))
        small = np.prod(shape[first:]) * np.dtype(work).itemsize <= TOGETHER
        if small and (slabs >= MOST_THREADS or not _pays(steps)):
            count = k
    alone = steps[: len(steps) - count]
    groups = [([step], 0) for step in alone]
    if count:
        together = steps[-count:]
        first = min(step.line.axis for step in together)
        groups.append((together, int(np.prod(shape[:first]))))
    return groups


def _cost(step):
    """ns, on one thread."""
    taps = step.line.taps.weights.shape[1] if step.line.taps else 0
    filters = 1 + len(step.line.filter.poles)
    return step.source.size * SAMPLE_NS * filters + step.target.size * TAP_NS * taps


def _pays(steps):
    """Is it worth waking other threads?"""
    return sum(_cost(step) for step in steps) > schedule.SERIAL_NS


def _run_group(steps, slabs, arrays, border, work):
    """Run some steps, part by part; or one step in pieces of some lines."""
    parallel = _pays(steps)
    jobs, tables = np.zeros(len(steps), LINES), Tables()
    for job, step in zip(jobs, steps, strict=True):
        _describe(job, step, arrays, border, work, tables)
    pieces = _cut(jobs, steps, slabs, parallel, work)
    room = max(scratch_bytes(s.line.size, s.line.pad, np.dtype(work).itemsize) for s in steps)
    task = np.array([len(steps), room])
    read = (jobs, tables.joined(), arrays.image, task, arrays.other)
    flat = [drive.NOTHING if a is None else buffers.read_bytes(a) for a in read]
    code = CODES[np.dtype(work)]
    drive.run(lines_loop(code), parallel, (*flat, buffers.as_bytes(arrays.out)), pieces)


def _cut(jobs, steps, slabs, parallel, work):
    """Give each piece its share of the lines; how many pieces there are."""
    wanted = PIECES * MOST_THREADS if parallel else 1
    if not slabs:
        blocks = -(-int(jobs[0]["lines"]) // LANES)
        jobs["share"] = LANES * -(-blocks // wanted)
    else:
        each = max(step.target.size for step in steps) * np.dtype(work).itemsize // slabs
        some = min(max(1, TOGETHER // max(each, 1)), -(-slabs // wanted))
        jobs["share"] = jobs["lines"] // slabs * some
    return -(-int(jobs[0]["lines"]) // int(jobs[0]["share"]))


class Tables:
    """Tables of several types, one after the other."""

    def __init__(self):
        self.parts, self.size = [], 0

    def put(self, table):
        """Add one; where it begins."""
        at, raw = self.size, np.frombuffer(np.ascontiguousarray(table).tobytes(), np.uint8)
        gap = -len(raw) % CACHE_LINE
        self.parts += [raw, np.zeros(gap, np.uint8)]
        self.size += len(raw) + gap
        return at

    def joined(self):
        """All of them."""
        return np.concatenate(self.parts)


def _describe(job, step, arrays, border, work, tables):
    """What the kernel is told of a step."""
    line, code = step.line, CODES[np.dtype(work)]
    job["n"], job["pad"], job["m"] = line.size, line.pad, line.results
    job["gain"], job["outside"] = line.filter.gain, border.outside
    job["constant"] = border.padding is not None
    job["padding"] = border.padding or 0.0
    job["poles"], job["needed"] = len(line.filter.poles), line.filter.needed
    job["poles_at"], job["ends_at"] = tables.put(line.filter.poles), tables.put(line.filter.terms)
    if line.taps:
        job["taps"] = line.taps.weights.shape[1]
        job["index_at"] = tables.put(line.taps.index)
        job["weights_at"] = tables.put(line.taps.weights)
    first = step.source is arrays.image
    source = CODES[step.source.dtype.newbyteorder("=")]
    job["read"] = reader(source, int(not step.source.dtype.isnative), code)
    job["write"] = writer(code, code_of(step.target.dtype))
    base = arrays.image if first else arrays.other if arrays.other is not None else arrays.out
    job["source"] = IMAGE if first else OTHER if arrays.other is not None else OUT
    to_out = step.target is arrays.out or arrays.other is None
    job["target"] = OUT if to_out else OTHER
    job["source_start"] = _start(step.source, base)
    job["target_start"] = _start(step.target, arrays.out if to_out else arrays.other)
    job["source_step"] = step.source.strides[line.axis] // step.source.itemsize
    job["target_step"] = step.target.strides[line.axis] // step.target.itemsize
    _describe_others(job, step, tables)


def _describe_others(job, step, tables):
    """The axes across the lines."""
    sides = [
        [s // x.itemsize for k, s in enumerate(x.strides) if k != step.line.axis]
        for x in (step.source, step.target)
    ]
    sizes = [n for k, n in enumerate(step.target.shape) if k != step.line.axis]
    axes = schedule.merged(sizes, *sides) or [(1, [0, 0])]
    job["lines"], job["axes"] = np.prod(sizes, dtype=np.int64), len(axes)
    job["axes_at"] = tables.put(np.array([(n, *strides) for n, strides in axes], AXIS))


def _start(view, base):
    """Elements from the lowest address of an array to the first element of a view of it."""
    low = sum(min(s, 0) * (n - 1) for s, n in zip(base.strides, base.shape, strict=True))
    return (_address(view) - _address(base) - low) // view.itemsize


def _address(x):
    return x.__array_interface__["data"][0]
