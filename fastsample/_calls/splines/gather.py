"""Points of splines as work for a kernel: arrays of any number of axes and any strides."""

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..._kernels import drive
from ..._kernels.kind import CODES
from ..._kernels.stages.splines.beside import MOST_PLANES, MOST_TAPS, spline_beside_of
from ..._kernels.stages.splines.direct import spline_direct_of
from ..._kernels.stages.splines.direct_cubic import spline_cubic_of
from ..._kernels.stages.splines.gather import spline_far_of, spline_near_of
from ..._kernels.stages.splines.outputs import code_of
from ..._kernels.stages.splines.plan import spline_plan_of
from ..._kernels.stages.splines.put import spline_loop, spline_put_of, spline_put_row_of
from ..._kernels.stages.splines.scratch import (
    ARRAYS,
    EACH,
    GRID_CONSTANT,
    GRID_WRAP,
    MATRIX,
    MODES,
    NEAREST,
    SPANS,
    SPLINE,
    TILE,
    scratch_bytes,
)
from ..._kernels.threads import MOST_THREADS
from ..._kernels.vectors.memory import CACHE_LINE
from ..._kernels.vectors.simd import LANES
from .. import again, buffers, schedule
from ..run import start
from .places import Matrix, Points

Array = Any
STAGES = {
    "spline_plan": spline_plan_of,
    "spline_near": spline_near_of,
    "spline_far": spline_far_of,
    "spline_direct": spline_direct_of,
    "spline_cubic": spline_cubic_of,
    "spline_put": spline_put_of,
    "spline_beside": spline_beside_of,
    "spline_put_row": spline_put_row_of,
}
PIECES = 8  # for each thread
ALONG = 256  # points along a row whose taps are prefetched where rows are not known
COPIED = 2**17  # coordinates of an axis that are converted at a time
POINT_NS, TAP_NS = 5.0, 0.5  # a point's plan, and a tap


class Rule(NamedTuple):
    """What sums what, and how points outside are brought in."""

    order: int
    mode: str
    cval: float
    pad: int = 0  # pixels that the array has more on all sides
    work: int = 8  # bytes of the sums


class Part(NamedTuple):
    """Which part of a whole call this is: positions and modes are the whole one's."""

    sizes: tuple[int, ...]  # of the whole input's sampled axes
    origin: tuple[int, ...]  # where in it the array begins that came, which holds all pixels read
    begin: tuple[int, ...] = ()  # where in the whole output this one begins, unless by points


