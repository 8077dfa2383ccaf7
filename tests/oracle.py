"""A naive sampler in plain NumPy: loops over batch, axes and taps. Nothing of the package.

Coordinates are computed in the grid's own precision, in the order of operations that PyTorch's
vectorised CPU path has, so that a float32 grid meets the same floor; all that follows is float64.
"""

import itertools
import os

import numpy as np

OUTSIDE = -1
"""Index of a tap that reads the fill value."""

A = -0.75
"""Keys' constant."""

FUSED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""PyTorch's vectorised kernels round a product and its sum once, and so do ours where they are
compiled (seen: with two roundings a float32 grid's results are off by the coordinate's last bit).
"""


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
    fill = 0.0 if padding_mode == "zeros" else float(fill_value)
    border = "constant" if padding_mode == "zeros" else padding_mode
    out = np.empty((batch, input.shape[1], *grid.shape[1:-1]))
    for n in range(batch if out.size else 0):
        image = input[n if input.shape[0] > 1 else 0].astype(np.float64)
        points = grid[n if grid.shape[0] > 1 else 0]
        axes = [
            axis_taps(points[..., -1 - a], size, mode, border, align_corners, coordinates)
            for a, size in enumerate(image.shape[1:])
        ]
        out[n] = weighted_sum(image, axes, fill)
    return out


def native(grid):
    """The same values in the machine's byte order."""
    grid = np.asarray(grid)
    return grid.astype(grid.dtype.newbyteorder("="))


def axis_taps(value, size, mode, border, align_corners, coordinates):
    """One axis: [(index, weight), ...]; the index is OUTSIDE where the fill value is read."""
    with np.errstate(all="ignore"):
        p = value if coordinates == "pixel" else unnormalise(value, size, align_corners)
        p = np.where(np.isfinite(value), np.nan_to_num(p), p)  # no overflow on the way
        if mode == "bicubic":
            taps = cubic_taps(p)
            taps = [(bring_in(t, size, border, align_corners), w) for t, w in taps]
        else:
            split = {"nearest": nearest_taps, "bilinear": linear_taps}[mode]
            taps = split(bring_in(p, size, border, align_corners))
        return [(as_index(t, size, border), poison(w, t)) for t, w in taps]


def unnormalise(g, size, align_corners):
    """-1 and 1 are the centres of the first and last pixel, or the outer edges of both."""
    real = g.dtype.type
    if align_corners:
        return (g + real(1)) * real((size - 1) / 2)
    if not FUSED:
        return (g + real(1)) * real(size / 2) - real(0.5)
    wide = np.float64 if real is np.float32 else np.longdouble
    return ((g + real(1)).astype(wide) * wide(size / 2) - wide(0.5)).astype(real)


def bring_in(p, size, border, align_corners):
    """The border rule, on a coordinate or on a tap, in the precision of `p`."""
    real = p.dtype.type
    if border == "border":
        return np.clip(p, real(0), real(size - 1))
    if border == "wrap":
        r = np.fmod(p, real(size))
        return np.where(r < 0, r + real(size), r)
    if border == "reflection":
        low, span = (real(0), real(size - 1)) if align_corners else (real(-0.5), real(size))
        return np.clip(mirror(p - low, span) + low, real(0), real(size - 1))
    return p


def mirror(d, span):
    """Distance from the low mirror, folded into [0, span]; a span of 0 gives 0."""
    if span == 0:
        return np.where(np.isfinite(d), d.dtype.type(0), d.dtype.type(np.nan))
    r = np.fmod(np.abs(d), 2 * span)
    return np.minimum(r, 2 * span - r)


def nearest_taps(p):
    """One tap, half to even."""
    return [(np.rint(p), np.ones(p.shape))]


def remainder(p, first):
    """p - floor(p) in the precision of `p`; an infinite coordinate has none."""
    return np.where(np.isinf(p), 0.0, (p - first).astype(np.float64))


def linear_taps(p):
    """Floor and floor + 1."""
    first = np.floor(p)
    t = remainder(p, first)
    return [(first, 1 - t), (first + p.dtype.type(1), t)]


def cubic_taps(p):
    """Floor - 1 ... floor + 2."""
    first = np.floor(p)
    t = remainder(p, first)
    return [(first + p.dtype.type(k), keys(np.abs(t - k))) for k in (-1, 0, 1, 2)]


def keys(d):
    """Keys' cubic convolution at a distance d in [0, 2]."""
    near = ((A + 2) * d - (A + 3)) * d * d + 1
    far = ((A * d - 5 * A) * d + 8 * A) * d - 4 * A
    return np.where(d <= 1, near, far)


def as_index(tap, size, border):
    """A tap as an integer; nothing is cast before it is known to lie in [0, size)."""
    if border == "wrap":
        tap = np.where(tap == size, 0, tap)  # the tap S is the tap 0
    inside = (tap >= 0) & (tap <= size - 1)
    return np.where(inside, tap, OUTSIDE).astype(np.int64)


def poison(weight, tap):
    """A coordinate or tap that is not a number makes the value NaN."""
    return np.where(np.isnan(tap), np.nan, weight)


def weighted_sum(image, axes, fill):
    """Sum over the product of the axes' taps, the slowest axis outermost."""
    channels = image.shape[0]
    total = np.zeros((channels, *axes[0][0][0].shape))
    # numpy axes run z, y, x, as product() varies its last factor fastest: nw, ne, sw, se
    for taps in itertools.product(*axes):
        weight = np.prod([w for _, w in taps], axis=0)
        outside = np.any([i == OUTSIDE for i, _ in taps], axis=0)
        index = tuple(np.where(outside, 0, i) for i, _ in taps)
        value = np.where(outside, fill, image[(slice(None), *index)])
        with np.errstate(all="ignore"):
            # a tap without weight is not read: what is stored there must not matter
            total += np.where(weight == 0, 0.0, weight * value)
    return total
