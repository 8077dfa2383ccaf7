"""Spline filters and separable resampling as the functions of `fastsample.ndimage` call them."""

import tracemalloc

import numba
import numpy as np
import pytest
import splines
from guarded import SIDES, guarded

from fastsample._calls.splines import line_steps, paths
from fastsample._calls.splines.line_steps import TOGETHER
from fastsample._calls.splines.line_taps import Places, taps_of
from fastsample._calls.splines.lines import filter_axes, filtered, resampled
from fastsample._calls.splines.places import zoomed
from fastsample._calls.splines.run import Options
from fastsample._kernels.threads import of_threads

F32, F64 = np.float32, np.float64
MODES = splines.MODES
SYMMETRIES = {"mirror": "mirror", "reflect": "reflect", "wrap": "grid-wrap"}
SIZES = ((1,), (2,), (70,), (5, 3), (33, 17), (1, 40), (4, 5, 18), (2, 3, 2, 17))
STORED = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def noise(shape, dtype="f8", seed=0):
    x = np.random.default_rng(seed).standard_normal(shape) * 9
    return (np.abs(x) if np.dtype(dtype).kind in "?u" else x).astype(dtype)


def assert_near(got, want, bound=1e-12):
    assert got.shape == want.shape
    assert np.abs(got - want).max(initial=0) <= bound * max(1, np.abs(want).max(initial=0))


def places(sizes, results, move):
    """Places along each axis, some of them outside."""
    return [
        ((move * (k + 1)) % 2.7, (n + 1) / m, -0.6)
        for k, (n, m) in enumerate(zip(sizes, results, strict=True))
    ]


def resample(x, order, mode, results, per_axis, dtype="f8", cval=2.5, work=F64, prefilter=True):
    out = np.empty(results, dtype)
    resampled(x, order, prefilter, mode, cval, per_axis, out, work)
    return out


def wanted(x, order, mode, results, per_axis, cval=2.5, prefilter=True):
    """The oracle's, for axes that are left alone too."""
    known = [(0.0, 1.0, 0.0) if place is None else place for place in per_axis]
    points = splines.axis_places(known, results)
    return splines.sample(x, points, order, mode, cval, prefilter)


# The filter --------------------------------------------------------------------------------------


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_coefficients(shape, symmetry):
    x = noise(shape)
    for order in (2, 3, 4, 5):
        got = filtered(x, order, symmetry, F64)
        assert got.flags.c_contiguous
        assert_near(got, splines.filtered(x, order, SYMMETRIES[symmetry]))


@pytest.mark.parametrize("mode", MODES)
def test_even_steps_of_order_0(mode):
    x = noise((13, 12))
    for steps in (((0.3, 1.0, 0.0), (0.2, 2.0, -0.5)), ((0.0, -1.0, 11.6), (-0.4, 1.0, 0.0))):
        results = (12, 5)
        want = wanted(x, 0, mode, results, steps)
        assert_near(resample(x, 0, mode, results, steps), want)


@pytest.mark.parametrize("dtype", STORED)
def test_every_type_and_byte_order(dtype):
    x = noise((9, 21), dtype)
    want = splines.filtered(x, 3, "mirror")
    assert_near(filtered(x, 3, "mirror", F64), want)
    if dtype in ("u2", "f8"):  # the others' bytes are swapped by the same lines
        assert_near(filtered(x.astype(x.dtype.newbyteorder()), 3, "mirror", F64), want)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_results_that_are_streamed_are_the_same(dtype, axis, monkeypatch):
    monkeypatch.setattr(line_steps.caches, "fit", lambda size: False)
    x = noise((1032, 1042), dtype)[:, 1:-1]  # over 4 MB
    raw, found = np.empty(x.nbytes + 128, np.uint8), []
    for start in (0, x.itemsize):  # on a cache line, where stores may pass the caches, and beside
        first = -raw.ctypes.data % 64 + start
        out = raw[first : first + x.nbytes].view(dtype).reshape(x.shape)
        filter_axes(x, 3, [axis], "mirror", out)
        found.append(out.copy())
    np.testing.assert_array_equal(*found)
    some = (slice(None), slice(3)) if axis == 0 else (slice(-3, None), slice(None))
    want = splines.filtered_axis(x[some], 3, axis, "mirror")
    assert_near(found[0][some], want, 1e-12 if dtype == "f8" else 1e-6)


