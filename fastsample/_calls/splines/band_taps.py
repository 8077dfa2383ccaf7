"""Resampling along the last axis and another one: both in one pass over memory."""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._kernels.kind import CODES
from ..._kernels.stages.splines.band_taps import (
    BEYOND,
    END,
    FEW,
    MANY,
    PART,
    ROWS,
    band_taps_loop,
)
from ..._kernels.stages.splines.line_bands import BANDS, DEEP
from ..._kernels.vectors.simd import LANES
from ..quiet import quietly
from ..run import spec
from . import band_steps, line_steps
from .band_steps import LEAST, MOST
from .filters import POLES, brought_in, filter_at_once, filter_of, tap_weights
from .line_steps import IMAGE, OUT, Border, Line, Tables, Work, growth, part_read, side_of
from .line_taps import taps_of

Array = NDArray[Any]
# Samples from a result of a column to the next, at most: of more, rows are mostly kept and copied.
# A cubic zoom of 1024 x 1024 doubles by 0.25 down and 1.01 along takes 1.8 ms in bands on two cores
# of Zen 3 and 1.3 axis by axis, after rests 3.0 and 2.8; by 0.5 2.2 and 1.9, 3.2 and 4.3.
APART = 2.2
LARGE = line_steps.TOGETHER  # bytes of a plane from which on it goes by bands
# Modes in which a line goes on as its filter takes it to: with taps, or with folded places.
FOLDED = ("mirror", "reflect", "grid-mirror", "grid-wrap")
CONTINUED = (*FOLDED, "constant", "wrap", "nearest")


def suit(x: Array, lines: tuple[Line, ...], border: Border, out: Array, work: type) -> bool:
    """Go two axes through bands, of planes too large for the second-level cache?"""
    both, _ = _apart(lines, x.ndim, work)
    whole = all(a.flags.aligned and a.strides[-1:] == (a.itemsize,) for a in (x, out))
    if not both or not whole or out.dtype != work or any(s % x.itemsize for s in x.strides):
        return False
    plane = max(prod(x.size for x in both), prod(x.results for x in both))
    large = band_steps.are_large(plane, out, LARGE)
    down, along = both
    turns = growth(along) < 1 < growth(down)  # what makes an array smaller goes first
    if not large or turns or down.places.scale > APART or np.may_share_memory(x, out):
        return False
    return _kept(spec(x), spec(out), lines, border, np.dtype(work)) is not None


def run(x: Array, lines: tuple[Line, ...], border: Border, out: Array, work: type) -> None:
    """Do what is to be done along some axes of x, and put the results into `out`."""
    line_steps.start_all(_kept(spec(x), spec(out), lines, border, np.dtype(work)), x, out, work)


def _apart(lines, ndim, work):
    """The line that goes down bands, and that along them, or none of both; the others.

    Down goes the first axis that can: its lines lie furthest apart, and what is left is done plane
    by plane in the caches.
    """
    along = [
        x for x in lines if x.axis == ndim - 1 and _is_known(x, LEAST[1]) and _is_near(x, work)
    ]
    known = [x for x in lines if x.axis < ndim - 1 and _is_known(x, LEAST[0])]
    down = [x for x in known if falling_taps(x, work) is not None]
    both = [min(down, key=lambda x: x.axis), *along] if down and along else []
    return both, [x for x in lines if x not in both]


def _is_known(line, least):
    """Is an axis long enough filtered and resampled, and continued by its filter's symmetry?"""
    resampled = line.places and line.order in POLES and line.places.mode in CONTINUED
    return bool(resampled and min(line.size, line.results) >= least)


def _is_near(line, work):
    """Are a line's taps in it, or not far beyond its ends where it goes on by symmetry?"""
    starts, beyond = taps_of(line.places, work).starts, 0 if line.pad else BEYOND
    behind = line.size + 2 * line.pad + beyond
    return starts.min() >= -beyond and starts.max() + taps_in(line) <= behind


@lru_cache(maxsize=256)
@quietly
def falling_taps(line: Line, work: type) -> tuple[Array, Array] | None:
    """Of results down an axis, the first rows that are read, which ascend, and the weights.

    Where places are folded, rows go on beyond the ends instead. None if that does not make them
    ascend, or leads too far.
    """
    places, size = line.places, line.size + 2 * line.pad
    taps = taps_of(places, work)
    starts, weights = taps.starts, taps.weights
    if places.mode in FOLDED:
        x = (np.arange(places.size) + places.pre) * places.scale + places.offset
        whole = np.floor(x if places.order % 2 else x + 0.5)
        if np.abs(whole).max() < 2 * size:
            starts = whole.astype(np.int64) - places.order // 2
            weights = tap_weights(x - whole, places.order)
    far = 0 if line.pad else size
    inside = starts.min() >= -far and starts.max() + taps_in(line) <= size + far
    return (starts, weights) if inside and (np.diff(starts) >= 0).all() else None


def taps_in(line: Line) -> int:
    """How many taps of a result are read: some may weigh nothing."""
    return FEW if line.order < FEW else MANY


