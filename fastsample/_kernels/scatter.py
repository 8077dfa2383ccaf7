"""SCATTER: the gradient of the input, the adjoint of the result.

Whoever adds to a pixel is one piece of work: it owns some channels' planes, or a band of their
rows, and takes the tiles in their order, so that the bits do not depend on the number of threads.
For bands REACH notes first which part of the input each tile touches.

Within a tile a plane takes the points in steps of `STRIDE`: in the points' order each addition of a
pair would wait for the store before it, which covers half of what it loads. Measured, ms at 6
degrees on 1x3x1080x1920, 1x64x128x128 and 16x256x32x32: steps of 1 27.2, 3.6, 15.1; of 8 15.1,
1.51, 6.9; of 16 15.3, 1.47, 7.2; of 19 15.5, 1.42, 6.9; of 37 16.0, 1.51, 7.3; of 101 17.4, 1.60,
8.5. (A step that divides the width of a small image meets the rows of taps again.)

Bands rather than private buffers: these would take a plane a thread, and time to sum.
"""

from .affine import some_tiles
from .coordinates import read_of
from .gather import ask_of
from .jit import inline, jit
from .kind import OFFSETS, SCATTERED
from .memory import add_unit, local, store_interleaved
from .plan import block_of, locate_of, plan_of
from .scratch import pitch_of, taps_in_all, tile_points
from .share import piece_at, touch
from .simd import LANES, absolute, at_least, at_most, load, splat, store, where
from .slope import ask_values, row_values
from .tile import corner, tile_at, tiles_in_all

STRIDE = 19


def weigh_of(kind):
    """A tile's weighted gradients to `results`: row by row of taps, point by point, tap by tap."""
    taps, rows = kind.taps, taps_in_all(kind) // kind.taps
    pitch, points = pitch_of(kind), tile_points(kind)

    @inline
    def weighted(gradient, tap, scratch, j):
        weight = load(scratch.weights, tap * pitch + j)
        return where(absolute(weight) > 0.0, gradient * weight, 0.0)  # nothing where it is NaN

    @inline
    def put_row(gradient, row, scratch, j, at):
        first = weighted(gradient, row * taps, scratch, j)
        if taps == 1:
            store(scratch.results, at, first)
        elif taps == 2:
            second = weighted(gradient, row * taps + 1, scratch, j)
            store_interleaved(scratch.results, at, (first, second))
        else:
            second = weighted(gradient, row * taps + 1, scratch, j)
            third = weighted(gradient, row * taps + 2, scratch, j)
            fourth = weighted(gradient, row * taps + 3, scratch, j)
            store_interleaved(scratch.results, at, (first, second, third, fourth))

    @jit
    def weigh(job, gradient, at, tile, scratch):
        for line in range(tile.rows):
            start, to = at + line * job.out_row, line * tile.pad
            for col in range(0, tile.cols, LANES):
                left, place = tile.cols - col, start + col * job.out_col
                grad = row_values(gradient, place, job.out_col, left, scratch)
                for row in range(rows):
                    j = to + col
                    put_row(grad, row, scratch, tile.home + j, (row * points + j) * taps)

    return weigh


