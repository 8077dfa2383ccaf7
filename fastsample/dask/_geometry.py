"""Where the chunks of a result read, for this library's own functions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._calls import buffers, places
from .._calls.formula import flow_axes, grid_axes
from .._kernels.kind import FLOW, GRID
from . import _sources
from ._job import Sampled, placed

Array = NDArray[Any]


class Matrices(Sampled):
    """Matrices, in double."""

    is_bounded = True  # known without a look at lazy coordinates

    def __init__(self, theta: Array, axes: Any) -> None:
        self.theta, self.axes = theta, axes
        self.is_known = bool(np.isfinite(theta).all())

    def places(self, first: Any, shape: Any, samples: tuple[int, int], arrays: Any) -> Any:
        theta = self.theta if len(self.theta) == 1 else self.theta[slice(*samples)]
        return places.matrices(placed(self.axes, first, shape), theta)


class Maps(Sampled):
    """Maps of pixel coordinates: of x and of y, or one of both."""

    is_bounded = False

    def __init__(self, maps: tuple[Any, ...] | None, sizes: tuple[int, ...]) -> None:
        self.maps, self.axes = maps, grid_axes(sizes, False, "pixel")

    def places(self, first: Any, shape: Any, samples: Any, arrays: Any) -> Any:
        if not arrays:
            box = tuple((a, a + n) for a, n in zip(first, shape, strict=True))
            tails = (((0, 2),) if len(self.maps) == 1 else () for _ in self.maps)
            arrays = [_sources.read(m, (*box, *t)) for m, t in zip(self.maps, tails, strict=True)]
        points = arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=-1)
        numbers = buffers.widened(buffers.native(points))[None]
        return places.Places(GRID, placed(self.axes, first, shape), numbers)


class Flow(Sampled):
    """Displacements (N, D, *in), or (N, *in, D), of which none may be beyond `reach`."""

    def __init__(self, flow: Any, sizes: tuple[int, ...], last: bool, reach: Any) -> None:
        self.flow, self.axes, self.last = flow, flow_axes(sizes), last
        self.reach, self.is_bounded = reach, reach is not None

    def places(self, first: Any, shape: Any, samples: tuple[int, int], arrays: Any) -> Any:
        axes, count = placed(self.axes, first, shape), len(shape)
        if arrays:
            steps = arrays[0]
        else:
            box = [(a, a + n) for a, n in zip(first, shape, strict=True)]
            batch = (0, 1) if self.flow.shape[0] == 1 else samples
            inner = (*box, (0, count)) if self.last else ((0, count), *box)
            steps = _sources.read(self.flow, (batch, *inner))
        steps = steps if self.last else np.moveaxis(steps, 1, -1)
        numbers = buffers.widened(buffers.native(steps))
        self.check(numbers, first)
        return places.Places(FLOW, axes, numbers)

    def reached(self, first: Any, shape: Any, options: Any) -> Any:
        """The pixels that a chunk may read, whatever its flow."""
        low = [a - self.reach for a in first]
        high = [a + n - 1 + self.reach for a, n in zip(first, shape, strict=True)]
        return places.between(low, high, self.axes, options)

    def check(self, numbers: Array, first: Any) -> None:
        """No displacement may be larger than was promised."""
        if self.reach is not None and numbers.size:
            found = float(np.nanmax(np.abs(numbers), initial=0))
            if found > self.reach:
                raise ValueError(
                    f"flow_warp: reach must be no less than any displacement; got "
                    f"reach = {self.reach} and {found} in the chunk that begins at {tuple(first)}"
                )
