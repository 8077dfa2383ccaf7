"""Maps from output points to pixels that a few numbers describe: matrices and homographies.

Along a row of the output each of their coordinates is a line: where it begins, and its step from
column to column, both found in double once a row. 16 points of it are a whole number of the
coordinates' type, the rest and the steps, and only the last sum rounds: half a unit in the last
place of the position, whatever the columns. (A product of column and step in single precision, and
normalised coordinates on the way, were off by 2.4e-4 pixels at 1080x1920.)
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit
from ..kind import AXES, JOB, STRIDES, VALUES
from ..vectors.memory import local
from ..vectors.simd import LANES, convert, load, multiply_add, ramp, splat, store, where
from .affine import total
from .coordinates import base_of
from .tile import noted_in, tile_in, tiles_in_all


class Row(NamedTuple):
    """What is known of a row of the output before its points are read."""

    lines: np.ndarray  # of each coordinate: where it begins, and its step; doubles
    field: np.ndarray  # of a spline: the row's cells, see `field`
    noted: np.ndarray  # and which of its lines are there
    values: np.ndarray  # 16 points on their way to a function that plans them with care


LINES = 8  # numbers: of up to three coordinates, or of a homography's divisor, too, and behind them
FINITE = 7  # of a spline: 1 where all of these lines are finite along the row


@cache
def line_of(count):
    """Where a matrix's row of numbers leads along a row of the output, before `gain`: in double."""
    last = count - 1

    @inline
    def line(axes, matrix, at, y, z):
        by_x = np.float64(matrix[at])
        start = matrix[at + count] + by_x * axes[last].base
        if count > 1:
            start += matrix[at + 1] * y
        if count > 2:
            start += matrix[at + 2] * z
        return start, by_x * axes[last].step

    return line


@cache
def along_of(real, finite=False):
    """16 points of a line from a column on: the whole number, and the vector to add to it.

    They may be known to be finite. Doubles need no such number. Each is rounded once, wherever the
    16 points begin, so that a part of an output has the positions of the whole.
    """
    number = VALUES[real]

    @inline
    def exactly(lines, i, col, like):
        index = ramp(like) + splat(col, like)
        return number(0), multiply_add(
            index, splat(lines[2 * i + 1], like), splat(lines[2 * i], like)
        )

    @inline
    def along(lines, i, col, like):
        step = lines[2 * i + 1]
        first = lines[2 * i] + col * step
        whole = number(first)
        rest = first - whole if finite or whole - whole == 0.0 else 0.0
        return whole, multiply_add(ramp(like), splat(step, like), splat(rest, like))

    return exactly if real == 8 else along


@cache
def affine_of(count, real):
    """Through a matrix (D, D + 1) of the output's places, the last column moves."""
    (along_row, of_row), exact_row = base_of(count, real), base_of(count, 8)[1]
    line, along, last, number = line_of(count), along_of(real), count - 1, VALUES[real]

    @inline
    def begin(job, axes, matrix, tile, row, made):
        y, z = exact_row(axes, tile.row + row)
        for i in range(count):
            start, step = line(axes, matrix, tile.source + i * (count + 1), y, z)
            axis = axes[last - i]
            made.lines[2 * i] = start * axis.gain + axis.origin
            made.lines[2 * i + 1] = step * axis.gain

    @jit
    def without_lines(axes, matrix, at, i, tile, row, col, values):
        # Where a number is infinite: a line has no beginning then.
        x, (y, z) = along_row(axes, tile.col + col, values), of_row(axes, tile.row + row)
        rest = matrix[at + count]
        if count > 1:
            rest += matrix[at + 1] * y
        if count > 2:
            rest += matrix[at + 2] * z
        p = multiply_add(x, splat(matrix[at], x), splat(rest, x))
        axis = axes[last - i]
        store(values, i * LANES, multiply_add(p, splat(axis.gain, x), splat(axis.origin, x)))

    @inline
    def read(job, axes, matrix, tile, row, col, made, values):
        first = axes[last].begin + tile.col + col
        for i in range(count):
            whole, near = along(made.lines, i, first, values)
            store(values, i * LANES, near + splat(whole, near))
            far = number(made.lines[2 * i] + (first + LANES) * made.lines[2 * i + 1])
            if far - far != 0.0:
                at = tile.source + i * (count + 1)
                without_lines(axes, matrix, at, i, tile, row, col, values)

    return begin, read


