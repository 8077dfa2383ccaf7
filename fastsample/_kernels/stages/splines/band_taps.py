"""Splines along the last axis of an array and another one, from samples to results in one pass.

Rows go down and come up as for coefficients alone (`line_bands`), but these come up in the ring,
where results of the columns are made from them, 16 rows at a time and 64 columns of each. What rows
of coefficients a later result needs is kept when the next ones come up.

The results of the columns go along themselves, as lines do (`lines`), but without their stages: all
is of one type here, and lies a constant distance apart. A line's coefficients go on beyond its ends
as far as taps do, so that taps are always neighbours, and of each result only the first is told.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at, free, new_memory, on_a_line
from ...compiler.jit import WORK, call_stage, inline, jit, lesser, made_address
from ...compiler.once import once
from ...kind import VALUES
from ...vectors.memory import CACHE_LINE, fence, local, store_first, to_line
from ...vectors.simd import LANES, load, multiply_add, splat, store
from .band_lines import along_of
from .line_bands import BANDS, KEEP, note_of, put_plane
from .line_blocks import HEAD, LINES, POLE, put_run
from .lines import AXIS, CHUNK, TERM, At, extend
from .rises import DEEP, PITCH, sums_below

FEW, MANY = 4, 6  # taps of a result: some may weigh nothing
BEYOND = LANES  # coefficients before a line and after it, at most
NEAR = 128  # rows of coefficients at hand, at most: those kept, and 16

# What is made of a plane's rows of coefficients, which are numbered as samples are.
ROWS = np.dtype(
    [
        (name, "i8")
        for name in (
            "parts_at",  # bands
            *("taps", "firsts_at", "weights_at"),  # of results: of each the row of its first tap
            *("kept", "kept_at"),  # rows kept, and where, in elements behind the ring
            *("ends", "ends_at"),  # coefficients set beyond a line's ends
            *("starts_at", "along_at"),  # of results along rows: the first taps, and the weights
        )
    ],
    align=True,
)
# A band: the number in the table of rows of the first that is read; how many times 16 are, how many
# before any of them come up, and how many do; the first row that comes up; the results.
PART = np.dtype(
    [(name, "i8") for name in ("low", "blocks", "above", "risen", "row", "first", "end")]
)
END = np.dtype([(name, "i8") for name in ("row", "source")])


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


@jit
def put_places(band, rows, block, places):
    """Write down where rows of coefficients lie: those kept, then the 16 that came up last."""
    for k in range(rows.kept):
        places[k] = rows.kept_at + k * band.pitch
    at = block % (band.reach // DEEP + 1) * DEEP * band.pitch
    for k in range(DEEP):
        places[rows.kept + k] = at + k * band.pitch


@jit
def keep_rows(rows, ring, places, width):
    """Keep the last rows, before others take their places."""
    for k in range(rows.kept):
        source, target = places[k + DEEP], places[k]
        for j in range(0, width, LANES):
            store(ring, target + j, load(ring, source + j))


@cache
def blend_of(taps, real):
    """Make some columns of a result down the columns."""

    @jit
    def blend(ring, made, places, row, weights, at, low, high, to):
        rows, factors = local(taps, np.int64), local(taps, real)
        for k in range(taps):
            rows[k], factors[k] = places[row + k], weights[at + k]
        for j in range(low, high, LANES):
            total = load(ring, rows[0] + j) * splat(factors[0], ring)
            for k in range(1, taps):
                total = multiply_add(load(ring, rows[k] + j), splat(factors[k], ring), total)
            store(made, to + j - low, total)

    return blend


@cache
def band_taps_of(work):
    """The work on one piece: a band of a plane of results."""
    real, note = VALUES[work], note_of(work)
    item = np.dtype(real).itemsize
    line = CACHE_LINE // item
    fewer = (PITCH - line) // line * line  # results made together, behind those of a line
    blend_few, blend_many = blend_of(FEW, real), blend_of(MANY, real)

    @jit
    def blend(rows, tables, ring, made, places, first, count, bottom, low, high):
        """Some columns of results from the `first` on; `bottom`: the first row that came up."""
        firsts, weights = tables
        for k in range(count):
            row, at = firsts[first + k] - bottom + rows.kept, (first + k) * rows.taps
            if rows.taps == FEW:
                blend_few(ring, made, places, row, weights, at, low, high, k * PITCH)
            else:
                blend_many(ring, made, places, row, weights, at, low, high, k * PITCH)

    take_few, finish_few, resample_few = along_of(work, FEW, 1)
    take_many, finish_many, resample_many = along_of(work, MANY, 2)

    @jit
    def put_ends(rows, at):
        """Set coefficients beyond the ends of lines, from those inside."""
        lines, ends = array_at(at.scratch, real, HEAD), array_at(at.axes, END, rows.ends_at)
        for k in range(rows.ends):
            store(lines, ends[k].row * LANES, load(lines, ends[k].source * LANES))

    @jit
    def put_whole(job, out, piece, to, step, count, size):
        """Write some results of each line, where that begins with a line of the caches."""
        for k in range(0, count * PITCH, PITCH):
            put_run(job, out, to, piece, k, 0, size)
            to += step

    @jit
    def put_piece(job, out, piece, to, step, count, skews, first, low, high):
        """Write results of each line up to a line of the caches, or all at its end."""
        at = -first
        for k in range(count):
            skew = skews[k]
            begin, end = low - skew, job.m if high == job.m else high - skew
            if low == 0:
                begin = lesser(line - skew, end) if skew else 0
                if skew:
                    store_first(out, to, load(piece, at), begin, LANES)
            put_run(job, out, to, piece, at, begin, end)
            at, to = at + PITCH, to + step

    @jit
    def put_skews(job, out, to, step, count, skews):
        """Write down how far behind a line of the caches rows begin, if they pass them.

        So many results a row may leave for the next piece, which makes a line's again, or none.
        """
        back = 0
        for k in range(count):
            skews[k] = line - to_line(out, to) // item if job.stream else 0
            if skews[k] > 0:
                back = line
            to += step
        return back

    @jit
    def put_out(band, rows, job, at, to, count, poles, terms):
        """Filter 16 lines that have been taken in, resample and write them."""
        lines = array_at(at.scratch, real, HEAD)
        padded = array_at(at.scratch, real, HEAD + (BEYOND - job.pad) * LANES * item)
        starts, weights = (
            array_at(at.axes, np.int64, rows.starts_at),
            array_at(at.axes, real, rows.along_at),
        )
        out, piece = array_at(at.out, real, 0), array_at(at.scratch, real, band.risen_at)
        size = job.n + 2 * job.pad
        extend(job, padded, 0, 0)
        extend(job, padded, 1, job.n + job.pad)
        if rows.taps == FEW:
            finish_few(padded, size, job.needed, poles, terms)
        else:
            finish_many(padded, size, job.needed, poles, terms)
        put_ends(rows, at)
        skews = local(LANES, np.int64)
        back = put_skews(job, out, to, band.target_row, count, skews)
        width = fewer if back else CHUNK
        for low in range(0, job.m, width):
            high, first = lesser(low + width, job.m), low - back if low else 0
            if rows.taps == FEW:
                resample_few(lines, piece, starts, weights, first, high)
            else:
                resample_many(lines, piece, starts, weights, first, high)
            step = band.target_row
            if back:
                put_piece(job, out, piece, to, step, count, skews, first, low, high)
            else:
                put_whole(job, out, piece, to + low, step, count, high - low)

    @jit
    def come_up(band, rows, job, at, places, block, bottom, first, count, rises, poles, terms):
        """Let 16 rows come up, if they have not; make `count` results, and take these in."""
        made = array_at(at.scratch, real, band.risen_at)
        lines = array_at(at.scratch, real, HEAD + BEYOND * LANES * item)
        sums, ring = (
            array_at(at.scratch, real, band.sums_at),
            array_at(at.scratch, real, band.ring_at),
        )
        tables = (
            array_at(at.axes, np.int64, rows.firsts_at),
            array_at(at.axes, real, rows.weights_at),
        )
        for low in range(0, job.n, CHUNK):
            high = lesser(low + CHUNK, job.n)
            if rises and band.poles == 1:
                rise_in_ring_by_one(band, sums, ring, block, low, high)
            elif rises:
                rise_in_ring_by_two(band, sums, ring, block, low, high)
            if count:
                blend(rows, tables, ring, made, places, first, count, bottom, low, high)
            if count and rows.taps == FEW:
                take_few(job, lines, made, low, high, poles, terms)
            elif count:
                take_many(job, lines, made, low, high, poles, terms)

    @inline
    def ready(firsts, rows, part, first, above):
        """How many of the next 16 results there are, if all of their taps are above a row."""
        count = lesser(part.end - first, DEEP)
        if count > 0 and firsts[first + count - 1] + rows.taps > above:
            count = 0
        return count

    @jit
    def make_rows(band, rows, part, job, at, target, block, bottom, first, poles, terms):
        """Let 16 rows come up, and make what results there are then; which is next."""
        firsts = array_at(at.axes, np.int64, rows.firsts_at)
        ring = array_at(at.scratch, real, band.ring_at)
        places = local(NEAR, np.int64)
        put_places(band, rows, block, places)
        above, rises = bottom + DEEP, 1
        count = ready(firsts, rows, part, first, above)
        while rises or count > 0:
            come_up(band, rows, job, at, places, block, bottom, first, count, rises, poles, terms)
            if count > 0:
                put_out(band, rows, job, at, target + first * band.target_row, count, poles, terms)
            first, rises = first + count, 0
            count = ready(firsts, rows, part, first, above)
        keep_rows(rows, ring, places, job.n)
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
                    band, rows, part, job, at, target, up, bottom, first, poles, terms
                )
        note(band, states, other, piece)
        fence()
        free(memory)

    return band_taps_piece


@once
def band_taps_loop(work):
    """The address of the work on one piece."""
    return made_address(band_taps_of, ("band_taps", work), WORK)
