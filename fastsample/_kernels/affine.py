"""Matrices: the grid that one makes, and its gradient as sums over points."""

from .coordinates import base_of, read_array_of, read_matrix_of, write_of
from .jit import inline, jit
from .kind import VALUES
from .memory import fence, local
from .scratch import tile_points
from .simd import LANES, convert, load, splat, store
from .tile import blocks, corner, tile_at, tiles_in_all


@inline
def total(vec, room):
    """The sum of the lanes, from the first to the last."""
    store(room, 0, vec)
    found = room[0]
    for k in range(1, LANES):
        found += room[k]
    return found


def add_up_of(kind):
    """The share of a tile in a matrix's gradient: the sum of slope i times (x, y, z, 1), in double.

    From `results`, where slope i of the tile's points lies at i * points.
    """
    along_row, of_row = base_of(kind)
    points, columns, real, wide = tile_points(kind), kind.axes + 1, VALUES[kind.real], VALUES[8]

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
    def add_up(axes, results, tile, out, at):
        room, like = local(LANES, wide), local(LANES, real)
        for k in range(kind.axes * columns):
            out[at + k] = 0
        for row in range(tile.rows):
            y, z = of_row(axes, tile.row + row)
            for i in range(kind.axes):
                start, to = i * points + row * tile.pad, at + i * columns
                all, by_x = row_sums(axes, results, start, tile, like, room)
                out[to] += by_x
                if kind.axes > 1:
                    out[to + 1] += all * y
                if kind.axes > 2:
                    out[to + 2] += all * z
                out[to + kind.axes] += all

    return add_up


@inline
def some_tiles(job, piece):
    """A piece of work: a sample, and its tiles first to last."""
    tiles = tiles_in_all(job)
    chunks = blocks(tiles, job.tiles)
    first = piece % chunks * job.tiles
    return piece // chunks, first, min(first + job.tiles, tiles)


def grid_of(kind):
    """AFFINE_GRID: matrices to the points they make."""
    read, write, lanes, real = read_matrix_of(kind), write_of(kind), *_room(kind)

    @inline
    def put(job, axes, matrix, tile, at, out, values):
        for row in range(tile.rows):
            for col in range(0, tile.cols, LANES):
                read(job, axes, matrix, tile, row, col, values)
                to = at + row * job.out_row + col * job.out_col
                left = tile.cols - col
                write(out, to, job.out_col, job.out_c, left, values, job.stream)

    @jit
    def run(job, axes, image, matrix, other, out, piece, scratch):
        values = local(lanes, real)
        n, first, last = some_tiles(job, piece)
        for t in range(first, last):
            row, col = corner(job, t)
            tile = tile_at(job, n, row, col, 0)
            put(job, axes, matrix, tile, tile.target + n * job.out_n, out, values)
        if job.stream:
            fence()

    return run


def sum_of(kind):
    """AFFINE_SUM: the gradient of a grid to that of its matrices, a share for each tile."""
    read, add_up, lanes, real = read_array_of(kind), add_up_of(kind), *_room(kind)
    points, shares = tile_points(kind), kind.axes * (kind.axes + 1)

    @inline
    def take(job, axes, grid, tile, results, values):
        for row in range(tile.rows):
            for col in range(0, tile.cols, LANES):
                read(job, axes, grid, tile, row, col, values)
                for i in range(kind.axes):
                    to = i * points + row * tile.pad + col
                    store(results, to, load(values, i * LANES))

    @jit
    def run(job, axes, image, grid, other, out, piece, scratch):
        values = local(lanes, real)
        n, first, last = some_tiles(job, piece)
        for t in range(first, last):
            row, col = corner(job, t)
            tile = tile_at(job, n, row, col, 0)
            take(job, axes, grid, tile, scratch.results, values)
            add_up(axes, scratch.results, tile, out, (n * tiles_in_all(job) + t) * shares)

    return run


def _room(kind):
    return kind.axes * LANES, VALUES[kind.real]
