"""Spline filters of the last axis and another one in one pass over memory, in bands of rows."""

import child
import numba
import numpy as np
import pytest
import splines
from banded import assert_near, noise, watched
from guarded import SIDES, guarded

from fastsample import ndimage
from fastsample._calls.run import spec
from fastsample._calls.splines import band_steps, line_steps
from fastsample._calls.splines.filters import POLES
from fastsample._calls.splines.lines import filter_axes, filtered
from fastsample._kernels.threads import of_threads

F32, F64 = np.float32, np.float64
SYMMETRIES = {"mirror": "mirror", "reflect": "reflect", "wrap": "grid-wrap"}
# Whole bands and a part of one; rows that fill vectors and do not; planes, further axes.
SHAPES = (
    (256, 160),
    (421, 97),
    (790, 70),
    (128, 400),
    (3, 140, 301),
    (2, 2, 257, 150),
    (129, 5, 140),
)


@pytest.fixture
def bands(monkeypatch):
    """How many calls went by bands."""
    return watched(monkeypatch, band_steps)


def lines_of(shape, order, axes=None):
    axes = range(len(shape)) if axes is None else axes
    return tuple(band_steps.Line(a, shape[a], 0, order, "mirror", None, shape[a]) for a in axes)


def test_which_planes_go_by_bands():
    def suits(shape, axes=(0, 1, 2), dtype="f8"):
        x, out = np.zeros(shape, dtype), np.zeros(shape)
        lines = lines_of(shape, 3, axes)
        return band_steps.suit(x, lines, line_steps.NO_BORDER, out, F64)

    assert suits((1, 1024, 1024), (1, 2))
    assert suits((1, 1024, 1024), (1, 2), "u1")
    assert suits((128, 128, 128))  # small planes of a large result
    assert not suits((1, 400, 400), (1, 2))
    assert suits((4, 450, 450), (1, 2))
    assert suits((4, 450, 450), (2, 1))
    assert suits((450, 4, 450))  # down the first axis
    assert not suits((450, 4, 450), (1, 2))
    assert not suits((4, 450, 450), (0, 2))
    assert not suits((1, 100, 9000), (1, 2))
    assert not suits((1, 9000, 50), (1, 2))


def test_bands_are_an_even_number():
    found = {rows: band_steps.bands_in(rows) for rows in range(128, 3000)}
    assert all(found[rows] == 1 for rows in range(128, 256))
    assert all(found[rows] % 2 == 0 for rows in range(256, 3000))
    assert all(170 <= rows / found[rows] <= 384 for rows in range(341, 3000))


@pytest.mark.parametrize("order", POLES)
@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_coefficients(shape, symmetry, order, bands):
    x = noise(shape)
    want = splines.filtered(x, order, SYMMETRIES[symmetry])
    assert_near(filtered(x, order, symmetry, F64), want, 1e-13)
    assert_near(filtered(x, order, symmetry, F32), want, 1e-6)
    assert len(bands) == 2


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("work", [F64, F32])
def test_every_width(symmetry, work, bands):
    # Of chunks of 64 columns the last one has one, two, ... and all of them.
    x = noise((140, 194))
    for width in range(128, 194):
        part = x[:, :width]
        want = splines.filtered(part, 3, SYMMETRIES[symmetry])
        assert_near(filtered(part, 3, symmetry, work), want, 1e-13 if work == F64 else 1e-5)
    assert len(bands) == 66


