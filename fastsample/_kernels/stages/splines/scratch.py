"""What the stages of spline interpolation are told (`SPLINE`, `SPANS`), and where they meet."""

from typing import NamedTuple

import numpy as np

from ...compiler.flat import array_at
from ...compiler.jit import inline
from ...kind import VALUES
from ...vectors.simd import LANES

# Points whose coordinates are read together; they are summed 16 at a time. When all points at edges
# were summed apart, order 3 of 128x128x128 took 48 ns a point on one core of Zen 1, and 60 by 128.
TILE = 512
PITCH = TILE + LANES  # a run of points may write a vector beyond the tile
CHUNK = 64  # rows of taps whose weights are multiplied out at a time

# How a point outside is brought in, and how its taps are; see `places.py`.
CONSTANT, GRID_CONSTANT, NEAREST, MIRROR, REFLECT, WRAP, GRID_WRAP = range(7)
MODES = {
    "constant": CONSTANT,
    "grid-constant": GRID_CONSTANT,
    "nearest": NEAREST,
    "mirror": MIRROR,
    "reflect": REFLECT,
    "wrap": WRAP,
    "grid-wrap": GRID_WRAP,
}
# Where coordinates come from: arrays; a matrix, a row and its offset for each axis; or each axis by
# itself, (o + pre) * scale + offset with three numbers for each.
ARRAYS, MATRIX, EACH = range(3)

SPLINE = np.dtype(
    [
        ("plan", "i8"),  # the addresses of the stages
        ("near", "i8"),
        ("far", "i8"),
        ("put", "i8"),
        ("beside", "i8"),  # instead of `near` and `far`, where planes are neighbours
        ("rank", "i8"),
        ("out_rank", "i8"),
        ("order", "i8"),
        ("taps", "i8"),
        ("mode", "i8"),
        ("source", "i8"),
        ("real", "i8"),  # the bytes of a coordinate, where they come as arrays
        ("fits", "i8"),  # 1: no axis is shorter than the window of its taps
        ("moves", "i8"),  # 1: what is read at edges lies in windows inside: weights are moved there
        ("direct", "i8"),  # instead of these, from coordinates to results; it may call them
        (
            "ahead",
            "i8",
        ),  # points of the result between one and that whose tap is prefetched; 0: none
        ("points", "i8"),  # of one plane
        ("tiles", "i8"),  # a piece of work: so many tiles,
        ("each", "i8"),  # of so many planes
        ("planes", "i8"),
        ("input_start", "i8"),  # in bytes
        ("out_start", "i8"),
        ("stream", "i8"),  # 1: results are written past the caches where they fill lines of these
        ("scratch", "i8"),  # bytes a thread needs
        ("half", "f8"),  # added before a place is rounded down
        ("below", "f8"),  # taps before that
        ("pad", "f8"),  # added to coordinates
        ("cval", "f8"),
        ("bad", "f8"),  # the value of a point that has none
    ],
    align=True,
)
SPANS = np.dtype(
    [
        ("size", "i8"),  # of an axis of the input
        ("stride", "i8"),  # in elements
        ("first", "f8"),  # the first and the last pixel that are in memory: the array may be a part
        ("last", "f8"),
        ("last_start", "f8"),  # the last place at which a window fits
        ("low", "f8"),  # between these two places a window does, and nothing is brought in
        ("high", "f8"),
        ("places", "i8"),  # ARRAYS: where the axis's coordinates begin, in elements
        ("along", "i8"),  # EACH: the axis of the output
        ("out_size", "i8"),  # an axis of the output
        ("begin", "i8"),  # of the whole output, where this one begins
        ("out_stride", "i8"),  # in elements
    ],
    align=True,
)
# Numbers at the head of scratch: a tile's first point, how many it has, how many of them at edges,
# and whether any was looked at with care, so that there are `lost` and `edge`; and of how many
# planes a piece of work has the points.
FIRST, COUNT, EDGES, CAREFUL, PLANES, LATER = range(6)
# What is known of 16 points: nothing yet; all are inside; none has a value; some was looked at with
# care.
UNKNOWN, INSIDE, LOST, LOOKED_AT = range(4)
HEAD = 64  # their bytes


