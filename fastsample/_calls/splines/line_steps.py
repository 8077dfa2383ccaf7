"""Lines of arrays as work for the kernels: axis after axis.

Each axis is read and written once, filtered and resampled on the way. Between two axes an array
lies in the result, if that is of the type that is computed in and large enough. Axes of a part of
the result that stays in the second-level cache are done in turn, part by part.
"""

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._kernels.drive import NOTHING
from ..._kernels.kind import CODES
from ..._kernels.stages.splines.line_blocks import LINES, PAGE
from ..._kernels.stages.splines.lines import (
    AXIS,
    IMAGE,
    OTHER,
    OUT,
    lines_loop,
    reader,
    scratch_bytes,
    writer,
)
from ..._kernels.stages.splines.outputs import code_of
from ..._kernels.stages.splines.planes import across_filter
from ..._kernels.threads import MOST_THREADS
from ..._kernels.vectors.memory import CACHE_LINE
from ..._kernels.vectors.simd import LANES
from .. import buffers, schedule
from ..run import spec, start
from . import caches
from .filters import POLES, filter_of
from .line_taps import Places, taps_of

Array = NDArray[Any]
Shape = tuple[int, ...]
TOGETHER = 2**18  # bytes of a part whose axes are done in turn: half a second-level cache
# Bytes of scratch of lines that are neighbours; how many times 16. Twice 16 lines of 1024 doubles
# fit: reading 256 bytes of each row and not 128 takes a seventh less along the first axis.
SIDE_BY_SIDE, WIDE = 9 * 2**15, 4
PIECES = 8  # for each thread
# Bytes of a row that are done at once, though all of such rows together leave the second-level
# cache: along the first axis 128 x 128 x 128 doubles take 1.95 ms by 512 bytes, 1.44 by 2048, and
# 1.07 so on two cores of Zen 3. More threads than two share a plane by 2048.
RUN, LEAST_RUN = 2**13, 2**11
# ns, one thread: to read a sample, filter it and write it, and to add one of its taps.
SAMPLE_NS, TAP_NS = 1.5, 0.4
# Bytes of an array from which on the next 16 lines are asked for, if they are not further than so
# many bytes apart: they wait in the first level. The cubic filter along the last axis of
# 128 x 128 x 128 doubles takes 3.1 ms on two cores of Zen 3, and 3.7 without.
LARGE, AHEAD = 2**20, 2**15
KEPT = 2**12  # samples along an axis up to which a call's tables are kept for the next one


class Line(NamedTuple):
    """What is done along an axis."""

    axis: int
    size: int  # how many samples are read
    pad: int  # samples set before and after a line
    order: int  # of the spline whose coefficients are made; 0, 1: none
    symmetry: str
    places: Places | None  # of the results, or None where the coefficients are
    results: int  # how many
    first: int = 0  # where in the result they begin
    begin: int = 0  # the first sample that is read


class Border(NamedTuple):
    """What lies outside: around a line a value, or its own ends (None); and what a tap reads."""

    padding: float | None
    outside: float


class Side(NamedTuple):
    """Where a step reads or writes."""

    which: int  # of the kernel's arrays
    shape: Shape
    strides: Shape  # bytes
    start: int  # elements from the array's first byte
    dtype: np.dtype[Any]


class Step(NamedTuple):
    """A line, and where it is read and written."""

    line: Line
    source: Side
    target: Side


class Work(NamedTuple):
    """Calls of kernels, and the shape of what lies between them where that is not the result."""

    calls: tuple[schedule.Call, ...]
    between: Shape | None


NO_BORDER = Border(None, 0.0)


def run(x: Array, lines: tuple[Line, ...], border: Border, out: Array, work: type) -> None:
    """Do what is to be done along some axes of x, and put the results into `out`."""
    if out.size == 0:
        return
    if x.ndim == 0:
        x, out = x.reshape(1), out.reshape(1)
    if not x.flags.aligned or any(s % x.itemsize for s in x.strides):
        x, lines = _copied(x, lines)
    is_short = all(max(line.size, line.results) <= KEPT for line in lines)
    make = _kept if is_short else _prepared
    start_all(make(spec(x), spec(out), lines, border, np.dtype(work)), x, out, work)


