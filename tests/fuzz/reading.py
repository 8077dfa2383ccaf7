"""What a call reads and where: pixels of every kind of coordinates."""

from typing import Any, NamedTuple

import numpy as np
import oracle
import systems
from cases import identity


class Reading(NamedTuple):
    """What is read where: image (N, C, *in), pixels (N, *out, D)."""

    image: np.ndarray
    pixels: np.ndarray
    mode: str
    padding: str
    align: bool
    fill: float
    slack: Any = 0.0  # how far the kernel's pixels may be off
    lost: Any = False  # points (N, *out) that nothing is said about

    def parts(self):
        """Real numbers: of complex ones both parts, outside of which the imaginary one is 0."""
        if self.image.dtype.kind != "c":
            return [self]
        return [self._replace(image=self.image.real), self._replace(image=self.image.imag, fill=0)]

    def values(self, pixels=None):
        """What the oracle reads: (N, C, *out)."""
        at = self.pixels if pixels is None else pixels
        rule = {"coordinates": "pixel", "fill_value": self.fill}
        return oracle.grid_sample(self.image, at, self.mode, self.padding, self.align, **rule)

    def gradients(self, gradient):
        """Of the image and of the pixels."""
        rule = {"coordinates": "pixel", "fill_value": self.fill}
        options = self.mode, self.padding, self.align
        return oracle.grid_sample_backward(gradient, self.image, self.pixels, *options, **rule)

    @property
    def extent(self):
        """The largest finite magnitude that a tap can read."""
        values = np.abs(np.append(self.image.ravel(), self.fill).astype(np.float64))
        return values[np.isfinite(values)].max(initial=1.0)


def fixed(p, value):
    """Pixels of finite coordinates are finite."""
    with np.errstate(all="ignore"):
        return np.where(np.isfinite(value), np.nan_to_num(p), p)


def widened(x):
    """float16 as float32."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def along(points, sizes, formula):
    """A formula of (value, size) on each coordinate, x first."""
    points = widened(points)
    with np.errstate(all="ignore"):
        columns = [
            fixed(formula(points[..., a], sizes[-1 - a]), points[..., a]) for a in range(len(sizes))
        ]
    return np.stack(columns, -1)


def pixels_of_grid(points, sizes, kind, align):
    """Where `grid_sample` reads."""
    if kind == "pixel":
        return widened(points)
    return along(points, sizes, lambda g, n: oracle.unnormalise(g, n, align))


def pixels_of_points(points, sizes, align):
    """Where `point_sample` reads: p S - 1/2, rounded once, or p (S - 1)."""

    def formula(p, n):
        real = p.dtype.type
        if align:
            return p * real(n - 1)
        wide = np.float64 if real is np.float32 else np.longdouble
        return (p.astype(wide) * wide(n) - wide(0.5)).astype(real)

    return along(points, sizes, formula)


def pixels_of_steps(steps, sizes):
    """Where `flow_warp` reads; steps (N, *in, D)."""
    steps = widened(steps)
    with np.errstate(all="ignore"):
        return fixed(steps + identity(sizes, steps.dtype), steps)


def base_of(sizes, align):
    """(*sizes, D + 1): x, y, z, 1 of each pixel."""
    axes = np.meshgrid(*(systems.base_points(n, align) for n in sizes), indexing="ij")
    return np.stack([*axes[::-1], np.ones(sizes)], -1)


def by_matrix(slopes, base):
    """The gradient of matrices from that of their grid (N, *out, D)."""
    rows = slopes.reshape(len(slopes), base[..., 0].size, slopes.shape[-1])
    return np.einsum("npi,pj->nij", rows, base.reshape(-1, base.shape[-1]))


def reading_of_matrices(image, theta, sizes, options, align):
    """What `affine_sample` reads: pixels in double, with the slack of theta's type."""
    real = widened(theta).dtype
    wide = theta.astype(np.float64)
    with np.errstate(all="ignore"):
        grid = np.einsum("...j,nij->n...i", base_of(sizes, align), wide)
        pixels = along(grid, image.shape[2:], lambda g, n: oracle.unnormalise(g, n, align))
        reach = np.abs(wide).sum((1, 2), where=np.isfinite(wide)) + 1
        slack = 8 * np.finfo(real).eps * max(image.shape[2:], default=1) * reach
        lost = (np.isinf(wide) | (np.abs(wide) > 1e3)).any((1, 2))
    shape = (-1,) + (1,) * (len(sizes) + 1)
    slack = np.where(lost, 0, slack).reshape(shape)
    return Reading(image, pixels, *options, slack=slack, lost=lost.reshape(shape)[..., 0])


def near_kinks(pixels, slack):
    """Points at which a slope may be that of another cell (N, *out)."""
    with np.errstate(all="ignore"):
        return (np.abs(2 * pixels - np.rint(2 * pixels)) <= 2 * slack).any(-1)
