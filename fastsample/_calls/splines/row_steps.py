"""Axes of few taps and no filter as work for the kernels: all of them in one pass over rows."""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._kernels.drive import NOTHING
from ..._kernels.kind import CODES
from ..._kernels.stages.splines.line_rows import (
    ACROSS,
    ROWS,
    TAPS,
    row_reader,
    row_writer,
    rows_loop,
    scratch_bytes,
)
from ..._kernels.stages.splines.outputs import code_of
from ..._kernels.threads import MOST_THREADS
from ..._kernels.vectors.memory import CACHE_LINE
from ..._kernels.vectors.simd import LANES
from .. import buffers, schedule
from ..run import spec, start
from .line_steps import IMAGE, OUT, PIECES, Border, Line, Tables, growth, part_read, side_of
from .line_taps import taps_of

Array = NDArray[Any]
# Samples and results of a row: with fewer it takes longer to describe it than to make it; with
# more it leaves the second-level cache.
LEAST, MOST = 64, 2**15
SHRUNK = 2  # samples of a row for each of its results, at most: all that is added up is resampled
PIECE = 2**13  # results of a piece of work, at least
ROW_NS = 0.5  # ns, one thread: a result


def suit(x: Array, lines: tuple[Line, ...], out: Array) -> bool:
    """Can these axes, or none, be done in one pass, and is that quicker than one by one?"""
    if not x.flags.aligned or out.ndim == 0 or len(lines) - _along(lines, out.ndim) > 2:
        return False
    if any(line.order > 1 or not line.places or line.places.order >= TAPS for line in lines):
        return False
    if any(a.strides[-1] != a.itemsize or any(s % a.itemsize for s in a.strides) for a in (x, out)):
        return False
    sizes = {line.axis: (line.size, line.results) for line in lines}
    n, m = sizes.get(out.ndim - 1, (out.shape[-1], out.shape[-1]))
    return min(n, m) >= LEAST and n <= MOST and n <= SHRUNK * m


def _along(lines, ndim):
    """How many of some lines are along the last axis."""
    return sum(line.axis == ndim - 1 for line in lines)


def run(x: Array, lines: tuple[Line, ...], border: Border, out: Array, work: type) -> None:
    """Do what is to be done along some axes of x, and put the results into `out`."""
    call = _prepared(spec(x), spec(out), lines, border, np.dtype(work))
    start(call, x, call.constants[0], NOTHING, out)


@lru_cache(maxsize=128)
def _prepared(image, out, lines, border, work):
    """The call of a kernel, by the specs of its arrays."""
    lines = {line.axis: line for line in sorted(lines, key=growth)}
    source, target = part_read(side_of(IMAGE, *image), lines.values()), side_of(OUT, *out)
    jobs, tables = np.zeros(1, ROWS), Tables()
    job, last = jobs[0], len(out[0]) - 1
    shape = [lines[a].results if a in lines else n for a, n in enumerate(out[0])]
    job["source_start"], job["target_start"] = source.start, target.start
    for axis, line in lines.items():
        job["target_start"] += line.first * target.strides[axis] // target.dtype.itemsize
    job["n"], job["m"], job["rows"] = source.shape[last], shape[last], prod(shape[:last])
    job["read"] = row_reader(
        CODES[source.dtype.newbyteorder("=")], int(not source.dtype.isnative), CODES[work]
    )
    job["write"], job["outside"] = row_writer(CODES[work], code_of(target.dtype)), border.outside
    _describe_across(job, shape, source, target, lines, tables, work)
    if last in lines:
        taps = taps_of(lines[last].places, work.type)
        job["taps"], job["pitch"] = lines[last].places.order + 1, len(taps.index)
        job["index_at"] = tables.put(taps.index.T // LANES)
        job["weights_at"] = tables.put(taps.weights.T)
    job["stream"] = _streams(target, shape)
    parallel = prod(shape) * ROW_NS > schedule.SERIAL_NS
    pieces = _cut(job, parallel)
    task = np.array([scratch_bytes(int(job["n"]), work.itemsize)])
    flat_jobs, flat_tables, flat_task = map(buffers.read_bytes, (jobs, tables.joined(), task))
    loop, records = rows_loop(CODES[work]), (flat_jobs, flat_tables)
    return schedule.Call(loop, jobs, records, pieces, parallel, (flat_task,), scratch=True)


def _describe_across(job, shape, source, target, lines, tables, work):
    """The axes across the rows, and which of them are resampled."""
    across = np.zeros(len(shape) - 1, ACROSS)
    for axis, record in enumerate(across):
        record["size"] = shape[axis]
        record["source"] = source.strides[axis] // source.dtype.itemsize
        record["target"] = target.strides[axis] // target.dtype.itemsize
        if axis in lines:
            line = lines[axis]
            taps = taps_of(line.places, work.type)
            record["taps"], record["samples"] = line.places.order + 1, line.size
            record["index_at"] = tables.put(taps.index // LANES)
            record["weights_at"] = tables.put(taps.weights)
    resampled = [axis for axis in lines if axis < len(shape) - 1]
    job["first"], job["second"] = [*resampled, -1, -1][:2]
    job["axes"], job["axes_at"] = len(across), tables.put(across)


def _streams(target, shape):
    """Is a large result written past the caches? Where no part of a cache line is left over.

    Even where all of it fits into the last one. 1024 x 1024 doubles to 1280 x 1280 under order 0
    take 1.62 ms and not 1.78 on two cores of Zen 3 after a rest, 1.26 and not 1.61 without one; of
    order 1, and in 3-D, as long as with plain stores.
    """
    size, (*strides, _) = target.dtype.itemsize, target.strides
    whole = all(n % CACHE_LINE == 0 for n in (*strides, shape[-1] * size, LANES * size))
    return whole and prod(shape) * size >= schedule.STREAM


def _cut(job, parallel):
    """Give each piece its share of the rows; how many pieces there are."""
    wanted = PIECES * MOST_THREADS if parallel else 1
    job["share"] = max(-(-int(job["rows"]) // wanted), -(-PIECE // int(job["m"])))
    return -(-int(job["rows"]) // int(job["share"]))
