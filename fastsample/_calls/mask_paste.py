"""Masks and boxes as work for a kernel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels.drive import run
from .._kernels.kind import JOB
from .._kernels.stages.paste import AXIS, BOX, paster
from .._kernels.threads import MOST_THREADS
from . import buffers, schedule
from .quiet import quietly
from .run import Spec, spec

Array = NDArray[Any]
# Hundredths of a ns, one thread: a pixel; a row, with its share of what is stretched for it; a byte
# of the result where its page is touched for the first time and zeroed by the system.
PIXEL, ROW, NEW_BYTE = 5, 1400, 5


@quietly
def paste(masks: Array, boxes: Array, threshold: float | None, out: Array, fresh: bool) -> None:
    """Write the boxes' pixels to `out` (K, H, W), all zeros, whose memory may be `fresh`."""
    if out.size == 0:
        return
    layout = Spec(*spec(out)).layout
    if layout is None:
        through_copies(masks, boxes, threshold, out)
        return
    masks = np.ascontiguousarray(masks, np.float32)
    table = table_of(boxes, masks.shape[1:], out.shape[1:])
    cuts, parallel = cut(table, out.itemsize * out.shape[2] if fresh else 0)
    read = *records(masks, threshold, layout), masks, table, cuts
    arrays = *(buffers.read_bytes(x) for x in read), buffers.as_bytes(out)
    run(paster(threshold is None), parallel, arrays, len(cuts) - 1)


def through_copies(masks: Array, boxes: Array, threshold: float | None, out: Array) -> None:
    """Mask by mask: the result has elements between others."""
    for k in range(len(out)):
        plane = np.zeros((1, *out.shape[1:]), out.dtype)
        paste(masks[k : k + 1], boxes[k : k + 1], threshold, plane, True)
        out[k] = plane[0]


def records(masks: Array, threshold: float | None, out: schedule.Layout) -> tuple[Array, Array]:
    """Masks and result as the kernel is told of them."""
    job, axes = np.zeros(1, JOB), np.zeros(2, AXIS)
    task = job[0]
    task["input_n"] = masks[0].size
    task["out_start"] = out.start
    task["out_n"], task["out_row"], task["out_col"] = out.strides
    task["threshold"] = 0 if threshold is None else threshold
    axes["size"], axes["stride"] = masks.shape[1:], (masks.shape[2], 1)
    axes["last"] = axes["size"] - 1
    return job, axes


def table_of(boxes: Array, mask: tuple[int, ...], image: tuple[int, ...]) -> Array:
    """Each box as pixels of the image, and where these read its mask; both sizes are (h, w)."""
    table = np.zeros(len(boxes), BOX)
    low, high = boxes.astype(np.float64).reshape(-1, 2, 2).transpose(1, 2, 0)
    sizes = np.array([mask, image])[:, ::-1, None]  # x first, as in a box
    first, count, place, step = along(low, high, *sizes)
    table["col"], table["row"] = first
    table["cols"], table["rows"] = count * (count[::-1] > 0)
    table["x"], table["y"] = place
    table["x_step"], table["y_step"] = step
    return table


def along(low: Array, high: Array, size: Array, pixels: Array) -> tuple[Array, ...]:
    """Along each axis the first pixel and how many, the first's place in a mask, and the step.

    Pixel i reads its mask, of so many pixels, at (i + 1/2 - low) * size / (high - low) - 1/2. It
    belongs to a box where that is less than a pixel outside: at most half a pixel beyond the box.
    """
    half = high / 2 - low / 2  # high - low may be too large a number
    fade = half / size
    first = np.minimum(np.maximum(np.ceil(low - fade - 0.5), 0), pixels)
    after = np.minimum(np.maximum(np.floor(high + fade - 0.5) + 1, first), pixels)
    count = (after - first) * ((low < high) & (low < pixels) & (high > 0))
    step = np.divide(size / 2, half, out=np.zeros(half.shape), where=count > 0)
    return first, count, (first + 0.5 - low) * step - 0.5, step


def cut(table: Array, new_bytes: int) -> tuple[Array, bool]:
    """Where pieces of like work begin and end, as (box, row), and whether other threads pay."""
    costs = PIXEL * table["cols"] + ROW + NEW_BYTE * new_bytes
    after = np.cumsum(table["rows"] * costs)
    parallel = bool(after[-1] > 100 * schedule.SERIAL_NS)
    pieces = 8 * MOST_THREADS if parallel else 1
    marks = after[-1] * np.arange(pieces + 1) // pieces
    box = np.minimum(np.searchsorted(after, marks, "right"), len(table) - 1)
    row = table["rows"][box] - (after[box] - marks) // costs[box]
    return np.stack([box, row], 1), parallel
