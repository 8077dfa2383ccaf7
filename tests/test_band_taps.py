"""Resampling along two axes in one pass over memory, in bands of rows."""

import tracemalloc

import numba
import numpy as np
import pytest
import splines
from banded import assert_near, noise, watched
from guarded import SIDES, guarded

from fastsample import ndimage
from fastsample._calls import schedule
from fastsample._calls.splines import band_taps
from fastsample._calls.splines.band_taps import parts_of
from fastsample._calls.splines.filters import POLES
from fastsample._calls.splines.lines import resampled
from fastsample._kernels.stages.splines.line_bands import DEEP
from fastsample._kernels.threads import of_threads

F32, F64 = np.float32, np.float64
# Of each axis the factor and the first place. Whole bands and a part of one; rows that fill vectors
# and do not; results closer together, further apart, and that leave out the first and last samples.
MOVES = {
    "shift": ((1.0, 2.3), (1.0, -3.6)),
    "closer": ((0.37, 0.0), (0.61, 3.2)),
    "apart": ((2.1, 0.2), (0.7, 0.0)),
    "inner": ((0.9, 77.3), (0.5, 20.0)),
}
SHAPES = ((400, 160), (421, 197), (3, 390, 160))


@pytest.fixture
def bands(monkeypatch):
    """How many calls went by bands."""
    return watched(monkeypatch, band_taps)


def places_of(shape, move):
    """Places along the last two axes within these, and how many there are of each axis."""
    per_axis, results = [None] * (len(shape) - 2), list(shape[:-2])
    for n, (scale, first) in zip(shape[-2:], MOVES[move], strict=True):
        per_axis.append((0.0, scale, first))
        results.append(int((n - 1 - 2 * max(first, 0.0)) / scale) + (4 if first < 0 else 0))
    return per_axis, tuple(results)


def resample(x, order, per_axis, results, mode="constant", work=F64, out=None):
    out = np.empty(results, work) if out is None else out
    resampled(x, order, True, mode, 2.5, per_axis, out, work)
    return out


def wanted(x, order, per_axis, results, mode="constant"):
    known = [(0.0, 1.0, 0.0) if place is None else place for place in per_axis[-2:]]
    points = splines.axis_places(known, results[-2:])
    planes = x.astype(F64).reshape(-1, *x.shape[-2:])
    found = [splines.sample(plane, points, order, mode, 2.5) for plane in planes]
    return np.reshape(found, results)


@pytest.mark.parametrize("order", POLES)
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_resampled(shape, move, order, bands):
    x, (per_axis, results) = noise(shape), places_of(shape, move)
    want = wanted(x, order, per_axis, results)
    assert_near(resample(x, order, per_axis, results), want)
    assert_near(resample(x, order, per_axis, results, work=F32), want, 2e-5)
    assert len(bands) == 2


@pytest.mark.parametrize("mode", ["mirror", "reflect", "wrap", "grid-wrap"])
def test_modes_whose_places_ascend(mode, bands):
    x, per_axis = noise((300, 200)), [(0.0, 0.83, 0.0), (0.0, 0.61, 0.0)]
    got = resample(x, 3, per_axis, (361, 328), mode)
    assert_near(got, wanted(x, 3, per_axis, (361, 328), mode))
    assert bands


@pytest.mark.parametrize("order", POLES)
@pytest.mark.parametrize("mode", ["mirror", "reflect", "grid-wrap", "nearest"])
@pytest.mark.parametrize("by", [(-2.3, 0.4), (5.7, -8.2), (-0.5, 7.5)])
def test_places_beyond_the_ends(by, mode, order, bands):
    """Where they are folded, rows go on as the filter takes them to."""
    x = noise((300, 200))
    for scale in (1.0, 0.93):
        per_axis = [(0.0, scale, by[0]), (0.0, scale, by[1])]
        got = resample(x, order, per_axis, x.shape, mode)
        assert_near(got, wanted(x, order, per_axis, x.shape, mode))
    assert len(bands) == 2


@pytest.mark.parametrize("mode", ["mirror", "reflect", "grid-wrap", "nearest"])
@pytest.mark.parametrize("far", [-700.3, -299.4, -90.2, 150.6, 298.7, 299.2, 800.1])
def test_places_far_beyond_the_ends(far, mode):
    x, per_axis = noise((300, 200)), [(0.0, 1.0, far), (0.0, 1.0, -far)]
    got = resample(x, 3, per_axis, x.shape, mode)
    assert_near(got, wanted(x, 3, per_axis, x.shape, mode))


