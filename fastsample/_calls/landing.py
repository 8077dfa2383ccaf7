"""Where points land: maps of pixels and their inverses, in double and in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks, knots
from .quiet import quietly

Array = NDArray[Any]
STEPS = 50  # of Newton's, and halvings among them
NEAR = 1e-9  # pixels


def matrix_of(function: str, came: Array | None, axes: int, samples: int) -> Array:
    """A theta or a homography as (N, D + 1, D + 1); None is the identity."""
    if came is None:
        return np.eye(axes + 1)[None]
    checks.dtype(function, "map", came.dtype, checks.GRID_TYPES)
    checks.point_map(function, came.shape, axes, samples)
    full = np.repeat(np.eye(axes + 1)[None], len(came), 0)
    full[:, : came.shape[1]] = came
    return full


@quietly
def projective(function: str, points: Array, matrix: Array, inverse: bool) -> Array:
    """Through matrices (N, D + 1, D + 1), or back; NaN where the last is not positive."""
    if inverse:
        checks.invertible(function, matrix)
        matrix = np.linalg.inv(matrix)
    moved = points @ matrix[:, :-1, :-1].swapaxes(1, 2) + matrix[:, None, :-1, -1]
    last = points @ matrix[:, -1, :-1, None] + matrix[:, None, -1:, -1]
    return np.where((last > 0) & np.isfinite(last), moved / last, np.nan)


def elastic(
    points: Array, control: Array, matrix: Array, size: tuple[int, ...], order: int, inverse: bool
) -> Array:
    """Through a matrix and a field of displacements, or back."""
    shape = max(len(points), len(control), len(matrix)), *points.shape[1:]
    points = np.broadcast_to(points, shape)
    field = np.broadcast_to(control.astype(np.float64), (shape[0], *control.shape[1:]))
    matrix = np.broadcast_to(matrix, (shape[0], *matrix.shape[1:]))
    if not inverse:
        return moved(points, field, matrix, size, order)[0]
    return found(points, field, matrix, size, order)


@quietly
def moved(
    points: Array, control: Array, matrix: Array, size: tuple[int, ...], order: int
) -> tuple[Array, Array]:
    """Where output points are read, and how that changes with them (N, P, D, D)."""
    axes = len(size)
    steps, slopes = displaced(points, control, size, order)
    places = points @ matrix[:, :-1, :-1].swapaxes(1, 2) + matrix[:, None, :-1, -1] + steps
    return places, slopes + matrix[:, None, :axes, :axes]


def displaced(
    points: Array, control: Array, size: tuple[int, ...], order: int
) -> tuple[Array, Array]:
    """Displacements at output points (N, P, D), and their slopes (N, P, D, D)."""
    axes, pieces = len(size), []
    for a, (n, k) in enumerate(zip(size, control.shape[2:], strict=True)):
        step = (k - 1) / max(n - 1, 1)
        place = points[..., axes - 1 - a] * step
        index, weights, slopes = knots.stencil(place, k, order)
        inside = (place >= 0) & (place <= k - 1)
        pieces.append((index, weights, slopes * (step * inside[..., None])))
    letters = "abc"[:axes]
    sample = np.arange(len(control)).reshape(-1, *[1] * (axes + 1))
    places = [
        index.reshape(*index.shape[:2], *[-1 if b == a else 1 for b in range(axes)])
        for a, (index, *_) in enumerate(pieces)
    ]
    around = np.moveaxis(control, 1, -1)[(sample, *places)]
    terms = ",".join(f"np{x}" for x in letters)
    whole = f"np{letters}d,{terms}->npd"
    each = [weights for _, weights, _ in pieces]
    value = np.einsum(whole, around, *each)
    slopes_of = [
        np.einsum(whole, around, *[pieces[b][2] if b == a else each[b] for b in range(axes)])
        for a in range(axes - 1, -1, -1)
    ]
    return value, np.stack(slopes_of, -1)


@quietly
def found(points: Array, control: Array, matrix: Array, size: tuple[int, ...], order: int) -> Array:
    """The output points that are read at `points`: Newton's steps, shorter where they lead away."""
    start = np.linalg.pinv(np.where(np.isfinite(matrix), matrix, 0))
    guess = points @ start[:, :-1, :-1].swapaxes(1, 2) + start[:, None, :-1, -1]
    places, slopes = moved(guess, control, matrix, size, order)
    error, length = points - places, np.ones((*points.shape[:-1], 1))
    far = np.abs(error).max(-1, keepdims=True)
    for _ in range(STEPS):
        step = (np.linalg.pinv(np.nan_to_num(slopes)) @ error[..., None])[..., 0]
        new = guess + length * step
        places, turned = moved(new, control, matrix, size, order)
        off = np.abs(points - places).max(-1, keepdims=True)
        nearer = off < far
        guess, far = np.where(nearer, new, guess), np.where(nearer, off, far)
        error = np.where(nearer, points - places, error)
        slopes = np.where(nearer[..., None], turned, slopes)
        length = np.where(nearer, 1.0, length / 2)
        if (far < NEAR).all():
            break
    bound = NEAR * np.maximum(1, np.abs(points).max(-1, keepdims=True))
    return np.where(far < 10 * bound, guess, np.nan)
