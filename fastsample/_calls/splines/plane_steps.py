"""Spline filters along axes across the rows of a result, in place: plane by plane."""

from math import prod
from typing import Any

import numpy as np

from ..._kernels.drive import NOTHING
from ..._kernels.kind import CODES
from ..._kernels.stages.splines.lines import AXIS
from ..._kernels.stages.splines.planes import PLANES, planes_loop
from ..._kernels.vectors.simd import LANES
from .. import buffers, schedule
from .filters import filter_of
from .line_steps import SAMPLE_NS, TOGETHER, Line, Side, Tables

# Bytes of a row that are done at once, at least, though all of such rows together leave the
# second-level cache: along the first axis 128 x 128 x 128 doubles take 1.95 ms by 512 bytes, 1.44
# by 2048, and 1.07 so on two cores of Zen 3.
RUN = 2**13


def suits(side: Side, line: Line) -> bool:
    """Can an axis be filtered so: across the rows, and no longer afterwards?"""
    across = line.axis < len(side.shape) - 1 and side.strides[-1] == side.dtype.itemsize
    return across and not line.pad and not line.places


def call_of(side: Side, line: Line, work: Any) -> schedule.Call:
    """The call of a kernel that filters an axis of an array in place."""
    job, tables = np.zeros(1, PLANES), Tables()
    found = filter_of(line.order, line.size, line.symmetry)
    job["gain"], job["poles"] = found.gain, len(found.poles)
    job["poles_at"], job["ends_at"] = tables.put(found.poles), tables.put(found.terms)
    pieces = _describe_planes(job, side, line, work.itemsize, tables)
    records = tuple(map(buffers.read_bytes, (job, tables.joined())))
    parallel = prod(side.shape) * SAMPLE_NS > schedule.SERIAL_NS
    return schedule.Call(planes_loop(CODES[work]), job, records, pieces, parallel, (NOTHING,))


def _describe_planes(job, side, line, item, tables):
    """Where planes lie, and of how many columns their strips are; how many strips there are."""
    axis, steps = line.axis, [stride // item for stride in side.strides]
    inner = schedule.merged(side.shape[axis + 1 :], steps[axis + 1 :])
    width, _ = inner.pop()
    axes = [*schedule.merged(side.shape[:axis], steps[:axis]), *inner] or [(1, [0])]
    job["start"], job["axes"] = side.start, len(axes)
    job["axes_at"] = tables.put(np.array([(n, 0, *step) for n, step in axes], AXIS))
    job["n"], job["pitch"], job["width"] = line.size, steps[axis], width
    strip = max(RUN, TOGETHER // line.size) // (LANES * item) * LANES
    job["strip"], job["strips"] = strip, -(-width // strip)
    return prod(n for n, _ in axes) * int(job["strips"][0])
