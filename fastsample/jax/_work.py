"""A call's arithmetic, on NumPy's arrays."""

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .._affine import affine_sample_double_backward
from .._calls.again import key_of
from .._calls.known import Known, again_into
from .._calls.registry import BACKWARDS
from .._grid import grid_sample_double_backward
from .._kernels.compiler.flat import address
from .._points import point_sample_double_backward
from .._warp import flow_warp_double_backward
from ._calls import ALONG, BOTH, FUNCTIONS, OUT, Call, of_text

Arrays = dict[str, np.ndarray]

SECOND = {
    "grid_sample": grid_sample_double_backward,
    "affine_sample": affine_sample_double_backward,
    "point_sample": point_sample_double_backward,
    "flow_warp": flow_warp_double_backward,
}
_INTO = {f.public for n, f in FUNCTIONS.items() if n != "deform_conv2d"}  # that have `out`
_KNOWN = ("gradients", "gradients and their gradients")


class Request(NamedTuple):
    """A call of a function of NumPy's arrays, and which of its results is meant; None: the one."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]
    index: int | None


class Work(NamedTuple):
    """A call that was read, with what its function is called with."""

    call: Call
    options: dict[str, Any]
    request: Callable[[Call, dict[str, Any], Arrays, np.ndarray], Request]


@lru_cache(maxsize=4096)
def of(text: str) -> Work:
    """The work that a text describes."""
    call = of_text(text)
    return Work(call, dict(call.options), _request(call))


def _request(call: Call) -> Callable[..., Request]:
    """How the call is made one of a function; of both gradients see `_both`."""
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


def fill(text: str, operands: list[np.ndarray], results: list[np.ndarray]) -> None:
    """Compute a call into its results, all arrays with vmap's axes in front."""
    work, named = of(text), _named(text, operands)
    if work.call.hole == BOTH:
        _perform_both(_both(work, named), results)
        return
    (result,) = results
    if result.size:
        request = _whole(work, named, result)
        if request is None:
            _one_by_one(work, named, result)
        else:
            _perform(*request)


def seen(text: str, operands: list[np.ndarray], results: list[np.ndarray]) -> "Again | None":
    """Compute a call once, and say how it is made again on other memory, if that is known."""
    work, named = of(text), _named(text, operands)
    if work.call.hole == BOTH:
        request, indices = _both(work, named), (0, 1)
        _perform_both(request, results)
    else:
        whole = _whole(work, named, *results) if results[0].size else None
        if whole is None or not hasattr(whole[0].function, "calls"):
            fill(text, operands, results)
            return None
        request, place = whole
        indices = (request.index or 0,)
        found = request.function(*request.args, **request.options)
        place[...] = found if request.index is None else found[request.index]
    function, args, options, _ = request
    known = function.calls.known.get(key_of(args, options))
    return None if known is None else _again(known, (*args, *options.values()), operands, indices)


class Again(NamedTuple):
    """A call that is known: what its kernels do, and whose memory they take."""

    known: Known
    sources: tuple[int | None, ...]  # the operand that each of the function's arguments is
    results: tuple[int, ...]  # their numbers among what the call makes


def _again(
    known: Known, things: tuple[Any, ...], operands: list[np.ndarray], indices: tuple[int, ...]
) -> Again | None:
    """How a known call is made on operands' memory, if that is all that its kernels read."""
    starts = {address(x): k for k, x in enumerate(operands)}
    sources = tuple(starts.get(address(x)) if type(x) is np.ndarray else None for x in things)
    read = {k for step in known.steps for k in step.arrays if 0 <= k < len(things)}
    made = [known.returns[k] for k in indices]
    if None in made or known.hands or not known.is_free or len(starts) < len(operands):
        return None
    if any(sources[k] is None for k in read):
        return None
    return Again(known, sources, tuple(k - len(things) for k in made if k is not None))


def fill_again(again: Again, operands: list[int], results: list[int]) -> None:
    """Compute such a call at addresses."""
    places = [1 if k is None else -operands[k] for k in again.sources]
    made = {k: -place for k, place in zip(again.results, results, strict=True)}
    again_into(again.known, places, made)


def _named(text: str, operands: list[np.ndarray]) -> Arrays:
    return dict(zip(of(text).call.operands, operands, strict=True))


