"""What a new process pays: import, the first call from a warm cache, cold compilation."""

import os
import subprocess
import sys
import tempfile

IMPORT = """
import time, numba
start = time.perf_counter()
import fastsample
print(time.perf_counter() - start)
"""
FIRST_CALL = """
import time, numpy as np, fastsample
x, grid = np.zeros((1, 3, 64, 64), np.float32), np.zeros((1, 64, 64, 2), np.float32)
start = time.perf_counter()
fastsample.grid_sample(x, grid)
print(time.perf_counter() - start)
"""


def seconds(script, cache):
    """Run a script in a new process with its own cache folder; it prints how long it took."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


class Startup:
    """Best of several new processes, in seconds."""

    unit = "s"
    timeout = 120

    def setup(self):
        self.folder = tempfile.TemporaryDirectory()

    def teardown(self):
        self.folder.cleanup()

    def track_import_beyond_numba(self):
        return min(seconds(IMPORT, self.folder.name) for _ in range(5))

    def track_first_call_warm_cache(self):
        seconds(FIRST_CALL, self.folder.name)  # fills the cache
        return min(seconds(FIRST_CALL, self.folder.name) for _ in range(5))

    def track_first_call_cold_cache(self):
        return min(self._cold() for _ in range(3))

    def _cold(self):
        with tempfile.TemporaryDirectory() as empty:
            return seconds(FIRST_CALL, empty)
