"""Steps of pixels from a uniform spline's knots, evaluated where they are needed.

Along a row of the output the knots of the other axes are weighed once: what is left is a spline of
one axis. Between two of its knots it is a polynomial, whose numbers wait in scratch; it is the same
one for most of 16 neighbours. The lines of knots around the row are such splines, too: they wait
beside it, and serve all rows between them.
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
from .coordinates import move_of
from .maps import FINITE, affine_of, along_of
from .scratch import TAPS
from .tile import LINES_KEPT, tile_in, tiles_in_all

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
def around_of(real):
    """Note which knots of an axis are around point j, and what each weighs; how many."""
    number, exact = VALUES[real], VALUES[8]

    @jit
    def around(axis, j, knots, factors):
        weights, used, n = local(TAPS, exact), np.int64(axis.order == 1), 0
        cell, inside = cell_of(axis, j)
        put_weights(axis, inside, weights, 0)
        for k in range(used, TAPS - used):  # the outer two of four weigh nothing then
            knots[n], factors[n] = knot_of(axis, cell - 1 + k), number(weights[k])
            n += 1
        return n

    return around


@inline
def weigh_knots(control, at, left, lines, starts, factors):
    """16 of one component's knots along a line, weighed over the planes around it."""
    found = splat(0.0, factors)
    for k in range(lines):
        knots = load_first(control, at + starts[k], left, LANES)
        found = multiply_add(knots, splat(factors[k], found), found)
    return found


@inline
def weigh_cells(field, at, lines, starts, factors):
    """One number of 16 cells along a row, weighed over the lines around it."""
    found = splat(0.0, factors)
    for k in range(lines):
        cells = load(field, at + starts[k])
        found = multiply_add(cells, splat(factors[k], found), found)
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
def put_line_of(count, real):
    """Put the cells of a line of knots into `field` from a place on, component by component.

    In 3-D those of the planes around plane z of the output, weighed. Knot k of a component stands
    at k + 1 meanwhile, and number p of cell k of component d at (4 d + p) * pitch + k in the end.
    """
    around, all_knots, put_pieces = around_of(real), all_knots_of(count), put_pieces_of(real)
    last, number, whole = count - 1, VALUES[real], np.int64

    @inline
    def planes_of(axes, z, line, starts, factors):
        n = 1
        starts[0], factors[0] = 0, number(1)
        if count > 2:
            n = around(axes[0], z, starts, factors)
        for k in range(n):
            if count > 1:
                starts[k] = (starts[k] * axes[last - 1].knots + line) * axes[last].knots
        return n

    @jit
    def put_line(axes, control, at, z, line, field, to, pitch):
        starts, factors, knots = local(TAPS, whole), local(TAPS, number), axes[last].knots
        n = planes_of(axes, z, line, starts, factors)
        for d in range(count):
            first, behind = at + d * all_knots(axes), to + d * TAPS * pitch
            for k in range(0, knots, LANES):
                found = weigh_knots(control, first + k, knots - k, n, starts, factors)
                store(field, k + 1, found)
            field[0], field[knots + 1] = field[1], field[knots]
            for k in range(0, knots - 1, LANES):
                put_pieces(axes[last].order, field, k, behind, pitch)

    return put_line


@cache
def begin_field_of(count, real):
    """Put the numbers of a row's cells into `field`: p of component d at (1 + 4 d + p) * pitch.

    They are weighed from those of the lines of knots around the row, which wait behind them, and
    are made once for all rows between the same knots: in 3-D a row adds up 4 lines, not 16.
    """
    put_line, around = put_line_of(count, real), around_of(real)
    number, whole, last = VALUES[real], np.int64, count - 1
    first_control, rows = count * (count + 1), count * TAPS

    @inline
    def place_of(axes, row):
        j, z = row, 0
        if count > 2:
            j, z = row % axes[1].points, row // axes[1].points
        return j, z

    @inline
    def lines_of(axes, tile, j, z, lines, factors):
        """The lines around a row, and a number that tells the first of all from those elsewhere."""
        n, first = 1, tile.n
        lines[0], factors[0] = 0, number(1)
        if count > 1:
            n = around(axes[last - 1], j, lines, factors)
            if count > 2:
                first = first * axes[0].points + z
            first *= axes[last - 1].knots
        return n, first

    @jit
    def begin_field(axes, control, tile, row, made, pitch):
        lines, factors, x, field = local(TAPS, whole), local(TAPS, number), axes[last], made.field
        j, z = place_of(axes, tile.row + row)
        n, first = lines_of(axes, tile, j, z, lines, factors)
        for k in range(n):
            line, slot = lines[k], lines[k] % LINES_KEPT
            lines[k] = (1 + rows * (1 + slot)) * pitch
            if made.noted[slot] != first + line:
                at = tile.source + first_control
                put_line(axes, control, at, z, line, field, lines[k], pitch)
                made.noted[slot] = first + line
        begin, _ = cell_of(x, tile.col)
        end, _ = cell_of(x, tile.col + tile.pad - 1)
        for p in range(rows):
            for k in range(begin, end + 1, LANES):
                found = weigh_cells(field, p * pitch + k, n, lines, factors)
                store(field, (1 + p) * pitch + k, found)

    return begin_field


