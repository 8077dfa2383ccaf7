"""Spline filters along axes across the rows, in place."""

import child
import numba
import numpy as np
import pytest
import splines
from banded import assert_near, noise
from guarded import SIDES, guarded

from fastsample import ndimage
from fastsample._calls.run import spec
from fastsample._calls.splines import line_steps
from fastsample._calls.splines.filters import POLES
from fastsample._calls.splines.line_steps import (
    NO_BORDER,
    OUT,
    Line,
    Work,
    calls_of,
    side_of,
    start_all,
)
from fastsample._calls.splines.lines import filtered
from fastsample._kernels.threads import of_threads

SYMMETRIES = {"mirror": "mirror", "reflect": "reflect", "wrap": "grid-wrap"}
# Rows that fill vectors and do not; so few rows that none are done together; axes in between.
SHAPES = ((5, 40, 32), (2, 3, 30, 5, 37), (4, 6, 19), (3, 5, 64), (2, 2, 16), (3, 3, 25))


def filter_in_place(x, axis, order=3, symmetry="mirror"):
    """Filter an axis where it lies; what the kernel is told of it."""
    n, out = x.shape[axis], spec(x)
    line = Line(axis, n, 0, order, symmetry, None, n)
    calls, _ = calls_of(side_of(OUT, *out), out, [line], NO_BORDER, x.dtype)
    start_all(Work(calls, None), x, x, x.dtype)
    return calls[0].job[0]


def coefficients(x, axis, order=3, symmetry="mirror"):
    moved = np.moveaxis(x, axis, 0).astype(float)
    found = splines.filtered_axis(moved, order, 0, symmetry)
    return np.moveaxis(found, 0, axis)


def test_which_axes_are_filtered_so():
    x = np.zeros((4, 5, 16))
    assert filter_in_place(x, 0)["across"]
    assert filter_in_place(x, 1)["across"]
    assert not filter_in_place(x, 2)["across"]
    assert not filter_in_place(x[..., ::2], 1)["across"]
    assert not filter_in_place(x[..., :15], 1)["across"]  # rows that fill no vector
    assert filter_in_place(x[:, :, :15].copy(), 0)["across"]  # all rows of a plane are one


def test_an_axis_that_grows_is_not_filtered_so():
    x = noise((40, 20))
    want = splines.filtered(np.pad(x, 12, mode="edge"), 3, "nearest")
    assert_near(filtered(x, 3, "reflect", np.float64, 12), want)


@pytest.mark.parametrize("order", POLES)
@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_coefficients(shape, symmetry, order):
    for axis in range(len(shape) - 1):
        for dtype, bound in (("f8", 1e-13), ("f4", 1e-5)):
            x = noise(shape, dtype)
            want = coefficients(x, axis, order, symmetry)
            assert filter_in_place(x, axis, order, symmetry)["across"]
            assert_near(x, want, bound)


@pytest.mark.parametrize(("run", "strips"), [(256, 4), (64, 8), (2**13, 1)])
def test_strips_of_columns(run, strips, monkeypatch):
    monkeypatch.setattr(line_steps, "RUN", run)
    monkeypatch.setattr(line_steps, "LEAST_RUN", run)
    monkeypatch.setattr(line_steps, "TOGETHER", 0)
    x = noise((30, 40, 117))
    want = coefficients(x, 1)
    assert filter_in_place(x, 1)["strips"] == strips
    assert_near(x, want)


def test_threads_share_a_plane(monkeypatch):
    monkeypatch.setattr(line_steps, "MOST_THREADS", 16)
    x = noise((40, 2100))
    want = coefficients(x, 0)
    assert filter_in_place(x, 0)["strips"] == 8
    assert_near(x, want)


def test_rows_may_lie_anywhere():
    whole = noise((6, 40, 5, 90))
    for key in (np.s_[::-1, 3:30, 1, 5:60], np.s_[::2, ::-1, :, 7:], np.s_[1, :, ::2, 3:80]):
        x, kept = whole[key], whole.copy()
        want = coefficients(x, x.ndim - 3)
        filter_in_place(x, x.ndim - 3)
        assert_near(x, want)
        x[...] = kept[key]
        np.testing.assert_array_equal(whole, kept)  # nothing else was written


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("shape", [(3, 20, 35), (2, 2, 64), (2, 9, 17)], ids=str)
def test_nothing_is_read_or_written_beyond_the_array(shape, side):
    x = noise(shape)
    want = coefficients(x, 1)
    x = guarded(x, side, 1)
    filter_in_place(x, 1)
    assert_near(x, want)


def test_any_number_of_threads_gives_the_same_bits():
    found = []
    for threads in range(1, 1 + min(numba.config.NUMBA_NUM_THREADS, 4)):
        x = noise((9, 50, 81))
        with of_threads(threads):
            filter_in_place(x, 1, 5)
        found.append(x)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_reaches_all_of_its_line_and_no_other(value):
    x = noise((3, 30, 40))
    want = coefficients(x, 1)
    x[1, 17, 21] = value
    filter_in_place(x, 1)
    assert not np.isfinite(x[1, :, 21]).any()
    x[1, :, 21] = want[1, :, 21] = 0
    assert_near(x, want)


@pytest.mark.parametrize(
    "shape", [(130, 3, 70, 101), (30, 40, 50), (300, 90), (40, 50, 3)], ids=str
)
def test_all_axes(shape):
    x = noise(shape)
    assert_near(ndimage.spline_filter(x), splines.filtered(x, 3, "mirror"))


PLAIN = """
import numpy as np
from fastsample import ndimage
x = np.random.default_rng(0).standard_normal((12, 7, 21))
np.savez(path, ndimage.spline_filter(x), ndimage.spline_filter(x, 5))
"""


def test_as_plain_python(tmp_path):
    found = []
    for plain in ("0", "1"):
        path = str(tmp_path / plain)
        child.script(f"path = {path!r}\n{PLAIN}", NUMBA_DISABLE_JIT=plain)
        found.append(list(np.load(f"{path}.npz").values()))
    for got, want in zip(*found, strict=True):
        assert_near(got, want, 1e-14)
