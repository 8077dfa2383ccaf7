"""Spline filters along the last axis and another one: both in one pass over memory."""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._kernels.kind import CODES
from ..._kernels.stages.splines.line_bands import BANDS, band_reader, bands_loop
from ..._kernels.stages.splines.line_blocks import LINES, PIECE
from ..._kernels.stages.splines.line_chunks import chunk_bytes, pieces_size
from ..._kernels.stages.splines.lines import AXIS, scratch_bytes
from ..._kernels.stages.splines.rises import DEEP, PITCH
from ..._kernels.vectors.memory import CACHE_LINE
from ..._kernels.vectors.simd import LANES
from .. import buffers, schedule
from ..run import spec
from . import line_steps
from .filters import POLES, SMALL, brought_in, filter_of, terms_behind
from .line_steps import (
    IMAGE,
    OTHER,
    OUT,
    Border,
    Line,
    Shape,
    Side,
    Step,
    Tables,
    Work,
    side_of,
)

Array = NDArray[Any]
# Rows of a band, about: of fewer, too much of what is read lies beyond them (half as much again for
# 128, a quarter for 256); more leave too few bands for threads. By turns on two cores of Zen 3,
# bands of 256 rows to those of 128: the cubic filter of 1024 x 1024 doubles 0.91, after rests of
# 10 ms 0.77, of 4000 x 250 0.84 and 0.82; a shift of order 5 0.94 and 0.89.
BAND = 256
# Bytes of a plane from which on it goes by bands, if it is not a part of a large result: others are
# quicker axis by axis. After rests of 10 ms on two cores of Zen 3 the cubic filter of 400 x 400
# doubles takes 0.98 ms in bands and 0.74 so, of 512 x 512 1.2 and 1.3, of 1000 x 1000 1.9 and 2.7.
LARGE = 3 * 2**19
LEAST = 128, 64  # rows and columns: with fewer, rows beyond a band cost more than they save
FORGOTTEN = {8: SMALL, 4: 1e-9}  # of a row, beside a number of so many bytes
MOST = 2**21  # bytes of a thread's scratch
# Bytes of neighbouring lines that go down a band as one row, and bands that must be left: of short
# lines alone each is met by itself. Bands of 128 x 128 x 128 doubles, whose lines are 1 KB, take
# 0.72 of the time so on two cores of Zen 3, after rests of 10 ms 0.91; in rows of 2 KB 0.77, 0.91.
ROW, LEAST_PIECES = 2**12, 16


def suit(x: Array, lines: tuple[Line, ...], border: Border, out: Array, work: type) -> bool:
    """Are the last axis and another one filtered, of planes too large for the second level?"""
    (down, one), _ = _apart(lines, x.ndim)
    if down is None or one is None or any(line.places for line in lines):
        return False
    if one.order not in POLES or (border.padding is not None and one.pad):
        return False
    whole = all(a.flags.aligned and a.strides[-1] == a.itemsize for a in (x, out))
    if not whole or out.dtype != work or any(s % x.itemsize for s in x.strides):
        return False
    rows, width = out.shape[down.axis], out.shape[-1]
    room = memory_of(one, np.dtype(work).itemsize)["size"]
    fits = width >= LEAST[1] and room <= MOST
    return are_large(rows * width, out, LARGE) and fits and not np.may_share_memory(x, out)


def are_large(plane: int, out: Array, least: int) -> bool:
    """Are planes of so many elements, or all of them, too large to go axis by axis?"""
    return plane * out.itemsize > least or out.nbytes >= schedule.STREAM


def run(x: Array, lines: tuple[Line, ...], border: Border, out: Array, work: type) -> None:
    """Put the coefficients along some axes of x, of which the last is one, into `out`."""
    line_steps.start_all(_kept(spec(x), spec(out), lines, border, np.dtype(work)), x, out, work)


@lru_cache(maxsize=128)
def _kept(image, out, lines, border, work):
    """The work of a call, by the specs of its arrays.

    Two axes by bands, then the others in the result; and, where something was not finite, all axes
    one by one.
    """
    both, others = _apart(lines, len(out[0]))
    bands = _call(side_of(IMAGE, *image), _planes_read(out, others), both, border, work)
    calls = [bands]
    if others:
        calls += line_steps.calls_of(side_of(OUT, *out), out, others, border, work)[0]
    again, _ = line_steps.calls_of(side_of(IMAGE, *image), out, lines, border, work, bands.pieces)
    return Work((*calls, *again), (bands.pieces,))


def _planes_read(out, others):
    """The part of the result that bands fill: further axes that are extended are so afterwards."""
    side = side_of(OUT, *out)
    sizes = {line.axis: line.size for line in others}
    return side._replace(shape=tuple(sizes.get(k, n) for k, n in enumerate(side.shape)))


