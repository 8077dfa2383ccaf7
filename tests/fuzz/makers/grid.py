"""Calls of grid_sample."""

import oracle

from ..memory import array_of, dressed
from ..reading import Reading, pixels_of_grid
from .common import image_of, make_sampled_backward, rule_of, sampling, scene, second, usual_options


def make_grid_sample(d, kernel=None, tame=False):
    kernel = kernel or d.one(d.pool.grid)
    sizes, out, (n, m) = scene(d, kernel, d.output())
    m = m if out or m == 1 else n  # points (P, D) of one image are refused
    last = d.last(kernel)
    image = image_of(d, kernel, n, sizes, last, tame)
    options = usual_options(d, kernel, array_of(image), last=last)
    kind = "pixel" if kernel.padding == "mirror" else d.one(["normalized", "pixel"])
    align = bool(options["align_corners"])
    grid = dressed(d, d.points(kernel, (m, *out), sizes, kind, align))
    arguments = {"input": image, "grid": grid, "coordinates": kind, **options}

    def read():
        x = array_of(arguments["input"])
        pixels = pixels_of_grid(array_of(arguments["grid"]), sizes, kind, align)
        return Reading(second(x) if last else x, pixels, *rule_of(arguments))

    return sampling(
        d, "grid_sample", kernel, arguments, read, out, {"grid": "points", "coordinates": "word"}
    )


def make_grid_sample_backward(d):
    def unit(n, align, arguments):
        pixel = arguments["coordinates"] == "pixel"
        return 1 if pixel else oracle.pixels_a_unit(n, align)

    return make_sampled_backward(d, make_grid_sample, d.pool.grid_back, "grid", unit)
