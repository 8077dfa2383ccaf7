"""Parts of interpolated arrays, from parts of the input: equal to those of the whole to the bit."""

import numpy as np
import pytest
from guarded import SIDES, guarded

from fastsample._calls.splines import gather
from fastsample._calls.splines.gather import Part, Rule, prepare, sample, side
from fastsample._calls.splines.places import Axes, Axis, Matrix, Points
from fastsample._kernels.stages.splines.scratch import MODES

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
    for end in SIDES:
        out = np.empty(whole[BOX].shape)
        part = Part(INPUT.shape, ORIGIN, tuple(s.start for s in BOX))
        sample(guarded(read, end), (0, 1), here, out, rule, part)
        np.testing.assert_array_equal(out, whole[BOX])


@pytest.fixture
def ask(monkeypatch):
    """Lets calls prefetch taps or not, whatever their size; what is prepared so is forgotten."""

    def made(answer):
        monkeypatch.setattr(gather, "asks_ahead", lambda x, axes, order: answer)
        monkeypatch.setattr(gather, "ALONG", 64)  # less than the points there are
        gather.prepare.cache_clear()

    yield made
    gather.prepare.cache_clear()


@pytest.mark.parametrize("mode", ["constant", "nearest", "grid-wrap"])
@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_what_is_prefetched_changes_no_bit(rank, order, mode, ask):
    """Of arrays between pages that are not there, at points inside, outside and of no number."""
    rng = np.random.default_rng(rank)
    x, points = rng.normal(size=(11,) * rank), rng.uniform(-6, 17, (rank, 1200))
    points[:, :700] = np.linspace(-6, 17, 700)  # where steps differ no taps are asked for
    points[0, 21::97], points[-1, 1::89] = np.nan, 1e30
    rule, axes = Rule(order, mode, 2.5), tuple(range(rank))
    for coordinates in (points, points.astype(np.float32)):
        want, got = np.empty(1200), np.empty(1200)
        ask(False)
        sample(x, axes, Points(coordinates), want, rule)
        ask(True)
        for end in SIDES:
            sample(guarded(x, end), axes, Points(guarded(coordinates, end)), got, rule)
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("shape", "axes", "order", "asked"),
    [((1024, 1024), (0, 1), 0, 60), ((1024, 1024), (0, 1), 1, 90), ((1024, 1024), (0, 1), 3, 0),
     ((256, 256), (0, 1), 0, 0), ((256, 256, 8), (0, 1), 0, 0), ((64, 64, 64), (0, 1, 2), 1, 90),
     ((64, 64, 64), (0, 1, 2), 3, 150), ((64, 64, 64), (0, 1, 2), 5, 0)],
)  # fmt: skip
def test_taps_of_planes_that_no_cache_holds_are_prefetched(shape, axes, order, asked):
    """Those of points two rows of the result further on, and a row more for each tap but one."""
    places = side(np.empty((len(axes), 5, 30)))
    out = side(np.empty((5, 30, *shape[len(axes) :])))
    call, _ = prepare(side(np.empty(shape)), axes, out, Points, places, Rule(order, "nearest", 0.0))
    assert call.job["ahead"][0] == asked


LINES = [  # along x: level, rising and falling, from edge to edge, and what is no number
    (0.0, 0.0), (0.0, 39.0), (0.0, -1e-300), (0.0, 39.5), (0.1, 0.0), (-0.1, 39.0), (0.1, -20.0),
    (0.3, -15.0), (-0.3, 60.0), (39 / 332, 0.0), (-39 / 332, 39.0), (1e-17, 39.0), (-1e-17, 0.0),
    (5e15, -1e16), (1e300, -1e302), (np.inf, 0.0), (np.nan, 0.0), (0.0, -np.inf), (0.05, np.nan),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["constant", "nearest", "mirror", "grid-constant"])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_a_long_row_equals_its_points_one_by_one(order, mode):
    """Of a matrix's row a stretch is known to lie inside or outside; of points nothing is."""
    rule, o = Rule(order, mode, 2.5), np.mgrid[:3, :333].astype(float)
    for (step, start), (slope, first) in zip(LINES * 2, LINES[3:] + LINES + LINES[:3], strict=True):
        matrix, offset = np.array([[0.5, slope], [0.25, step]]), np.array([first, start])
        with np.errstate(all="ignore"):
            lines = zip(matrix, offset, strict=True)
            points = np.stack([(b + o[0] * m[0]) + o[1] * m[1] for m, b in lines])
        got, want = np.empty(o[0].shape), np.empty(o[0].shape)
        sample(guarded(INPUT, SIDES[0]), (0, 1), Matrix(matrix, offset), got, rule)
        sample(INPUT, (0, 1), Points(points), want, rule)
        np.testing.assert_array_equal(got, want, f"{step}, {start}, {slope}, {first}")


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
    for end in SIDES:
        out = np.empty(700)
        part = Part(INPUT.shape, (10, 10))
        sample(guarded(read, end), (0, 1), Points(points), out, rule, part)
        np.testing.assert_array_equal(out[inside], whole[inside])
