"""Operators that PyTorch's dispatcher knows, made from the table of families.

`define` and `impl` cost 4 us a call less than `torch.library.custom_op`, and a graph of
`torch.compile` or `torch.export` holds them whole.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .._calls.again import MOST, Calls, key_of
from .._calls.known import Known, again_at
from ._families import FAMILIES, Family
from ._vmap import batched

LIBRARY = torch.library.Library("fastsample", "DEF")


class Call(NamedTuple):
    """Options twice: in the order of an operator's schema, and as the library takes them."""

    ordered: tuple[Any, ...]
    named: dict[str, Any]
    known: dict[Any, Any]  # what calls with them do, by what tensors are told apart by


class Kernel:
    """What computes an operator: a function of the library, on the arrays that tensors are."""

    def __init__(
        self, family: Family, function: Callable[..., Any], count: int, results: Any
    ) -> None:
        self.family, self.function, self.count = family, function, count
        # Arrays of NumPy need not be looked at again: 6 us.
        inner = getattr(function, "__wrapped__", function)
        self.on_arrays = getattr(inner, "calls", inner)
        self.options = tuple(name for name, _ in family.options)
        self.masked = results is not None  # an output_mask comes last, and several results
        self.results = results  # which arguments the results are like
        if self.masked:
            self.options = (*self.options, "output_mask")

    def __call__(self, *args: Any) -> Any:
        """Tensors, then options, in the order of the schema."""
        return self.run(args[: self.count], plain(self.options, args[self.count :]))

    def again(self, tensors: Any, call: Call, mask: tuple[bool, ...] | None = None) -> Any:
        """`run`, but a call like one before goes to the kernels: half of the time of 8x8 pixels."""
        key = (mask, *[None if t is None else (t.shape, t.stride(), t.dtype) for t in tensors])
        known = call.known.get(key)
        if known:
            places = [-t.data_ptr() for t in tensors]
            if 0 not in places:  # else there is no memory
                return known(places)
        options = call.named if mask is None else {**call.named, "output_mask": mask}
        found = self.run(tensors, options)
        if known is None:
            if len(call.known) >= MOST:
                call.known.clear()
            call.known[key] = self.known(tensors, options)
        return found

    def known(self, tensors: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """What makes a call again that was made; False where numbers have a say in it."""
        calls, prepare = self.on_arrays, self.family.prepare
        if not isinstance(calls, Calls) or any(t is None or is_brain(t) for t in tensors):
            return False
        arrays = [t.detach().numpy() for t in tensors]
        if prepare is not None and prepare(arrays, options):
            return False
        known = calls.known.get(key_of(tuple(arrays), options))
        alone = known is not None and known.is_free and not known.hands  # kernels are all it does
        return _repeated(known, len(tensors), len(options)) if alone else False

    def run(self, tensors: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Tensors of the CPU, and options as the library has them."""
        arrays: list[Any] = []
        for t in tensors:
            if t is None:
                arrays.append(None)
            elif is_brain(t):
                return self.run_widened(tensors, options)
            else:
                arrays.append((t.detach() if t.requires_grad else t).numpy())
        found = self.found(self.on_arrays, arrays, options)
        if not self.masked:
            return torch.from_numpy(found)
        likes = [tensors[k] for k in self.results]
        pairs = zip(found, likes, strict=True)
        return one_or_more(nothing(t) if x is None else torch.from_numpy(x) for x, t in pairs)

    def run_widened(self, tensors: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Take tensors themselves, as the library does; coordinates of bfloat16 as float32."""
        arrays = [None if t is None else t.detach() for t in tensors]
        at = self.family.coordinate
        for k in (self.count - 1, at) if self.count > 3 and at is not None else (self.count - 1,):
            if at is not None and arrays[k] is not None and is_brain(arrays[k]):
                arrays[k] = arrays[k].float()
        found = self.found(self.function, arrays, options)
        if not self.masked:
            return found
        pairs = zip(found, (tensors[k] for k in self.results), strict=True)
        return one_or_more(nothing(t) if x is None else x.to(t.dtype) for x, t in pairs)

    def found(self, function: Callable[..., Any], arrays: list[Any], options: Any) -> Any:
        """What a function makes of arrays; its errors are PyTorch's."""
        try:
            if self.family.prepare is not None:
                self.family.prepare(arrays, options)
            return function(*arrays, **options)
        except (TypeError, ValueError) as error:
            raise RuntimeError(str(error)) from None


def _repeated(known: Known, tensors: int, options: int) -> Callable[[list[int]], Any]:
    """What makes a call of so many arguments again, on tensors that lie at some places."""
    jobs, no_places = known.jobs, [1] * options
    returns = [None if k is None else k - tensors - options for k in known.returns]
    from_numpy, only = torch.from_numpy, returns[0]

    def one(places: list[int]) -> Any:
        return from_numpy(again_at(known, places + no_places, jobs)[only])

    def some(places: list[int]) -> Any:
        made = again_at(known, places + no_places, jobs)
        return tuple([None if k is None else from_numpy(made[k]) for k in returns])

    return one if len(returns) == 1 else some


def is_brain(tensor: Tensor) -> bool:
    """Say whether it is of the type that NumPy has not."""
    return tensor.dtype is torch.bfloat16


def nothing(like: Tensor | None) -> Tensor:
    """What an operator gives where no gradient is asked for: operators give tensors alone."""
    return torch.empty(0) if like is None else like.new_empty(0)


def one_or_more(found: Iterable[Any]) -> Any:
    """An operator's results: a tuple of one is that one."""
    results = tuple(found)
    return results if len(results) > 1 else results[0]


def plain(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    """Options as the library takes them, from lists of an operator's."""
    found = dict(zip(names, values, strict=True))
    if "fill_value" in found and len(found["fill_value"]) == 1:
        (fill,) = found["fill_value"]
        found["fill_value"] = int(fill) if fill == 0 else fill  # as it is mostly written
    for name in ("size", "output_mask"):
        if name in found:
            found[name] = tuple(found[name])
    if "padding" in found:
        top, bottom, left, right = found["padding"]
        found["padding"] = (top, bottom), (left, right)
    return found


class Operators:
    """The operators of a family, and the kernels below them."""

    def __init__(self, family: Family) -> None:
        name, names, count = family.name, family.names, len(family.names)
        grads = ("grad_output", *names)
        self.family, self.count = family, count
        self.forward_kernel = Kernel(family, family.forward, count, None)
        results = tuple(range(1, count + 1))
        self.backward_kernel = Kernel(family, family.backward, count + 1, results)
        self.forward = _registered(self.forward_kernel, name, family.tensors)
        self.backward = _registered(
            self.backward_kernel, f"{name}_backward", ("grad_output", *family.tensors)
        )
        self.double_backward = None
        if family.double_backward is not None:
            twice = tuple(f"grad_grad_{n}" for n in names)
            results = tuple(range(count, 2 * count + 1))
            kernel = Kernel(family, family.double_backward, 2 * count + 1, results)
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
            like.new_empty(like.shape) if wanted and like is not None else nothing(like)
            for like, wanted in pairs
        )

    return results if kernel.masked else result


OPERATORS = {name: Operators(family) for name, family in FAMILIES.items()}