@cache
def perspective_of(count, real):
    """Through a homography (3, 3) of pixels; the vector behind the places is 1 where none is."""
    line, along, exact_row = line_of(2), along_of(real), base_of(2, 8)[1]

    @inline
    def begin(job, axes, matrix, tile, row, made):
        y, z = exact_row(axes, tile.row + row)
        for i in range(3):
            start, step = line(axes, matrix, tile.source + 3 * i, y, z)
            made.lines[2 * i], made.lines[2 * i + 1] = start, step

    @inline
    def value(made, i, col, like):
        whole, near = along(made.lines, i, col, like)
        return near + splat(whole, near)

    @inline
    def read(job, axes, matrix, tile, row, col, made, values):
        u, v = value(made, 0, tile.col + col, values), value(made, 1, tile.col + col, values)
        w = value(made, 2, tile.col + col, values)
        before = (w > 0.0) & (w < np.inf)
        w = where(before, w, 1.0)
        store(values, 0, where(before, u / w, 0.0))
        store(values, LANES, where(before, v / w, 0.0))
        store(values, 2 * LANES, where(before, splat(0.0, w), 1.0))

    return begin, read


@cache
def add_homography_of(real):
    """The share of a tile in a homography's gradient, in double, from the slopes in `results`.

    Of (u/w, v/w) the slopes by u and v are 1/w, that by w is -(u/w, v/w)/w.
    """
    (begin, read), along = perspective_of(2, real), along_of(real)
    number, exact, lanes = VALUES[real], VALUES[8], 3 * LANES

    @inline
    def slopes(results, at, pitch, made, col, values, room):
        whole, near = along(made.lines, 2, col, values)
        outside = convert(load(values, 2 * LANES), room) > 0.0
        x, y = convert(load(values, 0), room), convert(load(values, LANES), room)
        w = where(outside, 1.0, convert(near + splat(whole, near), room))
        by_u = where(outside, 0.0, convert(load(results, at), room) / w)
        by_v = where(outside, 0.0, convert(load(results, at + pitch), room) / w)
        return by_u, by_v, 0.0 - (by_u * x + by_v * y)

    @inline
    def add_row(out, at, sums, moments, y, room):
        all, by_x = total(sums, room), total(moments, room)
        out[at] += by_x
        out[at + 1] += all * y
        out[at + 2] += all

    @jit
    def add(job, axes, matrix, tile, results, pitch, scratch, out, at):
        values, room, lines = local(lanes, number), local(LANES, exact), local(LINES, exact)
        made = Row(lines, array_at(scratch, number, job.field), noted_in(scratch), values)
        for k in range(9):
            out[at + k] = 0.0
        for row in range(tile.rows):
            begin(job, axes, matrix, tile, row, made)
            u, v, w = splat(0.0, room), splat(0.0, room), splat(0.0, room)
            u_x, v_x, w_x = u, v, w
            for col in range(0, tile.cols, LANES):
                start = row * tile.pad + col
                for k in range(tile.cols - col, LANES):  # what lies beyond the row
                    results[start + k], results[start + pitch + k] = 0.0, 0.0
                read(job, axes, matrix, tile, row, col, made, values)
                x = ramp(room) + splat(tile.col + col, room)
                by_u, by_v, by_w = slopes(results, start, pitch, made, tile.col + col, values, room)
                u, v, w = u + by_u, v + by_v, w + by_w
                u_x, v_x, w_x = u_x + by_u * x, v_x + by_v * x, w_x + by_w * x
            y = 1.0 * (tile.row + row)
            add_row(out, at, u, u_x, y, room)
            add_row(out, at + 3, v, v_x, y, room)
            add_row(out, at + 6, w, w_x, y, room)

    return add


@cache
def put_homography_of(count, work, real):
    """The stage that writes a tile's share of its homography's gradient."""
    add, axis, number = add_homography_of(real), AXES[real], VALUES[real]
    exact, work_type = VALUES[8], VALUES[work]

    def put_homography(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, axis, STRIDES)
        matrix, out = array_at(grid_at, number, 0), array_at(out_at, exact, 0)
        sums, tile = array_at(scratch, work_type, job.sums), tile_in(scratch, slot, 0)
        to = (tile.n * tiles_in_all(job) + tile.t) * 9
        add(job, axes, matrix, tile, sums, job.sums_pitch, scratch, out, to)

    return put_homography
