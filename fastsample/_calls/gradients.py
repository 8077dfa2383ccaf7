"""Gradients of checked arrays: a call of kernels, or several where strides or bytes ask for it."""

from functools import lru_cache
from typing import Any

import numpy as np

from .._kernels.drive import NOTHING
from .._kernels.kind import (
    AFFINE_SUM,
    BOTH,
    ELASTIC,
    JOINT,
    MAPS,
    PAIRED,
    SCATTER,
    SLOPE,
    form_of,
    squares_of_taps,
)
from . import buffers, knots, schedule, together
from .quiet import cast, put, summed
from .run import (
    Array,
    Sampling,
    Spec,
    exact_parts,
    is_coarse,
    kind_of,
    one,
    points_of,
    prepare_grid,
    shared,
    spec,
    start,
    start_pair,
)


def input_gradient(sampling: Sampling, gradient: Array, shape: Any, grid: Array) -> Array:
    """The gradient of an input of this shape, from the result's."""
    out = buffers.empty(shape, gradient.dtype.newbyteorder("="))
    scatter(sampling, gradient, grid, out)
    return out


def scatter(
    sampling: Sampling, gradient: Array, grid: Array, out: Array, add: bool = False
) -> None:
    """Put the input's gradient into `out`, whose rows have no gaps, or add it there."""
    if 0 in gradient.shape:
        if not add:
            out[...] = 0
        return
    if not buffers.computed_by_itself(gradient.dtype):
        scatter_parts(sampling, gradient, grid, out, add)
        return
    if is_coarse(sampling.axes, grid.dtype):
        for k, (exact, points, part) in enumerate(exact_parts(sampling, grid)):
            scatter(exact, gradient[part], points, out, add or k > 0)
        return
    specs = Spec(*spec(gradient)), Spec(*spec(grid)), Spec(*spec(out))
    calls = prepare_scatter(sampling, *specs, add)
    if calls is None:
        for n, c in np.ndindex(gradient.shape[:2]):
            parts = gradient[n : n + 1, c : c + 1], one(grid, n)
            plane = one(out, n)[:, c : c + 1]
            again = add or (n > 0 and len(out) == 1)
            scatter(sampling, *map(buffers.native, parts), plane, again)
        return
    first, then = calls
    reach = NOTHING
    if first is not None:
        reach = np.empty((int(first.job[0]["grids"]), schedule.tiles(first), 2), np.int64)
        start(first, NOTHING, grid, NOTHING, reach)
    start(then, gradient, grid, reach, out)


def scatter_parts(sampling: Sampling, gradient: Array, grid: Array, out: Array, add: bool) -> None:
    """`scatter` of complex numbers, of float16 and of bfloat16."""
    targets = (out.real, out.imag) if out.dtype.kind == "c" else (out,)
    for (part,), target in zip(buffers.parts(gradient), targets, strict=True):
        found = input_gradient(sampling, part, out.shape, grid)
        put(target, found, add)


@lru_cache(maxsize=512)
def prepare_scatter(sampling: Sampling, gradient: Spec, grid: Spec, out: Spec, add: bool) -> Any:
    """The calls of kernels, or None where only copies can be read."""
    scattered = scatter_of(sampling, gradient, grid, out)
    return None if scattered is None else schedule.scatter_calls(*scattered, add)


def scatter_of(sampling: Sampling, gradient: Spec, grid: Spec, out: Spec) -> Any:
    """What a kernel is to add, and where, or None where only copies can be read."""
    if gradient.layout is None or grid.layout is None:
        return None
    points = points_of(sampling, grid.layout, gradient)
    if points is None:
        return None
    kind = kind_of(sampling, out, grid, SCATTER)
    layouts = shared(out), shared(grid), gradient.layout
    return kind, sampling.axes, gradient.shape, points, *layouts


def coordinate_gradient(
    sampling: Sampling, gradient: Array, input: Array, grid: Array, planar: bool = False
) -> Array:
    """The gradient of a grid, or of matrices, from the result's.

    `planar` lays it out as (N, D, *out), and answers with a view of that. That of matrices is in
    double, as it was summed.
    """
    out = empty_slopes(sampling, grid, planar)
    slope(sampling, gradient, input, grid, out)
    return out


