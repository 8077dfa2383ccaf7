"""What describes a call (`Kind`), what stages are compiled for, what is data (`JOB`, `AXES`).

No stage depends on all of a `Kind`: see `Form`, and `stages_of` in `drive`.
"""

from typing import NamedTuple

import numpy as np

from .compiler.cpu import PERMUTE
from .vectors import brain

MODES = {"nearest": 1, "bilinear": 2, "bicubic": 4}  # taps along an axis

ZEROS, CONSTANT, BORDER, REFLECTION, WRAP, CENTRES = range(6)
RULES = {
    "zeros": ZEROS,
    "border": BORDER,
    "reflection": REFLECTION,
    "wrap": WRAP,
    "constant": CONSTANT,
    "mirror": CENTRES,  # at the outer pixels' centres, of pixel coordinates alone
}


# What a border rule does with a position before it is kept between two bounds: nothing, mirror it
# between two places, or take it modulo the axis.
KEEP, MIRROR, REPEAT = range(3)
FOLDS = {REFLECTION: MIRROR, CENTRES: MIRROR, WRAP: REPEAT}

# A plan is compiled for a family of border rules: those that keep a position between two bounds,
# those that fold it before, those that give what lies outside a weight, for the fill value.
KEEPING, FOLDING, FILLING = range(3)

# What a call makes: the result; the gradient of the coordinates, or that of the input; where in
# the input the tiles read (for whoever adds there); the grid of a matrix; the gradient of one; the
# gradient of an input of many channels.
SAMPLE, SLOPE, SCATTER, REACH, AFFINE_GRID, AFFINE_SUM, GROUPS, JOINT = range(8)
# The same as SLOPE, and as both gradients, by sums of 2 x 2 taps: see `stages/squares.py`.
SQUARES, BOTH = range(8, 10)
WITH_SLOPES = SLOPE, JOINT, SQUARES, BOTH  # whose plans hold slopes

# Where coordinates come from: an array; a matrix for each sample; an array of steps away from the
# output's own places; a homography for each sample; a matrix and a spline of steps.
GRID, AFFINE, FLOW, PERSPECTIVE, ELASTIC = range(5)
# Those of a few numbers for each sample, from which a stage finds pixels by itself.
MAPS = (AFFINE, PERSPECTIVE, ELASTIC)

# Where the taps of a point lie: in one window of taps x taps pixels, of which the neighbours along
# the last axis are also neighbours in memory, as whole pixels where channels are last (PAIRED), or
# not (WINDOW); or anywhere (SCATTERED).
PAIRED, WINDOW, SCATTERED = range(3)


WIDE = 2**30  # a plane with more elements needs 64-bit offsets; half of what 32 bits hold


# Of more than four channels so many are taken at once, by how many there are at least. The last
# ones are taken from the end, some of them once more: with loads and stores of some lanes only,
# 1080x1920 float32 pixels of 12 channels took 157 ms instead of 81 on one core of Zen 1.
WIDTHS = {5: 4, 8: 8, 16: 16}


# Channels from which an input that has them last, where the result has planes, is sampled pixel by
# pixel, see `stages/turned.py`.
TURNED = 8


class Kind(NamedTuple):
    """A call but for its arrays and sizes; plain ints."""

    rule: int  # one of RULES
    taps: int  # along an axis: 1, 2 or 4
    axes: int  # spatial axes: 1, 2 or 3
    layout: int  # PAIRED, WINDOW or SCATTERED
    wide: int  # 1: a plane's offsets need 64 bits
    value: int  # the input's and the output's type, one of STORED
    real: int  # the coordinates' type, one of VALUES
    role: int = SAMPLE
    source: int = GRID
    # Neighbours in memory are a pixel's channels, in the input and the result: how many of them, if
    # there are at most four, else one of WIDTHS; 0 where they are not.
    last: int = 0
    planar: int = 0  # 1: they are in the input alone, and the result has planes
    # 1: weights are those of a derivative along a direction, which follows each point's coordinates
    # in the grid: of their products, or for slopes of one axis's, see `JOB`.
    along: int = 0


