"""fastsample.ndimage: threads, forked workers, guarded memory, numbers that are none."""

import os
import sys

import child
import numpy as np
import nursery
import pytest
import splines

from fastsample import ndimage

pytestmark = pytest.mark.compiled
LIMIT = 400  # which may have to compile
MODES = [m for m in splines.MODES if m != "grid-mirror"]

CALLS = """
import hashlib
import numba, numpy as np
from fastsample import ndimage
from fastsample._kernels import crowd

crowd.is_here = bool  # never: a call that waited for others would send the next ones to one thread
opened, together = [], crowd.together
def counted(*region):
    opened.append(region)
    together(*region)
crowd.together = counted

rng = np.random.default_rng(0)
image, volume = rng.normal(size=(300, 400)), rng.normal(size=(40, 50, 60))
places = rng.uniform(-20, 420, (2, 300, 300))
matrix = np.array([[0.9, 0.2, 0.1], [-0.2, 1.0, 0.0], [0.1, 0.1, 0.8]])
RUNS = (
    lambda: ndimage.spline_filter(image),
    lambda: ndimage.spline_filter1d(volume, axis=1),
    lambda: ndimage.zoom(image, 1.25),
    lambda: ndimage.shift(volume, 0.3, mode="mirror"),
    lambda: ndimage.map_coordinates(image, places),
    lambda: ndimage.map_coordinates(image, places, order=1, mode="nearest"),
    lambda: ndimage.affine_transform(volume, matrix),
    lambda: ndimage.rotate(image, 25, reshape=False, order=0),
)

def digest(k):
    return hashlib.sha256(RUNS[k]()).hexdigest()
"""

THREADS = """
found = []
for threads in (1, 2, 1):
    numba.set_num_threads(threads)
    opened.clear()
    found.append([digest(k) for k in range(len(RUNS))])
    assert len(opened) >= (len(RUNS) if threads == 2 else 0), len(opened)
    assert threads == 2 or not opened
assert found[0] == found[1] == found[2]
"""

WORKERS = """
import multiprocessing
want = [digest(k) for k in range(len(RUNS))]
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map_async(digest, range(len(RUNS))).get(120) == want
assert [digest(k) for k in range(len(RUNS))] == want
"""

GUARDED = """
import itertools
import numpy as np
from fastsample import ndimage
from guarded import SIDES, Pen, hostile

pens, rng = [Pen(), Pen(), Pen()], np.random.default_rng(0)
for shape, side in itertools.product(((1,), (40,), (1, 5), (3, 17), (7, 33), (2, 3, 4)), SIDES):
    x = rng.normal(size=shape)
    c = np.stack([rng.uniform(-0.5 * n, 1.5 * n, 37) for n in shape])
    for order, prefilter in ((0, False), (1, False), (3, True), (3, False), (5, False)):
        for mode in MODES:
            print(shape, side, order, prefilter, mode, flush=True)
            options = {"order": order, "mode": mode, "prefilter": prefilter}
            calls = (("map_coordinates", c), ("map_coordinates", hostile(c)), ("shift", 0.7))
            for name, other in calls:
                want = getattr(ndimage, name)(x, other, **options)
                a, out = pens[0].copy_of(x, side), pens[1].array(want.shape, "f8", side)
                b = pens[2].copy_of(other, side) if name == "map_coordinates" else other
                getattr(ndimage, name)(a, b, output=out, **options)
                np.testing.assert_array_equal(out, want)
print("done")
"""

