"""grid_sample held against the oracle, with its inputs watched."""

import numpy as np
import oracle
from tolerances import assert_close

import fastsample as fs


def sample(input, grid, *args, **options):
    """grid_sample; fails if it wrote to an input."""
    before = np.array(input), np.array(grid)
    out = fs.grid_sample(input, grid, *args, **options)
    for name, old, new in zip(("input", "grid"), before, (input, grid), strict=True):
        assert old.tobytes() == np.array(new).tobytes(), f"{name} was written to"
    return out


def check(input, grid, context="", scale=None, **options):
    """The result, after a comparison of values, shape, dtype and layout with the oracle."""
    got = sample(input, grid, **options)
    want = oracle.grid_sample(input, grid, **options)
    assert type(got) is np.ndarray
    assert got.dtype == input.dtype.newbyteorder("=")
    assert got.flags.c_contiguous
    assert got.flags.writeable
    if options.get("mode") == "nearest":  # copies pixels
        want = want.astype(got.dtype)
        np.testing.assert_array_equal(got, want, err_msg=str(context))
        return got
    assert_close(got, want, extent(input, options) if scale is None else scale, context=context)
    return got


def extent(input, options):
    """The largest finite magnitude that a tap can read."""
    values = np.abs(np.append(input.ravel(), options.get("fill_value", 0)).astype(np.float64))
    return values[np.isfinite(values)].max(initial=1.0)
