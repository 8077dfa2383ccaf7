"""Coordinates in arrays: points, steps away from places, what matrices make; and points back.

16 points at a time, as vectors one after the other: all x, then all y, then all z.
"""

from functools import cache

from ..compiler.jit import inline, jit, lesser
from ..kind import VALUES
from ..vectors.memory import (
    load_pairs,
    load_triples,
    starts_line,
    store_interleaved,
    stream_interleaved,
)
from ..vectors.simd import LANES, load, multiply_add, ramp, splat, store


@inline
def read_single(grid, source, values):
    """16 points of a dense grid of one axis."""
    store(values, 0, load(grid, source))


@inline
def read_pairs(grid, source, values):
    """Of two axes."""
    x, y = load_pairs(grid, source)
    store(values, 0, x)
    store(values, LANES, y)


@inline
def read_triples(grid, source, values):
    """Of three."""
    x, y, z = load_triples(grid, source)
    store(values, 0, x)
    store(values, LANES, y)
    store(values, 2 * LANES, z)


READ_GROUP = {1: read_single, 2: read_pairs, 3: read_triples}


@jit
def read_singly(axes, step, apart, grid, source, count, values):
    """Fewer than 16 points, or a grid of any strides; the lanes beyond repeat the last point."""
    for k in range(LANES):
        point = source + lesser(k, count - 1) * step
        for axis in range(axes):
            values[axis * LANES + k] = grid[point + axis * apart]


@cache
def read_array_of(count, real):
    """From an array of points.

    None is prefetched. Points 512 ahead, on another page, were: 5 % less of `remap` on one core of
    Zen 1, but on two of Zen 3 5 % more, 15 % more of `grid_sample` of 1x1x1024x1024, and on one
    core 2.1 ms instead of 1.9 for the gradient of matrices from 16x256x256 points.
    """
    read_group = READ_GROUP[count]

    @inline
    def read(job, axes, grid, tile, row, col, values):
        source = tile.source + row * job.grid_row + col * job.grid_col
        left = tile.cols - col
        if job.grid_axis == 1 and job.grid_col == count and left >= LANES:
            read_group(grid, source, values)
        elif job.grid_col == 1 and left >= LANES:
            for i in range(count):
                store(values, i * LANES, load(grid, source + i * job.grid_axis))
        else:
            read_singly(count, job.grid_col, job.grid_axis, grid, source, left, values)

    return read


@cache
def base_of(count, real):
    """Where output points lie before a map moves them: -1 to 1 along each axis, or pixels."""
    last, number = count - 1, VALUES[real]

    @inline
    def place(axis, j):
        return number(axis.base) + number(axis.begin + j) * number(axis.step)

    @inline
    def along_row(axes, col, like):
        """x of 16 points from column col on."""
        index = ramp(like) + splat(axes[last].begin + col, like)
        return multiply_add(index, splat(axes[last].step, index), splat(axes[last].base, index))

    @inline
    def of_row(axes, row):
        """(y, z) of a row; 0 where there is no such axis."""
        y = z = number(0)
        if count == 2:  # without a division, which a short row waits for
            y = place(axes[0], row)
        if count > 2:
            y = place(axes[1], row % axes[1].points)
            z = place(axes[0], row // axes[1].points)
        return y, z

    return along_row, of_row


@cache
def read_matrix_of(count, real):
    """From a matrix (D, D + 1) that maps the output's own places, the last column moves."""
    along_row, of_row = base_of(count, real)

    @inline
    def read(job, axes, matrix, tile, row, col, values):
        x = along_row(axes, tile.col + col, values)
        y, z = of_row(axes, tile.row + row)
        for i in range(count):
            at = tile.source + i * (count + 1)
            rest = matrix[at + count]
            if count > 1:
                rest += matrix[at + 1] * y
            if count > 2:
                rest += matrix[at + 2] * z
            store(values, i * LANES, multiply_add(x, splat(matrix[at], x), splat(rest, x)))

    return read


@cache
def read_steps_of(count, real):
    """From an array of steps away from the output's own places."""
    (along_row, of_row), read_array = base_of(count, real), read_array_of(count, real)

    @inline
    def read(job, axes, grid, tile, row, col, values):
        read_array(job, axes, grid, tile, row, col, values)
        x = along_row(axes, tile.col + col, values)
        y, z = of_row(axes, tile.row + row)
        store(values, 0, load(values, 0) + x)
        if count > 1:
            store(values, LANES, load(values, LANES) + splat(y, x))
        if count > 2:
            store(values, 2 * LANES, load(values, 2 * LANES) + splat(z, x))

    return read


@inline
def one_vector(values):
    return (load(values, 0),)


@inline
def two_vectors(values):
    return load(values, 0), load(values, LANES)


@inline
def three_vectors(values):
    return load(values, 0), load(values, LANES), load(values, 2 * LANES)


@jit
def write_singly(axes, step, apart, points, at, count, values):
    """Up to 16 points of an array of any strides, and nothing beyond them."""
    for k in range(lesser(count, LANES)):
        for axis in range(axes):
            points[at + k * step + axis * apart] = values[axis * LANES + k]


@cache
def move_of(count):
    """So many vectors from one array to another, at constant places: neither needs memory."""

    @inline
    def move(values, to):
        store(to, 0, load(values, 0))
        if count > 1:
            store(to, LANES, load(values, LANES))
        if count > 2:
            store(to, 2 * LANES, load(values, 2 * LANES))

    return move


@cache
def write_of(count):
    """Up to 16 points to an array, `step` elements apart, their coordinates `apart`.

    What is streamed needs a `fence` in the end.
    """
    vectors = {1: one_vector, 2: two_vectors, 3: three_vectors}[count]

    @inline
    def write(points, at, step, apart, left, values, streamed):
        dense = apart == 1 and step == count and left >= LANES
        if dense and streamed and starts_line(points, at):
            stream_interleaved(points, at, vectors(values))
        elif dense:
            store_interleaved(points, at, vectors(values))
        elif step == 1 and left >= LANES:
            for i in range(count):
                store(points, at + i * apart, load(values, i * LANES))
        else:
            write_singly(count, step, apart, points, at, left, values)

    return write
