"""The loops over tiles, which call the stages by address, compiled once for all of them.

`over_tiles` is for whoever owns its output points: the result, the gradient of the coordinates.
`over_shares` is for whoever owns a part of the input: its gradient. `over_samples` is for both
gradients, where whoever owns a sample owns all that is written. With `ahead` both plan one tile
early, and the apply stage prefetches that one's taps before it works on the tile before.
"""

import numpy as np

from .compiler.flat import array_at, at_byte, free, memory_at, new_memory, on_a_line
from .compiler.jit import WORK, call_loop, call_stage, compiled_address, inline, lesser
from .compiler.once import once
from .kind import JOB
from .stages.tile import HEAD, NONE, Share, blocks, put_share, put_tile, tile_in, tiles_in_all
from .vectors.memory import fence

LISTED = 5  # of a job: its image's address and bytes, where its axes begin, its pieces and its loop
JOB_BYTES = JOB.itemsize


@inline
def some_tiles(job, piece):
    """A piece of work: the sample of the grid, its tiles begin to end, and the channels."""
    tiles = tiles_in_all(job)
    chunks, parts = blocks(tiles, job.tiles), blocks(job.c, job.channels)
    n, part, chunk = piece // (chunks * parts), piece // chunks % parts, piece % chunks
    begin, first = chunk * job.tiles, part * job.channels
    planes = job.input_start + n * job.input_n
    share = Share(planes, first, lesser(first + job.channels, job.c), 0, 0)
    return n, begin, lesser(begin + job.tiles, tiles), share


@inline
def samples_of(job, tile):
    """The first sample of a tile that has several, and how many come after it."""
    if job.rows > 1:
        first, last = tile.row, tile.rows - 1
    else:
        first, last = tile.col // job.period, (tile.cols - 1) // job.period
    return first, last


@inline
def move_samples(job, scratch):
    """Where a tile's points are of several samples: let the offsets of its plan begin at each's.

    Points behind the last sample's belong to it, since two threads may not add to one pixel.
    """
    tile, offsets = tile_in(scratch, 0, 0), array_at(scratch, np.int32, HEAD)
    first, last = samples_of(job, tile)
    for k in range(last + 1):
        end = tile.rows * tile.pad if k == last else (k + 1) * job.period
        for row in range(job.offset_rows):
            for j in range(k * job.period, end):
                offsets[row * job.offset_pitch + j] += (first + k) * job.gap


@inline
def clear(memory, start, end):
    """Zeros to some bytes."""
    for k in range(start, end):
        memory[k] = 0


@inline
def clear_samples(job, stride, out, scratch):
    """Zeros to the samples of a tile, which has all that is added there."""
    first, last = samples_of(job, tile_in(scratch, 0, 0))
    for n in range(first, first + last + 1):
        for c in range(job.c):
            plane = job.input_start + n * job.gap + c * job.input_c
            clear(out, plane * job.item, (plane + job.input_rows * stride) * job.item)


@inline
def leads_along(job, grid):
    """Does the middle row of the output lead along rows of the input, by its two ends?"""
    first = job.grid_start + job.rows // 2 * job.grid_row
    last = first + (job.cols - 1) * job.grid_col
    run = abs(float(grid[last]) - float(grid[first]))
    rise = abs(float(grid[last + job.grid_axis]) - float(grid[first + job.grid_axis]))
    return rise * job.level <= run


@inline
def is_level(job, grid):
    """Are rows of the output better taken whole than in strips?

    Strips meet the coordinates and the result in pieces of a row, each on another page. Measured on
    two cores of Zen 1, maps of 1080x1920 points at 6 degrees, ms in strips and in rows: three
    channels of bytes 9.7 and 8.1, under nearest 4.4 and 3.0, 4 channels of float32 15.1 and 13.0,
    one 5.5 and 4.1; float32 planes by a grid 11.4 and 8.9. At steep angles strips are quicker.
    """
    found = False
    if job.level > 0.0:
        if job.number == 4:
            found = leads_along(job, array_at(grid, np.float32, 0))
        else:
            found = leads_along(job, array_at(grid, np.float64, 0))
    return found