class Side(NamedTuple):
    """All of an array but its memory."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]


class Row(NamedTuple):
    """An axis of the output."""

    size: int
    step: int  # in elements


def side(x):
    """The side of an array."""
    return Side(x.shape, x.strides, x.dtype)


def sample(
    x: Array, axes: tuple[int, ...], places: Any, out: Array, rule: Rule, part: Part | None = None
) -> None:
    """Sums of taps of a real array along some axes, in each plane of them, into `out`."""
    if any(s % x.itemsize for s in x.strides):
        x = buffers.native(x)  # elements lie between elements
    if any(s % out.itemsize for s in out.strides):
        whole = np.empty(out.shape, out.dtype)
        sample(x, axes, places, whole, rule, part)
        out[...] = whole
    elif isinstance(places, Points) and not _is_flat(places.coordinates):
        _by_parts(x, axes, places.coordinates, out, rule, part)
    else:
        _start(x, axes, places, out, rule, part)
        if not out.dtype.isnative:
            out.byteswap(inplace=True)


def _is_flat(coordinates):
    """Are the points of each axis floats one after the other?"""
    x = coordinates
    known = x.dtype.kind == "f" and x.dtype.isnative and x.strides[0] % x.itemsize == 0
    return known and x[0].flags.c_contiguous


def _by_parts(x, axes, coordinates, out, rule, part):
    """A stretch of the first output axis at a time, from copies of the coordinates."""
    again.unseen()
    rows = max(1, COPIED // max(1, prod(out.shape[1:])))
    for first in range(0, len(out), rows):
        some = slice(first, first + rows)
        points = np.array(coordinates[:, some], np.float64, order="C")
        sample(x, axes, Points(points), out[some], rule, part)


def _start(x, axes, places, out, rule, part):
    """Let the kernel read and write."""
    source = type(places)
    points = side(places.coordinates) if source is Points else None
    # No other part has a part's call, and those that users repeat would be forgotten.
    known = prepare if part is None else prepare.__wrapped__
    call, order = known(side(x), axes, side(out), source, points, rule, part)
    planes = call.constants[0]
    if points:
        numbers = places.coordinates
    else:
        numbers = _numbers(places, order)
        call = call._replace(constants=(planes, numbers))
    start(call, x, numbers, planes, out)


def _numbers(places, order):
    """What the kernel reads coordinates from, the axes in its order."""
    if isinstance(places, Matrix):
        return np.column_stack([places.matrix, places.offset])[order]
    return np.array([places.axes[a] for a in order], np.float64)


@lru_cache(maxsize=256)
def prepare(
    x: Side, axes: tuple[int, ...], out: Side, source: Any, points: Any, rule: Rule,
    part: Part | None = None,
):  # fmt: skip
    """All that depends on shapes, strides and types alone."""
    job, mode = np.zeros(1, SPLINE), MODES[rule.mode]
    rest = [a for a in range(len(x.shape)) if a not in axes]
    out_axes = list(axes) if rest else list(range(len(out.shape)))
    order = order_of([x.shape[a] for a in axes], [x.strides[a] for a in axes], x.dtype.itemsize)
    sampled = [axes[k] for k in order]
    part = part or Part(tuple(x.shape[a] for a in axes), (0,) * len(axes))
    beside = planes_beside(x, rest, out, rule.order, len(axes))
    rows = rows_of(out, out_axes, source)
    spans = spans_of(x, sampled, rows, rule.order, 0 if beside else lanes_of(rule.order))
    put_part(spans, part, order)
    if part.begin and source is not Points:
        spans["begin"][: len(rows)] = part.begin
    task = job[0]
    task["rank"], task["out_rank"] = len(axes), len(rows)
    task["order"], task["taps"], task["mode"] = rule.order, rule.order + 1, mode
    task["half"] = 0.0 if rule.order % 2 else 0.5
    task["below"], task["pad"], task["cval"] = rule.order // 2, rule.pad, rule.cval
    no_value = mode == NEAREST or (mode == GRID_CONSTANT and rule.order)
    task["bad"] = np.nan if no_value else rule.cval
    spans["along"][: len(order)] = order
    if source is Points:
        task["source"], task["real"] = ARRAYS, points.dtype.itemsize
        step = points.strides[0] // points.dtype.itemsize
        spans["places"][: len(order)] = np.array(order) * step - _lowest(points)
    else:
        task["source"] = MATRIX if source is Matrix else EACH
    begins = sum(at * x.strides[a] for at, a in zip(part.origin, axes, strict=True))
    task["input_start"], task["out_start"] = _first_byte(x) - begins, _first_byte(out)
    task["fits"] = fits(spans[: len(order)], beside)
    if not task["fits"]:
        spans["high"] = -1
    apart = (spans["stride"][: len(order)] != 0).all()
    task["moves"] = task["fits"] and rule.order > 1 and mode != GRID_WRAP and apart and not beside
    planes = planes_of(x, out, rest)
    task["points"], task["planes"] = prod(out.shape[a] for a in out_axes), len(planes)
    set_stages(task, x, out, rule, beside, rows[-1])
    task["stream"] = streams(out)
    if asks_ahead(x, axes, rule.order):
        task["ahead"] = points_ahead([out.shape[a] for a in out_axes], rule.order)
    task["scratch"] = scratch_bytes(len(axes), rule.order + 1, len(rows))
    pieces, parallel = cut(task, beside)
    flat_job, flat_spans, flat_planes = map(buffers.read_bytes, (job, spans, planes))
    records = flat_job, flat_spans
    return schedule.Call(spline_loop(), job, records, pieces, parallel, (flat_planes,)), order


def _first_byte(x):
    """Where the first element lies, from the lowest one on."""
    return -sum(min(s, 0) * (n - 1) for s, n in zip(x.strides, x.shape, strict=True))


def _lowest(points):
    """The same of coordinates, in elements, below the first axis's."""
    return min(points.strides[0], 0) * (points.shape[0] - 1) // points.dtype.itemsize


def order_of(sizes, strides, item):
    """The axes by their strides, neighbours in memory last; an axis of one pixel has no stride."""
    return sorted(
        range(len(sizes)), key=lambda a: (sizes[a] > 1, -abs(strides[a]) if sizes[a] > 1 else 0)
    )


