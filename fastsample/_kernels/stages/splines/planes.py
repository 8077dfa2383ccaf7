"""Spline coefficients along an axis across rows, where they lie: whole rows by the recursions.

A plane is the rows along such an axis. As long as it stays in a cache between the way up and the
way down nothing needs to be copied, as lines of 64 columns (`lines`) are: each row is added to the
next one, then each is taken from the one before, in the order in which they lie in memory.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at
from ...compiler.jit import STAGE, inline, jit, made_address
from ...compiler.once import once
from ...kind import VALUES
from ...vectors.simd import LANES, multiply_add, splat
from .line_blocks import (
    LINES,
    POLE,
    STEP,
    TARGETS,
    load_some,
    load_whole,
    store_some,
    store_whole,
)
from .lines import TERM

FEW = 4  # rows that are done together: so each is read and written once on its way


@cache
def ways_of(get, put):
    """The ways up and down columns `low` to `high` of a plane, all in step."""

    @jit
    def put_sum(x, at, pitch, to, terms, first, count, gain, low, high):
        """Make a row the sum of some, each by its weight."""
        for j in range(low, high, LANES):
            total = splat(0.0, x)
            for k in range(first, first + count):
                row = get(x, at + terms[k].row * pitch + j, high - j)
                total = multiply_add(row, splat(terms[k].weight, x), total)
            put(x, at + to * pitch + j, total * gain, high - j)

    @cache
    def up_by(few):
        @inline
        def up(x, at, pitch, z, gain, low, high):
            """c[i] = gain c[i] + z c[i - 1] for a few rows from the one at `at` on."""
            factor, times = splat(z, x), splat(gain, x)
            for j in range(low, high, LANES):
                row = get(x, at - pitch + j, high - j)
                for k in range(few):
                    here = at + k * pitch + j
                    row = multiply_add(row, factor, get(x, here, high - j) * times)
                    put(x, here, row, high - j)

        return up

    @cache
    def down_by(few):
        @inline
        def down(x, at, pitch, z, low, high):
            """c[i] = z (c[i + 1] - c[i]) for a few rows from the one at `at` on, backwards."""
            factor = splat(z, x)
            for j in range(low, high, LANES):
                row = get(x, at + pitch + j, high - j)
                for k in range(few):
                    here = at - k * pitch + j
                    row = (row - get(x, here, high - j)) * factor
                    put(x, here, row, high - j)

        return down

    up_few, up_one, down_few, down_one = up_by(FEW), up_by(1), down_by(FEW), down_by(1)

    @jit
    def filter_by(x, at, pitch, n, pole, terms, gain, low, high):
        """One pole's recursions, up and down."""
        put_sum(x, at, pitch, 0, terms, pole.start, pole.starts, gain, low, high)
        whole = (n - 1) % FEW
        for i in range(1, 1 + whole):
            up_one(x, at + i * pitch, pitch, pole.z, gain, low, high)
        for i in range(1 + whole, n, FEW):
            up_few(x, at + i * pitch, pitch, pole.z, gain, low, high)
        put_sum(x, at, pitch, n - 1, terms, pole.end, pole.ends, 1.0, low, high)
        for i in range(n - 2, whole, -FEW):
            down_few(x, at + i * pitch, pitch, pole.z, low, high)
        for i in range(whole - 1, -1, -1):
            down_one(x, at + i * pitch, pitch, pole.z, low, high)

    return filter_by


filter_whole, filter_rest = ways_of(load_whole, store_whole), ways_of(load_some, store_some)


@cache
def filter_across_of(work):
    """Filter columns `low` to `high` of a plane, whose first element is TARGETS[0]."""
    real = VALUES[work]

    def filter_across(job_at, axes, image, grid, other, out, scratch, low, high):
        head, x = array_at(scratch, np.int64, 0), array_at(out, real, 0)
        job, at = array_at(job_at, LINES, 0)[head[STEP]], head[TARGETS]
        poles, terms = array_at(axes, POLE, job.poles_at), array_at(axes, TERM, job.ends_at)
        whole, gain = high - (high - low) % LANES, job.gain
        for k in range(job.poles):
            pole, pitch = poles[k], job.target_step
            filter_whole(x, at, pitch, job.n, pole, terms, gain, low, whole)
            filter_rest(x, at, pitch, job.n, pole, terms, gain, whole, high)
            gain = 1.0

    return filter_across


@once
def across_filter(work):
    """The address of the stage that filters planes in place."""
    return made_address(filter_across_of, ("filter_across", work), STAGE)
