"""A naive sampler and its gradients in plain NumPy: loops over batch, axes and taps. Nothing of the
package.

Coordinates are computed in the grid's own precision, in the order of operations that PyTorch's
vectorised CPU path has, so that a float32 grid meets the same floor; all that follows is float64.
"""

import functools
import itertools
import math
import operator
import os
from typing import NamedTuple

import numpy as np

OUTSIDE = -1
"""Index of a tap that reads the fill value."""

A = -0.75
"""Keys' constant."""

FUSED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""PyTorch's vectorised kernels round a product and its sum once, and so do ours where they are
compiled (seen: with two roundings a float32 grid's results are off by the coordinate's last bit).
"""


class Tap(NamedTuple):
    """One tap of every point along one axis."""

    index: np.ndarray  # OUTSIDE where the fill value is read
    weight: np.ndarray
    slope: np.ndarray  # of the weight, for a step of the coordinate as the grid gives it
    curve: np.ndarray  # of the slope


def grid_sample(
    input,
    grid,
    mode="bilinear",
    padding_mode="zeros",
    align_corners=False,
    *,
    coordinates="normalized",
    fill_value=0.0,
):
    """input (N, C, *in), grid (N, *out, D) -> float64 (N, C, *out)."""
    input, grid = np.asarray(input), native(grid)
    batch = grid.shape[0] if input.shape[0] == 1 else input.shape[0]
    fill = 0.0 if padding_mode == "zeros" else np.asarray(fill_value, np.float64)
    out = np.empty((batch, input.shape[1], *grid.shape[1:-1]))
    for n in range(batch if out.size else 0):
        axes = taps_of(one(grid, n), input.shape, mode, padding_mode, align_corners, coordinates)
        out[n] = weighted_sum(one(input, n).astype(np.float64), axes, fill)
    return out


def grid_sample_backward(
    grad_output,
    input,
    grid,
    mode="bilinear",
    padding_mode="zeros",
    align_corners=False,
    *,
    coordinates="normalized",
    fill_value=0.0,
):
    """(grad_input, grad_grid) of the shapes of input and grid, in float64."""
    input, grid = np.asarray(input), native(grid)
    grad_input, grad_grid = np.zeros(input.shape), np.zeros(grid.shape)
    fill = 0.0 if padding_mode == "zeros" else np.asarray(fill_value, np.float64)
    for n in range(len(grad_output) if np.size(grad_output) else 0):
        axes = taps_of(one(grid, n), input.shape, mode, padding_mode, align_corners, coordinates)
        grad = grad_output[n].astype(np.float64)
        scatter(one(grad_input, n), axes, grad)
        image = one(input, n).astype(np.float64)
        for a, total in enumerate(slopes(image, axes, fill, grad)):
            one(grad_grid, n)[..., -1 - a] += total
    return grad_input, grad_grid


def affine_grid(theta, size, align_corners=False):
    """theta (N, D, D + 1), size (N, C, *out) -> float64 (N, *out, D)."""
    out = tuple(size[2:])
    grid = np.empty((len(theta), *out, len(out)))
    for n, *place in np.ndindex(len(theta), *out):
        grid[(n, *place)] = native(theta[n]).astype(np.float64) @ base(place, out, align_corners)
    return grid


def affine_grid_backward(grad_grid, size, align_corners=False):
    """grad_grid (N, *out, D) -> float64 (N, D, D + 1)."""
    out = tuple(size[2:])
    grad_theta = np.zeros((len(grad_grid), len(out), len(out) + 1))
    for n, *place in np.ndindex(len(grad_grid), *out):
        grad = native(grad_grid[(n, *place)]).astype(np.float64)
        grad_theta[n] += np.outer(grad, base(place, out, align_corners))
    return grad_theta


def base(place, out, align_corners):
    """An output pixel's centre as (x, y, z, 1), each from -1 to 1; a single pixel is at 0."""
    if align_corners:
        centres = [0 if s == 1 else -1 + 2 * j / (s - 1) for j, s in zip(place, out, strict=True)]
    else:
        centres = [-1 + (2 * j + 1) / s for j, s in zip(place, out, strict=True)]
    return np.array([*centres[::-1], 1.0])


def native(grid):
    """The same values in the machine's byte order."""
    grid = np.asarray(grid)
    return grid.astype(grid.dtype.newbyteorder("="))


