"""What a thread writes on: all that crosses between the stages of a call.

First come the head, numbers that the loop writes and all stages read (`tile`), and a tile's plan,
small enough for the first-level cache; where each lies follows from the plan's `Form`. Behind the
plan an apply stage has what it needs for itself.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline
from ..kind import (
    BOTH,
    ELASTIC,
    GROUPS,
    JOINT,
    OFFSETS,
    SCATTER,
    SLOPE,
    SQUARES,
    VALUES,
    form_of,
    has_marks,
    has_places,
    is_near,
)
from ..vectors.memory import CACHE_LINE, view_at
from ..vectors.simd import LANES
from .tile import HEAD, LINES_KEPT

SQUARES_ROWS = {SQUARES: 12, BOTH: 16}  # numbers of a point that `squares` has in scratch
TAPS = 4  # knots around a place on a cubic spline, and numbers of its polynomial between two
BYTES = 24 * 1024  # of a tile's offsets and weights, half a first-level cache


class Plan(NamedTuple):
    """Flat arrays."""

    offsets: np.ndarray  # of the window, or of tap k at k * pitch
    places: np.ndarray  # of the windows of 16 points that lie near each other, see `gather.near_of`
    bases: np.ndarray  # what these places are counted from, -1 where points are far apart; of
    #                    single taps 0 where all of 16 have one, 1 where all may be read as if
    #                    they had, each as a whole vector, and -1 else
    weights: np.ndarray  # of tap k at k * pitch; for slopes see `plan.keep_axes_of`
    fills: np.ndarray  # of the fill value; for slopes axis by axis


def taps_in_all(form):
    """The taps of one point."""
    return form.taps**form.axes


def offset_rows(form):
    """How many offsets a point has in a plan."""
    return taps_in_all(form) if form.scattered else 1


def weight_rows(form):
    """How many weights."""
    return 2 * form.axes * form.taps if form.slopes else taps_in_all(form)


def result_rows(kind):
    """How many results of a point wait in scratch."""
    taps = kind.taps**kind.axes
    rows = {SLOPE: kind.axes, SQUARES: kind.axes, SCATTER: taps, JOINT: taps}
    return rows.get(kind.role, 0)


def room_rows(kind):
    """The same, and what else of a point `squares` has there; no tile is smaller for it."""
    return SQUARES_ROWS.get(kind.role, result_rows(kind))


def points_with(form, results):
    """How many points a tile may have whose plan and so many results a point wait in scratch."""
    words = offset_rows(form) + weight_rows(form) + results
    return max(64, min(1024, BYTES // (4 * words) // 64 * 64))


def tile_points(kind):
    """How many points a tile of a call may have."""
    form = form_of(kind)
    if kind.role in (SCATTER, JOINT, BOTH):
        return scatter_points(form)
    return points_with(form, result_rows(kind) + is_near(kind))


def scatter_points(form):
    """The same for `scatter`, whatever its plans: those of slopes have room for so many, too."""
    products = form._replace(slopes=0)
    most = points_with(products, taps_in_all(form))
    return min(most, plan_points(form._replace(slopes=1)))


def plan_points(form):
    """How many points a plan has room for: as many as the largest tile of any call of its form."""
    return points_with(form, form.slopes * form.axes)


def pitch_of(form):
    """Points from one tap of a plan to the next: room for two plans, the second one planned ahead.

    Off the powers of two, at which loads would wait for stores that share their low address bits.
    """
    return 2 * plan_points(form) + LANES


def plan_layout(form):
    """The plan's arrays as (first byte, elements, type), in the order of `Plan`, and its end."""
    pitch, places = pitch_of(form), pitch_of(form) if has_places(form) else 0
    bases = pitch // LANES if has_places(form) or has_marks(form) else 0
    integer, work = OFFSETS[form.wide], VALUES[form.work]
    fills = form.axes if form.slopes else 1
    arrays, start = [], HEAD
    for size, dtype in (
        (pitch * offset_rows(form), integer),
        (places, integer),
        (bases, integer),
        (pitch * weight_rows(form), work),
        (pitch * fills, work),
    ):
        arrays.append((start, size, dtype))
        start += lines(size, dtype)
    return arrays, start


def lines(size, dtype):
    """The bytes of whole cache lines for `size` elements."""
    return -(-size * np.dtype(dtype).itemsize // CACHE_LINE) * CACHE_LINE


@cache
def plan_in(form):
    """The function that finds a plan in scratch."""
    (offsets, places, bases, weights, fills), _ = plan_layout(form)
    (offsets_at, offsets_size, integer), (weights_at, weights_size, work) = offsets, weights
    (places_at, places_size, _), (bases_at, bases_size, _) = places, bases
    fills_at, fills_size, _ = fills

    @inline
    def plan(scratch_at):
        raw = array_at(scratch_at, np.uint8, 0)
        return Plan(
            view_at(raw, offsets_at, offsets_size, integer),
            view_at(raw, places_at, places_size, integer),
            view_at(raw, bases_at, bases_size, integer),
            view_at(raw, weights_at, weights_size, work),
            view_at(raw, fills_at, fills_size, work),
        )

    return plan


def behind(form):
    """The first byte that a plan leaves free."""
    return plan_layout(form)[1]


def scratch_bytes(kind, group):
    """How many bytes a call needs, `group` of them for the sums of 16 channels."""
    form = form_of(kind)
    results = lines(tile_points(kind) * room_rows(kind), VALUES[form.work])
    return behind(form) + (group if kind.role == GROUPS else results)


def field_pitch(knots):
    """Elements for a row of a spline's knots, see `field`: vectors may begin at each but the last.

    Before and behind the outer ones, these are repeated.
    """
    return -(-(knots + 2 + LANES) // LANES) * LANES


def field_bytes(kind, knots):
    """And behind that: for a line of knots, and the numbers of the cells of each coordinate.

    Those of the row, and those of the lines of knots around it.
    """
    rows = (1 + (1 + LINES_KEPT) * TAPS * kind.axes) * field_pitch(knots)
    return lines(rows, VALUES[kind.real]) if kind.source == ELASTIC else 0
