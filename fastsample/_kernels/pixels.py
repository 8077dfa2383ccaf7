"""Channels last: `apply` for an input and a result in which a pixel's channels are neighbours.

Two to four channels: 16 points at a time, four of them a vector, each point taking four lanes.
More: a point at a time, its channels in vectors. Each value is summed in the order of `gather`, so
that the layout does not change a bit.
"""

from .gather import shift_of
from .jit import inline, jit
from .kind import CONSTANT, PAIRED, SCATTERED, WIDE, work_of
from .memory import (
    FEW,
    gather_pixel_pairs,
    gather_pixels,
    load_first,
    local,
    starts_line,
    store_first,
    store_part,
    store_pixels,
    stream_pixels,
)
from .scratch import pitch_of, taps_in_all
from .simd import LANES, everywhere, load, splat, spread, store
from .values import add_tap as add_fill  # which may be infinite among integers, too
from .values import add_tap_of, narrow_of, widen_of


@inline
def set_all(value, totals):
    """Four vectors alike."""
    for k in range(FEW):
        store(totals, k * LANES, value)


def add_few_of(add_tap):
    """Add four vectors, of one weight a point, to four totals."""

    @inline
    def add(weights, values, totals):
        a, b, c, d = values
        store(totals, 0, add_tap(load(totals, 0), a, spread(weights, 0)))
        store(totals, LANES, add_tap(load(totals, LANES), b, spread(weights, 1)))
        store(totals, 2 * LANES, add_tap(load(totals, 2 * LANES), c, spread(weights, 2)))
        store(totals, 3 * LANES, add_tap(load(totals, 3 * LANES), d, spread(weights, 3)))

    return add


def add_stored_of(kind):
    """The same for vectors of the input's type."""
    widen, add = widen_of(kind), add_few_of(add_tap_of(kind))

    @inline
    def add_stored(weights, values, totals):
        a, b, c, d = values
        wide = widen(a, totals), widen(b, totals), widen(c, totals), widen(d, totals)
        add(weights, wide, totals)

    return add_stored


def few_row_of(kind, whole):
    """Add one row of taps; `whole` may read a lane or two beyond a pixel."""
    taps, pitch, count = kind.taps, pitch_of(kind), kind.last
    shift, add = shift_of(kind), add_stored_of(kind)

    @inline
    def scattered(axes, input, plane, row, scratch, j, totals):
        for k in range(taps):
            at = (row * taps + k) * pitch + j
            values = gather_pixels(input, plane, scratch.offsets, at, count, whole)
            add(load(scratch.weights, at), values, totals)

    @inline
    def in_window(axes, input, plane, row, scratch, j, totals):
        first, step = plane + shift(row, axes), axes[kind.axes - 1].stride
        for k in range(taps):
            values = gather_pixels(input, first + k * step, scratch.offsets, j, count, whole)
            add(load(scratch.weights, (row * taps + k) * pitch + j), values, totals)

    @inline
    def paired(axes, input, plane, row, scratch, j, totals):
        first = plane + shift(row, axes)
        for k in range(0, taps, 2):
            at, tap = first + k * count, row * taps + k
            a, b, c, d, e, f, g, h = gather_pixel_pairs(input, at, scratch.offsets, j, count, whole)
            add(load(scratch.weights, tap * pitch + j), (a, b, c, d), totals)
            add(load(scratch.weights, (tap + 1) * pitch + j), (e, f, g, h), totals)

    if kind.layout == SCATTERED:
        return scattered
    return paired if kind.layout == PAIRED and taps > 1 else in_window


def few_rows_of(kind, whole):
    """All taps of 16 points: to `totals`, four points a vector."""
    taps, rows, add_row = kind.taps, taps_in_all(kind) // kind.taps, few_row_of(kind, whole)

    @inline
    def add_rows(axes, input, plane, scratch, j, sums, totals):
        zeros = splat(0.0, totals)
        set_all(zeros, totals)
        for row in range(rows):
            if taps < 4:
                add_row(axes, input, plane, row, scratch, j, totals)
            else:  # as `gather` does, to the bit
                set_all(zeros, sums)
                add_row(axes, input, plane, row, scratch, j, sums)
                for k in range(FEW):
                    store(totals, k * LANES, load(totals, k * LANES) + load(sums, k * LANES))

    return add_rows