@cache
def is_finite_of(count, real):
    """Are a row's lines finite, at both ends and so between them? 1.0 or 0.0."""
    number = VALUES[real]

    @inline
    def is_finite(tile, lines):
        sound, end = number(0), tile.col + tile.pad + LANES
        for i in range(count):
            first = number(lines[2 * i] + tile.col * lines[2 * i + 1])
            last = number(lines[2 * i] + end * lines[2 * i + 1])
            sound += (first - first) + (last - last)
        return 1.0 if sound == 0.0 else 0.0

    return is_finite


@cache
def elastic_of(count, real):
    """Through a matrix, and a spline's steps from there."""
    (begin_affine, read_affine), along = affine_of(count, real), along_of(real)
    begin_field, is_finite = begin_field_of(count, real), is_finite_of(count, real)
    finitely, last, move = along_of(real, finite=True), count - 1, move_of(count)
    lanes, number = count * LANES, VALUES[real]

    @inline
    def begin(job, axes, grid, tile, row, made):
        begin_affine(job, axes, grid, tile, row, made)
        made.lines[FINITE] = is_finite(tile, made.lines)
        begin_field(axes, grid, tile, row, made, job.field_pitch)

    @inline
    def steps(field, at, pitch, cell, end, inside):
        found = piece(field, at + cell, pitch, inside)
        for k in range(cell + 1, end + 1):
            place = inside - (k - cell)
            found = where(place >= 0.0, piece(field, at + k, pitch, place), found)
        return found

    @jit
    def carefully(job, axes, grid, tile, row, col, made, found, values):
        """Where a number is infinite, lines say nothing: what the matrix gives as it is."""
        read_affine(job, axes, grid, tile, row, col, made, values)
        for i in range(count):
            whole, near = along(made.lines, i, tile.col + col, values)
            value, step = load(values, i * LANES), load(found, i * LANES)
            summed = (near + step) + splat(whole, near)
            store(values, i * LANES, where(summed == summed, summed, value + step))

    @inline
    def put_steps(job, i, made, cell, end, inside, found):
        at, pitch = (1 + TAPS * i) * job.field_pitch, job.field_pitch
        store(found, i * LANES, steps(made.field, at, pitch, cell, end, inside))

    @inline
    def put_places(i, made, column, found, values):
        whole, near = finitely(made.lines, i, column, values)
        store(values, i * LANES, (near + load(found, i * LANES)) + splat(whole, near))

    @inline
    def read(job, axes, grid, tile, row, col, made, values):
        found, column, axis = local(lanes, number), tile.col + col, axes[last]
        cell, first = cell_of(axis, column)
        end, _ = cell_of(axis, column + LANES - 1)
        inside = multiply_add(ramp(values), splat(axis.knot_step, values), splat(first, values))
        # Written out, see `plan.locate_all`.
        put_steps(job, 0, made, cell, end, inside, found)
        if count > 1:
            put_steps(job, 1, made, cell, end, inside, found)
        if count > 2:
            put_steps(job, 2, made, cell, end, inside, found)
        if made.lines[FINITE] != 0.0:
            put_places(0, made, column, found, values)
            if count > 1:
                put_places(1, made, column, found, values)
            if count > 2:
                put_places(2, made, column, found, values)
        else:  # with arrays of its own: what a function is given takes no registers
            steps_there, places = local(lanes, number), local(lanes, number)
            move(found, steps_there)
            carefully(job, axes, grid, tile, row, col, made, steps_there, places)
            move(places, values)

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
