"""vjp: a function's result, and the way back from a gradient of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from ._calls.registry import BACKWARDS

P = ParamSpec("P")
Result = TypeVar("Result")
Gradient = TypeVar("Gradient", contravariant=True)


class Pullback(Protocol[Gradient]):
    """From a gradient of the result to those of the arguments."""

    def __call__(self, grad_result: Gradient, **options: Any) -> tuple[Any, ...]: ...


def vjp(
    function: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
) -> tuple[Result, Pullback[Result]]:
    """Call a function, and return its result with the function that takes gradients back.

    For pipelines without automatic differentiation: what JAX calls a vector-Jacobian product.

    Parameters
    ----------
    function : callable
        A function of this package that has a backward: `grid_sample`, `affine_grid`,
        `affine_sample`, `perspective_sample`, `elastic_sample`, `point_sample`, `flow_warp`,
        `region_shift`, `patch_affine`, `deform_conv2d`.
    *args, **kwargs
        Its arguments. `out` is not among them.

    Returns
    -------
    result : ndarray
        ``function(*args, **kwargs)``.
    pullback : callable
        ``pullback(grad_result)`` is a tuple with the gradient of each array argument, in their
        order. Options of the backward may follow: ``pullback(grad_result, output_mask=(False,
        True))`` computes the second gradient only, and gives None for the first.

    Raises
    ------
    TypeError
        The function has no backward here, or `out` is given.

    See Also
    --------
    grid_sample_backward : An example of what a pullback calls.

    Notes
    -----
    The pullback keeps the arguments themselves, not copies: arrays must not change before it is
    called.

    References
    ----------
    JAX, `jax.vjp`.

    Convention
    ----------
    Each gradient has the shape, type and axis order of the argument that it belongs to.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> row = np.array([[[0.0, 10.0, 40.0]]])
    >>> where = np.array([[[0.5], [1.5]]])
    >>> result, pullback = fs.vjp(fs.grid_sample, row, where, coordinates="pixel")
    >>> result
    array([[[ 5., 25.]]])
    >>> pullback(np.ones_like(result))
    (array([[[0.5, 1. , 0.5]]]), array([[[10.],
            [30.]]]))
    """
    if not any(function is known for known in BACKWARDS):  # which may have no hash
        known = ", ".join(sorted(f.__name__ for f in BACKWARDS))
        came = getattr(function, "__name__", repr(function))
        raise TypeError(f"vjp: function must be one of {known}; got {came}")
    try:
        arguments = inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"vjp: the arguments must be {function.__name__}'s; got {error}") from None
    if arguments.get("out") is not None:
        raise TypeError("vjp: out must not be given; got an array")
    backward = BACKWARDS[function]
    kept = {name: arguments[name] for name in backward.takes if name in arguments}

    def pullback(grad_result: Any, **options: Any) -> tuple[Any, ...]:
        found = backward.function(grad_result, **kept, **options)
        return found if isinstance(found, tuple) else (found,)

    return function(*args, **kwargs), pullback