class Form(NamedTuple):
    """What a plan holds, and so how scratch is laid out: all that plan and apply must agree on.

    The border rule is not among it (it is data of `AXES`), nor is the type of what is sampled.
    """

    taps: int
    axes: int
    scattered: int  # 1: each tap has an offset, 0: a window has one
    wide: int
    work: int  # the type of weights and sums, one of VALUES
    slopes: int  # 1: the axes' weights, and how they change, instead of their products


def form_of(kind):
    """The form of a call's plan."""
    work, slopes = np.dtype(work_of(kind.value)).itemsize, int(kind.role in WITH_SLOPES)
    work = 4 if copies(kind) else work  # a weight only says what to copy
    return Form(kind.taps, kind.axes, int(kind.layout == SCATTERED), kind.wide, work, slopes)


OFFSETS = {0: np.int32, 1: np.int64}
VALUES = {4: np.float32, 8: np.float64}

# What an array holds. Numba has no float16 on CPUs, and no bfloat16: to compiled code they are 16
# bits.
HALF, BRAIN = 2, 3
SHORT = {HALF: np.dtype(np.float16), BRAIN: brain.DTYPE}
STORED = {
    **VALUES,
    **dict.fromkeys(SHORT, np.uint16),
    11: np.uint8,
    12: np.int8,
    21: np.uint16,
    22: np.int16,
    41: np.uint32,
    42: np.int32,
    81: np.uint64,
    82: np.int64,
}
CODES = {SHORT.get(code, np.dtype(t)): code for code, t in STORED.items()}
CODES[np.dtype(np.bool_)] = 11
BITS = {1: 11, 2: 21, 4: 41, 8: 81}  # what holds so many bytes, whatever they mean


def item_of(number, dtype):
    """An array of one number as one of a type: integers take the nearest that they have."""
    if dtype.kind in "iu":
        number = round(min(max(number, np.iinfo(dtype).min), np.iinfo(dtype).max))
    with np.errstate(all="ignore"):  # too large is infinite, too small is 0
        if dtype == brain.DTYPE:
            return brain.rounded([number])
        return np.array([number], dtype)


def dtype_of(value):
    """The type that a code of STORED stands for."""
    return SHORT.get(value, np.dtype(STORED[value]))


def copies(kind):
    """Does a call copy bits? A point's value is that of one pixel, or of what lies outside."""
    return kind.taps == 1 and kind.role == SAMPLE


def work_of(value):
    """The type in which values are computed: float32, where that holds all of them."""
    return np.float64 if STORED[value] in (np.float64, np.int32) else np.float32


def has_places(form):
    """May a plan of this form say which points lie near each other? See `gather.near_of`."""
    image = form.axes == 2 and form.taps > 1 and not form.slopes
    return bool(PERMUTE and image and not (form.scattered or form.wide) and form.work == 4)


def is_near(kind):
    """Are the values of 16 points read from short stretches of some rows, where they can be?"""
    planar = kind.role == SAMPLE and not kind.last and kind.layout == PAIRED
    return planar and has_places(form_of(kind))


def has_marks(form):
    """May a plan of this form say of which 16 points all pixels are there? See `plan.mark_of`."""
    return bool(
        form.taps == 1 and form.work == 4 and not (form.scattered or form.wide or form.slopes)
    )


def is_easy(form, family, source, along):
    """May a plan try first whether points need no border rule? See `plan.columns_of`."""
    windows = has_marks(form) or (form.taps > 1 and not form.scattered)
    return windows and family != FOLDING and not along


def is_marked(kind):
    """Are pixels copied whose plan says which are all there?"""
    return copies(kind) and is_easy(form_of(kind), family_of(kind), kind.source, kind.along)


