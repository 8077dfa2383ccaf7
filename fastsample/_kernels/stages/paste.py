"""Masks stretched over their boxes, one axis after the other.

A row of the mask is stretched to the box's columns, 16 at a time, and kept: the rows of the box
between two rows of the mask mix the same two. Most masks are smaller than their box, so that most
pixels cost two loads and no gather.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import WORK, greater, inline, jit, lesser, made_address
from ..compiler.once import once
from ..kind import AXES, JOB, VALUES
from ..vectors.gathers import gather, gather_pairs
from ..vectors.memory import local
from ..vectors.simd import (
    LANES,
    absolute,
    at_least,
    at_most,
    convert,
    floor,
    load,
    multiply_add,
    ramp,
    splat,
    store,
    store_mask,
    where,
)
from .rows import put_singly
from .values import add_tap

STRIP = 1024  # columns planned at a time: with three rows 24 KB, half a first-level cache
PITCH = STRIP + LANES  # from one stretched row to the next, off the powers of two
ZEROS = 2 * PITCH  # where a row of zeros lies
ROWS = 3 * PITCH

BYTE, REAL, EXACT, PLACE = np.uint8, VALUES[4], VALUES[8], np.int64
AXIS = AXES[4]  # of a mask; only its integers are read
BOX = np.dtype(
    [
        ("row", "i8"),  # the first pixel inside, and how many
        ("rows", "i8"),
        ("col", "i8"),
        ("cols", "i8"),
        ("y", "f8"),  # row i of the box reads the mask at y + i * y_step, in pixels of the mask
        ("y_step", "f8"),
        ("x", "f8"),
        ("x_step", "f8"),
    ],
    align=True,
)


class Rows(NamedTuple):
    """Some rows of box k."""

    k: int
    begin: int
    end: int


class Strip(NamedTuple):
    """Some columns of some rows of a box."""

    col: int
    cols: int  # at most STRIP
    begin: int  # rows
    end: int
    mask: int  # where the mask begins
    target: int  # where column `col` of the box's row 0 lies in the result


class Scratch(NamedTuple):
    """Flat arrays, on the stack."""

    offsets: np.ndarray  # of a column's left tap in a row of the mask
    left: np.ndarray  # its weight
    right: np.ndarray  # that of its neighbour
    rows: np.ndarray  # two stretched rows of the mask, an even one and an odd one; zeros
    held: np.ndarray  # which two rows
    vector: np.ndarray  # 16 pixels that must go through memory


@inline
def hat(distance):
    """The weight of a pixel so far away: 1 - |distance|, and not below 0."""
    return at_least(1.0 - absolute(distance), 0.0)


@jit
def plan(axis, box, strip, scratch):
    """Taps and weights of a strip's columns; what lies outside the mask has no weight."""
    like, last_start = local(LANES, EXACT), greater(axis.size - 2, 0)
    for j in range(0, strip.cols, LANES):
        index = ramp(like) + splat(strip.col + j, like)
        place = multiply_add(index, splat(box.x_step, index), splat(box.x, index))
        # Before it becomes an integer, since lanes beyond the box may be anywhere.
        start = at_most(at_least(floor(place), 0.0), last_start)
        right = where(start < axis.last, hat(place - start - 1.0), 0.0)
        store(scratch.offsets, j, convert(start, scratch.offsets))
        store(scratch.left, j, convert(hat(place - start), scratch.left))
        store(scratch.right, j, convert(right, scratch.right))


@jit
def stretch(masks, first, size, cols, scratch, to):
    """The mask's row from masks[first] on, at the planned columns, to scratch.rows[to]."""
    for j in range(0, cols, LANES):
        if size > 1:
            left, right = gather_pairs(masks, first, scratch.offsets, j)
        else:  # a pair would reach beyond the array
            left = right = gather(masks, first, scratch.offsets, j)
        total = add_tap(splat(0.0, left), left, load(scratch.left, j))
        store(scratch.rows, to + j, add_tap(total, right, load(scratch.right, j)))


@inline
def stretched(axes, masks, strip, row, weight, scratch):
    """Where a row of the mask lies, stretched; zeros, if it is outside or has no weight."""
    if weight == 0.0 or row < 0 or row > axes[0].last:
        return ZEROS
    odd = row % 2
    if scratch.held[odd] != row:
        first = strip.mask + row * axes[0].stride
        stretch(masks, first, axes[1].size, strip.cols, scratch, odd * PITCH)
        scratch.held[odd] = row
    return odd * PITCH


