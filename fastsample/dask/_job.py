"""A chunk of a result, from what its task is handed: where it reads, in which parts, its values."""

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._calls import places
from .._calls.threads import of_threads
from . import _sources

Array = NDArray[Any]
MOST_PARTS = 4096  # of a chunk: more of them mean that its points read all over the image


class Layout(NamedTuple):
    """Which axes an array has besides the spatial ones: (N, C, *in), (N, *in, C), (*in[, C])."""

    batch: bool
    channels: str  # "second", "last" or "" for none

    @property
    def lead(self) -> int:
        """How many axes stand before the spatial ones."""
        return int(self.batch) + (self.channels == "second")

    @property
    def tail(self) -> int:
        """How many stand behind them."""
        return int(self.channels == "last")

    def planes(self, x: Array) -> Array:
        """An array as (N, C, *in)."""
        x = x if self.batch else x[None]
        return np.moveaxis(x, -1, 1) if self.tail else x if self.channels else x[:, None]


class Task(NamedTuple):
    """What every chunk of a result needs to know; a pure function of a chunk's index and blocks.

    `geometry.places(first, shape, samples, arrays)` says where the points of a chunk read;
    `geometry.sample` gives their values.
    """

    function: str
    geometry: Any
    options: Any
    layout: Layout
    chunks: tuple[tuple[int, ...], ...]
    dtype: np.dtype[Any]
    source: Any  # None: blocks of a Dask array, which come with the task
    shape: tuple[int, ...]  # of the source
    most: int  # bytes of the source that are read at once
    threads: int | None
    keep: int = 0  # bytes of decoded chunks that a process keeps for other tasks

    def box(self, index: tuple[int, ...]) -> _sources.Box:
        """The chunk's place in the result."""
        starts = [sum(sizes[:k]) for k, sizes in zip(index, self.chunks, strict=True)]
        both = zip(starts, index, self.chunks, strict=True)
        return tuple((start, start + sizes[k]) for start, k, sizes in both)

    def split(self, box: _sources.Box) -> tuple[_sources.Box, _sources.Box, _sources.Box]:
        """A box's axes before the spatial ones, these, and those behind."""
        a, b = self.layout.lead, len(box) - self.layout.tail
        return box[:a], box[a:b], box[b:]

    def fill(self, box: _sources.Box) -> "Any":
        """The options for the chunk's channels."""
        if not isinstance(getattr(self.options, "fill", None), tuple) or not self.layout.channels:
            return self.options
        start, stop = box[1] if self.layout.channels == "second" else box[-1]
        return self.options._replace(fill=self.options.fill[start:stop])

    def parts(self, index: tuple[int, ...], arrays: Any) -> Iterator[tuple[Any, Any, Any]]:
        """(where the part lies in the chunk, its places, the intervals it reads) of a chunk."""
        box = self.box(index)
        lead, spatial, tail = self.split(box)
        samples = lead[0] if self.layout.batch else (0, 1)
        first, shape = [a for a, _ in spatial], [b - a for a, b in spatial]
        whole = self.geometry.places(first, shape, samples, arrays)
        each = prod(b - a for a, b in (*lead, *tail)) * self.dtype.itemsize
        waiting, made = [(tuple(slice(0, n) for n in shape), whole)], 0
        while waiting:
            part, here = waiting.pop()
            intervals = self.geometry.pixels(here, self.options)
            size = 0 if intervals is None else each * _covered(intervals)
            if size <= self.most:
                made += 1
                yield part, here, intervals
            elif prod(here.shape) == 1 or made + len(waiting) >= MOST_PARTS:
                raise self.refusal(index, box, size)
            else:
                waiting += _halves(part, here)

    def refusal(self, index: tuple[int, ...], box: _sources.Box, size: int) -> ValueError:
        """A chunk whose points read too much."""
        where = ", ".join(f"{start}:{stop}" for start, stop in box)
        return ValueError(
            f"{self.function}: chunk {index} of the result, [{where}], must read at most "
            f"max_read_bytes = {self.most} at once; got points that read {size} bytes even when it "
            f"is cut into {MOST_PARTS} parts or single points: its coordinates spread over the "
            "image. Give a larger max_read_bytes, or smaller chunks"
        )

    def blocks(self, edges: list[list[int]], index: tuple[int, ...], *arrays: Any) -> list[Any]:
        """The blocks of a Dask array, whose chunks begin at these edges, that a chunk reads."""
        found: dict[tuple[int, ...], None] = {}
        lead, spatial, tail = self.split(self.box(index))
        if hasattr(self.geometry, "reached") and self.geometry.is_bounded:
            shape = [stop - start for start, stop in spatial]
            reached = self.geometry.reached([a for a, _ in spatial], shape, self.options)
            every = iter([reached])
        else:
            every = (intervals for _, _, intervals in self.parts(index, arrays))
        for intervals in every:
            for box in _boxes(intervals):
                whole = (*self.shared(lead), *box, *tail)
                found.update(dict.fromkeys(_sources.touched(edges, whole)))
        return list(found)

    def shared(self, lead: _sources.Box) -> _sources.Box:
        """The source's samples and channels: a batch of 1 is every sample."""
        if self.layout.batch and self.shape[0] == 1:
            return ((0, 1), *lead[1:])
        return lead

    def __call__(self, index: tuple[int, ...], source: Any, *arrays: Any) -> Array:
        """The chunk."""
        source = self.source if source is None else source
        box = self.box(index)
        made = source.result if isinstance(source, _sources.Served) else np.empty
        out = made([stop - start for start, stop in box], self.dtype)
        lead, _, tail = self.split(box)
        options, target = self.fill(box), self.layout.planes(out)
        with of_threads(self.threads):
            for part, here, intervals in self.parts(index, arrays):
                into = target[(slice(None), slice(None), *part)]
                if 0 in into.shape:
                    continue
                if intervals is None:
                    self.geometry.put_outside(here, options, into)
                    continue
                image = _sources.read_intervals(source, self.shared(lead), intervals, tail)
                origin = tuple(i[0][0] for i in intervals)
                self.geometry.sample(here, self.layout.planes(image), origin, options, into)
                del image  # before the next one comes
        return out


def _covered(intervals: Any) -> int:
    """The pixels of the intervals of all axes."""
    return prod(sum(stop - start for start, stop in each) for each in intervals)


def _boxes(intervals: Any) -> Iterator[_sources.Box]:
    """The boxes that the intervals of all axes make; none for None."""
    return iter(()) if intervals is None else _sources.product(*intervals)


def _halves(part: tuple[slice, ...], here: Any) -> list[Any]:
    """A part's two halves along its longest axis."""
    shape = here.shape
    a = max(range(len(shape)), key=shape.__getitem__)
    made = []
    for start, stop in ((shape[a] // 2, shape[a]), (0, shape[a] // 2)):
        inner = tuple(slice(start, stop) if k == a else slice(0, n) for k, n in enumerate(shape))
        outer = tuple(
            slice(s.start + i.start, s.start + i.stop) for s, i in zip(part, inner, strict=True)
        )
        made.append((outer, here.cut(inner)))
    return made


class Sampled:
    """What geometries of this library's own functions share."""

    is_known = False  # where a chunk reads, by its index alone
    pixels = staticmethod(places.pixels)
    sample = staticmethod(places.sample)
    put_outside = staticmethod(places.put_outside)


def placed(axes: Any, first: Any, shape: Any) -> Any:
    """The axes of a whole call as those of a part."""
    each = zip(axes, first, shape, strict=True)
    return tuple(axis._replace(begin=start, points=n) for axis, start, n in each)
