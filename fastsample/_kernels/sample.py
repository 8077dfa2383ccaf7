"""SAMPLE: the result, tile by tile, all of a piece's channels with one plan."""

from .gather import After, apply_of, ask_of, asks_along
from .jit import inline, jit
from .memory import fence
from .pixels import pixels_of
from .plan import plan_of
from .scratch import tile_points
from .tile import blocks, corner, tile_at, tiles_in_all


@inline
def piece_at(job, piece):
    """A piece of work: sample n, channels first to last, tiles begin to end."""
    tiles = tiles_in_all(job)
    chunks, parts = blocks(tiles, job.tiles), blocks(job.c, job.channels)
    n, part, chunk = piece // (chunks * parts), piece // chunks % parts, piece % chunks
    begin, first = chunk * job.tiles, part * job.channels
    return n, first, min(first + job.channels, job.c), begin, min(begin + job.tiles, tiles)


def sample_of(kind):
    """The work on one piece: plan and apply its tiles, with `ahead` planning one tile early."""
    plan, ask, points = plan_of(kind), ask_of(kind), tile_points(kind)
    apply, along = pixels_of(kind) if kind.last else apply_of(kind), asks_along(kind)

    @inline
    def apply_all(job, axes, input, planes, out, n, first, last, tile, after, scratch):
        for c in range(first, first + 1 if kind.last else last):
            then = after
            if c + 1 < last:
                then = After(job.next != 0, planes + (c + 1) * job.input_c, tile.home)
                if job.next and not along:
                    ask(axes, input, then.plane, tile, scratch)
            target = tile.target + n * job.out_n + c * job.out_c
            plane = planes + c * job.input_c
            apply(job, axes, input, plane, out, target, tile, then, scratch)

    @jit
    def run(job, axes, input, grid, other, out, piece, scratch):
        n, first, last, begin, end = piece_at(job, piece)
        planes = job.input_start + n * job.input_n
        start = planes + first * job.input_c
        row, col = corner(job, begin)
        tile = tile_at(job, n, row, col, 0)
        for t in range(begin, end + job.ahead):
            planned = tile
            if t < end:
                row, col = corner(job, t)
                tile = tile_at(job, n, row, col, t % 2 * points * job.ahead)
                plan(job, axes, grid, tile, scratch)
                if not job.ahead:
                    planned = tile
                elif t == begin or not along:
                    ask(axes, input, start, tile, scratch)
            if t - job.ahead >= begin:
                after = After(job.ahead != 0 and t < end, start, tile.home)
                apply_all(job, axes, input, planes, out, n, first, last, planned, after, scratch)
        if job.stream:
            fence()

    return run
