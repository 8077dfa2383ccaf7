"""grid_sample held against the oracle, with its inputs watched; sizes, grids and layouts to try."""

import numpy as np
import oracle
import pytest
from cases import MODES, coordinates
from tolerances import assert_close

import fastsample as fs

SMALL = {1: (11,), 2: (7, 10), 3: (4, 5, 6)}
OUT = {1: (37,), 2: (5, 7), 3: (3, 2, 7)}
SETTINGS = (("normalized", False), ("normalized", True), ("pixel", False))


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


def settings_of(kernel):
    """Options for each coordinate system of a kernel; a pixel has no corners to align."""
    for kind, align in SETTINGS:
        yield {**kernel.options, "coordinates": kind, "align_corners": align}


def grid_for(kernel, options, shape, sizes, seed=0):
    """A grid in the coordinates that `options` names."""
    kind, align = options["coordinates"], options["align_corners"]
    return coordinates(seed, shape, kernel.grid, sizes, kind, align)


def variants(array):
    """(name, array of the same values in another layout)."""
    spread = np.zeros([2 * s for s in array.shape], array.dtype)
    spread[(slice(None, None, 2),) * array.ndim] = array
    flipped = np.ascontiguousarray(array[(slice(None, None, -1),) * array.ndim])
    bytes_ = np.zeros(array.nbytes + 1, np.uint8)
    unaligned = bytes_[1:].view(array.dtype).reshape(array.shape)
    unaligned[...] = array
    frozen = array.copy()
    frozen.flags.writeable = False
    yield "strided", spread[(slice(None, None, 2),) * array.ndim]
    yield "negative strides", flipped[(slice(None, None, -1),) * array.ndim]
    yield "last axis reversed", np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    yield "fortran", np.asfortranarray(array)
    yield "channels last", np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1)
    yield "read only", frozen
    yield "byte-swapped", array.astype(array.dtype.newbyteorder())
    yield "unaligned", unaligned
    yield (
        "byte-swapped, strided",
        spread.astype(array.dtype.newbyteorder())[(slice(None, None, 2),) * array.ndim],
    )


LAYOUTS = [name for name, _ in variants(np.zeros((1, 1, 1)))]
in_three_dimensions = pytest.mark.parametrize(
    ("mode", "ndim"), [*((mode, 2) for mode in MODES), ("bilinear", 1), ("bilinear", 3)]
)
