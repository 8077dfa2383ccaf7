"""Spline coefficients along the last axis of an array and another one in one pass over memory.

A band is some rows of a plane of these two axes. Its rows are read one after the other and go down
the recursions of the columns, all columns at once, into a ring of rows that stays in the
second-level cache. As soon as what lies below 16 rows is known as far as it matters, these come up
again, 64 columns at a time, go along themselves, and leave past the caches. With one pole they go
along in such chunks (`line_chunks`), else whole, as lines do (`lines`).

Above its first row and below its last one a band reads as many rows as matter, and above and below
the plane those that continue it there. So a table of rows is all that tells ways to continue a
plane apart. The recursions of two poles go down together, then up together: of a plane without end
that is the same as one pole after the other.

Results differ from those of whole columns by what lies so far away that a double does not hold it.
But a NaN or an infinity is to reach all of its column: each band writes down whether it has met
one, and after one that has, the plane is filtered axis by axis.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at, at_byte, free, new_memory, on_a_line
from ...compiler.jit import STAGE, WORK, call_stage, inline, jit, lesser, made_address
from ...compiler.once import once
from ...kind import STORED, VALUES
from ...vectors.memory import fence, local
from ...vectors.simd import LANES, load, multiply_add, splat, store
from .line_blocks import (
    COUNT,
    HEAD,
    LAID_TOGETHER,
    LINES,
    POLE,
    SOURCES,
    STEP,
    TARGETS,
    TOGETHER,
    load_some,
    load_whole,
    widen_of,
)
from .line_chunks import chunks_of
from .lines import AXIS, CHUNK, TERM, At, filter_on, put_samples, take_in
from .rises import DEEP, PITCH, rise

FEW = 4  # rows that are read together
# At the head of scratch, behind what is told of 16 lines: where the plane begins, and whether the
# ring keeps the rows that are read.
PLANE, KEEP = 48, 49

# The bands of planes. Distances are elements, but for those that end in `_at`, which are bytes
# behind the first of all tables, or of scratch.
BANDS = np.dtype(
    [
        (name, "i8")
        for name in (
            "read",  # the address of a stage
            *("bands", "deep"),  # of a plane; rows of each
            *("rows", "width"),  # of a plane
            *("lines", "apart"),  # beside each other in a row; from one to the next in the target
            "reach",  # rows above and below a band that matter
            *("source_start", "source_row", "target_start", "target_row"),
            *("axes", "axes_at"),  # across the planes
            "rows_at",  # rows of the source, from `reach` above the first one on
            *("poles", "weights_at"),  # weights of the sums of 16 rows, for each pole
            *("states_at", "sums_at", "ring_at", "risen_at", "pitch"),  # in scratch; of a row there
            # If rows go along in chunks: how many samples that have gone up add to what the way
            # down has before them, with which weights; what leaves of them, in scratch. Else 0.
            *("ahead", "ahead_at", "pieces_at"),
            "closed",  # 1: what lies below a plane comes from its last two rows
        )
    ]
    + [
        (name, "f8")
        for name in (
            *("first", "second"),  # poles
            *("first_left", "second_left", "mixed"),  # of sums, 16 rows on; see `sums_below`
            *("last", "above"),  # weights of the last two rows in what lies below them
        )
    ],
    align=True,
)


@jit
def put_plane(band, axes, plane, head):
    """Write down where a plane begins in the source; where it does in the target."""
    source, target, rest = band.source_start, band.target_start, plane
    for k in range(band.axes):
        axis = axes[band.axes - 1 - k]
        source += rest % axis.size * axis.source
        target += rest % axis.size * axis.target
        rest = rest // axis.size
    head[PLANE] = source
    return target


@cache
def read_band_of(value, swapped, work):
    """Read 16 rows down all columns, the `block`-th of a band, from number `low` of the table on.

    And sum them as the recursions up meet them, which then need not read them to begin above.
    """
    stored, real, widen = STORED[value], VALUES[work], widen_of(swapped)

    @inline
    def put_places(band, head, rows, low, places):
        for k in range(FEW):
            places[k] = head[PLANE] + rows[low + k] * band.source_row

    @cache
    def falling_of(get, keep, begins):
        @jit
        def fall_by_one(band, head, tables, source, scratch, low, slot, k, begin, end):
            rows, weights = tables
            states, sums, ring = scratch
            places = local(FEW, np.int64)
            put_places(band, head, rows, low, places)
            pitch, z = band.pitch, splat(band.first, states)
            for j in range(begin, end, LANES):
                row, to = load(states, j), (slot * DEEP + k) * pitch + j
                total = splat(0.0, states) if begins else load(sums, slot * pitch + j)
                for m in range(FEW):
                    read = get(source, places[m] + j, end - j)
                    row = multiply_add(row, z, widen(read, states))
                    total = multiply_add(row, splat(weights[k + m], states), total)
                    if keep:
                        store(ring, to, row)
                    to += pitch
                store(sums, slot * pitch + j, total)
                store(states, j, row)

        @jit
        def fall_by_two(band, head, tables, source, scratch, low, slot, k, begin, end):
            rows, weights = tables
            states, sums, ring = scratch
            places = local(FEW, np.int64)
            put_places(band, head, rows, low, places)
            pitch, at = band.pitch, 2 * slot * band.pitch
            z, y = splat(band.first, states), splat(band.second, states)
            for j in range(begin, end, LANES):
                one, two = load(states, j), load(states, pitch + j)
                first, second = splat(0.0, states), splat(0.0, states)
                if not begins:
                    first, second = load(sums, at + j), load(sums, at + pitch + j)
                to = (slot * DEEP + k) * pitch + j
                for m in range(FEW):
                    row = get(source, places[m] + j, end - j)
                    one = multiply_add(one, z, widen(row, states))
                    two = multiply_add(two, y, one)
                    first = multiply_add(two, splat(weights[k + m], states), first)
                    second = multiply_add(two, splat(weights[DEEP + k + m], states), second)
                    if keep:
                        store(ring, to, two)
                    to += pitch
                store(states, j, one)
                store(states, pitch + j, two)
                store(sums, at + j, first)
                store(sums, at + pitch + j, second)

        @inline
        def fall(band, head, tables, source, scratch, low, slot, k, begin, end):
            if band.poles == 1:
                fall_by_one(band, head, tables, source, scratch, low, slot, k, begin, end)
            else:
                fall_by_two(band, head, tables, source, scratch, low, slot, k, begin, end)

        return fall

    @cache
    def all_falling_of(get, keep):
        fall_first, fall = falling_of(get, keep, 1), falling_of(get, keep, 0)

        @jit
        def fall_all(band, head, tables, source, scratch, low, slot, begin, end):
            fall_first(band, head, tables, source, scratch, low, slot, 0, begin, end)
            for k in range(FEW, DEEP, FEW):
                fall(band, head, tables, source, scratch, low + k, slot, k, begin, end)

        return fall_all

    fall, fall_kept = all_falling_of(load_whole, 0), all_falling_of(load_whole, 1)
    fall_at_end, fall_kept_at_end = all_falling_of(load_some, 0), all_falling_of(load_some, 1)

    def read(job_at, axes, image, grid, other, out, memory, low, block):
        band = array_at(axes, BANDS, array_at(grid, np.int64, 0)[1])[0]
        head, source = array_at(memory, np.int64, 0), array_at(image, stored, 0)
        tables = array_at(axes, np.int64, band.rows_at), array_at(axes, real, band.weights_at)
        scratch = (
            array_at(memory, real, band.states_at),
            array_at(memory, real, band.sums_at),
            array_at(memory, real, band.ring_at),
        )
        slot = block % (band.reach // DEEP + 1)
        whole = band.width - band.width % LANES
        if head[KEEP]:
            fall_kept(band, head, tables, source, scratch, low, slot, 0, whole)
            fall_kept_at_end(band, head, tables, source, scratch, low, slot, whole, band.width)
        else:
            fall(band, head, tables, source, scratch, low, slot, 0, whole)
            fall_at_end(band, head, tables, source, scratch, low, slot, whole, band.width)

    return read


@jit
def close(band, states, sums, ring, block, is_first):
    """Set what lies below a plane, as if `block` had been read: its last row's value, then none."""
    slots = band.reach // DEEP + 1
    at = block % slots * band.pitch
    above = ((block - 1) % slots * DEEP + DEEP - 2) * band.pitch
    last, other = splat(band.last, sums), splat(band.above, sums)
    for j in range(0, band.pitch, LANES):
        total = splat(0.0, sums)
        if is_first:
            total = multiply_add(load(ring, above + j), other, load(states, j) * last)
        store(sums, at + j, total)