def put_few_of(kind):
    """Four totals to the result."""
    count, narrow = kind.last, narrow_of(kind)

    @inline
    def part(totals, k, fill, out):
        return narrow(load(totals, k * LANES), fill, out)

    @inline
    def put(fill, out, to, step, left, streamed, totals, scratch):
        if step == count and left >= LANES:
            a, b = part(totals, 0, fill, out), part(totals, 1, fill, out)
            vectors = a, b, part(totals, 2, fill, out), part(totals, 3, fill, out)
            if streamed and starts_line(out, to):
                stream_pixels(out, to, vectors, count)
            else:
                store_pixels(out, to, vectors, count)
        else:
            put_singly(fill, out, to, step, left, totals, scratch)

    @inline
    def put_singly(fill, out, to, step, left, totals, scratch):
        for k in range(FEW):
            store(scratch.vector, 0, part(totals, k, fill, out))
            for point in range(FEW * k, min(left, FEW * k + FEW)):
                for c in range(count):
                    out[to + point * step + c] = scratch.vector[(point - FEW * k) * FEW + c]

    return put


def few_of(kind):
    """`apply` for two to four channels."""
    lanes, work, exact = FEW * LANES, work_of(kind), kind.last != 3
    add_whole, add_exactly = few_rows_of(kind, True), few_rows_of(kind, False)
    add, put = add_few_of(add_fill), put_few_of(kind)

    @inline
    def add_rows(axes, input, plane, safe, scratch, j, sums, totals):
        if exact or (kind.layout != SCATTERED and everywhere(load(scratch.offsets, j) <= safe)):
            add_whole(axes, input, plane, scratch, j, sums, totals)
        else:
            add_exactly(axes, input, plane, scratch, j, sums, totals)

    @jit
    def apply(job, axes, input, plane, out, at, tile, after, scratch):
        sums, totals = local(lanes, work), local(lanes, work)
        safe = min(job.input_whole - plane, WIDE)
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            for col in range(0, tile.cols, LANES):
                add_rows(axes, input, plane, safe, scratch, j + col, sums, totals)
                if kind.rule == CONSTANT:
                    fill = splat(job.fill, totals)
                    add(load(scratch.fills, j + col), (fill, fill, fill, fill), totals)
                at_point, left = to + col * job.out_col, tile.cols - col
                put(job.fill, out, at_point, job.out_col, left, job.stream, totals, scratch)

    return apply


def many_of(kind):
    """`apply` for more channels."""
    taps, rows, pitch = kind.taps, taps_in_all(kind) // kind.taps, pitch_of(kind)
    width, shift = kind.last, shift_of(kind)
    widen, narrow, add_tap = widen_of(kind), narrow_of(kind), add_tap_of(kind)

    @inline
    def fetch(axes, input, plane, row, k, scratch, j, left):
        if kind.layout == SCATTERED:
            at = plane + scratch.offsets[(row * taps + k) * pitch + j]
        else:
            at = plane + scratch.offsets[j] + shift(row, axes) + k * axes[kind.axes - 1].stride
        return load_first(input, at, left, width)

    @inline
    def add_row(axes, input, plane, row, scratch, j, left, total):
        for k in range(taps):
            weight = splat(scratch.weights[(row * taps + k) * pitch + j], total)
            value = fetch(axes, input, plane, row, k, scratch, j, left)
            total = add_tap(total, widen(value, total), weight)
        return total

    @inline
    def pixel(fill, axes, input, plane, scratch, j, left):
        total = splat(0.0, scratch.weights)
        for row in range(rows):
            if taps < 4:
                total = add_row(axes, input, plane, row, scratch, j, left, total)
            else:  # as `gather` does, to the bit
                zero = splat(0.0, scratch.weights)
                total = total + add_row(axes, input, plane, row, scratch, j, left, zero)
        if kind.rule == CONSTANT:
            total = add_fill(total, splat(fill, total), splat(scratch.fills[j], total))
        return total

    @jit
    def apply(job, axes, input, plane, out, at, tile, after, scratch):
        channels = job.c
        for row in range(tile.rows):
            for col in range(tile.cols):
                j, to = tile.home + row * tile.pad + col, at + row * job.out_row + col * job.out_col
                for c in range(0, channels, width):
                    value = pixel(job.fill, axes, input, plane + c, scratch, j, channels - c)
                    value = narrow(value, job.fill, out)
                    if channels - c >= width:
                        store_part(out, to + c, value, width)
                    else:
                        store_first(out, to + c, value, channels - c, width)

    return apply


def pixels_of(kind):
    """`apply` for channels last: all channels of a point at once, from those at input[plane] on."""
    return few_of(kind) if kind.last <= FEW else many_of(kind)
