"""Operators that PyTorch's dispatcher knows, made from the table of families.

`define` and `impl` cost 4 us a call less than `torch.library.custom_op`, and a graph of
`torch.compile` or `torch.export` holds them whole.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .._calls.again import MOST, Calls, is_due, key_of
from .._calls.known import Known, whole_of, without
from .._calls.tensors import NoMemoryError, likeness_of, place_of
from ._families import FAMILIES, Family
from ._vmap import batched

LIBRARY = torch.library.Library("fastsample", "DEF")
in_mode = torch._C._len_torch_dispatch_stack
LAST = 4  # calls of the same options that are found without a key


class Repeated(NamedTuple):
    """What makes a call again that was made, on other tensors."""

    run: Callable[[tuple[Any, ...]], Any]
    times: list[int]  # how often it was found by a key


class Last(NamedTuple):
    """A call made of late, found without a key, in a quarter of the time."""

    are_like: Callable[..., bool]  # are tensors like its, to the layout?
    run: Callable[[tuple[Any, ...]], Any]
    has_gradients: bool  # does one of its tensors require a gradient?


class Call(NamedTuple):
    """Options twice: in the order of an operator's schema, and as the library takes them."""

    ordered: tuple[Any, ...]
    named: dict[str, Any]
    known: dict[Any, Repeated | None]  # what calls do, by what tensors are told apart by
    last: dict[Any, tuple[Last, ...]]  # by which gradients are asked for; of a result, None

    def like(self, tensors: tuple[Any, ...], mask: tuple[bool, ...] | None = None) -> Last | None:
        """A late call with tensors like these, which are plain then, and followed by nobody.

        Transformations, tracing and autocast change this thread's layers, which tests see; tangents
        and modes need not.
        """
        if forward_ad._current_level < 0 and not in_mode():
            for last in self.last.get(mask, ()):
                if last.are_like(*tensors):
                    return last
        return None

    def remember(self, mask: tuple[bool, ...] | None, tensors: Any, known: Repeated) -> None:
        """Let `like` find a call, in the place of the one remembered longest ago."""
        are_like = likeness_of(torch, tensors, to_the_layout=True)
        if are_like is not None:
            last = Last(are_like, known.run, any(t.requires_grad for t in tensors))
            self.last[mask] = (last, *self.last.get(mask, ()))[:LAST]


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

    def run_of(self, tensors: Any, call: Call, mask: tuple[bool, ...] | None = None) -> Any:
        """What computes a call of tensors: kernels alone, if there was one like it before."""
        key = (mask, *[None if t is None else (t.shape, t.stride(), t.dtype) for t in tensors])
        known = call.known.get(key)
        if known is None:
            return partial(self.first, key, call)
        if is_due(known.times):
            call.remember(mask, tensors, known)
        return known.run

    def first(self, key: Any, call: Call, tensors: tuple[Any, ...]) -> Any:
        """`run`, and see whether the next such call may do without."""
        mask = key[0]
        options = call.named if mask is None else {**call.named, "output_mask": mask}
        found = self.run(tensors, options)
        if key not in call.known:
            if len(call.known) >= MOST:
                call.known.clear()
            call.known[key] = self.repeated(tensors, options)
        return found

    def repeated(self, tensors: tuple[Any, ...], options: dict[str, Any]) -> Repeated | None:
        """What makes a call again that was made; None where numbers have a say in it."""
        calls, prepare = self.on_arrays, self.family.prepare
        if not isinstance(calls, Calls) or any(t is None or is_brain(t) for t in tensors):
            return None
        arrays = [t.detach().numpy() for t in tensors]
        if prepare is not None and prepare(arrays, options):
            return None
        known = calls.known.get(key_of(tuple(arrays), options))
        if known is None or not known.is_free or known.hands:  # more than kernels
            return None
        return Repeated(self.on_tensors(known, len(tensors), options), [0])

    def on_tensors(self, known: Known, count: int, options: dict[str, Any]) -> Any:
        """What makes a call again, on so many tensors."""
        whole = whole_of(without(known, count, len(options)), count, place_of)
        assert whole is not None
        from_numpy, run = torch.from_numpy, self.run
        to_tensor = _tensor_or_none if None in known.returns else from_numpy

        def one(tensors: tuple[Any, ...]) -> Any:
            try:
                return from_numpy(whole(tensors))
            except NoMemoryError:
                return run(tensors, options)

        def some(tensors: tuple[Any, ...]) -> Any:
            try:
                return tuple(map(to_tensor, whole(tensors)))
            except NoMemoryError:
                return run(tensors, options)

        return some if known.several else one

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


def _tensor_or_none(x: Any) -> Tensor | None:
    """An array's tensor, if there is an array."""
    return None if x is None else torch.from_numpy(x)


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
