"""Operators that PyTorch's dispatcher knows, made from the table of families.

`define` and `impl` cost 4 us a call less than `torch.library.custom_op`, and a graph of
`torch.compile` or `torch.export` holds them whole.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ._families import FAMILIES, Family
from ._vmap import batched

LIBRARY = torch.library.Library("fastsample", "DEF")


class Kernel:
    """What computes an operator: a function of the library, on the arrays that tensors are."""

    def __init__(
        self, family: Family, function: Callable[..., Any], names: tuple[str, ...], results: Any
    ) -> None:
        self.family, self.function, self.names = family, function, names
        self.count = len(names)
        self.options = tuple(name for name, _ in family.options)
        self.masked = results is not None  # an output_mask comes last, and several results
        self.results = results  # which arguments the results are like
        if self.masked:
            self.options = (*self.options, "output_mask")

    def __call__(self, *args: Any) -> Any:
        """Tensors, then options, in the order of the schema."""
        tensors, options = args[: self.count], plain(self.options, args[self.count :])
        brain = any(t is not None and t.dtype is torch.bfloat16 for t in tensors)
        seen = self._widened if brain else _arrays
        arrays = seen(self.names, tensors)
        try:
            if self.family.prepare is not None:
                self.family.prepare(arrays, options)
            found = self.function(**arrays, **options)
        except (TypeError, ValueError) as error:
            raise RuntimeError(str(error)) from None
        if not self.masked:
            return _as_tensor(found, tensors[0])
        likes = (tensors[k] for k in self.results)
        return one_or_more(_as_tensor(x, like) for x, like in zip(found, likes, strict=True))

    def _widened(self, names: tuple[str, ...], tensors: tuple[Tensor | None, ...]) -> Any:
        """Tensors as they are; coordinates of bfloat16, which the library has not, as float32."""
        where = self.family.coordinates
        found = {}
        for name, t in zip(names, tensors, strict=True):
            if t is not None:
                t = t.detach()
                t = t.float() if name.endswith(where) and t.dtype is torch.bfloat16 else t
            found[name] = t
        return found


def _arrays(names: tuple[str, ...], tensors: tuple[Tensor | None, ...]) -> Any:
    """Tensors' memory as arrays."""
    return {
        name: None if t is None else t.detach().numpy()
        for name, t in zip(names, tensors, strict=True)
    }


def _as_tensor(found: Any, like: Tensor | None) -> Tensor:
    """A result as a tensor of a type; nothing where it was not asked for."""
    if found is None:
        return torch.empty(0) if like is None else like.new_empty(0)
    made = found if isinstance(found, Tensor) else torch.from_numpy(found)
    return made if like is None or made.dtype is like.dtype else made.to(like.dtype)


def one_or_more(found: Iterable[Tensor]) -> Any:
    """An operator's results: a tuple of one is that one."""
    results = tuple(found)
    return results if len(results) > 1 else results[0]


def plain(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    """Options as the library takes them, from lists of an operator's."""
    found = dict(zip(names, values, strict=True))
    if "fill_value" in found and len(found["fill_value"]) == 1:
        found["fill_value"] = found["fill_value"][0]
    if "padding" in found:
        top, bottom, left, right = found["padding"]
        found["padding"] = (top, bottom), (left, right)
    return found


class Operators:
    """The operators of a family, and the kernels below them."""

    def __init__(self, family: Family) -> None:
        name, names = family.name, family.names
        grads = ("grad_output", *names)
        self.family, self.count = family, len(names)
        self.forward_kernel = Kernel(family, family.forward, names, None)
        results = tuple(range(1, len(grads)))
        self.backward_kernel = Kernel(family, family.backward, grads, results)
        self.forward = _registered(self.forward_kernel, name, family.tensors)
        self.backward = _registered(
            self.backward_kernel, f"{name}_backward", ("grad_output", *family.tensors)
        )
        self.double_backward = None
        if family.double_backward is not None:
            twice = tuple(f"grad_grad_{n}" for n in names)
            results = tuple(range(self.count, self.count + len(grads)))
            kernel = Kernel(family, family.double_backward, (*twice, *grads), results)
            self.double_backward_kernel = kernel
            self.double_backward = _registered(
                kernel,
                f"{name}_double_backward",
                (*(f"{n}?" for n in twice), *grads),
            )


def _registered(kernel: Kernel, name: str, tensors: tuple[str, ...]) -> Any:
    """Define an operator: its schema, its kernel, its shapes, its rule for `vmap`."""
    takes = [f"Tensor? {t[:-1]}" if t.endswith("?") else f"Tensor {t}" for t in tensors]
    takes += [f"{kind} {option}" for option, kind in kernel.family.options]
    gives = "Tensor"
    if kernel.masked:
        takes.append("bool[] output_mask")
        gives = f"({', '.join(['Tensor'] * len(kernel.results))})"
    LIBRARY.define(f"{name}({', '.join(takes)}) -> {gives}")
    LIBRARY.impl(name, kernel, "CPU")
    torch.library.register_fake(f"fastsample::{name}", _fake_of(kernel), lib=LIBRARY)
    operator = getattr(torch.ops.fastsample, name).default
    rule = batched(operator, kernel)
    torch.library.register_vmap(f"fastsample::{name}", rule, lib=LIBRARY)
    return operator


def _fake_of(kernel: Kernel) -> Callable[..., Any]:
    """The shapes of results, for whoever has no values."""

    def result(*args: Any) -> Tensor:
        made: Tensor = args[0].new_empty(kernel.family.shape(*args))
        return made

    def results(*args: Any) -> Any:
        pairs = zip((args[k] for k in kernel.results), args[-1], strict=True)
        return one_or_more(
            torch.empty(0) if like is None else like.new_empty(like.shape if wanted else 0)
            for like, wanted in pairs
        )

    return results if kernel.masked else result


OPERATORS = {name: Operators(family) for name, family in FAMILIES.items()}
