"""Taps and weights to values: `apply` runs a plan over one channel's plane."""

from typing import NamedTuple

from .jit import inline, jit
from .kind import CONSTANT, PAIRED, SCATTERED, is_near, work_of
from .memory import (
    gather,
    gather_pairs,
    gather_quads,
    local,
    prefetch,
    starts_line,
    stream,
)
from .scratch import pitch_of, taps_in_all
from .simd import LANES, load, permuted, splat, store, where
from .values import add_tap as add_fill  # which may be infinite among integers, too
from .values import add_tap_of, narrow_of, widen_of

# Of 16 points every so many are prefetched: neighbours mostly share a cache line (every 4 or 16
# were no quicker on planes), which holds fewer whole pixels.
ASKED, ASKED_PIXELS = 8, 4


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


def fetch_of(kind):
    """Read one row of taps of 16 points from the plane at input[plane]: into `found`, tap by tap.

    The digits of `row` choose a tap on each axis but the last, along which the row runs.
    """
    taps, pitch, shift, widen = kind.taps, pitch_of(kind), shift_of(kind), widen_of(kind)

    @inline
    def paired(axes, input, plane, row, scratch, j, found):
        first = plane + shift(row, axes)
        if taps == 1:
            store(found, 0, widen(gather(input, first, scratch.offsets, j), found))
        elif taps == 2:
            left, right = gather_pairs(input, first, scratch.offsets, j)
            store(found, 0, widen(left, found))
            store(found, LANES, widen(right, found))
        else:
            a, b, c, d = gather_quads(input, first, scratch.offsets, j)
            store(found, 0, widen(a, found))
            store(found, LANES, widen(b, found))
            store(found, 2 * LANES, widen(c, found))
            store(found, 3 * LANES, widen(d, found))

    @inline
    def in_window(axes, input, plane, row, scratch, j, found):
        first, step = plane + shift(row, axes), axes[kind.axes - 1].stride
        for k in range(taps):
            value = gather(input, first + k * step, scratch.offsets, j)
            store(found, k * LANES, widen(value, found))

    @inline
    def scattered(axes, input, plane, row, scratch, j, found):
        for k in range(taps):
            at = (row * taps + k) * pitch + j
            store(found, k * LANES, widen(gather(input, plane, scratch.offsets, at), found))

    if kind.layout == SCATTERED:
        return scattered
    return paired if kind.layout == PAIRED else in_window


def sample_of(kind):
    """16 values of one plane."""
    taps, rows, pitch = kind.taps, taps_in_all(kind) // kind.taps, pitch_of(kind)
    fetch, lanes, work = fetch_of(kind), kind.taps * LANES, work_of(kind)
    add_tap = add_tap_of(kind)

    @inline
    def add_row(row, found, scratch, j, total):
        for k in range(taps):
            weight = load(scratch.weights, (row * taps + k) * pitch + j)
            total = add_tap(total, load(found, k * LANES), weight)
        return total

    @inline
    def sample(fill, axes, input, plane, scratch, j):
        found = local(lanes, work)
        total = splat(0.0, found)
        for row in range(rows):
            fetch(axes, input, plane, row, scratch, j, found)
            if taps < 4:
                total = add_row(row, found, scratch, j, total)
            else:  # a sum for each row: a chain of 16 additions would be waited for
                total = total + add_row(row, found, scratch, j, splat(0.0, found))
        if kind.rule == CONSTANT:
            total = add_fill(total, splat(fill, found), load(scratch.fills, j))
        return total

    return sample


