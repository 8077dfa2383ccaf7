"""grid_sample: an image read at the points of a grid."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _check, _run
from ._axis import grid_axis

_NAME = "grid_sample"


def grid_sample(
    input: ArrayLike,
    grid: ArrayLike,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
    *,
    coordinates: str = "normalized",
    fill_value: float = 0,
    channels_last: bool = False,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Sample an image, a volume or a signal at the points of a grid."""
    image = _check.array(_NAME, "input", input)
    points = _check.array(_NAME, "grid", grid)
    align_corners = _check.flag(_NAME, "align_corners", align_corners)
    fill = _check.real(_NAME, "fill_value", fill_value)
    _check.planar(_NAME, channels_last)
    if out is not None:
        _check.writable(_NAME, out)
    words = mode, padding_mode, coordinates
    _check.words(_NAME, mode=mode, padding_mode=padding_mode, coordinates=coordinates)
    specs = _run.spec(image), _run.spec(points), None if out is None else _run.spec(out)
    sampling, result, ready = _prepare(*specs, *words, align_corners, fill)
    if out is None:
        out = np.empty(result.shape, result.dtype)
    else:
        _check.apart(_NAME, out, input=image, grid=points)
    _run.run(ready, sampling, image, points, out)
    return out


@lru_cache(maxsize=512)
def _prepare(image, points, out, mode, padding_mode, coordinates, align_corners, fill):
    """Check a call and prepare it: what to do, the result's spec, and the kernel's work."""
    image, points = _run.Spec(*image), _run.Spec(*points)
    _check.dtype(_NAME, "input", image.dtype, _check.INPUT_TYPES)
    _check.dtype(_NAME, "grid", points.dtype, _check.GRID_TYPES)
    _check.image(_NAME, image.shape)
    _check.grid(_NAME, points.shape, image.shape[0], len(image.shape) - 2)
    batch = points.shape[0] if image.shape[0] == 1 else image.shape[0]
    shape = batch, image.shape[1], *points.shape[1:-1]
    _check.something_to_sample(_NAME, image.shape, shape)
    result = _run.fresh(shape, image.dtype.newbyteorder("="))
    if out is not None:
        out = _run.Spec(*out)
        _check.result(_NAME, out, result.shape, result.dtype)
        result = out
    axes = tuple(grid_axis(size, align_corners, coordinates) for size in image.shape[2:])
    sampling = _run.Sampling(mode, padding_mode, axes, fill)
    return sampling, result, _run.prepare(sampling, image, points, result)
