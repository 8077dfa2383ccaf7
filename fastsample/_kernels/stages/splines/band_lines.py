"""Sixteen lines of a band along themselves: taken in, filtered, and resampled.

All is of one type, and lies a constant distance apart, so that no addresses are read. The
recursions of two poles go up together, and down together. A long line goes up as it comes in; what
it begins and ends with are sums over its samples, or over what has come up.
"""

from functools import cache

import numpy as np

from ...compiler.jit import inline, jit
from ...kind import VALUES
from ...vectors.columns import load_columns, store_columns
from ...vectors.memory import CACHE_LINE, local
from ...vectors.simd import LANES, load, multiply_add, splat, store
from .lines import weighted
from .rises import PITCH, places_of


@cache
def along_of(work, taps, number):
    """What takes lines in, filters them, by so many poles, and resamples them, by so many taps."""
    real, both = VALUES[work], int(number == 2)
    line = CACHE_LINE // np.dtype(real).itemsize
    square = line * LANES

    @inline
    def step(one, two, z, y, row):
        """The recursions' next values, c[i] = s[i] + z c[i - 1], of one pole, then of the other."""
        one = multiply_add(one, z, row)
        two = multiply_add(two, y, one) if both else one
        return one, two

    @inline
    def poles_of(poles, lines):
        return splat(poles[0].z, lines), splat(poles[1].z, lines)

    @inline
    def states_at(lines, i, y):
        """The values of both recursions up at a row, from it and the one before it."""
        two = load(lines, i * LANES)
        one = two - load(lines, (i - 1) * LANES) * y if both else two
        return one, two

    @jit
    def turn(lines, made, low, high):
        """Columns to rows of 16."""
        places = places_of(PITCH)
        for i in range(0, high - low, line):
            load_columns(lines, (low + i) * LANES, made, i, places, 0)

    @jit
    def go_up(lines, low, high, one, two, poles):
        """The recursions up through some rows, from what they are before them."""
        z, y = poles_of(poles, lines)
        for i in range(low, high):
            one, two = step(one, two, z, y, load(lines, i * LANES))
            store(lines, i * LANES, two)

    @jit
    def begin(lines, high, poles, terms):
        """The recursions up from the start of a line."""
        one = weighted(lines, 0, terms, poles[0].start, poles[0].starts)
        two = weighted(lines, 0, terms, poles[1].start, poles[1].starts) if both else one
        store(lines, 0, two)
        go_up(lines, 1, high, one, two, poles)

    @inline
    def last_of(lines, poles, terms):
        """The recursions' last values down."""
        one = weighted(lines, 0, terms, poles[0].end, poles[0].ends)
        two = weighted(lines, 0, terms, poles[1].end, poles[1].ends) if both else one
        return one, two

    @jit
    def go_down(lines, last, one, two, poles):
        """The recursions down, from what they are at the last row."""
        z, y = poles_of(poles, lines)
        store(lines, last * LANES, two)
        for k in range(last):
            i = last - 1 - k
            one, two = step(one, two, z, y, load(lines, i * LANES))
            store(lines, i * LANES, two)

    @jit
    def take_in(job, lines, made, low, high, poles, terms):
        """Take in columns of results, and go up as soon as the line's start is there."""
        turn(lines, made, low, high)
        if job.needed <= low:
            one, two = states_at(lines, low - 1, splat(poles[1].z, lines))
            go_up(lines, low, high, one, two, poles)
        elif job.needed <= high < job.n:
            begin(lines, high, poles, terms)

    @jit
    def finish(lines, size, needed, poles, terms):
        """Filter lines that have been taken in."""
        one, two = last_of(lines, poles, terms)
        if needed == size:
            begin(lines, size, poles, terms)
        go_down(lines, size - 1, one, two, poles)

    @inline
    def result(lines, start, weights, at):
        """16 lines' results at one place along them."""
        total = load(lines, start) * splat(weights[at], lines)
        for k in range(1, taps):
            row = load(lines, start + k * LANES)
            total = multiply_add(row, splat(weights[at + k], lines), total)
        return total

    @jit
    def resample(lines, piece, starts, weights, low, high):
        """Results of 16 lines, and those of each line one after the other."""
        places, some = places_of(PITCH), local(square, real)
        at = low * taps
        for i in range(low, high, line):
            for k in range(line):
                store(some, k * LANES, result(lines, starts[i + k], weights, at))
                at += taps
            store_columns(some, 0, piece, i - low, places, 0)

    return take_in, finish, resample
