"""perspective_sample: images read through homographies."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from numpy.typing import ArrayLike, NDArray

from ._calls import checks, ragged
from ._calls.again import like_before
from ._calls.formula import pixel_map_axes
from ._calls.registry import has_backward
from ._calls.sampled import Coordinates, Options, backward, forward
from ._calls.typed import Array, Fill, Mode, PixelBorder, Size, like_input, two_like_gradient
from ._kernels.kind import PERSPECTIVE

_SAMPLE, _BACK = "perspective_sample", "perspective_sample_backward"


@like_input
@like_before
def perspective_sample(
    input: ArrayLike,
    homography: ArrayLike,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    out: Array | None = None,
) -> NDArray[Any]:
    """Sample images through homographies, which map the output's pixels to the input's.

    Parameters
    ----------
    input : array_like, shape (N, C, H, W), or a list of N arrays (C, H, W)
        Of any type that `grid_sample` takes. Images of a list may differ in size: all become one
        batch in one call.
    homography : array_like, shape (N, 3, 3)
        float32 or float64; float16 is widened. For the output's pixel (x, y), with
        (u, v, w) = homography (x, y, 1), the input is read at (u / w, v / w).
    size : (int, int)
        The output's height and width.
    mode, padding_mode, fill_value, channels_last
        As for `grid_sample`; "reflection" mirrors at the outer pixels' edges, "mirror" at their
        centres. `fill_value` is taken under every rule; see Notes.
    out : ndarray, shape (N, C, *size), optional
        Where to write the result: of the input's type, with any strides.

    Returns
    -------
    ndarray, shape (N, C, *size)
        Of the input's type; `out` itself, where given.

    Raises
    ------
    ValueError, TypeError
        As `grid_sample`.

    See Also
    --------
    affine_sample : Without the division.
    transform_points : Where points of the input land.
    remap : Any map.
    perspective_sample_backward : The gradients.

    Notes
    -----
    Where w is not positive, or not finite, the output's pixel sees nothing of the input's plane. It
    takes the fill value under every border rule, but 0 under "zeros". A homography's sign matters
    for that: h and -h are not the same.

    Each of u, v and w is rounded once, to homography's type, and so are the quotients.

    A batch of 1 on either side is shared with all samples of the other, without a copy.

    References
    ----------
    R. Hartley and A. Zisserman, "Multiple View Geometry in Computer Vision", 2003. OpenCV 5.0,
    `cv2.warpPerspective` with WARP_INVERSE_MAP.

    Convention
    ----------
    Pixels (x, y), 0 the centre of the first one, x along the width; homography maps the output to
    the input.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[[0.0, 10.0, 20.0, 30.0]]]])
    >>> squeeze = np.array([[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]])
    >>> fs.perspective_sample(row, squeeze, (1, 4))
    array([[[[ 0.        , 10.        , 13.33333333, 15.        ]]]])
    """
    about = _about(_SAMPLE, size)
    matrices = checks.array(_SAMPLE, "homography", homography)
    options = Options(mode, padding_mode, fill_value, channels_last)
    if ragged.is_list(input):
        return ragged.forward(_SAMPLE, about, input, matrices, options, out)
    return forward(_SAMPLE, about, input, matrices, options, out)


@has_backward(perspective_sample, "input", "homography")
@two_like_gradient
@like_before
def perspective_sample_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    homography: ArrayLike,
    size: Size,
    mode: Mode = "bilinear",
    padding_mode: PixelBorder = "zeros",
    *,
    fill_value: Fill = 0,
    channels_last: bool = False,
    output_mask: tuple[bool, bool] = (True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Gradients of `perspective_sample` with respect to its input and homography.

    Parameters
    ----------
    grad_output : array_like, shape (N, C, *size)
        The gradient of a scalar with respect to the result; of the input's type.
    input, homography, size, mode, padding_mode, fill_value, channels_last
        As they were passed to `perspective_sample`.
    output_mask : (bool, bool)
        Which gradients to compute, the input's and homography's. The other one costs nothing.

    Returns
    -------
    grad_input : ndarray, of the input's shape and type, or None
    grad_homography : ndarray, of homography's shape and type, or None
        Sums over all points, taken in double and in a fixed order, and rounded once.

    Raises
    ------
    ValueError, TypeError
        As `perspective_sample`, and where `grad_output` is not of the result's shape or the input's
        type.

    See Also
    --------
    perspective_sample : The function itself.
    vjp : A result together with its pullback.

    Notes
    -----
    Pixels with no place in the input pass no gradient. See `grid_sample_backward` for the slopes at
    borders. The bits are the same for any number of threads.

    References
    ----------
    R. Hartley and A. Zisserman, "Multiple View Geometry in Computer Vision", 2003.

    Convention
    ----------
    grad_homography is per unit of homography's elements, which map pixels to pixels.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[[0.0, 10.0, 20.0, 30.0]]]])
    >>> half = np.array([[[0.5, 0.0, 0.25], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    >>> rule = {"padding_mode": "border", "output_mask": (False, True)}
    >>> fs.perspective_sample_backward(np.ones((1, 1, 1, 2)), row, half, (1, 2), **rule)
    (None, array([[[ 10. ,   0. ,  20. ],
            [  0. ,   0. ,   0. ],
            [ -7.5,   0. , -10. ]]]))
    """
    about = _about(_BACK, size)
    matrices = checks.array(_BACK, "homography", homography)
    options = Options(mode, padding_mode, fill_value, channels_last)
    return backward(_BACK, about, (grad_output, input, matrices), options, output_mask)


def _about(function, size):
    """Say what homographies mean for an output of this size."""
    size = checks.sizes(function, size, (2,), "the result's (H, W)")
    check = _check(size)
    return Coordinates("homography", pixel_map_axes, (size,), PERSPECTIVE, check, size, True)


@lru_cache(maxsize=64)
def _check(size):
    """Check the homographies' shape against the input's."""

    def check(function, name, shape, image):
        checks.pictures(function, image)
        checks.homographies(function, shape, image[0])

    return check
