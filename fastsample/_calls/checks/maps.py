"""Where an image is sampled: grids, flows, maps, matrices, knots and points."""

import numpy as np

from .arrays import GRID_TYPES, dtype, named


def grid(function, name, shape, image):
    """(N, *out, D) for D spatial axes of the image, with its batch or either one 1.

    Points (P, D) beside one image would be P samples of a point each: meant is a list, as a rule.
    """
    batch, axes = image[0], len(image) - 2
    rule = f"{function}: {name} must have shape (N, *out, {axes}){_samples(batch)}; got {shape}"
    if len(shape) < 2 or shape[-1] != axes:
        raise ValueError(rule + _grid_advice(name, shape, image))
    if shape[0] not in (1, batch) and (batch != 1 or len(shape) == 2):
        one = len(shape) == 2 or (name == "grid" and len(shape) == axes + 1)
        raise ValueError(rule + (f": one for all samples is {name}[None]" if one else ""))


def _samples(batch):
    """How many samples there must be; a single image is shared by any number."""
    return "" if batch == 1 else f" with N = {batch} or 1"


def _grid_advice(name, shape, image):
    """What to do about a grid whose last axis does not hold the coordinates of this input."""
    axes = len(image) - 2
    if shape == (axes,):
        return f": one point is {name}[None, None]"
    if len(shape) > 2 and shape[1] == axes:
        return f": coordinates come last: numpy.moveaxis({name}, 1, -1)"
    if shape[-1:] == (axes + 1,) and axes < 3:
        one = "(H, W, C) is input[None]" if axes == 1 else "(D, H, W, C) is input[None]"
        return (
            f": the input is read as N = {image[0]}, C = {image[1]} and {axes} spatial "
            f"{'axis' if axes == 1 else 'axes'}; one image {one} with channels_last=True"
        )
    return f": the input has {axes} spatial axes, so a point has {axes} coordinates"


def flow(function, name, shape, image):
    """(N, D, *in), seen as (N, *in, D), with the image's batch or either one 1."""
    came, wanted = (shape[0], shape[-1], *shape[1:-1]), (len(image) - 2, *image[2:])
    if came[1:] != wanted or (came[0] != image[0] and 1 not in (came[0], image[0])):
        sizes = ", ".join(str(n) for n in wanted)
        advice = ""
        if came[1:] == (*image[2:], wanted[0]):
            advice = f": components come second: numpy.moveaxis({name}, -1, 1)"
        elif came == wanted:
            advice = f": one for all samples is {name}[None]"
        raise ValueError(
            f"{function}: {name} must have shape (N, {sizes}){_samples(image[0])}; "
            f"got {came}{advice}"
        )


def flow_last(function, name, shape, image):
    """(N, *in, D), with the image's batch or either one 1."""
    wanted = (*image[2:], len(image) - 2)
    if shape[1:] != wanted or (shape[0] != image[0] and 1 not in (shape[0], image[0])):
        sizes = ", ".join(str(n) for n in wanted)
        raise ValueError(
            f"{function}: {name} must have shape (N, {sizes}){_samples(image[0])}; got {shape}"
            + (f": one for all samples is {name}[None]" if shape == wanted else "")
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
            f"{named(other.dtype)}: convert it with {second}.astype({first}.dtype)"
        )


def pairs(function, name, came, when):
    """Coordinates (*out, 2)."""
    dtype(function, name, came.dtype, GRID_TYPES)
    if came.shape[-1:] != (2,):
        raise ValueError(
            f"{function}: {name} must have shape (*out, 2) {when}; got {came.shape}: pass both "
            "maps, or numpy.stack([map_x, map_y], axis=-1)"
        )


def matrices(function, shape, batch, axes, either=True):
    """(N, D, D + 1) for D spatial axes, with the given batch or 1; `either` may be the one of 1."""
    form, square = (axes, axes + 1), (axes + 1, axes + 1)
    samples = _samples(batch) if either or batch != 1 else " with N = 1"
    rule = f"{function}: theta must have shape (N, {axes}, {axes + 1}){samples}; got {shape}"
    advice = {
        form: ": add a batch axis: theta[None]",
        square: f": drop the last row: theta[None, :{axes}]",
        (*shape[:1], *square): f": drop the last row: theta[:, :{axes}]",
    }
    if len(shape) != 3 or shape[1:] != form:
        raise ValueError(rule + advice.get(shape, ""))
    if shape[0] not in (batch, 1) and not (either and batch == 1):
        raise ValueError(rule)


def homographies(function, shape, batch):
    """(N, 3, 3), with the given batch or either one 1."""
    fits = len(shape) == 3 and shape[1:] == (3, 3)
    if not fits or (shape[0] != batch and 1 not in (shape[0], batch)):
        advice = ": add a batch axis: homography[None]" if shape == (3, 3) else ""
        if shape[1:] == (2, 3) or shape == (2, 3):
            advice = ": affine_sample takes matrices of two rows, with coordinates='pixel'"
        raise ValueError(
            f"{function}: homography must have shape (N, 3, 3){_samples(batch)}; "
            f"got {shape}{advice}"
        )


def knots(function, shape, axes):
    """(N, D, *knots) for D axes, two knots or more along each."""
    if len(shape) != axes + 2 or shape[1] != axes or min(shape[2:], default=0) < 2:
        listed = ", ".join("zyx"[-axes:])
        advice = (
            ": add a batch axis: control[None]" if shape[:1] == (axes,) == (len(shape) - 1,) else ""
        )
        raise ValueError(
            f"{function}: control must have shape (N, {axes}, *knots) with two knots or more along "
            f"each of {listed}; got {shape}{advice}"
        )


def batch(function, name, came, images):
    """As many samples as there are images, or either one 1."""
    if came != images and 1 not in (came, images):
        raise ValueError(f"{function}: {name} must be of N = {images} samples or 1; got {came}")


def points(function, shape):
    """(N, P, D) for D axes; how many these are."""
    if len(shape) != 3 or shape[-1] not in (1, 2, 3):
        one = len(shape) == 2 and shape[-1] in (1, 2, 3)
        raise ValueError(
            f"{function}: points must have shape (N, P, D) with D = 1, 2 or 3; got {shape}"
            + (": add a batch axis: points[None]" if one else "")
        )
    return shape[-1]


def point_map(function, shape, axes, samples):
    """A theta for D axes, or a homography for two, of as many samples as points or either one."""
    fits = shape[1:] == (axes, axes + 1) or (axes == 2 and shape[1:] == (3, 3))
    if len(shape) != 3 or not fits or (shape[0] != samples and 1 not in (shape[0], samples)):
        either = " or (N, 3, 3)" if axes == 2 else ""
        one = shape == (axes, axes + 1) or (axes == 2 and shape == (3, 3))
        raise ValueError(
            f"{function}: map must have shape (N, {axes}, {axes + 1}){either}{_samples(samples)}, "
            f"or be (control, theta); got {shape}"
            + (": add a batch axis: map[None]" if one else "")
        )


def invertible(function, matrices):
    """Each has an inverse; the message names the first that has none."""
    regular = np.isfinite(matrices).all((1, 2))
    regular[regular] = np.linalg.matrix_rank(matrices[regular]) == matrices.shape[-1]
    wrong = np.flatnonzero(~regular)
    if len(wrong):
        k = wrong[0]
        raise ValueError(f"{function}: map[{k}] must have an inverse; got {matrices[k].tolist()}")
