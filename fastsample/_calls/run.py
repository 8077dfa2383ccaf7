"""From checked arrays to kernels: one call, or several where strides or bytes ask for it."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels import drive
from .._kernels.drive import NOTHING
from .._kernels.kind import (
    AFFINE,
    AFFINE_GRID,
    CODES,
    FLOW,
    GRID,
    MAPS,
    PERSPECTIVE,
    SAMPLE,
)
from . import again, buffers, schedule
from .formula import Axis
from .quiet import put

Array = NDArray[Any]
Parts = Iterator[tuple[Any, Array, Array, Array]]
Ready = schedule.Call | Callable[..., Parts] | None
COPIED_BYTES = 2**20  # of a grid that has to be copied, at a time
# Beyond this length a float32 place may not say which pixel is meant: of 24 bits one is for places
# a whole axis outside, and one for the half by which a mirror lies beside a pixel's centre.
LONG = 2**22
DOUBLED_BYTES = 2**24  # of coordinates that are computed in double, at a time


class Sampling(NamedTuple):
    """What to do, whatever the arrays."""

    mode: str
    padding_mode: str
    axes: tuple[Axis, ...]
    fill: float | tuple[float, ...]  # for all channels, or for each
    source: int = GRID
    # Derivatives along directions, joined to the grid by `along.joined`, instead of the weights;
    # and of slopes, those of the axis that is turned.
    along: bool = False
    turned: int = 0
    origin: tuple[int, ...] = ()  # where in an input of the axes' sizes the array begins that came

    def of_channel(self, c: int) -> "Sampling":
        """The same for one channel of them."""
        return self._replace(fill=self.fill[c]) if isinstance(self.fill, tuple) else self


class Spec(NamedTuple):
    """All of an array but its memory: what a prepared call depends on."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def layout(self) -> schedule.Layout | None:
        """The layout in elements, or None where only a copy has one."""
        if not self.dtype.isnative:
            return None
        return schedule.layout(self.shape, self.strides, self.dtype.itemsize)


def spec(x: Array) -> tuple[Any, ...]:
    """The spec of an array, as the plain tuple that is quick to make; see `Spec`."""
    return x.shape, x.strides, x.dtype


