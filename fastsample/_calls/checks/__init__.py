"""Every check of what a user passes, and every error message.

A message names the function, the argument, the rule and what came, and where it can, what to do
next. All checks come before anything is allocated, compiled or written.
"""

from .arrays import (
    DIFFERENTIABLE,
    FLOATS,
    GRID_TYPES,
    INPUT_TYPES,
    MASK_TYPES,
    apart,
    array,
    copied,
    dtype,
    gradient,
    integers,
    result,
    result_shape,
    same_type,
    sampled,
    shaped,
    writable,
)
from .choices import CHOICES, border, words
from .images import each_has_pixels, image, images, listed, picture, pictures, something_to_sample
from .layers import boxes, finite, indices, kernel, masks, offset, shifts, thetas, window
from .maps import (
    alike,
    batch,
    flow,
    flow_last,
    grid,
    homographies,
    invertible,
    knots,
    matrices,
    pairs,
    point_map,
    points,
)
from .numbers import (
    SPATIAL,
    SPATIAL_SIZES,
    aligned,
    axis,
    count,
    fill,
    fill_is_read,
    fills,
    fits,
    flag,
    items,
    line,
    mask,
    number,
    odd,
    one_each,
    pair,
    real,
    sides,
    sizes,
    spatial,
    spline_order,
)
