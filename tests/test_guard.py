"""No kernel reads or writes a byte beyond its arrays: they end, and start, at protected pages."""

import sys
from pathlib import Path

import child
import pytest
from cases import KERNELS, Kernel
from gradients import GRADIENTS

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect"),
]

JOBS = {
    "forward": KERNELS,
    "backward": GRADIENTS,
    "affine": [Kernel("bilinear", "zeros", ndim) for ndim in (1, 2, 3)],
}
GROUPS = sorted({(way, k.ndim, k.mode) for way, kernels in JOBS.items() for k in kernels})
GUARDED = Path(__file__).with_name("guarded.py")


@pytest.mark.parametrize(("way", "ndim", "mode"), GROUPS)
def test_no_byte_too_far(way, ndim, mode):
    names = [str(k) for k in JOBS[way] if (k.ndim, k.mode) == (ndim, mode)]
    done = child.run([GUARDED, way, *names])
    lines = done.stdout.splitlines() or ["nothing ran"]
    assert done.returncode == 0, f"exit {done.returncode} in: {lines[-1]}\n{done.stderr[-2000:]}"
    assert lines[-1] == "done"


PIXELS = [
    ("uint8", 3, ("nearest", "bilinear", "bicubic")),
    *((dtype, n, ["bilinear"]) for dtype, n in (("uint8", 1), ("float32", 3), ("float32", 5))),
    *((dtype, n, ["bilinear"]) for dtype, n in (("float16", 3), ("int16", 2))),
]


@pytest.mark.parametrize(("dtype", "channels", "modes"), PIXELS)
def test_no_byte_too_far_in_whole_pixels(dtype, channels, modes):
    done = child.run([GUARDED, "pixels", dtype, channels, *modes])
    lines = done.stdout.splitlines() or ["nothing ran"]
    assert done.returncode == 0, f"exit {done.returncode} in: {lines[-1]}\n{done.stderr[-2000:]}"
    assert lines[-1] == "done"


@pytest.mark.parametrize(
    ("dtype", "mode"), [("float32", "bilinear"), ("uint8", "bilinear"), ("float32", "bicubic")]
)
def test_no_byte_too_far_in_stretches_of_rows(dtype, mode):
    done = child.run([GUARDED, "near", dtype, mode])
    lines = done.stdout.splitlines() or ["nothing ran"]
    assert done.returncode == 0, f"exit {done.returncode} in: {lines[-1]}\n{done.stderr[-2000:]}"
    assert lines[-1] == "done"


@pytest.mark.parametrize("side", ["start", "end"])
def test_the_guard_bites(side):
    """One byte beyond a guarded array kills the process."""
    done = child.run(["-c", BITE, side], limit=60)
    assert done.stdout == "inside\n"
    assert done.returncode < 0


def test_what_numpy_makes_is_guarded_too():
    done = child.run(["-c", FENCE], limit=60)
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
