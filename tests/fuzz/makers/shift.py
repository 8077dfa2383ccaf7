"""Calls of region_shift, by whole pixels and by fractions."""

import numpy as np
import systems

from ..case import Case
from ..judge import first_off, is_a_result, is_off, judge_gradients, judge_values, near_of
from ..memory import F32, array_of, dressed
from ..reading import Reading, pixels_of_steps
from .common import PADDINGS, give_out, is_read, least_of, second

COPIED = [
    "bfloat16",
    "b1",
    "i1",
    "u1",
    "i2",
    "u2",
    "i4",
    "u4",
    "i8",
    "u8",
    "f2",
    "f4",
    "f8",
    "c8",
    "c16",
]
DIFFERENTIABLE = ["f2", "f4", "f8", "c8", "c16"]
SHIFTED = {
    "input": "numbers",
    "shifts": "shifts",
    "padding_mode": "word",
    "fill_value": "fill",
    "channels_last": "flag",
    "out": "out",
}


def whole_shifts(d, rows, axes, sizes):
    """Shifts of an integer type, some as far as it goes."""
    dtype = np.dtype(d.one(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]))
    limits = np.iinfo(dtype)
    near = d.rng.integers(max(limits.min, -12), 12, (rows, axes)).astype(dtype)
    far = np.array([limits.min, limits.max, limits.max // 2 + 1], dtype)
    return np.where(d.rng.random((rows, axes)) < 0.1, far[d.rng.integers(0, 3, (rows, axes))], near)


def groups_of(d, channels):
    """A divisor of the channels."""
    return d.one([g for g in range(1, channels + 1) if channels % g == 0] or [0, 1, 2])


def shifting(d, types, back=False):
    """Arguments of a shift by whole pixels, or None where the pool says: by fractions."""
    last = d.chance(0.3)
    channels = 0 if d.chance(0.03) else d.one([1, 2, 3, 4, 6])
    sizes = d.sizes(d.number(1, 3), 1, 6)
    sizes = d.emptied(sizes) if d.chance(0.03) else sizes
    n = 0 if d.chance(0.03) else d.number(1, 3)
    padding = d.one(PADDINGS)
    if back and d.pool.tight:
        padding = d.one(["zeros", "wrap", "constant"])
    dtype = np.dtype(d.one(types))
    if back and padding in ("border", "reflection"):
        dtype = F32
    shape = (n, *sizes, channels) if last else (n, channels, *sizes)
    image = dressed(d, d.values(dtype, shape, tame=back))
    shifts = dressed(d, whole_shifts(d, groups_of(d, channels), len(sizes), sizes))
    return {
        "input": image,
        "shifts": shifts,
        "padding_mode": padding,
        "fill_value": d.fill(dtype, padding == "constant"),
        "channels_last": last,
    }


def sliding(d, kernel, tame=False):
    """Arguments of a shift by fractions."""
    sizes = d.sizes(kernel.ndim, least_of(d, kernel), 7)
    last = d.chance(0.3) and not d.pool.tight
    n, channels = d.number(1, 3), d.one([1, 2, 4]) if d.pool.tight else d.one([1, 3])
    shape = (n, *sizes, channels) if last else (n, channels, *sizes)
    like = "planes" if d.pool.tight else "any"
    image = dressed(d, d.values(kernel.image, shape, tame), like)
    rows = d.rng.standard_normal((groups_of(d, channels), kernel.ndim)) * 3
    rows = np.where(d.rng.random(rows.shape) < 0.2, np.rint(rows), rows).astype(kernel.points)
    rows = d.sprinkled(rows) if d.chance(0.1) else rows
    return {
        "input": image,
        "shifts": dressed(d, rows),
        "padding_mode": kernel.padding,
        "fill_value": d.fill(np.dtype(kernel.image), is_read(kernel.padding, kernel.image)),
        "channels_last": last,
    }


def slides(arguments, image, shifts):
    """(channels, what they read) of each group."""
    step = image.shape[1] // len(shifts)
    for g, row in enumerate(shifts):
        channels = slice(g * step, (g + 1) * step)
        steps = np.broadcast_to(-row[::-1], (1, *image.shape[2:], len(row)))
        pixels = np.broadcast_to(
            pixels_of_steps(steps, image.shape[2:]), (len(image), *steps.shape[1:])
        )
        rule = "bilinear", arguments["padding_mode"], False, float(arguments["fill_value"])
        yield channels, Reading(image[:, channels], pixels, *rule)


def shift_kernels(d):
    """Matrix kernels whose types and mode shifts take."""
    return [k for k in d.pool.matrix if k.mode == "bilinear" and k.points != "f2"]


def make_region_shift(d, kernel=None, tame=False):
    whole = d.chance(0.5)
    arguments = shifting(d, COPIED if not tame else DIFFERENTIABLE, back=tame)
    if not whole:
        arguments = sliding(d, kernel or d.one(shift_kernels(d)), tame)
    image = array_of(arguments["input"])
    last, shape, dtype = arguments["channels_last"], image.shape, image.dtype

    def judge(got):
        is_a_result(got, shape, dtype, arguments)
        x, shifts = array_of(arguments["input"]), array_of(arguments["shifts"])
        x, got = (second(x), second(got)) if last else (x, got)
        if not x.size:
            return
        if not whole:
            for channels, r in slides(arguments, x, shifts):
                judge_values(got[:, channels], r)
            return
        fill = arguments["fill_value"]
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            fill = round(min(max(fill, limits.min), limits.max))  # an int, exact
        want = systems.region_shift(x, shifts, arguments["padding_mode"], fill_value=fill)
        assert np.ascontiguousarray(got).tobytes() == want.tobytes(), "not the same bits"

    if d.chance(0.3) and not tame:
        give_out(d, arguments, shape, dtype)
    return Case("region_shift", arguments, judge, dict(SHIFTED), shape, dtype)


def make_region_shift_backward(d):
    kernels = [k for k in d.pool.matrix_back if k.mode == "bilinear"]
    whole = not kernels or d.chance(0.5)
    arguments = (
        shifting(d, DIFFERENTIABLE, back=True) if whole else sliding(d, d.one(kernels), True)
    )
    image = array_of(arguments["input"])
    last = arguments["channels_last"]
    mask = d.one([(True, True), [True, False], (False, True)])
    gradient = dressed(d, d.values(image.dtype, image.shape, tame=True))
    arguments = {"grad_output": gradient, **arguments, "output_mask": mask}

    def judge(found):
        to_input, to_shifts = found
        assert (to_input is not None) == mask[0]
        assert (to_shifts is not None) == (mask[1] and not whole)
        x, shifts, g = (array_of(arguments[k]) for k in ("input", "shifts", "grad_output"))
        if mask[0]:
            is_a_result(to_input, x.shape, x.dtype, {})
        seen = [second(a) if last else a for a in (x, g)]
        got = to_input if to_input is None or not last else second(to_input)
        if not x.size:
            return
        if whole:
            judge_copied_back(got, *seen[1:], shifts, arguments["padding_mode"])
        else:
            judge_slid_back(got, to_shifts, *seen, shifts, arguments)

    kinds = {**SHIFTED, "grad_output": "gradient", "output_mask": "two", "input": "back numbers"}
    del kinds["out"]
    return Case("region_shift_backward", arguments, judge, kinds)


def judge_copied_back(got, gradient, shifts, padding):
    """Each pixel's gradient goes to the pixel that it was copied from."""
    if got is None:
        return
    want = np.zeros(gradient.shape, np.complex128)
    rows = np.repeat(shifts, gradient.shape[1] // len(shifts), axis=0)
    sizes = gradient.shape[2:]
    for c, row in enumerate(rows):
        for place in np.ndindex(*sizes):
            pairs = zip(place, row, sizes, strict=True)
            read = [systems.source(h - int(s), n, padding) for h, s, n in pairs]
            if None not in read:
                want[(slice(None), c, *read)] += gradient[(slice(None), c, *place)]
    bound = near_of(got.dtype) * 20 * (1 + np.abs(want).max())
    for part in ("real", "imag") if got.dtype.kind == "c" else ("real",):
        wrong = is_off(getattr(got, part), getattr(want, part), bound)
        assert not wrong.any(), "grad_input: " + first_off(got, want, wrong)


def judge_slid_back(got, to_shifts, image, gradient, shifts, arguments):
    """Group by group."""
    for g, (channels, r) in enumerate(slides(arguments, image, shifts)):
        part = gradient[:, channels]
        judge_gradients((None if got is None else got[:, channels], None), r, part, r.pixels.size)
        if to_shifts is not None:
            slopes = r.gradients(part)[1]
            want = -slopes.reshape(-1, slopes.shape[-1]).sum(0)[::-1]
            count = max(r.image.size, 1)
            scale = 8 * np.abs(part).max(initial=0) * r.extent * count
            wrong = is_off(to_shifts[g], want, near_of(to_shifts.dtype, image.dtype) * scale)
            assert not wrong.any(), "grad_shifts: " + first_off(to_shifts[g], want, wrong)