def test_any_strides():
    x = noise((20, 23, 19))
    for view in (x[::-1, ::2, 3:], x.transpose(2, 0, 1)[1::3], np.broadcast_to(x[0], (4, 23, 19))):
        assert_near(filtered(view, 4, "reflect", F64), splines.filtered(view, 4, "reflect"))
    fields = np.zeros((6, 18), [("a", "u1"), ("b", "f8")])
    fields["b"] = x[0, :6, :18]
    assert_near(filtered(fields["b"], 3, "mirror", F64), splines.filtered(fields["b"], 3, "mirror"))


def test_single_precision_is_near():
    x = noise((40, 50), "f4")
    got = filtered(x, 5, "mirror", F32)
    assert got.dtype == F32
    assert_near(got, splines.filtered(x, 5, "mirror"), 5e-6)


def test_some_axes_only():
    x = noise((6, 7, 20))
    want = splines.filtered_axis(splines.filtered_axis(x, 3, 0, "mirror"), 3, 2, "mirror")
    assert_near(filtered(x, 3, "mirror", F64, axes=(0, 2)), want)
    np.testing.assert_array_equal(filtered(x, 3, "mirror", F64, axes=()), x)


@pytest.mark.parametrize("padding", ["edge", -3.0])
@pytest.mark.parametrize("shape", [(1,), (14, 35), (3, 20, 2)], ids=str)
def test_extended_within_the_line(shape, padding):
    x = noise(shape)
    how = {"mode": "edge"} if padding == "edge" else {"constant_values": padding}
    want = splines.filtered(np.pad(x, 12, **how), 5, "nearest")
    assert_near(filtered(x, 5, "reflect", F64, 12, padding), want)


def test_each_axis_is_kept_in_the_type_of_the_result():
    x = noise((12, 20), "i4")
    out = np.empty(x.shape, "i4")
    filter_axes(x, 3, [0, 1], "mirror", out)
    kept = splines.filtered_axis(x, 3, 0, "mirror").astype("i4")
    want = splines.filtered_axis(kept, 3, 1, "mirror")
    assert np.abs(out - want).max() < 1 + 1e-9
    np.testing.assert_array_equal(out, (want + 1e-9 * np.sign(want)).astype("i4"))


def test_in_place():
    x = noise((30, 40))
    want = splines.filtered(x, 3, "mirror")
    filter_axes(x, 3, [0, 1], "mirror", x)
    assert_near(x, want)


def test_one_nan_is_in_all_of_its_lines():
    x = noise((3, 200))
    x[1, 150] = np.nan
    got = filtered(x, 3, "mirror", F64, axes=[1])
    assert np.isnan(got[1]).all()
    assert np.isfinite(got[[0, 2]]).all()
    assert np.isnan(filtered(x, 3, "mirror", F64)).all()


# Resampling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", range(6))
def test_resampled(order, mode):
    for sizes, results in (((9,), (31,)), ((20, 19), (13, 40)), ((5, 18, 3), (7, 11, 4))):
        x, per_axis = noise(sizes), places(sizes, results, 0.37 + order)
        for prefilter in (True, False):
            got = resample(x, order, mode, results, per_axis, prefilter=prefilter)
            want = wanted(x, order, mode, results, per_axis, prefilter=prefilter)
            assert_near(got, want)


@pytest.mark.parametrize("mode", MODES)
def test_an_axis_of_one_sample(mode):
    x, per_axis = noise((1, 20)), [(-0.5, 1.0, 0.0), (0.3, 1.0, 0.0)]
    for order in (0, 1, 3):
        assert_near(
            resample(x, order, mode, (3, 20), per_axis), wanted(x, order, mode, (3, 20), per_axis)
        )


