"""Calls of paste_masks."""

import numpy as np
import systems

from ..case import Case
from ..judge import first_off, is_a_result, judge_values, moved
from ..memory import array_of, dressed
from ..reading import Reading
from .common import give_out


def make_paste_masks(d):
    k = 0 if d.chance(0.05) else d.number(1, 4)
    dtype = np.dtype(d.one(["f4", "f4", "f8", "u1", "b1"]))
    sizes, size = d.sizes(2, 1, 8), d.sizes(2, 1, 24)
    size = d.emptied(size) if d.chance(0.03) else size
    masks = d.values(dtype, (k, *sizes), tame=d.chance(0.7))
    low = d.rng.uniform(-9, 24, (k, 2))
    boxes = np.concatenate([low, low + d.rng.uniform(-1, 30, (k, 2))], 1)
    boxes = np.where(d.rng.random(boxes.shape) < 0.3, np.rint(2 * boxes) / 2, boxes)
    boxes = boxes * d.one([1, 1, 1, 1, 1e-3, 1e30])
    arguments = {
        "masks": dressed(d, masks),
        "boxes": dressed(d, boxes.astype(d.one(["f4", "f8"]))),
        "image_size": d.one([tuple, list])(size),
        "threshold": d.one(
            [0.5, 0.5, None, None, 127.5, 0, -1.0, np.nan, np.inf, np.float32(0.25)]
        ),
    }
    level = arguments["threshold"]
    shape, result = (k, *size), np.dtype(np.float32 if level is None else bool)

    def judge(got):
        is_a_result(got, shape, result, arguments)
        judge_masks(got, array_of(arguments["masks"]), array_of(arguments["boxes"]), level)

    if d.chance(0.3):
        give_out(d, arguments, shape, result)
    kinds = {
        "masks": "masks",
        "boxes": "boxes",
        "image_size": "two sizes",
        "threshold": "threshold",
        "out": "out",
    }
    return Case("paste_masks", arguments, judge, kinds, shape, result)


def judge_masks(got, masks, boxes, level):
    """Mask by mask; a pixel whose value is as good as the threshold may be on either side."""
    for found, mask, box in zip(got, masks, boxes.astype(np.float64), strict=True):
        x0, y0, x1, y1 = box
        rows, cols = (
            systems.pasted(*of)
            for of in zip((y0, x0), (y1, x1), mask.shape, found.shape, strict=True)
        )
        outside = np.ones(found.shape, bool)
        outside[np.ix_(rows, cols)] = False
        assert not found[outside].any(), "a pixel that the mask does not reach"
        if not (rows.size and cols.size):
            continue
        y = (rows + 0.5 - y0) * (mask.shape[0] / 2 / (y1 / 2 - y0 / 2)) - 0.5
        x = (cols + 0.5 - x0) * (mask.shape[1] / 2 / (x1 / 2 - x0 / 2)) - 0.5
        pixels = np.stack(np.meshgrid(x, y), -1)[None]
        with np.errstate(over="ignore"):
            image = mask.astype(np.float32)[None, None]
        slack = 1e-6 * max(mask.shape)
        r = Reading(image, pixels, "bilinear", "zeros", False, 0.0, slack)
        inside = found[np.ix_(rows, cols)][None, None]
        if level is None:
            judge_values(inside, r)
            continue
        wrong = np.ones(inside.shape, bool)
        bound = 3e-5 * r.extent
        for at in (None, *moved(r)):
            want = r.values(at)
            with np.errstate(invalid="ignore"):
                wrong &= ~((inside == (want >= level)) | (np.abs(want - float(level)) <= bound))
        assert not wrong.any(), first_off(inside, r.values(), wrong)
