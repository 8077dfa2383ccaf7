"""Spline interpolation as SciPy defines it: a checked call on its way to kernels."""

from typing import Any, NamedTuple

import numpy as np

from .. import again
from . import arguments, lines, results
from .line_taps import SYMMETRY
from .paths import interpolate
from .places import Points


class Options(NamedTuple):
    """How to interpolate, checked."""

    order: int
    mode: str
    cval: Any
    prefilter: bool
    single: bool = False


def interpolated(function, x, places, shape, output, options, axes=None):
    """The result of a call: `x` at places, or at those along some axes in each plane of them."""
    out = results.made(function, output, x.dtype, shape)
    is_complex = x.dtype.kind == "c"
    options = options._replace(cval=arguments.cval(function, options.cval, is_complex))
    arguments.something(function, x, shape)
    axes = tuple(range(x.ndim)) if axes is None else axes
    if out.size == 0:
        return out
    arrays = [x, *([places.coordinates] if isinstance(places, Points) else [])]
    target = out
    if any(np.may_share_memory(out, one) for one in arrays):
        again.unseen()
        target = np.empty(out.shape, out.dtype)
    for part, plane, cval in parts(x, target, options.cval):
        interpolate(part, axes, places, plane, options._replace(cval=cval))
    if target is not out:
        out[...] = target
    return out


def parts(x, out, cval):
    """A real array as it is, a complex one as its two parts; with their results and fills."""
    if x.dtype.kind == "c":
        return (x.real, out.real, cval.real), (x.imag, out.imag, cval.imag)
    return ((x, out, cval),)


def filtered(function, x, order, axes, output, mode):
    """Spline coefficients along some axes; each axis's result is kept in the output's type."""
    out = results.made(function, output, x.dtype, x.shape)
    target = np.empty(out.shape, out.dtype) if np.may_share_memory(x, out) else out
    if not axes or target is not out:
        again.unseen()
    for part, to, _ in parts(x, target, 0j):
        if axes:
            lines.filter_axes(part, order, axes, SYMMETRY[mode], to)
        else:
            to[...] = part
    if target is not out:
        out[...] = target
    return out
