"""The stage `pixels` for pixels of two to four bytes in pairs: a vector for each channel.

`pixels` gives each point four lanes, of which three channels leave one idle, widens each pixel for
itself and spreads each weight over a point's lanes. Here bytes change places before they are
widened, and a weight serves as it lies in the plan: on Zen 1 three channels of 224x224 points take
3.2 ns a point instead of 6.6.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..compiler.jit import inline, jit, lesser
from ..kind import OFFSETS, VALUES, WIDE
from ..vectors.byte_pixels import BYTES, put_bytes, stream_bytes, sum_pairs
from ..vectors.memory import local, starts_line
from ..vectors.simd import LANES, at_least, at_most, everywhere, load, splat, store, where
from .prefetch import shift_of
from .scratch import pitch_of, taps_in_all
from .values import add_tap


class Spare(NamedTuple):
    """Pairs of 16 points that lie where more may be read than they are."""

    pixels: np.ndarray
    steps: np.ndarray  # from the first row to each
    offsets: np.ndarray


@cache
def copy_of(rows, count):
    """Copy the pairs of 16 points, and no byte beyond them."""

    @jit
    def copy(input, plane, steps, offsets, j, spare):
        for row in range(rows):
            spare.steps[row] = row * LANES * BYTES
            for k in range(LANES):
                at, to = plane + steps[row] + offsets[j + k], (row * LANES + k) * BYTES
                spare.offsets[k] = k * BYTES
                for b in range(2 * count):
                    spare.pixels[to + b] = input[at + b]

    return copy


@inline
def as_bytes(vec, fill):
    """Numbers that a byte has, and `fill` where there is none."""
    return at_most(at_least(where(vec == vec, vec, fill), 0.0), 255.0)


@cache
def put_of(count):
    """Put up to 16 pixels of the result down, nothing beyond the `left` ones."""
    lines = count != 3  # 48 bytes are no whole line, and never streamed

    @jit
    def put_singly(pixels, out, to, step, left):
        for point in range(lesser(left, LANES)):
            for c in range(count):
                out[to + point * step + c] = pixels[point * count + c]

    @inline
    def put(out, to, step, streamed, left, sums, spare):
        if left >= LANES and step == count:
            if lines and streamed and starts_line(out, to):
                stream_bytes(out, to, sums, count)
            else:
                put_bytes(out, to, sums, count)
        else:
            put_bytes(spare, 0, sums, count)
            put_singly(spare, out, to, step, left)

    return put


@cache
def bytes_of(form, count):
    """Sample a tile's points."""
    rows, pitch, exact = taps_in_all(form) // form.taps, pitch_of(form), count != 3
    shift, copy, put, work = shift_of(form), copy_of(rows, count), put_of(count), VALUES[form.work]
    size, lanes, integer = rows * LANES * BYTES, count * LANES, OFFSETS[form.wide]

    @inline
    def add_all(input, plane, safe, steps, plan, j, spare, totals):
        if exact or everywhere(load(plan.offsets, j) <= safe):
            source, first, away, offsets, k = input, plane, steps, plan.offsets, j
        else:
            copy(input, plane, steps, plan.offsets, j, spare)
            source, first, away, offsets, k = spare.pixels, 0, spare.steps, spare.offsets, 0
        sum_pairs(source, first, away, offsets, k, plan.weights, j, pitch, rows, count, totals)

    @inline
    def mend(fills, weights, numbers, totals):
        """Add the fill value's share, and leave what a byte has."""
        for c in range(count):
            fill = splat(numbers[c], weights)
            total = load(totals, c * LANES)
            if fills:
                total = add_tap(total, fill, weights)
            store(totals, c * LANES, as_bytes(total, fill))

    @jit
    def apply(job, strides, input, plane, out, at, tile, plan, numbers):
        steps, totals = local(rows, np.int64), local(lanes, work)
        spare = Spare(local(size, np.uint8), local(rows, np.int64), local(LANES, integer))
        for r in range(rows):
            steps[r] = shift(r, strides)
        safe = lesser(job.input_whole - plane, WIDE)
        fills, step, streamed = job.fills != 0, job.out_col, job.stream != 0
        for row in range(tile.rows):
            to, j = at + row * job.out_row, tile.home + row * tile.pad
            for left in range(tile.cols, 0, -LANES):
                add_all(input, plane, safe, steps, plan, j, spare, totals)
                lost = load(totals, 0)
                if fills or not everywhere(lost == lost):
                    mend(fills, load(plan.fills, j), numbers, totals)
                put(out, to, step, streamed, left, totals, spare.pixels)
                to += LANES * step
                j += LANES

    return apply
