"""What the functions that sample an input share: checks, results, gradients."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels.kind import GRID, PERSPECTIVE
from . import buffers, checks, gradients, run, second
from .formula import Axis
from .outline import Outline
from .quiet import cast

Array = NDArray[Any]


class Coordinates(NamedTuple):
    """What a function's coordinates are called, and what they mean."""

    argument: str
    axes: Callable[..., tuple[Axis, ...]]  # of an input's spatial sizes and the options
    options: tuple[Any, ...] = ()
    source: int = GRID
    check: Callable[..., None] = checks.grid  # of their shape, (N, *out, D) unless `size` is given
    size: tuple[int, ...] | None = None  # *out
    pixels: bool = False  # their unit


class Options(NamedTuple):
    """How to sample, as a user says it."""

    mode: str
    padding_mode: str
    fill_value: Any
    channels_last: bool = False


def forward(
    function: str,
    about: Coordinates,
    input: Any,
    points: Any,
    options: Options,
    out: Any,
    apart: dict[str, Array] | None = None,
) -> Array:
    """Sample `input` at `points` (N, *out, D), into `out` where it is given.

    `apart` names the arrays that `out` may not overlap, if they are not these two.
    """
    image, came, points = checks.array(function, "input", input), points, buffers.widened(points)
    mode, padding_mode, fill, last = options_of(function, about, options)
    given = out
    if out is not None:
        checks.writable(function, out)
    if last:
        image, out = _channels_second(image), None if out is None else _channels_second(out)
    specs = run.spec(image), run.spec(points), None if out is None else run.spec(out)
    if isinstance(input, Outline):
        described = _describe(function, about, *specs[:2], mode, padding_mode, fill)
        return Outline(*_as_seen(described[0], last))
    prepared = _prepare(function, about, *specs, mode, padding_mode, fill, last)
    sampling, result, ready = prepared
    if out is None:
        out = _empty(result, last)
    else:
        checks.apart(function, out, **(apart or {"input": image, about.argument: came}))
    run.run(ready, sampling, image, points, out)
    if given is not None:
        return given
    return _channels_last(out) if last else out


def backward(
    function: str,
    about: Coordinates,
    arrays: tuple[Any, Any, Array],
    options: Options,
    output_mask: Any,
    planar: bool = False,
) -> tuple[Array | None, Array | None]:
    """Gradients of an input and of points (N, *out, D), from (grad_output, input, points).

    `planar` makes the second one as a view of an array (N, D, *out).
    """
    gradient = checks.array(function, "grad_output", arrays[0])
    image, points = checks.array(function, "input", arrays[1]), buffers.widened(arrays[2])
    mode, padding_mode, fill, last = options_of(function, about, options)
    to_input, to_points = checks.mask(function, output_mask)
    if last:
        image = _channels_second(image)
    specs = run.spec(image), run.spec(points)
    result, sampling = _describe(function, about, *specs, mode, padding_mode, fill)
    checks.dtype(function, "input", image.dtype, checks.DIFFERENTIABLE)
    checks.gradient(function, "grad_output", gradient, *_as_seen(result, last))
    if last:
        gradient = _channels_second(gradient)
    to_image = points_gradient = None
    if to_input and to_points:
        to_image, points_gradient = gradients.both_gradients(
            sampling, gradient, image, points, planar
        )
    elif to_input:
        to_image = gradients.input_gradient(sampling, gradient, image.shape, points)
    elif to_points:
        points_gradient = gradients.coordinate_gradient(sampling, gradient, image, points, planar)
    if to_image is not None and last:
        to_image = np.ascontiguousarray(_channels_last(to_image))
    if points_gradient is not None:
        points_gradient = cast(points_gradient, arrays[2].dtype)
    return to_image, points_gradient


def double_backward(
    function: str,
    about: Coordinates,
    along: tuple[Any, Any],
    arrays: tuple[Any, Any, Array],
    options: Options,
    output_mask: Any,
) -> tuple[Array | None, Array | None, Array | None]:
    """Gradients of (grad_output, input, points), from those of both gradients, `along`."""
    gradient = checks.array(function, "grad_output", arrays[0])
    image, came = checks.array(function, "input", arrays[1]), arrays[2]
    mode, padding_mode, fill, last = options_of(function, about, options)
    wanted = checks.mask(function, output_mask, 3)
    directions = _directions(function, about, along, image, came)
    if last:
        image = _channels_second(image)
    specs = run.spec(image), run.spec(buffers.widened(came))
    result, sampling = _describe(function, about, *specs, mode, padding_mode, fill)
    checks.dtype(function, "input", image.dtype, checks.DIFFERENTIABLE)
    checks.gradient(function, "grad_output", gradient, *_as_seen(result, last))
    if last:
        gradient = _channels_second(gradient)
        directions = directions._replace(input=_seen_second(directions.input))
    found = _second(sampling, directions, (gradient, image, came), result, wanted)
    if not last:
        return found
    to_output, to_input, to_points = found
    return _dense_last(to_output), _dense_last(to_input), to_points


