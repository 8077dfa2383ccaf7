"""What is prefetched: only hints, which change no result."""

from functools import cache

from ..compiler.jit import inline, jit
from ..vectors.memory import prefetch, prefetch_at
from ..vectors.simd import LANES
from .scratch import pitch_of, taps_in_all

# Of 16 points every so many are prefetched: neighbours mostly share a cache line (every 4 or 16
# were no quicker on planes), which holds fewer whole pixels.
ASKED, ASKED_PIXELS = 8, 4


@cache
def shift_of(form):
    """Where row `row` of a window lies: its digits in base `taps` are steps on the other axes."""
    last, taps = form.axes - 1, form.taps

    @inline
    def shift(row, strides):
        elements = 0
        for a in range(last - 1, -1, -1):
            elements += row % taps * strides[a]
            row //= taps
        return elements

    return shift


@cache
def ask_of(form, every=ASKED):
    """The prefetcher of a form."""
    taps, rows, pitch = form.taps, taps_in_all(form) // form.taps, pitch_of(form)
    shift, scattered = shift_of(form), bool(form.scattered)

    @jit
    def ask(strides, input, plane, tile, plan):
        """Prefetch what is read of the plane at input[plane] for a tile."""
        for j in range(0, tile.rows * tile.pad, LANES):
            for row in range(rows):
                behind, first = 0, tile.home + j
                if scattered:
                    first += row * taps * pitch
                else:
                    behind = shift(row, strides)
                prefetch(input, plane + behind, plan.offsets, first, every)

    return ask


@jit
def ask_values(job, values, at, tile):
    """Prefetch a tile's values from values[at] on."""
    for row in range(tile.rows):
        start = at + row * job.out_row
        for col in range(0, tile.cols, LANES):
            prefetch_at(values, start + col * job.out_col)