@jit
def put_lines(band, head, target, row, count):
    """Write down where 16 rows go; beyond `count` the last again."""
    head[STEP], head[COUNT], head[TOGETHER], head[LAID_TOGETHER] = 0, count, 0, 0
    for k in range(LANES):
        head[TARGETS + k] = target + (row + lesser(k, count - 1)) * band.target_row


@cache
def note_of(work):
    """Write down whether a band has met what is not finite: then its last row is not."""
    real = VALUES[work]

    @jit
    def are_finite(rows, at, count):
        some, whole = local(LANES, real), count - count % LANES
        zero = splat(0.0, rows)
        total = zero
        for j in range(0, whole, LANES):
            total = multiply_add(load(rows, at + j), zero, total)
        store(some, 0, total)
        found = 0.0
        for k in range(LANES):
            found += some[k]
        for j in range(whole, count):
            found += rows[at + j] * 0.0
        return found == 0.0

    @jit
    def note(band, states, other, piece):
        last = (band.poles - 1) * band.pitch
        found = array_at(other, real, 0)
        found[piece] = 0.0 if are_finite(states, last, band.width) else 1.0

    return note


@cache
def bands_of(work):
    """The work on one piece: a band of a plane."""
    real, note, run_along = VALUES[work], note_of(work), chunks_of(work)
    item = np.dtype(real).itemsize

    @jit
    def take_risen(band, job, at, head, block, column, poles, terms):
        """Let 16 rows come up from a column on, and take them in as lines."""
        rows, risen = array_at(at.scratch, real, HEAD), array_at(at.scratch, real, band.risen_at)
        sums, ring = (
            array_at(at.scratch, real, band.sums_at + column * item),
            array_at(at.scratch, real, band.ring_at + column * item),
        )
        source = at_byte(at.scratch, band.risen_at)
        for low in range(0, job.n, CHUNK):
            high = lesser(low + CHUNK, job.n)
            rise(band, sums, ring, risen, block, low, high)
            for k in range(LANES):
                head[SOURCES + k] = lesser(k, head[COUNT] - 1) * PITCH - low
            take_in(job, source, at, low, high, head, rows, poles, terms)

    @jit
    def put_rows(job, at, head, poles, terms):
        """Filter 16 rows along themselves, and write them."""
        rows, size = array_at(at.scratch, real, HEAD), job.n + 2 * job.pad
        filter_on(job, rows, poles, terms)
        chunks = (size + CHUNK - 1) // CHUNK
        for low in range((chunks - 1) * CHUNK, -1, -CHUNK):
            high = lesser(low + CHUNK, size)
            put_samples(job, at.out, at, low, high, head, rows, poles, terms)

    def bands_piece(job_at, axes, image, grid, other, out, piece):
        task = array_at(grid, np.int64, 0)  # bytes of scratch; where the bands are told of
        memory = new_memory(task[0])
        at = At(job_at, axes, image, grid, other, out, on_a_line(memory))
        band, job = array_at(axes, BANDS, task[1])[0], array_at(job_at, LINES, 0)[0]
        poles, terms = array_at(axes, POLE, job.poles_at), array_at(axes, TERM, job.ends_at)
        head, states = (
            array_at(at.scratch, np.int64, 0),
            array_at(at.scratch, real, band.states_at),
        )
        sums, ring = (
            array_at(at.scratch, real, band.sums_at),
            array_at(at.scratch, real, band.ring_at),
        )
        target = put_plane(band, array_at(axes, AXIS, band.axes_at), piece // band.bands, head)
        for j in range(0, band.poles * band.pitch, LANES):
            store(states, j, splat(0.0, states))
        first = piece % band.bands * band.deep
        end, lead = lesser(first + band.deep, band.rows), band.reach // DEEP
        for block in range((end - first + DEEP - 1) // DEEP + 2 * lead):
            row = first + (block - lead) * DEEP
            head[KEEP] = 1 if first <= row < end else 0
            if row >= end and end == band.rows and band.closed:
                close(band, states, sums, ring, block, row == end)
            else:
                low = row + band.reach
                call_stage(band.read, job_at, axes, image, grid, other, out, at.scratch, low, block)
            row -= band.reach
            if row >= first:
                for k in range(band.lines):
                    to, column = target + k * band.apart, k * job.n
                    put_lines(band, head, to, row, lesser(end - row, DEEP))
                    if band.ahead:
                        run_along(band, job, at, head, block - lead, column, poles, terms)
                    else:
                        take_risen(band, job, at, head, block - lead, column, poles, terms)
                        put_rows(job, at, head, poles, terms)
        note(band, states, other, piece)
        fence()
        free(memory)

    return bands_piece


@once
def bands_loop(work):
    """The address of the work on one piece."""
    return made_address(bands_of, ("bands", work), WORK)


@once
def band_reader(value, swapped, work):
    """The address of the stage that reads rows of a band."""
    return made_address(read_band_of, ("read_band", value, swapped, work), STAGE)