@inline
def applied(job, t, begin, end):
    """The slot of the tile whose plan is applied when it is tile t's turn, and that of the next."""
    ahead = job.ahead
    tile = (t - ahead) % 2 * ahead if t - ahead >= begin else NONE
    return tile, t % 2 if ahead and t < end else NONE


@inline
def take_tile(job, job_at, axes, image, grid, other, out, target, scratch, n, t, begin, end, level):
    """Plan tile t, and apply its plan or, with `ahead`, that of the tile before.

    `target` is what is applied to, and `out` what the stages before and after it write.
    """
    slot = t % 2 * job.ahead
    tile, after = applied(job, t, begin, end)
    if t < end:
        put_tile(scratch, slot, job, n, t, 1, level)
        if job.plan:
            call_stage(job.plan, job_at, axes, image, grid, other, out, scratch, slot, NONE)
        if job.period:
            move_samples(job, scratch)
        if job.clear:
            stride = array_at(axes, np.int64, 0)[0]
            clear_samples(job, stride, array_at(out, np.uint8, 0), scratch)
    if tile >= 0 and job.begin:
        call_stage(job.begin, job_at, axes, image, grid, other, out, scratch, tile, NONE)
    call_stage(job.apply, job_at, axes, image, grid, other, target, scratch, tile, after)
    if tile >= 0 and job.end:
        call_stage(job.end, job_at, axes, image, grid, other, out, scratch, tile, NONE)


def over_tiles(job_at, axes, image, grid, other, out, piece):
    """The work on one piece: plan its tiles, and apply the plans to all of its channels."""
    job = array_at(job_at, JOB, 0)[0]
    memory, ahead = new_memory(job.scratch), job.ahead
    scratch = on_a_line(memory)
    n, begin, end, share = some_tiles(job, piece)
    put_share(scratch, share)
    level = is_level(job, grid)
    for t in range(begin, end + ahead):
        take_tile(job, job_at, axes, image, grid, other, out, out, scratch, n, t, begin, end, level)
    if job.stream:
        fence()
    free(memory)


@inline
def share_of(job, stride, piece):
    """The sample of a piece of work, and its share."""
    parts = blocks(job.c, job.channels)
    n, part, band = piece // (parts * job.bands), piece // job.bands % parts, piece % job.bands
    first, row = part * job.channels, band * job.band_rows
    last, end = lesser(first + job.channels, job.c), lesser(row + job.band_rows, job.input_rows)
    planes = job.input_start + n * job.input_n
    return n, Share(planes, first, last, row * stride, end * stride)


@inline
def touch(job, reach, m, t, share):
    """Does tile t touch a share; does it touch nothing else? (Of the grid's sample m.)"""
    low, high = share.low, share.high
    if job.bands > 1:
        at = (m * tiles_in_all(job) + t) * 2
        low, high = reach[at], reach[at + 1]
    some = low < share.high and high > share.low
    return some, low >= share.low and high <= share.high


@inline
def clear_share(job, out, share):
    """Zeros to what a piece owns."""
    for c in range(share.first, share.last):
        plane = share.planes + c * job.input_c
        clear(out, (plane + share.low) * job.item, (plane + share.high) * job.item)


def over_shares(job_at, axes, image, grid, other, out, piece):
    """The work on one piece: plan the tiles that touch it, in their order, and add there."""
    job, reach = array_at(job_at, JOB, 0)[0], array_at(other, np.int64, 0)
    memory, ahead, tiles = new_memory(job.scratch), job.ahead, tiles_in_all(job)
    scratch = on_a_line(memory)
    n, share = share_of(job, array_at(axes, np.int64, 0)[0], piece)
    put_share(scratch, share)
    if job.group:
        clear(array_at(scratch, np.uint8, 0), job.sums, job.sums + job.group)
    elif not job.add:
        clear_share(job, array_at(out, np.uint8, 0), share)
    for m in range(n, n + 1 if job.inputs > 1 else job.n):
        slot, waits = 0, NONE
        for t in range(tiles):
            some, whole = touch(job, reach, lesser(m, job.grids - 1), t, share)
            if some:
                put_tile(scratch, slot, job, m, t, whole, False)
                call_stage(job.plan, job_at, axes, image, grid, other, out, scratch, slot, NONE)
                tile, after = (waits, slot) if ahead else (slot, NONE)
                call_stage(job.apply, job_at, axes, image, grid, other, out, scratch, tile, after)
                waits, slot = after, ahead - slot
        if waits >= 0:
            call_stage(job.apply, job_at, axes, image, grid, other, out, scratch, waits, NONE)
    if job.end:
        call_stage(job.end, job_at, axes, image, grid, other, out, scratch, NONE, NONE)
    free(memory)


