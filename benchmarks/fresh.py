"""Scripts in processes of their own, each with its folder of compiled kernels."""

import os
import subprocess
import sys
from tempfile import TemporaryDirectory

PRELUDE = """
import time
import numpy as np
import fastsample as fs

def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)
"""


def seconds(script, cache):
    """What a script prints: how long something took."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def cold(script):
    """The same with nothing compiled."""
    with TemporaryDirectory() as cache:
        return seconds(script, cache)


def warm(script, times):
    """The best of several, with all compiled."""
    with TemporaryDirectory() as cache:
        seconds(script, cache)  # fills it
        return min(seconds(script, cache) for _ in range(times))
