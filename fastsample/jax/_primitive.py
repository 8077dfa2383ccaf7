"""The calls as a primitive of JAX: how it is differentiated, batched and compiled."""

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from . import _handler, _work
from ._calls import Call

primitive = Primitive("fastsample")


def bind(
    call: Call, operands: dict[str, Any], leads: tuple[int, ...], shape: Any, dtype: Any
) -> Any:
    """A call's result, which has this shape behind vmap's axes."""
    arrays = (operands[name] for name in call.operands)
    return primitive.bind(
        *arrays, call=call, leads=leads, shape=tuple(shape), dtype=np.dtype(dtype)
    )


@primitive.def_abstract_eval
def _outline(*operands, call, leads, shape, dtype):
    return jax.core.ShapedArray((*leads, *shape), dtype)


@lru_cache(maxsize=4096)
def _compiled(**params):
    return jax.jit(partial(primitive.bind, **params))


@primitive.def_impl
def _run(*operands, **params):
    return _compiled(**params)(*operands)


def _differentiate(primals, tangents, *, call, leads, shape, dtype):
    """The result, and the sum of what each operand's tangent brings."""
    result = primitive.bind(*primals, call=call, leads=leads, shape=shape, dtype=dtype)
    named = dict(zip(call.operands, primals, strict=True))
    terms = []
    if jnp.issubdtype(dtype, jnp.inexact):
        for name, tangent in zip(call.operands, tangents, strict=True):
            if type(tangent) is not ad.Zero:
                there, more = _toward(call, name)
                terms.append(bind(there, {**named, more: tangent}, leads, shape, dtype))
    if not terms:
        return result, ad.Zero.from_primal_value(result)
    return result, sum(terms[1:], terms[0])


def _toward(call, name):
    """The call that is the derivative for an operand, and which operand its tangent is there."""
    if name == call.about.points:
        return call.along()
    return (call.homogeneous() if name == "input" else call), name


ad.primitive_jvps[primitive] = _differentiate


def _transpose(cotangent, *operands, call, leads, shape, dtype):
    """The same number with another hole: the linear operand that is not known."""
    unknown = [k for k, x in enumerate(operands) if ad.is_undefined_primal(x)]
    (k,) = unknown
    if type(cotangent) is ad.Zero:
        return [ad.Zero(x.aval) if ad.is_undefined_primal(x) else None for x in operands]
    hole, aval = call.operands[k], operands[k].aval
    named = dict(zip(call.operands, operands, strict=True))
    named[call.hole] = cotangent
    there = call._replace(hole=hole)
    axes = call.axes
    found = bind(there, named, aval.shape[:axes], aval.shape[axes:], aval.dtype)
    return [found if j == k else None for j in range(len(operands))]


ad.primitive_transposes[primitive] = _transpose


def _batch(operands, dims, *, call, leads, shape, dtype):
    """One more axis in front, of size 1 where an operand has none."""
    (size,) = {x.shape[d] for x, d in zip(operands, dims, strict=True) if d is not None}
    moved = [
        jnp.expand_dims(x, 0) if d is None else jnp.moveaxis(x, d, 0)
        for x, d in zip(operands, dims, strict=True)
    ]
    there = call._replace(axes=call.axes + 1)
    found = primitive.bind(*moved, call=there, leads=(size, *leads), shape=shape, dtype=dtype)
    return found, 0


batching.primitive_batchers[primitive] = _batch


def _by_callback(*operands, call, leads, shape, dtype):
    """The call by way of Python, which copies the arrays."""

    def compute(*arrays):
        result = np.empty((*leads, *shape), dtype)
        _work.fill(call.text, [np.asarray(x) for x in arrays], result)
        return result

    return jax.pure_callback(compute, jax.ShapeDtypeStruct((*leads, *shape), dtype), *operands)


_lower_callback = mlir.lower_fun(_by_callback, multiple_results=False)


def _lower(context, *operands, **params):
    """The call by XLA's interface to foreign functions."""
    _work.of(params["call"].text)  # refuses what is not known
    if not _handler.available():
        return _lower_callback(context, *operands, **params)
    told = _handler.attribute(params["call"].text, (*context.avals_in, *context.avals_out))
    return jax.ffi.ffi_lowering(_handler.TARGET)(context, *operands, call=told)


mlir.register_lowering(primitive, _lower_callback)
mlir.register_lowering(primitive, _lower, platform="cpu")
