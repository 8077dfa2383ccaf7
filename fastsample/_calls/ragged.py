"""Images of different sizes into one batch: a job for each, and one region of threads for all."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels import drive
from .._kernels.loops import LISTED, list_loop
from . import buffers, checks, schedule
from .formula import fills, records_of_many
from .run import Sampling, Spec, is_coarse, kind_of, points_of, shared, spec
from .sampled import Coordinates, Options, options_of

Array = NDArray[Any]


class Part(NamedTuple):
    """Images that the same kernels sample."""

    kind: Any
    numbers: list[int]  # of the images, in the batch
    axes: list[Any]
    layouts: list[schedule.Layout]


def is_list(input: Any) -> bool:
    """Several arrays, and not an array?"""
    return isinstance(input, list | tuple) and bool(input) and isinstance(input[0], np.ndarray)


def forward(
    function: str, about: Coordinates, images: Any, points: Array, options: Options, out: Any
) -> Array:
    """Sample each image by its row of `points` (N, ...), into (N, C, *size)."""
    assert about.size is not None
    mode, padding_mode, fill, last = options_of(function, about, options)
    arrays = [checks.array(function, f"input[{k}]", x) for k, x in enumerate(images)]
    checks.listed(function, arrays, len(about.size), last)
    seen = [x.transpose(x.ndim - 1, *range(x.ndim - 1)) if last else x for x in arrays]
    dtype, shape = seen[0].dtype.newbyteorder("="), (len(seen), len(seen[0]), *about.size)
    checks.sampled(function, "input[0]", seen[0].dtype, mode)
    checks.fills(function, "fill_value", fill, dtype, shape[1])
    checks.dtype(function, about.argument, points.dtype, checks.GRID_TYPES)
    about.check(function, about.argument, points.shape, (len(seen), *seen[0].shape))
    for k, x in enumerate(seen):
        checks.something_to_sample(function, (1, *x.shape), shape, f"input[{k}]")
    given = out
    if given is None:
        out = buffers.empty(_public(shape, last), dtype)
    else:
        checks.writable(function, given)
        checks.result(function, given, _public(shape, last), dtype)
        named = {f"input[{k}]": x for k, x in enumerate(arrays)}
        checks.apart(function, given, **named, **{about.argument: points})
    axes = about.axes(seen[0].shape[1:], *about.options)
    sampling = Sampling(mode, padding_mode, axes, fill, about.source)
    if 0 not in shape:
        target = np.moveaxis(out, -1, 1) if last else out
        _sample(sampling, about, seen, buffers.widened(points), target)
    return out if given is None else given


def _public(shape: tuple[int, ...], last: bool) -> tuple[int, ...]:
    """A result's shape as the user sees it."""
    return (shape[0], *shape[2:], shape[1]) if last else shape


def _sample(
    sampling: Sampling, about: Coordinates, images: list[Array], points: Array, out: Array
) -> None:
    """All images into `out` (N, C, *size)."""
    if out.dtype.kind == "c":
        _sample(sampling, about, [x.real for x in images], points, out.real)
        imaginary = sampling._replace(fill=0.0)
        _sample(imaginary, about, [x.imag for x in images], points, out.imag)
        return
    longest = max(images, key=lambda x: max(x.shape[1:]))
    coarse = is_coarse(_axes(about, longest), points.dtype)
    grid = np.ascontiguousarray(points, np.float64 if coarse else points.dtype.newbyteorder("="))
    target, source = Spec(*spec(out)), shared(Spec(*spec(grid)))
    rows = None if target.layout is None else points_of(sampling, source, target)
    if rows is None:
        room = np.empty(out.shape, out.dtype)
        _sample(sampling, about, images, grid, room)
        out[...] = room
        return
    images = [x if Spec(*spec(x)).layout is not None else buffers.native(x) for x in images]
    parts = _parts(sampling, about, images, grid, target)
    calls = [_call(sampling, part, target, rows, source) for part in parts]
    _start(sampling, about, parts, calls, images, grid, out)


def _axes(about: Coordinates, image: Array) -> Any:
    return about.axes(image.shape[1:], *about.options)


def _parts(
    sampling: Sampling, about: Coordinates, images: list[Array], grid: Array, target: Spec
) -> list[Part]:
    """The images by their kernels: there is one, unless some are tiny or laid out another way."""
    parts: dict[Any, Part] = {}
    assert target.layout is not None
    for k, x in enumerate(images):
        whole = Spec((1, *x.shape), (x.nbytes, *x.strides), x.dtype)
        assert whole.layout is not None
        axes = _axes(about, x)
        own = sampling._replace(axes=axes)
        kind = kind_of(own, whole, Spec(*spec(grid)), schedule.SAMPLE)
        steps = whole.layout.strides
        if len(x) > 1 and steps[1] == target.layout.strides[1] == 1:
            kind = schedule.pixels(kind, len(x), steps[-1])
        part = parts.setdefault(kind, Part(kind, [], [], []))
        part.numbers.append(k)
        part.axes.append(axes)
        part.layouts.append(whole.layout._replace(strides=(0, *steps[1:])))
    return list(parts.values())


def _call(sampling: Sampling, part: Part, target: Spec, rows: Any, source: Any) -> schedule.Call:
    """The call that all images of a part are like, cut for the whole batch."""
    first, layout = part.axes[0], part.layouts[0]
    shape, out = target.shape, target.layout
    return schedule.sample_call(part.kind, first, shape, rows, layout, source, out, sampling.fill)


def _start(
    sampling: Sampling,
    about: Coordinates,
    parts: list[Part],
    calls: list[schedule.Call],
    images: list[Array],
    grid: Array,
    out: Array,
) -> None:
    """Write all jobs down, and run them."""
    jobs = np.zeros(len(images), schedule.JOB)
    entries, tables, end = np.zeros((len(images) + 1, LISTED), np.int64), [], 0
    for part, call in zip(parts, calls, strict=True):
        inputs = list(zip(part.numbers, part.axes, part.layouts, strict=True))
        made, places = schedule.jobs_of(call, part.kind, inputs), np.array(part.numbers)
        table = _records(about, part)
        entries[places + 1, 2] = starts = end + np.arange(len(places)) * table.shape[1]
        made["fill_at"] = end + table.size - starts
        entries[places + 1, 3], entries[places + 1, 4] = call.pieces // len(images), call.work
        jobs[places] = made
        _, *extra = fills(part.kind, sampling.fill)
        tables += [table.ravel(), *(x.view(np.uint8) for x in extra)]
        end = sum(x.size for x in tables)
    entries[0, 0] = most = entries[1:, 3].max()
    memory = [buffers.as_bytes(x) for x in images]
    entries[1:, 0] = [x.__array_interface__["data"][0] for x in memory]
    entries[1:, 1] = [x.size for x in memory]
    read = [buffers.read_bytes(x) for x in (jobs, np.concatenate(tables), entries, grid)]
    arrays = *read, drive.NOTHING, buffers.as_bytes(out)
    parallel = any(call.parallel for call in calls)
    drive.run(list_loop(), parallel, arrays, len(images) * int(most))


def _records(about: Coordinates, part: Part) -> Array:
    """The axes of all images of a part, a row each."""
    sizes = np.array([[axis.size for axis in axes] for axes in part.axes])
    axes = about.axes(tuple(sizes.T), *about.options)
    found: Array = records_of_many(part.kind, axes, [x.strides[2:] for x in part.layouts])
    return found
