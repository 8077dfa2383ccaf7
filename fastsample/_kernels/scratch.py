"""What a thread writes on: a tile's plan, small enough for the first-level cache."""

from typing import NamedTuple

import numpy as np

from .jit import jit
from .kind import CONSTANT, OFFSETS, SCATTERED, VALUES
from .simd import CACHE_LINE, LANES, view_at

BLOCK = 128  # points whose taps along each axis are held at once
BYTES = 24 * 1024  # of a tile's offsets and weights, half a first-level cache


class Scratch(NamedTuple):
    """Flat arrays; the last three hold a tile, the others one block of points."""

    values: np.ndarray  # coordinates, an axis after the other, in the order of the grid
    taps: np.ndarray  # offset of tap k along axis a, or of the window, at (a * taps + k) * BLOCK
    tap_weights: np.ndarray  # its weight, at the same place
    tap_fills: np.ndarray  # the weight of what lies outside along axis a, at a * BLOCK
    slots: np.ndarray  # one vector that must go through memory
    offsets: np.ndarray  # of the window, or of tap k at k * pitch
    weights: np.ndarray  # of tap k at k * pitch
    fills: np.ndarray  # of the fill value


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
    block, all_taps, pitch = kind.axes * BLOCK, taps_in_all(kind), pitch_of(kind)
    offsets = all_taps if kind.layout == SCATTERED else 1
    fill = int(kind.rule == CONSTANT)
    integer, real, work = OFFSETS[kind.wide], VALUES[kind.real], VALUES[kind.value]
    plan = (
        (block, real),
        (block * kind.taps, integer),
        (block * kind.taps, work),
        (block * fill, work),
        (LANES, work),
        (offsets * pitch, integer),
        (all_taps * pitch, work),
        (pitch * fill, work),
    )
    starts, end = [], CACHE_LINE
    for n, dtype in plan:
        starts.append(end)
        end += -(-n * np.dtype(dtype).itemsize // CACHE_LINE) * CACHE_LINE
    values, taps, tap_weights, tap_fills, slots, offsets_at, weights, fills = starts

    @jit
    def lay_out(raw):
        skip = -raw.ctypes.data % CACHE_LINE  # a 64-byte vector across two lines costs twice
        return Scratch(
            view_at(raw, skip + values, block, real),
            view_at(raw, skip + taps, block * kind.taps, integer),
            view_at(raw, skip + tap_weights, block * kind.taps, work),
            view_at(raw, skip + tap_fills, block * fill, work),
            view_at(raw, skip + slots, LANES, work),
            view_at(raw, skip + offsets_at, offsets * pitch, integer),
            view_at(raw, skip + weights, all_taps * pitch, work),
            view_at(raw, skip + fills, pitch * fill, work),
        )

    return end, lay_out
