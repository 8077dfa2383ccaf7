"""Spline interpolation as SciPy defines it: a checked call on its way to kernels."""

from typing import Any, NamedTuple

import numpy as np

from . import slow_splines, spline_checks, spline_output
from .spline_gather import Rule, sample
from .spline_places import Points

PADDED = ("nearest", "grid-constant")  # modes of which SciPy filters a wider array,
PAD = 12  # by so many pixels on all sides: finite, so that its results show it


class Options(NamedTuple):
    """How to interpolate, checked."""

    order: int
    mode: str
    cval: Any
    prefilter: bool
    single: bool = False


def interpolated(function, x, places, shape, output, options, axes=None):
    """The result of a call: `x` at places, or at those along some axes in each plane of them."""
    out = spline_output.made(function, output, x.dtype, shape)
    is_complex = x.dtype.kind == "c"
    options = options._replace(cval=spline_checks.cval(function, options.cval, is_complex))
    spline_checks.something(function, x, shape)
    axes = tuple(range(x.ndim)) if axes is None else axes
    if out.size == 0:
        return out
    arrays = [x, *([places.coordinates] if isinstance(places, Points) else [])]
    target = out
    if any(np.may_share_memory(out, one) for one in arrays):
        target = np.empty(out.shape, out.dtype)
    for part, plane, cval in parts(x, target, options.cval):
        gather(part, axes, places, plane, options._replace(cval=cval))
    if target is not out:
        out[...] = target
    return out


def parts(x, out, cval):
    """A real array as it is, a complex one as its two parts; with their results and fills."""
    if x.dtype.kind == "c":
        return (x.real, out.real, cval.real), (x.imag, out.imag, cval.imag)
    return ((x, out, cval),)


def gather(x, axes, places, out, options):
    """Interpolate some axes of a real array, plane by plane of the others."""
    order, mode, cval, prefilter, single = options
    work, pad = 4 if single else 8, 0
    if order > 1 and prefilter:
        x, pad = coefficients(x, axes, options)
    rule = Rule(order, mode, float(cval), pad, work)
    sample(x, axes, places, out, rule)


def coefficients(x, axes, options):
    """What the filter makes of an array, and how many pixels more it has on all sides."""
    order, mode, cval, _, single = options
    pad = PAD if mode in PADDED else 0
    if pad:
        with np.errstate(all="ignore"):
            cval = np.array([cval], np.float64).astype(x.dtype)  # as NumPy pads
        wide = [(pad * (a in axes),) * 2 for a in range(x.ndim)]
        x = np.pad(x, wide, "edge") if mode == "nearest" else np.pad(x, wide, constant_values=cval)
    for axis in axes:
        x = slow_splines.filtered_axis(x, order, axis, slow_splines.symmetry_of(mode))
    return np.ascontiguousarray(x, np.float32 if single else np.float64), pad


def filtered(function, x, order, axes, output, mode, single):
    """Spline coefficients along some axes; each axis's result is kept in the output's type."""
    out = spline_output.made(function, output, x.dtype, x.shape)
    target = np.empty(out.shape, out.dtype) if np.may_share_memory(x, out) else out
    for part, to, _ in parts(x, target, 0j):
        for axis in axes:
            values = slow_splines.filtered_axis(part, order, axis, slow_splines.symmetry_of(mode))
            to[...] = values
            part = to
        if not axes:
            to[...] = part
    if target is not out:
        out[...] = target
    return out
