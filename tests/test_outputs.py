"""What an interpolated value becomes in the type of the result."""

import numpy as np
import pytest
from kernels import compiled

from fastsample._kernels.stages.splines.outputs import TYPES, code_of, output_of, stored
from fastsample._kernels.vectors.simd import LANES, load, store

F64 = np.float64
TYPES_OF_RESULTS = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
NUMBERS = (
    *(0.0, -0.0, 0.49999999999999994, 0.5, 0.9999, 1.0, 1.5, 2.5, 254.4, 254.5, 255.2, 256.0),
    *(32766.5, 32767.4, 32768.0, 65534.5, 65535.4, 65536.0, 1e5, 2147483646.5, 2147483647.0),
    *(2147483647.5, 2147483648.0, 4294967294.5, 4294967295.0, 4294967295.5, 4294967296.0),
    *(9007199254740993.0, 2.0**63 - 1024, 2.0**63, 2.0**64 - 2048, 2.0**64, 1e30, np.inf),
)
EDGES = np.array([*NUMBERS, *(-x for x in NUMBERS), np.nan])


def wanted(x, dtype):
    """The rule once more, in Python's whole numbers, which have no limits."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return float(x)
    if dtype.kind == "b":
        return abs(x) >= 1
    limits = np.iinfo(dtype)
    if np.isnan(x):
        return limits.min if dtype in (np.int32, np.int64) else 0
    if np.isinf(x):
        return limits.max if x > 0 else limits.min
    return min(max(int(x + 0.5) if x > 0 else int(x - 0.5), limits.min), limits.max)


def through_the_kernel(x, dtype):
    output = output_of(code_of(np.dtype(dtype)))
    found = np.zeros(x.size, TYPES[code_of(np.dtype(dtype))])

    @compiled
    def run(source, found):
        for i in range(0, source.size, LANES):
            store(found, i, output(load(source, i)))

    run(x, found)
    return found.view(dtype)


@pytest.mark.parametrize("dtype", TYPES_OF_RESULTS)
def test_every_edge(dtype):
    x = np.resize(EDGES, -(-EDGES.size // LANES) * LANES)
    with np.errstate(over="ignore"):
        want = np.array([wanted(float(v), dtype) for v in x], dtype)
    np.testing.assert_array_equal(through_the_kernel(x, dtype), want)
    np.testing.assert_array_equal(np.concatenate([stored(float(v), dtype) for v in x]), want)


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "i4", "u8", "f4"])
def test_single_precision(dtype):
    x = np.resize(EDGES.astype(np.float32), -(-EDGES.size // LANES) * LANES)
    x = np.where(np.abs(x) == np.float32(0.5), np.float32(0.25), x)  # 0.49999999999999994 is none
    want = np.array([wanted(float(v), dtype) for v in x], dtype)
    np.testing.assert_array_equal(through_the_kernel(x, dtype), want)


def test_one_number_of_a_bool_is_a_bool():
    assert stored(0.9, bool).dtype == bool
