"""A call's arithmetic, on NumPy's arrays."""

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .._affine import affine_sample_double_backward
from .._calls.registry import BACKWARDS
from .._grid import grid_sample_double_backward
from .._points import point_sample_double_backward
from .._warp import flow_warp_double_backward
from ._calls import ALONG, OUT, Call, of_text

Arrays = dict[str, np.ndarray]

SECOND = {
    "grid_sample": grid_sample_double_backward,
    "affine_sample": affine_sample_double_backward,
    "point_sample": point_sample_double_backward,
    "flow_warp": flow_warp_double_backward,
}
_KNOWN = ("gradients", "gradients and their gradients")


class Work(NamedTuple):
    """A call that was read, with what its function is called with."""

    call: Call
    options: dict[str, Any]
    compute: Callable[[Call, dict[str, Any], Arrays, np.ndarray], None]


@lru_cache(maxsize=4096)
def of(text: str) -> Work:
    """The work that a text describes."""
    call = of_text(text)
    return Work(call, dict(call.options), _computation(call))


def _computation(call: Call) -> Callable[..., None]:
    """How the call is computed."""
    if call.order == 0 and call.hole == OUT:
        return _forward
    if call.order == 0 or (call.order == 1 and call.hole.startswith(ALONG)):
        return _backward
    if call.function in SECOND and (
        call.order == 1 or (call.order == 2 and call.hole.startswith(ALONG))
    ):
        return _double_backward
    raise NotImplementedError(
        f"{call.function}: derivatives beyond {_KNOWN[call.function in SECOND]} are not known"
    )


def fill(text: str, operands: list[np.ndarray], result: np.ndarray) -> None:
    """Compute a call into its result, all arrays with vmap's axes in front."""
    work = of(text)
    call = work.call
    if result.size == 0:
        return
    named = dict(zip(call.operands, operands, strict=True))
    if call.axes == 0:
        work.compute(call, work.options, named, result)
        return
    full = np.broadcast_shapes(*(x.shape[: call.axes] for x in (*operands, result)))
    if (merged := _merged(work, full, named, result)) is not None:
        work.compute(call, *merged)
    else:
        _one_by_one(work, full, named, result)


def _merged(work: Work, full: tuple[int, ...], named: Arrays, result: np.ndarray) -> Any:
    """Take vmap's axes as part of the batch, if all arrays have them, or are shared by all."""
    call, axes = work.call, work.call.axes
    if call.function == "deform_conv2d":
        return None  # whose kernels have no batch
    everything = {**named, call.hole: result}
    whole = {name for name, x in everything.items() if x.shape[:axes] == full}
    batches = {everything[name].shape[axes] for name in whole}
    shared = everything.keys() - whole
    if len(batches) != 1 or any(prod(everything[n].shape[: axes + 1]) > 1 for n in shared):
        return None
    (batch,) = batches
    batch *= prod(full)

    def merge(name: str) -> np.ndarray:
        x = everything[name]
        return x.reshape(-1, *x.shape[axes + 1 :])

    merged = {name: merge(name) for name in everything}
    for name in shared & _not_shared(call, whole):
        if name == call.hole:
            return None
        merged[name] = np.broadcast_to(merged[name], (batch, *merged[name].shape[1:]))
    options = work.options
    if call.about.counts:
        options = {**options, "size": (batch, *options["size"][1:])}
    place = merged.pop(call.hole)
    return options, merged, place


def _not_shared(call: Call, whole: set[str]) -> set[str]:
    """What has the batch that others have: the result's factor, and points beside directions."""
    alike = {
        n for n in (*call.operands, call.hole) if n == call.about.points or n.startswith(ALONG)
    }
    return {OUT} | (alike if alike & whole else set())


def _one_by_one(work: Work, full: tuple[int, ...], named: Arrays, result: np.ndarray) -> None:
    """Each element of vmap's axes by itself; what they share takes the sum."""
    axes = work.call.axes
    shared = result.shape[:axes] != full
    if shared:
        result[...] = 0
    for index in np.ndindex(full):

        def of_index(x: np.ndarray, index: Any = index) -> np.ndarray:
            return x[tuple(k if n > 1 else 0 for k, n in zip(index, x.shape[:axes], strict=True))]

        place = of_index(result)
        found = np.empty_like(place) if shared else place
        work.compute(work.call, work.options, {n: of_index(x) for n, x in named.items()}, found)
        if shared:
            place += found


def _forward(call: Call, options: dict[str, Any], named: Arrays, result: np.ndarray) -> None:
    """The function itself."""
    arrays = {name: named[name] for name in call.arrays}
    if call.function == "deform_conv2d":
        result[...] = call.about.public(**arrays, **options)
    else:
        call.about.public(**arrays, **options, out=result)


def _backward(call: Call, options: dict[str, Any], named: Arrays, result: np.ndarray) -> None:
    """One gradient of the function."""
    of = call.hole if call.order == 0 else call.about.points
    backward = BACKWARDS[call.about.public]
    gradient = _of_complex(named[OUT], result)
    if call.function == "affine_grid":
        result[...] = backward.function(gradient, **options)
        return
    arrays = {name: named[name] if name in named else _absent(result) for name in call.arrays}
    mask = tuple(name == of for name in backward.arrays)
    found = backward.function(gradient, **arrays, **options, output_mask=mask)
    result[...] = found[backward.arrays.index(of)]


def _double_backward(
    call: Call, options: dict[str, Any], named: Arrays, result: np.ndarray
) -> None:
    """A part of the way back of the gradient along the first direction."""
    of = call.about.points if call.order == 2 else call.hole
    function = SECOND[call.function]
    (along,) = (named[name] for name in named if name.startswith(ALONG))
    absent = {name: _absent(result) for name in (OUT, *call.arrays) if name not in named}
    arrays = {**named, **absent}
    gradient = _of_complex(arrays.pop(OUT), result)
    parts = OUT, *call.arrays
    found = function(
        None,
        along,
        gradient,
        **{n: arrays[n] for n in call.arrays},
        **options,
        output_mask=tuple(name == of for name in parts),
    )
    result[...] = found[parts.index(of)]


def _absent(result: np.ndarray) -> np.ndarray:
    """An array whose gradient is asked for, and which nobody reads: zeros without memory."""
    return np.broadcast_to(np.zeros((1,) * result.ndim, result.dtype), result.shape)


def _of_complex(out: np.ndarray, result: np.ndarray) -> np.ndarray:
    """The factor of a real hole: there a product's real part counts, here that with a conjugate."""
    return out.conj() if out.dtype.kind == "c" and result.dtype.kind != "c" else out
