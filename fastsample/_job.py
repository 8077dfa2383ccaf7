"""A checked call as work for a kernel: strides, tiles, pieces, and which kernel.

Points are flat, whatever the output's axes: `_merged` makes of them rows and columns that have one
stride each in the grid and in the output. Where that cannot be, the arrays are sampled in parts.
"""

from typing import NamedTuple

import numpy as np

from . import _axis
from ._kernels.kind import JOB, MODES, PAIRED, RULES, SCATTERED, WINDOW, WRAP, Kind
from ._kernels.scratch import tile_points
from ._kernels.threads import MOST_THREADS

WIDE = 2**30  # a plane with more elements needs 64-bit offsets; half of what 32 bits hold
AHEAD = 6 * 2**20  # bytes of a plane from which planning ahead pays; it costs in cached ones
# Points of a large plane come in strips of this width, so that a steep rotation meets the same rows
# of the input again. Measured on 1x3x1080x1920, ms at 6, 45 and 86 degrees: whole rows 4.1, 9.4,
# 19.2; strips of 256 3.9, 4.6, 5.6; of 128 4.1, 4.3, 5.2; of 64 5.1, 4.9, 5.8. Bicubic, whose
# plans hold 320 points, at 6 degrees: 256 12.2, 128 10.2.
STRIP = 256
STRIPS = 2**20  # bytes of a plane from which it counts as large
STREAM = 4 * 2**20  # bytes of an output that is written past the caches: a third less traffic
SERIAL_NS = 20_000  # less work than this does not pay for waking the other threads
BLOCK_CHANNELS = 8  # fewer channels a piece would plan the same points too often


class Layout(NamedTuple):
    """Where an array's elements lie: element `start` of `span` is the first, then strides."""

    start: int
    span: int
    strides: tuple[int, ...]


class Call(NamedTuple):
    """A kernel and its work; or, where `part` is set, a call to be made in parts."""

    kind: Kind
    job: np.ndarray
    axes: np.ndarray
    pieces: int
    parallel: bool


def layout(shape, strides, itemsize):
    """The layout in elements, or None where a stride is no multiple of the element's size."""
    steps = [(s, n) for s, n in zip(strides, shape, strict=True) if n > 1]
    if any(s % itemsize for s, _ in steps):
        return None
    start = -sum(min(s, 0) * (n - 1) for s, n in steps) // itemsize
    span = 1 + sum(abs(s) * (n - 1) for s, n in steps) // itemsize
    return Layout(start, span, tuple(s // itemsize for s in strides))


def merged(sizes, *strides):
    """Axes that follow each other without a gap in all arrays, as one: [(size, strides)]."""
    axes = []
    for size, *steps in zip(sizes, *strides, strict=True):
        if size == 1:
            continue
        if axes and all(a == b * size for a, b in zip(axes[-1][1], steps, strict=True)):
            axes[-1] = (axes[-1][0] * size, steps)
        else:
            axes.append((size, steps))
    return axes


def kind_of(mode, padding_mode, sizes, strides, value, real):
    """The kernel for an input of these sizes and strides (of its spatial axes, in elements)."""
    taps, rule = MODES[mode], RULES[padding_mode]
    place = PAIRED if strides[-1] == 1 or sizes[-1] == 1 else WINDOW
    if taps > 1 and (rule == WRAP or min(sizes) < taps):
        place = SCATTERED
    span = 1 + sum(abs(s) * (n - 1) for s, n in zip(strides, sizes, strict=True))
    wide = int(max(span, *sizes) > WIDE)
    return Kind(rule, taps, len(sizes), place, wide, value, real)


def call(kind, axes, shape, points, input, grid, out, fill):
    """The call of a kernel: result (N, C, *out), layouts of the arrays, `points` from `merged`."""
    job = np.zeros(1, JOB)
    task = job[0]
    samples, channels = shape[:2]
    sizes = [axis.size for axis in axes]
    plane = np.prod(sizes) * kind.value
    if plane > STRIPS:
        points = _rewound(points, shape[-1])
    (rows, (grid_row, out_row)), (cols, (grid_col, out_col)) = _rows_and_columns(points)
    task["n"], task["c"], task["rows"], task["cols"] = samples, channels, rows, cols
    task["input_size"], task["grid_size"], task["out_size"] = input.span, grid.span, out.span
    task["input_start"], task["input_n"], task["input_c"] = input.start, *input.strides[:2]
    task["grid_start"], task["grid_n"], task["grid_axis"] = (
        grid.start,
        grid.strides[0],
        grid.strides[-1],
    )
    task["grid_row"], task["grid_col"] = grid_row, grid_col
    task["out_start"], task["out_n"], task["out_c"] = out.start, *out.strides[:2]
    task["out_row"], task["out_col"] = out_row, out_col
    task["fill"] = fill
    task["ahead"] = plane > AHEAD
    task["stream"] = np.prod(shape) * kind.value >= STREAM
    pieces = _cut(kind, task)
    taps = kind.taps**kind.axes
    nanoseconds = samples * rows * cols * (kind.axes * 0.4 + channels * taps * 0.12)
    table = _axis.records(kind, axes, input.strides[2:])
    return Call(kind, job, table, pieces, bool(nanoseconds > SERIAL_NS))


def _rewound(points, width):
    """One axis of points as rows again, if they are long enough to be cut into strips."""
    if len(points) == 1 and width > STRIP:
        count, steps = points[0]
        return [(count // width, [step * width for step in steps]), (width, steps)]
    return points


def _rows_and_columns(points):
    """The merged axes as exactly two."""
    single = (1, [0, 0])
    return [single, single, *points][-2:]


def _cut(kind, task):
    """Cut the points into tiles and the work into pieces; the number of pieces."""
    most = tile_points(kind)
    wanted = 4 * MOST_THREADS
    samples, rows, cols = (int(task[name]) for name in ("n", "rows", "cols"))
    share = -(-samples * rows * cols // wanted)
    points = min(most, max(64, -(-share // 16) * 16))
    strip = min(STRIP, max(64, most // 128 * 64))  # two rows or more of a plan's points
    task["tile_cols"] = min(cols, points, cols if rows == 1 else strip)
    task["tile_rows"] = max(1, min(rows, points // (-(-int(task["tile_cols"]) // 16) * 16)))
    tiles = -(-rows // int(task["tile_rows"])) * -(-cols // int(task["tile_cols"]))
    task["channels"], parts = _channels(int(task["c"]), samples * tiles, wanted)
    task["tiles"] = -(-tiles // max(1, -(-8 * MOST_THREADS // (samples * parts))))
    return samples * parts * -(-tiles // int(task["tiles"]))


def _channels(channels, tiles, wanted):
    """Channels a piece and pieces a tile: all in one, unless there are too few tiles."""
    parts = min(-(-wanted // tiles), -(-channels // BLOCK_CHANNELS))
    each = -(-channels // parts)
    return each, -(-channels // each)
