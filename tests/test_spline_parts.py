"""Parts of interpolated arrays, from parts of the input: equal to those of the whole to the bit."""

import numpy as np
import pytest
from guarded import SIDES, guarded

from fastsample._calls.spline_gather import Part, Rule, sample
from fastsample._calls.spline_places import Axes, Axis, Matrix, Points
from fastsample._kernels.stages.spline_scratch import MODES

pytestmark = pytest.mark.compiled
INPUT = np.random.default_rng(0).normal(size=(23, 40))
SHAPE = (19, 33)
BOX, ORIGIN = (slice(5, 12), slice(9, 30)), (2, 7)  # of the output, and where it reads
NEAR = {  # maps that keep the box's points within what `ORIGIN` leaves of the input
    "matrix": Matrix(np.array([[0.9, 0.1], [-0.05, 0.8]]), np.array([1.5, 4.0])),
    "axes": Axes((Axis(0.5, 0.9, 0.25), Axis(0.0, 0.7, 5.0))),
}


def points_of(places):
    """The coordinates of all output points."""
    at = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    if isinstance(places, Matrix):
        return Points(np.tensordot(places.matrix, at, 1) + places.offset[:, None, None])
    return Points(
        np.stack([(o + a.pre) * a.scale + a.offset for o, a in zip(at, places.axes, strict=True)])
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("name", [*NEAR, "points"])
def test_a_part_equals_that_of_the_whole(name, order, mode):
    places = NEAR.get(name) or points_of(NEAR["matrix"])
    rule, whole = Rule(order, mode, 2.5), np.empty(SHAPE)
    sample(INPUT, (0, 1), places, whole, rule)
    here = places
    if name == "points":
        here = Points(np.array(places.coordinates[(slice(None), *BOX)]))
    read = np.ascontiguousarray(INPUT[ORIGIN[0] : 18, ORIGIN[1] : 36])
    for side in SIDES:
        out = np.empty(whole[BOX].shape)
        part = Part(INPUT.shape, ORIGIN, () if name == "points" else tuple(s.start for s in BOX))
        sample(guarded(read, side), (0, 1), here, out, rule, part)
        np.testing.assert_array_equal(out, whole[BOX])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1, 3])
def test_nothing_but_the_part_is_read(order, mode):
    """Whatever the points: of those that read elsewhere the values are nobody's."""
    points = np.random.default_rng(1).uniform(-90, 90, (2, 700))
    points[:, 1::9] = points[:, 1::9] % 3 + 14
    points[:, ::7], points[0, ::11], points[1, ::13] = np.nan, np.inf, -1e300
    rule, whole = Rule(order, mode, 2.5), np.empty(700)
    sample(INPUT, (0, 1), Points(points), whole, rule)
    inside = ((points >= 12) & (points <= 18)).all(0)
    assert inside.sum() > 50
    read = np.ascontiguousarray(INPUT[10:22, 10:22])
    for side in SIDES:
        out = np.empty(700)
        part = Part(INPUT.shape, (10, 10))
        sample(guarded(read, side), (0, 1), Points(points), out, rule, part)
        np.testing.assert_array_equal(out[inside], whole[inside])
