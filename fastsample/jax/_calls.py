"""What one call computes, and which arrays it takes.

Every call is a derivative of one number, the product <out, f> of a function's result f with an
array `out` of its shape. That number is linear in `out`, in the arrays in which f is linear, and in
each direction along which f was differentiated; it is not in the coordinates. A call has all of
them but one, its hole, and computes the gradient for the hole: f itself where `out` is missing, the
gradient of the input where `input` is.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from .._affine import affine_grid, affine_sample
from .._deform import deform_conv2d
from .._grid import grid_sample
from .._perspective import perspective_sample
from .._points import point_sample
from .._warp import flow_warp

OUT = "out"
BOTH = "both"  # a hole that two arrays fill: the gradients of `paired`
ALONG = "along"  # what a direction is called, with its number


class Function(NamedTuple):
    """A public function, as far as derivatives ask."""

    public: Callable[..., Any]
    linear: tuple[str, ...]  # the arrays in which it is linear
    points: str | None  # the one in which it is not
    counts: bool = False  # does its size begin with N?


FUNCTIONS = {
    "grid_sample": Function(grid_sample, ("input",), "grid"),
    "affine_grid": Function(affine_grid, ("theta",), None, counts=True),
    "affine_sample": Function(affine_sample, ("input",), "theta"),
    "perspective_sample": Function(perspective_sample, ("input",), "homography"),
    "point_sample": Function(point_sample, ("input",), "points"),
    "flow_warp": Function(flow_warp, ("input",), "flow"),
    "deform_conv2d": Function(deform_conv2d, ("input", "weight", "mask"), "offset"),
}


class Call(NamedTuple):
    """What to compute; XLA keeps it with a compiled program, as text."""

    function: str
    arrays: tuple[str, ...]  # those that were given, in the function's own order
    options: tuple[tuple[str, Any], ...]
    order: int = 0  # how many directions there are
    hole: str = OUT
    axes: int = 0  # in front of all arrays: vmap's

    @property
    def about(self) -> Function:
        """The function's row of the table."""
        return FUNCTIONS[self.function]

    @property
    def operands(self) -> tuple[str, ...]:
        """What the call takes, in order."""
        return _operands(self)

    @property
    def paired(self) -> tuple[str, str] | None:
        """The two arrays whose gradients one kernel finds, of a function that has it."""
        linear, points = self.about.linear, self.about.points
        known = self.order == self.axes == 0 and self.hole in (OUT, BOTH)
        return (linear[0], points) if known and points and len(linear) == 1 else None

    @property
    def text(self) -> str:
        """The call as text."""
        return json.dumps(self)

    def homogeneous(self) -> "Call":
        """The same where nothing is added to what is linear in the input."""
        kept = tuple((name, 0 if name == "fill_value" else x) for name, x in self.options)
        return self._replace(options=kept)

    def along(self) -> tuple["Call", str]:
        """The derivative along one more direction, and what that is called."""
        return self._replace(order=self.order + 1), f"{ALONG}{self.order}"


def of_text(text: str) -> Call:
    """The call that a text describes."""
    function, arrays, options, *rest = json.loads(text)
    return Call(function, tuple(arrays), _frozen(options), *rest)


def _frozen(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@lru_cache(maxsize=1024)
def _operands(call: Call) -> tuple[str, ...]:
    directions = (f"{ALONG}{k}" for k in range(call.order))
    return tuple(n for n in (OUT, *call.arrays, *directions) if n != call.hole)