def _directions(
    function: str, about: Coordinates, along: tuple[Any, Any], image: Array, points: Array
) -> second.Directions:
    """Check the gradients of both gradients; either may be None."""
    found = []
    for name, came, like in zip(("input", about.argument), along, (image, points), strict=True):
        if came is not None:
            came = checks.array(function, f"grad_grad_{name}", came)
            expected = like.shape, like.dtype.newbyteorder("=")
            checks.gradient(function, f"grad_grad_{name}", came, *expected, of=name)
        found.append(came)
    return second.Directions(*found)


def _second(
    sampling: run.Sampling,
    along: second.Directions,
    arrays: tuple[Array, Array, Array],
    result: tuple[Any, Any],
    wanted: tuple[bool, ...],
) -> tuple[Array | None, Array | None, Array | None]:
    """Those of the second derivatives that are wanted, of (N, C, *in), in the arrays' types."""
    (gradient, image), points = map(second.widened, arrays[:2]), buffers.widened(arrays[2])
    if sampling.mode == "nearest":  # which does not move with its coordinates
        along = along._replace(points=None)
    along = second.Directions(*(None if x is None else second.widened(x) for x in along))
    shape, dtype = result
    to_output = to_input = to_points = None
    if wanted[0]:
        to_output = np.empty(shape, image.dtype.newbyteorder("="))
        second.to_output(sampling, along, image, points, to_output)
        to_output = second.rounded(to_output, dtype)
    if wanted[1]:
        to_input = second.to_input(sampling, along, gradient, image.shape, points)
        to_input = second.rounded(to_input, dtype)
    if wanted[2]:
        to_points = second.to_points(sampling, along, gradient, image, points)
        to_points = cast(to_points, arrays[2].dtype)
    return to_output, to_input, to_points


def _seen_second(x: Array | None) -> Array | None:
    """`_channels_second`, if there is an array."""
    return None if x is None else _channels_second(x)


def _dense_last(x: Array | None) -> Array | None:
    """(N, C, *in) as an array (N, *in, C) of its own, if there is one."""
    return None if x is None else np.ascontiguousarray(_channels_last(x))


def options_of(function: str, about: Coordinates, options: Options) -> tuple[str, str, Any, bool]:
    """Check the options that all functions have."""
    mode, padding_mode, fill_value, channels_last = options
    fill = checks.fill(function, "fill_value", fill_value)
    last = checks.flag(function, "channels_last", channels_last)
    checks.words(function, mode=mode)
    checks.border(function, padding_mode, about.pixels)
    return mode, padding_mode, fill, last


def _channels_second(x: Array) -> Array:
    """(N, *in, C) as (N, C, *in)."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1)) if x.ndim > 2 else x


def _channels_last(x: Array) -> Array:
    """(N, C, *in) as (N, *in, C)."""
    return x.transpose(0, *range(2, x.ndim), 1)


def _as_seen(result: tuple[Any, Any], last: bool) -> tuple[Any, Any]:
    """A result's shape and type, as the user sees them."""
    shape, dtype = result
    return ((shape[0], *shape[2:], shape[1]) if last else shape), dtype


def _empty(result: run.Spec, last: bool) -> Array:
    """A fresh result (N, C, *out), its channels last in memory if they are so."""
    shape, dtype = _as_seen((result.shape, result.dtype), last)
    made = buffers.empty(shape, dtype)
    return _channels_second(made) if last else made


@lru_cache(maxsize=512)
def _prepare(function, about, image, points, out, mode, padding_mode, fill, last):
    """Check a call and prepare it: what to do, the result's spec, and the kernel's work."""
    described = about, image, points, mode, padding_mode, fill
    (shape, dtype), sampling = _describe(function, *described)
    seen, _ = _as_seen((shape, dtype), last)
    if out is None:
        result = run.fresh(seen, dtype)
        if last:
            n, *steps, c = result.strides
            result = run.Spec(shape, (n, c, *steps), dtype)
    else:
        result = run.Spec(*out)
        checks.result(function, result, shape, dtype)
    specs = run.Spec(*image), run.Spec(*points), result
    return sampling, result, run.prepare(sampling, *specs)


@lru_cache(maxsize=512)
def _describe(function, about, image, points, mode, padding_mode, fill):
    """Check input and points: the result's shape and type, and what to do."""
    image, points = run.Spec(*image), run.Spec(*points)
    checks.sampled(function, "input", image.dtype, mode)
    checks.dtype(function, about.argument, points.dtype, checks.GRID_TYPES)
    checks.image(function, image.shape)
    checks.fills(function, "fill_value", fill, image.dtype, image.shape[1])
    if about.source != PERSPECTIVE:  # whose points may lie nowhere
        checks.fill_is_read(function, fill, padding_mode, image.dtype)
    about.check(function, about.argument, points.shape, image.shape)
    batch = points.shape[0] if image.shape[0] == 1 else image.shape[0]
    size = points.shape[1:-1] if about.size is None else about.size
    shape = batch, image.shape[1], *size
    checks.something_to_sample(function, image.shape, shape)
    axes = about.axes(image.shape[2:], *about.options)
    sampling = run.Sampling(mode, padding_mode, axes, fill, about.source)
    return (shape, image.dtype.newbyteorder("=")), sampling
