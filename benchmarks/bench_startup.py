"""What a new process waits for: the import, and its first call."""

from . import fresh

IMPORT = """
import time, numba
start = time.perf_counter()
import fastsample
print(time.perf_counter() - start)
"""
FIRST_CALL = f"""{fresh.PRELUDE}
start = time.perf_counter()
fs.grid_sample(zeros(1, 3, 64, 64), zeros(1, 64, 64, 2))
print(time.perf_counter() - start)
"""
TIMES = 3


class Startup:
    """Seconds, in new processes; the best of several where nothing is compiled."""

    unit = "s"
    timeout = 300

    def track_import_beyond_numba(self):
        return fresh.warm(IMPORT, TIMES)

    def track_first_call_warm_cache(self):
        return fresh.warm(FIRST_CALL, TIMES)

    def track_first_call_cold_cache(self):
        return fresh.cold(FIRST_CALL)
