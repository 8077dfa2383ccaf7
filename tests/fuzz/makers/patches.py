"""Calls of patch_affine."""

import numpy as np
import oracle

from ..case import Case
from ..judge import first_off, is_a_result, is_off, judge_pair, values_off
from ..memory import array_of, dressed
from ..reading import base_of, by_matrix, near_kinks, reading_of_matrices
from .common import give_out, least_of, matrices

PATCHED = {
    "images": "four axes",
    "theta": "points",
    "boxes": "whole",
    "box_to_image": "whole",
    "mode": "word",
    "padding_mode": "word",
    "align_corners": "setting",
    "out": "out",
}


def boxes_in(d, k, height, width, least):
    """(K, 4) integers within an image, some of them empty, none with sides below the least."""
    found = []
    for _ in range(k):
        y0, x0 = d.number(0, height), d.number(0, width)
        y1, x1 = d.number(y0, height), d.number(x0, width)
        if 0 < y1 - y0 < least or 0 < x1 - x0 < least:
            y0, x0, y1, x1 = 0, 0, height, width
        found.append((x0, y0, x1, y1))
    return np.array(found, np.int64).reshape(k, 4)


def patches(d, kernel, tame=False):
    """Arguments of patch_affine."""
    height, width = d.sizes(2, max(2, least_of(d, kernel)), 12)
    n, k = d.number(1, 3), 0 if d.chance(0.05) else d.number(1, 4)
    channels = d.one([1, 3]) if d.pool.tight or not kernel.channels else d.channels(kernel, False)
    like = "planes" if d.pool.tight else "any"
    images = dressed(d, d.values(kernel.image, (n, channels, height, width), tame), like)
    boxes = boxes_in(d, k, height, width, least_of(d, kernel))
    kind = d.one(["i8", "i4", "u1", "i2"])
    theta = matrices(d, kernel, k, special=not tame)
    return {
        "images": images,
        "theta": dressed(d, theta, keep=True),
        "boxes": dressed(d, boxes.astype(kind), keep=True),
        "box_to_image": dressed(d, d.rng.integers(0, n, k).astype(kind), keep=True),
        "mode": kernel.mode,
        "padding_mode": kernel.padding,
        "align_corners": d.chance(0.5),
    }


def objects(arguments):
    """(place in the images, what is read there) of each object with pixels, in their order."""
    a = {k: array_of(arguments[k]) for k in ("images", "theta", "boxes", "box_to_image")}
    align = arguments["align_corners"]
    rule = arguments["mode"], arguments["padding_mode"], align, 0.0
    for k, (x0, y0, x1, y1) in enumerate(a["boxes"].tolist()):
        if x0 < x1 and y0 < y1:
            n = int(a["box_to_image"][k])
            place = np.s_[n : n + 1, :, y0:y1, x0:x1]
            patch, matrix = a["images"][place], a["theta"][k : k + 1]
            yield k, place, reading_of_matrices(patch, matrix, patch.shape[2:], rule, align)


def make_patch_affine(d, kernel=None, tame=False):
    kernel = kernel or d.one([k for k in d.pool.matrix if k.ndim == 2])
    arguments = patches(d, kernel, tame)
    images = array_of(arguments["images"])

    def judge(got):
        is_a_result(got, images.shape, images.dtype, arguments)
        same = (got == images) | (
            np.isnan(got) & np.isnan(images) if got.dtype.kind in "fcV" else False
        )
        wrong, want = ~same, images.astype(np.complex128)
        for _, place, r in objects(arguments):
            want[place] = r.parts()[0].values()  # for the message
            parts = (got[place].real, got[place].imag) if got.dtype.kind == "c" else (got[place],)
            pairs = zip(parts, r.parts(), strict=True)
            wrong[place] = np.any([values_off(x, part) for x, part in pairs], 0)
        assert not wrong.any(), first_off(got, want, wrong)

    if d.chance(0.3) and not tame:
        give_out(d, arguments, images.shape, images.dtype)
    return Case("patch_affine", arguments, judge, dict(PATCHED), images.shape, images.dtype)


def make_patch_affine_backward(d):
    kernels = [k for k in d.pool.matrix_back if k.ndim == 2]
    arguments = patches(d, d.one(kernels or d.pool.grid_back), tame=True)
    if not kernels:  # patches of no pixels: the gradient passes by
        empty = array_of(arguments["boxes"])
        empty[:, 2:] = empty[:, :2]
        arguments["boxes"] = empty
    images = array_of(arguments["images"])
    gradient = d.values(images.dtype, images.shape, tame=True)
    owners = np.full((len(images), 1, *images.shape[2:]), -1)
    for k, place, r in objects(arguments):
        owners[place] = k
        near = near_kinks(r.pixels, r.slack)[:, None]
        gradient[place] = np.where(near, 0, np.where(gradient[place] == 0, 1, gradient[place]))
    mask = d.one([(True, True), [True, False], (False, True)])
    arguments = {
        "grad_output": dressed(d, gradient, keep=True),
        **arguments,
        "output_mask": mask,
    }

    def judge(found):
        judge_pair(found, arguments, ("images", "theta"))
        judge_patches_back(found, arguments, gradient, owners)

    kinds = {**PATCHED, "grad_output": "gradient", "output_mask": "two", "images": "four floats"}
    del kinds["out"]
    return Case("patch_affine_backward", arguments, judge, kinds)


def judge_patches_back(found, arguments, gradient, owners):
    """What a pixel's owner read takes its gradient."""
    to_images, to_theta = found
    want = np.where(owners < 0, gradient, 0).astype(np.float64)
    want_theta = np.zeros(array_of(arguments["theta"]).shape)
    for k, place, r in objects(arguments):
        own = owners[place] == k
        if not own.any():
            continue
        share = np.where(own, gradient[place], 0)
        to_image, to_pixels = r.gradients(share)
        want[place] += to_image
        units = [oracle.pixels_a_unit(n, r.align) for n in r.image.shape[:1:-1]]
        sizes = r.image.shape[2:]
        slopes = to_pixels * np.array(units)
        want_theta[k] = by_matrix(slopes, base_of(sizes, r.align))[0]
    scale = 1 + np.abs(gradient).max(initial=0)
    if to_images is not None:
        wrong = is_off(to_images, want, 1e-4 * scale * 10)
        assert not wrong.any(), "grad_images: " + first_off(to_images, want, wrong)
    if to_theta is not None:
        extent = np.abs(array_of(arguments["images"])).max(initial=1)
        wrong = is_off(to_theta, want_theta, 1e-4 * scale * extent * gradient.size)
        assert not wrong.any(), "grad_theta: " + first_off(to_theta, want_theta, wrong)
