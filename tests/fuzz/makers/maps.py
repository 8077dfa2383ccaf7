"""Calls of perspective_sample and elastic_sample."""

import mapping
import numpy as np

from ..judge import is_off
from ..memory import array_of, dressed
from ..reading import Reading, widened
from .common import image_of, matrices, rule_of, sampling, scene, second, usual_options

SMALL = 1e-3  # pixels; a point whose place is less certain is not judged
LARGE = 1e3


def start(d, kernel, tame, reads=False):
    """(output sizes, batches, channels last, arguments) of a call."""
    sizes, _, batches = scene(d, kernel, ())
    out = d.emptied(sizes) if 0 in sizes else d.sizes(kernel.ndim, 1, 19 if kernel.ndim < 3 else 5)
    if 0 in sizes and 0 not in out:
        out = (0, *out[1:])
    last = d.last(kernel)
    image = image_of(d, kernel, batches[0], sizes, last, tame)
    options = usual_options(d, kernel, array_of(image), align=False, last=last, reads=reads)
    size = d.one([tuple, list, np.array])(out)
    return out, batches, last, {"input": image, "size": size, **options}


def make_perspective_sample(d, kernel=None, tame=False):
    kernel = kernel or d.one([k for k in d.pool.matrix if k.ndim == 2])
    out, (_, m), last, arguments = start(d, kernel, tame, reads=True)
    h = np.concatenate([matrices(d, kernel, m), np.zeros((m, 1, 3), kernel.points)], 1)
    h[:, 2] = d.rng.standard_normal((m, 3)) * d.one([0, 0.02, 0.3])
    h[:, 2, 2] += 1
    arguments["homography"] = dressed(d, h)

    def read():
        x, h = array_of(arguments["input"]), widened(array_of(arguments["homography"]))
        with np.errstate(all="ignore"):
            pixels, before = mapping.through_homographies(h, out)
            slack, w = slack_of_quotients(h, out)
        known = (slack < SMALL) & (np.abs(w) > SMALL)
        r = Reading(second(x) if last else x, pixels, *rule_of(arguments))
        return r._replace(slack=np.where(known, slack, 0)[..., None], lost=~(known & before))

    kinds = {"homography": "points", "size": "size"}
    case = sampling(d, "perspective_sample", kernel, arguments, read, out, kinds)
    del case.kinds["align_corners"]
    judge_rest = case.judge

    def judge(got):
        judge_rest(got)
        outside_is_filled(second(got) if last else got, array_of(arguments["homography"]), case)

    case.judge = judge
    return case


def slack_of_quotients(h, out):
    """How far a kernel's positions may be off, (N, *out), and w."""
    at = np.concatenate([mapping.places(out), np.ones((*out, 1))], -1)
    u, v, w = np.moveaxis(np.einsum("nij,...j->n...i", h.astype(np.float64), at), -1, 0)
    eps = 4 * np.finfo(h.dtype).eps
    slack = eps * (np.abs(u) + np.abs(v) + np.abs(w)) * (1 + 1 / np.abs(w)) / np.abs(w)
    return np.where(np.isfinite(slack), slack, np.inf), w


def outside_is_filled(got, h, case):
    """Where w is surely no positive number there is the fill value."""
    mode, padding, _, fill = rule_of(case.arguments)
    with np.errstate(all="ignore"):
        _, w = slack_of_quotients(widened(h), got.shape[2:])
    outside = np.broadcast_to((w < -SMALL)[:, None], got.shape)
    fill = fill.reshape(-1, *[1] * (got.ndim - 2)) if fill.ndim else fill
    want = np.broadcast_to(0.0 if padding == "zeros" else fill, got.shape)
    for one, part in zip(*halves(got, want), strict=True):
        wrong = is_off(one[outside], part[outside], 1e-2 * np.abs(fill).max(initial=0), 0.0)
        assert not wrong.any(), f"{mode}: {wrong.sum()} points outside are not filled"


def halves(got, want):
    """Both parts of complex numbers, and what they are."""
    if got.dtype.kind == "c":
        return (got.real, got.imag), (want, np.zeros_like(want))
    return (got.view(np.uint8) if got.dtype.kind == "b" else got,), (want,)


def make_elastic_sample(d, kernel=None, tame=False):
    kernel = kernel or d.one(d.pool.matrix)
    out, (_, m), last, arguments = start(d, kernel, tame)
    knots = tuple(d.number(2, 20 if kernel.ndim == 1 else 6) for _ in range(kernel.ndim))
    control = d.rng.standard_normal((m, kernel.ndim, *knots)) * d.one([0, 1, 3])
    control = control.astype(kernel.points)
    arguments["control"] = dressed(d, d.sprinkled(control) if d.chance(0.1) else control)
    if d.chance(0.7):
        arguments["theta"] = dressed(d, matrices(d, kernel, d.one([m, 1]) if m else m))
    arguments["order"] = d.one([1, 3])

    def read():
        x, control = array_of(arguments["input"]), widened(array_of(arguments["control"]))
        theta = np.eye(kernel.ndim, kernel.ndim + 1, dtype=control.dtype)[None]
        if "theta" in arguments:
            theta = widened(array_of(arguments["theta"]))
        with np.errstate(all="ignore"):
            lost = ~(tame_rows(control) & tame_rows(theta))
            pixels = mapping.through_matrices(theta, out)
            pixels = pixels + mapping.displacements(control, out, arguments["order"])
            reach = np.abs(theta).sum((1, 2)) * (1 + max(out, default=1))
            reach = reach + np.abs(control).max(tuple(range(1, control.ndim)), initial=0)
        shape = (-1, *[1] * (len(out) + 1))
        slack = np.where(lost, 0, 8 * np.finfo(control.dtype).eps * reach).reshape(shape)
        r = Reading(second(x) if last else x, pixels, *rule_of(arguments))
        return r._replace(slack=slack, lost=lost.reshape(shape)[..., 0])

    kinds = {"control": "knots", "size": "size", "theta": "points"}
    kinds = {name: kind for name, kind in kinds.items() if name in arguments}
    case = sampling(d, "elastic_sample", kernel, arguments, read, out, kinds)
    del case.kinds["align_corners"]
    return case


def tame_rows(numbers):
    """Which samples have nothing special and nothing huge: (N,)."""
    return (np.abs(numbers) < LARGE).all(tuple(range(1, numbers.ndim)))