@pytest.mark.parametrize("work", [F64, F32])
@pytest.mark.parametrize("order", [3, 5])
def test_results_leave_past_the_caches_wherever_rows_begin(work, order, monkeypatch):
    monkeypatch.setattr(band_steps.schedule, "STREAM", 0)
    band_steps._kept.cache_clear()
    for width in (64, 133, 192, 200):
        x = noise((140, width)).astype(work)
        want = splines.filtered(x, order, "mirror")
        lines = lines_of(x.shape, order)
        for begin in range(0, 17, 3):
            whole = np.zeros((140, 16 + width + 17), work)
            out = whole[:, begin : begin + width]
            assert band_steps.suit(x, lines, line_steps.NO_BORDER, out, work)
            band_steps.run(x, lines, line_steps.NO_BORDER, out, work)
            assert_near(out, want, 1e-13 if work == F64 else 1e-5)
            out[...] = 0
            assert not whole.any()
    band_steps._kept.cache_clear()


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "u4", "i8", "f4", "f8", ">u2", ">f4", ">f8"])
def test_every_type_and_byte_order(dtype, bands):
    x = noise((150, 131), dtype)
    want = splines.filtered(x.astype(F64), 3, "mirror")
    assert_near(filtered(x, 3, "mirror", F64), want)
    assert bands


def test_rows_may_lie_anywhere(bands):
    x = noise((3, 300, 260))
    for view in (x[::-1, ::2, 3:], x.transpose(1, 0, 2)[::2, 1], x[:, 5:160, 100:]):
        assert_near(filtered(view, 4, "reflect", F64), splines.filtered(view, 4, "reflect"))
    out = np.zeros((2, 200, 300))
    part = out[1, ::-1, 7:207]
    filter_axes(x[0, :200, :200], 3, [0, 1], "mirror", part)
    assert_near(part, splines.filtered(x[0, :200, :200], 3, "mirror"))
    part[...] = 0
    assert not out.any()
    assert len(bands) == 4


def test_columns_that_do_not_lie_side_by_side_go_axis_by_axis(bands):
    x = noise((200, 300))
    for view in (x.T, x[:, ::2]):
        assert_near(filtered(view, 3, "mirror", F64), splines.filtered(view, 3, "mirror"))
    filter_axes(x, 3, [0, 1], "mirror", x)  # rows above and below are still needed
    assert not bands


@pytest.mark.parametrize("padding", ["edge", -3.0])
def test_extended_at_both_ends(padding, bands):
    x = noise((300, 190))
    how = {"mode": "edge"} if padding == "edge" else {"constant_values": padding}
    want = splines.filtered(np.pad(x, 12, **how), 5, "nearest")
    assert_near(filtered(x, 5, "reflect", F64, 12, padding), want)
    assert len(bands) == (padding == "edge")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("shape", [(3, 130, 140), (130, 4, 120), (2, 130, 3, 100)], ids=str)
def test_further_axes_are_extended_without_reading_beyond_them(shape, side, bands):
    x = noise(shape)
    want = splines.filtered(np.pad(x, 12, mode="edge"), 3, "nearest")
    assert_near(filtered(guarded(x, side, 1), 3, "reflect", F64, 12), want)
    assert len(bands) == 1


def beside(x, out, axis=0):
    """How many lines of x go down bands as one row."""
    source, target = (line_steps.side_of(0, *spec(a)) for a in (x, out))
    return band_steps._beside(source, target, axis, 1, out.itemsize)


def test_how_many_lines_are_one_row():
    def lines(key, shape=(200, 128, 64), axis=0, dtype="f8"):
        x, out = np.zeros(shape, dtype), np.zeros(shape)
        return beside(x[key], out[key], axis)

    assert lines(np.s_[:]) == 8
    assert lines(np.s_[:], dtype="u1") == 8
    assert lines(np.s_[:, :100]) == 5  # 16 pieces are left
    assert lines(np.s_[:, :127]) == 1  # in parts of one size
    assert lines(np.s_[:, :, :60]) == 1  # there is something between lines
    assert lines(np.s_[:, ::-1]) == 1
    assert lines(np.s_[:, :8]) == 1
    assert lines(np.s_[:], axis=1) == 1  # down that axis


