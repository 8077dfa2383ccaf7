"""Where an image is sampled: grids, flows, maps, matrices, knots and points."""

import numpy as np

from .arrays import GRID_TYPES, dtype, named


def grid(function, name, shape, image):
    """(N, *out, D) for D spatial axes of the image, with its batch or either one 1."""
    batch, axes = image[0], len(image) - 2
    rule = (
        f"{function}: {name} must have shape (N, *out, {axes}) with N = {batch} or 1; got {shape}"
    )
    if len(shape) < 2 or shape[-1] != axes:
        raise ValueError(rule)
    if shape[0] != batch and 1 not in (shape[0], batch):
        raise ValueError(rule)


def flow(function, name, shape, image):
    """(N, D, *in), seen as (N, *in, D), with the image's batch or either one 1."""
    came, wanted = (shape[0], shape[-1], *shape[1:-1]), (len(image) - 2, *image[2:])
    if came[1:] != wanted or (came[0] != image[0] and 1 not in (came[0], image[0])):
        sizes = ", ".join(str(n) for n in wanted)
        raise ValueError(
            f"{function}: {name} must have shape (N, {sizes}) with N = {image[0]} or 1; got {came}"
        )


def flow_last(function, name, shape, image):
    """(N, *in, D), with the image's batch or either one 1."""
    wanted = (*image[2:], len(image) - 2)
    if shape[1:] != wanted or (shape[0] != image[0] and 1 not in (shape[0], image[0])):
        sizes = ", ".join(str(n) for n in wanted)
        raise ValueError(
            f"{function}: {name} must have shape (N, {sizes}) with N = {image[0]} or 1; got {shape}"
        )


def alike(function, **maps):
    """Both of one shape and type."""
    (first, one), (second, other) = maps.items()
    for name, came in maps.items():
        dtype(function, name, came.dtype, GRID_TYPES)
    if one.shape != other.shape:
        raise ValueError(
            f"{function}: {second} must have {first}'s shape {one.shape}; got {other.shape}"
        )
    if one.dtype != other.dtype:
        raise TypeError(
            f"{function}: {second} must have {first}'s type {named(one.dtype)}; got "
            f"{named(other.dtype)}"
        )


def pairs(function, name, came, when):
    """Coordinates (*out, 2)."""
    dtype(function, name, came.dtype, GRID_TYPES)
    if came.shape[-1:] != (2,):
        raise ValueError(f"{function}: {name} must have shape (*out, 2) {when}; got {came.shape}")


def matrices(function, shape, batch, axes, either=True):
    """(N, D, D + 1) for D spatial axes, with the given batch or 1; `either` may be the one of 1."""
    rule = f"{function}: theta must have shape (N, {axes}, {axes + 1}) with N = {batch}"
    if len(shape) != 3 or shape[1:] != (axes, axes + 1):
        raise ValueError(f"{rule} or 1; got {shape}")
    if shape[0] not in (batch, 1) and not (either and batch == 1):
        raise ValueError(f"{rule} or 1; got {shape}")


def homographies(function, shape, batch):
    """(N, 3, 3), with the given batch or either one 1."""
    fits = len(shape) == 3 and shape[1:] == (3, 3)
    if not fits or (shape[0] != batch and 1 not in (shape[0], batch)):
        raise ValueError(
            f"{function}: homography must have shape (N, 3, 3) with N = {batch} or 1; got {shape}"
        )


def knots(function, shape, axes):
    """(N, D, *knots) for D axes, two knots or more along each."""
    if len(shape) != axes + 2 or shape[1] != axes or min(shape[2:], default=0) < 2:
        listed = ", ".join("zyx"[-axes:])
        raise ValueError(
            f"{function}: control must have shape (N, {axes}, *knots) with two knots or more along "
            f"each of {listed}; got {shape}"
        )


def batch(function, name, came, images):
    """As many samples as there are images, or either one 1."""
    if came != images and 1 not in (came, images):
        raise ValueError(f"{function}: {name} must be of N = {images} samples or 1; got {came}")


def points(function, shape):
    """(N, P, D) for D axes; how many these are."""
    if len(shape) != 3 or shape[-1] not in (1, 2, 3):
        raise ValueError(
            f"{function}: points must have shape (N, P, D) with D = 1, 2 or 3; got {shape}"
        )
    return shape[-1]


def point_map(function, shape, axes, samples):
    """A theta for D axes, or a homography for two, of as many samples as points or either one."""
    fits = shape[1:] == (axes, axes + 1) or (axes == 2 and shape[1:] == (3, 3))
    if len(shape) != 3 or not fits or (shape[0] != samples and 1 not in (shape[0], samples)):
        either = " or (N, 3, 3)" if axes == 2 else ""
        raise ValueError(
            f"{function}: map must have shape (N, {axes}, {axes + 1}){either} with N = {samples} "
            f"or 1, or be (control, theta); got {shape}"
        )


def invertible(function, matrices):
    """Each has an inverse; the message names the first that has none."""
    regular = np.isfinite(matrices).all((1, 2))
    regular[regular] = np.linalg.matrix_rank(matrices[regular]) == matrices.shape[-1]
    wrong = np.flatnonzero(~regular)
    if len(wrong):
        k = wrong[0]
        raise ValueError(f"{function}: map[{k}] must have an inverse; got {matrices[k].tolist()}")
