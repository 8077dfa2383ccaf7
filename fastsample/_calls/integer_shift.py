"""Shifts by whole pixels as work for a kernel: items of any type, copied."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels import drive
from .._kernels.drive import NOTHING
from .._kernels.kind import RULES
from .._kernels.stages.copy import COPY, copier
from .._kernels.threads import MOST_THREADS
from . import buffers, fractional_shift, schedule
from .run import Spec, spec

Array = NDArray[Any]
# One thread, in the third-level cache: 53 bytes a ns, 5 ns to begin a row, 0.4 an item by itself.
RUN_BYTES, ROW_NS, ITEM_NS = 50, 5, 0.4


class Work(NamedTuple):
    """What the kernel is told, and how often it is called."""

    job: Array
    steps: Array
    fill: Array
    pieces: int
    parallel: bool
    swapped: bool  # the input's bytes, and so the output's once they are copied


class Side(NamedTuple):
    """Where the input or the output lies: bytes to the first item and along (N, C, D, H, W)."""

    start: int
    strides: tuple[int, int, int, int, int]


def copy(
    image: Array, shifts: Array, padding_mode: str, fill: bytes, out: Array, back: bool = False
) -> None:
    """Shift the channels of (N, C, *in) by whole pixels into `out`, each group by its row.

    `fill` is an item of the result's type, or one for each channel; `back` shifts the other way.
    """
    if out.size == 0:
        return
    specs, rows = (Spec(*spec(image)), Spec(*spec(out))), shifts.tobytes()
    work = prepare(*specs, shifts.dtype, len(shifts), rows, padding_mode, fill, back)
    arrays = buffers.read_bytes(image), work.fill, NOTHING, buffers.as_bytes(out)
    drive.run(copier(), work.parallel, (work.job, work.steps, *arrays), work.pieces)
    if work.swapped:
        out.byteswap(inplace=True)


def input_gradient(gradient: Array, shifts: Array, padding_mode: str) -> Array:
    """The gradient of the input: back where nothing is read twice, else each to what it read."""
    out = buffers.empty(gradient.shape, gradient.dtype.newbyteorder("="))
    if padding_mode not in ("border", "reflection"):
        copy(gradient, shifts, padding_mode, bytes(out.itemsize), out, back=True)
    elif out.size > 0:
        sizes = np.array(out.shape[2:])
        steps = steps_of(shifts, sizes, padding_mode)[:, 3 - len(sizes) :]
        sampling = fractional_shift.sampling("nearest", padding_mode, out.shape[2:], 0.0)
        fractional_shift.scatter(sampling, gradient, steps.astype(np.float64), out)
    return out


@lru_cache(maxsize=256)
def prepare(image, out, dtype, groups, rows, padding_mode, fill, back, trims=(), stream=False):
    """The work of a call; `rows` are the shifts' bytes.

    `trims` says of each axis how many of its first and its last pixels count as outside,
    whatever the shift; `stream`, whether rows are written past the caches.
    """
    sizes = image.shape[2:]
    shifts = np.frombuffer(rows, dtype).reshape(groups, len(sizes))
    steps = steps_of(shifts, np.array(sizes), padding_mode)
    job = record(image, groups, RULES[padding_mode], side_of(image), side_of(out))
    job["stream"] = stream
    for axis, (first, last) in zip("dhw"[3 - len(trims) :], trims, strict=True):
        job[f"first_{axis}"], job[f"last_{axis}"] = first, last
    swapped = not image.dtype.isnative
    items = fills_of(job[0], fill, out.dtype)
    items = items.byteswap() if swapped else items
    steps = np.repeat(-steps if back else steps, int(job[0]["c"]) // groups, axis=0).ravel()
    pieces, parallel = cut(job[0]), pays(job[0])
    arrays = (buffers.read_bytes(x) for x in (job, steps, items))
    return Work(*arrays, pieces, parallel, swapped)


def fills_of(task: Any, fill: bytes, dtype: np.dtype[Any]) -> Array:
    """What fills each of the kernel's channels, which may be several that are neighbours."""
    items = np.frombuffer(fill, dtype)
    if len(items) == 1:
        return np.tile(items, int(task["item"]) // dtype.itemsize)
    task["fill_step"] = task["item"]
    return items


def steps_of(shifts: Array, sizes: Array, padding_mode: str) -> Array:
    """The shifts as (G, 3) steps along (z, y, x), of at most one size of the axis.

    Whatever their type: -128 has no negative among int8, and half of uint64 is no int64.
    """
    wide = shifts.astype(np.uint64 if shifts.dtype.kind == "u" else np.int64)
    steps = np.zeros((len(shifts), 3), np.int64)
    part = steps[:, 3 - len(sizes) :]
    if padding_mode in ("wrap", "reflection"):
        period = sizes * (2 if padding_mode == "reflection" else 1)
        part[...] = wide % period.astype(wide.dtype)
        part -= period * (2 * part > period)  # the shorter way round
    else:
        part[...] = np.minimum(wide, sizes.astype(wide.dtype))
        np.maximum(part, -sizes, out=part)
    return steps


def side_of(x: Spec) -> Side:
    """Where an array (N, C, *in) lies, its missing axes of size 1."""
    steps = [s if n > 1 else 0 for s, n in zip(x.strides, x.shape, strict=True)]
    start = -sum(min(s, 0) * (n - 1) for s, n in zip(steps, x.shape, strict=True))
    n, c, *spatial = steps
    return Side(start, (n, c, *[0] * (3 - len(spatial)), *spatial))


def record(image: Spec, groups: int, rule: int, input: Side, out: Side) -> Array:
    """What the kernel is told; where channels are neighbours, a group of them is an item."""
    job = np.zeros(1, COPY)
    task = job[0]
    n, c, *sizes = image.shape
    task["depth"], task["height"], task["width"] = [1] * (3 - len(sizes)) + sizes
    task["c"], task["item"], task["rule"] = c, image.dtype.itemsize, rule
    for name, side in (("input", input), ("out", out)):
        task[f"{name}_start"] = side.start
        for axis, stride in zip("ncdhw", side.strides, strict=True):
            task[f"{name}_{axis}"] = stride
    if c > groups and task["input_c"] == task["out_c"] == task["item"]:
        task["item"] *= c // groups
        task["input_c"] = task["out_c"] = task["item"]
        task["c"] = groups
    task["planes"] = n * task["c"]
    close(task)
    return job


def close(task: Any) -> None:
    """An axis of one pixel has any stride: the one that leaves no gap."""
    item, row = int(task["item"]), int(task["item"] * task["width"])
    if task["width"] == 1:
        task["input_w"] = task["out_w"] = item
    if task["height"] == 1:
        task["input_h"] = task["out_h"] = row
    task["dense"] = runs(task) and task["input_h"] == task["out_h"] == row


def runs(task: Any) -> bool:
    """Do the items of a row follow each other?"""
    return bool(task["input_w"] == task["out_w"] == task["item"])


def cut(task: Any) -> int:
    """Cut the work into pieces of some planes, or bands where planes are few; their number."""
    planes, wanted = int(task["planes"]), 8 * MOST_THREADS
    task["each"], bands = max(1, planes // wanted), -(-wanted // planes)
    task["down"] = min(bands, int(task["height"]))
    task["across"] = min(bands, int(task["width"])) if task["height"] == 1 else 1
    return -(-planes // int(task["each"])) * int(task["down"]) * int(task["across"])


def pays(task: Any) -> bool:
    """Is it worth waking other threads?"""
    rows = int(task["planes"]) * int(task["depth"]) * int(task["height"])
    items = rows * int(task["width"])
    starts = rows * ROW_NS if runs(task) else items * ITEM_NS
    return items * int(task["item"]) / RUN_BYTES + starts > schedule.SERIAL_NS
