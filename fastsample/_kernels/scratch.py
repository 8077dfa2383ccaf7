"""What a thread writes on: a tile's plan, small enough for the first-level cache."""

from typing import NamedTuple

import numpy as np

from .jit import jit
from .kind import (
    AFFINE_SUM,
    CONSTANT,
    OFFSETS,
    SAMPLE,
    SCATTER,
    SCATTERED,
    SLOPE,
    STORED,
    is_near,
    work_of,
)
from .memory import CACHE_LINE, view_at
from .simd import LANES

BYTES = 24 * 1024  # of a tile's offsets and weights, half a first-level cache


class Scratch(NamedTuple):
    """Flat arrays."""

    offsets: np.ndarray  # of the window, or of tap k at k * pitch
    places: np.ndarray  # of the windows of 16 points that lie near each other, see `gather.near_of`
    bases: np.ndarray  # what these places are counted from, -1 where points are far apart
    weights: np.ndarray  # of tap k at k * pitch; for slopes see `plan.keep_axes_of`
    fills: np.ndarray  # of the fill value
    results: np.ndarray  # of one tile: slopes summed over channels, or weighted gradients
    vector: np.ndarray  # 16 values on their way from or to an array, that must go through memory
    sums: np.ndarray  # of groups of 16 channels, pixel by pixel


def taps_in_all(kind):
    """The taps of one point."""
    return kind.taps**kind.axes


def offset_rows(kind):
    """How many offsets a point has in a plan."""
    return taps_in_all(kind) if kind.layout == SCATTERED else 1


def weight_rows(kind):
    """How many weights."""
    return 2 * kind.axes * kind.taps if kind.role == SLOPE else taps_in_all(kind)


def fill_rows(kind):
    """How many weights of the fill value."""
    if kind.rule != CONSTANT:
        return 0
    return {SAMPLE: 1, SLOPE: kind.axes}.get(kind.role, 0)


def result_rows(kind):
    """How many results of a point wait in scratch."""
    rows = {SLOPE: kind.axes, SCATTER: taps_in_all(kind), AFFINE_SUM: kind.axes}
    return rows.get(kind.role, 0)


def tile_points(kind):
    """How many points a tile's plan may hold."""
    words = offset_rows(kind) + weight_rows(kind) + result_rows(kind) + is_near(kind)
    return max(64, min(1024, BYTES // (4 * words) // 64 * 64))


def pitch_of(kind):
    """Points from one tap of a plan to the next: room for two plans, the second one planned ahead.

    Off the powers of two, at which loads would wait for stores that share their low address bits.
    """
    return 2 * tile_points(kind) + LANES


def new_scratch_of(kind):
    """How many bytes scratch takes, and the function that lays its arrays out in them.

    What a job wants beyond, for its sums, comes last.
    """
    near = pitch_of(kind) if is_near(kind) else 0
    integer, work, pitch = OFFSETS[kind.wide], work_of(kind), pitch_of(kind)
    stored = STORED[kind.value]
    offsets_size, weights_size = pitch * offset_rows(kind), pitch * weight_rows(kind)
    fills_size, results_size = pitch * fill_rows(kind), tile_points(kind) * result_rows(kind)
    places_start = _lines(offsets_size, integer)
    bases_start = places_start + _lines(near, integer)
    weights_start = bases_start + _lines(near // LANES, integer)
    fills_start = weights_start + _lines(weights_size, work)
    results_start = fills_start + _lines(fills_size, work)
    vector_start = results_start + _lines(results_size, work)
    sums_start = vector_start + _lines(LANES, stored)

    @jit
    def lay_out(raw, sums_size):
        skip = -raw.ctypes.data % CACHE_LINE  # a 64-byte vector across two lines costs twice
        return Scratch(
            view_at(raw, skip, offsets_size, integer),
            view_at(raw, skip + places_start, near, integer),
            view_at(raw, skip + bases_start, near // LANES, integer),
            view_at(raw, skip + weights_start, weights_size, work),
            view_at(raw, skip + fills_start, fills_size, work),
            view_at(raw, skip + results_start, results_size, work),
            view_at(raw, skip + vector_start, LANES, stored),
            view_at(raw, skip + sums_start, sums_size, work),
        )

    return sums_start + CACHE_LINE, lay_out


def _lines(size, dtype):
    """The bytes of whole cache lines for `size` elements."""
    return -(-size * np.dtype(dtype).itemsize // CACHE_LINE) * CACHE_LINE
