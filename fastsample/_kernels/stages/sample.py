"""The stage `sample`: values of planes from a tile's plan, all of a piece's channels."""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import jit
from ..kind import JOB, STORED
from ..vectors.simd import LANES, splat
from .fills import fills_in
from .gather import values_of
from .prefetch import ask_of
from .rows import put_row_of
from .scratch import plan_in, plan_points
from .tile import share_in, tile_in
from .values import narrow_of


@cache
def plane_of(form, paired, value):
    """Sample one plane at a tile's points."""
    sample, narrow = values_of(form, paired, value), narrow_of(value)
    put = put_row_of(STORED[value])

    @jit
    def apply(job, strides, input, plane, out, at, tile, plan, number):
        # Read once: LLVM can't know that a store to the result leaves the job alone.
        fills, step, streamed = job.fills != 0, job.out_col, job.stream != 0
        fill = splat(number, plan.weights)
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            for left in range(tile.cols, 0, -LANES):
                found = sample(job, strides, input, plane, plan, j, fill, fills)
                put(out, to, step, streamed, left, narrow(found, fill, out))
                to += LANES * step
                j += LANES

    return apply


@cache
def sample_of(form, paired, value):
    """The stage.

    What comes after a plane, another one of its tile (`job.next`) or the first one of the next
    tile, is prefetched in one go before it: between the samples it was no quicker on the photograph
    on Zen 5 (bilinear 0.98 to 1.12 of the time, bicubic 1.01), as it is for copies, see `pick`.
    """
    apply, ask, plan_at = plane_of(form, paired, value), ask_of(form), plan_in(form)
    points, stored = plan_points(form), STORED[value]

    @jit
    def all_planes(job, strides, input, out, share, tile, plan, fills):
        step, plane = job.input_c, share.planes + share.first * job.input_c
        at = tile.target + tile.n * job.out_n + share.first * job.out_c
        for c in range(share.first, share.last):
            if job.next and c + 1 < share.last:
                ask(strides, input, plane + step, tile, plan)
            fill = fills[c * job.fill_step]
            apply(job, strides, input, plane, out, at, tile, plan, fill)
            plane += step
            at += job.out_c

    def sample(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        input, out = array_at(image_at, stored, 0), array_at(out_at, stored, 0)
        share, plan = share_in(scratch), plan_at(scratch)
        if slot_after >= 0:
            after = tile_in(scratch, slot_after, points)
            ask(strides, input, share.planes + share.first * job.input_c, after, plan)
        if slot >= 0:
            tile, fills = tile_in(scratch, slot, points), fills_in(job, strides_at)
            all_planes(job, strides, input, out, share, tile, plan, fills)

    return sample