@pytest.mark.parametrize("shape", [(200, 64), (200, 127), (200, 128), (200, 129), (200, 193)])
@pytest.mark.parametrize("mode", ["mirror", "reflect", "grid-wrap", "nearest"])
@pytest.mark.parametrize("order", [3, 4])
def test_lines_that_end_anywhere_in_a_chunk(order, mode, shape, bands, monkeypatch):
    monkeypatch.setattr(band_taps, "LARGE", 0)
    x, per_axis = noise(shape), [(0.0, 0.9, 0.0), (0.0, 1.0, 1.4)]
    got = resample(x, order, per_axis, shape, mode)
    assert_near(got, wanted(x, order, per_axis, shape, mode))
    assert bands


@pytest.mark.parametrize("mode", ["grid-constant", "wrap"])
def test_others_go_axis_by_axis(mode, bands):
    x, per_axis = noise((300, 200)), [(0.0, 1.0, -2.3), (0.0, 1.0, 0.4)]
    got = resample(x, 3, per_axis, x.shape, mode)
    assert_near(got, wanted(x, 3, per_axis, x.shape, mode))
    assert not bands


def test_further_axes_follow_in_the_result(bands):
    x = noise((130, 40, 70))
    places = [(0.0, 0.8, 0.0), (0.0, 0.6, 0.0), (0.0, 0.9, 1.0)]
    results = (160, 65, 74)
    want = splines.sample(x, splines.axis_places(places, results), 3, "constant", 2.5)
    assert_near(resample(x, 3, places, results), want)
    assert len(bands) == 1


def test_which_calls_go_by_bands(bands):
    def goes(shape, results, axes=(0, 1), order=3, dtype="f8", stored="f8"):
        places = [None] * len(shape)
        for a in axes:
            places[a] = (0.0, (shape[a] - 1) / results[a], 0.3)
        before = len(bands)
        resample(noise(shape, dtype), order, places, results, out=np.empty(results, stored))
        return len(bands) > before

    assert goes((200, 200), (250, 250))
    assert goes((200, 200), (250, 250), dtype=">u2")
    assert not goes((200, 200), (250, 250), order=1)
    assert not goes((200, 200), (250, 250), stored="f4")  # computed in doubles
    assert not goes((100, 400), (120, 500))
    assert not goes((400, 50), (500, 60))
    assert not goes((200, 300), (400, 150))  # the last axis first, as it shrinks
    assert not goes((600, 200), (200, 250))  # few results of many rows
    assert goes((300, 2, 200), (320, 2, 220), (0, 2))
    assert not goes((300, 200, 2), (320, 220, 2))
    assert not goes((130, 60, 70), (160, 50, 80), (0, 1, 2))  # no room in the result


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "u4", "i8", "f4", "f8", ">u2", ">f4", ">f8"])
def test_every_type_and_byte_order(dtype, bands):
    x, (per_axis, results) = noise((300, 131), dtype), places_of((300, 131), "shift")
    assert_near(resample(x, 3, per_axis, results), wanted(x, 3, per_axis, results))
    assert bands


def test_rows_may_lie_anywhere(bands):
    x = noise((3, 300, 460))
    per_axis = [(0.0, 0.9, 0.0), (0.0, 0.8, 0.0)]
    for view in (x[1, ::-1, 3:203], x[::2].transpose(1, 0, 2)[:, 1, 7:207]):
        out = np.zeros((2, 400, 300))
        part = out[1, ::-2, 7:257]
        resample(view, 4, per_axis, part.shape, out=part)
        assert_near(part, wanted(view, 4, per_axis, part.shape))
        part[...] = 0
        assert not out.any()
    assert len(bands) == 2


def test_into_the_samples_themselves(bands):
    x, per_axis = noise((300, 200)), [(0.0, 1.0, -2.3), (0.0, 1.0, 3.4)]
    want = wanted(x, 3, per_axis, x.shape)
    assert_near(resample(x, 3, per_axis, x.shape, out=x), want)
    assert not bands


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (230, 20), (399, 179)])
def test_what_is_not_finite_reaches_as_far_as_axis_by_axis(value, place, bands, monkeypatch):
    """Also from rows that no result is near to."""
    x = noise((2, 400, 180))
    x[1][place] = value
    per_axis, results = [None, (0.0, 1.0, 130.4), (0.0, 0.9, 2.0)], (2, 140, 190)
    got = resample(x, 3, per_axis, results)
    assert bands
    monkeypatch.setattr(band_taps, "suit", lambda *args: False)
    np.testing.assert_array_equal(got, resample(x, 3, per_axis, results))
    assert np.isfinite(got[0]).all()
    assert not np.isfinite(got[1]).any()


