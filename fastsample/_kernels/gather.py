"""Taps and weights to values: `apply` runs a plan over one channel's plane."""

from .jit import inline, jit
from .kind import CONSTANT, PAIRED, SCATTERED
from .memory import gather, gather_pairs, gather_quads, prefetch, starts_line, stream
from .scratch import pitch_of, taps_in_all
from .simd import LANES, load, multiply_add, splat, store, where


@inline
def add_tap(total, value, weight):
    """Add a tap, unless its weight is zero: what a dropped tap holds must not matter."""
    return where(weight != 0.0, multiply_add(value, weight, total), total)


def add_row_of(kind):
    """Add one row of a window; `first` is where a window at offset 0 would have it."""
    pitch = pitch_of(kind)

    @inline
    def add_row(row, first, step, input, scratch, j, total):
        weights = row * kind.taps * pitch + j
        if kind.taps == 1:
            value = gather(input, first, scratch.offsets, j)
            total = add_tap(total, value, load(scratch.weights, weights))
        elif kind.layout == PAIRED and kind.taps == 2:
            left, right = gather_pairs(input, first, scratch.offsets, j)
            total = add_tap(total, left, load(scratch.weights, weights))
            total = add_tap(total, right, load(scratch.weights, weights + pitch))
        elif kind.layout == PAIRED:
            a, b, c, d = gather_quads(input, first, scratch.offsets, j)
            total = add_tap(total, a, load(scratch.weights, weights))
            total = add_tap(total, b, load(scratch.weights, weights + pitch))
            total = add_tap(total, c, load(scratch.weights, weights + 2 * pitch))
            total = add_tap(total, d, load(scratch.weights, weights + 3 * pitch))
        else:
            for k in range(kind.taps):
                value = gather(input, first + k * step, scratch.offsets, j)
                total = add_tap(total, value, load(scratch.weights, weights + k * pitch))
        return total

    return add_row


def shift_of(kind):
    """Where row `row` of a window lies: its digits in base `taps` are steps on the other axes."""

    @inline
    def shift(row, axes):
        elements = 0
        for a in range(kind.axes - 2, -1, -1):
            elements += row % kind.taps * axes[a].stride
            row //= kind.taps
        return elements

    return shift


def add_taps_of(kind):
    """The weighted sum of all taps of 16 points."""
    taps, pitch = taps_in_all(kind), pitch_of(kind)
    add_row, shift = add_row_of(kind), shift_of(kind)

    @inline
    def in_window(axes, input, plane, scratch, j, total):
        for row in range(taps // kind.taps):
            step = axes[kind.axes - 1].stride
            first = plane + shift(row, axes)
            if kind.taps < 4:
                total = add_row(row, first, step, input, scratch, j, total)
            else:  # a sum for each row: a chain of 16 additions would be waited for
                zero = splat(0.0, input)
                total = total + add_row(row, first, step, input, scratch, j, zero)
        return total

    @inline
    def scattered(axes, input, plane, scratch, j, total):
        for tap in range(taps):
            value = gather(input, plane, scratch.offsets, tap * pitch + j)
            total = add_tap(total, value, load(scratch.weights, tap * pitch + j))
        return total

    return scattered if kind.layout == SCATTERED else in_window


def sample_of(kind):
    """16 values of one plane."""
    add_taps = add_taps_of(kind)

    @inline
    def sample(fill, axes, input, plane, scratch, j):
        total = add_taps(axes, input, plane, scratch, j, splat(0.0, input))
        if kind.rule == CONSTANT:
            total = add_tap(total, splat(fill, input), load(scratch.fills, j))
        return total

    return sample


@jit
def put_singly(scratch, out, at, step, count):
    """The first lanes of the vector in `vector`, `step` elements apart; nothing beyond them."""
    for k in range(count):
        out[at + k * step] = scratch.vector[k]


def apply_of(kind):
    """The gatherer of a kind."""
    sample = sample_of(kind)

    @jit
    def apply(job, axes, input, plane, out, at, tile, scratch):
        """Sample the plane from input[plane] on at a tile's points; store from out[at] on."""
        fill, step = job.fill, job.out_col
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            whole = step == 1
            streamed = job.stream and whole and starts_line(out, to)
            for left in range(tile.cols, 0, -LANES):
                value = sample(fill, axes, input, plane, scratch, j)
                if left >= LANES and streamed:
                    stream(out, to, value)
                elif left >= LANES and whole:
                    store(out, to, value)
                else:
                    store(scratch.vector, 0, value)
                    put_singly(scratch, out, to, step, min(left, LANES))
                to += LANES * step
                j += LANES

    return apply


def ask_of(kind):
    """The prefetcher of a kind."""
    rows, pitch = taps_in_all(kind) // kind.taps, pitch_of(kind)
    shift = shift_of(kind)

    @jit
    def ask(axes, input, plane, tile, scratch):
        """Prefetch what `apply` will read from the plane at input[plane]."""
        for row in range(rows):
            behind, first = shift(row, axes), tile.home
            if kind.layout == SCATTERED:
                behind, first = 0, tile.home + row * kind.taps * pitch
            for j in range(0, tile.rows * tile.pad, LANES):
                prefetch(input, plane + behind, scratch.offsets, first + j)

    return ask
