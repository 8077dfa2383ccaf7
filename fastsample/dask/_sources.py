"""What chunks are read from: anything with a shape, a dtype and slices; blocks of a Dask array."""

import contextlib
import mmap
import threading
from collections.abc import Iterator
from itertools import pairwise, product
from math import prod
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from .._calls.kept import Store

Array = NDArray[Any]
Box = tuple[tuple[int, int], ...]  # a half-open interval of each axis
# Bytes from which on the chunks of a source are read one by one. Nine of zarr's of 16 MB as one
# slice took 0.32 s of CPU time and 220 MB, since all are decoded at once; each by itself 0.26 s and
# 46 MB.
LARGE = 2**20
HUGE = 2**21  # bytes of a large page, which begin at a multiple of them
_OPENING = threading.Lock()


class Mapped:
    """A file that is mapped into memory: the place is sent to other processes, not the values."""

    def __init__(self, array: Any) -> None:
        self.shape, self.dtype = array.shape, array.dtype
        order = "C" if array.flags.c_contiguous else "F"
        self.place = str(Path(array.filename).resolve()), array.offset, order

    def __getitem__(self, part: Any) -> Array:
        path, offset, order = self.place
        kind = {"dtype": self.dtype, "mode": "r", "offset": offset, "order": order}
        return np.array(np.memmap(path, shape=self.shape, **kind)[part])


class Hdf:
    """A dataset of an HDF5 file, opened by each process that reads it."""

    def __init__(self, dataset: Any) -> None:
        self.shape, self.dtype, self.chunks = dataset.shape, dataset.dtype, dataset.chunks
        self.place = str(Path(dataset.file.filename).resolve()), dataset.name
        self.opened = dataset

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "opened": None}

    def __getitem__(self, part: Any) -> Array:
        with _OPENING:  # HDF5 lets one thread in at a time
            if not self.opened:
                import h5py

                path, name = self.place
                self.opened = h5py.File(path, "r")[name]
            return self.opened[part]


class Blocks:
    """Some blocks of a Dask array, as a part of it that can be sliced."""

    def __init__(self, array: da.Array, blocks: dict[tuple[int, ...], Array]) -> None:
        self.shape, self.dtype, self.blocks = array.shape, array.dtype, blocks
        self.edges = edges_of(array.chunks)

    def __getitem__(self, part: tuple[slice, ...]) -> Array:
        box = tuple((s.start, s.stop) for s in part)
        made = np.empty([stop - start for start, stop in box], self.dtype)
        for index in touched(self.edges, box):
            target, source = [], []
            for k, (start, stop), edges in zip(index, box, self.edges, strict=True):
                low, high = max(start, edges[k]), min(stop, edges[k + 1])
                target.append(slice(low - start, high - start))
                source.append(slice(low - edges[k], high - edges[k]))
            made[tuple(target)] = self.blocks[index][tuple(source)]
        return made


class Served:
    """A source of this module's own, which also has memory and says in what order to read.

    Other sources are asked for nothing by name: theirs may mean something else.
    """

    def memory(self, shape: list[int], dtype: np.dtype[Any]) -> Array:
        """Memory for a slice."""
        raise NotImplementedError

    def result(self, shape: list[int], dtype: np.dtype[Any]) -> Array:
        """Memory for a chunk of the result."""
        raise NotImplementedError

    def turns(self, boxes: list[Box]) -> Iterator[Box]:
        """The boxes of a slice in the order in which to read them."""
        raise NotImplementedError


def apart(view: Array) -> Array:
    """A copy in pages of its own, which are free for others as soon as nobody needs it."""
    made = pages(view.nbytes).view(view.dtype).reshape(view.shape)
    made[...] = view
    return made


def pages(size: int) -> Array:
    """So many bytes in pages of their own, large ones as far as they fill them."""
    mapped = _mapped(size + HUGE)
    made = np.frombuffer(mapped, np.uint8)
    start = -made.ctypes.data % HUGE
    if size >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):
            mapped.madvise(mmap.MADV_HUGEPAGE, start, size // HUGE * HUGE)
    return made[start : start + size]


def _mapped(size: int) -> mmap.mmap:
    """Memory that the system clears when it is touched."""
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)
    # 16 MB came in 3 ms; shared with other processes, which is the default, in 13.
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


NEW = Store(0, pages)  # memory that nobody has had before


def edges_of(chunks: tuple[tuple[int, ...], ...]) -> list[list[int]]:
    """Where the chunks of each axis begin, and where the last one ends."""
    return [[0, *np.cumsum(sizes).tolist()] for sizes in chunks]


