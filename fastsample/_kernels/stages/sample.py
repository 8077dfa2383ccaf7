"""The stage `sample`: values of planes from a tile's plan, all of a piece's channels."""

from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import greater, inline, jit, lesser
from ..kind import JOB, STORED
from ..vectors.memory import local, prefetch, starts_line, stream
from ..vectors.simd import LANES, store
from .gather import values_of
from .prefetch import ASKED, ask_of
from .scratch import plan_in, plan_points
from .tile import share_in, tile_in
from .values import narrow_of


@inline
def put_singly(vector, out, at, step, count):
    """The first numbers of a vector in memory, `step` elements apart; nothing beyond them."""
    for k in range(count):
        out[at + k * step] = vector[k]


@cache
def plane_of(form, paired, value):
    """Sample one plane at a tile's points.

    With `asks` the plane at input[ahead], its plan `away`, is prefetched between the samples.
    """
    sample, narrow, stored = values_of(form, paired, value), narrow_of(value), STORED[value]
    along = form.taps == 1

    @inline
    def put(job, out, to, left, streamed, found):
        if left >= LANES and streamed:
            stream(out, to, found)
        elif left >= LANES and job.out_col == 1:
            store(out, to, found)
        else:
            vector = local(LANES, stored)
            store(vector, 0, found)
            put_singly(vector, out, to, job.out_col, lesser(left, LANES))

    @jit
    def apply(job, strides, input, plane, out, at, tile, asks, ahead, away, plan):
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            streamed = job.stream and job.out_col == 1 and starts_line(out, to)
            for left in range(tile.cols, 0, -LANES):
                if along and asks:
                    prefetch(input, ahead, plan.offsets, j + away, ASKED)
                found = narrow(sample(job, strides, input, plane, plan, j), job.fill, out)
                put(job, out, to, left, streamed, found)
                to += LANES * job.out_col
                j += LANES

    return apply


@cache
def sample_of(form, paired, value):
    """The stage.

    What comes after a plane is another plane of its tile (`job.next`), or the first one of the next
    tile. A single tap has one row, and is prefetched between the samples; more taps are in one go
    before them. Measured on the photograph on Zen 5, times those in one go: nearest 0.70 to 0.82;
    but bilinear 0.98 to 1.12, bicubic 1.01.
    """
    apply, ask, plan_at = plane_of(form, paired, value), ask_of(form), plan_in(form)
    points, stored, along = plan_points(form), STORED[value], form.taps == 1

    @jit
    def all_planes(job, strides, input, out, share, tile, after, asks, plan):
        step, plane = job.input_c, share.planes + share.first * job.input_c
        ahead, away = plane, after.home - tile.home
        at = tile.target + tile.n * job.out_n + share.first * job.out_c
        for c in range(share.first, share.last):
            more = c + 1 < share.last
            asked = job.next != 0 if more else asks
            beyond, lies = (plane + step, 0) if more else (ahead, away)
            if not along and more and asked:
                ask(strides, input, beyond, tile, plan)
            apply(job, strides, input, plane, out, at, tile, asked, beyond, lies, plan)
            plane += step
            at += job.out_c

    def sample(job_at, strides_at, image_at, grid_at, other_at, out_at, scratch, slot, slot_after):
        job, strides = array_at(job_at, JOB, 0)[0], array_at(strides_at, np.int64, 0)
        input, out = array_at(image_at, stored, 0), array_at(out_at, stored, 0)
        share, plan, asks = share_in(scratch), plan_at(scratch), slot_after >= 0
        after = tile_in(scratch, greater(slot_after, 0), points)
        if asks and (slot < 0 or not along):
            ask(strides, input, share.planes + share.first * job.input_c, after, plan)
        if slot >= 0:
            tile = tile_in(scratch, slot, points)
            all_planes(job, strides, input, out, share, tile, after, asks, plan)

    return sample
