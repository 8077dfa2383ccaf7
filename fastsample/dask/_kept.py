"""What tasks to come will read of a source's chunks, kept while a computation lasts.

Neighbours in a result read from the same chunks of the source. The first that reads one leaves here
what its neighbours will need of it, so that they don't decode it again.
"""

import threading
from collections.abc import Iterator
from itertools import islice, product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._calls.kept import Store
from . import _sources
from ._job import Task
from ._sources import Box

Array = NDArray[Any]
Index = tuple[int, ...]
NEAR = 2  # how many chunks of the result away, along each axis, neighbours are
# In a process that has had fewer tasks than that nothing is kept: Dask's scheduler of processes
# sends everything with each of them, so that no other would find it.
ALONE = 1
# A part of which no more than this share is still wanted is cut down to that. A turn of 100 chunks
# by 6 degrees that may keep eight of them decodes 130 at 0.5, 120 at 0.75 and 117 at 1, and copies
# 0.2, 0.4 and 1.9 times the image.
WORTH = 0.75
SPARE = 0.25  # of what a task may keep: larger slices get new memory each time


class Part(NamedTuple):
    """What is kept of a chunk of the source."""

    box: Box
    array: Array
    readers: list[Index]  # the chunks of the result that want it


def helps(task: Task) -> bool:
    """Whether large chunks are read, by several tasks, and it is known beforehand by which."""
    known = task.source is not None and task.geometry.is_known
    several = prod(map(len, task.chunks)) > 1
    return known and several and task.keep > 0 and bool(_sources.large_chunks(task.source))


