"""A checked call as work for kernels: strides, tiles, pieces, and which stages.

Points are flat, whatever the output's axes: `merged` makes of them rows and columns that have one
stride each in the grid and in the output. Where that cannot be, the arrays are sampled in parts.
"""

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from .._kernels.drive import ready
from .._kernels.kind import (
    AFFINE,
    AFFINE_GRID,
    CONSTANT,
    FILLING,
    GRID,
    GROUPS,
    JOB,
    MAPS,
    MODES,
    PAIRED,
    PERSPECTIVE,
    REACH,
    RULES,
    SAMPLE,
    SCATTER,
    SCATTERED,
    SLOPE,
    SQUARES,
    TURNED,
    WIDE,
    WIDTHS,
    WINDOW,
    WRAP,
    ZEROS,
    Kind,
    copies,
    family_of,
    form_of,
    groups_of_channels,
    is_marked,
    is_near,
    item_bytes,
    squares_of_taps,
)
from .._kernels.stages.scratch import (
    behind,
    field_bytes,
    field_pitch,
    offset_rows,
    pitch_of,
    scratch_bytes,
    tile_points,
)
from .._kernels.threads import MOST_THREADS
from .._kernels.vectors.memory import CACHE_LINE
from .._kernels.vectors.pixels import FEW
from .._kernels.vectors.simd import LANES
from . import formula

# Bytes of a plane from which planning ahead pays whatever is read, and added to. Measured, ms with
# and without: 1x3x512x512 0.58 and 0.59, 1x3x720x720 1.38 and 1.66, 1x1x1024x1024 1.16 and 2.20,
# 1x1x96x96x96 2.3 and 3.8.
AHEAD = 3 * 2**19
# Bytes of a plane, and of all planes of all samples, from which it pays where they are only read.
# Measured on one core of Zen 1, float32, another batch each call, time with of that without,
# samples and slopes: 1x1x256x256 0.85 and 0.81, 1x3x256x256 0.91 and 0.95, 8x3x256x256 0.94 and
# 0.92 (nearest 0.80), 8x3x128x128 0.92 and 0.97, 16x3x96x96 0.93 and 0.93, 128x3x64x64 1.00 and
# 0.99. The same batch again and again, small enough for the caches: 0.99 to 1.02. Gradients of the
# input 1.00 to 1.04; bicubic 1.00 to 1.01 and 0.97.
AHEAD_PLANE, AHEAD_INPUT = 2**15, 2**18
# The same of all channels of an input that has them last. Measured on one core of Zen 1 (512 KB of
# second-level cache), uint8 with three channels, another image each call, us without and with:
# bilinear 160x160 157 and 157, 192x192 256 and 219, 224x224 359 and 289; nearest 85 and 87, 125 and
# 116, 191 and 163, 512x512 833 and 575. With the same image again and again they tie.
AHEAD_PIXELS = 3 * 2**15
# Bytes of an input from which the next channel's taps are prefetched. Measured, ms with and
# without: 1x256x200x304 15 and 53, 16x256x32x32 3.1 and 6.3, 8x3x256x256 1.9 and 2.4.
NEXT = 2**20
# Points of a large plane come in strips of this width, so that a steep rotation meets the same rows
# of the input again. Measured on 1x3x1080x1920, ms at 6, 45 and 86 degrees: whole rows 4.1, 9.4,
# 19.2; strips of 256 3.9, 4.6, 5.6; of 128 4.1, 4.3, 5.2; of 64 5.1, 4.9, 5.8. Bicubic, whose
# plans hold 320 points, at 6 degrees: 256 12.2, 128 10.2.
STRIP = 256
STRIPS = 2**20  # bytes of a plane from which it counts as large
LEVEL = 4  # columns that a row of the output leads along for each row it crosses: 14 degrees
STREAM = 4 * 2**20  # bytes of an output that is written past the caches: a third less traffic
SERIAL_NS = 20_000  # less work than this does not pay for waking the other threads
SAMPLE_NS = 0.12  # a tap of each value that is read
SCATTER_NS = 0.5  # a tap of each value that is added to a gradient
BLOCK_CHANNELS = 8  # fewer channels a piece would plan the same points too often
OWNED_CHANNELS = 4  # the same for a gradient of the input, where a plane can be shared as bands
SUMS = 896 * 2**10  # bytes that a thread may keep of the sums of 16 channels
GROUPED = 8  # channels from which 16 at a time pay
BAND = 16  # rows of pixels at least, for which there must be room