def one(array, n):
    """Sample n, of a batch that may be shared."""
    return array[n if len(array) > 1 else 0]


def taps_of(points, shape, mode, padding_mode, align_corners, coordinates):
    """For each axis of an input (N, C, *in), the slowest first, its taps."""
    border = "constant" if padding_mode == "zeros" else padding_mode
    return [
        axis_taps(points[..., -1 - a], size, mode, border, align_corners, coordinates)
        for a, size in enumerate(shape[2:])
    ]


def axis_taps(value, size, mode, border, align_corners, coordinates):
    """The taps along one axis."""
    if border == "mirror":  # of pixels alone, for which corners say nothing else
        assert coordinates == "pixel"
        border, align_corners = "reflection", True
    with np.errstate(all="ignore"):
        p = value if coordinates == "pixel" else unnormalise(value, size, align_corners)
        p = np.where(np.isfinite(value), np.nan_to_num(p), p)  # no overflow on the way
        scale = 1 if coordinates == "pixel" else pixels_a_unit(size, align_corners)
        if mode == "bicubic":
            taps = cubic_taps(p)
            taps = [(bring_in(t, size, border, align_corners), *rest) for t, *rest in taps]
        else:
            split = {"nearest": nearest_taps, "bilinear": linear_taps}[mode]
            taps = split(bring_in(p, size, border, align_corners))
            scale = scale * direction(p, size, border, align_corners)
        return [
            Tap(as_index(t, size, border), poison(w, t), s * scale, c * scale * scale)
            for t, w, s, c in taps
        ]


def pixels_a_unit(size, align_corners):
    """How many pixels a step of 1 in a normalised coordinate is."""
    return (size - 1) / 2 if align_corners else size / 2


def unnormalise(g, size, align_corners):
    """-1 and 1 are the centres of the first and last pixel, or the outer edges of both."""
    real = g.dtype.type
    scale = pixels_a_unit(size, align_corners)
    if align_corners:
        return (g + real(1)) * real(scale)
    if not FUSED:
        return (g + real(1)) * real(scale) - real(0.5)
    wide = np.float64 if real is np.float32 else np.longdouble
    return ((g + real(1)).astype(wide) * wide(scale) - wide(0.5)).astype(real)


def bring_in(p, size, border, align_corners):
    """The border rule, on a coordinate or on a tap, in the precision of `p`."""
    real = p.dtype.type
    if border == "border":
        return np.clip(p, real(0), real(size - 1))
    if border == "wrap":
        r = np.fmod(p, real(size))
        return np.where(r < 0, r + real(size), r)
    if border == "reflection":
        return np.clip(reflected(p, size, align_corners), real(0), real(size - 1))
    return p


def mirrors(p, size, align_corners):
    """The low mirror and the distance to the high one."""
    real = p.dtype.type
    return (real(0), real(size - 1)) if align_corners else (real(-0.5), real(size))


def reflected(p, size, align_corners):
    """Between the mirrors; where they are one, at it."""
    low, span = mirrors(p, size, align_corners)
    if span == 0:
        return np.where(np.isfinite(p), p.dtype.type(0), p.dtype.type(np.nan))
    r = np.fmod(np.abs(p - low), 2 * span)
    return np.minimum(r, 2 * span - r) + low


def direction(p, size, border, align_corners):
    """How far `bring_in` moves a position for each step of p: 0, 1 or -1."""
    if border == "border":
        return (p > 0) & (p < size - 1)
    if border == "reflection":
        low, span = mirrors(p, size, align_corners)
        back = (p < low) ^ (np.fmod(np.abs(p - low), 2 * span) > span)
        return np.where(back, -1, 1) * direction(
            reflected(p, size, align_corners), size, "border", None
        )
    return 1


def nearest_taps(p):
    """(tap, weight, slope of the weight, slope of that): one tap, half to even."""
    return [(np.rint(p), np.ones(p.shape), np.zeros(p.shape), np.zeros(p.shape))]


def remainder(p, first):
    """p - floor(p) in the precision of `p`; an infinite coordinate has none."""
    return np.where(np.isinf(p), 0.0, (p - first).astype(np.float64))


