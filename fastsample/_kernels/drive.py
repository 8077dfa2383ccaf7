"""Pieces of work over threads: parallel and serial twins of one loop, and when each may run."""

import numba as nb
import numpy as np

from . import threads
from .affine import grid_of, sum_of
from .copy import copier
from .groups import groups_of
from .jit import array_at, call, compiled, compiled_address
from .kind import (
    AFFINE,
    AFFINE_GRID,
    AFFINE_SUM,
    AXES,
    GROUPS,
    JOB,
    REACH,
    SAMPLE,
    SCATTER,
    SLOPE,
    STORED,
    VALUES,
    work_of,
)
from .sample import sample_of
from .scatter import reach_of, scatter_of
from .scratch import new_scratch_of
from .slope import slope_of
from .threads import once

RUN = {
    SAMPLE: sample_of,
    SLOPE: slope_of,
    SCATTER: scatter_of,
    GROUPS: groups_of,
    REACH: reach_of,
    AFFINE_GRID: grid_of,
    AFFINE_SUM: sum_of,
}
EXACT, PLACE = VALUES[8], np.int64
NOTHING = np.zeros(0, np.uint8)  # for an array that a role does not have
NOTHING.flags.writeable = False  # as all that kernels read: a loop is compiled for that


def array_types(kind):
    """What a kind's arrays hold: image, grid, other, and the one that it writes."""
    value, real = STORED[kind.value], VALUES[kind.real]
    slopes = EXACT if kind.source == AFFINE else real
    return {
        SAMPLE: (value, real, value, value),
        SLOPE: (value, real, value, slopes),
        SCATTER: (value, real, PLACE, value),
        GROUPS: (value, real, PLACE, value),
        REACH: (value, real, value, PLACE),
        AFFINE_GRID: (value, real, value, real),
        AFFINE_SUM: (value, real, value, EXACT),
    }[kind.role]


@once
def kernel(kind):
    """The compiled kernel of a kind: its address, or under NUMBA_DISABLE_JIT the function."""
    run, (scratch_bytes, lay_out) = RUN[kind.role](kind), new_scratch_of(kind)
    axis, (image_type, grid_type, other_type, out_type) = AXES[kind.real], array_types(kind)
    item = np.dtype(work_of(kind)).itemsize

    def work(job_at, axes_at, image_at, grid_at, other_at, out_at, piece):
        job, axes = array_at(job_at, JOB)[0], array_at(axes_at, axis)
        image, grid = array_at(image_at, image_type), array_at(grid_at, grid_type)
        other, out = array_at(other_at, other_type), array_at(out_at, out_type)
        raw = np.empty(scratch_bytes + job.group * item, np.uint8)
        run(job, axes, image, grid, other, out, piece, lay_out(raw, job.group))
        raw[0] = 0  # scratch lives in raw, which Numba frees after its last use

    return compiled_address(work, kind)


def drive(work, job, axes, image, grid, other, out, pieces):
    """All pieces of a job; the arrays come as bytes, so that this is compiled once for all."""
    for piece in nb.prange(pieces):
        call(work, job, axes, image, grid, other, out, piece)


@once
def driver(parallel):
    """The parallel twin of `drive`, or the serial one."""
    return compiled(drive, ("drive", parallel), parallel)


def compile_loop(parallel, job_type, axes_type):
    """Compile `drive` for jobs of a type, or read it from disk, without a run."""
    if nb.config.DISABLE_JIT:
        return
    job, axes, memory = np.zeros(1, job_type), np.zeros(1, axes_type), np.zeros(1, np.uint8)
    memory.flags.writeable = False
    arguments = 1, job, axes, memory, memory, memory, np.zeros(1, np.uint8), 1
    driver(parallel).compile(tuple(nb.typeof(x) for x in arguments))


def launch(kind, parallel, arrays, pieces):
    """Run a kernel on (job, axes, image, grid, other, out), the last four as flat bytes."""
    run(kernel(kind), parallel, arrays, pieces)


def launch_copy(parallel, arrays, pieces):
    """Shift by whole pixels: (job, steps, image, fill, other, out), the last four as flat bytes."""
    run(copier(), parallel, arrays, pieces)


def run(work, parallel, arrays, pieces):
    """Run compiled work on its arrays, over threads where that pays and may be."""
    args = work, *arrays, pieces
    if parallel and pieces > 1:
        threads.run(_serial, _parallel, args)
    else:
        _serial()(*args)


def _serial():
    return driver(False)


def _parallel():
    return driver(True)
