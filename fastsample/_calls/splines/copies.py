"""Splines at whole places, which are copies: turns by 90 degrees, shifts by whole pixels."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._kernels import drive
from ..._kernels.drive import NOTHING
from ..._kernels.stages.copy import copier
from ..._kernels.stages.splines.outputs import stored
from .. import again, buffers, integer_shift
from ..run import Spec, spec, start
from ..schedule import STREAM, Call
from . import turned_copy
from .gather import Rule, sample
from .places import Matrix

Array = NDArray[Any]
FEW = 2**14  # bytes: less is copied sooner than described
MOST_AXES = 3  # of what the kernel of whole shifts copies


class Stretch(NamedTuple):
    """The results along an axis from `first` to `end` - 1, which are samples `by` before them."""

    first: int
    end: int
    by: int


def ranges(axes, steps, shape):
    """The lowest and the highest place that is read along each axis."""
    for along, sign, at in steps:
        end = at + sign * (shape[axes[along]] - 1)
        yield min(at, end), max(at, end)


def move(x, axes, steps, out, options):
    """Copy what lies inside, and read what lies outside by the mode."""
    if is_shift(x, out, options.mode) and _is_forwards(steps):
        whole = [Stretch(0, n, 0) for n in x.shape]
        for a, (_, _, at) in zip(axes, steps, strict=True):
            whole[a] = Stretch(*_inside(x.shape[a], 1, at, x.shape[a]), -at)
        shift(x, tuple(whole), out, options.cval)
        return
    inside = [slice(0, n) for n in out.shape]
    source = [slice(None)] * x.ndim
    order = list(range(x.ndim))
    for a, (along, sign, at) in zip(axes, steps, strict=True):
        to = axes[along]
        order[to] = a
        first, end = _inside(x.shape[a], sign, at, out.shape[to])
        inside[to] = slice(first, end)
        source[a] = _read(sign, at, first, end)
    around = list(_around(inside, out.shape))
    parts = tuple(source), order, tuple(inside), around
    if (options.mode == "constant" or not around) and x.dtype == out.dtype and x.dtype.isnative:
        _move_alike(x, out, parts, options.cval)
        return
    again.unseen()
    if out[parts[2]].size:
        copy(x[parts[0]].transpose(order), out[parts[2]])
    for part in around:
        _fill(x, axes, steps, out, part, options)


def _is_forwards(steps):
    """Does each axis read along itself?"""
    return all((k, sign) == (number, 1) for number, (k, sign, _) in enumerate(steps))


def is_shift(x: Array, out: Array, mode: str) -> bool:
    """Can the kernel of whole shifts do it, with one value around what is copied?

    On two cores of Zen 3 128 x 128 x 128 doubles take 2.1 ms in this one call, and 2.6 where their
    frame is filled by hand; 1024 x 1024 1.2 and 1.4.
    """
    alike = x.dtype == out.dtype and x.dtype.isnative and x.shape == out.shape
    return alike and x.nbytes >= FEW and x.ndim <= MOST_AXES and mode == "constant"


def shift(x: Array, stretches: tuple[Stretch, ...], out: Array, value: float) -> None:
    """out[o] = x[o - by] along each axis inside its stretch, and the value outside."""
    image, result = x[None, None], out[None, None]
    specs = Spec(*spec(image)), Spec(*spec(result))
    shifts, trims = np.array([[each.by for each in stretches]], np.int64), []
    for n, (first, end, far) in zip(x.shape, stretches, strict=True):
        by = min(max(far, -n), n)
        trims.append((first - max(by, 0), n + min(by, 0) - end))
    item = stored(value, out.dtype).tobytes()
    how = shifts.dtype, 1, shifts.tobytes(), "constant", item, False, tuple(trims)
    work = integer_shift.prepare(*specs, *how, stream=out.nbytes >= STREAM)
    records = work.job, work.steps
    call = Call(copier(), work.job, records, work.pieces, work.parallel, (work.fill,))
    start(call, image, work.fill, NOTHING, result)


def _move_alike(x, out, parts, cval):
    """The same within one type, and one value around: calls like this one need not come here."""
    source, order, inside, around = parts
    item = stored(cval, out.dtype)[0]

    def put(x, out):
        copy(x[source].transpose(order), out[inside])
        for part in around:
            out[part] = item

    again.by_hand(put, x, out, whole=True)


def _inside(size, sign, start, count):
    """The outputs o of so many whose place start + sign * o lies inside an axis."""
    if sign > 0:
        first, end = -start, size - start
    else:
        first, end = start - size + 1, start + 1
    first = min(max(first, 0), count)
    return first, max(first, min(end, count))


def _read(sign, start, first, end):
    """Which pixels these read."""
    if first == end:
        return slice(0, 0)
    low = start + sign * first
    if sign > 0:
        return slice(low, low + end - first)
    last = low - (end - first)
    return slice(low, None if last < 0 else last, -1)


def _around(inside, shape):
    """What lies around a block, as blocks."""
    before = []
    for axis, (part, n) in enumerate(zip(inside, shape, strict=True)):
        rest = [slice(0, m) for m in shape[axis + 1 :]]
        for side in (slice(0, part.start), slice(part.stop, n)):
            if side.start < side.stop:
                yield (*before, side, *rest)
        before.append(part)


def _fill(x, axes, steps, out, part, options):
    """Read a block outside, by order 0."""
    target = out[part]
    if target.size == 0:
        return
    if options.mode == "constant":
        target[...] = stored(options.cval, out.dtype)[0]
        return
    matrix, offset = np.zeros((len(axes), len(axes))), np.zeros(len(axes))
    for k, (along, sign, at) in enumerate(steps):
        matrix[k, along], offset[k] = sign, at + sign * part[axes[along]].start
    sub = tuple(s if a not in axes else slice(None) for a, s in enumerate(part))
    rule = Rule(0, options.mode, float(options.cval))
    sample(x[sub], axes, Matrix(matrix, offset), target, rule)


def copy(view, out):
    """Put an array into one of its shape, by the rule of results."""
    if view.dtype == out.dtype and view.dtype.isnative:
        if turned_copy.suits(view, out):
            turned_copy.copy(view, out)
        elif view.nbytes < FEW or view.ndim > MOST_AXES or not _by_bytes(view, out):
            out[...] = view
    elif np.can_cast(view.dtype, out.dtype, "safe"):
        out[...] = view
    else:
        axes = tuple(range(view.ndim))
        zero = Matrix(np.eye(view.ndim), np.zeros(view.ndim))
        sample(view, axes, zero, out, Rule(0, "nearest", 0.0))


def _by_bytes(view, out):
    """Copy up to three axes by the kernel of whole shifts, over threads."""
    one = (None, None)
    image, result = view[one], out[one]
    specs = Spec(*spec(image)), Spec(*spec(result))
    zeros = np.zeros((1, view.ndim), np.int64)
    fill = bytes(view.itemsize)
    work = integer_shift.prepare(*specs, zeros.dtype, 1, zeros.tobytes(), "border", fill, False)
    arrays = buffers.read_bytes(image), work.fill, NOTHING, buffers.as_bytes(result)
    drive.run(copier(), work.parallel, (work.job, work.steps, *arrays), work.pieces)
    return True