def empty_slopes(sampling: Sampling, grid: Array, planar: bool) -> Array:
    """Memory for the gradient of coordinates."""
    shape, dtype = grid.shape, grid.dtype.newbyteorder("=")
    if sampling.source in MAPS:
        return np.empty(shape)
    if planar:
        made = buffers.empty((shape[0], shape[-1], *shape[1:-1]), dtype)
        return made.transpose(0, *range(2, made.ndim), 1)
    return buffers.empty(shape, dtype)


def both_gradients(
    sampling: Sampling, gradient: Array, input: Array, grid: Array, planar: bool = False
) -> tuple[Array, Array]:
    """`input_gradient` and `coordinate_gradient`, by one kernel where that can be."""
    made = buffers.empty(input.shape, gradient.dtype.newbyteorder("="))
    slopes = empty_slopes(sampling, grid, planar)
    call = None
    if gradient.size and sampling.source != ELASTIC:
        specs = Spec(*spec(gradient)), Spec(*spec(input)), Spec(*spec(grid))
        call = prepare_both(sampling, *specs, Spec(*spec(slopes)), Spec(*spec(made)))
    if call is None:
        scatter(sampling, gradient, grid, made)
        slope(sampling, gradient, input, grid, slopes)
    elif sampling.source in MAPS:
        start_sum(call, slopes, False, input, grid, gradient, second=made)
    else:
        start_pair(call, input, grid, gradient, slopes, made)
    return made, slopes


@lru_cache(maxsize=512)
def prepare_both(
    sampling: Sampling, gradient: Spec, input: Spec, grid: Spec, slopes: Spec, out: Spec
) -> schedule.Call | None:
    """The call of the one kernel, or None where there is none."""
    coarse = is_coarse(sampling.axes, grid.dtype)
    if coarse or not buffers.computed_by_itself(gradient.dtype):
        return None
    scattered = scatter_of(sampling, gradient, grid, out)
    to_points = prepare_slope(sampling, gradient, input, grid, slopes, False)
    if scattered is None or to_points is None:
        return None
    return together.by_samples(to_points, joint_role(sampling, input, grid, out), *scattered)


def joint_role(sampling: Sampling, input: Spec, grid: Spec, out: Spec) -> int | None:
    """How a plan for slopes of `input` serves for adding to `out`, too; None where it cannot.

    It must say where to add, and by which weights.
    """
    assert input.layout is not None
    assert out.layout is not None
    kinds = [kind_of(sampling, x, grid, role) for x, role in ((input, SLOPE), (out, SCATTER))]
    of_slope, of_add = (form_of(kind)._replace(slopes=0) for kind in kinds)
    steps = input.layout.strides[2:], out.layout.strides[2:]
    if of_slope != of_add or steps[0] != steps[1] or sampling.along:
        return None
    dense = kinds[0].layout == PAIRED  # as `add_squares` wants
    return BOTH if dense and squares_of_taps(kinds[0], input.shape[1]) else JOINT


def slope(
    sampling: Sampling, gradient: Array, input: Array, grid: Array, out: Array, add: bool = False
) -> None:
    """Put the gradient of the coordinates into `out`, or add it there.

    `out` has the shape of `grid`, and its points follow each other at one stride.
    """
    if 0 in gradient.shape:
        if not add:
            out[...] = 0
        return
    if not buffers.computed_by_itself(gradient.dtype):
        for k, part in enumerate(buffers.parts(gradient, input)):
            outside = sampling.fill if k == 0 else 0.0
            slope(sampling._replace(fill=outside), *part, grid, out, add or k > 0)
        return
    if is_coarse(sampling.axes, grid.dtype):
        slope_in_double(sampling, gradient, input, grid, out, add)
        return
    specs = Spec(*spec(gradient)), Spec(*spec(input)), Spec(*spec(grid)), Spec(*spec(out))
    call = prepare_slope(sampling, *specs, add)
    if call is None:
        for n, c in np.ndindex(gradient.shape[:2]):
            plane = one(input, n)[:, c : c + 1]
            parts = gradient[n : n + 1, c : c + 1], plane, one(grid, n)
            again = add or c > 0 or (n > 0 and len(out) == 1)
            alone = sampling.of_channel(c)
            slope(alone, *map(buffers.native, parts), one(out, n), again)
    elif sampling.source == ELASTIC:
        start_knots(call, sampling, out, add, input, grid, gradient)
    elif sampling.source in MAPS:
        start_sum(call, out, add, input, grid, gradient)
    else:
        start(call, input, grid, gradient, out)