def _apart(lines, ndim):
    """The lines that go down bands, and those along them, or None; the others.

    Down goes the first axis that is long enough: its lines lie furthest apart, and what is left is
    done in the result (`planes`). After rests of 10 ms 256 x 256 x 64 doubles take 9.6 ms on two
    cores of Zen 3, and 11.1 with the axis before the last; 128 x 128 x 128 5.0 and 5.7, but
    200 x 200 x 400 28 and 26.
    """
    along = next((line for line in lines if line.axis == ndim - 1), None)
    long = [x for x in lines if x is not along and x.size + 2 * x.pad >= LEAST[0]]
    down = min(long, key=lambda line: line.axis, default=None)
    return (down, along), [line for line in lines if line is not down and line is not along]


def bands_in(rows: int) -> int:
    """How many bands so many rows are: an even number, so that two threads have the same to do.

    1500 x 700 doubles in five bands took 1.15 of the time that eleven took.
    """
    return 2 * max(1, round(rows / (2 * BAND))) if rows >= BAND else 1


def reach_of(order: int, item: int) -> int:
    """So many rows away, in whole blocks, a row is no longer seen in a result of so many bytes."""
    rows = np.log(FORGOTTEN[item]) / np.log(max(map(abs, POLES[order])))
    return DEEP * int(np.ceil(rows / DEEP))


def are_chunked(line: Line) -> bool:
    """Do rows go along in chunks, and not whole?

    Then what begins a row is among its first columns, and it ends with its last two.
    """
    return len(POLES[line.order]) == 1 and not (line.pad or line.places or line.symmetry == "wrap")


