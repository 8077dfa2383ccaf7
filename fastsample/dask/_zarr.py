"""What lies in one chunk of an array of zarr, in the memory that it was decoded into.

Chunks in files are read and decoded here where they are values in order, as they are or compressed
with zstd or Blosc: into memory that is used again for the next ones. zarr has new memory for each,
which the system clears in pages of 4 KB, and copies what it decodes into an array of its own.

All else zarr reads. All reads and writes of a process go through one thread of its, which also
compares each chunk that is written with the fill value; from files and from memory a chunk is read
and decoded by the thread that wants it, without that one.
"""

import asyncio
import os
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BytesCodec, ZstdCodec
from zarr.storage import LocalStore, MemoryStore

from .._calls.kept import Store

try:
    from zarr.buffer.cpu import NDBuffer
except ImportError:  # before zarr 3.1
    from zarr.core.buffer.cpu import NDBuffer

Array = NDArray[Any]
ANYWHERE = (LocalStore, MemoryStore)  # stores that belong to no thread's event loop
ZSTD, BLOSC = numcodecs.Zstd(), numcodecs.Blosc()
# By type of codec; arrays of version 2 have those of numcodecs themselves.
DECODERS = {ZstdCodec: ZSTD, BloscCodec: BLOSC, numcodecs.Zstd: ZSTD, numcodecs.Blosc: BLOSC}


def inside(array: Any, part: tuple[slice, ...], memory: Store) -> Array:
    """A part of an array that lies in one chunk. Not to be written to."""
    if _is_plain(array):
        index = tuple(s.start // n for s, n in zip(part, array.chunks, strict=True))
        chunk = _chunk(array, index, memory)
        if chunk is not None:
            both = zip(part, index, array.chunks, strict=True)
            found = chunk[tuple(slice(s.start - k * n, s.stop - k * n) for s, k, n in both)]
            return chunk if found.shape == chunk.shape else found.copy()
    shape = tuple(s.stop - s.start for s in part)
    into = Decoded(shape, array.dtype, shape == array.chunks)
    if _can_be_read_here(array):
        _read_here(array, part, into)
    else:
        array.get_basic_selection(part, out=into)
    return into.array


def _is_plain(array: Any) -> bool:
    """Whether chunks are files that hold numbers in order, compressed in a known way or not."""
    if type(array.store) is not LocalStore or not hasattr(array, "serializer"):
        return False
    numbers = array.dtype.kind in "biufc" and array.dtype.isnative
    in_order = array.order == "C" if array.serializer is None else _is_native(array)
    known = [type(codec) in DECODERS for codec in array.compressors]
    return numbers and in_order and not array.filters and not array.shards and known in ([], [True])


def _is_native(array: Any) -> bool:
    """Whether the bytes of a number are stored in the order in which this machine has them."""
    one = array.dtype.itemsize == 1
    return type(array.serializer) is BytesCodec and (one or array.serializer == BytesCodec())


def _chunk(array: Any, index: tuple[int, ...], memory: Store) -> Array | None:
    """A whole chunk; None if there is no file, or not what there should be, as zarr will say."""
    size = prod(array.chunks) * array.dtype.itemsize
    place = (array.store_path / array.metadata.encode_chunk_key(index)).path
    found = _stored(array.store.root / place, size, memory)
    for codec in array.compressors if found is not None else ():
        decoded = memory.lined(size)
        found = decoded if _is_decoded(DECODERS[type(codec)], found, decoded) else None
    if found is None or found.nbytes != size:
        return None
    return found.view(array.dtype).reshape(array.chunks)


def _stored(path: Path, usual: int, memory: Store) -> Array | None:
    """The bytes of a file, in memory of one size for all that are no longer than usual."""
    try:
        file = path.open("rb")
    except OSError:
        return None
    with file:
        size = os.fstat(file.fileno()).st_size
        made = memory.lined(max(size, usual))[:size]
        return made if file.readinto(made) == size else None


def _is_decoded(decoder: Any, stored: Array, into: Array) -> bool:
    """Decode into memory, and whether it is full then: a byte less must be too little.

    Decoders refuse that before they begin, in 0.1 ms.
    """
    try:
        decoder.decode(stored, out=into[:-1])
    except Exception:  # each has its own
        try:
            decoder.decode(stored, out=into)
        except Exception:
            return False
        return True
    return False


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