def near_of(kind):
    """16 values of points near each other, whose places `plan.put_places_of` has written.

    Windows begin in one of three rows. Of each row a stretch of 32 pixels, two vectors, holds all
    taps: a tap of 16 points is one permutation, where a gather takes as long as eight. Sums are
    those of `sample_of`, to the bit.
    """
    taps, pitch, work = kind.taps, pitch_of(kind), work_of(kind)
    add_tap, widen = add_tap_of(kind), widen_of(kind)
    columns = taps * LANES
    lanes = 3 * columns

    @inline
    def read_row(input, first, places, found, row):
        low, high = widen(load(input, first), found), widen(load(input, first + LANES), found)
        for k in range(taps):
            store(found, row % 3 * columns + k * LANES, permuted(low, high, places + k))

    @inline
    def tap_at(found, row, k, second, third):
        a = load(found, row % 3 * columns + k * LANES)
        b = load(found, (row + 1) % 3 * columns + k * LANES)
        c = load(found, (row + 2) % 3 * columns + k * LANES)
        return where(third, c, where(second, b, a))

    @inline
    def add_row(found, row, second, third, scratch, j, total):
        for k in range(taps):
            weight = load(scratch.weights, (row * taps + k) * pitch + j)
            total = add_tap(total, tap_at(found, row, k, second, third), weight)
        return total

    @inline
    def near(fill, axes, input, first, scratch, j):
        found, step, places = local(lanes, work), axes[0].stride, load(scratch.places, j)
        second, third = places >= 2 * LANES, places >= 4 * LANES
        total = splat(0.0, found)
        for row in range(2):
            read_row(input, first + row * step, places, found, row)
        for row in range(taps):
            read_row(input, first + (row + 2) * step, places, found, row + 2)
            if taps < 4:
                total = add_row(found, row, second, third, scratch, j, total)
            else:
                total = total + add_row(found, row, second, third, scratch, j, splat(0.0, found))
        if kind.rule == CONSTANT:
            total = add_fill(total, splat(fill, total), load(scratch.fills, j))
        return total

    return near


def one_of_two(kind):
    """16 values, by stretches of rows where that can be."""
    sample, near = sample_of(kind), near_of(kind)

    @inline
    def choose(job, axes, input, plane, scratch, j):
        base = scratch.bases[j // LANES]
        if base >= 0 and plane + base <= job.input_near:
            value = near(job.fill, axes, input, plane + base, scratch, j)
        else:
            value = sample(job.fill, axes, input, plane, scratch, j)
        return value

    @inline
    def always(job, axes, input, plane, scratch, j):
        return sample(job.fill, axes, input, plane, scratch, j)

    return choose if is_near(kind) else always


class After(NamedTuple):
    """What is sampled after a plane of a tile: another plane of it, or the first of the next."""

    asked: bool  # whether to prefetch it
    plane: int
    home: int  # where its tile's plan begins


def asks_along(kind):
    """Is what comes after prefetched between the samples, and not in one go before them?

    Measured on the photograph on Zen 5, times those in one go: nearest 0.70 to 0.82; but bilinear
    0.98 to 1.12, bicubic 1.01, channels last 1.5. (A single tap has one row.)
    """
    return kind.taps == 1 and not kind.last


@jit
def put_singly(scratch, out, at, step, count):
    """The first lanes of the vector in `vector`, `step` elements apart; nothing beyond them."""
    for k in range(count):
        out[at + k * step] = scratch.vector[k]


def apply_of(kind):
    """The gatherer of a kind."""
    sample, narrow, along = one_of_two(kind), narrow_of(kind), asks_along(kind)

    @jit
    def apply(job, axes, input, plane, out, at, tile, after, scratch):
        """Sample the plane from input[plane] on at a tile's points; store from out[at] on."""
        fill, step, away = job.fill, job.out_col, after.home - tile.home
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            whole = step == 1
            streamed = job.stream and whole and starts_line(out, to)
            for left in range(tile.cols, 0, -LANES):
                if along and after.asked:
                    prefetch(input, after.plane, scratch.offsets, j + away, ASKED)
                value = narrow(sample(job, axes, input, plane, scratch, j), fill, out)
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
    shift, every = shift_of(kind), ASKED_PIXELS if kind.last else ASKED

    @jit
    def ask(axes, input, plane, tile, scratch):
        """Prefetch what `apply` will read from the plane at input[plane]."""
        for row in range(rows):
            behind, first = shift(row, axes), tile.home
            if kind.layout == SCATTERED:
                behind, first = 0, tile.home + row * kind.taps * pitch
            for j in range(0, tile.rows * tile.pad, LANES):
                prefetch(input, plane + behind, scratch.offsets, first + j, every)

    return ask
