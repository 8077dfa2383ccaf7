"""The operators' place in autograd: gradients, gradients of those, tangents of forward mode."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.autograd import Function

from .._calls import tensors
from ._operators import Call, Last, Operators, plain
from ._vmap import batched

# Where tensors are plain, their memory is all there is to know, and the dispatcher, 20 us of 90, is
# not asked.
is_plain = tensors.test_of_plain(torch)


class Differentiable:
    """A function of tensors and options, known to autograd."""

    def __init__(self, operators: Operators) -> None:
        self.operators, self.kernel = operators, operators.forward_kernel
        self.names = self.kernel.options
        self.ways = ways_of(operators)

    def call_of(self, *options: Any) -> Call:
        """Options that are checked, for many calls."""
        return Call(options, plain(self.names, options), {}, {})

    def __call__(self, given: tuple[Any, ...], call: Call) -> Any:
        """Find the result, in the quickest way there is; `given` are tensors that `is_plain`."""
        run = self.kernel.run_of(given, call)
        if torch.is_grad_enabled():
            for t in given:
                if t is not None and t.requires_grad:
                    return self.ways.eager(*given, call, run)
        return run(given)

    def like(self, last: Last, given: tuple[Any, ...], call: Call) -> Any:
        """Find the result as that of the last call that was like this one."""
        if last.has_gradients and torch.is_grad_enabled():
            return self.ways.eager(*given, call, last.run)
        return last.run(given)

    def followed(self, given: tuple[Any, ...], options: tuple[Any, ...]) -> Any:
        """Find the result of any tensors, in any company."""
        way = self.ways.traced if torch.compiler.is_compiling() else self.ways.followed
        return way(*given, *options)


class Ways(NamedTuple):
    """A function of autograd, three times."""

    eager: Callable[..., Any]  # where only autograd follows tensors: 30 us less of the dispatcher
    traced: Callable[..., Any]  # for torch.compile, which takes no rules of our own
    followed: Callable[..., Any]  # for all that torch.func does, and for tangents


def ways_of(operators: Operators) -> Ways:
    """Make them."""
    count, kernel = operators.count, operators.forward_kernel
    backward = backward_of(operators, lambda *args: Followed.apply(*args))
    traced = function_of(count, operators.forward, operators.backward)

    class Followed(function_of(count, operators.forward, backward)):  # type: ignore[misc]
        @staticmethod
        def forward(*args: Any) -> Any:
            return operators.forward(*args)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            keep(ctx, inputs, count)
            ctx.save_for_forward(*inputs[:count])

        vmap = staticmethod(batched(lambda *args: Followed.apply(*args), kernel))

    if tangent := tangent_of(operators, backward, Followed.apply):
        Followed.jvp = staticmethod(tangent)
    return Ways(eager_of(operators, backward), traced.apply, Followed.apply)


def eager_of(operators: Operators, backward: Callable[..., Any]) -> Callable[..., Any]:
    """Make the quick function: kernels without the dispatcher, options that are ready."""
    count, back = operators.count, operators.backward_kernel

    class Eager(Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Any:
            given, (ctx.call, run) = args[:count], args[count:]
            ctx.save_for_backward(*given)
            ctx.set_materialize_grads(False)
            return run(given)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            if gradient is None:
                return (None,) * (count + 2)
            mask = ctx.needs_input_grad[:count]
            given, call = (gradient, *ctx.saved_tensors), ctx.call
            if not torch.is_grad_enabled():
                if last := call.like(given, mask):
                    return *last.run(given), None, None
                if is_plain(given):
                    return *chosen(back.run_of(given, call, mask)(given), mask), None, None
            return *chosen(backward(*given, *call.ordered, list(mask)), mask), None, None

    # Without what `Function.apply` does for torch.func, which is not at work: 8 us.
    return super(Function, Eager).apply


def function_of(
    count: int, result: Callable[..., Any], gradients: Callable[..., Any]
) -> type[Function]:
    """Make a function of autograd of so many tensors, from what makes its result and gradients."""

    class Sampled(Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Any:
            keep(ctx, args, count)
            return result(*args)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            nothing = [None] * len(ctx.options)
            if gradient is None:
                return *[None] * count, *nothing
            mask = list(ctx.needs_input_grad[:count])
            found = gradients(gradient, *ctx.saved_tensors, *ctx.options, mask)
            return *chosen(found, mask), *nothing

    return Sampled


def keep(ctx: Any, inputs: tuple[Any, ...], count: int) -> None:
    """Remember tensors and options for the way back; what has no gradient comes as None."""
    ctx.save_for_backward(*inputs[:count])
    ctx.options = inputs[count:]
    ctx.set_materialize_grads(False)


def several(found: Any) -> tuple[Any, ...]:
    """Results as a tuple: an operator that has one gives no tuple."""
    return found if isinstance(found, tuple) else (found,)


def chosen(found: Any, mask: Sequence[bool]) -> list[Any]:
    """Results that were asked for, None for the others."""
    return [x if wanted else None for x, wanted in zip(several(found), mask, strict=True)]


def backward_of(operators: Operators, forward: Callable[..., Any]) -> Callable[..., Any]:
    """Make the way back, itself with gradients where somebody may ask for them."""
    again = twice_of(operators, forward)

    def backward(*args: Any) -> Any:
        known = torch.is_grad_enabled() or has_tangents()
        return again(*args) if known else operators.backward(*args)

    return backward


def has_tangents() -> bool:
    """Say whether derivatives of forward mode may ride on tensors."""
    return bool(torch.autograd.forward_ad._current_level >= 0)


def twice_of(operators: Operators, forward: Callable[..., Any]) -> Callable[..., Any]:
    """Make the function of autograd that the way back is."""
    count = operators.count + 1
    last = last_of(operators, forward)

    class Backward(Function):
        @staticmethod
        def forward(*args: Any) -> Any:
            return operators.backward(*args)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            keep(ctx, inputs, count)
            ctx.save_for_forward(*inputs[:count])

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            mask, (*options, asked) = list(ctx.needs_input_grad[:count]), ctx.options
            found = last(*chosen(gradients, asked), *ctx.saved_tensors, *options, mask)
            return *chosen(found, mask), *[None] * len(ctx.options)

    if tangents := tangents_of(operators, last, lambda *args: Backward.apply(*args)):
        Backward.jvp = staticmethod(tangents)  # type: ignore[method-assign]
    rule = batched(Backward.apply, operators.backward_kernel)
    Backward.vmap = staticmethod(rule)  # type: ignore[method-assign]
    return Backward.apply


def last_of(operators: Operators, forward: Callable[..., Any]) -> Callable[..., Any]:
    """Make second derivatives, or an error where there are none."""
    name, operator = operators.family.name, operators.double_backward

    def of_linear(along: Any, gradient: Any, tensor: Any, *rest: Any) -> Any:
        return None if along is None else forward(along, *rest[:-1]), None

    def none(*args: Any) -> Any:
        raise RuntimeError(f"{name}: second derivatives must not be asked for; there are none")

    if operators.family.is_linear:
        return of_linear
    if operator is None:
        return none

    class DoubleBackward(Function):
        @staticmethod
        def forward(*args: Any) -> Any:
            return operator(*args)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            """Keep nothing: the way ends here."""

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            raise RuntimeError(f"{name}: third derivatives must not be asked for; there are none")

    rule = batched(DoubleBackward.apply, operators.double_backward_kernel)
    DoubleBackward.vmap = staticmethod(rule)  # type: ignore[method-assign]
    return DoubleBackward.apply


def tangent_of(
    operators: Operators, backward: Callable[..., Any], forward: Callable[..., Any]
) -> Callable[..., Any] | None:
    """How a result moves with its tensors: what the double backward gives grad_output."""
    count, last = operators.count, last_of(operators, forward)
    if operators.family.is_linear:
        return lambda ctx, along, *rest: forward(along, *ctx.options)
    if operators.double_backward is None:
        return None

    class Tangent(Function):
        @staticmethod
        def forward(*args: Any) -> Any:
            given, options = args[count : 2 * count], args[2 * count :]
            shape = operators.family.shape(*given, *options)
            nothing = given[0].new_zeros(()).expand(shape)
            mask = [True, *[False] * count]
            return operators.double_backward(*args[:count], nothing, *given, *options, mask)[0]

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            keep(ctx, inputs, 2 * count)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            saved, needed = ctx.saved_tensors, list(ctx.needs_input_grad)
            along, given, options = saved[:count], saved[count:], ctx.options
            first = backward(gradient, *given, *options, needed[:count])
            mask = [False, *needed[count : 2 * count]]
            second = last(*along, gradient, *given, *options, mask)[1:]
            mask = needed[: 2 * count]
            return *chosen((*several(first), *second), mask), *[None] * len(options)

    Tangent.vmap = staticmethod(  # type: ignore[method-assign]
        batched(Tangent.apply, Pairs(operators))
    )

    def tangent(ctx: Any, *along: Any) -> Any:
        return Tangent.apply(*along[:count], *ctx.saved_tensors, *ctx.options)

    return tangent


class Pairs:
    """What a rule of `vmap` has to know of tangents: directions, then tensors, one result."""

    def __init__(self, operators: Operators) -> None:
        self.family, self.count, self.masked = operators.family, 2 * operators.count, False


def tangents_of(
    operators: Operators, last: Callable[..., Any], again: Callable[..., Any]
) -> Callable[..., Any] | None:
    """How gradients move with the result's gradient, in which they are linear, and with tensors.

    Second derivatives are symmetric: the way back of the gradients is also their way forward.
    """
    if operators.family.is_linear:
        return lambda ctx, along, *rest: again(along, ctx.saved_tensors[1], *ctx.options)
    if operators.double_backward is None:
        return None

    def tangents(ctx: Any, along: Any, *rest: Any) -> Any:
        gradient, *given = ctx.saved_tensors
        *options, mask = ctx.options
        directions = rest[: len(given)]
        found = None
        if any(d is not None for d in directions):
            found = last(*directions, gradient, *given, *options, [False, *mask])[1:]
        if along is not None:
            first = again(along, *given, *options, mask)
            found = first if found is None else [a + b for a, b in zip(first, found, strict=True)]
        return tuple(found)

    return tangents
