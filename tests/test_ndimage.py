"""fastsample.ndimage: SciPy's interpolation, against an oracle and what SciPy promises."""

import collections
import subprocess
import sys
import tracemalloc
from itertools import combinations

import numba
import numpy as np
import pytest
import splines

from fastsample import ndimage
from fastsample._calls import again
from fastsample._calls.splines import copies

pytestmark = pytest.mark.compiled
ORDERS = range(6)
RNG = np.random.default_rng(0)
LINE, IMAGE, VOLUME = (RNG.normal(size=shape) for shape in ((40,), (21, 30), (9, 12, 19)))
INPUTS = {1: LINE, 2: IMAGE, 3: VOLUME}
MODES = [m for m in splines.MODES if m != "grid-mirror"]
each_mode = pytest.mark.parametrize("mode", MODES)
each_order = pytest.mark.parametrize("order", ORDERS)


def assert_close(got, want, bound=1e-12):
    """Equal but for the last bits of the largest number."""
    assert got.shape == want.shape
    scale = max(1, np.nanmax(np.abs(want), initial=0))
    np.testing.assert_allclose(got, want, rtol=0, atol=bound * scale)


def places(shape, points, seed=0):
    """Coordinates inside and far outside of an array; some are whole, some halves."""
    rng = np.random.default_rng(seed)
    found = np.array([rng.uniform(-0.4 * n, 1.4 * n - 1, points) for n in shape])
    found[:, ::5] = np.round(2 * found[:, ::5]) / 2
    found[:, 1::9] *= 3
    return found


