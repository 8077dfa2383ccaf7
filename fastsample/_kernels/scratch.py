"""What a thread writes on: a tile's plan, small enough for the first-level cache."""

from typing import NamedTuple

import numpy as np

from .jit import jit
from .kind import CONSTANT, OFFSETS, SCATTERED, VALUES
from .memory import CACHE_LINE, view_at
from .simd import LANES

BYTES = 24 * 1024  # of a tile's offsets and weights, half a first-level cache


class Scratch(NamedTuple):
    """Flat arrays."""

    offsets: np.ndarray  # of the window, or of tap k at k * pitch
    weights: np.ndarray  # of tap k at k * pitch
    fills: np.ndarray  # of the fill value
    vector: np.ndarray  # 16 values that must go through memory


def taps_in_all(kind):
    """The taps of one point."""
    return kind.taps**kind.axes


def tile_points(kind):
    """How many points a tile's plan may hold."""
    offsets = taps_in_all(kind) if kind.layout == SCATTERED else 1
    return max(64, min(1024, BYTES // (4 * (offsets + taps_in_all(kind))) // 64 * 64))


def pitch_of(kind):
    """Points from one tap of a plan to the next: room for two plans, the second one planned ahead.

    Off the powers of two, at which loads would wait for stores that share their low address bits.
    """
    return 2 * tile_points(kind) + LANES


def new_scratch_of(kind):
    """How many bytes scratch takes, and the function that lays its arrays out in them."""
    integer, work = OFFSETS[kind.wide], VALUES[kind.value]
    pitch = pitch_of(kind)
    offsets_size = pitch * (taps_in_all(kind) if kind.layout == SCATTERED else 1)
    weights_size = pitch * taps_in_all(kind)
    fills_size = pitch * int(kind.rule == CONSTANT)
    weights_start = _lines(offsets_size, integer)
    fills_start = weights_start + _lines(weights_size, work)
    vector_start = fills_start + _lines(fills_size, work)

    @jit
    def lay_out(raw):
        skip = -raw.ctypes.data % CACHE_LINE  # a 64-byte vector across two lines costs twice
        return Scratch(
            view_at(raw, skip, offsets_size, integer),
            view_at(raw, skip + weights_start, weights_size, work),
            view_at(raw, skip + fills_start, fills_size, work),
            view_at(raw, skip + vector_start, LANES, work),
        )

    return vector_start + _lines(LANES, work) + CACHE_LINE, lay_out


def _lines(size, dtype):
    """The bytes of whole cache lines for `size` elements."""
    return -(-size * np.dtype(dtype).itemsize // CACHE_LINE) * CACHE_LINE
