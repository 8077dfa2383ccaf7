"""What a call does that was made before, and how it is done with other arrays."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._kernels.compiler.flat import address
from .._kernels.drive import NOTHING, driver, run_on
from .._kernels.kind import JOB
from .schedule import Call

Array = np.ndarray
GRID_AXIS = JOB.fields["grid_axis"][1] // 8


class Step(NamedTuple):
    """A kernel's call on an image, a grid, another array and what it writes, one array or two.

    Each is the number of an argument or, behind these, of an array that is made; -1 is none.
    """

    call: Call
    arrays: tuple[int, ...]
    second: int | None  # where y is, if the grid's x and y are two arguments of one layout


Made = tuple[Callable[..., Array], tuple[int, ...], np.dtype[Any]]  # who makes an array, and which


class View(NamedTuple):
    """A part of an argument or of what is made, on which a kernel works as if it were an array."""

    array: int  # its number
    first: int  # byte


class Hand(NamedTuple):
    """What is done without a kernel: `function(x, out)` of arrays that have these numbers."""

    function: Callable[[Any, Any], None]
    arrays: tuple[int, int]


class Pair(NamedTuple):
    """Two arguments of one layout, x and y, that a step reads as a grid."""

    step: int
    x: int
    y: int
    size: int  # bytes of an element
    words: Array  # the step's job, which lacks how far y lies from x


class Known(NamedTuple):
    """What a call does."""

    makes: tuple[Made, ...]  # results, and what goes in between
    steps: tuple[Step, ...]
    jobs: tuple[Array, ...]  # the steps' jobs
    returns: tuple[int | None, ...]
    several: bool  # results are a tuple
    out: int | None  # the number of what is written and was given
    pairs: tuple[Pair, ...]
    is_free: bool  # it may be done wherever the arrays lie
    constants: tuple[Array, ...] = ()  # which kernels read besides
    behind: tuple[int, ...] = (id(NOTHING),)  # these and no array, as `memory_of` takes them
    hands: tuple[Hand, ...] = ()  # done after the kernels
    views: tuple[View, ...] = ()  # which have numbers behind the constants'
    whole: Callable[[Sequence[Any]], Any] | None = None  # all of it, see `whole_of`
    times: list[int] | None = None  # how often it was found by a key
    orders: tuple[Any, ...] = ()  # the steps as `run_at` takes them


def job_at(pair: Pair, things: Sequence[Any]) -> Array | None:
    """The job, where a grid leads from one argument to another; None where it can't.

    There are parts of elements between then. With two of `address` a third of a call of `remap`, so
    each is asked once.
    """
    _, x, y, size, words = pair
    distance, rest = divmod(address(things[y]) - address(things[x]), size)
    if rest:
        return None
    words = words.copy()
    words[GRID_AXIS] = distance
    return words


def jobs_at(known: Known, things: tuple[Any, ...]) -> list[Array] | None:
    """All jobs; None where one can't be."""
    jobs = list(known.jobs)
    for pair in known.pairs:
        job = job_at(pair, things)
        if job is None:
            return None
        jobs[pair.step] = job
    return jobs


def again_at(known: Known, places: list[int], jobs: Sequence[Array]) -> list[Array]:
    """Make the results' memory, and let the kernels run; `places` are as `memory_of` takes them."""
    made = [make(shape, dtype) for make, shape, dtype in known.makes]
    for x in made:
        places.append(id(x))
    run_at(known, places, jobs)
    return made


def again_into(known: Known, places: list[int], results: dict[int, int]) -> None:
    """Let the kernels run where results' memory is given, by their numbers among what is made."""
    kept = []
    for k, (make, shape, dtype) in enumerate(known.makes):
        place = results.get(k)
        if place is None:
            kept.append(make(shape, dtype))
            place = id(kept[-1])
        places.append(place)
    run_at(known, places, known.jobs)


def run_at(known: Known, places: list[int], jobs: Sequence[Array]) -> None:
    """Let the kernels run; `places` are those of all arguments and of all that is made."""
    places += known.behind
    _run(known.orders, jobs, places)


def _run(orders: Sequence[Any], jobs: Sequence[Array], places: list[int]) -> None:
    """Let kernels run, one after the other, on what has these places."""
    serial = driver()
    for (work, parallel, axes, pieces, image, grid, other, out, *second), job in zip(
        orders, jobs, strict=True
    ):
        if second:
            axes = places[second[0]]
        six = id(job), axes, places[image], places[grid], places[other], places[out]
        if parallel:
            run_on(work, parallel, six, pieces)
        else:
            serial(work, *six, pieces)


def _part(x: Array, first: int) -> Array:
    """The memory of an array that is one piece, from a byte on."""
    return Array((x.nbytes - first,), np.uint8, x, first)


def without(known: Known, first: int, count: int) -> Known:
    """The same of a call that lacks `count` of its arguments, from `first` on: no kernel's."""

    def moved(k: int) -> int:
        return k if k < first else k - count

    steps = tuple(step._replace(arrays=tuple(map(moved, step.arrays))) for step in known.steps)
    orders = tuple((*o[:4], *map(moved, o[4:])) for o in known.orders)
    returns = tuple(None if k is None else moved(k) for k in known.returns)
    return known._replace(steps=steps, orders=orders, returns=returns)


