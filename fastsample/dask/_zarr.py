"""What lies in one chunk of an array of zarr, in the memory that it was decoded into.

zarr copies what it decodes into an array of its own, and all reads and writes of a process go
through one thread of its, which also compares each chunk that is written with the fill value. From
files and from memory a chunk is read and decoded by the thread that wants it, without that one.
"""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from zarr.storage import LocalStore, MemoryStore

try:
    from zarr.buffer.cpu import NDBuffer
except ImportError:  # before zarr 3.1
    from zarr.core.buffer.cpu import NDBuffer

Array = NDArray[Any]
ANYWHERE = (LocalStore, MemoryStore)  # stores that belong to no thread's event loop


def inside(array: Any, part: tuple[slice, ...]) -> Array:
    """A part of an array that lies in one chunk. Not to be written to."""
    shape = tuple(s.stop - s.start for s in part)
    into = Decoded(shape, array.dtype, shape == array.chunks)
    if _can_be_read_here(array):
        _read_here(array, part, into)
    else:
        array.get_basic_selection(part, out=into)
    return into.array


def _can_be_read_here(array: Any) -> bool:
    """Whether this thread may read by itself, and isn't amid an event loop of its own."""
    if type(array.store) not in ANYWHERE or not hasattr(array, "async_array"):
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return hasattr(array.async_array, "get_orthogonal_selection")
    return False


def _read_here(array: Any, part: tuple[slice, ...], into: "Decoded") -> None:
    """Read in an event loop of this thread alone, which takes a quarter of a millisecond."""
    loop = asyncio.new_event_loop()
    try:
        loop.set_default_executor(Here())
        loop.run_until_complete(array.async_array.get_orthogonal_selection(part, out=into))
    finally:
        loop.close()


class Here(ThreadPoolExecutor):
    """Runs what it is handed at once, in the thread that hands it over; it has no threads."""

    def submit(self, /, function: Any, *args: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class Decoded(NDBuffer):  # type: ignore[misc]
    """What a part of a chunk is to be put into; takes a whole one as it is, if it can."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, is_whole: bool) -> None:
        self.array: Array = np.broadcast_to(np.zeros((), dtype), shape)  # no memory yet
        self.is_whole = is_whole
        super().__init__(self.array)

    def __setitem__(self, key: Any, value: Any) -> None:
        found = value.as_numpy_array() if isinstance(value, NDBuffer) else np.asarray(value)
        like = found.shape == self.array.shape and found.dtype == self.array.dtype
        if not self.is_whole or not like or not found.flags.c_contiguous:
            found = np.broadcast_to(found, self.array.shape).astype(self.array.dtype, order="C")
        self.array = found
