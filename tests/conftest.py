"""Profiles and markers shared by all tests."""

import os
import sys
import tempfile

import pytest
from hypothesis import settings

settings.register_profile("ci", deadline=None, max_examples=40, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=400)
settings.register_profile("interpreted", deadline=None, max_examples=5, derandomize=True)

# Processes of tests share the cores: threads of one that wait must not keep the other's.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# The files that take longest come first, so that no process is left with one at the end: seconds of
# CPU time from a cold cache.
LONGEST = (
    *("test_cache", "test_guard", "test_mirror", "test_threads", "test_docs", "test_bfloat16"),
    *("test_long", "test_masks", "test_installations", "test_ndimage_safety", "test_affine"),
    *("test_ndimage", "test_cli", "test_simd", "test_perspective", "test_company", "test_workers"),
    *("test_fuzz", "test_fills", "test_elastic", "test_quiet", "test_second", "test_lines"),
    *("test_nonfinite", "test_shift", "test_lean", "test_grid_sample"),
)

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def pytest_configure(config):
    """Choose the hypothesis profile; HYPOTHESIS_PROFILE overrides."""
    config.addinivalue_line("markers", "compiled: too slow, or moot, without compiled kernels")
    default = "interpreted" if INTERPRETED else "ci"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", default))
    if sys.dont_write_bytecode and not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="fastsample-tests-")
        config.add_cleanup(folder.cleanup)
        os.environ["FASTSAMPLE_TESTS_BYTECODE"] = folder.name  # see child.py


def pytest_report_header():
    """Say what is coming: nearly all of it is compilation, kept for the next time."""
    return "fastsample: some eight minutes on two cores the first time, less afterwards"


def pytest_collection_modifyitems(items):
    """Order the files; without the JIT leave out what needs it."""
    places = {name: k for k, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
    skip = pytest.mark.skip(
        reason="NUMBA_DISABLE_JIT: too slow as plain Python, or about machine code"
    )
    for item in items:
        if INTERPRETED and item.get_closest_marker("compiled"):
            item.add_marker(skip)
