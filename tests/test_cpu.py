"""Kernels for other CPUs than this one."""

import child
import pytest

CALL = """
import numpy as np
import fastsample as fs
image = np.arange(15 * 16, dtype=np.float32).reshape(1, 1, 15, 16)
y, x = np.mgrid[:15, :16].astype(np.float32)
grid = np.stack([x, y], -1)[None] * np.float32(0.5)
want = (grid[0, ..., 1] * 16 + grid[0, ..., 0])[None, None]
np.testing.assert_array_equal(fs.grid_sample(image, grid, coordinates="pixel"), want)
from fastsample._kernels.compiler.cpu import HARDWARE_GATHER
print(HARDWARE_GATHER)
"""


@pytest.mark.compiled
def test_instructions_the_cpu_lacks_are_not_used(tmp_path):
    """NUMBA_CPU_NAME is how one compiles for the oldest machine of many."""
    used = child.script(CALL, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_CPU_NAME="generic")
    assert used.strip() == "0"