class Keeper:
    """A task that keeps at most `task.keep` bytes of what it has decoded for others.

    A node of the graph makes it, so every computation begins with an empty one, which is dropped
    with the last chunk. What is kept never leaves the process: other ones get an empty one.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.chunks = task, _sources.large_chunks(task.source)
        self.counts = tuple(map(len, task.chunks))
        self.lock, self.started, self.size = threading.Lock(), 0, 0
        self.left: dict[Index, dict[Index, list[Box]]] = {}  # what each wants of which chunk
        self.parts: dict[Index, Part] = {}
        self.reading: dict[Index, threading.Event] = {}
        self.spare: list[Array] = []  # memory for slices, as much as tasks have used at once
        self.memory = Store(int(SPARE * task.keep), _sources.pages)  # for chunks

    def __reduce__(self) -> Any:
        return Keeper, (self.task,)

    def __call__(self, index: Index, blocks: None, *arrays: Any) -> Array:
        """The chunk of the result."""
        with self.lock:
            self.started += 1
            share = Share(self, index, self.spare.pop() if self.spare else None)
        made = self.task(index, share, *arrays)
        if share.used is not None and share.used.nbytes <= SPARE * self.task.keep:
            with self.lock:
                self.spare.append(share.used)
        return made

    def take(self, index: Index, box: Box) -> Array:
        """A box in one chunk of the source, for the result's chunk `index`."""
        chunk = self.chunk_of(box)
        while True:
            with self.lock:
                wanted = self.wanted(index).get(chunk, [])
                shares = box in wanted and self.started > ALONE
                part, other = self.parts.get(chunk), self.reading.get(chunk)
                held = part is not None and _holds(part.box, box)
                if held or other is None or not shares:
                    if box in wanted:
                        wanted.remove(box)
                    if shares and not held:
                        self.reading[chunk] = threading.Event()
                    break
            other.wait()
        if not held and not shares:
            return _sources.read(self.task.source, box, self.memory)
        part = part if held else self.read(index, chunk, box)
        self.keep(chunk, index)
        return _cut(part, box)

    def turns(self, boxes: list[Box]) -> Iterator[Box]:
        """Some boxes, those last whose chunk another task reads now: to wait is to idle."""
        left = list(boxes)
        while left:
            with self.lock:
                free = (k for k, box in enumerate(left) if self.chunk_of(box) not in self.reading)
                at = next(free, 0)
            yield left.pop(at)

    def read(self, index: Index, chunk: Index, box: Box) -> Part:
        """Read a box, and what others want of its chunk, who find it from now on."""
        try:
            with self.lock:
                others = [other for _, other in self.neighbours(index, chunk)]
            whole = self.whole(chunk, _hull([box, *others]))
            part = Part(whole, _sources.read(self.task.source, whole, self.memory), [index])
            with self.lock:
                self.put(chunk, part)
            return part
        finally:
            with self.lock:
                self.reading.pop(chunk).set()

    def put(self, chunk: Index, part: Part) -> None:
        """Have a part of a chunk, in the place of another."""
        if chunk in self.parts:
            self.drop(chunk)
        self.parts[chunk] = part
        self.size += part.array.nbytes

    def keep(self, chunk: Index, now: Index) -> None:
        """Keep of a chunk what others still want. They need not wait while that is copied."""
        with self.lock:
            part = self.parts.get(chunk)
            others = self.neighbours(now, chunk) if part else []
            others = [other for other in others if _holds(part.box, other[1])]
            if part and not others:
                self.drop(chunk)
            if not others:
                return
            part = part._replace(readers=[index for index, _ in others])
            self.put(chunk, part)
            box = _hull([box for _, box in others])
        less = _cut(part, box)
        if less.nbytes <= WORTH * part.array.nbytes:
            less = _sources.apart(less)
            with self.lock:
                if self.parts.get(chunk) is part:
                    self.put(chunk, Part(box, less, part.readers))
        with self.lock:
            while self.size > self.task.keep:
                self.drop(max(self.parts, key=lambda other: self.distance(other, now)))

    def drop(self, chunk: Index) -> None:
        """Keep a chunk no longer."""
        self.size -= self.parts.pop(chunk).array.nbytes

    def distance(self, chunk: Index, now: Index) -> int:
        """How many tasks on a chunk is read next: Dask goes row by row, in either direction."""
        here = self.number(now)
        return min(abs(self.number(reader) - here) for reader in self.parts[chunk].readers)

    def number(self, index: Index) -> int:
        """The place of a chunk of the result, row by row."""
        place = 0
        for k, n in zip(index, self.counts, strict=True):
            place = place * n + k
        return place

    def chunk_of(self, box: Box) -> Index:
        """The chunk of the source that a box lies in."""
        return tuple(start // n for (start, _), n in zip(box, self.chunks, strict=True))

    def whole(self, chunk: Index, box: Box) -> Box:
        """The chunk that a box is most of; or else the box."""
        axes = zip(chunk, self.chunks, self.task.shape, strict=True)
        full = tuple((k * n, min(k * n + n, size)) for k, n, size in axes)
        return full if _size(box) > WORTH * _size(full) else box

    def neighbours(self, index: Index, chunk: Index) -> list[tuple[Index, Box]]:
        """Who will read a chunk of the source, and which boxes."""
        around = zip(index, self.counts, strict=True)
        near = product(*(range(max(k - NEAR, 0), min(k + NEAR + 1, n)) for k, n in around))
        return [(other, box) for other in near for box in self.wanted(other).get(chunk, ())]

    def wanted(self, index: Index) -> dict[Index, list[Box]]:
        """What a chunk of the result has not yet taken, by chunk of the source."""
        if index not in self.left:
            self.left[index] = {}
            for box in self.boxes(index):
                self.left[index].setdefault(self.chunk_of(box), []).append(box)
        return self.left[index]

    def boxes(self, index: Index) -> list[Box]:
        """What a chunk of the result reads, if it is not made in parts."""
        try:
            parts = list(islice(self.task.parts(index, ()), 2))
        except ValueError:  # refused, as its own task will say
            return []
        if len(parts) != 1 or parts[0][2] is None:
            return []
        lead, _, tail = self.task.split(self.task.box(index))
        return _sources.pieces(self.task.source, self.task.shared(lead), parts[0][2], tail)


class Share(_sources.Served):
    """A keeper's source, as a chunk of the result sees it."""

    def __init__(self, keeper: Keeper, index: Index, used: Array | None) -> None:
        source, self.used = keeper.task.source, used
        self.keeper, self.index, self.chunks = keeper, index, keeper.chunks
        self.shape, self.dtype = source.shape, source.dtype

    def __getitem__(self, part: tuple[slice, ...]) -> Array:
        return self.keeper.take(self.index, tuple((s.start, s.stop) for s in part))

    def turns(self, boxes: list[Box]) -> Iterator[Box]:
        """The boxes of a slice in the order in which to read them."""
        return self.keeper.turns(boxes)

    def memory(self, shape: list[int], dtype: np.dtype[Any]) -> Array:
        """Memory that the slices of an earlier task were in, which the system need not clear."""
        size = prod(shape) * dtype.itemsize
        if self.used is None or self.used.nbytes < size:
            self.used = np.empty(size, np.uint8)
        return self.used[:size].view(dtype).reshape(shape)

    def result(self, shape: list[int], dtype: np.dtype[Any]) -> Array:
        """Memory of a chunk that nobody needs any more, for one of the result."""
        size = prod(shape) * dtype.itemsize
        if size < _sources.LARGE:
            return np.empty(shape, dtype)
        return self.keeper.memory.lined(size).view(dtype).reshape(shape)


def _hull(boxes: list[Box]) -> Box:
    """The smallest box around all."""
    axes = zip(*boxes, strict=True)
    return tuple((min(a for a, _ in each), max(b for _, b in each)) for each in axes)


def _size(box: Box) -> int:
    """How many elements a box has."""
    return prod(stop - start for start, stop in box)


def _holds(outer: Box, inner: Box) -> bool:
    """Whether a box contains another."""
    return all(a <= c and d <= b for (a, b), (c, d) in zip(outer, inner, strict=True))


def _cut(part: Part, box: Box) -> Array:
    """A box that a part contains."""
    both = zip(part.box, box, strict=True)
    return part.array[tuple(slice(start - at, stop - at) for (at, _), (start, stop) in both)]
