"""scipy.ndimage's interpolation: splines of orders 0 to 5 over arrays of any number of axes."""

from ._axes import shift, zoom
from ._filters import spline_filter, spline_filter1d
from ._matrices import affine_transform, rotate
from ._points import geometric_transform, map_coordinates

__all__ = [
    "affine_transform",
    "geometric_transform",
    "map_coordinates",
    "rotate",
    "shift",
    "spline_filter",
    "spline_filter1d",
    "zoom",
]