def over_samples(jobs, target, image, grid, other, slopes, piece):
    """The work on one piece, a sample: both gradients, of which it owns all that there is.

    `jobs` are those of the slopes and of the input's gradient, `target`, and behind them the axes
    of each. Both use the plans of the first, if the second has none, and the first's apply stage
    finds both, if the second has none of that, either; else their tiles take turns.
    So coordinates and the result's gradient are read from memory once.

    The last sample comes first: just after a loss, its part of the gradient may be in a cache.
    """
    add_at = at_byte(jobs, JOB_BYTES)
    slope, add = array_at(jobs, JOB, 0)[0], array_at(add_at, JOB, 0)[0]
    slope_axes, add_axes = at_byte(jobs, slope.axes), at_byte(jobs, add.axes)
    slope_memory, add_memory = new_memory(slope.scratch), new_memory(add.scratch)
    slope_scratch, add_scratch = on_a_line(slope_memory), on_a_line(add_memory)
    n, share = share_of(add, array_at(add_axes, np.int64, 0)[0], slope.grids - 1 - piece)
    put_share(slope_scratch, share)
    put_share(add_scratch, share)
    clear_share(add, array_at(target, np.uint8, 0), share)
    tiles, added, t = tiles_in_all(slope), tiles_in_all(add), 0
    joint, whole = add.plan == 0, add.apply == 0
    applied_to = target if whole else slopes
    turns, steps = tiles + slope.ahead, 0 if joint else added + add.ahead
    for turn in range(turns):
        take_tile(
            slope, jobs, slope_axes, image, grid, other, slopes, applied_to, slope_scratch, n, turn,
            0, tiles, False,
        )  # fmt: skip
        if joint and not whole:
            tile, after = applied(slope, turn, 0, tiles)
            call_stage(
                add.apply, add_at, add_axes, other, grid, other, target, slope_scratch, tile, after
            )
        while (t + 1) * turns <= (turn + 1) * steps:
            take_tile(
                add, add_at, add_axes, other, grid, other, target, target, add_scratch, n, t, 0,
                added, False,
            )  # fmt: skip
            t += 1
    if slope.stream:
        fence()
    free(add_memory)
    free(slope_memory)


def over_list(jobs, axes, entries, grid, other, out, piece):
    """The work on one piece of many jobs, each with an image somewhere in memory.

    `entries` has a row of LISTED numbers for each job; the first row has the most pieces of a job.
    """
    table = array_at(entries, np.int64, 0)
    k, part = piece // table[0], piece % table[0]
    at = (k + 1) * LISTED
    if part < table[at + 3]:
        job, records = at_byte(jobs, k * JOB_BYTES), at_byte(axes, table[at + 2])
        image = memory_at(table[at], table[at + 1])
        call_loop(table[at + 4], job, records, image, grid, other, out, part)


@once
def list_loop():
    """The address of `over_list`."""
    return compiled_address(over_list, ("over_list",), WORK)


@once
def tiles_loop():
    """The address of `over_tiles`."""
    return compiled_address(over_tiles, ("over_tiles",), WORK)


@once
def shares_loop():
    """The address of `over_shares`."""
    return compiled_address(over_shares, ("over_shares",), WORK)


@once
def samples_loop():
    """The address of `over_samples`."""
    return compiled_address(over_samples, ("over_samples",), WORK)
