"""What the tests of other frameworks' arrays share: a framework that is none, and calls."""

import inspect

import numpy as np
import pytest

import fastsample as fs

F32 = np.float32
IMAGE = np.random.default_rng(0).standard_normal((2, 3, 5, 6), F32)
GRID = np.random.default_rng(1).uniform(-1, 1, (2, 4, 7, 2)).astype(F32)
THETA = np.array([[[0.9, 0.2, 0.1], [-0.2, 0.8, 0]]] * 2, F32)
FLOW = np.random.default_rng(2).uniform(-2, 2, (2, 2, 5, 6)).astype(F32)


class Foreign:
    """An array of a framework that is none: NumPy's memory behind DLPack."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.where = array, device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.where

    def __array_namespace__(self):
        return Framework

    @property
    def dtype(self):
        return self.array.dtype


class Framework:
    """What makes one of its arrays from another's."""

    @staticmethod
    def from_dlpack(thing):
        return Foreign(np.from_dlpack(thing))


CALLS = {
    "grid_sample": (fs.grid_sample, (IMAGE, GRID), {}),
    "grid_sample_backward": (
        fs.grid_sample_backward,
        (np.ones((2, 3, 4, 7), F32), IMAGE, GRID),
        {},
    ),
    "affine_grid": (fs.affine_grid, (THETA, (2, 1, 4, 5)), {}),
    "affine_sample": (fs.affine_sample, (IMAGE, THETA, (4, 5)), {}),
    "point_sample": (fs.point_sample, (IMAGE, abs(GRID)), {}),
    "flow_warp": (fs.flow_warp, (IMAGE, FLOW), {}),
    "remap": (fs.remap, (IMAGE[0, 0], GRID[0, ..., 0], GRID[0, ..., 1]), {}),
    "region_shift": (fs.region_shift, (IMAGE, np.array([[1, -2]])), {}),
    "paste_masks": (fs.paste_masks, (abs(IMAGE[0]), np.eye(3, 4, 2, F32) * 4, (6, 7)), {}),
    "deform_conv2d": (
        fs.deform_conv2d,
        (IMAGE, np.zeros((2, 2, 5, 6), F32), np.ones((2, 3, 1, 1), F32)),
        {},
    ),
    "patch_affine": (fs.patch_affine, (IMAGE, THETA, np.array([[0, 0, 3, 4]] * 2), [0, 1]), {}),
    "channels_last": (
        fs.grid_sample,
        (np.moveaxis(IMAGE, 1, -1).copy(), GRID),
        {"channels_last": True},
    ),
}


ONES = {
    name: np.ones(shape, F32)
    for name, shape in {"points": (2, 3, 4, 7), "whole": (2, 3, 5, 6)}.items()
}
BACKWARDS = {
    "affine_grid_backward": (
        fs.affine_grid_backward,
        (np.ones((2, 4, 5, 2), F32), (2, 1, 4, 5)),
        {},
    ),
    "affine_sample_backward": (
        fs.affine_sample_backward,
        (np.ones((2, 3, 4, 5), F32), IMAGE, THETA, (4, 5)),
        {},
    ),
    "point_sample_backward": (fs.point_sample_backward, (ONES["points"], IMAGE, abs(GRID)), {}),
    "flow_warp_backward": (fs.flow_warp_backward, (ONES["whole"], IMAGE, FLOW), {}),
    "region_shift_backward": (
        fs.region_shift_backward,
        (ONES["whole"], IMAGE, np.array([[0.5, -2.0]])),
        {},
    ),
    "deform_conv2d_backward": (
        fs.deform_conv2d_backward,
        (ONES["whole"][:, :2], *CALLS["deform_conv2d"][1]),
        {},
    ),
    "patch_affine_backward": (
        fs.patch_affine_backward,
        (ONES["whole"], *CALLS["patch_affine"][1]),
        {},
    ),
}
EVERY = {**CALLS, **BACKWARDS}


def each_array(calls):
    """The name of a call and the place of an array among its arguments, for all of them."""
    return [
        (name, k)
        for name, (_, arguments, _) in calls.items()
        for k, thing in enumerate(arguments)
        if isinstance(thing, np.ndarray)
    ]


def with_one(name, k, make):
    """The call with the k-th argument made into something else, and what it gives."""
    function, arguments, options = EVERY[name]
    return function(*arguments[:k], make(arguments[k]), *arguments[k + 1 :], **options)


def refusal(name, k, make):
    """The one line in which a call refuses what its k-th argument is made into."""
    with pytest.raises((TypeError, ValueError)) as caught:
        with_one(name, k, make)
    said = str(caught.value)
    function = EVERY[name][0]
    argument = list(inspect.signature(function).parameters)[k]
    assert said.startswith(f"{function.__name__}: {argument}"), said
    assert "; got " in said
    assert "\n" not in said
    return said


def foreign(arguments):
    """Every array as the framework's."""
    return [Foreign(a) if isinstance(a, np.ndarray) else a for a in arguments]