def start_all(todo: Work, x: Array, out: Array, work: type) -> None:
    """Run the kernels of a call."""
    other = NOTHING if todo.between is None else buffers.empty(todo.between, np.dtype(work))
    for call in todo.calls:
        start(call, x, call.constants[0], other, out)


def _copied(x, lines):
    """An aligned copy of what is read, and the lines of that."""
    part = [slice(None)] * x.ndim
    for line in lines:
        part[line.axis] = slice(line.begin, line.begin + line.size)
    return buffers.native(x[tuple(part)]), tuple(line._replace(begin=0) for line in lines)


def _prepared(image, out, lines, border, work):
    """The work of a call, by the specs of its arrays."""
    return Work(*calls_of(side_of(IMAGE, *image), out, lines, border, work))


def calls_of(image, out, lines, border, work, flags=0):
    """Calls of kernels that read one array; the shape of what lies between it and the result.

    With `flags` they are for the case that one of so many bands has met what is not finite.
    """
    last = len(image.shape) - 1
    if not lines:
        lines = [Line(last, image.shape[last], 0, 0, "mirror", None, image.shape[last])]
    if _are_bare(lines):  # along rows on the way, then across them in place
        lines = sorted(lines, key=lambda line: -line.axis)
    else:
        lines = sorted(lines, key=growth)  # first what makes it smaller
    steps, between = steps_of(part_read(image, lines), side_of(OUT, *out), lines, work)
    return calls_for(steps, between, border, work, flags), between


def calls_for(steps, between, border, work, flags=0):
    """Calls of kernels that do some steps."""
    stays = _stays(steps, between, work)
    return tuple(_call(*group, border, work, stays, flags) for group in _grouped(steps, work))


_kept = lru_cache(maxsize=128)(_prepared)


def _stays(steps, between, work):
    """Are results left in the last-level cache: do they fit, and does another step read them?

    Of a single step they stay only where its lines are whole pages apart, see `_streams`. Cubic
    coefficients along one axis alone, past the caches to plain stores, four sittings by turns on
    two cores of Zen 3: the last axis of 128 x 128 x 128 doubles 0.84, 0.85, 0.79 and 1.23 (4.2 ms),
    the first of 1000 x 1000 0.86, 0.94, 0.88 and 1.00 (2.1 ms).
    """
    fits = caches.fit(_bytes(steps, between, work))
    return fits and (len(steps) > 1 or _is_in_place(steps[0]) or _are_pages_apart(steps[0]))


def _is_in_place(step):
    """Is a step's result where it is read from?"""
    return step.source.which == step.target.which


def _are_pages_apart(step):
    """Are these lines of neighbours, each whole pages behind the one before?"""
    *strides, last = step.target.strides
    along = step.line.axis == len(strides) and last == step.target.dtype.itemsize
    return bool(along and strides and strides[-1] % PAGE == 0)


def _bytes(steps, between, work):
    """Of the source, the result, and what lies between them."""
    ends = steps[0].source, steps[-1].target
    size = sum(prod(side.shape) * side.dtype.itemsize for side in ends)
    return size + prod(between or (0,)) * work.itemsize


