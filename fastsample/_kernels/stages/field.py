"""Steps of pixels from a uniform spline's knots, evaluated where they are needed.

Along a row of the output the knots of the other axes are weighed once: what is left is a spline of
one axis. Between two of its knots it is a polynomial, whose numbers wait in scratch; it is the same
one for most of 16 neighbours.
"""

import math
from functools import cache

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import greater, inline, jit, lesser
from ..kind import AXES, JOB, STRIDES, VALUES
from ..vectors.memory import load_first, local
from ..vectors.simd import LANES, convert, load, multiply_add, ramp, splat, store, where
from .affine import add_up_of, total
from .maps import affine_of, along_of
from .scratch import TAPS
from .tile import tile_in, tiles_in_all

# Of TAPS knots around a place, a linear spline's middle ones weigh.


@inline
def cell_of(axis, j):
    """The cell between two knots in which point j of the output lies, and where in it."""
    place = j * axis.knot_step
    cell = lesser(np.int64(math.floor(place)), axis.knots - 2)
    return cell, place - cell


@inline
def knot_of(axis, k):
    """Knot k; beyond the outer ones these repeat."""
    return greater(0, lesser(k, axis.knots - 1))


@jit
def put_weights(axis, inside, weights, at):
    """What the four knots around a cell weigh, somewhere inside it."""
    rest = 1.0 - inside
    if axis.order == 1:
        weights[at], weights[at + 1], weights[at + 2], weights[at + 3] = 0.0, rest, inside, 0.0
    else:
        weights[at] = rest * rest * rest * (1 / 6)
        weights[at + 1] = ((3.0 * inside - 6.0) * inside * inside + 4.0) * (1 / 6)
        weights[at + 2] = ((3.0 * rest - 6.0) * rest * rest + 4.0) * (1 / 6)
        weights[at + 3] = inside * inside * inside * (1 / 6)


@cache
def put_pieces_of(real):
    """Put 16 cells of a spline, as polynomials, behind a row's knots: see `begin_field_of`."""
    number = VALUES[real]

    @inline
    def put_pieces(order, field, cell, at, pitch):
        a, b, c = load(field, cell), load(field, cell + 1), load(field, cell + 2)
        if order == 1:
            zeroth, first = b, c - b
            second = third = splat(0.0, b)
        else:
            d = load(field, cell + 3)
            zeroth = (a + b * number(4) + c) * number(1 / 6)
            first = (c - a) * number(0.5)
            second = (a + c) * number(0.5) - b
            third = (d - a) * number(1 / 6) + (b - c) * number(0.5)
        store(field, at + cell, zeroth)
        store(field, at + pitch + cell, first)
        store(field, at + 2 * pitch + cell, second)
        store(field, at + 3 * pitch + cell, third)

    return put_pieces


@inline
def piece(field, at, pitch, inside):
    """The spline of the cell whose numbers begin at a place, for 16 places inside that cell."""
    third, second = splat(field[at + 3 * pitch], inside), splat(field[at + 2 * pitch], inside)
    found = multiply_add(inside, third, second)
    found = multiply_add(found, inside, splat(field[at + pitch], inside))
    return multiply_add(found, inside, splat(field[at], inside))


