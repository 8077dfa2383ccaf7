"""Which public function has which backward: each registers where it is defined."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Function = Callable[..., Any]
Own = TypeVar("Own", bound=Function)  # what is decorated keeps its type


class Backward(NamedTuple):
    """How to go back through a function."""

    function: Function
    arrays: tuple[str, ...]  # the arguments that have a gradient, in the order of the gradients
    takes: tuple[str, ...]  # the forward's arguments that it takes


BACKWARDS: dict[Function, Backward] = {}


def has_backward(forward: Function, *arrays: str) -> Callable[[Own], Own]:
    """Register the decorated function, whose first argument is the result's gradient."""

    def register(backward: Own) -> Own:
        asked = inspect.signature(backward).parameters
        known = inspect.signature(forward).parameters
        takes = tuple(name for name in known if name in asked)
        BACKWARDS[forward] = Backward(backward, arrays, takes)
        return backward

    return register
