"""SLOPE: the gradient of the coordinates, a gather like the result.

A tile owns its points: it sums over the channels, and over the samples that share the grid, in
their order.
"""

from .affine import add_up_of, some_tiles
from .coordinates import write_of
from .gather import ask_of, fetch_of
from .jit import inline, jit
from .kind import AFFINE, CONSTANT, VALUES, work_of
from .memory import fence, local, prefetch_at
from .plan import plan_of
from .scratch import pitch_of, tile_points
from .simd import LANES, convert, load, splat, store
from .tile import corner, tile_at, tiles_in_all
from .values import add_tap


def rows_of(kind):
    """The value of one row of taps, and how it changes along the row."""
    fetch, taps, pitch = fetch_of(kind), kind.taps, pitch_of(kind)
    lanes, work = kind.taps * LANES, work_of(kind)
    weights, slopes = (kind.axes - 1) * taps, (2 * kind.axes - 1) * taps

    @inline
    def along_row(axes, input, plane, row, scratch, j):
        found = local(lanes, work)
        fetch(axes, input, plane, row, scratch, j, found)
        value = slope = splat(0.0, input)
        for k in range(taps):
            tap = load(found, k * LANES)
            value = add_tap(value, tap, load(scratch.weights, (weights + k) * pitch + j))
            slope = add_tap(slope, tap, load(scratch.weights, (slopes + k) * pitch + j))
        return value, slope

    return along_row


def planes_of(kind):
    """The value of taps x taps taps, and how it changes with x and with y."""
    along_row, taps, pitch = rows_of(kind), kind.taps, pitch_of(kind)
    weights, slopes = (kind.axes - 2) * taps, (2 * kind.axes - 2) * taps

    @inline
    def across_rows(axes, input, plane, first, scratch, j):
        value = by_x = by_y = splat(0.0, input)
        for k in range(taps):
            row, row_slope = along_row(axes, input, plane, first * taps + k, scratch, j)
            weight = load(scratch.weights, (weights + k) * pitch + j)
            value = add_tap(value, row, weight)
            by_x = add_tap(by_x, row_slope, weight)
            by_y = add_tap(by_y, row, load(scratch.weights, (slopes + k) * pitch + j))
        return value, by_x, by_y

    return across_rows


def slopes_of(kind):
    """How 16 values change with each coordinate: stored in `found`, x first."""
    along_row, across_rows, taps, pitch = rows_of(kind), planes_of(kind), kind.taps, pitch_of(kind)

    @inline
    def in_signal(axes, input, plane, scratch, j, found):
        store(found, 0, along_row(axes, input, plane, 0, scratch, j)[1])

    @inline
    def in_image(axes, input, plane, scratch, j, found):
        slopes = across_rows(axes, input, plane, 0, scratch, j)
        store(found, 0, slopes[1])
        store(found, LANES, slopes[2])

    @inline
    def in_volume(axes, input, plane, scratch, j, found):
        by_x = by_y = by_z = splat(0.0, input)
        for k in range(taps):
            value, slope_x, slope_y = across_rows(axes, input, plane, k, scratch, j)
            weight = load(scratch.weights, k * pitch + j)
            by_x, by_y = add_tap(by_x, slope_x, weight), add_tap(by_y, slope_y, weight)
            by_z = add_tap(by_z, value, load(scratch.weights, (3 * taps + k) * pitch + j))
        store(found, 0, by_x)
        store(found, LANES, by_y)
        store(found, 2 * LANES, by_z)

    return {1: in_signal, 2: in_image, 3: in_volume}[kind.axes]


@jit
def ask_values(job, values, at, tile):
    """Prefetch a tile's values from values[at] on."""
    for row in range(tile.rows):
        start = at + row * job.out_row
        for col in range(0, tile.cols, LANES):
            prefetch_at(values, start + col * job.out_col)


@jit
def read_values(values, at, step, left, scratch):
    """Up to 16 values of a row, `step` elements apart; zeros beyond."""
    for k in range(LANES):
        scratch.vector[k] = 0
    for k in range(min(left, LANES)):
        scratch.vector[k] = values[at + k * step]


@inline
def row_values(values, at, step, left, scratch):
    """16 values of a row, zeros beyond its end."""
    if step == 1 and left >= LANES:
        found = load(values, at)
    else:
        read_values(values, at, step, left, scratch)
        found = load(scratch.vector, 0)
    return found