def planes_beside(x, rest, out, order, rank):
    """How many planes that are neighbours in memory are summed at once; 0: each by itself."""
    if not rest or (order + 1) ** rank > MOST_TAPS:
        return 0
    sides, count = (x, out), x.shape[rest[-1]]
    if count < LANES or any(s.strides[rest[-1]] != s.dtype.itemsize for s in sides):
        return 0
    parts = next(n for n in range(-(-count // MOST_PLANES), count + 1) if count % n == 0)
    return count // parts if count // parts >= LANES else 0


def rows_of(out, axes, source):
    """The output's axes: one where points come one after the other and the result lies so, too."""
    steps = [out.strides[a] // out.dtype.itemsize for a in axes]
    sizes = [out.shape[a] for a in axes]
    if source is Points and steps == [prod(sizes[k + 1 :]) for k in range(len(sizes))]:
        return [Row(prod(sizes), 1)]
    return [Row(*row) for row in zip(sizes, steps, strict=True)]


def spans_of(x, axes, rows, order, lanes):
    """The axes of the input in the kernel's order, and those of the output in theirs.

    Along the last axis of the input so many lanes are read at once, if more than its taps.
    """
    spans = np.zeros(max(len(axes), len(rows)), SPANS)
    for k, a in enumerate(axes):
        window = lanes if k == len(axes) - 1 and order and lanes else order + 1
        spans[k]["stride"] = x.strides[a] // x.dtype.itemsize
        spans[k]["last"], spans[k]["last_start"] = x.shape[a] - 1, x.shape[a] - window
        spans[k]["low"] = order // 2
    for k, row in enumerate(rows):
        spans[k]["out_size"], spans[k]["out_stride"] = row
    return spans


def put_part(spans, part, order):
    """The whole input's sizes, and where in it arrays begin."""
    for span, a in zip(spans, order, strict=False):
        span["size"], span["first"] = part.sizes[a], part.origin[a]
        for name in ("last", "last_start", "low"):
            span[name] += part.origin[a]
        span["high"] = min(part.sizes[a] - 1, span["last_start"] + span["low"] - span["first"])


def lanes_of(order):
    """How many neighbours along the last axis are read at once."""
    return 2 if order < 2 else 4 if order < 4 else 8


def fits(spans, beside):
    """May windows be read at all?"""
    neighbours = spans[-1]["stride"] == 1 or spans[-1]["last_start"] == spans[-1]["last"]
    return bool((neighbours or beside) and (spans["last_start"] >= spans["first"]).all())


def set_stages(task, x, out, rule, beside, row):
    """The stages' addresses, compiled when they are first needed."""
    stored = 11 if x.dtype == np.bool_ else CODES[x.dtype.newbyteorder("=")]
    swaps, work = int(not x.dtype.isnative and x.dtype.itemsize > 1), rule.work
    if is_direct(task, x, out, rule, beside, row.size):
        task["direct"] = stage("spline_direct", stored, work, code_of(out.dtype))
        return
    task["plan"] = stage("spline_plan")
    if beside:
        task["beside"] = stage("spline_beside", stored, work, swaps)
        task["put"] = stage("spline_put_row", code_of(out.dtype))
        return
    task["far"] = stage("spline_far", stored, work, lanes_of(rule.order), swaps)
    if task["fits"]:
        task["near"] = stage("spline_near", stored, work, lanes_of(rule.order), swaps)
    if is_direct_cubic(task, x, out, rule, row):
        task["direct"] = stage("spline_cubic", stored, work, code_of(out.dtype))
    task["put"] = stage("spline_put", code_of(out.dtype))


def is_direct(task, x, out, rule, beside, length):
    """Do values go from coordinates to results at once?

    Not in several planes, whose points would be planned for each: 512 of 64x64 took 1.2 to 1.4
    times as long. Nor where rows are too short to fill vectors.
    """
    few = rule.order < 2 and not rule.pad and int(task["planes"]) == 1
    same = x.dtype == out.dtype and x.dtype.isnative
    return few and same and task["fits"] and not beside and length >= LANES


def is_direct_cubic(task, x, out, rule, row):
    """Does order 3 go from coordinates to results at once, where all of 16 points are inside?"""
    cubic = rule.order == 3 and int(task["rank"]) in (2, 3) and int(task["planes"]) == 1
    plain = task["source"] != ARRAYS or task["real"] == 8
    floats = all(a.dtype.kind == "f" and a.dtype.isnative for a in (x, out))
    return cubic and plain and floats and task["fits"] and row.size >= LANES and row.step == 1


def points_ahead(shape, order):
    """How many points of the result further on taps are prefetched: rows of it, if it has any.

    A row more for two taps, of which the farther one belongs to the next row.
    """
    return (2 + order) * shape[-1] if len(shape) > 1 else ALONG


def stage(name, *made_from):
    """The address of a stage."""
    return drive.made_stage(STAGES[name], name, *made_from)


def streams(out):
    """Is a large result written past the caches? Not parts of their lines."""
    lines = LANES * out.dtype.itemsize % CACHE_LINE == 0
    return lines and prod(out.shape) * out.dtype.itemsize >= schedule.STREAM


def asks_ahead(x, axes, order):
    """Are taps prefetched? Not of planes that caches hold, nor of many taps a point."""
    few = order < 2 or (order < 4 and len(axes) > 2)  # see `ask_pixels`
    return few and prod(x.shape[a] for a in axes) * x.dtype.itemsize > schedule.AHEAD


def planes_of(x, out, rest):
    """Where each plane begins in the input and in the output, in bytes."""
    planes = np.zeros((1, 2), np.int64)
    for a in rest:
        steps = np.arange(x.shape[a])[:, None] * np.array([x.strides[a], out.strides[a]])
        planes = (planes[:, None] + steps).reshape(-1, 2)
    return planes


def cut(task, beside):
    """Cut the work into pieces of some tiles of some planes; their number, and who shares them."""
    tiles, planes, wanted = (
        -(-int(task["points"]) // TILE),
        int(task["planes"]),
        PIECES * MOST_THREADS,
    )
    task["tiles"] = max(1, tiles // wanted)
    pieces = -(-tiles // int(task["tiles"]))
    task["each"] = max(1, planes * pieces // wanted) if pieces < wanted else planes
    if beside:
        task["each"] = beside
    each_ns = POINT_NS + TAP_NS * float(task["taps"]) ** int(task["rank"])
    parallel = each_ns * int(task["points"]) * planes > schedule.SERIAL_NS
    return pieces * -(-planes // int(task["each"])), parallel