def _whole(work: Work, named: Arrays, result: np.ndarray) -> tuple[Request, np.ndarray] | None:
    """The one call of a function that a call is, and where its result goes; or None."""
    call = work.call
    if call.axes == 0:
        return work.request(call, work.options, named, result), result
    merged = _merged(work, _full(call, named, result), named, result)
    return None if merged is None else (work.request(call, *merged), merged[-1])


def _full(call: Call, named: Arrays, result: np.ndarray) -> tuple[int, ...]:
    """The sizes of vmap's axes."""
    return np.broadcast_shapes(*(x.shape[: call.axes] for x in (*named.values(), result)))


def _perform(request: Request, result: np.ndarray) -> None:
    """Call a function for its result, which is written where it belongs if that can be."""
    function, args, options, index = request
    if index is None and function in _INTO:
        function(*args, **options, out=result)
    else:
        found = function(*args, **options)
        result[...] = found if index is None else found[index]


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


def _one_by_one(work: Work, named: Arrays, result: np.ndarray) -> None:
    """Each element of vmap's axes by itself; what they share takes the sum."""
    axes, full = work.call.axes, _full(work.call, named, result)
    shared = result.shape[:axes] != full
    if shared:
        result[...] = 0
    for index in np.ndindex(full):

        def of_index(x: np.ndarray, index: Any = index) -> np.ndarray:
            return x[tuple(k if n > 1 else 0 for k, n in zip(index, x.shape[:axes], strict=True))]

        place = of_index(result)
        found = np.empty_like(place) if shared else place
        parts = {n: of_index(x) for n, x in named.items()}
        _perform(work.request(work.call, work.options, parts, found), found)
        if shared:
            place += found


def _forward(call: Call, options: dict[str, Any], named: Arrays, result: np.ndarray) -> Request:
    """The function itself."""
    arrays = {name: named[name] for name in call.arrays}
    return Request(call.about.public, (), {**arrays, **options}, None)


def _backward(call: Call, options: dict[str, Any], named: Arrays, result: np.ndarray) -> Request:
    """One gradient of the function."""
    of = call.hole if call.order == 0 else call.about.points
    backward = BACKWARDS[call.about.public]
    gradient = _of_complex(named[OUT], result)
    if call.function == "affine_grid":
        return Request(backward.function, (gradient,), options, None)
    arrays = {name: named[name] if name in named else _absent(result) for name in call.arrays}
    mask = tuple(name == of for name in backward.arrays)
    options = {**arrays, **options, "output_mask": mask}
    return Request(backward.function, (gradient,), options, backward.arrays.index(of))


def _double_backward(
    call: Call, options: dict[str, Any], named: Arrays, result: np.ndarray
) -> Request:
    """A part of the way back of the gradient along the first direction."""
    of = call.about.points if call.order == 2 else call.hole
    (along,) = (named[name] for name in named if name.startswith(ALONG))
    absent = {name: _absent(result) for name in (OUT, *call.arrays) if name not in named}
    arrays = {**named, **absent}
    gradient = _of_complex(arrays.pop(OUT), result)
    parts = OUT, *call.arrays
    mask = tuple(name == of for name in parts)
    options = {**{n: arrays[n] for n in call.arrays}, **options, "output_mask": mask}
    return Request(SECOND[call.function], (None, along, gradient), options, parts.index(of))


def _both(work: Work, named: Arrays) -> Request:
    """Both gradients of the function."""
    back = BACKWARDS[work.call.about.public].function
    arrays = {name: named[name] for name in work.call.arrays}
    options = {**arrays, **work.options, "output_mask": (True, True)}
    return Request(back, (named[OUT],), options, None)


def _perform_both(request: Request, results: list[np.ndarray]) -> None:
    """Call a function for its two results."""
    found = request.function(*request.args, **request.options)
    for place, x in zip(results, found, strict=True):
        place[...] = x


def _absent(result: np.ndarray) -> np.ndarray:
    """An array whose gradient is asked for, and which nobody reads: zeros without memory."""
    return np.broadcast_to(np.zeros((1,) * result.ndim, result.dtype), result.shape)


def _of_complex(out: np.ndarray, result: np.ndarray) -> np.ndarray:
    """The factor of a real hole: there a product's real part counts, here that with a conjugate."""
    return out.conj() if out.dtype.kind == "c" and result.dtype.kind != "c" else out