class TestValues:
    @each_mode
    @each_order
    @pytest.mark.parametrize("rank", INPUTS)
    def test_map_coordinates(self, rank, order, mode):
        x, c = INPUTS[rank], places(INPUTS[rank].shape, 150, order)
        options = {"order": order, "mode": mode, "cval": 1.5}
        assert_close(ndimage.map_coordinates(x, c, **options), splines.sample(x, c, **options))

    @each_mode
    @pytest.mark.parametrize("order", [1, 3, 5])
    def test_short_axes(self, order, mode):
        """Shorter than a window of taps, down to one pixel."""
        for shape in ((1, 1), (2, 3), (3, 1), (5, 7), (4, 9)):
            x, c = RNG.normal(size=shape), places(shape, 60, order)
            options = {"order": order, "mode": mode, "cval": -2}
            assert_close(ndimage.map_coordinates(x, c, **options), splines.sample(x, c, **options))

    @each_mode
    @pytest.mark.parametrize("order", [0, 3])
    def test_four_axes(self, order, mode):
        x = RNG.normal(size=(5, 6, 4, 7))
        c = places(x.shape, 200)
        options = {"order": order, "mode": mode}
        assert_close(ndimage.map_coordinates(x, c, **options), splines.sample(x, c, **options))

    @each_mode
    @pytest.mark.parametrize("order", [1, 2, 5])
    def test_without_a_filter(self, order, mode):
        c = places(IMAGE.shape, 200)
        options = {"order": order, "mode": mode, "prefilter": False}
        assert_close(
            ndimage.map_coordinates(IMAGE, c, **options), splines.sample(IMAGE, c, **options)
        )

    @each_mode
    @pytest.mark.parametrize("order", [0, 1, 3])
    def test_affine_transform(self, order, mode):
        matrix, offset = np.array([[0.9, 0.3], [-0.2, 1.1]]), (-2.5, 3.0)
        got = ndimage.affine_transform(IMAGE, matrix, offset, (25, 37), order=order, mode=mode)
        at = splines.affine_places(matrix, offset, (25, 37))
        assert_close(got, splines.sample(IMAGE, at, order, mode))

    @each_mode
    @pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
    def test_shift(self, order, mode):
        got = ndimage.shift(IMAGE, (2.4, -5.7), order=order, mode=mode)
        at = splines.axis_places([(-2.4, 1, 0), (5.7, 1, 0)], IMAGE.shape)
        assert_close(got, splines.sample(IMAGE, at, order, mode))

    @each_mode
    @pytest.mark.parametrize("grid_mode", [False, True])
    @pytest.mark.filterwarnings("ignore:It is recommended")
    def test_zoom(self, grid_mode, mode):
        less = 0 if grid_mode else 1
        middle = 0.5 if grid_mode else 0
        steps = [(n - less) / (m - less) for n, m in zip(IMAGE.shape, (27, 45), strict=True)]
        at = splines.axis_places([(middle, z, -middle) for z in steps], (27, 45))
        for order in (1, 3):
            options = {"order": order, "mode": mode}
            got = ndimage.zoom(IMAGE, (1.3, 1.5), **options, grid_mode=grid_mode)
            assert_close(got, splines.sample(IMAGE, at, **options))

    @pytest.mark.parametrize("mode", ["constant", "nearest", "grid-wrap"])
    def test_rotate_leaves_other_axes_alone(self, mode):
        got = ndimage.rotate(VOLUME, 33, axes=(2, 0), reshape=False, mode=mode)
        cos, sin = np.cos(np.radians(33)), np.sin(np.radians(33))
        matrix = np.array([[cos, sin], [-sin, cos]])
        sizes = np.array(VOLUME.shape)[[0, 2]]
        at = splines.affine_places(matrix, (sizes - 1) / 2 - matrix @ ((sizes - 1) / 2), sizes)
        for k in range(VOLUME.shape[1]):
            assert_close(got[:, k], splines.sample(VOLUME[:, k], at, mode=mode))

    def test_geometric_transform(self):
        calls = []

        def mapping(index, factor, start):
            calls.append(index)
            return index[0] * factor + start, index[1] / 2, "what is too much is not read"

        got = ndimage.geometric_transform(
            IMAGE, mapping, (6, 7), extra_arguments=(0.7,), extra_keywords={"start": 3}
        )
        assert calls == list(np.ndindex(6, 7))
        at = splines.axis_places([(0, 0.7, 3), (0, 0.5, 0)], (6, 7))
        assert_close(got, splines.sample(IMAGE, at))

    def test_what_a_mapping_returns(self):
        Place = collections.namedtuple("Place", "y x")
        want = ndimage.geometric_transform(IMAGE, lambda i: (i[0] / 2, i[1] / 3))
        kinds = (lambda y, x: Place(y, x), lambda y, x: (np.float32(y), np.array(x)))
        for kind in kinds:
            got = ndimage.geometric_transform(
                IMAGE, lambda i, of: of(i[0] / 2, i[1] / 3), extra_arguments=(kind,)
            )
            assert_close(got, want)
        for wrong, error, words in (
            ([1.0, 2.0], TypeError, "must return a tuple; got list"),
            ((1.0,), ValueError, "must return 2 numbers, one for each axis of the input; got 1"),
        ):
            with pytest.raises(error, match=words):  # though all the others are as they should be
                ndimage.geometric_transform(IMAGE, lambda i, last=wrong: i if i < (2, 1) else last)

    @each_mode
    @pytest.mark.parametrize("order", [2, 3, 4, 5])
    def test_filters(self, order, mode):
        assert_close(
            ndimage.spline_filter(IMAGE, order, mode=mode), splines.filtered(IMAGE, order, mode)
        )
        got = ndimage.spline_filter1d(VOLUME, order, 1, mode=mode)
        assert_close(got, splines.filtered_axis(VOLUME, order, 1, splines.symmetry_of(mode)))

    def test_fewer_axes_in_the_result(self):
        matrix = np.array([[0.4], [0.7]])
        got = ndimage.affine_transform(IMAGE, matrix, (1, 2), (19,))
        assert_close(got, splines.sample(IMAGE, splines.affine_places(matrix, (1, 2), (19,))))


