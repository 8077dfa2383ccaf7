"""Compile kernels once on each machine of a cluster, before the first chunk arrives."""

from typing import Any

import numpy as np

from .._affine import affine_sample
from .._calls.threads import of_threads
from ._ndimage import affine_transform

try:
    from distributed import WorkerPlugin
except ImportError:  # Dask on one machine does without
    WorkerPlugin = object


class WarmUp(WorkerPlugin):
    """A worker plugin of `distributed` that compiles the kernels that chunks will need.

    Parameters
    ----------
    dtype : data type
        The images' type.
    axes : int
        How many spatial axes they have.
    mode, padding_mode : str
        How they will be sampled.
    order : int, optional
        The spline order, if `affine_transform`, `map_coordinates` or `zoom` will be called.

    Notes
    -----
    Register it with ``client.register_plugin(WarmUp("float32"))``. Kernels are cached on disk, so
    the workers of a machine compile each kernel once between them, or read it from there.

    References
    ----------
    Dask.distributed, "Plugins".

    Convention
    ----------
    A worker that joins later warms up as well, before it takes tasks.

    Examples
    --------
    >>> from fastsample.dask import WarmUp
    >>> WarmUp("float32").setup(worker=None)
    """

    name = "fastsample-warm-up"

    def __init__(
        self,
        dtype: Any,
        axes: int = 2,
        mode: str = "bilinear",
        padding_mode: str = "zeros",
        *,
        order: int | None = None,
    ) -> None:
        self.about = np.dtype(dtype).str, axes, mode, padding_mode, order

    def setup(self, worker: Any = None) -> None:
        """Make one small call."""
        dtype, axes, mode, padding_mode, order = self.about
        image, theta = np.zeros([8] * axes, dtype), np.eye(axes, axes + 1)
        if order is not None:
            affine_transform(image, theta, order=order).compute(scheduler="synchronous")
            return
        with of_threads(1):
            affine_sample(image[None, None], theta[None], (8,) * axes, mode, padding_mode)

    def teardown(self, worker: Any = None) -> None:
        """Nothing is left."""
