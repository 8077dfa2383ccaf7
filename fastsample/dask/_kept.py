"""Pieces of a source's chunks that tasks to come will read, kept while a computation lasts.

Neighbours in a result read from the same chunks of the source. The first that reads such a chunk
cuts out what its neighbours will need, and they find it here instead of decoding the chunk again.
"""

import threading
from itertools import islice, product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _sources
from ._job import Task

Array = NDArray[Any]
Index = tuple[int, ...]
NEAR = 2  # how many chunks of the result away, along each axis, neighbours are
# In a process that has had fewer tasks than that nothing is kept: Dask's scheduler of processes
# sends everything with each of them, so that no other would find it.
ALONE = 1


def helps(task: Task) -> bool:
    """Whether large chunks are read, by several tasks, and it is known beforehand by which."""
    known = task.source is not None and task.geometry.is_known
    several = prod(map(len, task.chunks)) > 1
    return known and several and task.keep > 0 and bool(_sources.large_chunks(task.source))


class Keeper:
    """A task that keeps at most `keep` bytes of what it has decoded for others.

    A node of the graph makes it, so every computation begins with an empty one, which is dropped
    with the last chunk. What is kept never leaves the process: other ones get an empty one.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.chunks = task, _sources.large_chunks(task.source)
        self.counts = tuple(map(len, task.chunks))
        self.lock, self.started, self.size = threading.Lock(), 0, 0
        self.left: dict[Index, dict[Index, set[_sources.Box]]] = {}  # not yet taken, by chunk
        self.pieces: dict[tuple[Index, _sources.Box], Array] = {}
        self.reading: dict[Index, threading.Event] = {}

    def __reduce__(self) -> Any:
        return Keeper, (self.task,)

    def __call__(self, index: Index, blocks: None, *arrays: Any) -> Array:
        """The chunk of the result."""
        with self.lock:
            self.started += 1
        return self.task(index, Share(self, index), *arrays)

    def take(self, index: Index, box: _sources.Box) -> Array:
        """A box in one chunk of the source, for the result's chunk `index`."""
        chunk = tuple(start // n for (start, _), n in zip(box, self.chunks, strict=True))
        while True:
            with self.lock:
                boxes = self.wanted(index).get(chunk, set())
                found = self.drop((index, box))
                shares = found is None and box in boxes and self.started > ALONE
                other = self.reading.get(chunk) if shares else None
                if other is None:
                    boxes.discard(box)
                    if shares:
                        self.reading[chunk] = threading.Event()
                    break
            other.wait()
        if shares:
            return self.read(index, box, chunk)
        return _sources.read(self.task.source, box) if found is None else found

    def read(self, index: Index, box: _sources.Box, chunk: Index) -> Array:
        """Read a box, and keep what others want of its chunk."""
        try:
            with self.lock:
                others = self.neighbours(index, chunk)
            hull = _hull([box, *(other for _, other in others)])
            found = _sources.read(self.task.source, hull)
            for key in others:
                self.keep(key, _cut(found, hull, key[1]), index)
            return _cut(found, hull, box)
        finally:
            with self.lock:
                self.reading.pop(chunk).set()

    def wanted(self, index: Index) -> dict[Index, set[_sources.Box]]:
        """What a chunk of the result has not yet taken."""
        if index not in self.left:
            self.left[index] = made = {}
            for box in self.boxes(index):
                chunk = tuple(start // n for (start, _), n in zip(box, self.chunks, strict=True))
                made.setdefault(chunk, set()).add(box)
        return self.left[index]

    def boxes(self, index: Index) -> list[_sources.Box]:
        """What a chunk of the result reads, if it is not made in parts."""
        try:
            parts = list(islice(self.task.parts(index, ()), 2))
        except ValueError:  # refused, as its own task will say
            return []
        if len(parts) != 1 or parts[0][2] is None:
            return []
        lead, _, tail = self.task.split(self.task.box(index))
        return _sources.pieces(self.task.source, self.task.shared(lead), parts[0][2], tail)

    def neighbours(self, index: Index, chunk: Index) -> list[tuple[Index, _sources.Box]]:
        """Who will read a chunk of the source, and which boxes that are not kept yet."""
        around = zip(index, self.counts, strict=True)
        near = product(*(range(max(k - NEAR, 0), min(k + NEAR + 1, n)) for k, n in around))
        every = ((other, box) for other in near for box in self.wanted(other).get(chunk, ()))
        return [key for key in every if key not in self.pieces]

    def keep(self, key: tuple[Index, _sources.Box], view: Array, now: Index) -> None:
        """Keep a piece, if it is needed sooner than others that would have to go."""
        with self.lock:
            while self.size + view.nbytes > self.task.keep:
                last = max(self.pieces, key=lambda k: self.distance(k, now), default=None)
                if last is None or self.distance(last, now) <= self.distance(key, now):
                    return
                self.drop(last)
            self.size += view.nbytes
        piece = view.copy()
        with self.lock:
            self.pieces[key] = piece

    def distance(self, key: tuple[Index, _sources.Box], now: Index) -> int:
        """How many tasks lie between two: Dask goes row by row, in either direction."""
        one, other = (np.ravel_multi_index(index, self.counts) for index in (key[0], now))
        return abs(int(one) - int(other))

    def drop(self, key: tuple[Index, _sources.Box]) -> Array | None:
        """Give away a piece; None where it is not kept."""
        piece = self.pieces.pop(key, None)
        self.size -= 0 if piece is None else piece.nbytes
        return piece


class Share:
    """A keeper's source, as a chunk of the result sees it."""

    def __init__(self, keeper: Keeper, index: Index) -> None:
        source = keeper.task.source
        self.keeper, self.index, self.chunks = keeper, index, keeper.chunks
        self.shape, self.dtype = source.shape, source.dtype

    def __getitem__(self, part: tuple[slice, ...]) -> Array:
        return self.keeper.take(self.index, tuple((s.start, s.stop) for s in part))


def _hull(boxes: list[_sources.Box]) -> _sources.Box:
    """The smallest box around all."""
    return tuple((min(a for a, _ in each), max(b for _, b in each)) for each in zip(*boxes))


def _cut(array: Array, outer: _sources.Box, inner: _sources.Box) -> Array:
    """A box of an array that is a larger one."""
    both = zip(outer, inner, strict=True)
    return array[tuple(slice(start - at, stop - at) for (at, _), (start, stop) in both)]