def fresh(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Spec:
    """The spec of an array that np.empty makes."""
    strides = [dtype.itemsize]
    for n in shape[:0:-1]:
        strides.append(strides[-1] * max(n, 1))
    return Spec(shape, tuple(strides[::-1]), dtype)


def sample(sampling: Sampling, input: Array, grid: Array, out: Array) -> None:
    """Sample `input` (N, C, *in) at `grid` (N, *out, D) into `out` (N, C, *out)."""
    specs = Spec(*spec(input)), Spec(*spec(grid)), Spec(*spec(out))
    run(prepare(sampling, *specs), sampling, input, grid, out)


def run(ready: Ready, sampling: Sampling, input: Array, grid: Array, out: Array) -> None:
    """Do what `prepare` has found."""
    if isinstance(ready, schedule.Call):
        start(ready, input, grid, NOTHING, out)
    elif ready is not None:
        for part in ready(sampling, input, grid, out):
            sample(*part)
            del part  # a copy goes before the next one comes


def components(sampling: Sampling, input: Array, grid: Array, out: Array) -> Parts:
    """Complex arrays: the real parts, then the imaginary ones, outside of which is 0."""
    yield sampling, input.real, grid, out.real
    yield sampling._replace(fill=0.0), input.imag, grid, out.imag


def in_double(sampling: Sampling, input: Array, grid: Array, out: Array) -> Parts:
    """Single coordinates along a long axis, computed in double."""
    for exact, points, part in exact_parts(sampling, grid):
        yield exact, input, points, out[part]
        del points


def is_coarse(axes: tuple[Axis, ...], dtype: np.dtype[Any]) -> bool:
    """Is an axis too long for coordinates of this type?"""
    return bool(dtype.itemsize < 8 and max(max(a.size, a.points) for a in axes) > LONG)


def exact_parts(sampling: Sampling, grid: Array) -> Iterator[tuple[Sampling, Array, Any]]:
    """Coordinates in double, a stretch of the longest output axis at a time.

    And what to do with them (steps have become places), and which part of (N, C, *out) they are
    for.
    """
    if sampling.source in MAPS:
        yield sampling, grid.astype(np.float64), ...
        return
    sizes = grid.shape[1:-1]
    along = max(range(len(sizes)), key=sizes.__getitem__, default=None)
    if along is None or 0 in grid.shape:
        yield sampling._replace(source=GRID), grid.astype(np.float64), ...
        return
    length = max(1, DOUBLED_BYTES // (8 * grid.size // sizes[along]))
    for first in range(0, sizes[along], length):
        cut: list[Any] = [slice(None)] * len(sizes)
        cut[along] = slice(first, first + length)
        points = grid[(slice(None), *cut)].astype(np.float64)
        if sampling.source == FLOW:
            add_places(points, sampling.axes, along, first)
        yield sampling._replace(source=GRID), points, (slice(None), slice(None), *cut)


def add_places(steps: Array, axes: tuple[Axis, ...], along: int, first: int) -> None:
    """Make places of steps (N, *out, D), those along one axis from its point `first` on."""
    for a, (axis, count) in enumerate(zip(axes, steps.shape[1:-1], strict=True)):
        index = np.arange(count) + axis.begin + (first if a == along else 0)
        places = axis.base + index * axis.step
        steps[..., len(axes) - 1 - a] += places.reshape(-1, *[1] * (len(axes) - 1 - a))


@lru_cache(maxsize=512)
def prepare(sampling: Sampling, input: Spec, grid: Spec, out: Spec) -> Ready:
    """The call of a kernel, or how to cut the arrays into parts, or None for an empty output."""
    if 0 in out.shape:
        return None
    if input.dtype.kind == "c":
        return components
    if input.layout is None:
        return planes
    if is_coarse(sampling.axes, grid.dtype):
        return in_double
    if grid.layout is None:
        return stretches if sampling.source == GRID else through_copies
    if out.layout is None:
        return through_copies
    points = points_of(sampling, grid.layout, out)
    if points is None:
        return slices if sampling.source == GRID else through_copies
    layouts = placed(sampling.origin, shared(input)), shared(grid), out.layout
    kind = pixels_of(kind_of(sampling, input, grid, SAMPLE), input, out)
    return schedule.sample_call(kind, sampling.axes, out.shape, points, *layouts, sampling.fill)


def start(call: schedule.Call, image: Array, grid: Array, other: Array, out: Array) -> None:
    """Let a kernel read three arrays and write the fourth; the third, too, where it is scratch."""
    again.saw(call, image, grid, other, out)
    read = buffers.read_bytes(image), buffers.read_bytes(grid)
    between = buffers.as_bytes(other) if call.scratch else buffers.read_bytes(other)
    six = *call.records, *read, between, buffers.as_bytes(out)
    drive.run(call.work, call.parallel, six, call.pieces)


def start_pair(
    call: schedule.Call, image: Array, grid: Array, other: Array, out: Array, second: Array
) -> None:
    """Let a kernel read three arrays and write two; the second takes the place of the axes."""
    again.saw(call, image, grid, other, out, second)
    memory = [buffers.read_bytes(x) for x in (image, grid, other)]
    six = call.records[0], buffers.as_bytes(second), *memory, buffers.as_bytes(out)
    drive.run(call.work, call.parallel, six, call.pieces)


def points_of(sampling: Sampling, grid: schedule.Layout, out: Spec) -> Any:
    """The output's points as rows and columns, or None where strides are in the way."""
    assert out.layout is not None
    sizes, steps = out.shape[2:], out.layout.strides[2:]
    if sampling.source in MAPS and not is_dense(grid.strides[1:], len(sizes), sampling.source):
        return None
    if sampling.source in MAPS:
        return schedule.image_rows(sizes, [0] * len(sizes), steps)
    if sampling.source == FLOW:
        return schedule.image_rows(sizes, grid.strides[1:-1], steps)
    return schedule.rows_and_columns(sizes, grid.strides[1:-1], steps)


def is_dense(strides: tuple[int, ...], axes: int, source: int) -> bool:
    """Do the numbers of a map follow each other? A spline's are packed so."""
    wide = {AFFINE: axes + 1, PERSPECTIVE: 3}.get(source)
    return wide is None or strides == (wide, 1)


def kind_of(sampling: Sampling, input: Spec, grid: Spec, role: int) -> Any:
    """The kernel for an input, or its gradient, and a grid."""
    assert input.layout is not None
    sizes, steps = [axis.size for axis in sampling.axes], input.layout.strides[2:]
    types = CODES[input.dtype], grid.dtype.itemsize
    mode, padding_mode = sampling.mode, sampling.padding_mode
    kind = schedule.kind_of(mode, padding_mode, sizes, steps, *types, role, sampling.source)
    return kind._replace(along=1) if sampling.along else kind


def pixels_of(kind: Any, input: Spec, out: Spec) -> Any:
    """The kernel for whole pixels, where channels are neighbours in the input."""
    assert input.layout is not None
    assert out.layout is not None
    steps, channels = input.layout.strides, out.shape[1]
    if channels > 1 and steps[1] == 1:
        kind = schedule.pixels(kind, channels, steps[-1], planar=out.layout.strides[1] != 1)
    return kind


def make_grid(axes: tuple[Axis, ...], matrices: Array, out: Array) -> None:
    """Write the grid (N, *out, D) of matrices (N, D, D + 1), or of one for all."""
    if out.size == 0:
        return
    finer = finer_than(axes, out.dtype)
    if finer is not None:
        make_rounded_grid(axes, matrices, out, finer)
        return
    matrices = buffers.native(np.broadcast_to(matrices, (len(out), *matrices.shape[1:])))
    call = prepare_grid(axes, Spec(*spec(out)), AFFINE_GRID)
    if call is None:
        whole = np.empty(out.shape, out.dtype)
        make_grid(axes, matrices, whole)
        out[...] = whole
    else:
        start(call, NOTHING, matrices, NOTHING, out)


def finer_than(axes: tuple[Axis, ...], dtype: np.dtype[Any]) -> Any:
    """The type in which a grid of this one is computed, or None where it is the same."""
    if dtype.itemsize == 2:
        return np.float32
    return np.float64 if is_coarse(axes, dtype) else None


def make_rounded_grid(axes: tuple[Axis, ...], matrices: Array, out: Array, finer: Any) -> None:
    """`make_grid` in another type, a sample at a time, and rounded."""
    room = np.empty((1, *out.shape[1:]), finer)
    for n, target in enumerate(out):
        make_grid(axes, one(matrices, n).astype(finer), room)
        put(target, room[0])


@lru_cache(maxsize=512)
def prepare_grid(axes: tuple[Axis, ...], grid: Spec, role: int) -> schedule.Call | None:
    """The call that makes a grid, or sums its gradient; None where strides are in the way."""
    if grid.layout is None:
        return None
    sizes, steps = grid.shape[1:-1], grid.layout.strides[1:-1]
    rows = schedule.image_rows(sizes, steps, steps)
    if rows is None:
        return None
    start, span, (n, *_, d), samples = grid.layout
    as_result = schedule.Layout(start, span, (n, d), samples)
    count = len(axes) * (len(axes) + 1)
    source = schedule.Layout(0, 0, (count, 1), samples) if role == AFFINE_GRID else grid.layout
    return schedule.affine_call(
        role, grid.dtype.itemsize, axes, grid.shape, rows, source, as_result
    )


def shared(x: Spec) -> schedule.Layout:
    """The layout in which a batch of 1 is every sample."""
    layout = x.layout
    assert layout is not None
    if x.shape[0] == 1:
        return layout._replace(strides=(0, *layout.strides[1:]))
    return layout


def one(x: Array, n: int) -> Array:
    """Sample n, of a batch that may be shared."""
    return x if len(x) == 1 else x[n : n + 1]


def placed(origin: tuple[int, ...], layout: schedule.Layout) -> schedule.Layout:
    """The layout of a whole input of which the array is a part that begins there.

    The whole one's first element need not be in memory; nothing but the part may be read.
    """
    steps = zip(origin, layout.strides[2:], strict=False)
    return layout._replace(start=layout.start - sum(at * step for at, step in steps))


def planes(sampling: Sampling, input: Array, grid: Array, out: Array) -> Parts:
    """Plane by plane, from copies of the input's: it is byte-swapped or between elements."""
    for n, c in np.ndindex(out.shape[:2]):
        plane = one(input, n)[:, c : c + 1]
        target = out[n : n + 1, c : c + 1]
        yield sampling.of_channel(c), buffers.native(plane), one(grid, n), target


def stretches(sampling: Sampling, input: Array, grid: Array, out: Array) -> Parts:
    """A stretch of the first output axis at a time, from copies of the grid."""
    if grid.ndim == 2:
        grid, out = grid[:, None], out[..., None]
    length = max(1, COPIED_BYTES * grid.shape[1] * len(grid) // max(grid.nbytes, 1))
    for n in range(len(out)):
        for first in range(0, grid.shape[1], length):
            part = slice(first, first + length)
            points, target = buffers.native(one(grid, n)[:, part]), out[n : n + 1, :, part]
            yield sampling, one(input, n), points, target
            del points


def through_copies(sampling: Sampling, input: Array, grid: Array, out: Array) -> Parts:
    """Plane by plane through copies of the output's and the grid's: one has elements between."""
    for n in range(len(out)):
        points = buffers.native(one(grid, n))
        for c in range(out.shape[1]):
            plane = np.empty((1, 1, *out.shape[2:]), out.dtype)
            yield sampling.of_channel(c), one(input, n)[:, c : c + 1], points, plane
            out[n : n + 1, c : c + 1] = plane
            del plane


def slices(sampling: Sampling, input: Array, grid: Array, out: Array) -> Parts:
    """Along the shortest output axis, until the others can be seen as rows and columns."""
    axis = min((n, k) for k, n in enumerate(out.shape[2:]) if n > 1)[1]
    grids, outs = np.moveaxis(grid, axis + 1, 0), np.moveaxis(out, axis + 2, 0)
    for part, target in zip(grids, outs, strict=True):
        yield sampling, input, part, target
