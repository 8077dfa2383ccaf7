"""Arrays of any framework: read where they lie, through DLPack, and answered in kind.

Frameworks are never imported: whoever passes an array of one has imported it.
"""

import functools
import inspect
import sys
from collections import deque
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np

from .._kernels.vectors import brain
from . import carried, tensors
from .again import Calls, again

Function = TypeVar("Function", bound=Callable[..., Any])
READABLE = (1, 3, 11, 13)  # devices whose memory the CPU reads: its own, pinned and managed ones
AS_IT_IS = frozenset((np.ndarray, bool, int, float, str, type(None), FunctionType))
NESTS = (list, tuple, deque)
DEEPEST = 32  # levels of lists in lists; NumPy takes twice as many
WHY_UNTRACED = "fastsample reads an array's memory, which a trace does not have"


def takes_any_array(function: Function) -> Function:
    """Let a function take arrays that have `__dlpack__`; its results are of the first one's kind.

    The first argument but for None is the first array; `out`, given by its name, alone is written.
    """
    names = tuple(inspect.signature(function).parameters)
    calls = getattr(function, "calls", None)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "torch._dynamo" in sys.modules and sys.modules["torch"].compiler.is_dynamo_compiling():
            untraced = sys.modules["torch"].compiler.disable(call)
            return untraced(*args, **kwargs)
        key = None
        if calls is not None:
            said = (*args, *kwargs.values(), *kwargs, len(kwargs)) if kwargs else (*args, 0)
            known = calls.find(said)
            if known is not None:
                found = known.whole(said)
                if found is not None:
                    return found
            key = calls.key(args, kwargs)
            known = calls.known.get(key)
            if known is not None:
                found = again(known, args, kwargs)
                if found is not None:
                    calls.met(said, known)
                    return found
            if key is None and calls.tensors:
                found = _with_tensors(calls, args, kwargs)
                if found is not None:
                    return found
        for thing in (*args, *kwargs.values()) if kwargs else args:
            if type(thing) is np.ndarray:  # told apart here: a call costs more than the question
                known = thing.dtype.kind != "V"
            else:
                known = type(thing) in AS_IT_IS or _is_plain(thing)
            if not known:
                return through_numpy(calls or function, names, args, kwargs)
        return function(*args, **kwargs) if calls is None else calls.first(key, args, kwargs)

    # What torch.compiler.disable would set: a compiled function is left for the call.
    call._torchdynamo_disable = True  # type: ignore[attr-defined]
    call._torchdynamo_disable_msg = WHY_UNTRACED  # type: ignore[attr-defined]
    return cast(Function, call)


def _is_plain(thing: Any) -> bool:
    """A list or a tuple of numbers, words and NumPy's arrays, none of another library's type."""
    return (
        type(thing) in NESTS
        and AS_IT_IS.issuperset(map(type, thing))
        and not any(type(x) is np.ndarray and x.dtype.kind == "V" for x in thing)
    )


def is_foreign(thing: Any) -> bool:
    """Is it an array of another framework?"""
    return hasattr(type(thing), "__dlpack__") and not isinstance(thing, np.ndarray)


def through_numpy(
    function: Callable[..., Any],
    names: tuple[str, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Call with arrays of NumPy, and give back what came."""
    called = function.__name__
    given = (*args, *(kwargs.get(name) for name in names[len(args) :]))
    like, out = next((x for x in given if x is not None), None), kwargs.get("out")
    named = zip(names, args, strict=False)  # what is too much, the call itself refuses
    seen_args = *[converted(called, name, thing) for name, thing in named], *args[len(names) :]
    seen_kwargs = {name: converted(called, name, thing) for name, thing in kwargs.items()}
    result = function(*seen_args, **seen_kwargs)
    if isinstance(function, Calls) and tensors.is_tensor(like):
        known = function.known.get(function.key(seen_args, seen_kwargs))
        is_free = known and known.is_free and not known.hands and not function.values
        key = tensors.key_of(args, kwargs) if is_free else None
        if known and key:
            function.tensors[key] = known
    if out is not None:
        if tensors.is_tensor(out):
            tensors.was_written(out)
        return out
    if isinstance(result, tuple):
        return tuple(in_kind(called, array, like) for array in result)
    return in_kind(called, result, like)


def _with_tensors(calls: Calls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a call with PyTorch's tensors, if one like it was made before."""
    known = calls.tensors.get(tensors.key_of(args, kwargs))
    return None if known is None else tensors.again_with(known, (*args, *kwargs.values()))


def converted(function: str, name: str, thing: Any, depth: int = 0) -> Any:
    """A framework's array as NumPy's, lists of them too; anything else as it is."""
    if isinstance(thing, np.ndarray):
        carried.refuse_subclass(function, name, thing, name)
        return brain.seen(thing)
    if type(thing) in AS_IT_IS:
        return thing
    if tensors.is_tensor(thing):
        return tensors.seen(function, name, thing)
    if is_foreign(thing):
        return seen(function, name, thing)
    if isinstance(thing, NESTS) and depth < DEEPEST and not _is_plain(thing):
        return _parts(function, name, thing, depth)
    if depth and hasattr(type(thing), "__array__") and not isinstance(thing, np.generic):
        return carried.array(function, name, thing)
    return thing


def _parts(function: str, name: str, things: Iterable[Any], depth: int) -> Any:
    """A list or a tuple with each part converted."""
    parts = [converted(function, f"{name}[{k}]", x, depth + 1) for k, x in enumerate(things)]
    return tuple(parts) if isinstance(things, tuple) else parts


def seen(function: str, name: str, thing: Any) -> np.ndarray:
    """A framework's array as NumPy's: the same memory."""
    carried.refuse_gradient(function, name, thing)
    try:
        device = thing.__dlpack_device__()[0]
    except Exception as error:
        carried.unreadable(function, name, thing, error)
    if device not in READABLE:
        where = carried.asked(thing, "device", "another device")
        raise TypeError(
            f"{function}: {name} must be on the CPU; got {carried.kind(thing)} on {where}: "
            "copy it there first"
        )
    try:
        return _exported(thing, name == "out")
    except Exception as error:
        carried.unreadable(function, name, thing, error)


def _exported(thing: Any, is_written: bool) -> np.ndarray:
    """The memory itself; a framework that knows copies is told to make none for what is written."""
    if is_written:
        try:
            return np.from_dlpack(thing, copy=False)
        except TypeError:  # it is older than copies
            pass
    return np.from_dlpack(thing)


def in_kind(function: str, result: Any, like: Any) -> Any:
    """A result as an array of the framework that `like` is of; as it is, if that takes none."""
    if not isinstance(result, np.ndarray):
        return result
    while result.dtype == brain.DTYPE and isinstance(like, NESTS):
        like = like[0]  # which says how the type is called
    if isinstance(like, np.ndarray):
        return brain.given_back(result, like.dtype)
    if not is_foreign(like):
        return result
    try:
        if tensors.is_tensor(like):
            return tensors.made(result)
        take = getattr(_framework(like), "from_dlpack", None)
        return result if take is None else take(result)
    except Exception as error:
        raise TypeError(
            f"{function}: the result must be of a type that {carried.kind(like)} has; got "
            f"{result.dtype} ({error}): pass arrays of NumPy"
        ) from None


def _framework(like: Any) -> Any:
    """The module that makes arrays of this kind."""
    if hasattr(like, "__array_namespace__"):
        return like.__array_namespace__()
    return sys.modules.get(type(like).__module__.partition(".")[0])
