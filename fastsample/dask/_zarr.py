"""Whole chunks of an array of zarr, in the memory that they were decoded into.

zarr copies what it decodes into an array of its own, in the one thread that all reads and writes go
through.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from zarr.buffer.cpu import NDBuffer
except ImportError:  # before zarr 3.1
    from zarr.core.buffer.cpu import NDBuffer

Array = NDArray[Any]


def whole(array: Any, part: tuple[slice, ...]) -> Array:
    """A part of an array that is one chunk. Not to be written to."""
    into = Decoded([s.stop - s.start for s in part], array.dtype)
    array.get_basic_selection(part, out=into)
    return into.array


class Decoded(NDBuffer):  # type: ignore[misc]
    """What a chunk is to be put into; takes it as it is, if it can."""

    def __init__(self, shape: list[int], dtype: Any) -> None:
        self.array: Array = np.broadcast_to(np.zeros((), dtype), shape)  # no memory yet
        super().__init__(self.array)

    def __setitem__(self, key: Any, value: Any) -> None:
        found = value.as_numpy_array() if isinstance(value, NDBuffer) else np.asarray(value)
        like = found.shape == self.array.shape and found.dtype == self.array.dtype
        if not like or not found.flags.c_contiguous:
            found = np.broadcast_to(found, self.array.shape).astype(self.array.dtype, order="C")
        self.array = found
