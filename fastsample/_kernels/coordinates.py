"""Where coordinates come from: an array, matrices, steps; and points back to an array.

16 points at a time, as vectors one after the other: all x, then all y, then all z.
"""

from .jit import inline, jit
from .kind import AFFINE, FLOW, GRID, VALUES
from .memory import (
    load_pairs,
    load_triples,
    starts_line,
    store_interleaved,
    stream_interleaved,
)
from .simd import LANES, load, multiply_add, ramp, splat, store


@inline
def read_group(kind, grid, source, values):
    """16 points of a dense grid."""
    if kind.axes == 1:
        store(values, 0, load(grid, source))
    elif kind.axes == 2:
        x, y = load_pairs(grid, source)
        store(values, 0, x)
        store(values, LANES, y)
    else:
        x, y, z = load_triples(grid, source)
        store(values, 0, x)
        store(values, LANES, y)
        store(values, 2 * LANES, z)


@jit
def read_singly(axes, step, apart, grid, source, count, values):
    """Fewer than 16 points, or a grid of any strides; the lanes beyond repeat the last point."""
    for k in range(LANES):
        point = source + min(k, count - 1) * step
        for axis in range(axes):
            values[axis * LANES + k] = grid[point + axis * apart]


def read_array_of(kind):
    """From an array of points."""

    @inline
    def read(job, axes, grid, tile, row, col, values):
        source = tile.source + row * job.grid_row + col * job.grid_col
        left = tile.cols - col
        if job.grid_axis == 1 and job.grid_col == kind.axes and left >= LANES:
            read_group(kind, grid, source, values)
        elif job.grid_col == 1 and left >= LANES:
            for i in range(kind.axes):
                store(values, i * LANES, load(grid, source + i * job.grid_axis))
        else:
            read_singly(kind.axes, job.grid_col, job.grid_axis, grid, source, left, values)

    return read


def base_of(kind):
    """Where output points lie before a matrix moves them: -1 to 1 along each axis."""
    last, real = kind.axes - 1, VALUES[kind.real]

    @inline
    def along_row(axes, col, like):
        """x of 16 points from column col on."""
        index = ramp(like) + splat(col, like)
        return multiply_add(index, splat(axes[last].step, index), splat(axes[last].base, index))

    @inline
    def of_row(axes, row):
        """(y, z) of a row; 0 where there is no such axis."""
        y = z = real(0)
        if kind.axes > 1:
            y = axes[last - 1].base + real(row % axes[last - 1].points) * axes[last - 1].step
        if kind.axes > 2:
            z = axes[0].base + real(row // axes[1].points) * axes[0].step
        return y, z

    return along_row, of_row


def read_matrix_of(kind):
    """From a matrix (D, D + 1) that maps the output's own places, the last column moves."""
    along_row, of_row = base_of(kind)

    @inline
    def read(job, axes, matrix, tile, row, col, values):
        x = along_row(axes, tile.col + col, values)
        y, z = of_row(axes, tile.row + row)
        for i in range(kind.axes):
            at = tile.source + i * (kind.axes + 1)
            rest = matrix[at + kind.axes]
            if kind.axes > 1:
                rest += matrix[at + 1] * y
            if kind.axes > 2:
                rest += matrix[at + 2] * z
            store(values, i * LANES, multiply_add(x, splat(matrix[at], x), splat(rest, x)))

    return read


def read_steps_of(kind):
    """From an array of steps away from the output's own places."""
    (along_row, of_row), read_array = base_of(kind), read_array_of(kind)

    @inline
    def read(job, axes, grid, tile, row, col, values):
        read_array(job, axes, grid, tile, row, col, values)
        x = along_row(axes, tile.col + col, values)
        y, z = of_row(axes, tile.row + row)
        store(values, 0, load(values, 0) + x)
        if kind.axes > 1:
            store(values, LANES, load(values, LANES) + splat(y, x))
        if kind.axes > 2:
            store(values, 2 * LANES, load(values, 2 * LANES) + splat(z, x))

    return read


READ = {GRID: read_array_of, AFFINE: read_matrix_of, FLOW: read_steps_of}


def read_of(kind):
    """Up to 16 points of a tile's row, from (row, col) of the tile on."""
    return READ[kind.source](kind)


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
    for k in range(min(count, LANES)):
        for axis in range(axes):
            points[at + k * step + axis * apart] = values[axis * LANES + k]


def write_of(kind):
    """Up to 16 points to an array, `step` elements apart, their coordinates `apart`.

    What is streamed needs a `fence` in the end.
    """
    vectors = {1: one_vector, 2: two_vectors, 3: three_vectors}[kind.axes]

    @inline
    def write(points, at, step, apart, left, values, streamed):
        dense = apart == 1 and step == kind.axes and left >= LANES
        if dense and streamed and starts_line(points, at):
            stream_interleaved(points, at, vectors(values))
        elif dense:
            store_interleaved(points, at, vectors(values))
        elif step == 1 and left >= LANES:
            for i in range(kind.axes):
                store(points, at + i * apart, load(values, i * LANES))
        else:
            write_singly(kind.axes, step, apart, points, at, left, values)

    return write