class TestTypes:
    @pytest.mark.parametrize("dtype", ["?", "u1", "i8", ">f4"])
    @pytest.mark.parametrize("order", [1, 3])
    def test_inputs(self, dtype, order):
        x = (50 * IMAGE + 100).clip(0, 255).astype(dtype) if dtype != "?" else IMAGE > 0
        c = places(x.shape, 100)
        got = ndimage.map_coordinates(x, c, np.float64, order, "mirror")
        assert_close(got, splines.sample(x, c, order, "mirror"))

    @pytest.mark.parametrize("dtype", ["u1", "i4", "u8", ">i2", "f4"])
    def test_outputs(self, dtype):
        x = 300 * IMAGE
        at = places(x.shape, 300)
        got = ndimage.map_coordinates(x, at, np.dtype(dtype), 1, "mirror")
        assert got.dtype == np.dtype(dtype)
        want = splines.stored(splines.sample(x, at, 1, "mirror"), np.dtype(dtype))
        if got.dtype.kind == "f":
            assert_close(got, want, 1e-7)
        else:
            np.testing.assert_array_equal(got, want)

    def test_halves_go_away_from_zero(self):
        x, c = np.array([-2.0, -1, 0, 1, 2, 3]), [[0.5, 1.5, 2.5, 3.5, 4.5]]
        assert ndimage.map_coordinates(x, c, np.int16, 1).tolist() == [-2, -1, 1, 2, 3]

    def test_bools_stay_what_they_are(self):
        """SciPy drops fractions, so that a sum of weights just below 1 would be False."""
        for order in ORDERS:
            assert ndimage.zoom(np.ones((8, 9), bool), 0.3, order=order, mode="nearest").all()

    def test_complex(self):
        x = IMAGE + 1j * IMAGE[::-1]
        c = places(x.shape, 80)
        got = ndimage.map_coordinates(x, c, cval=2 - 1j)
        assert got.dtype == np.complex128
        assert_close(got.real, splines.sample(x.real, c, cval=2))
        assert_close(got.imag, splines.sample(x.imag, c, cval=-1))
        single = x.astype(np.complex64)
        assert ndimage.shift(single, 1.5).dtype == np.complex64
        filtered = ndimage.spline_filter(x, output=np.complex128)
        assert_close(filtered.imag, splines.filtered(x.imag, 3, "mirror"))

    def test_single_is_near(self):
        x, c = IMAGE.astype("f4"), places(IMAGE.shape, 200)
        for order in (1, 3, 5):
            got = ndimage.map_coordinates(x, c, order=order, mode="reflect", single=True)
            assert_close(got, splines.sample(x, c, order, "reflect"), 2e-6)

    def test_integers_beyond_what_a_double_has(self):
        x = np.full((3, 4), 2**64 - 1, np.uint64)
        assert (ndimage.shift(x, 0.5, order=1, mode="nearest") == x).all()


class TestOutput:
    def test_forms(self):
        want = ndimage.shift(IMAGE, 0.4)
        for form in (np.float64, np.dtype("f8"), "float64", "f8"):
            np.testing.assert_array_equal(ndimage.shift(IMAGE, 0.4, form), want)
        wide = np.full((2 * IMAGE.shape[0], IMAGE.shape[1]), 7.0)
        out = wide[::2]
        assert ndimage.shift(IMAGE, 0.4, out) is out
        np.testing.assert_array_equal(out, want)
        assert (wide[1::2] == 7).all()
        swapped = np.empty(IMAGE.shape, ">f8")
        ndimage.shift(IMAGE, 0.4, output=swapped)
        np.testing.assert_array_equal(swapped, want)

    @pytest.mark.parametrize("order", [0, 1, 3])
    def test_over_the_input(self, order):
        """SciPy reads what it has written, at orders 0 and 1."""
        want = ndimage.shift(IMAGE, (1.3, 2), order=order)
        x = IMAGE.copy()
        assert ndimage.shift(x, (1.3, 2), x, order) is x
        np.testing.assert_array_equal(x, want)

    def test_affine_takes_its_shape_from_it(self):
        out = np.empty((5, 6))
        ndimage.affine_transform(IMAGE, [1.1, 0.9], output=out)
        np.testing.assert_array_equal(
            out, ndimage.affine_transform(IMAGE, [1.1, 0.9], output_shape=(5, 6))
        )

    def test_inputs_are_not_written(self):
        x, c = IMAGE.copy(), places(IMAGE.shape, 50)
        x.flags.writeable = c.flags.writeable = False
        for order in (1, 3):
            ndimage.map_coordinates(x, c, order=order)
            ndimage.zoom(x, 1.5, order=order)
        np.testing.assert_array_equal(x, IMAGE)

    def test_nothing_for_nothing(self):
        assert ndimage.map_coordinates(IMAGE, np.zeros((2, 0))).shape == (0,)
        assert ndimage.zoom(IMAGE, (0, 1)).shape == (0, 30)
        assert ndimage.shift(np.zeros((0, 3)), 1).shape == (0, 3)


