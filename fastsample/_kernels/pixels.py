"""Channels last: `apply` for an input and a result in which a pixel's channels are neighbours.

Two to four channels: 16 points at a time, four of them a vector, each point taking four lanes.
More: a point at a time, its channels in vectors. Each value is summed in the order of `gather`, so
that the layout does not change a bit.
"""

from .gather import add_tap, shift_of
from .jit import inline, jit
from .kind import CONSTANT, SCATTERED, VALUES
from .memory import (
    FEW,
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
from .simd import LANES, load, splat, spread, store


def few_of(kind):
    """`apply` for two to four channels."""
    taps, rows, pitch = kind.taps, taps_in_all(kind) // kind.taps, pitch_of(kind)
    count, shift, lanes, work = kind.last, shift_of(kind), FEW * LANES, VALUES[kind.value]

    @inline
    def add(weights, values, totals):
        a, b, c, d = values
        store(totals, 0, add_tap(load(totals, 0), a, spread(weights, 0)))
        store(totals, LANES, add_tap(load(totals, LANES), b, spread(weights, 1)))
        store(totals, 2 * LANES, add_tap(load(totals, 2 * LANES), c, spread(weights, 2)))
        store(totals, 3 * LANES, add_tap(load(totals, 3 * LANES), d, spread(weights, 3)))

    @inline
    def set_all(value, totals):
        for k in range(FEW):
            store(totals, k * LANES, value)

    @inline
    def add_row(axes, input, plane, row, scratch, j, totals):
        first, step = plane + shift(row, axes), axes[kind.axes - 1].stride
        for k in range(taps):
            tap = row * taps + k
            if kind.layout == SCATTERED:
                values = gather_pixels(input, plane, scratch.offsets, tap * pitch + j, count)
            else:
                values = gather_pixels(input, first + k * step, scratch.offsets, j, count)
            add(load(scratch.weights, tap * pitch + j), values, totals)

    @inline
    def add_rows(axes, input, plane, scratch, j, sums, totals):
        set_all(splat(0.0, input), totals)
        for row in range(rows):
            if taps < 4:
                add_row(axes, input, plane, row, scratch, j, totals)
            else:  # as `gather` does, to the bit
                set_all(splat(0.0, input), sums)
                add_row(axes, input, plane, row, scratch, j, sums)
                for k in range(FEW):
                    store(totals, k * LANES, load(totals, k * LANES) + load(sums, k * LANES))

    @inline
    def put(out, to, step, left, streamed, totals, scratch):
        if step == count and left >= LANES:
            a, b = load(totals, 0), load(totals, LANES)
            vectors = a, b, load(totals, 2 * LANES), load(totals, 3 * LANES)
            if streamed and starts_line(out, to):
                stream_pixels(out, to, vectors, count)
            else:
                store_pixels(out, to, vectors, count)
        else:
            put_few(out, to, step, left, totals, scratch)

    @inline
    def put_few(out, to, step, left, totals, scratch):
        for k in range(FEW):
            store(scratch.vector, 0, load(totals, k * LANES))
            for point in range(FEW * k, min(left, FEW * k + FEW)):
                for c in range(count):
                    out[to + point * step + c] = scratch.vector[(point - FEW * k) * FEW + c]

    @jit
    def apply(job, axes, input, plane, out, at, tile, scratch):
        sums, totals = local(lanes, work), local(lanes, work)
        fill = splat(job.fill, input)
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            for col in range(0, tile.cols, LANES):
                add_rows(axes, input, plane, scratch, j + col, sums, totals)
                if kind.rule == CONSTANT:
                    add(load(scratch.fills, j + col), (fill, fill, fill, fill), totals)
                at_point, left = to + col * job.out_col, tile.cols - col
                put(out, at_point, job.out_col, left, job.stream, totals, scratch)

    return apply


def many_of(kind):
    """`apply` for more channels."""
    taps, rows, pitch = kind.taps, taps_in_all(kind) // kind.taps, pitch_of(kind)
    width, shift = kind.last, shift_of(kind)

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
            total = add_tap(total, value, weight)
        return total

    @inline
    def pixel(fill, axes, input, plane, scratch, j, left):
        total = splat(0.0, input)
        for row in range(rows):
            if taps < 4:
                total = add_row(axes, input, plane, row, scratch, j, left, total)
            else:  # as `gather` does, to the bit
                zero = splat(0.0, input)
                total = total + add_row(axes, input, plane, row, scratch, j, left, zero)
        if kind.rule == CONSTANT:
            total = add_tap(total, splat(fill, input), splat(scratch.fills[j], total))
        return total

    @jit
    def apply(job, axes, input, plane, out, at, tile, scratch):
        channels = job.c
        for row in range(tile.rows):
            for col in range(tile.cols):
                j, to = tile.home + row * tile.pad + col, at + row * job.out_row + col * job.out_col
                for c in range(0, channels, width):
                    value = pixel(job.fill, axes, input, plane + c, scratch, j, channels - c)
                    if channels - c >= width:
                        store_part(out, to + c, value, width)
                    else:
                        store_first(out, to + c, value, channels - c, width)

    return apply


def pixels_of(kind):
    """`apply` for channels last: all channels of a point at once, from those at input[plane] on."""
    return few_of(kind) if kind.last <= FEW else many_of(kind)
