"""Calls of deform_conv2d."""

import numpy as np
import systems

from ..case import Case
from ..judge import first_off, is_a_result, is_off, near_of
from ..memory import array_of, dressed
from ..reading import Reading, fixed
from .common import least_of

LAYER = {
    "input": "planes",
    "offset": "floats like",
    "weight": "same type",
    "bias": "same type, shaped",
    "mask": "same type, shaped",
    "stride": "steps",
    "padding": "padding",
    "dilation": "steps",
}


def pairs(d, things):
    """One for both axes, or one each; with what the oracle reads."""
    y, x = d.one(things), d.one(things)
    return d.one([y, (y, x), [y, x]])


def layer(d, kernel, empty=False):
    """Arguments of deform_conv2d."""
    dtype, real = np.dtype(kernel.image), np.dtype(kernel.points)
    n = 0 if empty or d.chance(0.02) else d.number(1, 2)
    kh, kw = d.number(1, 3), d.number(1, 3)
    groups, offset_groups = d.one([(1, 1), (1, 2), (2, 1), (2, 2)])
    channels, cout = d.one([2, 4]), groups * d.number(0 if d.chance(0.05) else 1, 2)
    stride, padding = pairs(d, [1, 1, 2, 3]), pairs(d, [0, 1, 2])
    if d.chance(0.3):
        padding = tuple((d.number(0, 3), d.number(0, 3)) for _ in range(2))
    dilation = pairs(d, [1, 1, 2])
    (sh, sw), (dh, dw) = (np.broadcast_to(p, 2) for p in (stride, dilation))
    ph, pw = systems.sides(padding).sum(1)
    least = least_of(d, kernel)
    height = max(dh * (kh - 1) + 1 - ph, least) + d.number(0, 4)
    width = max(dw * (kw - 1) + 1 - pw, least) + d.number(0, 4)
    ho = (height + ph - dh * (kh - 1) - 1) // sh + 1
    wo = (width + pw - dw * (kw - 1) - 1) // sw + 1
    taps = offset_groups * kh * kw
    offset = d.rng.standard_normal((n, 2 * taps, ho, wo)) * d.one([0, 1, 3])
    offset = np.where(d.rng.random(offset.shape) < 0.1, np.rint(offset), offset).astype(real)
    like = "planes" if d.pool.tight else "any"
    arguments = {
        "input": dressed(d, d.values(dtype, (n, channels, height, width), tame=True), like),
        "offset": dressed(d, d.sprinkled(offset, 0.02) if d.chance(0.15) else offset),
        "weight": dressed(d, d.values(dtype, (cout, channels // groups, kh, kw), tame=True)),
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
    }
    if d.chance(0.5):
        arguments["bias"] = dressed(d, d.values(dtype, (cout,), tame=True))
    if d.chance(0.5):
        arguments["mask"] = dressed(d, d.values(dtype, (n, taps, ho, wo), tame=True))
    return arguments, (n, cout, ho, wo)


def taps_read(arguments, image, offset, weight):
    """(channels, tap, its row of the mask, what it reads) of each tap of each offset group."""
    kh, kw = weight.shape[2:]
    (sh, sw), (dh, dw) = (np.broadcast_to(arguments[k], 2) for k in ("stride", "dilation"))
    ph, pw = systems.sides(arguments["padding"])[:, 0]
    groups = offset.shape[1] // (2 * kh * kw)
    share = image.shape[1] // groups
    rows, cols = np.mgrid[: offset.shape[2], : offset.shape[3]]
    for g, i, j in np.ndindex(groups, kh, kw):
        m = (g * kh + i) * kw + j
        at = [
            (cols * sw - pw + j * dw).astype(offset.dtype) + offset[:, 2 * m + 1],
            (rows * sh - ph + i * dh).astype(offset.dtype) + offset[:, 2 * m],
        ]
        pixels = np.stack([fixed(*pair) for pair in zip(at, at, strict=True)], -1)
        channels = slice(g * share, (g + 1) * share)
        yield (
            channels,
            (i, j),
            m,
            Reading(image[:, channels], pixels, "bilinear", "zeros", False, 0.0),
        )


def columns_of(arguments, given):
    """What each tap reads, times its mask: (N, Cin, kh, kw, Ho, Wo)."""
    image, offset, weight = (given[k] for k in ("input", "offset", "weight"))
    shape = *image.shape[:2], *weight.shape[2:], *offset.shape[2:]
    columns = np.zeros(shape)
    for channels, (i, j), m, r in taps_read(arguments, image, offset, weight):
        scale = 1 if given["mask"] is None else given["mask"][:, m : m + 1].astype(np.float64)
        columns[:, channels, i, j] = scale * r.values()
    return columns


def taken(arguments):
    """The arrays of a layer; None where they are not given."""
    names = "input", "offset", "weight", "bias", "mask"
    return {k: None if arguments.get(k) is None else array_of(arguments[k]) for k in names}


def layer_kernels(d, kernels):
    """Kernels that a deformable convolution is made of."""
    return [k for k in kernels if k[:3] == ("bilinear", "zeros", 2)]


def make_deform_conv2d(d, kernel=None, tame=False):
    kernel = kernel or d.one(layer_kernels(d, d.pool.steps))
    arguments, shape = layer(d, kernel)
    dtype = np.dtype(kernel.image)

    def judge(got):
        is_a_result(got, shape, dtype, {})
        given = taken(arguments)
        if not got.size:
            return
        columns = columns_of(arguments, given)
        with np.errstate(all="ignore"):
            want = systems.deform_conv2d(
                given["input"], given["offset"], given["weight"], given["bias"], columns=columns
            )
        depth = np.prod(given["weight"].shape[1:])
        scale = (1 + np.nanmax(np.abs(columns), initial=0)) * np.abs(given["weight"]).max() * depth
        scale += 0 if given["bias"] is None else np.abs(given["bias"]).max()
        wrong = is_off(got, want, 4 * near_of(dtype) * scale)
        assert not wrong.any(), first_off(got, want, wrong)

    return Case("deform_conv2d", arguments, judge, dict(LAYER), shape, dtype)


def make_deform_conv2d_backward(d):
    kernels = layer_kernels(d, d.pool.steps_back)
    kernel = d.one(kernels or d.pool.grid_back)
    arguments, shape = layer(d, kernel, empty=not kernels)
    gradient = dressed(d, d.values(kernel.image, shape, tame=True))
    asked = tuple(d.chance(0.7) for _ in range(5)) if d.chance(0.5) else (True,) * 5
    arguments = {"grad_output": gradient, **arguments, "output_mask": d.one([tuple, list])(asked)}

    def judge(found):
        given = taken(arguments)
        assert isinstance(found, tuple)
        for got, like, wanted in zip(found, given.values(), asked, strict=True):
            assert (got is None) == (like is None or not wanted)
            if got is not None:
                is_a_result(got, like.shape, like.dtype, {})
        judge_layer_back(dict(zip(given, found, strict=True)), arguments, given)

    kinds = {**LAYER, "grad_output": "gradient", "output_mask": "five"}
    return Case("deform_conv2d_backward", arguments, judge, kinds)


def judge_layer_back(found, arguments, given):
    """By the chain rule: through the product, the masks, the taps."""
    image, offset, weight, mask = (given[k] for k in ("input", "offset", "weight", "mask"))
    gradient = array_of(arguments["grad_output"]).astype(np.float64)
    want = {k: None if x is None else np.zeros(x.shape) for k, x in given.items()}
    groups = image.shape[1] // weight.shape[1]
    with np.errstate(all="ignore"):
        each = groups, len(weight) // groups
        split = gradient.reshape(len(gradient), *each, *gradient.shape[2:])
        kernels = weight.astype(np.float64).reshape(*each, *weight.shape[1:])
        columns = columns_of(arguments, given)
        by_group = columns.reshape(len(columns), groups, weight.shape[1], *columns.shape[2:])
        back = np.einsum("ngoyx,gocij->ngcijyx", split, kernels).reshape(columns.shape)
        shares = np.einsum("ngoyx,ngcijyx->gocij", split, by_group)
        want["weight"] = shares.reshape(weight.shape)
        if want["bias"] is not None:
            want["bias"] = gradient.sum((0, 2, 3))
        for channels, (i, j), m, r in taps_read(arguments, image, offset, weight):
            if not gradient.size:
                break
            part = back[:, channels, i, j]
            if mask is not None:
                want["mask"][:, m] = (part * r.values()).sum(1)
                part = part * mask[:, m : m + 1]
            to_image, to_pixels = r.gradients(part)
            want["input"][:, channels] += to_image
            want["offset"][:, 2 * m : 2 * m + 2] = np.moveaxis(to_pixels, -1, 1)[:, ::-1]
    scale = np.prod([1 + np.abs(x).max(initial=0) for x in (gradient, weight, image)])
    scale *= (1 + np.abs(mask).max(initial=0)) if mask is not None else 1
    bound = near_of(image.dtype, offset.dtype) * scale * (10 + gradient.size)
    for name, x in want.items():
        if found[name] is not None:
            wrong = is_off(found[name], x, bound)
            assert not wrong.any(), f"grad_{name}: " + first_off(found[name], x, wrong)
