"""From what a watched call ran to what calls like it do: which memory belongs to whom."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._kernels.compiler.flat import address
from .._kernels.drive import NOTHING
from .._kernels.kind import JOB
from .buffers import empty, pair_of
from .known import Array, Hand, Known, Pair, Step, View, whole_of
from .schedule import STREAM, Call

GRID_START = JOB.fields["grid_start"][1] // 8


def found_in(things: tuple[Any, ...], out: int | None, result: Any, steps: Any) -> Known | None:
    """What a call has done, or None where it was more than what was watched."""
    results = result if isinstance(result, tuple) else (result,)
    given = None if out is None else things[out]
    made = [x for x in results if x is not None and x is not given]
    if None in steps or not all(_is_plain(x) for x in made):
        return None
    if given is not None and not given.dtype.isnative:
        return None
    kernels = [step for step in steps if isinstance(step[0], Call)]
    if any(not isinstance(call, Call) for call, _ in steps[: len(kernels)]):
        return None
    between = _between(things, made, kernels)
    arrays = *things, *made, *between
    constants = tuple(x for call, _ in kernels for x in call.constants)
    views: list[View] = []
    found = [_step(call, five, (*arrays, *constants), views) for call, five in kernels]
    hands = [_hand(function, *three, arrays) for function, three in steps[len(kernels) :]]
    numbers = {id(x): len(things) + k for k, x in enumerate((*made, *between))}
    written = [*numbers.values(), *([] if out is None else [out])]
    behind = len(arrays) + len(constants)
    owners = {behind + k: view.array for k, view in enumerate(views)}
    if None in found or None in hands or not _are_written(written, found, hands, owners):
        return None
    if views and out is not None:
        return None  # which is asked each time whether it lies apart, as a whole
    paired = [(k, step) for k, step in enumerate(found) if step.second is not None]
    known = Known(
        tuple((_maker(x), x.shape, x.dtype) for x in (*made, *between)),
        tuple(found),
        tuple(call.records[0] for call, *_ in found),
        tuple(None if x is None else out if x is given else numbers[id(x)] for x in results),
        isinstance(result, tuple),
        out,
        tuple(_pair(k, step, things) for k, step in paired),
        out is None and not paired and not views,
        constants,
        (*map(id, constants), id(NOTHING)),
        tuple(hand for hand, _ in hands),
        tuple(views),
    )
    known = known._replace(times=[0], orders=tuple(map(order_of, known.steps)))
    return known._replace(whole=whole_of(known, len(things)))


def order_of(step: Step) -> tuple[Any, ...]:
    """What `run_at` asks of a step, looked up once: 3 us of a call on Zen 1."""
    call, axes = step.call, step.call.records[1]
    return call.work, call.parallel and call.pieces > 1, id(axes), call.pieces, *step.arrays


def _pair(number: int, step: Step, things: tuple[Any, ...]) -> Pair:
    """The pair that a step reads."""
    assert step.second is not None
    words = step.call.records[0].view(np.int64).copy()
    words[GRID_START] = 0
    x = step.arrays[1]
    return Pair(number, x, step.second, things[x].itemsize, words)


def _maker(x: Array) -> Callable[..., Array]:
    """What makes such memory: a small array's takes a third of the time of one on a cache line."""
    return np.empty if x.nbytes < STREAM else empty


def _is_plain(x: Any) -> bool:
    """Is it an array that np.empty makes, and a kernel fills as it is?"""
    return type(x) is Array and x.flags.c_contiguous and x.dtype.isnative


def _between(things: Any, made: list[Array], steps: list[tuple[Call, Any]]) -> list[Array]:
    """What kernels have written that is no result and no argument."""
    known = [x for x in (*things, *made) if type(x) is Array]
    written = [x for _, five in steps for x in five[3:]]
    written += [five[2] for call, five in steps if call.scratch and five[2] is not NOTHING]
    own = {id(x): x for x in map(_owner, written) if x.flags.c_contiguous and _is_whole(x)}
    return [x for x in own.values() if not any(np.may_share_memory(x, other) for other in known)]


def _is_whole(x: Array) -> bool:
    """Is it no part of another array? Memory that was kept belongs to what gives it back."""
    return not isinstance(x.base, Array)


def _owner(x: Array) -> Array:
    """The array whose memory a view shows from the first byte on."""
    owner = x.base
    return owner if type(owner) is Array and address(owner) == address(x) else x


def _hand(function: Any, x: Any, out: Array, whole: bool, arrays: Any) -> tuple[Hand, bool] | None:
    """What was done by hand, and whether all of an array was written; None if to no one's."""
    of = {id(array): k for k, array in enumerate(arrays)}
    numbers = of.get(id(out if x is None else x)), of.get(id(out))
    return None if None in numbers else (Hand(function, numbers), whole)  # type: ignore[arg-type]


def _step(
    call: Call, five: tuple[Array, ...], arrays: tuple[Any, ...], views: list[View]
) -> Step | None:
    """A kernel's call on what has a number, or None; parts of arrays get numbers, too."""
    image, grid, *others = five
    second = None
    if pair := pair_of(grid):
        grid, second = pair[0], _number(pair[1], arrays)
        if second is None:
            return None
    numbers = [_number_of(x, arrays, views) for x in (image, grid, *others)]
    return None if None in numbers else Step(call, tuple(numbers), second)  # type: ignore[arg-type]


def _number(x: Array, arrays: tuple[Any, ...]) -> int | None:
    """In whose memory an array lies, from its first byte on, if in somebody's; -1 if it is none."""
    if x is NOTHING:
        return -1
    low, high = np.lib.array_utils.byte_bounds(x)
    for k, owner in enumerate(arrays):
        if type(owner) is Array:
            first, last = np.lib.array_utils.byte_bounds(owner)
            if low == address(x) == first == address(owner) and high <= last:
                return k
    return None


def _number_of(x: Array, arrays: tuple[Any, ...], views: list[View]) -> int | None:
    """`_number`, or that of a part of an array."""
    number = _number(x, arrays)
    if number is not None:
        return number
    low, high = np.lib.array_utils.byte_bounds(x)
    for k, owner in enumerate(arrays):
        if type(owner) is Array and owner.flags.c_contiguous:
            first, last = np.lib.array_utils.byte_bounds(owner)
            if first <= low and high <= last and low == address(x):
                views.append(View(k, low - first))
                return len(arrays) + len(views) - 1
    return None


def _are_written(
    numbers: list[int], steps: list[Any], hands: list[Any], owners: dict[int, int]
) -> bool:
    """Are these what is written, each at first as a whole and by nothing that adds?

    `owners` says of which arrays parts are: what a kernel leaves out of one is written by hand.
    """
    first: dict[int, bool] = {}
    for call, arrays, _ in steps:
        if call.scratch and arrays[2] >= 0:
            first.setdefault(arrays[2], True)
        for k in arrays[3:]:
            first.setdefault(owners.get(k, k), not call.adds)
    for hand, whole in hands:
        first.setdefault(hand.arrays[1], whole)
    return set(first) == set(numbers) and all(first.values())