def touched(edges: list[list[int]], box: Box) -> list[tuple[int, ...]]:
    """The indices of the blocks that a box meets."""
    each = []
    for at, (start, stop) in zip(edges, box, strict=True):
        first = int(np.searchsorted(at, start, "right")) - 1
        last = int(np.searchsorted(at, stop, "left"))
        each.append([k for k in range(first, last) if at[k] < at[k + 1]] if stop > start else [])
    return list(product(*each))


def sliceable(function: str, name: str, thing: Any) -> Any:
    """A Dask array or a thing with a shape, a dtype and slices; checked, and fit to be sent."""
    if isinstance(thing, da.Array):
        if any(np.isnan(n) for n in thing.shape):
            raise ValueError(
                f"{function}: {name} must be of known chunks; got a Dask array of shape "
                f"{thing.shape}: call {name}.compute_chunk_sizes()"
            )
        return thing
    if isinstance(thing, list | tuple):
        thing = np.asarray(thing)
    missing = [a for a in ("shape", "dtype", "__getitem__") if not hasattr(thing, a)]
    if missing:
        raise TypeError(
            f"{function}: {name} must be a Dask array, or have a shape, a dtype and slices (zarr, "
            f"h5py, tensorstore, NumPy); got {type(thing).__name__} without {missing[0]}"
        )
    if isinstance(thing, np.memmap) and type(thing.base).__name__ == "mmap":
        return Mapped(thing)
    if type(thing).__module__.partition(".")[0] == "h5py":
        return Hdf(thing)
    return thing


def type_of(thing: Any) -> np.dtype[Any]:
    """The NumPy type of a source; TensorStore has types of its own."""
    return np.dtype(getattr(thing.dtype, "numpy_dtype", thing.dtype))


def read(source: Any, box: Box, memory: Store = NEW) -> Array:
    """A box of a source; chunks of zarr may be decoded into memory that is used again."""
    part = tuple(slice(start, stop) for start, stop in box)
    if _is_in_chunk_of_zarr(source, box):
        from . import _zarr

        return _zarr.inside(source, part, memory)
    found = source[part]
    return np.asarray(found.read().result() if hasattr(found, "read") else found)


def _is_in_chunk_of_zarr(source: Any, box: Box) -> bool:
    """Whether a box lies in one large chunk of an array of zarr 3."""
    chunks = large_chunks(source) if type(source).__module__.startswith("zarr.core.") else None
    if chunks is None:
        return False
    both = zip(box, chunks, strict=True)
    return all(start // n == (stop - 1) // n for (start, stop), n in both)


def large_chunks(source: Any) -> tuple[int, ...] | None:
    """The shape of a source's chunks, if it tells and they are large."""
    chunks = getattr(source, "chunks", None)
    known = isinstance(chunks, tuple) and len(chunks) == len(source.shape)
    if not known or not all(isinstance(n, int) and n > 0 for n in chunks):
        return None
    return chunks if prod(chunks) * type_of(source).itemsize >= LARGE else None


def pieces(source: Any, lead: Box, each: Any, tail: Box) -> list[Box]:
    """The boxes of intervals of the spatial axes, cut where a source's chunks meet, if large."""
    boxes, chunks = [(*lead, *box, *tail) for box in product(*each)], large_chunks(source)
    return boxes if chunks is None else [part for box in boxes for part in _cut(box, chunks)]


def _cut(box: Box, chunks: tuple[int, ...]) -> list[Box]:
    """A box, cut where chunks meet."""
    cuts = []
    for (start, stop), n in zip(box, chunks, strict=True):
        edges = [start, *range(start // n * n + n, stop, n), stop]
        cuts.append(list(pairwise(edges)))
    return list(product(*cuts))


def read_intervals(source: Any, lead: Box, each: Any, tail: Box) -> Array:
    """Intervals of the spatial axes, in an array that begins at the first and ends at the last.

    What lies between two of them is memory that nobody touches, which systems hand out when it is
    touched.
    """
    boxes = pieces(source, lead, each, tail)
    if len(boxes) == 1:
        return read(source, boxes[0])
    hull = (*lead, *((i[0][0], i[-1][1]) for i in each), *tail)
    served = isinstance(source, Served)
    memory = source.memory if served else np.empty
    made = memory([stop - start for start, stop in hull], type_of(source))
    for whole in source.turns(boxes) if served else boxes:
        both = zip(whole, hull, strict=True)
        target = tuple(slice(start - at, stop - at) for (start, stop), (at, _) in both)
        made[target] = read(source, whole)
    return made
