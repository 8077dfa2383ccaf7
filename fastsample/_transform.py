"""transform_points: where points of an image land when it is sampled through a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._calls import checks, landing
from ._calls.quiet import cast
from ._calls.typed import Size, like_points

_NAME = "transform_points"


@like_points
def transform_points(
    points: ArrayLike,
    map: Any,
    size: Size,
    *,
    inverse: bool = True,
    order: int = 3,
) -> NDArray[Any]:
    """Move points as `affine_sample`, `perspective_sample` or `elastic_sample` move the image.

    Parameters
    ----------
    points : array_like, shape (N, P, D)
        float32 or float64: points (x, y, z) of the input, in its pixels, such as the corners of
        boxes.
    map : array_like or tuple
        What the image was sampled through, in pixels: theta (N, D, D + 1), a homography (N, 3, 3),
        or (control, theta) of `elastic_sample`, where theta may be None.
    size : tuple of D ints
        The output's spatial sizes: knots lie from its first pixel to its last one.
    inverse : bool
        Sampling reads the input at map(output pixel). True inverts that: it tells where in the
        output points of the input land. False tells where points of the output are read.
    order : {3, 1}
        Of the spline, as in `elastic_sample`.

    Returns
    -------
    ndarray, shape (N, P, D)
        Of points' type, in pixels. NaN where a point is not visible: beyond a homography's horizon,
        or where no inverse of the displacements is found.

    Raises
    ------
    ValueError, TypeError
        Shapes or types that do not fit, or a matrix that has no inverse.

    See Also
    --------
    affine_sample : What moves the image by a matrix.
    perspective_sample : By a homography.
    elastic_sample : By a smooth field.

    Notes
    -----
    Everything is computed in double. Displacements are inverted by Newton's method, to 1e-9 pixels;
    beyond the output's outer pixels they are those at its edge. A batch of 1 on either side is
    shared.

    References
    ----------
    R. Hartley and A. Zisserman, "Multiple View Geometry in Computer Vision", 2003.

    Convention
    ----------
    Pixels (x, y, z), 0 the centre of the first one, x along the last axis.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> half = np.array([[[2.0, 0.0, 1.0], [0.0, 2.0, 0.0]]])
    >>> fs.transform_points(np.array([[[5.0, 4.0]]]), half, (8, 8))
    array([[[2., 2.]]])
    """
    came = checks.array(_NAME, "points", points)
    checks.dtype(_NAME, "points", came.dtype, checks.GRID_TYPES)
    axes = checks.points(_NAME, came.shape)
    sizes = checks.sizes(_NAME, size, (axes,), f"the result's {checks.SPATIAL[axes]}")
    back = checks.flag(_NAME, "inverse", inverse)
    places = came.astype(np.float64)
    if isinstance(map, tuple | list) and len(map) == 2 and not np.isscalar(map[0]):
        control = checks.array(_NAME, "control", map[0])
        theta = None if map[1] is None else checks.array(_NAME, "theta", map[1])
        checks.dtype(_NAME, "control", control.dtype, checks.GRID_TYPES)
        checks.knots(_NAME, control.shape, axes)
        checks.batch(_NAME, "control", len(control), len(came))
        order = checks.spline_order(_NAME, order)
        matrix = landing.matrix_of(_NAME, theta, axes, len(came))
        found = landing.elastic(places, control, matrix, sizes, order, back)
    else:
        matrix = landing.matrix_of(_NAME, checks.array(_NAME, "map", map), axes, len(came))
        found = landing.projective(_NAME, places, matrix, back)
    return cast(found, came.dtype.newbyteorder("="))