def side_of(which: int, shape: Shape, strides: Shape, dtype: np.dtype[Any]) -> Side:
    """The whole of an array."""
    low = sum(min(s, 0) * (n - 1) for s, n in zip(strides, shape, strict=True))
    return Side(which, shape, strides, -low // dtype.itemsize, dtype)


def growth(line):
    """By how much an axis grows, whatever is read of it: rounding depends on the order of axes."""
    return line.results / (line.places.samples if line.places else line.size)


def _are_bare(lines):
    """Are these filters alone, and leave each axis as long as it is?"""
    return not any(line.places or line.pad for line in lines)


def part_read(image, lines):
    """The part of an array that lines read."""
    shape, start = list(image.shape), image.start
    for line in lines:
        shape[line.axis] = line.size
        start += line.begin * image.strides[line.axis] // image.dtype.itemsize
    return image._replace(shape=tuple(shape), start=start)


def steps_of(image, out, lines, work):
    """Where each step reads and writes; and the shape of another array, if one is needed."""
    shapes, starts = [image.shape], [0]
    for line in lines:
        shapes.append((*shapes[-1][: line.axis], line.results, *shapes[-1][line.axis + 1 :]))
        starts.append(starts[-1] + line.first * out.strides[line.axis] // out.dtype.itemsize)
    between, shape, room = shapes[1:-1], None, out
    fits = out.dtype == work and all(
        n <= m for sizes in between for n, m in zip(sizes, out.shape, strict=True)
    )
    last = out._replace(shape=shapes[-1], start=out.start + starts[-1])
    if between and not fits:
        shape = tuple(max(sizes) for sizes in zip(*between, strict=True))
        strides = tuple(work.itemsize * prod(shape[k + 1 :]) for k in range(len(shape)))
        room, starts = side_of(OTHER, shape, strides, work), [0] * len(shapes)
    # A line lies in the same place before and after a step, so that no other one is written over.
    rooms = [
        room._replace(shape=sizes, start=room.start + start)
        for sizes, start in zip(between, starts[1:-1], strict=True)
    ]
    sides = [image, *rooms, last]
    return [Step(*three) for three in zip(lines, sides, sides[1:], strict=False)], shape


def _grouped(steps, work):
    """Steps one by one, each with 0; some of them together, by so many parts of the array.

    A part is what axes before theirs leave, and must fit into a cache. Filters alone begin with the
    last axes, and so do these; else it is the last steps, as earlier ones leave less.
    """
    count = len(steps)
    if _are_bare(step.line for step in steps):
        spans = [(0, k) for k in range(count, 1, -1)]
    else:
        spans = [(k, count) for k in range(count - 1)]
    for begin, end in spans:
        part = steps[begin:end]
        shape = [max(sizes) for sizes in zip(*(step.target.shape for step in part), strict=True)]
        first = min(step.line.axis for step in part)
        slabs, room = prod(shape[:first]), prod(shape[first:]) * work.itemsize
        if room <= TOGETHER and (slabs >= MOST_THREADS or not _pays(steps)):
            return [*_alone(steps[:begin]), (part, slabs), *_alone(steps[end:])]
    return _alone(steps)


def _alone(steps):
    return [([step], 0) for step in steps]


def _pays(steps):
    """Is it worth waking other threads?"""
    cost = 0.0
    for line, source, target in steps:
        taps = line.places.order + 1 if line.places else 0
        cost += prod(source.shape) * SAMPLE_NS + prod(target.shape) * (SAMPLE_NS + TAP_NS * taps)
    return cost > schedule.SERIAL_NS


def _call(steps, slabs, border, work, stays, flags):
    """The call of a kernel that does some steps; do their results stay in the caches?

    One that is asked for by flags is hardly ever, and wakes no other thread.
    """
    parallel = _pays(steps) and not flags
    jobs, tables = np.zeros(len(steps), LINES), Tables()
    for job, step in zip(jobs, steps, strict=True):
        describe(job, step, border, work, tables)
    jobs["stream"][-1] = not stays and _streams(steps[-1])
    pieces = _cut(jobs, steps, slabs, parallel, work)
    room = max(scratch_bytes(s.line.size, s.line.pad, work.itemsize) for s in steps)
    jobs["wide"] = np.minimum(jobs["wide"], max(1, SIDE_BY_SIDE // room))
    task = np.array([len(steps), room, room * int(jobs["wide"].max()), flags])
    flat_jobs, flat_tables, flat_task = map(buffers.read_bytes, (jobs, tables.joined(), task))
    loop, records = lines_loop(CODES[work]), (flat_jobs, flat_tables)
    return schedule.Call(loop, jobs, records, pieces, parallel, (flat_task,), scratch=True)


def _streams(step):
    """Is a large result written past the caches? No other step of the same part reads it.

    Lines that are whole pages apart, and were read from the same place, are not: 1024 x 1024
    doubles took 5.3 ms and not 4.8 on one core of Zen 1.
    """
    axis, target, here = step.line.axis, step.target, _is_in_place(step)
    size, (*strides, last) = target.dtype.itemsize, target.strides
    if axis == len(target.shape) - 1 and last == size:  # whole lines of each line
        aliased = here and _are_pages_apart(step)
        starts = not aliased and all(stride % CACHE_LINE == 0 for stride in strides)
    else:
        starts = target.strides[axis] % CACHE_LINE == 0
    return starts and prod(target.shape) * size >= schedule.STREAM


def _cut(jobs, steps, slabs, parallel, work):
    """Give each piece its share of the lines; how many pieces there are."""
    wanted = PIECES * MOST_THREADS if parallel else 1
    lines = int(jobs[0]["lines"])
    if jobs[0]["across"] and not slabs:
        jobs["share"] = -(-lines // wanted)
    elif not slabs:
        jobs["share"] = LANES * -(-lines // (LANES * wanted))
    else:
        each = max(prod(step.target.shape) for step in steps) * work.itemsize // slabs
        jobs["share"] = jobs["lines"] // slabs * min(max(1, TOGETHER // each), -(-slabs // wanted))
    return -(-lines // int(jobs[0]["share"]))


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


def describe(job, step, border, work, tables):
    """What the kernel is told of a step."""
    line, code = step.line, CODES[work]
    job["n"], job["pad"], job["m"] = line.size, line.pad, line.results
    job["constant"], job["outside"] = border.padding is not None, border.outside
    job["padding"] = border.padding or 0.0
    found = filter_of(line.order, line.size + 2 * line.pad, line.symmetry)
    job["gain"], job["poles"], job["needed"] = found.gain, len(found.poles), found.needed
    job["poles_at"], job["ends_at"] = tables.put(found.poles), tables.put(found.terms)
    if line.places:
        taps = taps_of(line.places, work.type)
        job["taps"] = line.places.order + 1
        job["index_at"] = tables.put(taps.index)
        job["weights_at"] = tables.put(taps.weights)
    source = CODES[step.source.dtype.newbyteorder("=")]
    job["read"] = reader(source, int(not step.source.dtype.isnative), code)
    job["write"] = writer(code, code_of(step.target.dtype))
    for name, side in (("source", step.source), ("target", step.target)):
        job[name], job[f"{name}_start"] = side.which, side.start
        job[f"{name}_step"] = side.strides[line.axis] // side.dtype.itemsize
    job["wide"] = WIDE if line.axis < len(step.source.shape) - 1 else 1
    _describe_others(job, step, work, tables)


def _describe_others(job, step, work, tables):
    """The axes across the lines; and of strips that are filtered in place, how they are cut."""
    sides = [
        [s // side.dtype.itemsize for k, s in enumerate(side.strides) if k != step.line.axis]
        for side in (step.source, step.target)
    ]
    sizes = [n for k, n in enumerate(step.target.shape) if k != step.line.axis]
    axes = schedule.merged(sizes, *sides) or [(1, [0, 0])]
    job["lines"], job["axes"] = prod(sizes), len(axes)
    job["axes_at"] = tables.put(np.array([(n, *strides) for n, strides in axes], AXIS))
    width, strides = axes[-1]
    ahead = LANES * strides[0]
    if _is_asked_for(step.source, ahead):
        job["ahead"] = ahead
    if _is_across(step, work) and strides == [1, 1] and width >= LANES:
        planes = prod(sizes) // width
        job["across"], job["width"] = across_filter(CODES[work]), width
        job["strip"] = strip = _strip(step.line.size, width, planes, work)
        job["strips"] = -(-width // strip)
        job["lines"] = planes * job["strips"]


def _is_asked_for(source, ahead):
    """Are the next 16 lines of an array asked for: does it lie in memory, and are they near?"""
    item = source.dtype.itemsize
    large = source.which == IMAGE and prod(source.shape) * item >= LARGE
    return large and abs(ahead) * item <= AHEAD


def _strip(rows, width, planes, work):
    """How many columns of a plane are filtered at once.

    There is to be a strip for every second thread: two of one core gain nothing.
    """
    most = max(RUN, TOGETHER // rows) // work.itemsize
    strips = max(-(-width // most), -(-MOST_THREADS // (2 * planes)))
    return max(LANES * -(-width // (LANES * strips)), min(width, LEAST_RUN // work.itemsize))


def _is_across(step, work):
    """Are these lines across rows, and filtered where they lie?"""
    line, target = step.line, step.target
    across = _is_in_place(step) and line.axis < len(target.shape) - 1 and target.dtype == work
    return across and line.order in POLES and not line.pad and not line.places
