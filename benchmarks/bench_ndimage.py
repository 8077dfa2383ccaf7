"""`fastsample.ndimage` beside SciPy."""

from functools import partial

import numpy as np
from scipy import ndimage as scipy_ndimage

from fastsample import ndimage
from fastsample._bench.case import OURS, SCIPY, Case

from . import suite
from .suite import measured

SHAPES = {"1024^2": (suite.size(1024, 64),) * 2, "128^3": (suite.size(128, 20),) * 3, "8x8": (8, 8)}
COSINE, SINE = np.cos(0.2), np.sin(0.2)


def matrix(rank):
    """A turn in the plane of the last two axes, and a little of the others."""
    turn = np.eye(rank) + 0.03
    turn[-2:, -2:] = [[COSINE, SINE], [-SINE, COSINE]]
    return turn


def calls(x, order):
    """What each function is called on, by its name."""
    rng = np.random.default_rng(1)
    places = np.indices(x.shape) + rng.uniform(-0.5, 0.5, (x.ndim, *x.shape))
    options = {"order": order}
    yield "map_coordinates", (x, places), options
    yield "affine_transform", (x, matrix(x.ndim), 3.3), options
    yield "rotate", (x, 33.3), {**options, "reshape": False}
    yield "zoom", (x, 1.25), options
    yield "shift", (x, 0.3), options
    if order == 3:
        yield "rotate", (x, 90), options
        yield "shift", (x, 3), options
        yield "spline_filter", (x,), options


def case(name, group, function, args, options):
    """One call of both libraries."""
    both = ((OURS, ndimage), (SCIPY, scipy_ndimage))
    return Case(
        name,
        group,
        {library: maker(getattr(module, function), args, options) for library, module in both},
    )


def maker(function, args, options):
    """What makes a call of no arguments."""
    return lambda: partial(function, *args, **options)


def cases():
    """Every case by its name."""
    found = {}
    for size, shape in SHAPES.items():
        x = np.random.default_rng(0).normal(size=shape)
        for order in (0, 1, 3, 5) if size != "8x8" else (1, 3):
            for function, args, options in calls(x, order):
                what = f" by {args[1]}" if function in ("rotate", "shift", "zoom") else ""
                name = f"{function}{what} order {order} {size}"
                found[name] = case(name, "ndimage", function, args, options)
    return found


class Splines(measured(cases())):
    """Each function at the orders that people use."""
