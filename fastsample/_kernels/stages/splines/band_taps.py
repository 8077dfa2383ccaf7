"""Splines along the last axis of an array and another one, from samples to results in one pass.

Rows go down and come up as for coefficients alone (`line_bands`), but these come up in the ring,
where results of the columns are made from them, 16 rows at a time and 64 columns of each, which
then go along themselves. What rows of coefficients a later result needs is kept when the next ones
come up.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at, at_byte, free, new_memory, on_a_line
from ...compiler.jit import WORK, call_stage, inline, jit, lesser, made_address
from ...compiler.once import once
from ...kind import VALUES
from ...vectors.memory import fence
from ...vectors.simd import LANES, load, multiply_add, splat, store
from .line_bands import BANDS, DEEP, KEEP, PITCH, note_of, put_lines, put_plane, sums_below
from .line_blocks import HEAD, LINES, POLE, SOURCES
from .lines import AXIS, CHUNK, STAGED, TERM, At, filter_on, put_resampled, take_in

FEW, MANY = 4, 6  # taps of a result: some may weigh nothing

# What is made of a plane's rows of coefficients, which are numbered as samples are.
ROWS = np.dtype(
    [
        (name, "i8")
        for name in (
            "parts_at",  # bands
            *("taps", "firsts_at", "weights_at"),  # of results: of each the row of its first tap
            *("kept", "kept_at"),  # rows kept, and where, in elements behind the ring
        )
    ],
    align=True,
)
# A band: the number in the table of rows of the first that is read; how many times 16 are, how many
# before any of them come up, and how many do; the first row that comes up; the results.
PART = np.dtype(
    [(name, "i8") for name in ("low", "blocks", "above", "risen", "row", "first", "end")]
)


@jit
def rise_in_ring_by_one(band, sums, ring, block, low, high):
    """Let some columns of 16 rows come up where they lie."""
    z = splat(band.first, sums)
    bottom = (block % (band.reach // DEEP + 1) * DEEP + DEEP - 1) * band.pitch
    for j in range(low, high, LANES):
        row, _ = sums_below(band, sums, block, j)
        at = bottom + j
        for _ in range(DEEP):
            row = multiply_add(row, z, load(ring, at))
            store(ring, at, row)
            at -= band.pitch


@jit
def rise_in_ring_by_two(band, sums, ring, block, low, high):
    """The same with two poles."""
    z, y = splat(band.first, sums), splat(band.second, sums)
    bottom = (block % (band.reach // DEEP + 1) * DEEP + DEEP - 1) * band.pitch
    for j in range(low, high, LANES):
        first, second = sums_below(band, sums, block, j)
        at = bottom + j
        for _ in range(DEEP):
            first = multiply_add(first, z, load(ring, at))
            second = multiply_add(second, y, first)
            store(ring, at, second)
            at -= band.pitch


@inline
def place_of(band, rows, block, row):
    """Where a row of coefficients lies: of the 16 that came up last, or kept from before them."""
    if row < 0:
        return rows.kept_at + (rows.kept + row) * band.pitch
    return (block % (band.reach // DEEP + 1) * DEEP + row) * band.pitch


@jit
def blend_few(band, rows, ring, made, block, row, weights, at, low, high, to):
    """Some columns of a result of four taps, from `row` on."""
    a, b = place_of(band, rows, block, row), place_of(band, rows, block, row + 1)
    c, d = place_of(band, rows, block, row + 2), place_of(band, rows, block, row + 3)
    w, x = splat(weights[at], ring), splat(weights[at + 1], ring)
    y, z = splat(weights[at + 2], ring), splat(weights[at + 3], ring)
    for j in range(low, high, LANES):
        total = load(ring, a + j) * w
        total = multiply_add(load(ring, b + j), x, total)
        total = multiply_add(load(ring, c + j), y, total)
        store(made, to + j - low, multiply_add(load(ring, d + j), z, total))


@jit
def blend_more(band, rows, ring, made, block, row, weights, at, low, high, to):
    """Add two taps more."""
    a, b = place_of(band, rows, block, row), place_of(band, rows, block, row + 1)
    w, x = splat(weights[at], ring), splat(weights[at + 1], ring)
    for j in range(low, high, LANES):
        total = load(made, to + j - low)
        total = multiply_add(load(ring, a + j), w, total)
        store(made, to + j - low, multiply_add(load(ring, b + j), x, total))


@jit
def keep_rows(band, rows, ring, block, width):
    """Keep the last rows, before others take their places."""
    for k in range(rows.kept):
        source = place_of(band, rows, block, DEEP - rows.kept + k)
        target = rows.kept_at + k * band.pitch
        for j in range(0, width, LANES):
            store(ring, target + j, load(ring, source + j))


@cache
def band_taps_of(work):
    """The work on one piece: a band of a plane of results."""
    real, note = VALUES[work], note_of(work)

    @jit
    def blend(band, rows, tables, ring, made, block, bottom, first, count, low, high):
        """Some columns of results from the `first` on; `bottom`: the first row that came up."""
        firsts, weights = tables
        for k in range(count):
            row, at = firsts[first + k] - bottom, (first + k) * rows.taps
            blend_few(band, rows, ring, made, block, row, weights, at, low, high, k * PITCH)
            if rows.taps == MANY:
                row, at = row + FEW, at + FEW
                blend_more(band, rows, ring, made, block, row, weights, at, low, high, k * PITCH)

    @jit
    def come_up(band, rows, job, at, head, block, bottom, first, count, rises, poles, terms):
        """Let 16 rows come up, if they have not; make `count` results, and take these in."""
        lines, made = array_at(at.scratch, real, HEAD), array_at(at.scratch, real, band.risen_at)
        sums, ring = (
            array_at(at.scratch, real, band.sums_at),
            array_at(at.scratch, real, band.ring_at),
        )
        tables = (
            array_at(at.axes, np.int64, rows.firsts_at),
            array_at(at.axes, real, rows.weights_at),
        )
        source = at_byte(at.scratch, band.risen_at)
        for low in range(0, job.n, CHUNK):
            high = lesser(low + CHUNK, job.n)
            if rises and band.poles == 1:
                rise_in_ring_by_one(band, sums, ring, block, low, high)
            elif rises:
                rise_in_ring_by_two(band, sums, ring, block, low, high)
            if count:
                blend(band, rows, tables, ring, made, block, bottom, first, count, low, high)
                for k in range(LANES):
                    head[SOURCES + k] = lesser(k, count - 1) * PITCH - low
                take_in(job, source, at, low, high, head, lines, poles, terms)

    @jit
    def put_out(job, at, head, poles, terms):
        """Filter 16 rows along themselves, resample and write them."""
        rows = array_at(at.scratch, real, HEAD)
        index, weights = (
            array_at(at.axes, np.int32, job.index_at),
            array_at(at.axes, real, job.weights_at),
        )
        filter_on(job, rows, poles, terms)
        for low in range(0, job.m, STAGED):
            high = lesser(low + STAGED, job.m)
            put_resampled(job, at.out, at, low, high, head, rows, index, weights)

    @inline
    def ready(firsts, rows, part, first, above):
        """How many of the next 16 results there are, if all of their taps are above a row."""
        count = lesser(part.end - first, DEEP)
        if count > 0 and firsts[first + count - 1] + rows.taps > above:
            count = 0
        return count

    @jit
    def make_rows(band, rows, part, job, at, head, target, block, bottom, first, poles, terms):
        """Let 16 rows come up, and make what results there are then; which is next."""
        firsts = array_at(at.axes, np.int64, rows.firsts_at)
        ring = array_at(at.scratch, real, band.ring_at)
        above, rises = bottom + DEEP, 1
        count = ready(firsts, rows, part, first, above)
        while rises or count > 0:
            if count > 0:
                put_lines(band, head, target, first, count)
            come_up(band, rows, job, at, head, block, bottom, first, count, rises, poles, terms)
            if count > 0:
                put_out(job, at, head, poles, terms)
            first, rises = first + count, 0
            count = ready(firsts, rows, part, first, above)
        keep_rows(band, rows, ring, block, job.n)
        return first

    def band_taps_piece(job_at, axes, image, grid, other, out, piece):
        # Bytes of scratch; where bands and their rows are told of.
        task = array_at(grid, np.int64, 0)
        memory = new_memory(task[0])
        at = At(job_at, axes, image, grid, other, out, on_a_line(memory))
        band, job = array_at(axes, BANDS, task[1])[0], array_at(job_at, LINES, 0)[0]
        rows = array_at(axes, ROWS, task[2])[0]
        part = array_at(axes, PART, rows.parts_at)[piece % band.bands]
        poles, terms = array_at(axes, POLE, job.poles_at), array_at(axes, TERM, job.ends_at)
        head, states = (
            array_at(at.scratch, np.int64, 0),
            array_at(at.scratch, real, band.states_at),
        )
        target = put_plane(band, array_at(axes, AXIS, band.axes_at), piece // band.bands, head)
        for j in range(0, band.poles * band.pitch, LANES):
            store(states, j, splat(0.0, states))
        first, lead = part.first, band.reach // DEEP
        for block in range(part.blocks):
            head[KEEP] = 1 if part.above <= block < part.above + part.risen else 0
            number, risen = part.low + block * DEEP, block - lead - part.above
            call_stage(band.read, job_at, axes, image, grid, other, out, at.scratch, number, block)
            if 0 <= risen < part.risen:
                bottom, up = part.row + risen * DEEP, block - lead
                first = make_rows(
                    band, rows, part, job, at, head, target, up, bottom, first, poles, terms
                )
        note(band, states, other, piece)
        fence()
        free(memory)

    return band_taps_piece


@once
def band_taps_loop(work):
    """The address of the work on one piece."""
    return made_address(band_taps_of, ("band_taps", work), WORK)