def test_axes_that_shrink_before_others_grow():
    """The last axes are done in turn by parts of what the first ones left."""
    sizes, results = (4, 3, 6, 5, 5), (3, 2, 4, 6, 6)
    x, per_axis = noise(sizes), places(sizes, results, 0.3)
    want = x
    for axis, count in enumerate(results):
        alone = [one if k == axis else None for k, one in enumerate(per_axis)]
        shape = (*want.shape[:axis], count, *want.shape[axis + 1 :])
        want = resample(want, 3, "mirror", shape, alone)
    assert_near(resample(x, 3, "mirror", results, per_axis), want)


def test_axes_left_alone():
    x = noise((18, 20, 3))
    per_axis = [(0.0, 0.7, 0.0), (0.0, 0.6, 0.0), None]
    got = resample(x, 3, "mirror", (25, 33, 3), per_axis)
    for c in range(3):
        assert_near(
            got[..., c], wanted(x[..., c], 3, "mirror", (25, 33), per_axis[:2])
        )  # the third axis's filter and taps would be each other's inverse
    np.testing.assert_array_equal(resample(x, 3, "mirror", x.shape, [None] * 3), x)


@pytest.mark.parametrize("place", [np.nan, np.inf, -np.inf, 1e300, 1e19])
@pytest.mark.parametrize("mode", MODES)
def test_places_that_are_not_numbers(mode, place):
    """The value outside; the edge, where `nearest` can say which; NaN where taps would be NaN."""
    x = noise((6, 20))
    for order in (0, 1, 3):
        got = resample(x, order, mode, x.shape, [(-place, 1.0, 0.0), (0.0, 1.0, 0.0)], cval=7.0)
        if mode == "nearest":
            edge = 0 if not -place > 0 else -1
            if np.isnan(place) and order:
                assert np.isnan(got).all()
            else:
                assert_near(got, np.broadcast_to(x[edge], x.shape), 1e-4)
        elif np.isnan(place) and mode == "grid-constant" and order:
            assert np.isnan(got).all()
        elif abs(place) == np.inf or np.isnan(place) or mode in ("constant", "grid-constant"):
            assert_near(got, np.full(x.shape, 7.0))
        else:
            assert np.isfinite(got).all()


@pytest.mark.parametrize("order", [0, 1, 3])
def test_results_that_begin_late_are_filled_before(order):
    """Lines begin up to 15 results earlier, where these begin on a cache line, and read no more."""
    x, per_axis = noise((20, 21)), [(-2.5, 1.0, 0.0), (-23.25, 1.0, 0.0)]
    got = resample(x, order, "constant", (20, 40), per_axis, prefilter=False)
    assert_near(got, wanted(x, order, "constant", (20, 40), per_axis, prefilter=False))
    taps = taps_of(Places(40, *per_axis[1], "constant", order, 21, False), F64)
    assert (taps.begins, taps.first) == ((16 if order else 24), 24)
    assert len(taps.index) == taps.end - taps.begins
    assert (taps.index[: 24 - taps.begins] == taps.index[24 - taps.begins]).all()


@pytest.mark.parametrize("dtype", STORED)
def test_every_type_of_result(dtype):
    x, per_axis = noise((20, 21)) * 40, [(0.2, 0.8, 0.0), (0.0, 1.3, -4.0)]
    got = resample(x, 3, "constant", (20, 24), per_axis, dtype, cval=3.5)
    real = wanted(x, 3, "constant", (20, 24), per_axis, cval=3.5)
    sure = np.abs(np.abs(real) % 1 - 0.5) > 1e-9
    if dtype == "?":
        sure = np.abs(np.abs(real) - 1) > 1e-5
    if dtype == "f8":
        assert_near(got, real)
    else:
        np.testing.assert_array_equal(got[sure], splines.stored(real, dtype)[sure])


def test_any_result_array():
    x, per_axis = noise((20, 21)), [(0.2, 0.8, 0.0), (0.0, 1.3, -4.0)]
    want = wanted(x, 3, "constant", (20, 24), per_axis)
    raw = np.zeros(20 * 24 * 8 + 1, np.uint8)
    outs = (
        np.zeros((40, 48))[::-2, ::2],
        np.zeros((24, 20)).T,
        np.zeros((20, 24), ">f8"),
        raw[1:].view(F64).reshape(20, 24),
    )
    for out in outs:
        resampled(x, 3, True, "constant", 2.5, per_axis, out, F64)
        assert_near(np.asarray(out, F64), want)