def whole_of(
    known: Known, count: int, place: Callable[[Any], int] = id
) -> Callable[[Sequence[Any]], Any] | None:
    """What does a call of `count` arguments, if it makes all that it writes.

    What is looked up is bound to names, once. There may be more behind the arguments. `place` says
    where an argument lies, as `memory_of` takes it.
    """
    whole = _way_of(known, count, place)
    if whole is not None:
        whole.known = known  # type: ignore[attr-defined]  # whose arrays it has the addresses of
    return whole


def _way_of(
    known: Known, count: int, place: Callable[[Any], int]
) -> Callable[[Sequence[Any]], Any] | None:
    """The quickest there is."""
    if known.out is not None:
        return None
    is_simple = len(known.steps) == len(known.makes) == 1 and not known.several and not known.hands
    if is_simple and count not in known.steps[0].arrays[:3] and not known.views:
        return _of_one(known, count, place)
    if known.pairs:
        return None
    if known.views or known.hands:
        return _of_some(known, count)
    of_two = _of_two(known, count, place)
    return _of_kernels(known, count, place) if of_two is None else of_two


def _of_one(
    known: Known, count: int, place: Callable[[Any], int]
) -> Callable[[Sequence[Any]], Array | None]:
    """The same where one kernel makes the one result: 4 us instead of 9.5 on Zen 1, of 8x8."""
    (work, parallel, axes, pieces, image, grid, other, _), job = known.orders[0], known.jobs[0]
    (make, shape, dtype), pair = known.makes[0], known.pairs[0] if known.pairs else None
    fixed = {count + 1 + k: id(x) for k, x in enumerate(known.constants)} | {-1: id(NOTHING)}
    image_at, grid_at, other_at = map(fixed.get, (image, grid, other))
    serial = driver()

    def whole(things: Sequence[Any]) -> Array | None:
        task = job if pair is None else job_at(pair, things)
        if task is None:
            return None
        made = make(shape, dtype)
        read = image_at or place(things[image]), grid_at or place(things[grid])
        six = id(task), axes, *read, other_at or place(things[other]), id(made)
        if parallel:
            run_on(work, parallel, six, pieces)
        else:
            serial(work, *six, pieces)
        return made

    return whole


def _of_two(
    known: Known, count: int, place: Callable[[Any], int]
) -> Callable[[Sequence[Any]], tuple[Array, Array]] | None:
    """The same where one kernel makes the two results of three arguments; else None.

    Of 8x8 pixels forward and backward in PyTorch this takes 7 to 10 us of 100 less than
    `_of_kernels`: amid its work the caches hold none of this code, and each line costs twice.
    """
    if known.returns != (count, count + 1) or len(known.orders) != 1 or known.constants:
        return None
    work, parallel, _, pieces, image, grid, other, *made = known.orders[0]
    are_given = all(0 <= k < count for k in (image, grid, other))
    if made != [count + 1, count] or not are_given:
        return None
    (make, shape, dtype), (make_second, shape_second, dtype_second) = known.makes
    job, serial = id(known.jobs[0]), driver()

    def whole(things: Sequence[Any]) -> tuple[Array, Array]:
        first, second = make(shape, dtype), make_second(shape_second, dtype_second)
        read = place(things[image]), place(things[grid]), place(things[other])
        six = job, id(first), *read, id(second)
        if parallel:
            run_on(work, parallel, six, pieces)
        else:
            serial(work, *six, pieces)
        return first, second

    return whole


def _of_kernels(
    known: Known, count: int, place: Callable[[Any], int]
) -> Callable[[Sequence[Any]], Any]:
    """The same where several kernels do it, or there are several results."""
    makes, orders, jobs, behind = known.makes, known.orders, known.jobs, known.behind
    several, returns = known.several, [None if k is None else k - count for k in known.returns]

    def whole(things: Sequence[Any]) -> Any:
        made = [make(shape, dtype) for make, shape, dtype in makes]
        _run(orders, jobs, [*map(place, things[:count]), *map(id, made), *behind])
        if several:
            return tuple([None if k is None else made[k] for k in returns])
        return made[returns[0]]  # type: ignore[index]

    return whole


def _of_some(known: Known, count: int) -> Callable[[Sequence[Any]], Any]:
    """The same where NumPy does a part of it, or kernels work on parts of arrays."""
    makes, hands, several, returns = known.makes, known.hands, known.several, known.returns
    orders, jobs, constants, views = known.orders, known.jobs, known.constants, known.views

    def whole(things: Sequence[Any]) -> Any:
        made = [make(shape, dtype) for make, shape, dtype in makes]
        arrays = [*things[:count], *made, *constants]
        for number, first in views:
            arrays.append(_part(arrays[number], first))
        arrays.append(NOTHING)  # number -1
        _run(orders, jobs, list(map(id, arrays)))
        for function, (x, y) in hands:
            function(arrays[x], arrays[y])
        if several:
            return tuple([None if k is None else arrays[k] for k in returns])
        return arrays[returns[0]]

    return whole
