"""Calls with outlines: checked like any other, and nothing is computed."""

import numpy as np
import pytest

import fastsample as fs
from fastsample._calls.outline import Outline

F4, F8 = np.dtype(np.float32), np.dtype(np.float64)
IMAGE = Outline((2, 3, 4, 5), F4)
CALLS = {
    "grid_sample": ((IMAGE, Outline((1, 6, 7, 2), F8)), (2, 3, 6, 7)),
    "affine_grid": ((Outline((2, 2, 3), F4), (2, 1, 6, 7)), (2, 6, 7, 2)),
    "affine_sample": ((IMAGE, Outline((1, 2, 3), F4), (6, 7)), (2, 3, 6, 7)),
    "point_sample": ((IMAGE, Outline((2, 9, 2), F4)), (2, 3, 9)),
    "flow_warp": ((IMAGE, Outline((1, 2, 4, 5), F4)), (2, 3, 4, 5)),
    "deform_conv2d": (
        (IMAGE, Outline((2, 18, 2, 3), F4), Outline((8, 3, 3, 3), F4)),
        (2, 8, 2, 3),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_result_s_outline(name):
    arguments, shape = CALLS[name]
    assert getattr(fs, name)(*arguments) == Outline(shape, F4)


def test_channels_last():
    found = fs.grid_sample(IMAGE, Outline((1, 6, 2), F4), channels_last=True)
    assert found == Outline((2, 6, 5), F4)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match=r"grid must have shape .* got \(3, 6, 2\)"):
        fs.grid_sample(IMAGE, Outline((3, 6, 2), F4))
    with pytest.raises(TypeError, match="grid must be float32"):
        fs.grid_sample(IMAGE, Outline((2, 6, 2), np.dtype(np.int64)))