def slope_in_double(
    sampling: Sampling, gradient: Array, input: Array, grid: Array, out: Array, add: bool
) -> None:
    """`slope` of single coordinates along a long axis."""
    for exact, points, part in exact_parts(sampling, grid):
        target = out if part is ... else out[part[1:]]
        found = np.empty(target.shape)
        slope(exact, gradient[part], input, points, found)
        put(target, found, add)


def start_sum(
    call: schedule.Call, out: Array, add: bool, *arrays: Array, second: Array | None = None
) -> None:
    """Let a kernel find each tile's share of matrices' gradients, and sum them in their order."""
    shares = np.empty((len(out), schedule.tiles(call), *out.shape[1:]))
    if second is None:
        start(call, *arrays, shares)
    else:
        start_pair(call, *arrays, shares, second)
    put(out, summed(shares, 1), add)


def start_knots(
    call: schedule.Call, sampling: Sampling, out: Array, add: bool, *arrays: Array
) -> None:
    """Let a kernel find each tile's share of splines' gradients, and sum them in their order."""
    tiles, rows = schedule.tiles(call), int(call.job[0]["tile_rows"])
    axes, count = sampling.axes, len(sampling.axes)
    numbers = count * (count + 1) + rows * count * axes[-1].knots
    shares = np.empty((len(out), tiles, numbers))
    start(call, *arrays, shares)
    down = -(-int(call.job[0]["rows"]) // rows)
    put(out, knots.collect(axes, shares, (down, rows), np.empty(out.shape)), add)


def matrix_gradient(axes: Any, gradient: Array) -> Array:
    """The gradient of matrices (N, D, D + 1), from that of their grid (N, *out, D)."""
    out, dtype = np.zeros((len(gradient), len(axes), len(axes) + 1)), gradient.dtype
    if gradient.size == 0:
        return cast(out, dtype)
    gradient = buffers.widened(gradient)
    call = prepare_grid(axes, Spec(*spec(gradient)), AFFINE_SUM)
    if call is None:
        gradient = buffers.native(gradient)
        call = prepare_grid(axes, Spec(*spec(gradient)), AFFINE_SUM)
    assert call is not None
    start_sum(call, out, False, NOTHING, gradient, NOTHING)
    return cast(out, dtype)


@lru_cache(maxsize=512)
def prepare_slope(
    sampling: Sampling, gradient: Spec, input: Spec, grid: Spec, out: Spec, add: bool
) -> Any:
    """The call of a kernel, or None where only copies can be read."""
    if gradient.layout is None or grid.layout is None or input.layout is None:
        return None
    points = points_of(sampling, grid.layout, gradient)
    if points is None:
        return None
    kind = kind_of(sampling, input, grid, SLOPE)
    if input.layout.strides[1] == 1:
        kind = schedule.pixels(kind, gradient.shape[1], input.layout.strides[-1], planar=True)
    layouts = shared(input), shared(grid), gradient.layout, linear(out)
    shape, fill, turned = gradient.shape, sampling.fill, sampling.turned
    return schedule.slope_call(kind, sampling.axes, shape, points, *layouts, fill, add, turned)


def linear(slope: Spec) -> schedule.Layout:
    """The layout (n, point, axis) of a gradient (N, *out, D)."""
    layout = slope.layout
    assert layout is not None
    n, *_, axis = layout.strides
    steps = schedule.merged(slope.shape[1:-1], layout.strides[1:-1])
    assert len(steps) < 2
    step = steps[0][1][0] if steps else 1
    return layout._replace(strides=(n, step, axis))
