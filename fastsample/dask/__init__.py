"""Images larger than memory, on one machine or many: sampling by the chunks of Dask arrays.

Each chunk of a result is one task, which reads its own slice of the source and calls this library.
"""

try:
    import dask.array as _dask
except ImportError as error:
    raise ImportError(
        "fastsample.dask needs Dask, which is not installed: pip install 'dask[array]>=2025.1'"
    ) from error

from ._ndimage import affine_transform, map_coordinates, zoom
from ._plugin import WarmUp
from ._sampling import affine_sample, flow_warp, remap

__all__ = [
    "WarmUp",
    "affine_sample",
    "affine_transform",
    "flow_warp",
    "map_coordinates",
    "remap",
    "zoom",
]
del _dask
