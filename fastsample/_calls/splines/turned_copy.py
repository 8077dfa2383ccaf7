"""Copies whose rows are columns of what is read, as work for a kernel."""

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._kernels import drive
from ..._kernels.drive import NOTHING
from ..._kernels.stages.splines.turned_copy import PLANES, TURN, turner
from ..._kernels.threads import MOST_THREADS
from ..._kernels.vectors.memory import CACHE_LINE
from ..._kernels.vectors.simd import LANES
from .. import buffers, schedule
from ..run import spec

Array = NDArray[Any]
ITEMS = (4, 8)  # bytes of an element that is turned
LARGE = 2**18  # bytes of what is turned: half a second-level cache
PIECE = 2**13  # elements of a piece of work, at least
ITEM_NS = 0.5  # ns, one thread: an element


class Work(NamedTuple):
    """What the kernel is told."""

    turn: int
    job: Array
    axes: Array
    bands: Array
    pieces: int


def suits(view: Array, out: Array) -> bool:
    """Are these many elements, neighbours along another axis than those of the result?"""
    item = view.itemsize
    if item not in ITEMS or view.nbytes < LARGE or out.strides[-1] != item:
        return False
    if not (view.flags.aligned and out.flags.aligned):
        return False
    if any(s % item for s in (*view.strides, *out.strides)):
        return False
    axis = _neighbours(view)
    return axis is not None and view.shape[axis] * item >= CACHE_LINE and view.shape[-1] >= LANES


def _neighbours(view):
    """The axis along which elements are neighbours, if that is not the last one."""
    found = [a for a, n in enumerate(view.shape) if n > 1 and abs(view.strides[a]) == view.itemsize]
    return found[0] if found and view.ndim - 1 not in found else None


def copy(view: Array, out: Array) -> None:
    """Put an array into one of its shape and type, see `suits`."""
    axis = _neighbours(view)
    if view.strides[axis] < 0:
        view, out = np.flip(view, axis), np.flip(out, axis)
    work = _prepared(spec(view), spec(out), axis)
    arrays = buffers.read_bytes(view), work.bands, NOTHING, buffers.as_bytes(out)
    drive.run(work.turn, work.pieces > 1, (work.job, work.axes, *arrays), work.pieces)


@lru_cache(maxsize=128)
def _prepared(image, out, axis):
    """The work of a call, by the specs of its arrays."""
    shape, item = image[0], image[2].itemsize
    source, target = ([s // item for s in x[1]] for x in (image, out))
    others = [a for a in range(len(shape) - 1) if a != axis]
    planes = schedule.merged(*([x[a] for a in others] for x in (shape, source, target)))
    job = np.zeros(1, TURN)
    job["bands"], job["planes"] = -(-shape[-1] // LANES), len(planes)
    job["height"], job["width"] = shape[axis], shape[-1]
    job["source_start"], job["target_start"] = _start(shape, source), _start(shape, target)
    job["source_step"], job["target_step"] = source[-1], target[axis]
    lines = all(target[a] * item % CACHE_LINE == 0 for a in (axis, *others))
    job["stream"] = lines and prod(shape) * item >= schedule.STREAM
    bands = int(job["bands"][0]) * prod(shape[a] for a in others)
    wanted = 4 * LANES * MOST_THREADS if prod(shape) * ITEM_NS > schedule.SERIAL_NS else 1
    job["share"] = max(-(-bands // wanted), -(-PIECE // (LANES * shape[axis])))
    axes = np.array([(n, *steps) for n, steps in planes], PLANES)
    records = (buffers.read_bytes(x) for x in (job, axes, np.array([bands])))
    return Work(turner(item), *records, -(-bands // int(job["share"][0])))


def _start(shape, strides):
    """The first element in memory order lies so many before the first one's."""
    return -sum(min(s, 0) * (n - 1) for n, s in zip(shape, strides, strict=True))
