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
from ..run import spec
from . import band_steps, line_steps
from .band_steps import LEAST, MOST
from .filters import POLES, brought_in
from .line_steps import IMAGE, OUT, Border, Line, Tables, Work, growth, part_read, side_of
from .line_taps import taps_of

Array = NDArray[Any]
# Samples from a result of a column to the next, at most: of more, rows are mostly kept and copied.
# A cubic zoom of 1024 x 1024 doubles by 0.25 down and 1.01 along takes 1.8 ms in bands on two cores
# of Zen 3 and 1.3 axis by axis, after rests 3.0 and 2.8; by 0.5 2.2 and 1.9, 3.2 and 4.3.
APART = 2.2


def suit(x: Array, lines: tuple[Line, ...], border: Border, out: Array, work: type) -> bool:
    """Go two axes through bands, of planes too large for the second-level cache?"""
    both, _ = _apart(lines, x.ndim, work)
    whole = all(a.flags.aligned and a.strides[-1:] == (a.itemsize,) for a in (x, out))
    if not both or not whole or out.dtype != work or any(s % x.itemsize for s in x.strides):
        return False
    plane = max(prod(x.size for x in both), prod(x.results for x in both))
    large = band_steps.are_large(plane, out)
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
    down = [x for x in known if (np.diff(taps_of(x.places, work).starts) >= 0).all()]
    both = [min(down, key=lambda x: x.axis), *along] if down and along else []
    return both, [x for x in lines if x not in both]


def _is_known(line, least):
    """Is an axis long enough filtered and resampled, and continued by its filter's symmetry?"""
    resampled = line.places and line.order in POLES and not line.pad
    return bool(resampled and min(line.size, line.results) >= least)


def _is_near(line, work):
    """Are a line's taps in it, or not far beyond its ends?"""
    starts = taps_of(line.places, work).starts
    return starts.min() >= -BEYOND and starts.max() + MANY <= line.size + BEYOND


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
    taps, lead = taps_of(down.places, work.type), band_steps.reach_of(down.order) // DEEP
    count = FEW if down.places.order < FEW else MANY
    parts, kept = parts_of(taps.starts, count, down.size, lead)
    band, rows, tables = np.zeros(1, BANDS), np.zeros(1, ROWS), Tables()
    jobs, room = band_steps.describe(band[0], source, target, both, border, work, tables, kept)
    first, behind = parts["low"].min(), (parts["low"] + parts["blocks"] * DEEP).max()
    band_steps.describe_rows(band[0], np.arange(first, behind), down, tables)
    parts["low"] -= first
    weights = np.zeros((len(taps.starts), count), work)
    weights[:, : taps.weights.shape[1]] = taps.weights
    weights *= jobs["gain"]
    _describe_along(rows, both[1], count, work, tables)
    rows["parts_at"], rows["taps"] = tables.put(parts), count
    rows["firsts_at"], rows["weights_at"] = tables.put(taps.starts), tables.put(weights)
    rows["kept"], rows["kept_at"] = kept, (lead + 1) * DEEP * band["pitch"]
    band["bands"] = len(parts)
    task = np.array([room, tables.put(band), tables.put(rows)])
    pieces = band_steps.planes(target.shape, down.axis) * len(parts)
    return band_steps.call_of(band_taps_loop(CODES[work]), jobs, tables, task, pieces)


def _describe_along(rows, line, count, work, tables):
    """Results along rows: the first of so many taps that are neighbours, and their weights."""
    taps = taps_of(line.places, work.type)
    low, high = int(taps.starts.min()), int(taps.starts.max()) + count
    ends = np.array([*range(low, 0), *range(line.size, high)], int)
    pairs = np.zeros(len(ends), END)
    pairs["row"] = ends + BEYOND
    pairs["source"] = brought_in(ends, line.size, line.symmetry) + BEYOND
    rows["ends"], rows["ends_at"] = len(ends), tables.put(pairs)
    more = -len(taps.starts) % LANES
    starts = np.pad(taps.starts, (0, more), "edge") + BEYOND
    weights = np.zeros((len(starts), count), work)
    weights[: len(taps.starts), : taps.weights.shape[1]] = taps.weights
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
