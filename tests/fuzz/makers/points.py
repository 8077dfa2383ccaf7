"""Calls of point_sample."""

import numpy as np

from ..memory import array_of, dressed
from ..reading import Reading, pixels_of_points
from .common import image_of, make_sampled_backward, rule_of, sampling, scene, second, usual_options


def unit_kernels(kernels):
    """Those of a border that is not for pixels alone."""
    return [kernel for kernel in kernels if kernel.padding != "mirror"]


def make_point_sample(d, kernel=None, tame=False):
    kernel = kernel or d.one(unit_kernels(d.pool.grid))
    sizes, out, (n, m) = scene(d, kernel, d.output())
    m = m if out or m == 1 else n  # points (P, D) of one image are refused
    last = d.last(kernel)
    image = image_of(d, kernel, n, sizes, last, tame)
    options = usual_options(d, kernel, array_of(image), last=last)
    with np.errstate(over="ignore"):
        points = (d.points(kernel, (m, *out), sizes, "normalized") + 1) / 2
    arguments = {"input": image, "points": dressed(d, points.astype(kernel.points)), **options}

    def read():
        x, where = array_of(arguments["input"]), array_of(arguments["points"])
        pixels = pixels_of_points(where, sizes, bool(options["align_corners"]))
        return Reading(second(x) if last else x, pixels, *rule_of(arguments))

    return sampling(d, "point_sample", kernel, arguments, read, out, {"points": "points"})


def make_point_sample_backward(d):
    def unit(n, align, _):
        return n - 1 if align else n

    return make_sampled_backward(
        d, make_point_sample, unit_kernels(d.pool.grid_back), "points", unit
    )