PARTS = """
import itertools, mmap
import numpy as np
from fastsample import ndimage
from guarded import Pen, protect

rows, page = 40, mmap.PAGESIZE
pen, width = Pen(3 * rows), 3 * page // 8
whole = pen.array((rows, width), "f8", "start")
whole[...] = np.random.default_rng(0).normal(size=whole.shape)
raw = whole.view(np.uint8).reshape(-1)
views = {
    "plain": whole,
    "swapped": whole.view(">f8"),
    "turned": whole[::-1, ::-1],
    "unaligned": np.ndarray((rows, width - 1), "f8", raw, 1, (3 * page, 8)),
}
copies = {name: x.copy() for name, x in views.items()}
first = whole.ctypes.data
for row, part in itertools.product(range(rows), range(3)):
    if part != 1 or not 16 <= row < 24:
        protect(first + (3 * row + part) * page, page)
periods = {
    "mirror": (78, 2 * width - 2), "reflect": (80, 2 * width), "wrap": (39, width - 1),
    "grid-wrap": (40, width),
}
for (name, x), order, mode in itertools.product(views.items(), (0, 1, 3, 5), MODES):
    for times in (0, 3) if mode in periods and x.shape == whole.shape else (0,):
        print(name, order, mode, times, flush=True)
        far = np.multiply(periods.get(mode, (0, 0)), times)
        how = {"order": order, "mode": mode, "prefilter": False, "output_shape": (4, 9)}
        got, want = (
            ndimage.affine_transform(y, (0.4, 0.7), np.array([19.3, width / 2]) + far, **how)
            for y in (x, copies[name])
        )
        np.testing.assert_array_equal(got, want)
print("done")
"""


def test_the_bits_are_the_same_for_any_number_of_threads():
    child.script(CALLS + THREADS, LIMIT, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER="tbb")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_workers():
    child.script(CALLS + WORKERS, LIMIT, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER="tbb")


@pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect")
@pytest.mark.parametrize("script", [GUARDED, PARTS], ids=["beside", "within"])
def test_no_byte_too_far(script):
    """Beside the arrays, and in one of which little is needed."""
    done = nursery.run(f"MODES = {MODES}\n{script}", limit=LIMIT)
    lines = done.stdout.splitlines() or ["nothing ran"]
    assert done.returncode == 0, f"exit {done.returncode} in: {lines[-1]}\n{done.stderr[-2000:]}"
    assert lines[-1] == "done"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("order", [1, 3])
def test_matrices_that_are_no_numbers(order, value):
    """Places are infinite or none: what a mode says of them is what it says of coordinates."""
    x = np.random.default_rng(1).normal(size=(21, 30))
    with np.errstate(all="ignore"):
        matrix = np.array([[1.0, value], [0.25, 0.75]])
        at = splines.affine_places(matrix, (1.0, 2.0), (6, 7))
    for mode in MODES:
        got = ndimage.affine_transform(
            x, matrix, (1.0, 2.0), (6, 7), order=order, mode=mode, cval=7
        )
        want = ndimage.map_coordinates(x, at, order=order, mode=mode, cval=7)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("order", [1, 3])
def test_past_2_31_elements(order, tmp_path):
    """The last corner of a sparse file, without a copy of it."""
    n, near = 46_400, 40
    whole = np.memmap(tmp_path / "image", np.uint8, "w+", shape=(n, n))
    whole[-8:, -8:] = np.random.default_rng(0).integers(1, 255, (8, 8))
    part = np.array(whole[-near:, -near:])
    options = {"order": order, "prefilter": False, "output": float}
    c = n - 1 - np.random.default_rng(1).uniform(-1, 6, (2, 50))
    got = ndimage.map_coordinates(whole, c, **options)
    want = ndimage.map_coordinates(part, c - (n - near), **options)
    np.testing.assert_array_equal(got, want)
    assert want.max() > 100
    start = np.array([n - 8.0, n - 9.0])
    for matrix in ([[0.9, 0.1], [-0.1, 0.9]], [0.75, 0.5]):
        got = ndimage.affine_transform(whole, matrix, start, (8, 8), **options)
        want = ndimage.affine_transform(part, matrix, start - (n - near), (8, 8), **options)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * n)
    step, last = np.array([5000.25, 6000.5]), n - np.array([5.25, 4.5])  # results far apart
    got = ndimage.affine_transform(whole, step, last - 6 * step, (7, 7), **options)
    assert got[6, 6] == ndimage.map_coordinates(whole, last[:, None], **options)[0] > 0
    assert np.count_nonzero(got) == 1


def test_pixels_without_weight():
    """NaN at order 1: not read by the gather, spread by SciPy and along axes that are resampled."""
    x = np.arange(24.0).reshape(4, 6)
    x[1, 2] = np.nan
    at = np.indices(x.shape).astype(float)
    for mode in MODES:
        got = ndimage.map_coordinates(x, at, order=1, mode=mode)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(x))
        half = ndimage.shift(x, (0.5, 0), order=1, mode=mode)[1:]
        assert np.isnan(half).sum() == 2
        assert np.isnan(half[:2, 2]).all()