def family_of(kind):
    """The family of a call's border rule; whoever copies needs no weight for the fill value."""
    if kind.rule in FOLDS:
        return FOLDING
    return FILLING if kind.rule == CONSTANT and not copies(kind) else KEEPING


def groups_of_channels(kind):
    """The call that sums a gradient of the input for 16 channels at a time, if there is one."""
    image = kind.role == SCATTER and kind.axes == 2 and kind.taps == 2
    dense = kind.layout == PAIRED and not kind.wide
    return kind._replace(role=GROUPS) if image and dense else None


def squares_of_taps(kind, channels):
    """The call that finds slopes from sums of 2 x 2 taps, if there is one.

    Not of one channel, for which slopes are no more than sums: 8x1x64x64 would take 1.19 of the
    time on one core of Zen 3, where three channels take 0.96. Nor of so many that `slope_pixels`
    takes them where they are last: the layout may not change a bit.
    """
    image = kind.role == SLOPE and kind.axes == 2 and kind.taps == 2
    windows = kind.layout != SCATTERED and kind.value in VALUES
    return kind._replace(role=SQUARES) if image and windows and 1 < channels < TURNED else None


def is_integer(value):
    """Are values of a type rounded on their way out?"""
    return value not in VALUES and value not in SHORT


def sums_bytes(form, paired, value):
    """Are few bytes a pixel summed a channel a vector? See `stages/byte_pixels.py`.

    Not in registers of 512 bits, four of whose points are widened by one instruction.
    """
    return bool(paired and form.taps == 2 and STORED[value] is np.uint8 and not PERMUTE)


def sums_floats(form, paired, value, count):
    """Are four float32 a pixel summed a point a vector of four lanes? Where bytes are.

    Not three, whose sums have a lane for nothing: `remap` of 1080x1920x3 takes one core of Zen 3
    26.0 ms in this way and 20.1 with weights spread in registers.
    """
    return bool(paired and form.taps == 2 and value == 4 and count == 4 and not PERMUTE)


def item_bytes(kind):
    """The bytes of an element."""
    return np.dtype(STORED[kind.value]).itemsize


def axis_dtype(real):
    """What is known of one axis; `real` is the coordinates' type, so that nothing is converted."""
    return np.dtype(
        [
            ("size", "i8"),
            ("last", "i8"),  # the last pixel
            ("last_start", "i8"),  # the last pixel at which a window of taps can start
            ("stride", "i8"),  # in elements
            ("fold", "i8"),  # what the border rule does with a position, one of FOLDS
            ("pre", real),  # pixel = (value + pre) * scale + offset
            ("scale", real),
            ("offset", real),
            ("low", real),  # beyond low and high nothing new happens: coordinates stop there
            ("high", real),
            ("first", real),  # the border rule keeps what it has folded between these two,
            ("end", real),
            ("lower", real),  # and a gradient passes where that lies between these
            ("upper", real),
            ("mirror", real),  # where it mirrors: the low mirror
            ("period", real),  # after so many pixels it repeats
            ("inverse", real),  # of the period
            ("points", "i8"),  # all but GRID: the output's size, and the place of its point j,
            ("base", "f8"),  # base + j * step
            ("step", "f8"),
            ("begin", "i8"),  # j of the first point: the output may be a part of a larger one
            ("gain", "f8"),  # MAPS: the formula above in double, pixel = value * gain + origin
            ("origin", "f8"),
            ("knots", "i8"),  # ELASTIC: how many, and the knots from one output point to the next
            ("knot_step", "f8"),
            ("order", "i8"),  # of the spline
        ],
        align=True,
    )


AXES = {4: axis_dtype("f4"), 8: axis_dtype("f8")}
STRIDES = 64  # the axes' records lie so many bytes behind their strides, which all stages read

