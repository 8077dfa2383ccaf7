"""Each primitive of the kernels' vector values against NumPy.

Vectors live inside kernels, so every test reads arrays and writes arrays. Without the JIT the same
tests hold the Python twins to the same results.
"""

import ml_dtypes
import numpy as np
import pytest
from kernels import compiled

from fastsample._kernels.compiler import cpu
from fastsample._kernels.compiler.cpu import PERMUTE
from fastsample._kernels.vectors import gathers, nearest, short_floats
from fastsample._kernels.vectors.byte_pixels import put_bytes, stream_bytes, sum_pairs
from fastsample._kernels.vectors.columns import (
    columns_down,
    columns_up,
    load_columns,
    scatter_quads,
    store_columns,
)
from fastsample._kernels.vectors.gathers import gather, gather_pairs, gather_quads
from fastsample._kernels.vectors.memory import (
    add_unit,
    fence,
    load_first,
    load_fours,
    load_pairs,
    load_triples,
    local,
    prefetch,
    prefetch_at,
    starts_line,
    store_first,
    store_interleaved,
    store_part,
    stream,
    stream_interleaved,
    to_line,
    view_at,
)
from fastsample._kernels.vectors.nearest import LOWEST, all_on_axis, nearest_integers
from fastsample._kernels.vectors.parts import (
    add_part,
    add_parts,
    add_rows,
    copy_part,
    load_parts,
    store_parts,
)
from fastsample._kernels.vectors.pixels import (
    gather_pixel_pairs,
    gather_pixels,
    store_pixels,
    sum_pixel_pairs,
)
from fastsample._kernels.vectors.short_floats import from_brain, from_half, to_brain, to_half
from fastsample._kernels.vectors.simd import (
    LANES,
    absolute,
    at_least,
    at_most,
    convert,
    everywhere,
    floor,
    lane,
    load,
    multiply_add,
    permuted,
    ramp,
    rint,
    splat,
    spread,
    store,
    store_mask,
    turn,
    where,
    within,
)
from fastsample._kernels.vectors.squares import add_squares, copy_four, sum_apart, sum_squares
from fastsample._kernels.vectors.windows import all_within, quad_columns

FLOATS = (np.float32, np.float64)
INTEGERS = (np.int32, np.uint32)
NUMBERS = FLOATS + INTEGERS
FLOAT_EXTREMES = (0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, np.inf, -np.inf, np.nan, 1e30, -1e-30)
each_number = pytest.mark.parametrize("dtype", NUMBERS)
each_float = pytest.mark.parametrize("dtype", FLOATS)