@cache
def put_lines_of(count, real):
    """Note which lines of knots a row of points lies between, and what each weighs; how many."""
    last, number = count - 1, VALUES[real]

    @inline
    def put_column(axes, at, scale, n, cell, weights, starts, factors):
        axis, used = axes[last - 1], np.int64(axes[last].order == 1)
        for j in range(used, TAPS - used):  # the outer two of four weigh nothing then
            starts[n] = at + knot_of(axis, cell - 1 + j) * axes[last].knots
            factors[n] = number(scale * weights[j])
            n += 1
        return n

    @jit
    def put_lines(axes, row, weights, starts, factors):
        if count == 1:
            starts[0], factors[0] = 0, number(1)
            return 1
        axis, used, n = axes[last - 1], np.int64(axes[last].order == 1), 0
        cell, inside = cell_of(axis, row % axis.points)
        put_weights(axis, inside, weights, 0)
        if count == 2:
            return put_column(axes, 0, 1.0, n, cell, weights, starts, factors)
        outer, inside = cell_of(axes[0], row // axis.points)
        put_weights(axes[0], inside, weights, TAPS)
        for k in range(used, TAPS - used):
            at = knot_of(axes[0], outer - 1 + k) * axis.knots * axes[last].knots
            n = put_column(axes, at, weights[TAPS + k], n, cell, weights, starts, factors)
        return n

    return put_lines


@inline
def weigh(control, at, left, lines, starts, factors):
    """16 of one component's knots along a row, weighed over the lines of them around it."""
    found = splat(0.0, factors)
    for k in range(lines):
        knots = load_first(control, at + starts[k], left, LANES)
        found = multiply_add(knots, splat(factors[k], found), found)
    return found


@cache
def all_knots_of(count):
    """The knots of one component."""

    @inline
    def all_knots(axes):
        found = axes[0].knots
        if count > 1:
            found *= axes[1].knots
        if count > 2:
            found *= axes[2].knots
        return found

    return all_knots


@cache
def begin_field_of(count, real):
    """Put a row's knots into `field`, component by component, and what they make of its cells.

    Knot k of a component stands at k + 1. Behind all of these, of component d, number p of cell k
    at (1 + 4 d + p) * pitch + k. (A row of 128 points took 7x7x7 knots 1.7 us one by one.)
    """
    put_lines, all_knots, last = put_lines_of(count, real), all_knots_of(count), count - 1
    put_pieces, number, exact, whole = put_pieces_of(real), VALUES[real], VALUES[8], np.int64
    first_control, eight, most = count * (count + 1), 2 * TAPS, TAPS * TAPS

    @inline
    def put_knots(axes, control, at, begin, end, lines, starts, factors, field):
        knots = axes[last].knots
        for k in range(greater(begin - 1, 0), lesser(end + 3, knots), LANES):
            store(field, k + 1, weigh(control, at + k, knots - k, lines, starts, factors))
        field[0], field[knots + 1] = field[1], field[knots]

    @jit
    def begin_field(axes, control, tile, row, field, pitch):
        weights, starts, factors = local(eight, exact), local(most, whole), local(most, number)
        lines, x = put_lines(axes, tile.row + row, weights, starts, factors), axes[last]
        begin, _ = cell_of(x, tile.col)
        end, _ = cell_of(x, tile.col + tile.pad - 1)
        for d in range(count):
            at, to = tile.source + first_control + d * all_knots(axes), (1 + TAPS * d) * pitch
            put_knots(axes, control, at, begin, end, lines, starts, factors, field)
            for k in range(begin, end + 1, LANES):
                put_pieces(x.order, field, k, to, pitch)

    return begin_field


@cache
def elastic_of(count, real):
    """Through a matrix, and a spline's steps from there."""
    (begin_affine, read_affine), along = affine_of(count, real), along_of(real)
    begin_field, last = begin_field_of(count, real), count - 1

    @inline
    def begin(job, axes, grid, tile, row, made):
        begin_affine(job, axes, grid, tile, row, made)
        begin_field(axes, grid, tile, row, made.field, job.field_pitch)

    @inline
    def steps(field, at, pitch, cell, end, inside):
        found = piece(field, at + cell, pitch, inside)
        for k in range(cell + 1, end + 1):
            place = inside - (k - cell)
            found = where(place >= 0.0, piece(field, at + k, pitch, place), found)
        return found

    @inline
    def read(job, axes, grid, tile, row, col, made, values):
        read_affine(job, axes, grid, tile, row, col, made, values)
        column, axis = tile.col + col, axes[last]
        cell, first = cell_of(axis, column)
        end, _ = cell_of(axis, column + LANES - 1)
        inside = multiply_add(ramp(values), splat(axis.knot_step, values), splat(first, values))
        for i in range(count):
            whole, near = along(made.lines, i, column, values)
            start = (1 + TAPS * i) * job.field_pitch
            found = steps(made.field, start, job.field_pitch, cell, end, inside)
            summed = (near + found) + splat(whole, near)
            # Where a number is infinite, lines say nothing: what the matrix gives as it is.
            value = load(values, i * LANES)
            store(values, i * LANES, where(summed == summed, summed, value + found))

    return begin, read


@cache
def add_knots_of(count, real):
    """Add what slopes make of a row's knots: for each component, in double.

    Of a cell the sums of slopes times powers of the place in it are what its polynomial needs.
    """
    last, exact = count - 1, VALUES[8]

    @inline
    def add_to_knots(axis, out, at, cell, sums):
        p0, p1, p2, p3 = sums[0], sums[1], sums[2], sums[3]
        if axis.order == 1:
            out[at + knot_of(axis, cell)] += p0 - p1
            out[at + knot_of(axis, cell + 1)] += p1
        else:
            out[at + knot_of(axis, cell - 1)] += (p0 - 3.0 * p1 + 3.0 * p2 - p3) / 6.0
            out[at + knot_of(axis, cell)] += (4.0 * p0 - 6.0 * p2 + 3.0 * p3) / 6.0
            out[at + knot_of(axis, cell + 1)] += (p0 + 3.0 * (p1 + p2 - p3)) / 6.0
            out[at + knot_of(axis, cell + 2)] += p3 / 6.0

    @inline
    def moments(slope, place, ours, sums, room):
        power = where(ours, slope, 0.0)
        for p in range(TAPS):
            sums[p] = total(power, room)
            power = power * place

    @jit
    def add_knots(axes, results, at, tile, out, to):
        room, sums, axis = local(LANES, exact), local(TAPS, exact), axes[last]
        for col in range(0, tile.cols, LANES):
            slope = convert(load(results, at + col), room)
            cell, start = cell_of(axis, tile.col + col)
            end, _ = cell_of(axis, tile.col + col + LANES - 1)
            inside = ramp(room) * splat(axis.knot_step, room) + splat(start, room)
            for k in range(cell, end + 1):
                place = inside - (k - cell)
                ours = (place >= 0.0) & ((place < 1.0) | (splat(k, room) >= 1.0 * end))
                moments(slope, place, ours, sums, room)
                add_to_knots(axis, out, to, k, sums)

    return add_knots


@cache
def put_field_of(count, work, real):
    """The stage that writes a tile's share of its matrix's gradient and its rows' knots'."""
    add_up, add_knots, axis = add_up_of(count, real), add_knots_of(count, real), AXES[real]
    exact, work_type, shares, last = VALUES[8], VALUES[work], count * (count + 1), count - 1

    def put_field(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, axis, STRIDES)
        out, sums = array_at(out_at, exact, 0), array_at(scratch, work_type, job.sums)
        tile, knots = tile_in(scratch, slot, 0), axes[last].knots
        all = shares + job.tile_rows * count * knots
        at = (tile.n * tiles_in_all(job) + tile.t) * all
        for k in range(all):
            out[at + k] = 0.0
        add_up(axes, sums, job.sums_pitch, tile, out, at)  # which also clears what is beyond rows
        for row in range(tile.rows):
            for d in range(count):
                to = at + shares + (row * count + d) * knots
                start = d * job.sums_pitch + row * tile.pad
                add_knots(axes, sums, start, tile, out, to)

    return put_field