JOB = np.dtype(
    [
        ("begin", "i8"),  # the addresses of its stages, 0 for none: before a tile is worked on,
        ("plan", "i8"),
        ("apply", "i8"),
        ("end", "i8"),  # and after it, or after a piece
        ("scratch", "i8"),  # bytes a thread needs
        ("n", "i8"),
        ("c", "i8"),
        ("inputs", "i8"),  # samples in the input: n, or 1 that all share
        ("grids", "i8"),  # and in the grid
        ("rows", "i8"),  # the output's points, seen as rows and columns
        ("cols", "i8"),
        ("period", "i8"),  # of points in scratch that are of one sample; 0: all of a tile are
        ("gap", "i8"),  # and from one sample of the input to the next, in elements
        ("clear", "i8"),  # 1: these samples are set to zeros before anything is added there
        ("tile_rows", "i8"),
        ("tile_cols", "i8"),
        ("channels", "i8"),  # a piece of work is some channels of some tiles,
        ("tiles", "i8"),
        ("bands", "i8"),  # or of all tiles that touch one of so many bands of the input,
        ("band_rows", "i8"),  # each so many rows of its first spatial axis
        ("stream", "i8"),  # 1: the output is too large to stay in a cache
        ("level", "f8"),  # not 0: rows have no gap between them, and are tiled whole if they lead
        #                   along so many columns for each row they cross, see `loops.is_level`
        ("number", "i8"),  # bytes of a coordinate
        ("ahead", "i8"),  # 1: plan one tile ahead and prefetch its taps
        ("next", "i8"),  # 1: prefetch a channel while the one before is at work
        ("add", "i8"),  # 1: a gradient is added to what is there
        ("fills", "i8"),  # 1: what lies outside weighs, for the fill value
        ("near", "i8"),  # 1: a plan says which points lie near each other, or of which all pixels
        #                  are there
        ("offset_rows", "i8"),  # a plan's offsets of a point,
        ("offset_pitch", "i8"),  # and from one of them to the next
        ("direction", "i8"),  # bytes from a point's coordinates to its direction, see `Kind.along`,
        ("turned", "i8"),  # and the axis whose weights and slopes are differentiated along it
        ("sums", "i8"),  # where in scratch sums wait, in bytes,
        ("sums_pitch", "i8"),  # how many there are in a row,
        ("group", "i8"),  # and their bytes where they are of 16 channels each, else 0
        ("field", "i8"),  # where in scratch a row's knots wait,
        ("field_pitch", "i8"),  # and numbers from there to the next kind of them
        ("taps", "i8"),
        ("item", "i8"),  # bytes of an element
        ("input_rows", "i8"),  # the input's first spatial axis
        ("input_start", "i8"),  # the input, or its gradient
        ("input_n", "i8"),
        ("input_c", "i8"),
        ("input_near", "i8"),  # the last place from which stretches of rows may be read
        ("input_whole", "i8"),  # the last place at which a pixel may be read as a whole vector
        ("grid_start", "i8"),
        ("grid_n", "i8"),
        ("grid_row", "i8"),
        ("grid_col", "i8"),
        ("grid_axis", "i8"),
        ("out_start", "i8"),  # the result, or its gradient
        ("out_n", "i8"),
        ("out_c", "i8"),
        ("out_row", "i8"),
        ("out_col", "i8"),
        ("slope_start", "i8"),  # the gradient of the grid, whose points follow each other
        ("slope_n", "i8"),
        ("slope_col", "i8"),
        ("slope_axis", "i8"),
        ("fill_at", "i8"),  # behind the axes, in bytes: each channel's fill value, see `fills`,
        ("fill_bytes", "i8"),  # so many bytes of them,
        ("fill_step", "i8"),  # and from one channel's to the next; 0: one serves all
        ("axes", "i8"),  # of two jobs in one: where each one's axes lie, in bytes
        ("threshold", "f8"),  # of a mask: what a pixel must reach
    ],
    align=True,
)