def numbers(dtype, n=LANES, seed=0):
    """n numbers of many sizes and both signs, where there are two."""
    rng = np.random.default_rng(seed)
    if np.issubdtype(dtype, np.floating):
        return (rng.standard_normal(n) * 10.0 ** rng.integers(-3, 6, n)).astype(dtype)
    limits = np.iinfo(dtype)
    values = rng.integers(limits.min, limits.max, n, dtype, endpoint=True)
    values[:: max(n // 4, 1)] = limits.max
    values[1 :: max(n // 3, 1)] = limits.min
    return values


def extremes(dtype):
    """Halves, infinities, NaN and signed zeros, among others."""
    return np.resize(np.array(FLOAT_EXTREMES, dtype), LANES)


each_offset = pytest.mark.parametrize("integer", [np.int32, np.int64])
both_ways = pytest.mark.parametrize("hardware", [0, 1], ids=["loads", "hardware"])


def gather_with(hardware, monkeypatch):
    """Compile gathers as single loads or as the CPU's own instruction, where it has one."""
    if hardware and not gathers.HARDWARE_GATHER:
        pytest.skip("this CPU is not known to gather quickly")
    monkeypatch.setattr(gathers, "HARDWARE_GATHER", hardware)


def places(count, integer):
    """Offsets below `count`, the first and the last among them, for a gather from the 4th on."""
    offsets = np.random.default_rng(2).integers(0, count, LANES + 5).astype(integer)
    offsets[3], offsets[4], offsets[3 + LANES - 1] = count - 1, 0, count - 1
    return offsets


def assert_same(got, want):
    """Equal to the last bit; NaN equals NaN."""
    np.testing.assert_array_equal(got, want, strict=True)


class TestMemory:
    @each_number
    @pytest.mark.parametrize("at", [0, 1, 5])
    def test_load_and_store(self, dtype, at):
        def copy(a, out, i):
            store(out, i, load(a, i))

        a, out = numbers(dtype, 40), np.zeros(40, dtype)
        compiled(copy)(a, out, at)
        assert_same(out[at : at + LANES], a[at : at + LANES])
        assert not out[:at].any()
        assert not out[at + LANES :].any()

    @each_number
    def test_unaligned(self, dtype):
        def copy(a, out):
            store(out, 0, load(a, 0))

        size = LANES * np.dtype(dtype).itemsize
        a, out = (np.zeros(size + 1, np.uint8)[1:].view(dtype) for _ in range(2))
        a[...] = numbers(dtype)
        compiled(copy)(a, out)
        assert_same(out, a)

    @each_number
    def test_local(self, dtype):
        size = 2 * LANES

        def add(a, out, wanted):
            place = local(size, wanted)
            store(place, LANES, load(a, 0))
            store(place, 0, load(a, LANES))
            place[1] = place[LANES]
            store(out, 0, load(place, LANES))
            store(out, LANES, load(place, 0))

        a, out = numbers(dtype, 2 * LANES), np.zeros(2 * LANES, dtype)
        compiled(add)(a, out, dtype)
        want = a.copy()
        want[LANES + 1] = a[0]
        assert_same(out, want)

    @each_number
    def test_stream_and_starts_line(self, dtype):
        def copy(a, out, i):
            if starts_line(out, i):
                stream(out, i, load(a, 0))
                fence()
                return True
            return False

        raw, a = np.zeros(6 * 64 * 8, np.uint8), numbers(dtype)
        first = -raw.ctypes.data % 64
        out = raw[first : first + 4 * 64 * 8].view(dtype)
        kernel, step = compiled(copy), 64 // np.dtype(dtype).itemsize
        assert not kernel(a, out, 1)
        assert not out.any()
        for i in (0, 3 * step):
            assert kernel(a, out, i)
            assert_same(out[i : i + LANES], a)

    def test_to_line(self):
        @compiled
        def ask(a, i):
            return to_line(a, i)

        raw = np.zeros(300, np.uint8)
        first = -raw.ctypes.data % 64
        found = [ask(raw, first + i) for i in range(130)]
        assert found == [64 - i % 64 for i in range(130)]

    @each_number
    def test_view_at(self, dtype):
        def copy(raw, out, start):
            view = view_at(raw, start, LANES + 1, dtype)
            store(out, 0, load(view, 1))
            out[LANES] = view[0]
            view[LANES] = 3

        raw, out = np.zeros(40 * 8, np.uint8), np.zeros(LANES + 1, dtype)
        values = numbers(dtype, LANES + 1)
        place = raw[64 : 64 + values.nbytes].view(dtype)
        place[...] = values
        compiled(copy)(raw, out, 64)
        assert_same(out, np.append(values[1:], values[0]))
        assert_same(place, np.append(values[:-1], dtype(3)))
        assert not raw[:64].any()
        assert not raw[64 + values.nbytes :].any()

    @each_number
    @pytest.mark.parametrize("at", [0, 2, 3])
    def test_interleaved(self, dtype, at):
        def take(a, out, i):
            first, second = load_pairs(a, i)
            store(out, 0, first)
            store(out, LANES, second)
            x, y, z = load_triples(a, i)
            store(out, 2 * LANES, x)
            store(out, 3 * LANES, y)
            store(out, 4 * LANES, z)
            x, y, z, rest = load_fours(a, i)
            store(out, 5 * LANES, x)
            store(out, 6 * LANES, y)
            store(out, 7 * LANES, z)
            store(out, 8 * LANES, rest)

        a, out = numbers(dtype, 4 * LANES + at), np.zeros(9 * LANES, dtype)
        compiled(take)(a, out, at)
        pairs, triples, fours = a[at : at + 2 * LANES], a[at : at + 3 * LANES], a[at:]
        parts = [pairs[::2], pairs[1::2], triples[::3], triples[1::3], triples[2::3]]
        assert_same(out, np.concatenate(parts + [fours[k::4] for k in range(4)]))

    @each_number
    @each_offset
    @both_ways
    def test_gather(self, dtype, integer, hardware, monkeypatch):
        def take(a, first, offsets, out, j):
            store(out, 0, gather(a, first, offsets, j))

        gather_with(hardware, monkeypatch)
        a, out, offsets = numbers(dtype, 100), np.zeros(LANES, dtype), places(93, integer)
        for first in (0, 7):
            compiled(take)(a, first, offsets, out, 3)
            assert_same(out, a[first + offsets[3 : 3 + LANES]])

    @each_number
    @each_offset
    @both_ways
    def test_gather_pairs(self, dtype, integer, hardware, monkeypatch):
        def take(a, first, offsets, out, j):
            left, right = gather_pairs(a, first, offsets, j)
            store(out, 0, left)
            store(out, LANES, right)

        gather_with(hardware, monkeypatch)
        a, out, offsets = numbers(dtype, 100), np.zeros(2 * LANES, dtype), places(92, integer)
        for first in (0, 7):
            compiled(take)(a, first, offsets, out, 3)
            at = first + offsets[3 : 3 + LANES]
            assert_same(out, np.concatenate([a[at], a[at + 1]]))

    @each_number
    @each_offset
    def test_gather_quads(self, dtype, integer):
        def take(a, first, offsets, out, j):
            w, x, y, z = gather_quads(a, first, offsets, j)
            store(out, 0, w)
            store(out, LANES, x)
            store(out, 2 * LANES, y)
            store(out, 3 * LANES, z)

        a, out, offsets = numbers(dtype, 100), np.zeros(4 * LANES, dtype), places(90, integer)
        for first in (0, 7):
            compiled(take)(a, first, offsets, out, 3)
            at = first + offsets[3 : 3 + LANES]
            assert_same(out, np.concatenate([a[at + k] for k in range(4)]))

    @each_number
    @each_offset
    def test_scatter_quads(self, dtype, integer):
        def put(a, first, offsets, out, j):
            vecs = load(a, 0), load(a, LANES), load(a, 2 * LANES), load(a, 3 * LANES)
            scatter_quads(out, first, offsets, j, vecs)

        a, offsets = numbers(dtype, 4 * LANES), 4 * np.roll(np.arange(20, dtype=integer), 7)
        for first in (0, 7):
            out = np.zeros(100, dtype)
            compiled(put)(a, first, offsets, out, 3)
            want = np.zeros(100, dtype)
            for k, at in enumerate(first + offsets[3 : 3 + LANES]):
                want[at : at + 4] = a[k::LANES]
            assert_same(out, want)

    @each_number
    def test_store_columns(self, dtype):
        def put(rows, out, first, offsets):
            store_columns(rows, LANES, out, first, offsets, 2)

        count = 64 // np.dtype(dtype).itemsize
        rows, raw = numbers(dtype, (count + 1) * LANES), np.zeros(20 * 64, np.uint8)
        start = -raw.ctypes.data % 64
        out = raw[start : start + 19 * 64].view(dtype)
        offsets = count * np.roll(np.arange(18), 5)
        compiled(put)(rows, out, count, offsets)
        columns = rows[LANES:].reshape(count, LANES).T
        for k, at in enumerate(count + offsets[2 : 2 + LANES]):
            assert_same(out[at : at + count], columns[k])
        assert np.count_nonzero(out) <= LANES * count

    @each_number
    def test_columns_there_and_back(self, dtype):
        def put(rows, out, first, offsets):
            store_columns(rows, LANES, out, first, offsets, 2)

        def get(rows, source, first, offsets):
            load_columns(rows, LANES, source, first, offsets, 2)

        count = 64 // np.dtype(dtype).itemsize
        rows, out = numbers(dtype, (count + 1) * LANES), np.zeros(19 * count + 3, dtype)
        offsets = 3 + count * np.roll(np.arange(18), 5)  # not at the start of cache lines
        compiled(put)(rows, out, count, offsets)
        columns = rows[LANES:].reshape(count, LANES).T
        for k, at in enumerate(count + offsets[2 : 2 + LANES]):
            assert_same(out[at : at + count], columns[k])
        assert np.count_nonzero(out) <= LANES * count
        back = np.zeros_like(rows)
        compiled(get)(back, out, count, offsets)
        assert_same(back[LANES:], rows[LANES:])
        assert not back[:LANES].any()

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_columns_go_up_and_down(self, dtype):
        def up(rows, source, first, offsets, last):
            row = columns_up(
                rows, LANES, load(last, 0), splat(0.5, rows), source, first, offsets, 2
            )
            store(last, 0, row)

        def down(rows, out, first, offsets, last):
            z, gain = splat(0.5, rows), splat(-2.0, rows)
            store(
                last, 0, columns_down(rows, LANES, load(last, 0), z, gain, out, first, offsets, 2)
            )

        count = 64 // np.dtype(dtype).itemsize
        whole = np.random.default_rng(0).integers(-99, 99, (count, LANES)).astype(dtype)
        columns = np.zeros(19 * count + 3, dtype)
        offsets = 3 + count * np.roll(np.arange(18), 5)
        for k, at in enumerate(count + offsets[2 : 2 + LANES]):
            columns[at : at + count] = whole[:, k]
        rows, last = np.zeros((count + 2) * LANES, dtype), np.arange(LANES, dtype=dtype)
        want, row = [], last.copy()
        for one in whole:
            row = row * dtype(0.5) + one
            want.append(row)
        compiled(up)(rows, columns, count, offsets, last)
        assert_same(rows[LANES:-LANES], np.concatenate(want))
        assert_same(last, row)
        assert not rows[:LANES].any()
        assert not rows[-LANES:].any()
        rows[LANES:-LANES] = whole.ravel()
        out, want, row = np.zeros_like(columns), np.zeros_like(columns), last.copy()
        for m in reversed(range(count)):
            row = row * dtype(0.5) - 2 * whole[m]
            want[count + offsets[2 : 2 + LANES] + m] = row
        compiled(down)(rows, out, count, offsets, last)
        assert_same(out, want)
        assert_same(last, row)
        assert_same(rows[LANES:-LANES], whole.ravel())

    @each_number
    def test_prefetch_changes_nothing(self, dtype):
        def ask(a, offsets):
            prefetch(a, 2, offsets, 1, 8)
            prefetch_at(a, 5)

        a, offsets = numbers(dtype, 100), np.arange(LANES + 1, dtype=np.int32)
        before = a.tobytes()
        compiled(ask)(a, offsets)
        assert a.tobytes() == before


class TestWholePixels:
    @each_number
    def test_pairs_triples_and_quads_lane_by_lane(self, dtype):
        def put(a, out):
            w, x, y, z = load(a, 0), load(a, LANES), load(a, 2 * LANES), load(a, 3 * LANES)
            store_interleaved(out, 0, (w,))
            store_interleaved(out, LANES, (w, x))
            store_interleaved(out, 3 * LANES, (w, x, y))
            store_interleaved(out, 6 * LANES, (w, x, y, z))

        a, out = numbers(dtype, 4 * LANES), np.zeros(10 * LANES, dtype)
        compiled(put)(a, out)
        rows = a.reshape(4, LANES)
        assert_same(out, np.concatenate([rows[:k].T.ravel() for k in (1, 2, 3, 4)]))

    @each_number
    def test_streamed_pairs(self, dtype):
        def put(a, out, at):
            stream_interleaved(out, at, (load(a, 0), load(a, LANES)))
            fence()

        a, out = numbers(dtype, 2 * LANES), np.zeros(3 * LANES, dtype)
        at = -out.ctypes.data % 64 // out.itemsize
        compiled(put)(a, out, at)
        assert_same(out[at : at + 2 * LANES], a.reshape(2, LANES).T.ravel())

    @each_float
    @pytest.mark.parametrize("count", [1, 2, 4])
    def test_units_are_added(self, dtype, count):
        adders = {1: one_unit, 2: two_units, 4: four_units}
        terms, out = numbers(dtype, 12), numbers(dtype, 12, seed=1)
        want = out.copy()
        want[3 : 3 + count] += terms[5 : 5 + count]
        compiled(adders[count])(out, terms)
        assert_same(out, want)

    @each_float
    @pytest.mark.parametrize("beside", [1, 3, -2])
    @pytest.mark.parametrize("count", [1, 2, 3, 4])
    def test_squares(self, dtype, count, beside):
        rng, step, pitch = np.random.default_rng(count), 6, 40
        planes = rng.integers(-9, 9, 4 * pitch).astype(dtype)  # whose sums are exact
        factors = rng.integers(1, 9, 20).astype(dtype)
        factors[1] = np.inf if count == 4 else factors[1]
        weights, out = np.array([7, 2, 0, np.nan, -3, 7], dtype), np.arange(6, dtype=dtype)
        sums, want, places = out.copy(), planes.copy(), np.array([3, 4, 3 + step, 4 + step])
        read = np.array([3, 3 + beside, 3 + step, 3 + step + beside])
        for k in range(count):
            factor = factors[1 + 5 * k]
            with np.errstate(invalid="ignore"):
                sums[1:5] += factor * planes[read + k * pitch]
            want[places[[0, 3]] + k * pitch] += factor * weights[[1, 4]]
        with np.errstate(invalid="ignore"):  # infinity times 0, where kernels are plain Python
            compiled(squarer(dtype, count, beside))(
                planes, factors, weights, out, step, pitch, beside
            )
        assert_same(out, sums)
        assert_same(planes, want)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int16])
    @pytest.mark.parametrize("count", [2, 3, 4])
    def test_few_channels(self, dtype, count):
        offsets = np.arange(LANES + 1, dtype=np.int32)[::-1] * count
        a, out = numbers(dtype, (LANES + 4) * count), np.zeros(LANES * count, dtype)
        for take in takers(count):
            out[...] = 0
            compiled(take)(a, offsets, out)
            assert_same(out, np.concatenate([a[o + count :][:count] for o in offsets[1:]]))

    @pytest.mark.skipif(not PERMUTE, reason="this CPU has no such instruction")
    def test_permuted(self):
        def kernel(a, places, out):
            store(out, 0, permuted(load(a, 0), load(a, LANES), load(places, 0)))

        a, places = numbers(np.float32, 2 * LANES), np.arange(LANES, dtype=np.int32) * 37 + 5
        out = np.zeros(LANES, np.float32)
        compiled(kernel)(a, places, out)
        assert_same(out, a[places % 32])

    @pytest.mark.parametrize("dtype", FLOATS)
    def test_turn(self, dtype):
        def kernel(a, out):
            turn(a, 3, out, 5)

        a, out = numbers(dtype, LANES**2 + 4), np.zeros(LANES**2 + 6, dtype)
        compiled(kernel)(a, out)
        want = np.zeros_like(out)
        want[5:-1] = a[3:-1].reshape(LANES, LANES).T.ravel()
        assert_same(out, want)

    def test_lane(self):
        def kernel(a, out):
            out[0], out[1] = lane(load(a, 0), 0), lane(load(a, 0), 15)

        a, out = numbers(np.int32), np.zeros(2, np.int32)
        compiled(kernel)(a, out)
        assert_same(out, a[[0, 15]])

    def test_everywhere(self):
        def kernel(a, out):
            out[0] = everywhere(load(a, 0) <= 3)
            out[1] = everywhere(load(a, 1) <= 3)

        a, out = np.full(LANES + 1, 3, np.int32), np.zeros(2, bool)
        a[-1] = 4
        compiled(kernel)(a, out)
        assert out.tolist() == [True, False]

    def test_all_within(self):
        def kernel(rows, out):
            for k in range(len(out)):
                out[k] = all_within(load(rows, k * LANES), 1.0, 3.0)

        rows = np.tile(np.linspace(1, 3, LANES), (3 * LANES + 1, 1))
        for k in range(LANES):  # one lane below, above, no number
            rows[[k, LANES + k, 2 * LANES + k], k] = 0.999, 3.001, np.nan
        out = np.ones(len(rows), bool)
        compiled(kernel)(rows.ravel(), out)
        assert out.tolist() == [False] * 3 * LANES + [True]

    @pytest.mark.parametrize("hardware", [True, False])
    def test_half(self, hardware, monkeypatch):
        """Every float16 there and back; and what lies between two, halves to even."""
        if hardware and not cpu.has_halves():
            pytest.skip("this CPU has no such instruction")
        monkeypatch.setattr(short_floats, "has_halves", lambda: hardware)

        def kernel(a, wide, out):
            for j in range(0, len(a), LANES):
                store(wide, j, from_half(load(a, j)))
                store(out, j, to_half(load(wide, j)))

        a = np.arange(2**16, dtype=np.uint16)
        wide, out = np.zeros(2**16, np.float32), np.zeros(2**16, np.uint16)
        compiled(kernel)(a, wide, out)
        assert_same(wide, a.view(np.float16).astype(np.float32))
        assert_same(out.view(np.float16), a.view(np.float16))

        def narrow(a, out):
            for j in range(0, len(a), LANES):
                store(out, j, to_half(load(a, j)))

        finite = np.sort(wide[np.isfinite(wide)])
        middles = (finite[1:] + finite[:-1]) / 2
        beside = [np.nextafter(middles, np.float32(s * np.inf)) for s in (1, -1)]
        huge = np.float32([65519.9, 65520, 1e38, 1e-38, 1e-45])
        between = np.concatenate([middles, *beside, huge, -huge])
        between = np.resize(between, -(-len(between) // LANES) * LANES)
        out = np.zeros(len(between), np.uint16)
        compiled(narrow)(between, out)
        with np.errstate(over="ignore"):
            assert_same(out.view(np.float16), between.astype(np.float16))

    def test_brain(self):
        """Every bfloat16 there and back; and what lies between two, halves to even."""

        def kernel(a, wide, out):
            for j in range(0, len(a), LANES):
                store(wide, j, from_brain(load(a, j)))
                store(out, j, to_brain(load(wide, j)))

        a = np.arange(2**16, dtype=np.uint16)
        wide, out = np.zeros(2**16, np.float32), np.zeros(2**16, np.uint16)
        compiled(kernel)(a, wide, out)
        np.testing.assert_array_equal(wide.view(np.uint32), a.astype(np.uint32) << 16)
        nan = (a & 0x7FFF) > 0x7F80  # becomes a quiet one
        np.testing.assert_array_equal(out, np.where(nan, a | 0x40, a))

        def narrow(a, out):
            for j in range(0, len(a), LANES):
                store(out, j, to_brain(load(a, j)))

        below = np.arange(2**16, dtype=np.uint32)[~nan] << 16
        between = np.concatenate([below + 0x7FFF, below + 0x8000, below + 0x8001])
        between = between[(between & 0x7FFFFFFF) < 0x7F800000]
        between = np.resize(between, -(-len(between) // LANES) * LANES).view(np.float32)
        out = np.zeros(len(between), np.uint16)
        compiled(narrow)(between, out)
        assert_same(out, between.astype(ml_dtypes.bfloat16).view(np.uint16))
        loud = np.full(LANES, 0x7F800001, np.uint32).view(np.float32)  # nothing left if cut off
        out = np.zeros(LANES, np.uint16)
        compiled(narrow)(loud, out)
        assert (out == 0x7FC0).all()

    @pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
    def test_small_integers(self, dtype):
        """To floats and back, all of them."""

        def kernel(a, wide, out):
            for j in range(0, len(a), LANES):
                store(wide, j, convert(load(a, j), wide))
                store(out, j, convert(load(wide, j), out))

        limits = np.iinfo(dtype)
        a = np.arange(limits.min, limits.max + 1).astype(dtype)
        wide, out = np.zeros(len(a), np.float32), np.zeros(len(a), dtype)
        compiled(kernel)(a, wide, out)
        assert_same(wide, a.astype(np.float32))
        assert_same(out, a)

    @each_float
    @pytest.mark.parametrize("count", [1, 3, 7, 8, 20])
    def test_first_lanes(self, dtype, count):
        """What is left of a pixel's channels: nothing beyond them is read or written."""

        def copy(a, out, count):
            store_first(out, 1, load_first(a, 0, count, 8), count, 8)
            store_part(out, 12, load_first(a, 0, count, 8), 4)

        there = min(count, 8)
        a, out = numbers(dtype, there), np.zeros(16, dtype)
        compiled(copy)(a, out, count)
        whole = np.zeros(8, dtype)
        whole[:there] = a
        want = np.zeros(16, dtype)
        want[1 : 1 + there], want[12:] = a, whole[:4]
        assert_same(out, want)

    @each_float
    def test_parts(self, dtype):
        wide = np.dtype(dtype).itemsize == 8  # two parts of 8, four of 4

        def eights(a, weights, out):
            store_parts(out, 0, load_parts(a, 3, 8), 8)
            add_parts(out, load_parts(a, 4, 8), weights, 1, 8)

        def fours(a, weights, out):
            store_parts(out, 0, load_parts(a, 3, 4), 4)
            add_parts(out, load_parts(a, 4, 4), weights, 1, 4)

        a, weights, out = numbers(dtype, 20), numbers(dtype, 5, seed=1), np.zeros(20, dtype)
        compiled(eights if wide else fours)(a, weights, out)
        count = 2 if wide else 4
        each = np.repeat(weights[1 : 1 + count], LANES // count)
        terms = a[3:19].astype(np.float64), a[4:20].astype(np.float64) * each
        bound = 2 * np.finfo(dtype).eps * (np.abs(terms[0]) + np.abs(terms[1]))  # fused or not
        assert (np.abs(out[:LANES] - (terms[0] + terms[1])) <= bound).all()
        assert_same(out[LANES:], np.zeros(4, dtype))

    @each_float
    def test_one_weight_for_all_parts_and_one_part(self, dtype):
        def kernel(a, weights, out, total):
            store_parts(out, 0, load_parts(a, 3, 4), 4)
            add_rows(out, load_parts(a, 4, 4), weights, 1, 4)
            copy_part(a, 5, total, 0, 4)
            add_part(total, a, 2, weights, 3, 4)

        a, weights = numbers(dtype, 20), numbers(dtype, 5, seed=1)
        out, total = np.zeros(20, dtype), np.zeros(8, dtype)
        compiled(kernel)(a, weights, out, total)
        exact, each = a.astype(np.float64), weights.astype(np.float64)
        for found, first, term in (
            (out[:LANES], exact[3:19], exact[4:20] * each[1]),
            (total[:4], exact[5:9], exact[8:12] * each[3]),
        ):
            bound = 2 * np.finfo(dtype).eps * (np.abs(first) + np.abs(term))  # fused or not
            assert (np.abs(found - (first + term)) <= bound).all()
        assert_same(out[LANES:], np.zeros(4, dtype))
        assert_same(total[4:], np.zeros(4, dtype))

    @each_float
    def test_columns_of_quads(self, dtype):
        def kernel(a, out):
            found = quad_columns(a, 3, 8)
            store(out, 0, found[0])
            store(out, LANES, found[1])
            store(out, 2 * LANES, found[2])
            store(out, 3 * LANES, found[3])

        a, out = numbers(dtype, 8 * LANES), np.zeros(4 * LANES, dtype)
        compiled(kernel)(a, out)
        rows = a[3 : 3 + 8 * (LANES - 1) + 4]
        want = np.stack([rows[8 * k : 8 * k + 4] for k in range(LANES)], 1)
        assert_same(out, want.ravel())

    @each_number
    def test_ramp_and_spread(self, dtype):
        def kernel(a, out):
            store(out, 0, ramp(a))
            store(out, LANES, spread(load(a, 0), 2))

        a, out = numbers(dtype), np.zeros(2 * LANES, dtype)
        compiled(kernel)(a, out)
        assert_same(out, np.concatenate([np.arange(LANES, dtype=dtype), np.repeat(a[8:12], 4)]))


def one_unit(out, terms):
    add_unit(out, 3, terms, 5, 1)


def two_units(out, terms):
    add_unit(out, 3, terms, 5, 2)


def four_units(out, terms):
    add_unit(out, 3, terms, 5, 4)


def squarer(dtype, count, beside):
    """So many planes' squares, summed and added to."""
    add_up = sum_squares if beside == 1 else sum_apart

    def squares(planes, factors, weights, out, step, pitch, beside):
        four = local(4, dtype)
        copy_four(out, 1, four, 0)
        add_up(planes, 3, step, pitch, beside, factors, 1, 5, four, count)
        copy_four(four, 0, out, 1)
        copy_four(weights, 1, four, 0)
        add_squares(planes, 3, step, pitch, factors, 1, 5, four, count)

    return squares


def takers(count):
    """Pixels of so many channels by their own loads and by whole ones, and both of a pair."""

    def exactly(a, offsets, out):
        store_pixels(out, 0, gather_pixels(a, count, offsets, 1, count, False), count)

    def whole(a, offsets, out):
        store_pixels(out, 0, gather_pixels(a, count, offsets, 1, count, True), count)

    def right(a, offsets, out):
        pairs = gather_pixel_pairs(a, 0, offsets, 1, count, False)
        store_pixels(out, 0, (pairs[4], pairs[5], pairs[6], pairs[7]), count)

    def right_whole(a, offsets, out):
        pairs = gather_pixel_pairs(a, 0, offsets, 1, count, True)
        store_pixels(out, 0, (pairs[4], pairs[5], pairs[6], pairs[7]), count)

    def left(a, offsets, out):
        pairs = gather_pixel_pairs(a, count, offsets, 1, count, False)
        store_pixels(out, 0, (pairs[0], pairs[1], pairs[2], pairs[3]), count)

    return exactly, whole, right, right_whole, left


def summer(count):
    """Two rows of pairs of pixels of so many bytes, in pixels again."""
    rows, pitch, lanes = 2, LANES + 3, LANES * count

    def sums(a, steps, offsets, weights, out):
        totals = local(lanes, np.float32)
        sum_pairs(a, 1, steps, offsets, 3, weights, 2, pitch, rows, count, totals)
        put_bytes(out, 0, totals, count)

    return sums


class TestNearest:
    @pytest.mark.parametrize("anywhere", [False, True])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_integers(self, monkeypatch, dtype, anywhere):
        if anywhere:
            monkeypatch.setattr(nearest, "registers", lambda: None)

        def kernel(a, out):
            store(out, 0, nearest_integers(load(a, 0)))

        some = [0.5, 1.5, -0.5, -1.5, 2.49, -0.0, 7, 2**24, 2**31, -(2**31), 3e9, -3e9, 1e30]
        a, out = np.array([*some, np.nan, np.inf, -np.inf], dtype), np.zeros(LANES, np.int32)
        compiled(kernel)(a, out)
        lost = [LOWEST] * (LANES - 8)
        assert_same(out, np.array([0, 2, 0, -2, 2, 0, 7, 2**24, *lost], np.int32))

    @pytest.mark.parametrize("anywhere", [False, True])
    def test_all_on_axis(self, monkeypatch, anywhere):
        if anywhere:
            monkeypatch.setattr(nearest, "registers", lambda: None)

        def kernel(a, last, out):
            for k in range(4):
                out[k] = all_on_axis(load(a, k * LANES), last)

        a, out = np.resize(np.arange(8, dtype=np.int32), (4, LANES)), np.zeros(4, np.int64)
        a[1, 15], a[2, 0], a[3, 9] = 8, -1, LOWEST
        compiled(kernel)(a.ravel(), 7, out)
        assert_same(out, np.array([1, 0, 0, 0]))
        compiled(kernel)(a.ravel(), 8, out)
        assert_same(out, np.array([1, 1, 0, 0]))


class TestBytePixels:
    @pytest.mark.parametrize("count", [2, 3, 4])
    def test_sums_of_pairs(self, count):
        rng = np.random.default_rng(5)
        a, pitch = rng.integers(0, 256, 90, np.uint8), LANES + 3
        steps, offsets = np.array([0, 20]), places(90 - 20 - 8, np.int32)
        share = rng.integers(0, 17, (2, LANES)) / np.float32(16)
        each = np.concatenate([share * 0.25, (1 - share) * 0.75])[[0, 2, 1, 3]]  # every sum exact
        weights = np.zeros((4, pitch), np.float32)
        weights[:, 2 : 2 + LANES] = each
        out = np.zeros(LANES * count, np.uint8)
        compiled(summer(count))(a, steps, offsets, weights.ravel(), out)
        at = 1 + steps[:, None] + offsets[3 : 3 + LANES]
        want = 0
        for row, tap in np.ndindex(2, 2):
            pixels = a[at[row][:, None] + tap * count + np.arange(count)]
            want = want + pixels * each[2 * row + tap][:, None]
        assert_same(out, np.rint(want).astype(np.uint8).ravel())

    @pytest.mark.parametrize("count", [3, 4])
    def test_sums_of_pairs_of_floats(self, count):
        pitch, rows = LANES + 3, 2

        def kernel(a, steps, offsets, weights, out):
            found = sum_pixel_pairs(a, 1, steps, offsets, 3, weights, 2, pitch, rows, count)
            store_pixels(out, 0, found, count)

        rng = np.random.default_rng(6)
        a, steps, offsets = rng.random(90, np.float32), np.array([0, 20]), places(62, np.int32)
        weights = rng.random((4, pitch), np.float32)
        weights[1, 2:6], a[1 + count + offsets[3:7]] = 0, np.nan  # which does not matter
        out = np.zeros(LANES * count, np.float32)
        compiled(kernel)(a, steps, offsets, weights.ravel(), out)
        want = np.zeros((LANES, count), np.float32)
        for row, tap in np.ndindex(2, 2):
            at = 1 + steps[row] + offsets[3 : 3 + LANES, None] + tap * count + np.arange(count)
            each = weights[2 * row + tap, 2 : 2 + LANES, None]
            want += np.where(each != 0, a[at], 0) * each
        np.testing.assert_allclose(out, want.ravel(), rtol=1e-6)
        assert np.isfinite(want[:4, 0]).any()

    def test_halves_go_to_even_and_lines_pass_the_caches(self):
        def kernel(totals, out, line):
            put_bytes(out, line + 1, totals, 3)
            stream_bytes(out, line + 64, totals, 4)
            fence()

        totals = np.resize(np.array([0, 0.5, 1.5, 2.5, 254.5, 255, 255.25, 7], np.float32), 64)
        out = np.zeros(192, np.uint8)
        line = -out.ctypes.data % 64
        compiled(kernel)(totals, out, line)
        out = out[line : line + 128]
        pixels = np.rint(totals).astype(np.uint8).reshape(4, LANES).T
        assert_same(out[1:49], pixels[:, :3].ravel())
        assert_same(out[64:], pixels.ravel())
        assert not out[[0, *range(49, 64)]].any()


class TestArithmetic:
    @each_number
    def test_add_subtract_multiply(self, dtype):
        def kernel(a, b, out, scalar):
            x, y = load(a, 0), load(b, 0)
            store(out, 0, x + y)
            store(out, LANES, x - y)
            store(out, 2 * LANES, x * y)
            store(out, 3 * LANES, x + scalar)
            store(out, 4 * LANES, scalar - x)
            store(out, 5 * LANES, scalar * x)

        a, b, three = numbers(dtype), numbers(dtype, seed=1), dtype(3)
        out = np.zeros(6 * LANES, dtype)
        compiled(kernel)(a, b, out, three)
        assert_same(out, np.concatenate([a + b, a - b, a * b, a + three, three - a, three * a]))

    @each_float
    def test_divide(self, dtype):
        def kernel(a, b, out):
            store(out, 0, load(a, 0) / load(b, 0))
            store(out, LANES, 1.0 / load(b, 0))

        a, b, out = numbers(dtype), numbers(dtype, seed=1), np.zeros(2 * LANES, dtype)
        compiled(kernel)(a, b, out)
        assert_same(out, np.concatenate([a / b, dtype(1) / b]))

    @each_float
    def test_nothing_is_contracted(self, dtype):
        """A product and a sum round twice; one rounding has to be asked for."""

        def kernel(a, b, c, out):
            store(out, 0, load(a, 0) * load(b, 0) + load(c, 0))

        a, b = numbers(dtype), numbers(dtype, seed=1)
        c, out = -(a * b), np.zeros(LANES, dtype)
        compiled(kernel)(a, b, c, out)
        assert_same(out, np.zeros(LANES, dtype))

    @each_float
    def test_multiply_add(self, dtype):
        """One rounding or two."""

        def kernel(a, b, c, out):
            store(out, 0, multiply_add(load(a, 0), load(b, 0), load(c, 0)))

        a, b, c = (np.random.default_rng(k).random(LANES).astype(dtype) for k in range(3))
        out = np.zeros(LANES, dtype)
        compiled(kernel)(a, b, c, out)
        np.testing.assert_allclose(out, a * b + c, rtol=2 * np.finfo(dtype).eps)

    @each_float
    def test_rounding(self, dtype):
        def kernel(a, out):
            store(out, 0, floor(load(a, 0)))
            store(out, LANES, rint(load(a, 0)))
            store(out, 2 * LANES, absolute(load(a, 0)))

        for a in (numbers(dtype), extremes(dtype)):
            out = np.zeros(3 * LANES, dtype)
            compiled(kernel)(a, out)
            assert_same(out, np.concatenate([np.floor(a), np.rint(a), np.abs(a)]))

    @each_number
    def test_splat(self, dtype):
        def kernel(a, scalar, out):
            store(out, 0, splat(scalar, load(a, 0)))
            store(out, LANES, splat(scalar, a))

        out = np.zeros(2 * LANES, dtype)
        compiled(kernel)(numbers(dtype), 41, out)
        assert_same(out, np.full(2 * LANES, 41, dtype))


class TestBounds:
    @each_number
    def test_at_most_and_at_least(self, dtype):
        def kernel(a, b, scalar, out):
            x, y = load(a, 0), load(b, 0)
            store(out, 0, at_most(x, y))
            store(out, LANES, at_least(x, y))
            store(out, 2 * LANES, at_most(x, scalar))
            store(out, 3 * LANES, at_least(x, scalar))

        a, b, two = numbers(dtype), numbers(dtype, seed=1), dtype(2)
        out = np.zeros(4 * LANES, dtype)
        compiled(kernel)(a, b, two, out)
        bounds = (np.minimum(a, b), np.maximum(a, b), np.minimum(a, two), np.maximum(a, two))
        assert_same(out, np.concatenate(bounds))

    @each_float
    def test_nan_stays(self, dtype):
        def kernel(a, out):
            store(out, 0, at_most(load(a, 0), 1.0))
            store(out, LANES, at_least(load(a, 0), 1.0))

        a, out = extremes(dtype), np.zeros(2 * LANES, dtype)
        compiled(kernel)(a, out)
        one = dtype(1)
        assert_same(out, np.concatenate([np.minimum(a, one), np.maximum(a, one)]))


class TestSelection:
    def lanes(self, dtype):
        """Two arrays with equal, smaller and larger lanes, and NaN among floats."""
        a, b = numbers(dtype), numbers(dtype, seed=1)
        b[::3] = a[::3]
        if dtype in FLOATS:
            a[4], b[5] = np.nan, np.nan
            a[6] = b[6] = np.nan
        return a, b

    @each_number
    def test_comparisons(self, dtype):
        def kernel(a, b, out):
            x, y = load(a, 0), load(b, 0)
            yes, no = splat(1, out), splat(0, out)
            store(out, 0, where(x < y, yes, no))
            store(out, LANES, where(x <= y, yes, no))
            store(out, 2 * LANES, where(x > y, yes, no))
            store(out, 3 * LANES, where(x >= y, yes, no))
            store(out, 4 * LANES, where(x == y, yes, no))
            store(out, 5 * LANES, where(x != y, yes, no))

        a, b = self.lanes(dtype)
        out = np.zeros(6 * LANES, np.int32)
        compiled(kernel)(a, b, out)
        want = np.concatenate([a < b, a <= b, a > b, a >= b, a == b, a != b])
        assert_same(out, want.astype(np.int32))

    @each_number
    def test_where_and_masks(self, dtype):
        def kernel(a, b, scalar, out):
            x, y = load(a, 0), load(b, 0)
            store(out, 0, where(x < y, x, y))
            store(out, LANES, where((x < y) | (x == y), x, scalar))
            store(out, 2 * LANES, where((x <= y) & (x >= y), scalar, y))
            store(out, 3 * LANES, where(x >= scalar, x, y))

        a, b = self.lanes(dtype)
        nine, out = dtype(9), np.zeros(4 * LANES, dtype)
        compiled(kernel)(a, b, nine, out)
        want = (
            np.where(a < b, a, b),
            np.where(a <= b, a, nine),
            np.where(a == b, nine, b),
            np.where(a >= nine, a, b),
        )
        assert_same(out, np.concatenate(want))

    @each_number
    @pytest.mark.parametrize("byte", [bool, np.uint8])
    @pytest.mark.parametrize("at", [0, 3])
    def test_store_mask(self, dtype, byte, at):
        """Bytes 0 and 1, where there was anything."""

        def kernel(a, b, out, i):
            store_mask(out, i, load(a, 0) < load(b, 0))

        a, b = self.lanes(dtype)
        raw = np.full(LANES + 5, 7, np.uint8)
        compiled(kernel)(a, b, raw.view(byte), at)
        want = np.full(LANES + 5, 7, np.uint8)
        want[at : at + LANES] = a < b
        assert_same(raw, want)

    @pytest.mark.parametrize("dtype", [np.int32, np.int64])
    def test_within(self, dtype):
        def kernel(a, out):
            x = load(a, 0)
            store(out, 0, where(within(x, splat(9, x)), splat(1, out), splat(0, out)))

        limits = np.iinfo(dtype)
        a = np.resize(np.array([-1, 0, 1, 8, 9, 10, limits.min, limits.max], dtype), LANES)
        out = np.zeros(LANES, np.int32)
        compiled(kernel)(a, out)
        assert_same(out, ((a >= 0) & (a < 9)).astype(np.int32))


class TestConvert:
    @pytest.mark.parametrize("target", [*NUMBERS, np.int64])
    @pytest.mark.parametrize("source", NUMBERS)
    def test_values_that_fit(self, source, target):
        def kernel(a, out):
            store(out, 0, convert(load(a, 0), out))

        signed = source is not np.uint32 and target is not np.uint32
        values = np.linspace(-1000 if signed else 0, 70_000, LANES)
        a, out = values.astype(source), np.zeros(LANES, target)
        compiled(kernel)(a, out)
        assert_same(out, a.astype(target))

    def test_unsigned_beyond_signed(self):
        def kernel(a, wide, real):
            store(wide, 0, convert(load(a, 0), wide))
            store(real, 0, convert(load(a, 0), real))

        a = np.full(LANES, 2**32 - 1, np.uint32)
        wide, real = np.zeros(LANES, np.int64), np.zeros(LANES)
        compiled(kernel)(a, wide, real)
        assert_same(wide, a.astype(np.int64))
        assert_same(real, a.astype(np.float64))

    def test_float64_to_float32_rounds(self):
        def kernel(a, out):
            store(out, 0, convert(load(a, 0), out))

        a, out = numbers(np.float64), np.zeros(LANES, np.float32)
        compiled(kernel)(a, out)
        assert_same(out, a.astype(np.float32))
