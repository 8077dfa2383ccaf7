"""Rows of values on their way in and out: 16 at a time, whatever their stride."""

from functools import cache

from ..compiler.jit import inline, jit, lesser
from ..vectors.memory import local, starts_line, stream
from ..vectors.pixels import FEW, store_pixels, stream_pixels
from ..vectors.simd import LANES, load, store


@jit
def read_values(values, at, step, left, vector):
    """Up to 16 values of a row, `step` elements apart; zeros beyond."""
    for k in range(LANES):
        vector[k] = 0
    for k in range(lesser(left, LANES)):
        vector[k] = values[at + k * step]


@inline
def row_values(values, at, step, left, vector):
    """16 values of a row, zeros beyond its end."""
    if step == 1 and left >= LANES:
        found = load(values, at)
    else:
        read_values(values, at, step, left, vector)
        found = load(vector, 0)
    return found


@inline
def put_singly(vector, out, to, step, count):
    """The first numbers of a vector in memory, `step` elements apart; nothing beyond them."""
    for k in range(count):
        out[to + k * step] = vector[k]


@cache
def put_row_of(stored):
    """Put up to 16 values of a row of the result down, nothing beyond the `left` ones."""

    @inline
    def put(out, to, step, streamed, left, values):
        if left >= LANES and step == 1:
            if streamed and starts_line(out, to):
                stream(out, to, values)
            else:
                store(out, to, values)
        else:
            vector = local(LANES, stored)
            store(vector, 0, values)
            put_singly(vector, out, to, step, lesser(left, LANES))

    return put


@cache
def put_pixels_of(stored, count):
    """The same for pixels of two to four channels, in four lanes each of four vectors."""
    lanes = FEW * LANES

    @inline
    def put_pixels_singly(pixels, out, to, step, left):
        for point in range(lesser(left, LANES)):
            for c in range(count):
                out[to + point * step + c] = pixels[point * FEW + c]

    @inline
    def put(out, to, step, streamed, left, values):
        if left >= LANES and step == count:
            if streamed and starts_line(out, to):
                stream_pixels(out, to, values, count)
            else:
                store_pixels(out, to, values, count)
        else:
            pixels = local(lanes, stored)
            a, b, c, d = values
            store(pixels, 0, a)
            store(pixels, LANES, b)
            store(pixels, 2 * LANES, c)
            store(pixels, 3 * LANES, d)
            put_pixels_singly(pixels, out, to, step, left)

    return put