@pytest.mark.parametrize("order", POLES)
@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("shape", [(140, 6, 64), (2, 160, 10, 71), (130, 3, 128)], ids=str)
def test_lines_beside_each_other(shape, symmetry, order, bands, monkeypatch):
    monkeypatch.setattr(band_steps, "LEAST_PIECES", 1)
    x, axes = noise(shape), [len(shape) - 3, len(shape) - 1]
    want = x
    for axis in axes:
        moved = splines.filtered_axis(np.moveaxis(want, axis, 0), order, 0, symmetry)
        want = np.moveaxis(moved, 0, axis)
    whole = np.zeros((*shape[:-2], shape[-2] + 1, shape[-1] + 3))
    part = whole[..., :-1, 1:-2]
    assert beside(x, part, axes[0]) > 1
    for out in (np.zeros(shape), part):
        filter_axes(x, order, axes, symmetry, out)
        assert_near(out, want, 1e-13)
    part[...] = 0
    assert not whole.any()
    assert len(bands) == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (130, 20), (399, 179)])
def test_what_is_not_finite_reaches_as_far_as_axis_by_axis(value, place, bands, monkeypatch):
    x = noise((2, 400, 180))
    x[1][place] = value
    got = filtered(x, 3, "mirror", F64)
    assert bands
    monkeypatch.setattr(band_steps, "suit", lambda *args: False)
    np.testing.assert_array_equal(got, filtered(x, 3, "mirror", F64))
    assert not np.isfinite(got[1]).any()


def test_calls_made_again_look_at_their_own_numbers(bands):
    x = noise((300, 200))
    for value in (1.0, np.nan, 2.0):
        x[150, 100] = value
        for _ in range(3):
            assert np.isnan(ndimage.spline_filter(x)).all() == np.isnan(value)
    assert_near(ndimage.spline_filter(x), splines.filtered(x, 3, "mirror"))


def test_any_number_of_threads_gives_the_same_bits(bands):
    x, found = noise((700, 150)), []
    for threads in range(1, 1 + min(numba.config.NUMBA_NUM_THREADS, 4)):
        with of_threads(threads):
            found.append(filtered(x, 5, "mirror", F64))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
    assert len(bands) == len(found)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("dtype", ["f8", "f4", "u1", ">i2"])
def test_nothing_is_read_or_written_beyond_the_arrays(dtype, side, bands):
    for shape in ((129, 145), (200, 128)):
        x = noise(shape, dtype)
        want = filtered(x, 3, "mirror", F64)
        out = guarded(np.zeros(shape), side, 1)
        filter_axes(guarded(x, side, 1), 3, [0, 1], "mirror", out)
        np.testing.assert_array_equal(out, want)
    assert len(bands) == 4


@pytest.mark.parametrize("order", POLES)
def test_a_thread_needs_less_than_two_megabytes(order):
    found = []
    for width in (1024, 2048, 4096, 8192):
        x, out = np.zeros((256, width)), np.empty((256, width))
        lines = lines_of(x.shape, order)
        found.append(band_steps.suit(x, lines, line_steps.NO_BORDER, out, F64))
        if found[-1]:
            work = band_steps._kept(spec(x), spec(out), lines, line_steps.NO_BORDER, x.dtype)
            assert work.calls[0].constants[0].view(np.int64)[0] <= 2**21
    assert found[0]
    assert not found[-1]


PLAIN = """
import numpy as np
from fastsample import ndimage
from fastsample._calls.splines import band_steps, band_taps
went = []
for module in (band_steps, band_taps):
    module.LEAST, module.LARGE = (16, 16), 0
    module.run = lambda *args, run=module.run: went.append(args) or run(*args)
x = np.random.default_rng(0).standard_normal((70, 40))
by_bands = (
    ndimage.spline_filter(x),
    ndimage.zoom(x, 1.3),
    ndimage.shift(x, (2.3, -1.6), order=5, mode="nearest"),
)
apart = ndimage.zoom(x[:, ::-1], (1.4, 0.6))
np.savez(path, *by_bands, apart, np.array(len(went)))
"""


def test_as_plain_python(tmp_path):
    found = []
    for plain in ("0", "1"):
        path = str(tmp_path / plain)
        child.script(f"path = {path!r}\n{PLAIN}", NUMBA_DISABLE_JIT=plain)
        found.append(np.load(tmp_path / f"{plain}.npz"))
    for name in found[0]:
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=0, atol=1e-12)
    assert found[0]["arr_4"] == 3
