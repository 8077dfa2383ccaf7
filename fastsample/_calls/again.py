"""Calls like one that was made before, made again without its checks and preparations.

What a function of this package does with arrays of some shapes, strides and types, and some
options, is nearly always to make its results' memory and to run kernels on that and on its
arguments'. So the first such call is watched: which kernels ran, on whose memory. The next ones run
the same kernels on theirs: a third of the time of a call on 8x8 pixels, a ninth with channels last.
What NumPy does to a result, such as filling its border, is watched too (`by_hand`). A call
that did anything else (a copy between, a result that no kernel wrote) is never made again in this
way.
"""

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from .._kernels.compiler.flat import address
from .._kernels.drive import INTERPRETED
from .._kernels.recall import Memory, is_usable
from .known import Array, Known, again_at, jobs_at
from .schedule import Call
from .watched import found_in

Function = TypeVar("Function", bound=Callable[..., Any])
MOST = 512  # calls kept of a function, as of the other caches
HELD = 2**25  # bytes of tables kept of a function's calls
FIRST = 8  # calls found by a key before one of these is remembered, a power of two
WORDS = frozenset((str, bool, int, type(None)))
NUMBERS = frozenset((bool, int, float))
LASTING = WORDS | {float, type}
INTS = frozenset((int,))
LONGEST = 16  # numbers of a list that is told apart by them


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
        self.held = 0  # bytes of tables
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
        self.held, self.memory, self.find = 0, None, _nothing

    def met(self, things: tuple[Any, ...], known: Known) -> None:
        """Remember what `find` is asked for, after 8, 16, 32 ... calls that were found by a key.

        To write a call down takes as long as some calls, and few can be remembered at a time; and a
        script of a few calls does without `recall`, whose first compilation takes 0.3 s.
        """
        if known.whole is None or known.times is None or self.values:
            return
        if not is_due(known.times):
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
            given = [k for k, name in enumerate(kwargs) if name in ("out", "output")]
            out = next((len(args) + k for k in given if type(things[len(args) + k]) is Array), None)
            self._keep(key, found_in(things, out, result, steps))
        return result

    def _keep(self, key: Any, known: Known | None) -> None:
        """Remember what a call does, if need be instead of all the others."""
        steps = () if known is None else known.steps
        held = sum(x.nbytes for step in steps for x in step.call.records)
        if len(self.known) >= MOST or self.held + held > HELD:
            self.forget()
        self.known[key] = known
        self.held += held


def is_due(times: list[int]) -> bool:
    """Count a call found by a key: is it the 8th, 16th, 32nd ...?"""
    times[0] += 1
    return times[0] >= FIRST and not times[0] & (times[0] - 1)


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


def again(known: Known, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do what a call does, with other arrays of NumPy; None where it may not be done with these."""
    things = (*args, *kwargs.values()) if kwargs else args
    if known.whole is not None:
        return known.whole(things)
    jobs: Sequence[Array] | None = known.jobs
    if not known.is_free:
        if known.out is not None and not _is_apart(known.out, things):
            return None
        jobs = jobs_at(known, things)
        if jobs is None:
            return None
    made = again_at(known, [id(x) for x in things], jobs)
    arrays = *things, *made
    for function, (x, y) in known.hands:
        function(arrays[x], arrays[y])
    if known.several:
        return tuple([None if k is None else arrays[k] for k in known.returns])
    return arrays[known.returns[0]]  # type: ignore[index]


def _are_apart(things: tuple[Any, ...]) -> bool:
    """Do no two arrays begin at one place? Of those none knows which a kernel has read."""
    starts = [address(x) for x in things if type(x) is Array]
    return len(set(starts)) == len(starts)
