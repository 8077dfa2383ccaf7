"""Calls of flow_warp and remap."""

import numpy as np

from ..case import Case
from ..judge import is_a_result, judge_values
from ..memory import Foreign, array_of, dressed
from ..reading import Reading, pixels_of_steps, widened
from .common import (
    WORDS,
    give_out,
    image_of,
    make_sampled_backward,
    options_of,
    rule_of,
    sampling,
    scene,
    second,
    usual_options,
)


def make_flow_warp(d, kernel=None, tame=False):
    kernel = kernel or d.one(d.pool.steps)
    sizes, _, (n, m) = scene(d, kernel, ())
    last = d.last(kernel)
    image = image_of(d, kernel, n, sizes, last, tame)
    if d.chance(0.3):
        steps = d.rng.integers(-3, 4, (m, *sizes, kernel.ndim)).astype(kernel.points)
    else:
        steps = (d.rng.standard_normal((m, *sizes, kernel.ndim)) * 3).astype(kernel.points)
        steps = d.sprinkled(steps) if d.chance(0.2) else steps
    flow = dressed(d, steps if last else np.moveaxis(steps, -1, 1).copy())
    options = usual_options(d, kernel, array_of(image), align=False, last=last)
    arguments = {"input": image, "flow": flow, **options}

    def read():
        x, flow = array_of(arguments["input"]), array_of(arguments["flow"])
        pixels = pixels_of_steps(flow if last else np.moveaxis(flow, 1, -1), sizes)
        return Reading(second(x) if last else x, pixels, *rule_of(arguments))

    case = sampling(d, "flow_warp", kernel, arguments, read, sizes, {"flow": "points"})
    del case.kinds["align_corners"]
    return case


def make_flow_warp_backward(d):
    return make_sampled_backward(d, make_flow_warp, d.pool.steps_back, "flow", lambda *_: 1)


def make_remap(d):
    kernel = d.one([k for k in d.pool.grid if k.ndim == 2])
    sizes, out, _ = scene(d, kernel, d.output())
    colours = kernel.channels > 0 if d.pool.tight else d.chance(0.6)
    channels = d.channels(kernel, True) if colours else 1
    values = d.values(kernel.image, (*sizes, channels) if colours else sizes)
    like = ("pixels" if colours else "planes") if d.pool.tight else "any"
    image = dressed(d, values, like)
    maps = d.points(kernel, out, sizes, "pixel")
    if d.chance(0.15):
        x, y = dressed(d, maps.copy()), None
    elif d.chance(0.3):  # of one array, as other libraries have them
        both = np.ascontiguousarray(maps)
        x, y = both[..., 0], both[..., 1]
    else:
        x, y = (dressed(d, maps[..., a].copy()) for a in (0, 1))
        if isinstance(x, np.ndarray) != isinstance(y, np.ndarray) or x_type(x) != x_type(y):
            x, y = array_of(x), array_of(y)
    arguments = {"image": image, "map_x": x} | ({} if y is None else {"map_y": y})
    arguments |= options_of(d, kernel, array_of(image).dtype)
    shape = (*out, channels) if colours else out
    dtype = array_of(image).dtype

    def judge(got):
        is_a_result(got, shape, dtype, arguments)
        picture = array_of(image)
        planes = np.moveaxis(picture if colours else picture[..., None], -1, 0)[None]
        pixels = (array_of(x) if y is None else np.stack([array_of(x), array_of(y)], -1))[None]
        r = Reading(planes, widened(pixels), *rule_of(arguments))
        judge_values(np.moveaxis(got if colours else got[..., None], -1, 0)[None], r)

    if d.chance(0.3):
        give_out(d, arguments, shape, dtype, kernel)
    kinds = {"image": "picture", "map_x": "map", "map_y": "map", **WORDS, "out": "out"}
    return Case("remap", arguments, judge, kinds, shape, dtype)


def x_type(x):
    """The type with its byte order, which both maps share."""
    return np.asarray(x.array if isinstance(x, Foreign) else x).dtype
