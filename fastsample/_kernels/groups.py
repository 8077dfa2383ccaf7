"""GROUPS: SCATTER over many channels, 16 at a time, whose sums at a pixel are one vector.

A tap of a point is one addition for 16 channels, where planes by themselves take one each. What
comes and what goes is turned: 16 channels' values of 16 points, rows as columns. The additions to a
pixel are in the order of the points, whatever the threads.

The sums wait in scratch, and of planes too large for it in bands of rows. Measured on one core of
Zen 5 beside planes by themselves, ms at 6 degrees: 16x256x32x32 3.4 and 7.7, 1x64x128x128 0.70 and
1.50, 1x256x200x304 22 and 32, 1x16x512x512 6.0 and 12.6 (at 45 degrees 9.4 and 19.5). From six
channels on it pays (8x6x128x128 1.12 and 1.26), with four it costs (8x4x256x256 5.5 and 4.4).
"""

from .gather import shift_of
from .jit import inline, jit
from .kind import work_of
from .memory import load_first, local, prefetch_at, store_first
from .plan import plan_of
from .scratch import pitch_of, taps_in_all
from .share import piece_at, touch
from .simd import LANES, everywhere, load, splat, store, turn
from .slope import row_values
from .tile import blocks, corner, tile_at, tiles_in_all

SQUARE = LANES * LANES


def fetch_of(kind):
    """A row's values at 16 points, of up to 16 channels, turned: point by point."""
    work = work_of(kind)

    @inline
    def fetch(gradient, at, step, channel, count, left, scratch, values):
        rows = local(SQUARE, work)
        for c in range(LANES):
            store(rows, c * LANES, splat(0.0, rows))
        for c in range(count):
            value = row_values(gradient, at + c * channel, step, left, scratch)
            store(rows, c * LANES, value)
        turn(rows, 0, values, 0)

    return fetch


def add_of(kind):
    """Add a tile's weighted gradients to the sums from scratch.sums[home] on."""
    taps, rows, pitch = kind.taps, taps_in_all(kind) // kind.taps, pitch_of(kind)
    fetch, shift, work = fetch_of(kind), shift_of(kind), work_of(kind)

    @inline
    def add_tap(gradient, weight, scratch, at):
        if abs(weight) > 0.0:  # nothing where it is NaN
            more = gradient * splat(weight, gradient)
            store(scratch.sums, at, load(scratch.sums, at) + more)

    @inline
    def add_point(axes, gradient, home, whole, share, scratch, j):
        for row in range(rows):
            place = scratch.offsets[j] + shift(row, axes)
            if whole or share.low <= place < share.high:
                for tap in range(taps):
                    weight = scratch.weights[(row * taps + tap) * pitch + j]
                    at = home + (place + tap - share.low) * LANES
                    add_tap(gradient, weight, scratch, at)

    @inline
    def elsewhere(axes, share, scratch, j):
        first = load(scratch.offsets, j)
        return everywhere((first + shift(rows - 1, axes) < share.low) | (first >= share.high))

    @jit
    def add(job, axes, gradient, at, count, home, whole, share, tile, scratch):
        values = local(SQUARE, work)
        for line in range(tile.rows):
            start, j = at + line * job.out_row, tile.home + line * tile.pad
            for col in range(0, tile.cols, LANES):
                place, left = start + col * job.out_col, tile.cols - col
                if not whole and elsewhere(axes, share, scratch, j + col):
                    continue
                fetch(gradient, place, job.out_col, job.out_c, count, left, scratch, values)
                for k in range(min(left, LANES)):
                    value = load(values, k * LANES)
                    add_point(axes, value, home, whole, share, scratch, j + col + k)

    return add


@jit
def ask(job, gradient, at, count, tile):
    """Prefetch what `add` will read."""
    for line in range(tile.rows):
        start = at + line * job.out_row
        for col in range(0, tile.cols, LANES):
            for c in range(count):
                prefetch_at(gradient, start + col * job.out_col + c * job.out_c)


def put_of(kind):
    """Put a group's sums to its planes, or add them there."""
    work = work_of(kind)

    @jit
    def put(job, out, plane, count, home, share, scratch):
        values = local(SQUARE, work)
        for p in range(share.low, share.high, LANES):
            turn(scratch.sums, home + (p - share.low) * LANES, values, 0)
            left = share.high - p
            for c in range(count):
                at, value = plane + c * job.input_c + p, load(values, c * LANES)
                if job.add:
                    value = value + load_first(out, at, left, LANES)
                if left >= LANES:
                    store(out, at, value)
                else:
                    store_first(out, at, value, left, LANES)

    return put


def groups_of(kind):
    """The work on one piece: the sums of all its channels, 16 at a time, then their planes."""
    plan, add, put = plan_of(kind), add_of(kind), put_of(kind)

    @inline
    def add_groups(job, axes, gradient, n, tile, size, whole, share, scratch):
        for first in range(share.first, share.last, LANES):
            count, home = min(LANES, share.last - first), (first - share.first) * size
            at = tile.target + n * job.out_n + first * job.out_c
            if first + LANES < share.last:
                after = min(LANES, share.last - first - LANES)
                ask(job, gradient, at + LANES * job.out_c, after, tile)
            add(job, axes, gradient, at, count, home, whole, share, tile, scratch)

    @inline
    def add_sample(job, axes, gradient, grid, reach, n, size, share, scratch):
        m = min(n, job.grids - 1)
        for t in range(tiles_in_all(job)):
            some, whole = touch(job, reach, m, t, share)
            if some:
                row, col = corner(job, t)
                tile = tile_at(job, m, row, col, 0)
                plan(job, axes, grid, tile, scratch)
                add_groups(job, axes, gradient, n, tile, size, whole, share, scratch)

    @jit
    def run(job, axes, gradient, grid, reach, out, piece, scratch):
        n, share = piece_at(job, axes, piece)
        size = blocks(share.high - share.low, LANES) * LANES  # of a channel's sums
        for k in range(0, job.group, LANES):
            store(scratch.sums, k, splat(0.0, scratch.sums))
        for m in range(n, n + 1 if job.inputs > 1 else job.n):
            add_sample(job, axes, gradient, grid, reach, m, size, share, scratch)
        for first in range(share.first, share.last, LANES):
            count, home = min(LANES, share.last - first), (first - share.first) * size
            plane = share.planes + first * job.input_c
            put(job, out, plane, count, home, share, scratch)

    return run
