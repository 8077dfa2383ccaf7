"""Calls of affine_grid and affine_sample."""

import numpy as np
import oracle

from ..case import Case
from ..judge import first_off, is_a_result, is_off, judge_gradients, judge_pair, near_of
from ..memory import array_of, dressed
from ..pools import Kernel
from ..reading import base_of, by_matrix, near_kinks, reading_of_matrices
from .common import (
    backward_of,
    give_out,
    hollow,
    image_of,
    matrices,
    rule_of,
    sampling,
    scene,
    second,
    usual_options,
)


def make_affine_sample(d, kernel=None, tame=False):
    kernel = kernel or d.one(d.pool.matrix)
    sizes, _, (n, m) = scene(d, kernel, ())
    out = d.emptied(sizes) if 0 in sizes else d.sizes(kernel.ndim, 1, 9 if kernel.ndim < 3 else 5)
    if 0 in sizes and 0 not in out:
        out = (0, *out[1:])
    last = d.last(kernel)
    image = image_of(d, kernel, n, sizes, last, tame)
    options = usual_options(d, kernel, array_of(image), last=last)
    theta = dressed(d, matrices(d, kernel, m))
    size = d.one([tuple, list, np.array])(out)
    arguments = {"input": image, "theta": theta, "size": size, **options}

    def read():
        x, theta = array_of(arguments["input"]), array_of(arguments["theta"])
        rule = rule_of(arguments)
        return reading_of_matrices(second(x) if last else x, theta, out, rule, rule[2])

    kinds = {"theta": "points", "size": "size"}
    return sampling(d, "affine_sample", kernel, arguments, read, out, kinds)


def make_affine_sample_backward(d):
    kernels = d.pool.matrix_back
    case = make_affine_sample(d, d.one(kernels or d.pool.grid_back), tame=True)
    case.arguments["theta"] = np.nan_to_num(array_of(case.arguments["theta"]), posinf=1, neginf=1)
    case.arguments["theta"] = np.clip(case.arguments["theta"], -9, 9)
    arguments, kinds = backward_of(case, d)
    hollow(arguments, kernels)
    last, align = arguments["channels_last"], bool(arguments["align_corners"])
    out = tuple(int(n) for n in arguments["size"])
    x, theta = array_of(arguments["input"]), arguments["theta"]
    r = reading_of_matrices(second(x) if last else x, theta, out, rule_of(arguments), align)
    gradient = array_of(arguments["grad_output"])
    (second(gradient) if last else gradient)[...] *= ~near_kinks(r.pixels, r.slack)[:, None]
    arguments["grad_output"] = dressed(d, gradient, keep=True)
    arguments["theta"] = dressed(d, theta, keep=True)

    def judge(found):
        judge_pair(found, arguments, ("input", "theta"))
        to_image, to_theta = found
        seen = second(gradient) if last else gradient
        if to_image is not None and last:
            to_image = second(to_image)
        shared_by = r.pixels.size * max(len(r.image), 1) / max(len(r.pixels), 1)
        # off by the slack, a weight is off by as much
        judge_gradients(
            (to_image, None), r, seen, shared_by * (1 + 40 * np.max(r.slack, initial=0))
        )
        if to_theta is not None:
            units = [oracle.pixels_a_unit(n, align) for n in r.image.shape[:1:-1]]
            slopes = r.gradients(seen)[1] * np.array(units)
            want = by_matrix(slopes, base_of(out, align))
            scale = 8 * np.abs(seen).max(initial=0) * r.extent * max(units, default=1)
            scale *= np.sqrt(max(shared_by, 1)) * max(r.image.shape[1], 1)
            wrong = is_off(to_theta, want, 4 * near_of(np.float32) * scale)
            assert not wrong.any(), "grad_theta: " + first_off(to_theta, want, wrong)

    return Case("affine_sample_backward", arguments, judge, kinds)


def make_affine_grid(d, kernel=None, tame=False):
    axes = d.number(1, 3)
    kernel = Kernel("", "", axes, "", d.one(d.pool.matrices))
    n = 0 if d.chance(0.03) else d.number(1, 3)
    out = d.sizes(axes, 1, (30, 9, 5)[axes - 1])
    out = d.emptied(out) if d.chance(0.03) else out
    theta = dressed(d, matrices(d, kernel, d.one([n, n, 1]) if n else n, special=not tame))
    size, align = (n, d.number(0, 4), *out), d.chance(0.5)
    arguments = {"theta": theta, "size": size, "align_corners": align}
    real = array_of(theta).dtype.newbyteorder("=")
    shape = (n, *out, axes)

    def judge(got):
        is_a_result(got, shape, real, arguments)
        given = np.broadcast_to(array_of(theta), (n, axes, axes + 1))
        want = oracle.affine_grid(given, size, align)
        wild = ~np.isfinite(given) & ~np.isnan(given) | (np.abs(given) > 1e6)
        wrong = is_off(
            got,
            want,
            near_of(real)
            * (1 + np.abs(given[~wild]).max(initial=0, where=~np.isnan(given[~wild])) * 4),
        )
        wrong &= ~wild.any((1, 2)).reshape(-1, *(1,) * (axes + 1))
        assert not wrong.any(), first_off(got, want, wrong)

    if d.chance(0.3) and not tame:
        give_out(d, arguments, shape, real)
    kinds = {"theta": "points", "size": "size", "align_corners": "setting", "out": "out"}
    return Case("affine_grid", arguments, judge, kinds, shape, real)


def make_affine_grid_backward(d):
    axes, n = d.number(1, 3), 0 if d.chance(0.03) else d.number(1, 3)
    out = d.sizes(axes, 1, (30, 9, 5)[axes - 1])
    out = d.emptied(out) if d.chance(0.03) else out
    dtype = np.dtype(d.one(d.pool.matrices))
    gradient = dressed(d, d.values(dtype, (n, *out, axes), tame=True))
    size, align = (n, d.number(0, 4), *out), d.chance(0.5)
    arguments = {"grad_grid": gradient, "size": size, "align_corners": align}

    def judge(got):
        is_a_result(got, (n, axes, axes + 1), dtype, {})
        given = array_of(gradient)
        want = oracle.affine_grid_backward(given, size, align)
        bound = near_of(dtype) * (1 + np.abs(given).sum())
        wrong = is_off(got, want, bound)
        assert not wrong.any(), first_off(got, want, wrong)

    kinds = {"grad_grid": "gradient", "size": "size", "align_corners": "setting"}
    return Case("affine_grid_backward", arguments, judge, kinds)