class TestCopies:
    """What SciPy computes and is a copy."""

    @pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u1"])
    @pytest.mark.parametrize("shape", [(20000,), (120, 150), (40, 20, 30)])
    def test_whole_shifts_of_large_arrays(self, shape, dtype, monkeypatch):
        monkeypatch.setattr(again, "by_hand", None)  # one kernel writes what lies around, too
        x = (99 * RNG.random(shape)).astype(dtype)
        for steps in ((3, -2, 5), (0, 7, 0), (-25, 0, 29)):
            steps = steps[: x.ndim]
            want = np.full(shape, 7, dtype)
            sizes = list(zip(steps, shape, strict=True))
            inside = tuple(slice(max(s, 0), n + min(s, 0)) for s, n in sizes)
            want[inside] = x[tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in sizes)]
            for array in (x, np.asfortranarray(x), x[::-1].copy()[::-1]):
                got = ndimage.shift(array, steps, output=dtype, cval=7)
                np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u1"])
    @pytest.mark.parametrize("shape", [(20000,), (120, 150), (40, 20, 30)])
    def test_nearest_shifts_of_large_arrays(self, shape, dtype, monkeypatch):
        """Where a sample is read from less than half a pixel outside, the fill is there instead."""
        monkeypatch.setattr(again, "by_hand", None)  # one kernel does it all
        x = (99 * RNG.random(shape)).astype(dtype)
        for steps in ((3.3, -2.4, 5.6), (0, 0.5, -0.5), (-3.6, 0.1, 2), (-19.7, 2.5, 0)):
            steps = steps[: x.ndim]
            at = splines.axis_places([(-s, 1, 0) for s in steps], shape)
            want = splines.sample(x, at, 0, "constant", cval=7)
            for array in (x, np.asfortranarray(x), x[::-1].copy()[::-1]):
                got = ndimage.shift(array, steps, output=dtype, order=0, cval=7)
                np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("columns", [1024, 1027, 5])
    @pytest.mark.parametrize("steps", [(3, -2), (0.3, 4.8)])
    def test_copies_past_the_caches(self, steps, columns, monkeypatch):
        x = RNG.random((2**16 // columns, columns))
        out = np.empty((len(x), columns + 3))
        parts = out[:, 3:], np.zeros(x.size + 1)[1:].reshape(x.shape)
        want = [ndimage.shift(x, steps, part, 0, cval=7).copy() for part in parts]
        monkeypatch.setattr(copies, "STREAM", 0)
        ndimage.shift.calls.forget()
        for part, expected in zip(parts, want, strict=True):
            part[...] = 0
            np.testing.assert_array_equal(ndimage.shift(x, steps, part, 0, cval=7), expected)

    @each_mode
    @pytest.mark.parametrize("order", [0, 1, 3])
    def test_whole_shifts(self, order, mode):
        for steps in ((3, -2), (0, 5), (-40, 2), (25, 0)):
            got = ndimage.shift(IMAGE, steps, order=order, mode=mode, cval=2)
            at = splines.axis_places([(-s, 1, 0) for s in steps], IMAGE.shape)
            bound = 1e-5 if max(map(abs, steps)) > 12 else 1e-12  # see "Borders" in the docs
            assert_close(got, splines.sample(IMAGE, at, order, mode, cval=2), bound)

    @pytest.mark.parametrize("order", [1, 3])
    @pytest.mark.parametrize("degrees", [90, 180, -90, 270, 360])
    def test_quarters(self, order, degrees):
        for axes in ((0, 1), (1, 0), (0, 2)):
            x = VOLUME if 2 in axes else IMAGE
            got = ndimage.rotate(x, degrees, axes=axes, order=order)
            np.testing.assert_array_equal(got, np.rot90(x, degrees // 90, sorted(axes)))

    @pytest.mark.parametrize("dtype", ["f8", "f4"])
    @pytest.mark.parametrize("degrees", [90, 270])
    def test_quarters_of_large_arrays(self, degrees, dtype):
        for shape in ((370, 180), (40, 70, 30)):
            x = RNG.normal(size=shape).astype(dtype)
            for axes in combinations(range(x.ndim), 2):
                got = ndimage.rotate(x, degrees, axes)
                np.testing.assert_array_equal(got, np.rot90(x, degrees // 90, axes))

    def test_into_another_type(self):
        x = np.round(200 * IMAGE)
        got = ndimage.rotate(x, 90, output=np.uint8)
        np.testing.assert_array_equal(got, splines.stored(np.rot90(x), np.uint8))


class TestNumbersThatAreNone:
    COORDINATES = np.array([[np.nan, np.inf, -np.inf, 1e300, -1e300, 2.0]])

    @each_order
    def test_coordinates(self, order):
        x = LINE
        at = {m: self.sampled(x, order, m) for m in MODES}
        edge = ndimage.map_coordinates(x, [[-99.0, 99.0]], order=order, mode="nearest")
        for mode in ("constant", "grid-constant"):
            np.testing.assert_array_equal(at[mode][1:5], 7)
        for mode in ("mirror", "reflect", "wrap", "grid-wrap"):
            np.testing.assert_array_equal(at[mode][:3], 7)
            assert np.isfinite(at[mode]).all()
        assert_close(at["nearest"][1:5], edge[[1, 0, 1, 0]])
        for mode in ("nearest", "grid-constant"):
            assert np.isnan(at[mode][0]) == (order > 0)
        assert at["constant"][0] == 7

    def sampled(self, x, order, mode):
        return ndimage.map_coordinates(x, self.COORDINATES, order=order, mode=mode, cval=7)

    @each_mode
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e19, 1e300])
    def test_shifts(self, value, mode):
        """Some of which end SciPy."""
        for order in (1, 3):
            got = ndimage.shift(IMAGE, (value, 0.5), order=order, mode=mode)
            assert got.shape == IMAGE.shape

    def test_a_diagonal_with_zero(self):
        with np.errstate(all="ignore"):
            got = ndimage.affine_transform(LINE, [0.0], mode="mirror", cval=3)
        assert (got == 3).all()

    def test_a_nan_among_bytes(self):
        x = np.arange(9, dtype=np.uint8)
        for order in (2, 3, 4, 5):
            got = ndimage.map_coordinates(
                x, [[np.nan]], order=order, mode="nearest", prefilter=False
            )
            assert got == 0

    @each_mode
    @pytest.mark.parametrize("order", [2, 3, 4, 5])
    def test_what_no_tap_reads_does_not_count(self, order, mode):
        """Windows at edges hold pixels that no tap reads: a NaN there leaves values alone."""
        x = np.array(VOLUME)
        x[:, (order + 1) // 2 + 1 : 8, 7:12] = np.nan
        c = np.array([[4.25, 4.5, 4.75] * 6, [0.0, 11.0, 5.2] * 6, np.linspace(0.1, 17.9, 18)])
        options = {"order": order, "mode": mode, "cval": 1.5, "prefilter": False}
        want = splines.sample(x, c, **options)
        assert 3 < np.isfinite(want).sum() < 18
        got = ndimage.map_coordinates(x, c, **options)
        assert_close(got[np.isfinite(want)], want[np.isfinite(want)])

    @each_mode
    def test_pixels_that_are_one(self, mode):
        """An axis without a stride: all its taps read the same."""
        x = np.broadcast_to(LINE, (12, 40))
        c = places(x.shape, 60)
        options = {"mode": mode, "cval": 1.5, "prefilter": False}
        assert_close(ndimage.map_coordinates(x, c, **options), splines.sample(x, c, **options))


class TestWhatUsersMeet:
    def test_the_lost_row(self):
        """The last place exceeds the last pixel by an ulp, as SciPy's does."""
        got = ndimage.zoom(np.ones(4), 47, order=1)
        assert len(got) == 188
        assert got[-1] == 0
        assert (got[:-1] > 0.99).all()

    def test_a_border_of_bytes(self):
        """NumPy pads with the fill value as a byte; farther out it is what it was."""
        got = ndimage.map_coordinates(
            np.zeros(30, np.uint8), [[-5.0, -30.0]], np.float64, 3, "grid-constant", 300.0
        )
        assert_close(got, np.array([44.0, 300.0]), 1e-6)

    def test_zoom_forgets_grid_mode_of_complex_arrays(self):
        x = LINE + 0j
        np.testing.assert_array_equal(
            ndimage.zoom(x, 2, mode="nearest", grid_mode=True), ndimage.zoom(x, 2, mode="nearest")
        )

    def test_zoom_by_one_is_assigned(self):
        got = ndimage.zoom(np.array([0.9, -1.9]), 1.0, np.int32)
        assert got.tolist() == [0, -1]

    def test_sines(self):
        """Exact where they are known."""
        got = ndimage.rotate(np.eye(3), 90, order=1)
        np.testing.assert_array_equal(got, np.eye(3)[::-1])

    def test_grid_mode_warns(self):
        with pytest.warns(UserWarning, match="It is recommended to use mode"):
            got = ndimage.zoom(LINE, 2, grid_mode=True)
        assert got.shape == (2 * len(LINE),)
        with pytest.warns(UserWarning, match="complex"):
            got = ndimage.shift(LINE + 0j, 1, output=np.float64)
        assert got.dtype == np.complex128


class TestErrors:
    CASES = (
        ("shift", (LINE, 1), {"order": 6}, RuntimeError, "order must be one of 0 to 5; got 6"),
        ("shift", (LINE, 1), {"order": 1.0}, TypeError, "order must be an integer; got 1.0"),
        ("zoom", (LINE, 1.5), {"mode": "edge"}, RuntimeError, "mode must be one of 'constant'"),
        ("shift", (np.float64(3), 1), {}, RuntimeError, "input must have one axis or more"),
        ("shift", (IMAGE, (1, 2, 3)), {}, RuntimeError, "shift must be a number or 2 of them"),
        ("zoom", (IMAGE, (1,)), {}, RuntimeError, "zoom must be a number or 2 of them"),
        ("zoom", (IMAGE, np.nan), {}, ValueError, "zoom must be finite"),
        ("shift", (LINE.astype("f2"), 1), {}, RuntimeError, "input must be bool, an integer"),
        ("shift", (LINE, 1, "bool"), {}, RuntimeError, "output must be a type of numbers"),
        ("shift", (LINE, 1, np.float16), {}, RuntimeError, "output must be of a type"),
        ("shift", (LINE, 1, np.empty(3)), {}, RuntimeError, "output must have shape (40,)"),
        ("shift", (LINE, 1, np.complex64), {}, RuntimeError, "output must be real"),
        ("shift", (LINE + 0j, 1, "f8"), {}, RuntimeError, "output must be complex"),
        ("shift", (LINE, 1), {"cval": 1j}, TypeError, "cval must be a real number"),
        ("shift", (np.empty((0, 3)), 1), {"output": None}, None, ""),
        ("zoom", (np.empty((0, 3)), 1.5), {}, None, ""),
        ("map_coordinates", (LINE, [[1j]]), {}, TypeError, "coordinates must be real"),
        ("map_coordinates", (LINE, [1.0]), {}, RuntimeError, "coordinates must have an axis"),
        ("map_coordinates", (IMAGE, [[1.0]]), {}, RuntimeError, "shape (2, ...)"),
        ("map_coordinates", (np.empty(0), [[1.0]]), {}, ValueError, "input must not be empty"),
        ("affine_transform", (IMAGE, np.eye(4)), {}, RuntimeError, "matrix must have 2 rows"),
        ("affine_transform", (IMAGE, np.ones((3, 3))), {}, ValueError, "the last row"),
        ("affine_transform", (IMAGE, [1.0, 2]), {"output_shape": (3,)}, RuntimeError, "1 entries"),
        ("affine_transform", (IMAGE, np.ones((2, 1))), {}, RuntimeError, "2 columns"),
        ("affine_transform", (IMAGE, 3.0), {}, RuntimeError, "matrix must have one or two axes"),
        ("rotate", (LINE, 5), {}, ValueError, "input must have two axes"),
        ("rotate", (IMAGE, 5, (0, 1, 2)), {}, ValueError, "axes must be two"),
        ("rotate", (IMAGE, 5, (0, 2)), {}, ValueError, "axes must be among"),
        ("rotate", (IMAGE, 5, (0, 0.5)), {}, ValueError, "axes must be integers"),
        ("spline_filter", (LINE, 1), {}, RuntimeError, "order must be one of 2 to 5"),
        ("spline_filter1d", (LINE, 3, 1), {}, np.exceptions.AxisError, "axis 1"),
        ("geometric_transform", (LINE, lambda i: [1.0]), {}, TypeError, "mapping must return"),
    )

    @pytest.mark.parametrize(("name", "args", "options", "error", "words"), CASES)
    def test_each(self, name, args, options, error, words):
        if error is None:
            assert getattr(ndimage, name)(*args, **options).size == 0
            return
        with pytest.raises(error) as caught:
            getattr(ndimage, name)(*args, **options)
        assert words in str(caught.value)
        assert error is np.exceptions.AxisError or str(caught.value).startswith(f"{name}: ")

    def test_a_read_only_output(self):
        out = np.empty(LINE.shape)
        out.flags.writeable = False
        with pytest.raises(ValueError, match="shift: output must be writable"):
            ndimage.shift(LINE, 1, out)


class TestMemory:
    def test_points_of_a_large_array_read_what_they_need(self, tmp_path):
        """A filtered array on disk, in the other byte order."""
        path = tmp_path / "coefficients"
        whole = np.memmap(path, ">f8", "w+", shape=(300, 100, 100))
        whole[150, 40:60, 40:60] = IMAGE[:20, :20]
        c = 150 + RNG.uniform(-2, 2, (3, 50))
        c[1:] -= 100
        ndimage.map_coordinates(whole, c, prefilter=False)
        tracemalloc.start()
        got = ndimage.map_coordinates(whole, c, prefilter=False)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**18
        assert_close(
            got,
            splines.sample(np.array(whole[140:160], "f8"), c - [[140], [0], [0]], prefilter=False),
        )

    def test_coefficients_and_nothing_else(self):
        x = RNG.normal(size=(600, 700)).astype("f4")
        matrix, out = [[0.9, 0.1], [-0.1, 0.9]], np.empty(x.shape, "f4")
        for mode in ("constant", "nearest"):
            ndimage.affine_transform(x, matrix, output=out, mode=mode)
            tracemalloc.start()
            ndimage.affine_transform(x, matrix, output=out, mode=mode)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 8 * 624 * 724 + 2**18

    @pytest.mark.parametrize("order", [1, 3])
    def test_layouts(self, order):
        c = places(VOLUME.shape, 100)
        want = ndimage.map_coordinates(VOLUME, c, order=order)
        wide = np.zeros((18, 24, 38))
        wide[::2, ::2, ::2] = VOLUME
        turned = np.ascontiguousarray(VOLUME[:, ::-1, ::-1])[:, ::-1, ::-1]
        for x in (np.asfortranarray(VOLUME), wide[::2, ::2, ::2], turned, VOLUME.astype(">f8")):
            assert_close(ndimage.map_coordinates(x, c, order=order), want)
        fields = np.zeros(VOLUME.shape, [("a", "i4"), ("b", "f8")])
        fields["b"] = VOLUME
        assert_close(ndimage.map_coordinates(fields["b"], c, order=order), want)
        for places_ in (np.asfortranarray(c), c[:, ::-1][:, ::-1], np.repeat(c, 2, 1)[:, ::2]):
            assert_close(ndimage.map_coordinates(VOLUME, places_, order=order), want)


class TestImports:
    def test_the_package_does_not_bring_it_along(self):
        script = "import sys, fastsample; print('fastsample.ndimage' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.stdout.strip() == "False", done.stderr

    def test_names(self):
        assert sorted(ndimage.__all__) == list(ndimage.__all__)
        assert all(callable(getattr(ndimage, name)) for name in ndimage.__all__)


@pytest.mark.parametrize("mode", ["constant", "grid-constant", "nearest", "mirror", "grid-wrap"])
@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("planes", [16, 21])
def test_planes_that_are_neighbours_are_as_each_by_itself(order, mode, planes):
    x = np.random.default_rng(order).normal(size=(9, 7, planes))
    options = {"order": order, "mode": mode, "cval": 2.5}
    found = ndimage.rotate(x, 33.3, (0, 1), **options)
    each = [ndimage.rotate(np.ascontiguousarray(x[..., k]), 33.3, **options) for k in range(planes)]
    np.testing.assert_allclose(found, np.stack(each, -1), rtol=0, atol=1e-12)
    assert found.strides[-1] == found.itemsize


def test_planes_that_are_neighbours_on_any_number_of_threads():
    x = np.random.default_rng(7).normal(size=(40, 41, 2, 20))
    found = ndimage.rotate(x, 33.3, (0, 1))
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone = ndimage.rotate(x, 33.3, (0, 1))
    finally:
        numba.set_num_threads(threads)
    assert found.tobytes() == alone.tobytes()