def memory_of(line, item, more=0, lines=1):
    """Where rows lie in a thread's memory, behind that of 16 lines: bytes, and of how many it is.

    And `pitch`, the elements of a row of so many lines. Behind the ring there are `more` rows.
    """
    poles, blocks = len(POLES[line.order]), reach_of(line.order, item) // DEEP + 1
    pitch = -(-line.size * lines // PIECE) * PIECE + LANES
    chunked, found = are_chunked(line), {"pitch": pitch}
    at = chunk_bytes(item) if chunked else scratch_bytes(line.size, line.pad, item)
    sizes = {
        "states_at": poles * pitch,
        "sums_at": blocks * poles * pitch,
        "ring_at": (blocks * DEEP + more) * pitch,
        "risen_at": DEEP * PITCH + LANES,
        "pieces_at": pieces_size(item) if chunked else 0,
    }
    for name, size in sizes.items():
        found[name] = -(-at // CACHE_LINE) * CACHE_LINE
        at = found[name] + size * item
    return {**found, "size": at}


def up_from(states: Array, rows: Array, zs: tuple[float, ...]) -> Array:
    """The values of recursions up through some rows, c[i] = s[i] + z c[i + 1], from those below."""
    states = states.copy()
    for row in rows[::-1]:
        for k, z in enumerate(zs):
            states[k] = z * states[k] + (row if k == 0 else states[k - 1])
    return states


def _call(source: Side, target: Side, both: Any, border: Border, work: Any) -> schedule.Call:
    """The call of a kernel that filters two axes."""
    down, (band, tables) = both[0], (np.zeros(1, BANDS), Tables())
    size, reach = down.size + 2 * down.pad, reach_of(down.order, work.itemsize)
    band["bands"] = bands_in(size)
    band["deep"] = -(-size // (int(band["bands"][0]) * DEEP)) * DEEP
    band["bands"], band["rows"] = -(-size // int(band["deep"][0])), size
    describe_rows(band[0], np.arange(-reach, size + reach + DEEP), down, tables)
    lines = _beside(source, target, down.axis, int(band["bands"][0]), work.itemsize)
    jobs, room = describe(band[0], source, target, both, border, work, tables, lines=lines)
    if size % DEEP == 0 and down.symmetry != "wrap" and len(POLES[down.order]) == 1:
        _describe_end(band[0], size, down)
    task, count = np.array([room, tables.put(band)]), planes(target.shape, down.axis) // lines
    return call_of(bands_loop(CODES[work]), jobs, tables, task, count * int(band["bands"][0]))


def call_of(loop: int, jobs: Array, tables: Tables, task: Array, pieces: int) -> schedule.Call:
    """The call of a kernel for so many bands."""
    records = tuple(map(buffers.read_bytes, (jobs, tables.joined())))
    constants = (buffers.read_bytes(task),)
    return schedule.Call(loop, jobs, records, pieces, True, constants, scratch=True)


def planes(shape: Shape, axis: int) -> int:
    """How many planes there are of an axis and the last one."""
    return prod(shape[:-1]) // shape[axis]


def describe_rows(band: Any, rows: Array, line: Line, tables: Tables) -> None:
    """Which rows of the source are those of these numbers, of a plane that goes on without end."""
    rows = brought_in(rows, line.size + 2 * line.pad, line.symmetry) - line.pad
    band["rows_at"] = tables.put(np.clip(rows, 0, line.size - 1).astype(np.int64))


def describe(
    band: Any,
    source: Side,
    target: Side,
    both: Any,
    border: Border,
    work: Any,
    tables: Tables,
    more: int = 0,
    lines: int = 1,
) -> tuple[Array, int]:
    """What the kernel is told of filters of two axes: also of lines; and the bytes of scratch.

    There is place for so many rows more; so many lines of further planes are one row.
    """
    down, along = both
    jobs, shape = np.zeros(1, LINES), (*target.shape[:-1], along.size)
    strides = tuple(work.itemsize * prod(shape[k + 1 :]) for k in range(len(shape)))
    between = side_of(OTHER, shape, strides, work)
    line_steps.describe(jobs[0], Step(along, between, target), border, work, tables)
    jobs["stream"] = prod(target.shape) * work.itemsize >= schedule.STREAM
    memory = memory_of(along, work.itemsize, more, lines)
    room = memory.pop("size")
    for name, value in memory.items():
        band[name] = value
    _describe_recursions(band, down, work, tables)
    _describe_planes(band, source, target, down.axis, lines, tables)
    # Up, a recursion of lines is c[i] = z (c[i + 1] - s[i]), one here c[i] = s[i] + z c[i + 1].
    size, scale = down.size + 2 * down.pad, prod(-z for z in POLES[down.order])
    jobs["gain"] *= filter_of(down.order, size, down.symmetry).gain * scale
    if are_chunked(along):
        _describe_chunks(band, jobs[0], along, work, tables)
    code = CODES[source.dtype.newbyteorder("=")]
    band["read"] = band_reader(code, int(not source.dtype.isnative), CODES[work])
    return jobs, room


def _describe_chunks(band, job, line, work, tables):
    """What the kernel is told of rows that go along in chunks, beside or instead of whole lines.

    Terms are those of values before the first sample and after the last one, not of these.
    """
    (z,), found = POLES[line.order], filter_of(line.order, line.size, line.symmetry)
    behind = terms_behind(z, line.size, line.symmetry)
    band["ahead"] = reach_of(line.order, work.itemsize)
    weights = -z * job["gain"] * z ** np.arange(int(band["ahead"]))
    band["ahead_at"] = tables.put(weights.astype(work))
    pole, terms = found.poles[0], found.terms.copy()
    start, end = (terms[pole[at] :][: pole[f"{at}s"]] for at in ("start", "end"))
    start["weight"][start["row"] == 0] -= 1
    start["weight"] /= z
    end["weight"] = [behind[row] * job["gain"] for row in end["row"].tolist()]
    job["ends_at"] = tables.put(terms)


def _describe_recursions(band, line, work, tables):
    """What the kernel is told of the columns' filter."""
    zs = POLES[line.order]
    band["poles"], band["reach"] = len(zs), reach_of(line.order, work.itemsize)
    band["first"], band["second"] = zs[0], zs[-1]
    zero, none = np.zeros(len(zs)), np.zeros(DEEP)
    weights = np.stack([up_from(zero, row, zs) for row in np.eye(DEEP)], 1)
    band["weights_at"] = tables.put(weights.astype(work))
    left = np.stack([up_from(state, none, zs) for state in np.eye(len(zs))], 1)
    band["first_left"], band["second_left"] = left[0, 0], left[-1, -1]
    band["mixed"] = left[-1, 0]


def _describe_end(band, size, line):
    """What lies below the last of all rows, c[n] of c[i] = s[i] + z c[i + 1].

    Of lines c[i] = z (c[i + 1] - s[i]) it is -z times as much.
    """
    (z,) = POLES[line.order]
    found = terms_behind(z, size, line.symmetry)
    band["closed"] = 1
    band["last"], band["above"] = -found[size - 1] / z, -found.get(size - 2, 0.0) / z


def _beside(source, target, axis, bands, item):
    """How many lines of as many planes go down a band as one row, as they lie so in the source."""
    width, before = source.shape[-1], len(source.shape) - 2
    if axis == before or source.strides[before] != width * source.dtype.itemsize:
        return 1
    size, pieces = target.shape[before], planes(target.shape, axis) * bands
    most = min(ROW // (width * item), pieces // LEAST_PIECES)
    return max((k for k in range(1, most + 1) if size % k == 0), default=1)


def _describe_planes(band, source, target, axis, lines, tables):
    """Where planes lie, so many of them beside each other."""
    band["width"], band["lines"] = source.shape[-1] * lines, lines
    band["apart"] = target.strides[-2] // target.dtype.itemsize
    for name, side in (("source", source), ("target", target)):
        band[f"{name}_start"] = side.start
        band[f"{name}_row"] = side.strides[axis] // side.dtype.itemsize
    others = [k for k in range(len(target.shape) - 1) if k != axis]
    sides = [[s.strides[k] // s.dtype.itemsize for k in others] for s in (source, target)]
    sizes = [target.shape[k] for k in others]
    if lines > 1:
        sizes[-1] //= lines
        for strides in sides:
            strides[-1] *= lines
    axes = schedule.merged(sizes, *sides) or [(1, [0, 0])]
    band["axes"] = len(axes)
    band["axes_at"] = tables.put(np.array([(n, *strides) for n, strides in axes], AXIS))
