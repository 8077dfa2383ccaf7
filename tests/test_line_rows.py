"""Axes of orders 0 and 1 in one pass over rows: the same results as axis after axis."""

import itertools

import numba
import numpy as np
import pytest
import splines
from guarded import SIDES, guarded

from fastsample._calls.splines import row_steps
from fastsample._calls.splines.lines import resampled
from fastsample._kernels.threads import of_threads

F32, F64 = np.float32, np.float64
# Rows that 16 divides and others, with axes across them that are resampled or not.
SIZES = ((64,), (101,), (5, 80), (4, 6, 70), (2, 3, 5, 67))
STORED = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def noise(shape, dtype="f8", seed=0):
    x = np.random.default_rng(seed).standard_normal(shape) * 9
    return (np.abs(x) if np.dtype(dtype).kind in "?u" else x).astype(dtype)


def places(x, axes=None):
    """Half again as many results along some axes, some of them outside."""
    axes = range(x.ndim) if axes is None else axes
    found = [(0.3 * (a + 1), 0.8, -0.9) if a in axes else None for a in range(x.ndim)]
    return found, tuple(n + n // 2 if a in axes else n for a, n in enumerate(x.shape))


def resample(x, order, mode, per_axis, results, dtype="f8", cval=2.5, work=F64):
    out = np.empty(results, dtype)
    resampled(x, order, True, mode, cval, per_axis, out, work)
    return out


def assert_same(got, want):
    """But for the order in which axes are added up."""
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


@pytest.fixture
def both(monkeypatch):
    """A call by rows, and axis after axis."""

    def results(*args, **options):
        seen = []

        def asked(*three):
            seen.append(suit(*three))
            return seen[-1]

        with monkeypatch.context() as changed:
            suit = row_steps.suit
            changed.setattr(row_steps, "suit", asked)
            got = resample(*args, **options)
            changed.setattr(row_steps, "suit", lambda *three: False)
            want = resample(*args, **options)
        assert seen == [True]
        return got, want

    return results


@pytest.mark.parametrize("mode", splines.MODES)
@pytest.mark.parametrize("order", [0, 1])
def test_results(both, order, mode):
    for size in SIZES:
        x = noise(size)
        axes = range(max(0, x.ndim - 3), x.ndim)  # two across the rows, at most
        per_axis, results = places(x, axes)
        got, other = both(x, order, mode, per_axis, results)
        assert_same(got, other)
        known = [(0.0, 1.0, 0.0) if place is None else place for place in per_axis]
        want = splines.sample(x, splines.axis_places(known, results), order, mode, 2.5)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * np.abs(want).max())


@pytest.mark.parametrize("dtype", STORED)
def test_every_type_and_byte_order(both, dtype):
    x = noise((6, 70), dtype)
    for order, swapped in itertools.product((0, 1), (False, True)):
        x = x.astype(x.dtype.newbyteorder()) if swapped else x
        got, want = both(x, order, "reflect", *places(x), dtype=dtype)
        np.testing.assert_allclose(got, want, rtol=1e-6 if dtype == "f4" else 0, atol=1e-13)
        assert got.any()


def test_some_axes_or_none(both):
    x = noise((4, 5, 66))
    for axes in ((0,), (1,), (2,), (0, 2), (1, 2), (0, 1), ()):
        for order in (0, 1):
            assert_same(*both(x, order, "mirror", *places(x, axes)))


def test_values_outside_are_what_they_are(both):
    for cval in (np.inf, np.nan):
        x = noise((3, 4, 65))
        got, want = both(x, 1, "grid-constant", *places(x), cval=cval)
        assert_same(got, want)
        assert np.isfinite(got).any()


def test_single_precision(both):
    x = noise((7, 90), "f4")
    got, want = both(x, 1, "nearest", *places(x), dtype="f4", work=F32)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)


def test_any_strides(both):
    x = noise((9, 8, 75))
    for view in (x[::-1, ::2, 3:], x.transpose(1, 0, 2)[1::3], np.broadcast_to(x[0], (4, 8, 75))):
        assert_same(*both(view, 1, "wrap", *places(view)))


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_results_that_are_streamed_are_the_same(dtype, monkeypatch):
    x = noise((700, 1024), dtype)
    per_axis, results = [(0.0, 0.7, 0.0), (0.2, 1.0, 0.0)], (1000, 1104)
    calls = []
    start = row_steps.start
    monkeypatch.setattr(row_steps, "start", lambda *five: (calls.append(five[0]), start(*five)))
    found = []
    for least in (2**40, 2**22):
        monkeypatch.setattr(row_steps.schedule, "STREAM", least)
        row_steps._prepared.cache_clear()
        found.append(resample(x, 1, "mirror", per_axis, results, dtype))
    row_steps._prepared.cache_clear()
    assert [int(call.job["stream"][0]) for call in calls] == [0, 1]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("mode", ["nearest", "grid-constant"])
@pytest.mark.parametrize("shape", [(5, 80), (4, 3, 70)])
def test_rows_that_repeat_are_read_once(shape, mode):
    x = noise(shape)
    per_axis = [(0.0, 0.25, -0.6)] + [(0.0, 1.0, 0.3)] * (len(shape) - 1)
    results = (4 * shape[0] + 9, *shape[1:])
    index = np.floor(np.arange(results[0]) * 0.25 - 0.1).astype(int)
    got = resample(x, 0, mode, per_axis, results)
    want = x[np.clip(index, 0, shape[0] - 1)]
    if mode == "grid-constant":
        want[(index < 0) | (index >= shape[0])] = 2.5
    np.testing.assert_array_equal(got, want)


def test_any_number_of_threads_gives_the_same_bits():
    x, found = noise((210, 300)), []
    for threads in range(1, 1 + min(numba.config.NUMBA_NUM_THREADS, 4)):
        with of_threads(threads):
            found.append(resample(x, 1, "mirror", *places(x)))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("dtype", ["f8", "u1", "i2"])
def test_nothing_is_read_or_written_beyond_the_arrays(dtype, side):
    for shape in ((64,), (3, 71), (2, 3, 81)):
        x = noise(shape, dtype)
        for order, mode in ((0, "grid-constant"), (1, "constant"), (1, "grid-constant")):
            per_axis, results = places(x)
            want = resample(x, order, mode, per_axis, results, dtype)
            out = guarded(np.zeros(results, dtype), side, 1)
            source = guarded(x, side, 1)
            resampled(source, order, True, mode, 2.5, per_axis, out, F64)
            np.testing.assert_array_equal(out, want)


def test_what_does_not_suit_goes_axis_after_axis():
    x = noise((4, 90))
    assert row_steps.suit(x, (), x)
    assert not row_steps.suit(x[:, ::2], (), x[:, ::2])  # results that are not neighbours
    assert not row_steps.suit(x.T, (), x)  # nor samples
    assert not row_steps.suit(x[:, :63], (), x[:, :63])  # short rows
    assert not row_steps.suit(noise((1, 2**15 + 1)), (), noise((1, 2**15 + 1)))  # long ones