@cache
def put_of(soft):
    """16 pixels to an array: the values, or whether they reach the threshold."""

    @inline
    def put_values(array, at, value, threshold):
        store(array, at, value)

    @inline
    def put_flags(array, at, value, threshold):
        store_mask(array, at, value >= threshold)

    return put_values if soft else put_flags


@cache
def mix_of(soft):
    """One row of a strip from two stretched rows."""
    put = put_of(soft)

    @inline
    def mixed(rows, upper, lower, part, j):
        part = splat(part, rows)
        return multiply_add(load(rows, lower + j), part, load(rows, upper + j) * (1.0 - part))

    @jit
    def mix_singly(job, upper, lower, part, cols, scratch, out, at):
        for j in range(0, cols, LANES):
            put(scratch.vector, 0, mixed(scratch.rows, upper, lower, part, j), job.threshold)
            put_singly(
                scratch.vector, out, at + j * job.out_col, job.out_col, lesser(cols - j, LANES)
            )

    @jit
    def mix(job, upper, lower, part, cols, scratch, out, at):
        if job.out_col != 1 or cols < LANES:
            mix_singly(job, upper, lower, part, cols, scratch, out, at)
            return
        last = cols - LANES  # some columns twice rather than one beyond
        for j in range(0, last, LANES):
            put(out, at + j, mixed(scratch.rows, upper, lower, part, j), job.threshold)
        put(out, at + last, mixed(scratch.rows, upper, lower, part, last), job.threshold)

    return mix


@cache
def paste_of(soft):
    """The work on one piece: the rows of boxes from one cut to the next."""
    mix, pixel = mix_of(soft), REAL if soft else BYTE

    @jit
    def paste(job, axes, masks, box, strip, scratch, out):
        plan(axes[1], box, strip, scratch)
        scratch.held[0] = scratch.held[1] = -1
        for row in range(strip.begin, strip.end):
            place = box.y + row * box.y_step
            first = math.floor(place)
            part = REAL(place - first)
            upper = stretched(axes, masks, strip, first, 1 - part, scratch)
            lower = stretched(axes, masks, strip, first + 1, part, scratch)
            mix(job, upper, lower, part, strip.cols, scratch, out, strip.target + row * job.out_row)

    @inline
    def paste_rows(job, axes, masks, box, rows, scratch, out):
        mask, plane = rows.k * job.input_n, job.out_start + rows.k * job.out_n
        for col in range(0, box.cols, STRIP):
            target = plane + box.row * job.out_row + (box.col + col) * job.out_col
            cols = lesser(box.cols - col, STRIP)
            strip = Strip(col, cols, rows.begin, rows.end, mask, target)
            paste(job, axes, masks, box, strip, scratch, out)

    @jit
    def run(job, axes, masks, boxes, cuts, out, piece):
        offsets, left, right = local(STRIP, np.int32), local(STRIP, REAL), local(STRIP, REAL)
        rows, held, vector = local(ROWS, REAL), local(2, PLACE), local(LANES, pixel)
        scratch = Scratch(offsets, left, right, rows, held, vector)
        for j in range(ZEROS, ROWS, LANES):
            store(rows, j, splat(0.0, rows))
        cut = 2 * piece
        first, last = cuts[cut], cuts[cut + 2]
        for k in range(first, last + 1):
            begin = cuts[cut + 1] if k == first else 0
            end = cuts[cut + 3] if k == last else boxes[k].rows
            if begin < end:
                paste_rows(job, axes, masks, boxes[k], Rows(k, begin, end), scratch, out)

    return run


def paste_piece_of(soft):
    """The work on one piece, on memory that comes as its first bytes."""
    run, pixel = paste_of(soft), REAL if soft else BYTE

    def paste_piece(job_at, axes_at, masks_at, boxes_at, cuts_at, out_at, piece):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, AXIS, 0)
        masks, boxes = array_at(masks_at, REAL, 0), array_at(boxes_at, BOX, 0)
        cuts, out = array_at(cuts_at, PLACE, 0), array_at(out_at, pixel, 0)
        run(job, axes, masks, boxes, cuts, out, piece)

    return paste_piece


@once
def paster(soft):
    """The address of the work on one piece."""
    return made_address(paste_piece_of, ("paste", soft), WORK)
