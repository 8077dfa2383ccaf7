"""Arrays of any framework: read through DLPack, and answered in kind. Nothing is copied.

Frameworks are never imported: whoever passes an array of one has imported it.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])
READABLE = (1, 3, 11, 13)  # devices whose memory the CPU reads: its own, pinned and managed ones


def takes_any_array(function: Function) -> Function:
    """Let a function take arrays that have `__dlpack__`; its results are of the first one's kind.

    The first argument is the first array, and `out` is the only one that is written.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for thing in (*args, *kwargs.values()) if kwargs else args:
            if type(thing) is not np.ndarray and is_foreign(thing):
                return through_numpy(function, signature.bind(*args, **kwargs))
        return function(*args, **kwargs)

    return cast(Function, call)


def is_foreign(thing: Any) -> bool:
    """Is it an array of another framework?"""
    return hasattr(type(thing), "__dlpack__") and not isinstance(thing, np.ndarray)


def through_numpy(function: Callable[..., Any], bound: inspect.BoundArguments) -> Any:
    """Call with arrays of NumPy, and give back what came."""
    given = dict(bound.arguments)
    like, out = next(iter(given.values())), given.get("out")
    for name, thing in given.items():
        if is_foreign(thing):
            bound.arguments[name] = seen(function.__name__, name, thing)
    result = function(*bound.args, **bound.kwargs)
    if out is not None:
        return out
    if not is_foreign(like):
        return result
    if isinstance(result, tuple):
        return tuple(in_kind(array, like) for array in result)
    return in_kind(result, like)


def seen(function: str, name: str, thing: Any) -> np.ndarray:
    """A framework's array as NumPy's: the same memory."""
    kind = f"{type(thing).__module__}.{type(thing).__name__}"
    if not is_readable(thing):
        where = getattr(thing, "device", "another device")
        raise TypeError(
            f"{function}: {name} must be on the CPU; got {kind} on {where}: copy it there first"
        )
    if getattr(thing, "requires_grad", False):
        raise TypeError(
            f"{function}: {name} must not require a gradient, which would be lost; got {kind} that "
            f"does: pass {name}.detach(), and take gradients from fastsample.vjp"
        )
    try:
        return np.from_dlpack(thing)
    except (BufferError, TypeError, ValueError, RuntimeError) as error:
        held = getattr(thing, "dtype", "an unknown type")
        raise TypeError(
            f"{function}: {name} must be an array that NumPy can read; got {kind} of {held} "
            f"({error}): convert it to float32, say"
        ) from None


def is_readable(thing: Any) -> bool:
    """Does it lie where the CPU can read?"""
    try:
        return bool(thing.__dlpack_device__()[0] in READABLE)
    except (BufferError, RuntimeError, ValueError):  # a device that DLPack does not know
        return False


def in_kind(result: Any, like: Any) -> Any:
    """A result as an array of the framework that `like` is of; as it is, if that takes none."""
    if hasattr(like, "__array_namespace__"):
        framework = like.__array_namespace__()
    else:
        framework = sys.modules.get(type(like).__module__.partition(".")[0])
    take = getattr(framework, "from_dlpack", None)
    return result if take is None or not isinstance(result, np.ndarray) else take(result)