def linear_taps(p):
    """Floor and floor + 1."""
    first = np.floor(p)
    t = remainder(p, first)
    one = np.ones(p.shape)
    return [(first, 1 - t, -one, 0 * one), (first + p.dtype.type(1), t, one, 0 * one)]


def cubic_taps(p):
    """Floor - 1 ... floor + 2."""
    first = np.floor(p)
    t = remainder(p, first)
    return [
        (first + p.dtype.type(k), keys(t - k), keys_slope(t - k), keys_curve(t - k))
        for k in (-1, 0, 1, 2)
    ]


def keys(x):
    """Keys' cubic convolution at a distance x in [-2, 2]."""
    d = np.abs(x)
    near = ((A + 2) * d - (A + 3)) * d * d + 1
    far = ((A * d - 5 * A) * d + 8 * A) * d - 4 * A
    return np.where(d <= 1, near, far)


def keys_slope(x):
    """Its derivative."""
    d = np.abs(x)
    near = 3 * (A + 2) * d * d - 2 * (A + 3) * d
    far = 3 * A * d * d - 10 * A * d + 8 * A
    return np.sign(x) * np.where(d <= 1, near, far)


def keys_curve(x):
    """The derivative of that; where it jumps, the one of the cell to the right."""
    d = np.abs(x)
    near, far = 6 * (A + 2) * d - 2 * (A + 3), 6 * A * d - 10 * A
    return np.where((d < 1) | (x == -1), near, far)


def as_index(tap, size, border):
    """A tap as an integer; nothing is cast before it is known to lie in [0, size)."""
    if border == "wrap":
        tap = np.fmod(tap, size)  # the tap S is the tap 0
    inside = (tap >= 0) & (tap <= size - 1)
    return np.where(inside, tap, OUTSIDE).astype(np.int64)


def poison(weight, tap):
    """A coordinate or tap that is not a number makes the value NaN."""
    return np.where(np.isnan(tap), np.nan, weight)


def gather(image, taps, fill):
    """(values (C, *out), which of them are outside) of one tap on each axis."""
    outside = any_outside(taps)
    if np.ndim(fill):  # one for each channel
        fill = np.reshape(fill, (-1,) + (1,) * outside.ndim)
    index = tuple(t.index for t in taps)  # OUTSIDE reads the last pixel, which is not taken
    return np.where(outside, fill, image[(slice(None), *index)]), outside


def any_outside(taps):
    """Where one of the taps, one on each axis, reads the fill value."""
    return functools.reduce(operator.or_, (t.index == OUTSIDE for t in taps))


def weighted_sum(image, axes, fill):
    """Sum over the product of the axes' taps, the slowest axis outermost."""
    channels = image.shape[0]
    total = np.zeros((channels, *axes[0][0].weight.shape))
    with np.errstate(all="ignore"):
        # numpy axes run z, y, x, as product() varies its last factor fastest: nw, ne, sw, se
        for taps in itertools.product(*axes):
            weight = math.prod(t.weight for t in taps)
            value, _ = gather(image, taps, fill)
            # a tap without weight is not read: what is stored there must not matter
            total += np.where(weight == 0, 0.0, weight * value)
    return total


def scatter(total, axes, grad):
    """The adjoint of `weighted_sum`: grad (C, *out) is added to where the values came from."""
    for taps in itertools.product(*axes):
        weight = math.prod(t.weight for t in taps)
        keep = ~any_outside(taps) & (weight != 0) & ~np.isnan(weight)
        index = tuple(t.index[keep] for t in taps)
        np.add.at(total, (slice(None), *index), weight[keep] * grad[:, keep])


def slopes(image, axes, fill, grad):
    """For each axis, the slowest first, how the values move with the coordinate, times grad."""
    lost = np.any([np.isnan(t.weight) for taps in axes for t in taps], axis=0)
    for a in range(len(axes)):
        total = np.zeros(lost.shape)
        for taps in itertools.product(*axes):
            factors = [t.slope if b == a else t.weight for b, t in enumerate(taps)]
            slope = math.prod(factors)
            value, outside = gather(image, taps, fill)
            silent = (slope == 0) | (outside & (value == 0))
            with np.errstate(all="ignore"):
                total += np.where(silent, 0.0, slope * value * grad).sum(axis=0)
        yield np.where(lost, np.nan, total)
