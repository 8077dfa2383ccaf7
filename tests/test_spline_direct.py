"""Orders 0, 1 and 3 from coordinates to results at once: to the bit what stages give in turn."""

import numpy as np
import pytest
from guarded import SIDES, guarded

from fastsample._calls.splines import gather
from fastsample._calls.splines.gather import Rule, prepare, sample, side
from fastsample._calls.splines.paths import PADDED
from fastsample._calls.splines.places import Axes, Axis, Matrix, Points
from fastsample._kernels.stages.splines.scratch import MODES

pytestmark = pytest.mark.compiled
SHAPES = {1: (37,), 2: (23, 19), 3: (9, 11, 13), 4: (5, 4, 6, 7)}
OUT = {1: (1237,), 2: (21, 61), 3: (7, 9, 37), 4: (3, 4, 5, 21)}  # no whole tiles, no whole vectors
RNG = np.random.default_rng(0)


@pytest.fixture
def by_stages(monkeypatch):
    """Runs calls stage after stage; what is prepared so is forgotten."""

    def run(function):
        gather.prepare.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(gather, "is_direct", lambda *_: False)
            patch.setattr(gather, "is_direct_cubic", lambda *_: False)
            function()
        gather.prepare.cache_clear()

    return run


def image_of(rank, dtype):
    """Numbers of a type, a few of them none if it has such."""
    x = RNG.uniform(0, 200, SHAPES[rank]).astype(dtype)
    if x.dtype.kind == "f":
        x.flat[5::31] = np.nan
    return x


def points_of(rank):
    """Places inside, outside, on pixels, at the edges to the bit, and none at all."""
    sizes = np.array(SHAPES[rank]).reshape(-1, *[1] * rank)
    rows = np.linspace(-0.3, 1.3, OUT[rank][-1]) * (sizes - 1) + RNG.uniform(0, 0.3, sizes.shape)
    points = np.broadcast_to(rows, (rank, *OUT[rank])).copy()
    inner = tuple(n // 3 for n in OUT[rank])
    points[(slice(None), *map(slice, inner))] = sizes / 2
    points[..., 1::17] = np.round(points[..., 1::17])
    points[..., 2::29], points[..., 3::31] = sizes - 1, 0.0
    points[0, ..., 5::37], points[-1, ..., 7::41] = np.nan, 1e30
    return points


def places_of(rank, source):
    """Where points come from."""
    if source == "points":
        return Points(points_of(rank))
    if source == "float32 points":
        return Points(points_of(rank).astype(np.float32))
    if source == "axes":
        pairs = zip(SHAPES[rank], OUT[rank], strict=True)
        return Axes(tuple(Axis(0.5, n / (m - 2.5), -1.7) for n, m in pairs))
    matrix = np.eye(rank) * 0.8 + RNG.normal(0, 0.1, (rank, rank))
    return Matrix(matrix, RNG.uniform(-2, 2, rank))


def check(by_stages, x, places, rule, out, rtol=0.0):
    """Between pages that are not there; what lies beside the result stays as it is."""
    want, axes = np.zeros_like(out), tuple(range(x.ndim))
    by_stages(lambda: sample(x, axes, places, want, rule))
    for end in SIDES:
        here = places
        if isinstance(places, Points):
            here = Points(guarded(places.coordinates, end))
        got = guarded(np.zeros_like(out), end)
        sample(guarded(x, end), axes, here, got, rule)
        np.testing.assert_allclose(got, want, rtol, rtol)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("source", ["points", "float32 points", "matrix", "axes"])
def test_values_are_those_of_the_stages(source, rank, order, mode, by_stages):
    rule, out = Rule(order, mode, 2.5), np.zeros(OUT[rank])
    check(by_stages, image_of(rank, float), places_of(rank, source), rule, out)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.bool_])
@pytest.mark.parametrize("order", [0, 1])
def test_other_types(order, dtype, by_stages):
    for rank, work in ((2, 8), (3, 4)):
        rule, out = Rule(order, "constant", 1.0, work=work), np.zeros(OUT[rank], dtype)
        check(by_stages, image_of(rank, dtype), places_of(rank, "matrix"), rule, out)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("work", [4, 8])
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("source", ["points", "matrix", "axes"])
def test_cubic_values_are_those_of_the_stages(source, rank, work, mode, by_stages):
    # How points at edges are added up in this mode depends on which 16 come together.
    rtol = {4: 1e-4, 8: 1e-12}[work] if mode == "grid-wrap" else 0.0
    for dtype in (np.float32, np.float64):
        for pad in (0, 2) if mode in PADDED else (0,):
            rule, out = Rule(3, mode, 2.5, pad, work), np.zeros(OUT[rank], dtype)
            check(by_stages, image_of(rank, f"f{work}"), places_of(rank, source), rule, out, rtol)


@pytest.mark.parametrize("width", [17, 40])
def test_more_cubic_points_at_edges_than_a_tile_puts_off(width, by_stages):
    x = image_of(2, float)
    matrix = Matrix(np.array([[0.0, 0.0], [0.0, 0.3]]), np.array([0.25, 0.4]))
    check(by_stages, x, matrix, Rule(3, "mirror", 0.0), np.zeros((90, width)))


@pytest.mark.parametrize("order", [0, 1])
def test_results_and_coordinates_with_strides(order, by_stages):
    whole, x = np.full((21, 140), 7.0), image_of(2, float)
    out, want = whole[::-1, 3:125:2], np.zeros(OUT[2])
    places, rule = Points(places_of(2, "points").coordinates[::-1]), Rule(order, "mirror", 2.5)
    by_stages(lambda: sample(x, (0, 1), places, want, rule))
    sample(x, (0, 1), places, out, rule)
    np.testing.assert_array_equal(out, want)
    out[:] = 7.0
    assert (whole == 7.0).all()


def is_direct(x, out, source=Matrix, axes=(0, 1), order=1, real=float):
    """Is a call, of which only shapes and types count, made at once?"""
    points = side(np.empty((len(axes), *out.shape), real)) if source is Points else None
    call, _ = prepare(side(x), axes, side(out), source, points, Rule(order, "nearest", 0.0))
    return call.job["direct"][0] != 0


def test_which_calls_are_made_at_once():
    x = np.empty((40, 40))
    assert is_direct(x, x)
    assert is_direct(x, np.empty((300, 3)), Points)  # one row of 900
    assert not is_direct(x, np.empty((300, 3)))
    assert not is_direct(x, np.empty((40, 40), np.float32))
    assert not is_direct(x.astype(">f8"), x)
    assert not is_direct(x, x, order=2)
    assert not is_direct(np.empty((5, 40, 40)), np.empty((5, 40, 40)), axes=(1, 2))
    assert not is_direct(np.empty((40, 1)), x)  # no window of two pixels


def test_which_cubic_calls_are_made_at_once():
    x = np.empty((40, 40))
    assert is_direct(x, x, order=3)
    assert is_direct(x, x, Points, order=3)
    assert is_direct(x, np.empty((40, 40), np.float32), order=3)
    assert not is_direct(x, np.empty((40, 40), np.int32), order=3)
    assert not is_direct(np.empty((40, 40), np.int32), x, order=3)
    assert not is_direct(x, x, Points, order=3, real=np.float32)
    assert not is_direct(x, x[:, ::2], order=3)
    assert not is_direct(x, np.empty((300, 3)), order=3)
    assert not is_direct(np.empty((5, 40, 40)), np.empty((5, 40, 40)), axes=(1, 2), order=3)
