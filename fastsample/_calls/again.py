"""Calls like one that was made before, made again without its checks and preparations.

What a function of this package does with arrays of some shapes, strides and types, and some
options, is nearly always to make its results' memory and to run kernels on that and on its
arguments'. So the first such call is watched: which kernels ran, on whose memory. The next ones run
the same kernels on theirs: a third of the time of a call on 8x8 pixels, a ninth with channels last.
What NumPy does to a small result, such as filling its border, is watched too (`by_hand`). A call
that did anything else (a copy between, a result that no kernel wrote) is never made again in this
way.
"""

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .._kernels.compiler.flat import address
from .._kernels.drive import INTERPRETED, NOTHING, driver, run_on
from .._kernels.kind import JOB
from .._kernels.recall import Memory, is_usable
from .buffers import empty, pair_of
from .schedule import STREAM, Call

Function = TypeVar("Function", bound=Callable[..., Any])
Array = np.ndarray
MOST = 512  # calls kept of a function, as of the other caches
FIRST = 8  # calls found by a key before one of these is remembered, a power of two
WORDS = frozenset((str, bool, int, type(None)))
NUMBERS = frozenset((bool, int, float))
LASTING = WORDS | {float, type}
INTS = frozenset((int,))
LONGEST = 16  # numbers of a list that is told apart by them
GRID_START, GRID_AXIS = (JOB.fields[name][1] // 8 for name in ("grid_start", "grid_axis"))


class Step(NamedTuple):
    """A kernel's call on an image, a grid, another array and what it writes, one array or two.

    Each is the number of an argument or, behind these, of an array that is made; -1 is none.
    """

    call: Call
    arrays: tuple[int, ...]
    second: int | None  # where y is, if the grid's x and y are two arguments of one layout


Made = tuple[Callable[..., Array], tuple[int, ...], np.dtype[Any]]  # who makes an array, and which


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
    whole: Callable[[Sequence[Any]], Any] | None = None  # all of it, see `_whole`
    times: list[int] | None = None  # how often it was found by a key
    orders: tuple[Any, ...] = ()  # the steps as `run_at` takes them


class _Watch(threading.local):
    """The kernels that a call of this thread has run, while it is watched."""

    steps: list[Any] | None = None  # (a kernel or a function, its arrays)


_watch = _Watch()


def saw(call: Call, *arrays: Array) -> None:
    """A kernel runs on an image, a grid, another array and a result, or two."""
    if _watch.steps is not None:
        _watch.steps.append((call, arrays))


def by_hand(function: Callable[[Any, Any], None], x: Any, out: Array, whole: bool) -> None:
    """Let `function(x, out)` write an array without a kernel: as a whole, or a part of it.

    It depends on the call's shapes, strides, types and options alone, and x may be None.
    """
    if _watch.steps is not None:
        _watch.steps.append((function, (x, out, whole)))
    function(x, out)


def unseen() -> None:
    """A call does what nobody watches, and is not made again."""
    if _watch.steps is not None:
        _watch.steps.append(None)


def like_before(function: Function) -> Function:
    """For functions whose work depends on arrays' shapes, strides and types and on options alone.

    On no number in an array, and on no address. `takes_any_array` asks for `Calls`.
    """
    return like_before_by()(function)


def like_before_by(*values: str) -> Callable[[Function], Function]:
    """`like_before` for functions of which some arguments are options, even if they are arrays."""

    def told(function: Function) -> Function:
        function.calls = Calls(function, values)  # type: ignore[attr-defined]
        return function

    return told


class Calls:
    """The calls of a function that are known."""

    def __init__(self, function: Callable[..., Any], values: tuple[str, ...] = ()) -> None:
        self.function, self.__name__ = function, function.__name__
        names = list(inspect.signature(function).parameters)
        self.values = tuple((names.index(name), name) for name in values)
        self.key = self._key_with_values if values else key_of
        self.known: dict[tuple[Any, ...], Known | None] = {}
        self.tensors: dict[Any, Known] = {}  # the same, by what PyTorch's tensors are told apart by
        self.memory: Memory | None = None
        self.find: Callable[[tuple[Any, ...]], Known | None] = _nothing

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function with what it takes itself, as before if there was such a call."""
        key = self.key(args, kwargs)
        known = self.known.get(key)
        result = None if known is None else again(known, args, kwargs)
        return self.first(key, args, kwargs) if result is None else result

    def forget(self) -> None:
        """Let every call be a first one."""
        self.known.clear()
        self.tensors.clear()
        self.memory, self.find = None, _nothing

    def met(self, things: tuple[Any, ...], known: Known) -> None:
        """Remember what `find` is asked for, after 8, 16, 32 ... calls that were found by a key.

        To write a call down takes as long as some calls, and few can be remembered at a time; and a
        script of a few calls does without `recall`, whose first compilation takes 0.3 s.
        """
        if known.whole is None or known.times is None or self.values:
            return
        known.times[0] += 1
        if known.times[0] < FIRST or known.times[0] & (known.times[0] - 1):
            return
        if not all(map(_never_changes, things)) or not is_usable():
            return
        if self.memory is None:
            self.memory = Memory()
            self.find = self.memory.find
        self.memory.remember(things, known)

    def _key_with_values(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, ...] | None:
        """`key_of` a call, with the numbers of arrays that are options."""
        key = key_of(args, kwargs)
        if key is None:
            return None
        given = [args[k] if k < len(args) else kwargs.get(name) for k, name in self.values]
        arrays = [x for x in given if type(x) is Array]
        if any(x.size > LONGEST or x.dtype.kind not in "biuf" for x in arrays):
            return None
        return key + tuple([x.tobytes() for x in arrays])

    def first(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function, and watch it if such a call has not been watched."""
        if key is None or key in self.known or _watch.steps is not None or INTERPRETED:
            return self.function(*args, **kwargs)
        _watch.steps = steps = []
        try:
            result = self.function(*args, **kwargs)
        finally:
            _watch.steps = None
        things = (*args, *kwargs.values())
        if _are_apart(things):
            if len(self.known) >= MOST:
                self.forget()
            given = [k for k, name in enumerate(kwargs) if name in ("out", "output")]
            out = next((len(args) + k for k in given if type(things[len(args) + k]) is Array), None)
            self.known[key] = _known(things, out, result, steps)
        return result


def _nothing(things: tuple[Any, ...]) -> None:
    """Nothing is remembered."""


def _never_changes(thing: Any) -> bool:
    """Is it an array, which is remembered without its numbers, or what has none that change?"""
    if type(thing) is tuple:
        return LASTING.issuperset(map(type, thing))
    return type(thing) is Array or type(thing) in LASTING


def key_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """All of a call but its arrays' numbers; None where arguments are not plain arrays and words.

    The names of those that have one, the types of all, then what they say. Numbers that are equal
    need not be the same: a type comes with each, and a float in full.
    """
    key: list[Any] = []
    if kwargs:
        key += kwargs
        args = (*args, *kwargs.values())
    key += map(type, args)
    for x in args:
        kind = type(x)
        if kind is Array:
            key += x.shape, x.strides, x.dtype
        elif kind in WORDS:
            key.append(x)
        elif kind is float:
            key.append(x.hex())
        elif kind is tuple or kind is list:
            numbers = _numbers(x)
            if numbers is None:
                return None
            key.append(numbers)
        elif kind is type:  # of a result
            key.append(x)
        else:
            return None
    return tuple(key)


def _numbers(things: Any) -> tuple[Any, ...] | None:
    """Some numbers, or lists of them, in full and with their types."""
    if len(things) > LONGEST:
        return None
    if INTS.issuperset(map(type, things)):
        return tuple(things)
    kinds = tuple(map(type, things))
    if NUMBERS.issuperset(kinds):
        return kinds, *[x.hex() if type(x) is float else x for x in things]
    if not all(kind is tuple or kind is list for kind in kinds):
        return None
    if any(not NUMBERS.issuperset(map(type, x)) for x in things):
        return None
    parts = [_numbers(x) for x in things]
    return None if None in parts else (kinds, *parts)


def _is_apart(number: int, things: tuple[Any, ...]) -> bool:
    """Can the argument of this number be written, far from all that is read?"""
    out = things[number]
    if not out.flags.writeable:
        return False
    for k, x in enumerate(things):
        if type(x) is Array and k != number and np.may_share_memory(x, out):
            return False
    return True


def _job_at(pair: Pair, things: Sequence[Any]) -> Array | None:
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


def _jobs_at(known: Known, things: tuple[Any, ...]) -> list[Array] | None:
    """All jobs; None where one can't be."""
    jobs = list(known.jobs)
    for pair in known.pairs:
        job = _job_at(pair, things)
        if job is None:
            return None
        jobs[pair.step] = job
    return jobs


def again(known: Known, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do what a call does, with other arrays of NumPy; None where it may not be done with these."""
    things = (*args, *kwargs.values()) if kwargs else args
    if known.whole is not None:
        return known.whole(things)
    jobs: Sequence[Array] | None = known.jobs
    if not known.is_free:
        if known.out is not None and not _is_apart(known.out, things):
            return None
        jobs = _jobs_at(known, things)
        if jobs is None:
            return None
    made = again_at(known, [id(x) for x in things], jobs)
    arrays = *things, *made
    for function, (x, y) in known.hands:
        function(arrays[x], arrays[y])
    if known.several:
        return tuple([None if k is None else arrays[k] for k in known.returns])
    return arrays[known.returns[0]]  # type: ignore[index]


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
    serial = driver()
    for (work, parallel, axes, pieces, image, grid, other, out, *second), job in zip(
        known.orders, jobs, strict=True
    ):
        if second:
            axes = places[second[0]]
        six = id(job), axes, places[image], places[grid], places[other], places[out]
        if parallel:
            run_on(work, parallel, six, pieces)
        else:
            serial(work, *six, pieces)


def _order(step: Step) -> tuple[Any, ...]:
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


def _are_apart(things: tuple[Any, ...]) -> bool:
    """Do no two arrays begin at one place? Of those none knows which a kernel has read."""
    starts = [address(x) for x in things if type(x) is Array]
    return len(set(starts)) == len(starts)


def _known(things: tuple[Any, ...], out: int | None, result: Any, steps: Any) -> Known | None:
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
    found = [_step(call, five, (*arrays, *constants)) for call, five in kernels]
    hands = [_hand(function, *three, arrays) for function, three in steps[len(kernels) :]]
    numbers = {id(x): len(things) + k for k, x in enumerate((*made, *between))}
    written = [*numbers.values(), *([] if out is None else [out])]
    if None in found or None in hands or not _are_written(written, found, hands):
        return None
    if constants and any(x.nbytes >= STREAM for x in made):
        return None  # of splines, beside whose time that of checks does not show
    paired = [(k, step) for k, step in enumerate(found) if step.second is not None]
    known = Known(
        tuple((_maker(x), x.shape, x.dtype) for x in (*made, *between)),
        tuple(found),
        tuple(call.records[0] for call, *_ in found),
        tuple(None if x is None else out if x is given else numbers[id(x)] for x in results),
        isinstance(result, tuple),
        out,
        tuple(_pair(k, step, things) for k, step in paired),
        out is None and not paired,
        constants,
        (*map(id, constants), id(NOTHING)),
        tuple(hand for hand, _ in hands),
    )
    known = known._replace(times=[0], orders=tuple(map(_order, known.steps)))
    return known._replace(whole=_whole(known, len(things)))


def _whole(known: Known, count: int) -> Callable[[Sequence[Any]], Any] | None:
    """What does a call of `count` arguments, if it makes all that it writes.

    What is looked up is bound to names, once. There may be more behind the arguments.
    """
    if known.out is not None:
        return None
    is_simple = len(known.steps) == len(known.makes) == 1 and not known.several and not known.hands
    if is_simple and count not in known.steps[0].arrays[:3]:
        return _whole_of_one(known, count)
    return None if known.pairs else _whole_of_some(known, count)


def _whole_of_one(known: Known, count: int) -> Callable[[Sequence[Any]], Array | None]:
    """The same where one kernel makes the one result: 4 us instead of 9.5 on Zen 1, of 8x8."""
    (work, parallel, axes, pieces, image, grid, other, _), job = known.orders[0], known.jobs[0]
    (make, shape, dtype), pair = known.makes[0], known.pairs[0] if known.pairs else None
    fixed = {count + 1 + k: id(x) for k, x in enumerate(known.constants)} | {-1: id(NOTHING)}
    image_at, grid_at, other_at = map(fixed.get, (image, grid, other))
    serial = driver()

    def whole(things: Sequence[Any]) -> Array | None:
        task = job if pair is None else _job_at(pair, things)
        if task is None:
            return None
        made = make(shape, dtype)
        read = image_at or id(things[image]), grid_at or id(things[grid])
        six = id(task), axes, *read, other_at or id(things[other]), id(made)
        if parallel:
            run_on(work, parallel, six, pieces)
        else:
            serial(work, *six, pieces)
        return made

    return whole


def _whole_of_some(known: Known, count: int) -> Callable[[Sequence[Any]], Any]:
    """The same of several kernels, or results."""
    orders = [(id(job), *order) for job, order in zip(known.jobs, known.orders, strict=True)]
    makes, hands, several, returns = known.makes, known.hands, known.several, known.returns
    fixed, serial = (*known.constants, NOTHING), driver()  # NOTHING is number -1

    def whole(things: Sequence[Any]) -> Any:
        made = [make(shape, dtype) for make, shape, dtype in makes]
        arrays = *things[:count], *made, *fixed
        for job, work, parallel, axes, pieces, image, grid, other, out, *second in orders:
            records = id(arrays[second[0]]) if second else axes
            five = records, id(arrays[image]), id(arrays[grid]), id(arrays[other]), id(arrays[out])
            if parallel:
                run_on(work, parallel, (job, *five), pieces)
            else:
                serial(work, job, *five, pieces)
        for function, (x, y) in hands:
            function(arrays[x], arrays[y])
        if several:
            return tuple([None if k is None else arrays[k] for k in returns])
        return arrays[returns[0]]

    return whole


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
    own = {id(x): x for x in map(_owner, written) if x.flags.c_contiguous and x.base is None}
    return [x for x in own.values() if not any(np.may_share_memory(x, other) for other in known)]


def _owner(x: Array) -> Array:
    """The array whose memory a view shows from the first byte on."""
    owner = x.base
    return owner if type(owner) is Array and address(owner) == address(x) else x


def _hand(function: Any, x: Any, out: Array, whole: bool, arrays: Any) -> tuple[Hand, bool] | None:
    """What was done by hand, and whether all of an array was written; None if to no one's."""
    of = {id(array): k for k, array in enumerate(arrays)}
    numbers = of.get(id(out if x is None else x)), of.get(id(out))
    return None if None in numbers else (Hand(function, numbers), whole)  # type: ignore[arg-type]


def _step(call: Call, five: tuple[Array, ...], arrays: tuple[Any, ...]) -> Step | None:
    """A kernel's call on what has a number, or None."""
    image, grid, *others = five
    second = None
    if pair := pair_of(grid):
        grid, second = pair[0], _number(pair[1], arrays)
        if second is None:
            return None
    numbers = [_number(x, arrays) for x in (image, grid, *others)]
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


def _are_written(numbers: list[int], steps: list[Any], hands: list[Any]) -> bool:
    """Are these what is written, each at first as a whole and by nothing that adds?"""
    first: dict[int, bool] = {}
    for call, arrays, _ in steps:
        if call.scratch and arrays[2] >= 0:
            first.setdefault(arrays[2], True)
        for k in arrays[3:]:
            first.setdefault(k, not call.adds)
    for hand, whole in hands:
        first.setdefault(hand.arrays[1], whole)
    return set(first) == set(numbers) and all(first.values())