def test_a_value_around_is_of_the_type_of_the_input():
    x, per_axis = noise((20,), "u1"), [(-6.5, 1.0, 0.0)]
    for cval in (-1.0, 300.0):
        got = resample(x, 3, "grid-constant", (30,), per_axis, cval=cval)
        assert_near(got, wanted(x, 3, "grid-constant", (30,), per_axis, cval=cval))


@pytest.mark.parametrize(
    ("shape", "results", "order"),
    [
        ((64, 80), (7, 9), 1),
        ((64, 80), (7, 9), 0),
        ((40, 50, 30), (12, 14, 9), 1),
        ((64, 80), (5, 4), 3),
        ((5000,), (6000,), 1),
        ((5000, 2), (6000, 2), 1),
    ],
)
def test_few_results_and_few_long_lines_go_by_points(shape, results, order, monkeypatch):
    x, axes = noise(shape), tuple(a for a, n in enumerate(shape) if n > 2)
    at = zoomed([shape[a] for a in axes], [results[a] for a in axes], False)
    rule = Options(order, "mirror", 0.0, False)
    got, want = np.empty(results), np.empty(results)
    paths._by_axes(x, axes, at, want, rule)
    monkeypatch.delattr(paths, "_by_axes")
    paths.interpolate(x, axes, at, got, rule)
    assert_near(got, want)


# Threads, memory ---------------------------------------------------------------------------------


def large():
    """More than fits into a part whose axes are done in turn; and a part that does."""
    yield noise((150, 260)), (170, 300)
    yield noise((40, 50, 52)), (45, 60, 40)


def test_any_number_of_threads_gives_the_same_bits():
    for x, results in large():
        assert x.nbytes > TOGETHER
        found = []
        for threads in range(1, 1 + min(numba.config.NUMBA_NUM_THREADS, 4)):
            with of_threads(threads):
                per_axis = places(x.shape, results, 0.3)
                got = resample(x, 3, "mirror", results, per_axis)
                found.append((filtered(x, 3, "mirror", F64), got))
        assert_near(found[0][0], splines.filtered(x, 3, "mirror"))
        for pair in found[1:]:
            np.testing.assert_array_equal(pair[0], found[0][0])
            np.testing.assert_array_equal(pair[1], found[0][1])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("dtype", ["f8", "u1", "i2"])
def test_nothing_is_read_or_written_beyond_the_arrays(dtype, side):
    for shape in ((1,), (17,), (3, 33), (33, 3), (20, 16), (19, 5, 2)):
        x, results = noise(shape, dtype), tuple(n + 3 for n in shape)
        per_axis = places(shape, results, 0.4)
        for step in (1, 2):
            source = guarded(x, side, step)
            np.testing.assert_array_equal(
                filtered(source, 3, "mirror", F64), filtered(x, 3, "mirror", F64)
            )
            for order, mode in ((1, "constant"), (3, "mirror"), (5, "grid-constant")):
                want = resample(x, order, mode, results, per_axis, dtype)
                out = guarded(np.zeros(results, dtype), side, step)
                resampled(source, order, True, mode, 2.5, per_axis, out, F64)
                np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("name", ["zoom", "shift"])
def test_axes_in_turn_need_no_other_array(name):
    x = noise((400, 500))
    per_axis = {"zoom": [(0.0, 0.8, 0.0)] * 2, "shift": [(-0.3, 1.0, 0.0), (1.4, 1.0, 0.0)]}[name]
    out = np.empty((500, 625) if name == "zoom" else x.shape)
    resampled(x, 3, True, "constant", 2.5, per_axis, out, F64)
    assert_near(out, wanted(x, 3, "constant", out.shape, per_axis))
    tracemalloc.start()
    resampled(x, 3, True, "constant", 2.5, per_axis, out, F64)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < x.nbytes / 3  # a thread's scratch, but no array of their size