class Layout(NamedTuple):
    """Where an array's elements lie: element `start` of `span` is the first, then strides."""

    start: int
    span: int
    strides: tuple[int, ...]
    samples: int


class Work(NamedTuple):
    """What is sampled: layouts of the arrays, and the points of one sample as rows and columns.

    Or of all samples, see `folded`: `period` of them in scratch belong to one.
    """

    shape: tuple[int, ...]  # of the result, (N, C, ...)
    points: list[tuple[int, list[int]]]  # sizes, and steps in the grid and in the result
    input: Layout
    grid: Layout
    out: Layout
    period: int = 0
    gap: int = 0  # elements from one sample of the input to the next


class Call(NamedTuple):
    """The address of a loop, and its work."""

    work: int
    job: np.ndarray
    records: tuple[np.ndarray, np.ndarray]  # the job and its axes as flat bytes
    pieces: int
    parallel: bool
    constants: tuple[np.ndarray, ...] = ()  # what it reads besides, the same for all such calls
    scratch: bool = False  # the array between is not read before it is written

    @property
    def adds(self) -> bool:
        """Does it add to what is there?"""
        return "add" in (self.job.dtype.names or ()) and bool(self.job["add"].any())


@lru_cache(maxsize=512)
def layout(shape, strides, itemsize):
    """The layout in elements, or None where a stride is no multiple of the element's size."""
    steps = [(s, n) for s, n in zip(strides, shape, strict=True) if n > 1]
    if any(s % itemsize for s, _ in steps):
        return None
    start = -sum(min(s, 0) * (n - 1) for s, n in steps) // itemsize
    span = 1 + sum(abs(s) * (n - 1) for s, n in steps) // itemsize
    return Layout(start, span, tuple(s // itemsize for s in strides), shape[0])


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


def rows_and_columns(sizes, *strides):
    """The axes of points as two, rows and columns, or None where they are more."""
    axes = merged(sizes, *strides)
    single = (1, [0] * len(strides))
    return None if len(axes) > 2 else [single, single, *axes][-2:]


def image_rows(sizes, *strides):
    """The last axis as columns and the others as rows, or None where these have no one stride."""
    single = (1, [0] * len(strides))
    rows = merged(sizes[:-1], *(steps[:-1] for steps in strides)) or [single]
    return None if len(rows) > 1 else [rows[0], (sizes[-1], [steps[-1] for steps in strides])]


def kind_of(mode, padding_mode, sizes, strides, value, real, role=SAMPLE, source=GRID):
    """The kernel for an input of these sizes and strides (of its spatial axes, in elements)."""
    taps, rule = MODES[mode], RULES[padding_mode]
    if role == SCATTER and rule == CONSTANT:
        rule = ZEROS  # the fill value takes no gradient
    place = PAIRED if strides[-1] == 1 or sizes[-1] == 1 else WINDOW
    if taps > 1 and (rule == WRAP or min(sizes) < taps):
        place = SCATTERED
    if taps > 1 and role == SCATTER and len(sizes) == 1:
        place = SCATTERED  # a band may end between the pixels of a pair
    span = 1 + sum(abs(s) * (n - 1) for s, n in zip(strides, sizes, strict=True))
    wide = int(max(span, *sizes) > WIDE)
    return Kind(rule, taps, len(sizes), place, wide, value, real, role, source)


def pixels(kind, channels, step, planar=False):
    """The kernel for channels that are neighbours in memory, in the input and in the result.

    Or in the input alone, if `planar`: where they are too few for that, planes are sampled. `step`
    is how many elements lie from a pixel of the input to its right neighbour.
    """
    if planar and channels < TURNED:
        return kind
    layout = PAIRED if step == channels <= FEW else WINDOW
    if kind.layout == SCATTERED:
        layout = SCATTERED
    if channels > FEW:
        channels = max(least for least in WIDTHS if least <= channels)
    return kind._replace(layout=layout, last=channels, planar=int(planar))


def sample_call(kind, axes, shape, points, input, grid, out, fill):
    """Make the result (N, C, *out); layouts of the arrays, `points` as rows and columns."""
    work = folded(kind, axes, Work(shape, points, input, grid, out))
    job, task = _record(kind, axes, work)
    _set_input(task, kind, axes, work.input)
    together = 1 if kind.planar else max(kind.last, 1)
    lines = LANES * together * item_bytes(kind) % CACHE_LINE == 0  # and not parts of one
    task["stream"] = lines and prod(shape) * item_bytes(kind) >= STREAM
    width = STRIP if _plane(kind, axes) > STRIPS else work.points[1][0]
    pieces = _cut(kind, task, _pays(kind, task, SAMPLE_NS), width)
    task["input_whole"] = 2 * WIDE  # planes are read element by element
    if kind.last:
        _set_pixels(task, kind, axes, input)
    if work.period:
        task["next"] = task["ahead"] = 0  # all that a tile reads is small
    else:
        task["near"] = is_marked(kind) or is_near(kind)
        if copies(kind) and task["c"] == 1:  # label masks: 512x512 bytes 546 us instead of 794
            task["ahead"] |= _plane(kind, axes) > AHEAD_PIXELS
    filled = kind.source == PERSPECTIVE and kind.rule != ZEROS
    task["fills"] = family_of(kind) == FILLING or filled
    return made(kind, job, axes, input.strides[2:], pieces, SAMPLE_NS, fill)


def slope_call(kind, axes, shape, points, input, grid, out, slope, fill, add, turned=0):
    """Make the gradient of the coordinates, laid out as `slope`, from `out`, the result's."""
    work, kind = Work(shape, points, input, grid, out), squares_of_taps(kind, shape[1]) or kind
    count, (each, step) = prod(size for size, _ in points), (slope.strides[0], slope.strides[-2])
    if _owns(work, grid) and (count == 1 or each == count * step):
        work = folded(kind, axes, work)
    job, task = _record(kind, axes, work)
    _set_input(task, kind, axes, work.input)
    if kind.last:
        _set_pixels(task, kind, axes, work.input)
    task["fills"], task["turned"] = family_of(kind) == FILLING, turned
    task["add"] = add and kind.source not in MAPS  # the shares of maps are added up elsewhere
    task["slope_start"], task["slope_n"] = slope.start, slope.strides[0]
    task["slope_col"], task["slope_axis"] = (
        each // count if work.period else step,
        slope.strides[-1],
    )
    _tile(kind, task, tile_points(kind) if kind.source in MAPS else _most(kind, task))
    task["stream"], task["channels"] = _streamed(kind, task, kind.real), task["c"]
    pieces = _chunk(task, task["grids"])
    return made(kind, job, axes, input.strides[2:], pieces, 0.2, fill)


def scatter_calls(kind, axes, shape, points, input, grid, out, add):
    """Make the gradient of the input from `out`, the result's: the calls of one kernel or two."""
    kind, job, pieces = scatter_job(kind, axes, shape, points, input, grid, out, add)
    task, first = job[0], None
    if task["bands"] > 1:
        first = _reach_call(kind._replace(role=REACH, along=0), job.copy(), axes, input)
    nanoseconds = 0.5 if task["period"] else SCATTER_NS
    return first, made(kind, job, axes, input.strides[2:], pieces, nanoseconds)


def scatter_job(kind, axes, shape, points, input, grid, out, add):
    """That gradient's kernel, its job, and the number of pieces."""
    work, grouped = Work(shape, points, input, grid, out), groups_of_channels(kind)
    if grouped and shape[1] >= GROUPED and axes[1].size * BAND <= _summed(kind):
        kind = grouped
    elif _owns(work, input):
        work = folded(kind, axes, work)
    job, task = _record(kind, axes, work)
    _set_input(task, kind, axes, work.input)
    task["add"] = add
    if kind.role == GROUPS:
        task["ahead"] = 0  # it prefetches by itself
    _tile(kind, task, tile_points(kind))  # whatever the threads: tiles are the order of additions
    if work.period:  # a tile has all points of its samples, and so owns these
        task["channels"], task["clear"] = shape[1], not add
        return kind, job, _chunk(task, 1)
    return kind, job, _share_out(kind, task, axes)


def _reach_call(kind, job, axes, input):
    """Note for each tile which rows of the input it touches, before they are shared out."""
    task = job[0]
    parallel = _pays(kind, task, SCATTER_NS)
    task["c"] = task["channels"] = 1
    task["ahead"], task["taps"] = 0, kind.taps
    pieces = _chunk(task, task["grids"])
    return made(kind, job, axes, input.strides[2:], pieces)._replace(parallel=parallel)


def affine_call(role, real, axes, shape, points, grid, out):
    """Make the grid (N, *out, D) of matrices, or their gradient from that of a grid."""
    source = AFFINE if role == AFFINE_GRID else GRID
    kind = Kind(ZEROS, 1, len(axes), PAIRED, 0, real, real, role, source)
    job, task = _record(kind, axes, Work((shape[0], 1), points, grid, grid, out))
    _tile(kind, task, tile_points(kind))
    task["stream"], task["channels"] = _streamed(kind, task, real), 1
    return made(kind, job, axes, [0] * len(axes), _chunk(task, shape[0]), 0.0)


def made(kind, job, axes, strides, pieces, nanoseconds=0.0, fill=0):
    """The call of a job that lacks only its stages, and where they work."""
    task = job[0]
    task["field"] = scratch_bytes(kind, int(task["group"]))
    task["field_pitch"] = field_pitch(axes[-1].knots)
    task["scratch"] = task["field"] + field_bytes(kind, axes[-1].knots)
    task["sums_pitch"] = tile_points(kind)
    task["offset_rows"], task["offset_pitch"] = offset_rows(form_of(kind)), pitch_of(form_of(kind))
    task["sums"] = behind(form_of(kind))
    task["item"], task["input_rows"] = item_bytes(kind), axes[0].size
    places, (step, *tables) = formula.records(kind, axes, strides), formula.fills(kind, fill)
    task["fill_at"], task["fill_bytes"], task["fill_step"] = places.size, tables[0].nbytes, step
    about = flat_bytes(np.concatenate([places, *(x.view(np.uint8) for x in tables)]))
    records = flat_bytes(job), about
    return Call(ready(kind, task), job, records, pieces, _pays(kind, task, nanoseconds))


def jobs_of(call, kind, axes, layout, numbers):
    """The jobs of many inputs, each of one sample, in a call that is cut as the one given.

    Sizes of `axes` and all in `layout` are arrays; `numbers` say which sample of the grid and the
    output an input is. 32 images of 200 to 700 pixels a side, planned ahead, take 17.6 ms on one
    core of Zen 1, and not 21.3.
    """
    jobs = np.repeat(call.job, len(numbers))
    _set_input(jobs, kind, axes, layout)
    if kind.last:
        _set_pixels(jobs, kind, axes, layout)
    if np.sum(_plane(kind, axes) * jobs["c"]) > AHEAD:  # no cache has them all
        jobs["ahead"] = 1
    jobs["near"] = is_marked(kind) or is_near(kind)
    jobs["input_rows"] = axes[0].size
    jobs["out_start"] += numbers * jobs["out_n"]
    jobs["grid_start"] += numbers * jobs["grid_n"]
    jobs["n"] = jobs["grids"] = 1
    return jobs


def _set_pixels(task, kind, axes, input):
    """What is known of an input whose channels are last."""
    task["input_whole"] = input.span - _reach(kind, input)
    task["next"] = 0
    task["ahead"] = _plane(kind, axes) * task["c"] > AHEAD_PIXELS


def flat_bytes(array):
    """An array's bytes, read-only, as a loop is compiled for them."""
    flat = array.view(np.uint8)
    flat.flags.writeable = False
    return flat


def _streamed(kind, task, itemsize):
    """Are the points of a grid too many for the caches?"""
    points = int(task["grids"]) * int(task["rows"]) * int(task["cols"])
    return points * kind.axes * itemsize >= STREAM


def tiles(call):
    """The tiles of one sample of a call."""
    return _tiles(call.job[0])


def _owns(work, array):
    """Has each sample its own one of an array?"""
    return array.samples == work.shape[0]


def folded(kind, axes, work):
    """Work in which the samples are one more axis of points, where a tile holds several of them.

    A piece of work takes as long as some hundred points, before it has read one. Measured on two
    cores of Zen 1, ms before and after: 10^6 images of 2x2 at one point each 183 and 5.1, their
    gradients 433 and 17; 10^5 of 4x4 at four points 18.7 and 1.6, their gradients 44 and 6.1.
    """
    samples, channels = work.shape[:2]
    (rows, (grid_row, out_row)), (cols, (grid_col, out_col)) = work.points
    steps = (work.grid.strides[0], grid_row, grid_col), (work.out.strides[0], out_row, out_col)
    lie = merged((samples, rows, cols), *steps)
    count, large = rows * cols, max(_plane(kind, axes), 1) > STRIPS
    if kind.source != GRID or kind.wide or large or work.input.span > WIDE or samples == 1:
        return work
    if len(lie) == 2 and lie[0][0] == samples:
        period = -(-count // LANES) * LANES  # in scratch a row takes whole vectors
    elif len(lie) == 1:
        period, lie = count, [(1, [0, 0]), *lie]
    else:
        return work
    if 2 * period > tile_points(kind):
        return work
    alone = [x._replace(strides=(0, *x.strides[1:]), samples=1) for x in work[2:5]]
    return Work((1, channels), lie, *alone, period, work.input.strides[0])


def _record(kind, axes, work):
    """A job that knows its points, and where the grid and the result lie."""
    job = np.zeros(1, JOB)
    task = job[0]
    shape, points, _, grid, out, period, gap = work
    task["period"], task["gap"] = period, gap
    if kind.source == GRID and _plane(kind, axes) > STRIPS:
        flat, points = points, _rewound(points, shape[-1])
        if points is not flat and kind.role == SAMPLE and len(axes) == 2 and axes[1].scale != 0:
            task["level"], task["number"] = LEVEL * abs(axes[0].scale / axes[1].scale), kind.real
    (rows, (grid_row, out_row)), (cols, (grid_col, out_col)) = points
    task["n"], task["c"], task["rows"], task["cols"] = *shape[:2], rows, cols
    task["grid_start"], task["grid_n"], task["grid_axis"] = (
        grid.start,
        grid.strides[0],
        grid.strides[-1],
    )
    task["grids"] = grid.samples
    if kind.along:
        task["direction"] = len(axes) * grid.strides[1 if kind.source == AFFINE else -1] * kind.real
    if kind.source not in MAPS:
        task["grid_row"], task["grid_col"] = grid_row, grid_col
    task["out_start"], task["out_n"], task["out_c"] = out.start, *out.strides[:2]
    task["out_row"], task["out_col"] = out_row, out_col
    task["bands"] = 1
    return job, task


def _rewound(points, width):
    """One axis of points as rows again, if they are long enough to be cut into strips."""
    (rows, _), (count, steps) = points
    if rows > 1 or width <= STRIP:
        return points
    return [(count // width, [step * width for step in steps]), (width, steps)]


def _plane(kind, axes):
    """The bytes of one channel of the input."""
    return prod(axis.size for axis in axes) * item_bytes(kind)


def _set_input(task, kind, axes, input):
    """Where the input lies, or its gradient."""
    task["input_start"], task["input_n"], task["input_c"] = input.start, *input.strides[:2]
    task["inputs"] = input.samples
    plane = _plane(kind, axes)
    whole = plane * input.samples * task["c"]
    task["next"], task["ahead"] = whole > NEXT, plane > AHEAD
    if kind.role in (SAMPLE, SLOPE, SQUARES) and kind.taps < 4:
        task["ahead"] |= (plane >= AHEAD_PLANE) & (whole >= AHEAD_INPUT) & (task["period"] == 0)
    task["input_near"] = _last_near(kind, input)


def _reach(kind, input):
    """How far from a window's start on a vector of its last pixels ends."""
    *outer, inner = (np.maximum(step, 0) for step in input.strides[2:])
    pair = kind.layout == PAIRED and kind.taps > 1
    steps = kind.taps - (2 if pair else 1)
    return (kind.taps - 1) * sum(outer) + steps * inner + (2 * FEW if pair else FEW)


def _last_near(kind, input):
    """The last place from which 32 pixels of all rows of near windows lie in it, -1 for none."""
    row = input.strides[-2] if len(input.strides) > 3 else 0
    return np.where(np.asarray(row) > 0, input.span - (kind.taps + 1) * row - 2 * LANES, -1)


def _pays(kind, task, nanoseconds):
    """Is a job worth waking other threads, at so many ns a tap of each value?"""
    points = int(task["n"]) * int(task["rows"]) * int(task["cols"])
    taps = int(task["c"]) * kind.taps**kind.axes
    return bool(points * (kind.axes * 0.4 + taps * nanoseconds) > SERIAL_NS)


def _most(kind, task):
    """The points of a tile, fewer where there would be too few tiles for all threads."""
    share = -(-int(task["n"]) * int(task["rows"]) * int(task["cols"]) // (4 * MOST_THREADS))
    return min(tile_points(kind), max(64, -(-share // 16) * 16))


def _tile(kind, task, points, width=STRIP):
    """Cut rows and columns into tiles of at most so many points, and of whole samples.

    They are strips of a width, or narrower where a plan would not hold two rows of it.
    """
    rows, cols, period = int(task["rows"]), int(task["cols"]), int(task["period"])
    strip = min(width, max(64, tile_points(kind) // 128 * 64))  # two rows or more of a plan
    task["tile_cols"] = min(cols, points, cols if rows == 1 or period else strip)
    if period and rows == 1:
        task["tile_cols"] = min(cols, max(1, points // period) * period)
    task["tile_rows"] = max(1, min(rows, points // (-(-int(task["tile_cols"]) // 16) * 16)))


def _tiles(task):
    down = -(-int(task["rows"]) // int(task["tile_rows"]))
    return down * -(-int(task["cols"]) // int(task["tile_cols"]))


def _chunk(task, parts):
    """Tiles a piece, where each of so many parts has all the tiles; the number of pieces."""
    tiles = _tiles(task)
    task["tiles"] = -(-tiles // max(1, -(-8 * MOST_THREADS // int(parts))))
    return int(parts) * -(-tiles // int(task["tiles"]))


def _cut(kind, task, pays=True, width=STRIP):
    """Cut the points into tiles and the work into pieces, if other threads pay; their number.

    One thread does whole samples: a piece takes 0.3 us before its first point on Zen 1.
    """
    if not pays:
        _tile(kind, task, tile_points(kind), width)
        task["channels"], task["tiles"] = task["c"], _tiles(task)
        return int(task["n"])
    _tile(kind, task, _most(kind, task), width)
    samples, channels = int(task["n"]), int(task["c"])
    each, parts = _channels(channels, samples * _tiles(task), 4 * MOST_THREADS)
    task["channels"] = channels if kind.last else each
    return _chunk(task, samples * (1 if kind.last else parts))


def _channels(channels, tiles, wanted):
    """Channels a piece and pieces a tile: all in one, unless there are too few tiles."""
    parts = min(-(-wanted // tiles), -(-channels // BLOCK_CHANNELS))
    each = -(-channels // parts)
    return each, -(-channels // each)


def _summed(kind):
    """The pixels whose sums of 16 channels a thread may keep."""
    return SUMS // (LANES * item_bytes(kind))


def _share_out(kind, task, axes):
    """Share the input's planes out, in bands of rows where they are few; the number of pieces."""
    inputs, channels = int(task["inputs"]), int(task["c"])
    wanted = 4 * MOST_THREADS if _pays(kind, task, SCATTER_NS) else 1
    share, rows = inputs * channels // wanted, axes[0].size
    if kind.role == GROUPS:
        most = min(rows, _summed(kind) // axes[1].size)
        groups = min(_summed(kind) // (most * axes[1].size), max(1, share // LANES))
        each = min(groups, -(-channels // LANES)) * LANES
    else:
        most, each = rows, min(channels, max(share, OWNED_CHANNELS))
    parts = inputs * -(-channels // each)
    height = min(most, -(-rows // max(1, wanted // parts)))
    if kind.role == GROUPS:
        sums = each * -(-height * axes[1].size // LANES) * LANES
        task["group"] = sums * item_bytes(kind)
    task["channels"], task["band_rows"], task["bands"] = each, height, -(-rows // height)
    return parts * int(task["bands"])