def add_of(kind):
    """Add a tile's weighted gradients to the plane from out[plane] on.

    `whole` says that all of it falls into the share; else what falls elsewhere is left out.
    """
    taps, rows = kind.taps, taps_in_all(kind) // kind.taps
    pitch, points = pitch_of(kind), tile_points(kind)

    @inline
    def add_window(out, plane, offset, outer, inner, whole, share, scratch, j):
        for row in range(rows):
            place = offset + row // taps * outer + row % taps * inner
            if whole or share.low <= place < share.high:
                add_unit(out, plane + place, scratch.results, (row * points + j) * taps, taps)

    @inline
    def add_scattered(out, plane, offset, outer, inner, whole, share, scratch, j):
        for tap in range(rows * taps):
            place = scratch.offsets[offset + tap * pitch]
            if whole or share.low <= place < share.high:
                at = (tap // taps * points + j) * taps + tap % taps
                add_unit(out, plane + place, scratch.results, at, 1)

    add_point = add_scattered if kind.layout == SCATTERED else add_window

    @inline
    def add_points(axes, out, plane, whole, share, tile, scratch):
        outer = axes[0].stride if kind.axes == 3 else 0
        inner = axes[kind.axes - 2].stride if kind.axes > 1 else 0
        count = tile.rows * tile.pad
        for first in range(STRIDE):
            for j in range(first, count, STRIDE):
                offset = tile.home + j
                if kind.layout != SCATTERED:
                    offset = scratch.offsets[offset]
                add_point(out, plane, offset, outer, inner, whole, share, scratch, j)

    @jit
    def add(axes, out, plane, whole, share, tile, scratch):
        if whole:
            add_points(axes, out, plane, True, share, tile, scratch)
        else:
            add_points(axes, out, plane, False, share, tile, scratch)

    return add


@jit
def clear(job, out, share):
    """Zeros."""
    for c in range(share.first, share.last):
        plane = share.planes + c * job.input_c
        for k in range(share.low, share.high):
            out[plane + k] = 0


def scatter_of(kind):
    """The work on one piece: plan and add its tiles, with `ahead` planning one tile early."""
    plan, ask, weigh, add = plan_of(kind), ask_of(kind), weigh_of(kind), add_of(kind)
    points = tile_points(kind)

    @inline
    def ask_channel(job, axes, gradient, out, n, c, tile, share, scratch):
        ask(axes, out, share.planes + c * job.input_c, tile, scratch)
        ask_values(job, gradient, tile.target + n * job.out_n + c * job.out_c, tile)

    @inline
    def add_all(job, axes, gradient, out, n, tile, whole, share, scratch):
        for c in range(share.first, share.last):
            if job.next and c + 1 < share.last:
                ask_channel(job, axes, gradient, out, n, c + 1, tile, share, scratch)
            weigh(job, gradient, tile.target + n * job.out_n + c * job.out_c, tile, scratch)
            add(axes, out, share.planes + c * job.input_c, whole, share, tile, scratch)

    @inline
    def add_sample(job, axes, gradient, grid, reach, out, n, share, scratch):
        m, home, waits = min(n, job.grids - 1), 0, False
        planned, planned_whole = tile_at(job, m, 0, 0, 0), True
        for t in range(tiles_in_all(job) + job.ahead):
            tile, whole = planned, planned_whole
            if t < tiles_in_all(job):
                some, planned_whole = touch(job, reach, m, t, share)
                if not some:
                    continue
                row, col = corner(job, t)
                planned = tile_at(job, m, row, col, home)
                plan(job, axes, grid, planned, scratch)
                if job.ahead:
                    home = points - home
                    ask_channel(job, axes, gradient, out, n, share.first, planned, share, scratch)
                else:
                    tile, whole, waits = planned, planned_whole, True
            if waits:
                add_all(job, axes, gradient, out, n, tile, whole, share, scratch)
            waits = True

    @jit
    def run(job, axes, gradient, grid, reach, out, piece, scratch):
        n, share = piece_at(job, axes, piece)
        if not job.add:
            clear(job, out, share)
        for m in range(n, n + 1 if job.inputs > 1 else job.n):
            add_sample(job, axes, gradient, grid, reach, out, m, share, scratch)

    return run


def reach_of(kind):
    """REACH: for each tile the offsets of the first pixel it touches, and of the first beyond."""
    read, locate, new_block = read_of(kind), locate_of(kind), block_of(kind)
    integer, taps = OFFSETS[kind.wide], kind.taps if kind.layout == SCATTERED else 1

    @inline
    def bounds(job, axes, grid, tile, block, low, high):
        store(low, 0, splat(axes[0].size, low))
        store(high, 0, splat(0, high))
        if kind.layout == SCATTERED:
            store(low, 0, splat(axes[0].size * axes[0].stride, low))
        for row in range(tile.rows):
            for col in range(0, tile.cols, LANES):
                read(job, axes, grid, tile, row, col, block.values)
                locate(axes[0], 0, block)
                for k in range(taps):
                    found = load(block.taps, k * LANES)
                    store(low, 0, at_most(load(low, 0), found))
                    store(high, 0, at_least(load(high, 0), found))

    @jit
    def run(job, axes, image, grid, other, out, piece, scratch):
        block, low, high = new_block(), local(LANES, integer), local(LANES, integer)
        n, begin, end = some_tiles(job, piece)
        for t in range(begin, end):
            row, col = corner(job, t)
            bounds(job, axes, grid, tile_at(job, n, row, col, 0), block, low, high)
            first, last = low[0], high[0]
            for k in range(1, LANES):
                first, last = min(first, low[k]), max(last, high[k])
            at = (n * tiles_in_all(job) + t) * 2
            if kind.layout == SCATTERED:
                out[at], out[at + 1] = first, last + axes[0].stride
            else:
                out[at] = first * axes[0].stride
                out[at + 1] = (last + kind.taps) * axes[0].stride

    return run
