"""Images of different sizes into one batch: a job for each, and one region of threads for all.

What differs from image to image stands in whole arrays, a row an image: Python meets each image
only for its shape, strides, type and address.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels import drive
from .._kernels.compiler.flat import address
from .._kernels.kind import MODES, PERSPECTIVE, SAMPLE, WIDE
from .._kernels.loops import LISTED, list_loop
from . import buffers, checks, schedule
from .formula import fills, records_of_many
from .run import Sampling, Spec, fresh, is_coarse, kind_of, pixels_of, points_of, shared, spec
from .sampled import Coordinates, Options, options_of

Array = NDArray[Any]
MOST_TAPS = max(MODES.values())
STANDARD = 64  # pixels along each axis of the image that stands for all in a call


class Images(NamedTuple):
    """Images (C, *in) of a list, a row each."""

    held: list[Array]  # which keeps the memory
    sizes: Array  # (N, D)
    strides: Array  # (N, 1 + D), in elements
    starts: Array  # of the first element behind the lowest one
    spans: Array  # elements from the lowest to the highest


def is_list(input: Any) -> bool:
    """Several arrays, and not an array?"""
    return isinstance(input, list | tuple) and bool(input) and isinstance(input[0], np.ndarray)


def forward(
    function: str, about: Coordinates, images: Any, points: Array, options: Options, out: Any
) -> Array:
    """Sample each image by its row of `points` (N, ...), into (N, C, *size)."""
    assert about.size is not None
    mode, padding_mode, fill, last = options_of(function, about, options)
    arrays = _checked(function, images, len(about.size), last)
    first = arrays[0]
    channels, sizes = (
        (first.shape[-1], first.shape[:-1]) if last else (first.shape[0], first.shape[1:])
    )
    dtype, shape = first.dtype.newbyteorder("="), (len(arrays), channels, *about.size)
    checks.sampled(function, "input[0]", first.dtype, mode)
    checks.fills(function, "fill_value", fill, dtype, channels)
    if about.source != PERSPECTIVE:
        checks.fill_is_read(function, fill, padding_mode, dtype)
    checks.dtype(function, about.argument, points.dtype, checks.GRID_TYPES)
    about.check(function, about.argument, points.shape, (len(arrays), channels, *sizes))
    checks.each_has_pixels(function, arrays, shape, last)
    given = out
    if given is None:
        out = buffers.empty(_public(shape, last), dtype)
    else:
        checks.writable(function, given)
        checks.result(function, given, _public(shape, last), dtype)
        named = {f"input[{k}]": x for k, x in enumerate(arrays)}
        checks.apart(function, given, **named, **{about.argument: points})
    sampling = Sampling(mode, padding_mode, (), fill, about.source)
    if 0 not in shape:
        target = np.moveaxis(out, -1, 1) if last else out
        _sample(sampling, about, arrays, last, buffers.widened(points), target)
    return out if given is None else given


def _checked(function: str, images: Any, axes: int, last: bool) -> list[Array]:
    """The images as arrays of one type and as many channels; each is asked only if they differ."""
    types, arrays = set(map(type, images)), list(images)
    if types != {np.ndarray} or arrays[0].dtype.names:
        arrays = [checks.array(function, f"input[{k}]", x) for k, x in enumerate(arrays)]
    channel = -1 if last else 0
    alike = {x.dtype for x in arrays}, {x.ndim for x in arrays}
    if len(alike[0]) > 1 or alike[1] != {axes + 1} or len({x.shape[channel] for x in arrays}) > 1:
        checks.listed(function, arrays, axes, last)
    return arrays


def _public(shape: tuple[int, ...], last: bool) -> tuple[int, ...]:
    """A result's shape as the user sees it."""
    return (shape[0], *shape[2:], shape[1]) if last else shape


def _sample(
    sampling: Sampling,
    about: Coordinates,
    arrays: list[Array],
    last: bool,
    points: Array,
    out: Array,
) -> None:
    """All images into `out` (N, C, *size)."""
    if out.dtype.kind == "c":
        _sample(sampling, about, [x.real for x in arrays], last, points, out.real)
        imaginary = sampling._replace(fill=0.0)
        _sample(imaginary, about, [x.imag for x in arrays], last, points, out.imag)
        return
    images = _images(arrays, last)
    longest = about.axes(tuple(images.sizes.max(0).tolist()), *about.options)
    exact = np.float64 if is_coarse(longest, points.dtype) else points.dtype.newbyteorder("=")
    grid = np.ascontiguousarray(points, exact)
    specs = Spec(*spec(grid)), Spec(*spec(out))
    sampling = sampling._replace(axes=about.axes((STANDARD,) * len(longest), *about.options))
    if specs[1].layout is None or points_of(sampling, shared(specs[0]), specs[1]) is None:
        room = np.empty(out.shape, out.dtype)
        _sample(sampling, about, arrays, last, grid, room)
        out[...] = room
        return
    _start(_parts(sampling, about, images, specs), images, grid, out)