class Scratch(NamedTuple):
    """Flat arrays."""

    head: np.ndarray  # see FIRST
    places: np.ndarray  # coordinates, an axis after the other, PITCH apart
    lost: np.ndarray  # 1.0: a point has no value
    edge: np.ndarray  # 1.0: it lies at an edge
    known: np.ndarray  # of each 16 points, see UNKNOWN
    values: np.ndarray
    offsets: np.ndarray  # where the windows of 16 points begin
    edges: np.ndarray  # which points lie at an edge
    edge_places: np.ndarray  # and their coordinates, as in `places`
    index: np.ndarray  # the point's place in the output
    run: np.ndarray  # how the coordinates of a row of the output are made, three numbers an axis
    rows: np.ndarray  # of a chunk, the offsets
    row_weights: np.ndarray  # and the weights, 16 points each
    sums: np.ndarray  # windows of sums, 16 of up to 8
    # Of 16 points: tap k of axis a at ((a + 1) * taps + k) * LANES, and a whole window of the last
    # axis; ones at 0.
    weights: np.ndarray
    far_places: np.ndarray  # the same for 16 points at edges
    far_weights: np.ndarray
    far_offsets: np.ndarray
    far_starts: np.ndarray  # where their windows begin along the last axis
    far_slots: np.ndarray  # and the weights of these
    far_at: np.ndarray
    far_rows: np.ndarray  # of a chunk, the offsets of 16 points each
    later: np.ndarray  # of each 16 points that are left for later, where they go and how many


def scratch_bytes(rank, taps, out_rank):
    """How much a call needs."""
    doubles = (2 * rank + 4) * PITCH + PITCH // LANES + out_rank + 3 * rank + 2 * LANES
    doubles += CHUNK + CHUNK * LANES + 8 * LANES
    doubles += rank * LANES + (3 * (rank + 1) * taps + 8) * LANES + 10 * LANES
    doubles += CHUNK * LANES + 2 * TILE // LANES
    return HEAD + 8 * doubles + 1600


@inline
def after(at, count):
    """The end of so many doubles, on a cache line."""
    return (at + 8 * count + 63) // 64 * 64


def scratch_of(work):
    """How to find the arrays in a thread's memory, with sums of a type."""
    real, exact, place = VALUES[work], VALUES[8], np.int64

    @inline
    def scratch_in(job, memory):
        rank, taps = job.rank, job.taps
        head = array_at(memory, place, 0)
        at = HEAD
        places = array_at(memory, exact, at)
        at = after(at, rank * PITCH)
        lost = array_at(memory, exact, at)
        at = after(at, PITCH)
        edge = array_at(memory, exact, at)
        at = after(at, PITCH)
        known = array_at(memory, place, at)
        at = after(at, PITCH // LANES)
        values = array_at(memory, exact, at)
        at = after(at, PITCH)
        offsets = array_at(memory, place, at)
        at = after(at, LANES)
        edges = array_at(memory, place, at)
        at = after(at, PITCH)
        edge_places = array_at(memory, exact, at)
        at = after(at, rank * PITCH)
        index = array_at(memory, place, at)
        at = after(at, job.out_rank)
        run = array_at(memory, exact, at)
        at = after(at, 3 * rank)
        rows = array_at(memory, place, at)
        at = after(at, CHUNK)
        row_weights = array_at(memory, real, at)
        at = after(at, CHUNK * LANES)
        sums = array_at(memory, real, at)
        at = after(at, 8 * LANES)
        weights = array_at(memory, real, at)
        at = after(at, ((rank + 1) * taps + 8) * LANES)
        far_places = array_at(memory, exact, at)
        at = after(at, rank * LANES)
        far_weights = array_at(memory, real, at)
        at = after(at, (rank + 1) * taps * LANES)
        far_offsets = array_at(memory, place, at)
        at = after(at, (rank + 1) * taps * LANES)
        far_starts = array_at(memory, place, at)
        at = after(at, LANES)
        far_slots = array_at(memory, real, at)
        at = after(at, 8 * LANES)
        far_at = array_at(memory, place, at)
        at = after(at, LANES)
        far_rows = array_at(memory, place, at)
        at = after(at, CHUNK * LANES)
        later = array_at(memory, place, at)
        return Scratch(
            head, places, lost, edge, known, values, offsets, edges, edge_places, index, run, rows,
            row_weights, sums, weights, far_places, far_weights, far_offsets, far_starts,
            far_slots, far_at, far_rows, later,
        )  # fmt: skip

    return scratch_in
