"""No kernel reads or writes a byte beyond its arrays: they end, and start, at protected pages."""

import sys
from pathlib import Path

import nursery
import pytest
from cases import KERNELS, Kernel
from gradients import GRADIENTS

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect"),
]

PIXELS = [
    *(("uint8", 3, mode) for mode in ("nearest", "bilinear", "bicubic")),
    *((dtype, n, "bilinear") for dtype, n in (("uint8", 1), ("float32", 3), ("float32", 5))),
    *((dtype, n, "bilinear") for dtype, n in (("float16", 3), ("int16", 2))),
]
JOBS = {
    "forward": KERNELS,
    "backward": GRADIENTS,
    "affine": [Kernel("bilinear", "zeros", ndim) for ndim in (1, 2, 3)],
    "pixels": PIXELS,  # whole ones, channels last
    "maps": [(2,), (7,), (15,), (16,), (33,)],  # knots in a row
    "turned": [("nearest",), ("bilinear",)],
    "near": [("float32", "bilinear"), ("uint8", "bilinear"), ("float32", "bicubic")],
}
GUARDED = Path(__file__).with_name("guarded.py")
LIMIT = 900  # all of a way's kernels in one process, which may have to compile them


def job(way, of):
    """As guarded.py is told it."""
    return ",".join([way, str(of)] if isinstance(of, Kernel) else [way, *map(str, of)])


@pytest.mark.parametrize("way", JOBS)
def test_no_byte_too_far(way):
    jobs = [job(way, of) for of in JOBS[way]]
    done = nursery.run(GUARDED.read_text(), *jobs, limit=LIMIT)
    lines = done.stdout.splitlines() or ["nothing ran"]
    assert done.returncode == 0, f"exit {done.returncode} in: {lines[-1]}\n{done.stderr[-2000:]}"
    assert [line for line in lines if line.startswith("done: ")] == [f"done: {j}" for j in jobs]
    assert len(lines) > 10 * len(jobs), "cases are printed as they run"


@pytest.mark.parametrize("side", ["start", "end"])
def test_the_guard_bites(side):
    """One byte beyond a guarded array kills the process."""
    done = nursery.run(BITE, side, limit=60)
    assert done.stdout == "inside\n"
    assert done.returncode < 0


def test_what_numpy_makes_is_guarded_too():
    done = nursery.run(FENCE, limit=60)
    assert done.stdout == "inside\n", done.stderr
    assert done.returncode < 0


FENCE = """
import ctypes
import numpy as np
from guarded import fenced
with fenced("end"):
    array = np.zeros((3, 5), "f4")
assert not array.any() and type(np.empty(3)) is np.ndarray
last = array.ctypes.data + array.nbytes
ctypes.string_at(last - 60, 60)
print("inside", flush=True)
ctypes.string_at(last, 1)
print("outside", flush=True)
"""

BITE = """
import ctypes, sys
from guarded import Pen
array = Pen().array((5,), "f4", sys.argv[1])
first = array.ctypes.data
ctypes.string_at(first, array.nbytes)
print("inside", flush=True)
ctypes.string_at(first - 1 if sys.argv[1] == "start" else first + array.nbytes, 1)
print("outside", flush=True)
"""
