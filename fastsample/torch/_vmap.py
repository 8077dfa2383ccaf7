"""Rules for `torch.func.vmap`: what it follows is folded into N, or taken one by one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def batched(run: Callable[..., Any], kernel: Any) -> Callable[..., Any]:
    """The rule of an operator, or of a function of autograd, that `run` calls."""
    rule = _folded if kernel.family.has_batch else _one_by_one

    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
        count = kernel.count
        tensors = [
            t if t is None or d is None else t.movedim(d, 0)
            for t, d in zip(args[:count], in_dims[:count], strict=True)
        ]
        followed = [d is not None for d in in_dims[:count]]
        return rule(run, kernel, info.batch_size, tensors, followed, args[count:])

    return vmap


def _folded(
    run: Callable[..., Any],
    kernel: Any,
    size: int,
    tensors: list[Tensor | None],
    followed: list[bool],
    options: tuple[Any, ...],
) -> Any:
    """One call for all: the axis that is followed and N become one axis.

    What is not followed and has N = 1 stays shared, but not where each has a gradient of its own.
    """
    pairs = list(zip(tensors, followed, strict=True))
    batches = [None if t is None else t.shape[int(f)] for t, f in pairs]
    n = max((b for b in batches if b is not None and b != 1), default=1)
    shared = not kernel.masked
    folded = [
        t if t is None or (shared and not f and t.shape[0] == 1) else _fold(t, f, size, n)
        for t, f in pairs
    ]
    found = run(*folded, *options)
    if not kernel.masked:
        return found.reshape(size, n, *found.shape[1:]), 0
    results, dims = [], []
    found = found if isinstance(found, tuple) else (found,)
    for x, k, wanted in zip(found, kernel.results, options[-1], strict=True):
        if wanted and tensors[k] is not None:
            x = x.reshape(size, n, *x.shape[1:])
            x = x.sum(1, keepdim=True) if batches[k] == 1 and n != 1 else x
        results.append(x)
        dims.append(0 if wanted and tensors[k] is not None else None)
    return (tuple(results), tuple(dims)) if len(results) > 1 else (results[0], dims[0])


def _fold(tensor: Tensor, followed: bool, size: int, n: int) -> Tensor:
    """(size, 1 or N, ...), or (1 or N, ...), as (size * N, ...)."""
    rest = tensor.shape[1 + int(followed) :]
    whole = tensor if followed else tensor[None]
    return whole.expand(size, n, *rest).reshape(size * n, *rest)


def _one_by_one(
    run: Callable[..., Any],
    kernel: Any,
    size: int,
    tensors: list[Tensor | None],
    followed: list[bool],
    options: tuple[Any, ...],
) -> Any:
    """A call for each, where the weights of a layer may differ, too."""
    calls = [
        run(
            *(t[k] if t is not None and f else t for t, f in zip(tensors, followed, strict=True)),
            *options,
        )
        for k in range(size)
    ]
    if not kernel.masked:
        return torch.stack(calls), 0
    found = tuple(torch.stack(parts) for parts in zip(*calls, strict=True))
    return found, (0,) * len(found)
