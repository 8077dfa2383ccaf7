"""align_corners=None is False, as PyTorch has it, in every function that has the option."""

import inspect

import numpy as np
import pytest
from cases import noise

import fastsample as fs

F32 = np.float32
IMAGE, GRID = noise(0, (1, 2, 4, 5), F32), noise(1, (1, 4, 5, 2), F32)
THETA = noise(2, (1, 2, 3), F32)
BOXES = np.array([[1, 0, 5, 3]]), np.array([0])
CALLS = {
    "grid_sample": (IMAGE, GRID),
    "grid_sample_backward": (IMAGE, IMAGE, GRID),
    "affine_grid": (THETA, IMAGE.shape),
    "affine_grid_backward": (GRID, IMAGE.shape),
    "affine_sample": (IMAGE, THETA, (4, 5)),
    "affine_sample_backward": (IMAGE, IMAGE, THETA, (4, 5)),
    "point_sample": (IMAGE, GRID),
    "point_sample_backward": (IMAGE, IMAGE, GRID),
    "grid_sample_double_backward": (IMAGE, GRID, IMAGE, IMAGE, GRID),
    "affine_sample_double_backward": (IMAGE, THETA, IMAGE, IMAGE, THETA, (4, 5)),
    "point_sample_double_backward": (IMAGE, GRID, IMAGE, IMAGE, GRID),
    "patch_affine": (IMAGE, THETA, *BOXES),
    "patch_affine_backward": (IMAGE, IMAGE, THETA, *BOXES),
}


def test_these_are_all():
    public = {name: getattr(fs, name) for name in fs.__all__}
    functions = {name: f for name, f in public.items() if inspect.isfunction(f)}
    assert set(CALLS) == {
        name for name, f in functions.items() if "align_corners" in inspect.signature(f).parameters
    }


@pytest.mark.parametrize("name", CALLS)
def test_none_is_false(name):
    function, of = getattr(fs, name), CALLS[name]
    none, false, true = (function(*of, align_corners=align) for align in (None, False, True))
    for got, want in zip(none, false, strict=True):
        np.testing.assert_array_equal(got, want)
    assert not all(np.array_equal(got, other) for got, other in zip(none, true, strict=True))