def _images(arrays: list[Array], last: bool) -> Images:
    """Where the images' elements lie; those that are not whole elements, by copies."""
    if not all(x.dtype.isnative for x in arrays):
        arrays = [buffers.native(x) for x in arrays]
    item = arrays[0].itemsize
    shapes, steps = np.array([x.shape for x in arrays]), np.array([x.strides for x in arrays])
    several = shapes > 1
    if (steps % item * several).any():
        return _images([buffers.native(x) for x in arrays], last)
    steps //= item
    reach = steps * (shapes - 1) * several
    starts, spans = -np.minimum(reach, 0).sum(1), 1 + np.abs(reach).sum(1)
    if last:
        order = [-1, *range(steps.shape[1] - 1)]
        steps, shapes = steps[:, order], shapes[:, order]
    return Images(arrays, shapes[:, 1:], steps, starts, spans)


class Part(NamedTuple):
    """Images that the same kernels sample, and the call that all of them are like."""

    numbers: Array  # of the images, in the batch
    kind: Any
    axes: Any  # of all these images: the sizes are arrays
    layout: schedule.Layout  # of arrays, too
    call: schedule.Call
    fill: Any


def _parts(
    sampling: Sampling, about: Coordinates, images: Images, specs: tuple[Spec, Spec]
) -> list[Part]:
    """The images by their kernels: one part, unless some are tiny or laid out another way."""
    (grid, out), found = specs, []
    for numbers in _alike(images, out.shape[1]):
        sizes, strides = images.sizes[numbers], images.strides[numbers]
        kind = _kind(sampling, about, images, int(numbers[0]), specs)
        axes = about.axes(tuple(sizes.T), *about.options)
        layout = schedule.Layout(images.starts[numbers], images.spans[numbers], (0, *strides.T), 1)
        call = _call(sampling, kind, grid, out)
        found.append(Part(numbers, kind, axes, layout, call, sampling.fill))
    return found


def _alike(images: Images, channels: int) -> list[Array]:
    """The numbers of images that have the same kernels, for all that these depend on."""
    sizes, strides = images.sizes, images.strides
    columns = np.stack(
        [
            np.minimum(sizes.min(1), MOST_TAPS),  # is a window of taps wider than an axis?
            np.maximum(images.spans, sizes.max(1)) > WIDE,
            sizes[:, -1] == 1,
            strides[:, 0] == 1,
            strides[:, -1] == 1,
            strides[:, -1] == channels,
        ],
        1,
    )
    if (columns == columns[0]).all():
        return [np.arange(len(sizes))]
    _, which = np.unique(columns, axis=0, return_inverse=True)
    return [np.flatnonzero(which == k) for k in range(which.max() + 1)]


def _kind(
    sampling: Sampling, about: Coordinates, images: Images, k: int, specs: tuple[Spec, Spec]
) -> Any:
    """The kernels for image k."""
    (grid, out), x = specs, images.held[k]
    sizes, steps = tuple(images.sizes[k].tolist()), images.strides[k].tolist()
    one = Spec((1, out.shape[1], *sizes), (0, *(step * x.itemsize for step in steps)), x.dtype)
    kind = kind_of(sampling._replace(axes=about.axes(sizes, *about.options)), one, grid, SAMPLE)
    return pixels_of(kind, one, out)


@lru_cache(maxsize=512)
def _call(sampling: Sampling, kind: Any, grid: Spec, out: Spec) -> schedule.Call:
    """The call of images of some standard size, cut for the whole batch."""
    standard = fresh((1, out.shape[1], *(axis.size for axis in sampling.axes)), out.dtype)
    points, source = points_of(sampling, shared(grid), out), shared(grid)
    layouts = standard.layout, source, out.layout
    return schedule.sample_call(kind, sampling.axes, out.shape, points, *layouts, sampling.fill)


def _start(parts: list[Part], images: Images, grid: Array, out: Array) -> None:
    """Write all jobs down, and run them."""
    count = len(images.held)
    jobs, entries = np.zeros(count, schedule.JOB), np.zeros((count + 1, LISTED), np.int64)
    tables, end = [], 0
    for part in parts:
        made = schedule.jobs_of(part.call, part.kind, part.axes, part.layout, part.numbers)
        table = records_of_many(part.kind, part.axes, np.stack(part.layout.strides[2:], 1))
        starts = end + np.arange(len(made)) * table.shape[1]
        made["fill_at"] = end + table.size - starts
        jobs[part.numbers], rows = made, part.numbers + 1
        entries[rows, 2] = starts
        entries[rows, 3], entries[rows, 4] = part.call.pieces // count, part.call.work
        _, *extra = fills(part.kind, part.fill)
        tables += [table.ravel(), *(x.view(np.uint8) for x in extra)]
        end = sum(x.size for x in tables)
    entries[0, 0] = most = int(entries[1:, 3].max())
    item = images.held[0].itemsize
    entries[1:, 0] = np.array([address(x) for x in images.held]) - images.starts * item
    entries[1:, 1] = images.spans * item
    read = [buffers.read_bytes(x) for x in (jobs, np.concatenate(tables), entries, grid)]
    arrays = *read, drive.NOTHING, buffers.as_bytes(out)
    drive.run(list_loop(), any(part.call.parallel for part in parts), arrays, count * most)
