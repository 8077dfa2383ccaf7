"""replace: PyTorch's own functions answered by these."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F

from . import _functions

_lock = threading.Lock()
_entered = 0
_originals: dict[str, Callable[..., Any]] = {}


@contextlib.contextmanager
def replace() -> Iterator[None]:
    """Put `grid_sample` and `affine_grid` in the place of those of `torch.nn.functional`.

    Within the ``with`` block, all code that looks them up there, libraries included, gets these for
    tensors on the CPU, and PyTorch's own for others. As a decorator it applies to each call.

    Yields
    ------
    None
        PyTorch's functions are restored when the block ends, even with an exception.

    Notes
    -----
    It applies to the whole process, other threads included. Blocks may be nested, and entered by
    several threads; the last one to end restores PyTorch's functions. What was imported by name
    before (``from torch.nn.functional import grid_sample``) stays PyTorch's, and so does what
    `torch.jit.script` compiles.

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.grid_sample` and `affine_grid`.

    Convention
    ----------
    Arguments and results are those of `torch.nn.functional`.

    Examples
    --------
    >>> import torch
    >>> import fastsample.torch as fst
    >>> row = torch.tensor([[[[0.0, 10.0, 20.0, 30.0]]]])
    >>> with fst.replace():
    ...     torch.nn.functional.grid_sample(row, torch.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[15.]]]])
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    """Replace, if nobody has."""
    global _entered
    with _lock:
        if _entered == 0:
            for name, ours in (
                ("grid_sample", _functions.grid_sample),
                ("affine_grid", _functions.affine_grid),
            ):
                _originals[name] = getattr(F, name)
                setattr(F, name, _in_place_of(_originals[name], ours))
        _entered += 1


def _leave() -> None:
    """Bring PyTorch's back, if nobody else is within."""
    global _entered
    with _lock:
        _entered -= 1
        if _entered == 0:
            for name, theirs in _originals.items():
                setattr(F, name, theirs)
            _originals.clear()


def _in_place_of(theirs: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """A function that asks where its tensors are."""

    @functools.wraps(theirs)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor)]
        here = given and all(x.device.type in ("cpu", "meta") for x in given)
        return (ours if here else theirs)(*args, **kwargs)

    call.__prepare_scriptable__ = lambda: theirs  # type: ignore[attr-defined]
    return call