def add_of(kind):
    """Add one channel's share to the slopes of a tile's points."""
    slopes, points, pitch = slopes_of(kind), tile_points(kind), pitch_of(kind)
    lanes, work, last = kind.axes * LANES, work_of(kind), kind.axes - 1

    @inline
    def with_fill(fill, scratch, j, found):
        for a in range(kind.axes):
            i = (last - a) * LANES
            share = load(scratch.fills, a * pitch + j)
            store(found, i, add_tap(load(found, i), splat(fill, share), share))

    @jit
    def add(job, axes, input, plane, gradient, at, tile, scratch):
        found = local(lanes, work)
        for row in range(tile.rows):
            start, to = at + row * job.out_row, row * tile.pad
            for col in range(0, tile.cols, LANES):
                j, left = tile.home + to + col, tile.cols - col
                grad = row_values(gradient, start + col * job.out_col, job.out_col, left, scratch)
                slopes(axes, input, plane, scratch, j, found)
                if kind.rule == CONSTANT:
                    with_fill(job.fill, scratch, j, found)
                for i in range(kind.axes):
                    place = i * points + to + col
                    total = load(scratch.results, place)
                    store(scratch.results, place, add_tap(total, grad, load(found, i * LANES)))

    return add


@inline
def slope_at(job, n, row, col):
    """Where the gradient of a point of the grid's sample n begins."""
    return job.slope_start + n * job.slope_n + (row * job.cols + col) * job.slope_col


def put_of(kind):
    """A tile's sums to the gradient of the grid."""
    write, points = write_of(kind), tile_points(kind)
    lanes, real = kind.axes * LANES, VALUES[kind.real]

    @jit
    def put(job, axes, tile, n, t, out, scratch):
        values = local(lanes, real)
        for row in range(tile.rows):
            for col in range(0, tile.cols, LANES):
                for i in range(kind.axes):
                    found = load(scratch.results, i * points + row * tile.pad + col)
                    store(values, i * LANES, convert(found, values))
                at, left = slope_at(job, n, tile.row + row, tile.col + col), tile.cols - col
                write(out, at, job.slope_col, job.slope_axis, left, values, job.stream)

    return put


def put_matrix_of(kind):
    """A tile's share of its matrix's gradient."""
    add_up, shares = add_up_of(kind), kind.axes * (kind.axes + 1)

    @jit
    def put(job, axes, tile, n, t, out, scratch):
        add_up(axes, scratch.results, tile, out, (n * tiles_in_all(job) + t) * shares)

    return put


def begin_of(kind):
    """The sums before the first channel: zeros, or what is there to be added to.

    Those of `nearest` are all there is: zeros and NaN, see `taps`.
    """
    points, pitch, last = tile_points(kind), pitch_of(kind), kind.axes - 1

    @inline
    def take(job, tile, n, out, scratch):
        for i in range(kind.axes):
            for row in range(tile.rows):
                at = slope_at(job, n, tile.row + row, tile.col) + i * job.slope_axis
                for col in range(tile.cols):
                    found = out[at + col * job.slope_col]
                    scratch.results[i * points + row * tile.pad + col] = found

    @jit
    def begin(job, tile, n, out, scratch):
        for i in range(kind.axes):
            for j in range(0, tile.rows * tile.pad, LANES):
                found = splat(0.0, scratch.results)
                if kind.taps == 1:
                    found = load(scratch.weights, (kind.axes + last - i) * pitch + tile.home + j)
                store(scratch.results, i * points + j, found)
        if job.add and kind.taps > 1 and kind.source != AFFINE:
            take(job, tile, n, out, scratch)

    return begin


def slope_of(kind):
    """The work on one piece: some tiles of one sample of the grid."""
    plan, ask, add, begin = plan_of(kind), ask_of(kind), add_of(kind), begin_of(kind)
    put = put_matrix_of(kind) if kind.source == AFFINE else put_of(kind)
    points = tile_points(kind)

    @inline
    def add_all(job, axes, input, gradient, n, tile, scratch):
        for m in range(n, n + 1 if job.grids > 1 else job.n):
            plane, at = job.input_start + m * job.input_n, tile.target + m * job.out_n
            for c in range(job.c):
                if job.next and c + 1 < job.c:
                    ask(axes, input, plane + job.input_c, tile, scratch)
                    ask_values(job, gradient, at + job.out_c, tile)
                add(job, axes, input, plane, gradient, at, tile, scratch)
                plane += job.input_c
                at += job.out_c

    @jit
    def run(job, axes, input, grid, gradient, out, piece, scratch):
        n, first, last = some_tiles(job, piece)
        row, col = corner(job, first)
        tile = tile_at(job, n, row, col, 0)
        for t in range(first, last + job.ahead):
            planned = tile
            if t < last:
                row, col = corner(job, t)
                tile = tile_at(job, n, row, col, t % 2 * points * job.ahead)
                plan(job, axes, grid, tile, scratch)
                if job.ahead:
                    ask(axes, input, job.input_start + n * job.input_n, tile, scratch)
                    ask_values(job, gradient, tile.target + n * job.out_n, tile)
                else:
                    planned = tile
            if t - job.ahead >= first:
                begin(job, planned, n, out, scratch)
                if kind.taps > 1:
                    add_all(job, axes, input, gradient, n, planned, scratch)
                put(job, axes, planned, n, t - job.ahead, out, scratch)
        if job.stream:
            fence()

    return run
