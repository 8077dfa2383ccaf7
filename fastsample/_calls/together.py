"""Both gradients as one call of kernels, sample by sample."""

import numpy as np

from .._kernels.kind import BOTH, MAPS
from .._kernels.loops import samples_loop
from .._kernels.threads import MOST_THREADS
from .._kernels.vectors.memory import CACHE_LINE
from .schedule import SCATTER_NS, Call, flat_bytes, made, scatter_job

TILING = "tile_rows", "tile_cols"


def by_samples(slope, role, kind, axes, shape, points, input, grid, out):
    """Both gradients as one call, if each sample is a piece of work of both; else None.

    It reads the gradient of the result, and the coordinates, once. Each sample takes one thread, so
    there must be as many as pieces of work are wanted. `slope` is the call of the one, and the rest
    is what `scatter_calls` takes for the other; with a `role` the plans of slopes serve both.
    """
    (of_slope,) = slope.job
    kind, job, pieces = scatter_job(kind, axes, shape, points, input, grid, out, False)
    of_add, samples = job[0], int(of_slope["grids"])
    folded = of_slope["period"] or of_add["period"] or of_add["group"]
    whole = of_add["bands"] == 1 and pieces == samples == int(of_add["inputs"])
    few = slope.parallel and samples < 4 * MOST_THREADS
    if folded or not whole or few or of_slope["begin"]:
        return None
    same = all(of_slope[name] == of_add[name] for name in TILING)
    if not same and kind.source in MAPS:  # whose sums are tile by tile
        role = None
    kind = kind if role is None else kind._replace(role=role)
    add = made(kind, job, axes, input.strides[2:], pieces, SCATTER_NS)
    return _side_by_side(slope, add, role)


def _side_by_side(slope, add, role):
    """Two calls as one."""
    jobs = np.concatenate([slope.job, add.job])
    if role == BOTH:  # one stage for both
        jobs["apply"] = jobs["apply"][1], 0
    if role is not None:  # tiles are the order of additions
        for name in TILING:
            jobs[name] = add.job[name]
        jobs["scratch"] = jobs["scratch"].max()
    parts = [_padded(call.records[1]) for call in (slope, add)]
    jobs["axes"] = jobs.nbytes + np.array([0, parts[0].nbytes])
    records = flat_bytes(np.concatenate([jobs.view(np.uint8), *parts])), slope.records[1]
    return Call(samples_loop(), jobs, records, add.pieces, slope.parallel or add.parallel)


def _padded(records):
    """Bytes, and zeros up to a whole cache line."""
    return np.concatenate([records, np.zeros(-records.size % CACHE_LINE, np.uint8)])
