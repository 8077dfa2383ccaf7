"""The stages `affine_grid` and `affine_sum`: the grid that a matrix makes, and its gradient.

They need no plan.
"""

from functools import cache

from ..compiler.flat import array_at
from ..compiler.jit import inline, jit
from ..kind import AXES, JOB, STRIDES, VALUES
from ..vectors.memory import local
from ..vectors.simd import LANES, convert, load, multiply_add, splat, store
from .coordinates import base_of, read_array_of, read_matrix_of, write_of
from .tile import tile_in, tiles_in_all


@inline
def total(vec, room):
    """The sum of the lanes, from the first to the last."""
    store(room, 0, vec)
    found = room[0]
    for k in range(1, LANES):
        found += room[k]
    return found


@cache
def put_row_of(count):
    """Add a row's sums of slope i, and of slope i times x, to those times (x, y, z, 1)."""

    @inline
    def put_row(out, to, by_x, all, y, z):
        out[to] += by_x
        if count > 1:
            out[to + 1] += all * y
        if count > 2:
            out[to + 2] += all * z
        out[to + count] += all

    return put_row


@cache
def add_up_of(count, real):
    """The share of a tile in a matrix's gradient: the sum of slope i times (x, y, z, 1), in double.

    From `results`, where slope i of the tile's points lies at i * pitch.
    """
    (along_row, of_row), put_row = base_of(count, real), put_row_of(count)
    columns, real_type, exact = count + 1, VALUES[real], VALUES[8]

    @inline
    def row_sums(axes, results, at, tile, like, room):
        sums, moments = splat(0.0, room), splat(0.0, room)
        for col in range(0, tile.cols, LANES):
            for k in range(tile.cols - col, LANES):
                results[at + col + k] = 0  # what lies beyond the row
            slope = convert(load(results, at + col), room)
            sums = sums + slope
            moments = moments + slope * convert(along_row(axes, tile.col + col, like), room)
        return total(sums, room), total(moments, room)

    @jit
    def add_up(axes, results, pitch, tile, out, at):
        room, like = local(LANES, exact), local(LANES, real_type)
        for k in range(count * columns):
            out[at + k] = 0
        for row in range(tile.rows):
            y, z = of_row(axes, tile.row + row)
            for i in range(count):
                start, to = i * pitch + row * tile.pad, at + i * columns
                all, by_x = row_sums(axes, results, start, tile, like, room)
                put_row(out, to, by_x, all, y, z)

    return add_up


@cache
def affine_grid_of(count, real):
    """The stage that makes the points of a tile."""
    read, write, real_type = read_matrix_of(count, real), write_of(count), VALUES[real]
    lanes, axis = count * LANES, AXES[real]

    @jit
    def put(job, axes, matrix, tile, at, out):
        values = local(lanes, real_type)
        for row in range(tile.rows):
            for col in range(0, tile.cols, LANES):
                read(job, axes, matrix, tile, row, col, values)
                to = at + row * job.out_row + col * job.out_col
                left = tile.cols - col
                write(out, to, job.out_col, job.out_c, left, values, job.stream)

    def affine_grid(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, axis, STRIDES)
        matrix, out = array_at(grid_at, real_type, 0), array_at(out_at, real_type, 0)
        tile = tile_in(scratch, slot, 0)
        put(job, axes, matrix, tile, tile.target + tile.n * job.out_n, out)

    return affine_grid


@cache
def affine_sum_of(count, real):
    """The stage that sums a tile's share of the gradient of matrices, from that of their grid.

    All axes in one pass: of 16x256x256 points on one core of Zen 3 1.1 ms, where slopes that were
    written axis by axis and summed then took 1.8.
    """
    read, (along_row, of_row) = read_array_of(count, real), base_of(count, real)
    put_row, real_type = put_row_of(count), VALUES[real]
    lanes, axis, exact, shares = count * LANES, AXES[real], VALUES[8], count * (count + 1)

    @inline
    def add_group(axes, tile, col, values, sums, moments, like):
        x = convert(along_row(axes, tile.col + col, values), like)
        for i in range(count):
            slope = convert(load(values, i * LANES), like)
            store(sums, i * LANES, load(sums, i * LANES) + slope)
            store(moments, i * LANES, multiply_add(slope, x, load(moments, i * LANES)))

    @jit
    def add(job, axes, grid, tile, out, at):
        values, room = local(lanes, real_type), local(LANES, exact)
        last = local(lanes, real_type)  # of a row, apart: what has such indices is in no register
        sums, moments = local(lanes, exact), local(lanes, exact)
        for k in range(shares):
            out[at + k] = 0
        for row in range(tile.rows):
            for i in range(count):
                store(sums, i * LANES, splat(0.0, room))
                store(moments, i * LANES, splat(0.0, room))
            whole = tile.cols // LANES * LANES
            for col in range(0, whole, LANES):
                read(job, axes, grid, tile, row, col, values)
                add_group(axes, tile, col, values, sums, moments, room)
            if whole < tile.cols:
                read(job, axes, grid, tile, row, whole, last)
                for i in range(count):
                    for k in range(tile.cols - whole, LANES):
                        last[i * LANES + k] = 0  # what lies beyond the row
                add_group(axes, tile, whole, last, sums, moments, room)
            y, z = of_row(axes, tile.row + row)
            for i in range(count):
                all = total(load(sums, i * LANES), room)
                by_x = total(load(moments, i * LANES), room)
                put_row(out, at + i * (count + 1), by_x, all, y, z)

    def affine_sum(job_at, axes_at, image_at, grid_at, other_at, out_at, scratch, slot, after):
        job, axes = array_at(job_at, JOB, 0)[0], array_at(axes_at, axis, STRIDES)
        tile = tile_in(scratch, slot, 0)
        to = (tile.n * tiles_in_all(job) + tile.t) * shares
        add(job, axes, array_at(grid_at, real_type, 0), tile, array_at(out_at, exact, 0), to)

    return affine_sum