@lru_cache(maxsize=128)
def _kept(image, out, lines, border, work):
    """The work of a call, by the specs of its arrays; None where bands do not suit it.

    Two axes by bands, then the others in the result; and, where something was not finite, all axes
    one by one.
    """
    both, others = _apart(lines, len(out[0]), work.type)
    order, whole = [*both, *sorted(others, key=growth)], side_of(IMAGE, *image)
    source, target = part_read(whole, lines), side_of(OUT, *out)
    steps, between = line_steps.steps_of(source, target, order, work)
    bands = _call(steps[0].source, steps[1].target, both, border, work)
    again, other = line_steps.calls_of(whole, out, lines, border, work, bands.pieces)
    if between or other or bands.constants[0].view(np.int64)[0] > MOST:
        return None
    calls = line_steps.calls_for(steps[2:], None, border, work) if others else ()
    return Work((bands, *calls, *again), (bands.pieces,))


def _call(source, target, both, border, work):
    """The call of a kernel for two axes."""
    down = both[0]
    starts, taps = falling_taps(down, work.type)
    lead, count = band_steps.reach_of(down.order, work.itemsize) // DEEP, taps_in(down)
    parts, kept = parts_of(starts, count, down.size + 2 * down.pad, lead)
    band, rows, tables = np.zeros(1, BANDS), np.zeros(1, ROWS), Tables()
    jobs, room = band_steps.describe(band[0], source, target, both, border, work, tables, kept)
    first, behind = parts["low"].min(), (parts["low"] + parts["blocks"] * DEEP).max()
    band_steps.describe_rows(band[0], np.arange(first, behind), down, tables)
    parts["low"] -= first
    weights = np.zeros((len(starts), count), work)
    weights[:, : taps.shape[1]] = taps
    _describe_along(jobs[0], rows, both[1], count, work, tables)
    weights *= jobs["gain"]
    rows["parts_at"], rows["taps"] = tables.put(parts), count
    rows["firsts_at"], rows["weights_at"] = tables.put(starts), tables.put(weights)
    rows["kept"], rows["kept_at"] = kept, (lead + 1) * DEEP * band["pitch"]
    band["bands"] = len(parts)
    task = np.array([room, tables.put(band), tables.put(rows)])
    pieces = band_steps.planes(target.shape, down.axis) * len(parts)
    return band_steps.call_of(band_taps_loop(CODES[work]), jobs, tables, task, pieces)


def _describe_along(job, rows, line, count, work, tables):
    """Results along rows: the first of so many taps that are neighbours, and their weights."""
    taps, size = taps_of(line.places, work.type), line.size + 2 * line.pad
    low, high = int(taps.starts.min()), int(taps.starts.max()) + count
    ends, shift = np.array([*range(low, 0), *range(size, high)], int), BEYOND - line.pad
    pairs = np.zeros(len(ends), END)
    pairs["row"] = ends + shift
    pairs["source"] = brought_in(ends, size, line.symmetry) + shift
    rows["ends"], rows["ends_at"] = len(ends), tables.put(pairs)
    more = -len(taps.starts) % LANES
    starts = np.pad(taps.starts, (0, more), "edge") + shift
    weights = np.zeros((len(starts), count), work)
    weights[: len(taps.starts), : taps.weights.shape[1]] = taps.weights
    whole = filter_at_once(line.order, size, line.symmetry, line.pad)
    job["gain"] *= whole.gain / filter_of(line.order, size, line.symmetry).gain
    job["poles_at"], job["ends_at"] = tables.put(whole.poles), tables.put(whole.terms)
    job["needed"] = whole.needed
    rows["starts_at"], rows["along_at"] = tables.put(starts * LANES), tables.put(weights)


def parts_of(starts: Array, taps: int, size: int, lead: int) -> tuple[Array, int]:
    """The bands of a plane; how many rows must be kept when others come up.

    All bands together read all rows, as what is not finite is to be found.
    """
    count = band_steps.bands_in(int(starts[-1] + taps - starts[0]))
    each = DEEP * -(-len(starts) // (DEEP * count))
    parts, kept = np.zeros(-(-len(starts) // each), PART), 0
    for part, first in zip(parts, range(0, len(starts), each), strict=True):
        part["first"], part["end"] = first, min(first + each, len(starts))
        heads = np.arange(first, part["end"], DEEP)
        tops = starts[heads]
        ends = starts[np.minimum(heads + DEEP, part["end"]) - 1] + taps
        # The first results are ready with the last of some 16 rows, and so are others, if rows of
        # the result are as far apart as those of the source.
        row = ends[0] - DEEP * -(-(ends[0] - tops[0]) // DEEP)
        kept = max(kept, int((row + (ends - 1 - row) // DEEP * DEEP - tops).max()))
        part["row"], part["risen"] = row, -(-(ends[-1] - row) // DEEP)
        part["low"], part["above"] = row - lead * DEEP, lead
        part["blocks"] = part["risen"] + 2 * lead
    more = max(0, -(-int(parts[0]["low"]) // DEEP))
    for name, value in (("low", -more * DEEP), ("above", more), ("blocks", more)):
        parts[0][name] += value
    read = int(parts[-1]["low"] + parts[-1]["blocks"] * DEEP)
    parts[-1]["blocks"] += max(0, -(-(size - read) // DEEP))
    return parts, kept
