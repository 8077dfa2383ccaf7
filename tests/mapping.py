"""Positions that maps of pixels lead to, in plain NumPy and in double. Nothing of the package."""

import itertools

import numpy as np
import oracle


def places(size):
    """The output's pixels as (x, y, z), (*size, D)."""
    axes = np.meshgrid(*[np.arange(n, dtype=np.float64) for n in size], indexing="ij")
    return np.stack(axes[::-1], -1)


def through_matrices(theta, size):
    """Where matrices lead, (N, *size, D)."""
    theta = np.asarray(theta, np.float64)
    moved = np.einsum("nij,...j->n...i", theta[..., :-1], places(size))
    return moved + theta[..., -1].reshape(len(theta), *[1] * len(size), theta.shape[1])


def through_homographies(matrices, size):
    """Where homographies lead, (N, *size, 2), and where they do."""
    grid = np.concatenate([places(size), np.ones((*size, 1))], -1)
    u, v, w = np.moveaxis(
        np.einsum("nij,...j->n...i", np.asarray(matrices, np.float64), grid), -1, 0
    )
    before = (w > 0) & np.isfinite(w)
    return np.stack([u, v], -1) / np.where(before, w, 1)[..., None], before


def bump(x, order):
    """The spline of one knot, at a distance in knots: a hat, or the cubic B-spline."""
    x = np.abs(x)
    if order == 1:
        return np.maximum(1 - x, 0)
    near, far = 2 / 3 - x**2 + x**3 / 2, (2 - x) ** 3 / 6
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def weights(points, knots, order):
    """What each knot weighs at each point; those beyond an end are the outer one's."""
    at = np.arange(points) * (knots - 1) / max(points - 1, 1)
    found = np.zeros((points, knots))
    for k in range(-2, knots + 2):
        found[:, min(max(k, 0), knots - 1)] += bump(at - k, order)
    return found


def displacements(control, size, order=3):
    """The field of knots (N, D, *knots) written out, (N, *size, D)."""
    field = np.asarray(control, np.float64)
    for a, n in enumerate(size):
        table = weights(n, control.shape[2 + a], order)
        field = np.moveaxis(np.tensordot(field, table, (2 + a, 1)), -1, 2 + a)
    return np.moveaxis(field, 1, -1)


def sampled(image, positions, mode="bilinear", padding_mode="zeros", fill_value=0.0):
    """The oracle's answer at positions in pixels."""
    options = {"coordinates": "pixel", "fill_value": fill_value}
    return oracle.grid_sample(np.asarray(image), positions, mode, padding_mode, **options)


def slope_by_differences(function, array, step=1e-6):
    """d sum(function) / d array, number by number."""
    found = np.zeros(array.shape)
    for place in itertools.product(*map(range, array.shape)):
        ends = []
        for sign in (-1, 1):
            moved = array.copy()
            moved[place] += sign * step
            ends.append(function(moved))
        found[place] = (ends[1] - ends[0]) / (2 * step)
    return found