def test_calls_made_again_look_at_their_own_numbers(bands):
    x = noise((300, 200))
    for value in (1.0, np.nan, 2.0):
        x[150, 100] = value
        for _ in range(3):
            got = ndimage.shift(x, (2.3, -1.6), order=3)
            assert np.isnan(got[3:, :-2]).all() == np.isnan(value)
    assert bands
    per_axis = [(0.0, 1.0, -2.3), (0.0, 1.0, 1.6)]
    want = splines.sample(x, splines.axis_places(per_axis, x.shape), 3, "constant", 0.0)
    assert_near(ndimage.shift(x, (2.3, -1.6), order=3), want)


def test_any_number_of_threads_gives_the_same_bits(bands):
    x, (per_axis, results) = noise((700, 150)), places_of((700, 150), "closer")
    found = []
    for threads in range(1, 1 + min(numba.config.NUMBA_NUM_THREADS, 4)):
        with of_threads(threads):
            found.append(resample(x, 5, per_axis, results))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
    assert len(bands) == len(found)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("move", MOVES)
def test_nothing_is_read_or_written_beyond_the_arrays(move, side, bands):
    for dtype, shape in (("f8", (401, 145)), ("u1", (390, 160)), (">i2", (390, 163))):
        x, (per_axis, results) = noise(shape, dtype), places_of(shape, move)
        want = resample(x, 3, per_axis, results)
        out = guarded(np.zeros(results), side, 1)
        resample(guarded(x, side, 1), 3, per_axis, results, out=out)
        np.testing.assert_array_equal(out, want)
    assert len(bands) == 6


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("work", [F64, F32])
@pytest.mark.parametrize("width", [160, 161, 165, 199, 213])
def test_rows_that_begin_anywhere_pass_the_caches(width, work, side, bands, monkeypatch):
    x, per_axis, results = noise((300, 150)), [(0.0, 0.9, 0.0), (0.0, 0.7, 0.3)], (310, width)
    monkeypatch.setattr(band_taps, "LARGE", 0)
    want = resample(x, 3, per_axis, results, work=work)
    for stream in (schedule.STREAM, 1):
        monkeypatch.setattr(schedule, "STREAM", stream)
        band_taps._kept.cache_clear()
        out = guarded(np.full(results, 7, work), side, 1)
        np.testing.assert_array_equal(resample(x, 3, per_axis, results, work=work, out=out), want)
    band_taps._kept.cache_clear()
    assert len(bands) == 3


@pytest.mark.parametrize("steps", [0.21, 0.8, 1.0, 1.3, 4.1])
@pytest.mark.parametrize("taps", [4, 6])
def test_rows_that_results_need_are_there(steps, taps):
    """Each of them came up, or was kept; all rows of the source are read."""
    starts, lead = np.floor(np.arange(0.0, 900.0, steps)).astype(int) + 40, 2
    parts, kept = parts_of(starts, taps, 1000, lead)
    assert parts["first"][0] == 0
    assert parts["end"][-1] == len(starts)
    assert (parts["first"][1:] == parts["end"][:-1]).all()
    assert parts["low"][0] <= 0
    assert parts["low"][-1] + parts["blocks"][-1] * DEEP >= 1000
    for part in parts:
        assert part["row"] == part["low"] + part["above"] * DEEP
        assert part["above"] >= lead
        assert part["blocks"] >= part["above"] + part["risen"] + lead
        for first in range(part["first"], part["end"], DEEP):
            end = min(first + DEEP, part["end"])
            behind = starts[end - 1] + taps
            block = -(-(behind - part["row"]) // DEEP) - 1
            assert 0 <= block < part["risen"]
            assert starts[first] >= max(part["row"], part["row"] + block * DEEP - kept)


def test_no_array_of_its_own_is_needed(bands):
    x, (per_axis, results) = noise((900, 500)), places_of((900, 500), "shift")
    out = np.empty(results)
    resample(x, 3, per_axis, results, out=out)
    tracemalloc.start()
    resample(x, 3, per_axis, results, out=out)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**16
    assert bands


@pytest.mark.parametrize("order", POLES)
def test_a_thread_needs_less_than_two_megabytes(order, bands, monkeypatch):
    asked, found = [], []
    kept = band_taps._kept

    def prepared(*args):
        asked.append(kept(*args))
        return asked[-1]

    monkeypatch.setattr(band_taps, "_kept", prepared)
    for width, scale in ((1024, 1.0), (2048, 0.5), (8192, 1.0), (4096, 1.9)):
        x, per_axis = np.zeros((256, width)), [(0.0, scale, 0.2), (0.0, 0.9, 0.3)]
        before = len(bands)
        resample(x, order, per_axis, (int(250 / scale), width + 1))
        found.append(len(bands) > before)
        if found[-1]:
            assert asked[-1].calls[0].constants[0].view(np.int64)[0] <= 2**21
    assert found[:2] == [True, True]
    assert found[2:] == [False, False]
