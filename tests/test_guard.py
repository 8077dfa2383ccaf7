"""No kernel reads or writes a byte beyond its arrays: they end, and start, at protected pages."""

import sys
from pathlib import Path

import child
import pytest
from cases import KERNELS

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect"),
]

GROUPS = sorted({(k.ndim, k.mode) for k in KERNELS})
GUARDED = Path(__file__).with_name("guarded.py")


@pytest.mark.parametrize(("ndim", "mode"), GROUPS)
def test_no_byte_too_far(ndim, mode):
    names = [str(k) for k in KERNELS if (k.ndim, k.mode) == (ndim, mode)]
    done = child.run([GUARDED, *names])
    lines = done.stdout.splitlines() or ["nothing ran"]
    assert done.returncode == 0, f"exit {done.returncode} in: {lines[-1]}\n{done.stderr[-2000:]}"
    assert lines[-1] == "done"


@pytest.mark.parametrize("side", ["start", "end"])
def test_the_guard_bites(side):
    """One byte beyond a guarded array kills the process."""
    done = child.run(["-c", BITE, side], limit=60)
    assert done.stdout == "inside\n"
    assert done.returncode < 0


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
