"""The calls as a primitive of JAX: how it is differentiated, batched and compiled.

Where a result depends on a function's two arrays, its tangent is one primitive, and what that is
transposed to is another: both gradients by one call of a kernel, which reads the coordinates and
the result's gradient once. For all other rules the two stand for the calls that they are made of.
"""

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.interpreters import partial_eval as pe

from . import _handler, _work
from ._calls import BOTH, OUT, Call

primitive = Primitive("fastsample")
tangent = Primitive("fastsample_tangent")  # of (input, points), their tangents
gradients = Primitive("fastsample_gradients")  # of (the result's gradient, input, points)
gradients.multiple_results = True


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


@tangent.def_abstract_eval
def _outline_of_tangent(*operands, call, shape, dtype):
    return jax.core.ShapedArray(shape, dtype)


@gradients.def_abstract_eval
def _outlines_of_gradients(out, *arrays, call):
    return [jax.core.ShapedArray(x.shape, x.dtype) for x in arrays]


@lru_cache(maxsize=4096)
def _compiled(which, **params):
    return jax.jit(partial(which.bind, **params))


def _run(which, *operands, **params):
    return _compiled(which, **params)(*operands)


for _one in (primitive, tangent, gradients):
    _one.def_impl(partial(_run, _one))


def _differentiate(primals, tangents, *, call, leads, shape, dtype):
    """The result, and the sum of what each operand's tangent brings."""
    result = primitive.bind(*primals, call=call, leads=leads, shape=shape, dtype=dtype)
    moved = {
        name: along
        for name, along in zip(call.operands, tangents, strict=True)
        if type(along) is not ad.Zero
    }
    if not (moved and jnp.issubdtype(dtype, jnp.inexact)):
        return result, ad.Zero.from_primal_value(result)
    named = dict(zip(call.operands, primals, strict=True))
    if jnp.issubdtype(dtype, jnp.floating) and call.paired == tuple(moved):
        arrays = *primals, *moved.values()
        return result, tangent.bind(*arrays, call=call, shape=shape, dtype=dtype)
    return result, _brought(call, named, moved, leads, shape, dtype)


def _brought(call, named, moved, leads, shape, dtype):
    """The sum of what each operand's tangent brings."""
    terms = []
    for name, along in moved.items():
        there, more = _toward(call, name)
        terms.append(bind(there, {**named, more: along}, leads, shape, dtype))
    return sum(terms[1:], terms[0])


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
    named = dict(zip(call.operands, operands, strict=True))
    found = _transposed(call, named, call.operands[k], cotangent, operands[k].aval)
    return [found if j == k else None for j in range(len(operands))]


ad.primitive_transposes[primitive] = _transpose


def _transposed(call, named, hole, cotangent, aval):
    """The call with another hole, which is like `aval`."""
    there, axes = call._replace(hole=hole), call.axes
    known = {**named, call.hole: cotangent}
    return bind(there, known, aval.shape[:axes], aval.shape[axes:], aval.dtype)


def _transpose_tangent(cotangent, *operands, call, shape, dtype):
    """Both gradients; or that one whose tangent is not known."""
    arrays, along = operands[:2], operands[2:]
    unknown = [ad.is_undefined_primal(x) for x in along]
    if type(cotangent) is ad.Zero:
        zeros = [ad.Zero(x.aval) if ad.is_undefined_primal(x) else None for x in along]
        return [None, None, *zeros]
    if all(unknown):
        return [None, None, *gradients.bind(cotangent, *arrays, call=call._replace(hole=BOTH))]
    found = _gradient(call, cotangent, arrays, unknown.index(True))
    return [None, None, *(found if missing else None for missing in unknown)]


def _gradient(call, out, arrays, k):
    """One of both gradients."""
    there, hole = _toward(call, call.arrays[k])
    named = dict(zip(call.arrays, arrays, strict=True))
    return _transposed(there, named, hole, out, arrays[k])


def _transpose_gradients(cotangents, out, *arrays, call):
    """They are linear in the result's gradient: its tangents come back."""
    moved = {
        name: x for name, x in zip(call.arrays, cotangents, strict=True) if type(x) is not ad.Zero
    }
    if not moved:
        return [ad.Zero(out.aval), None, None]
    named = dict(zip(call.arrays, arrays, strict=True))
    forward, aval = call._replace(hole=OUT), out.aval
    return [_brought(forward, named, moved, (), aval.shape, aval.dtype), None, None]


ad.primitive_transposes[tangent] = _transpose_tangent
ad.primitive_transposes[gradients] = _transpose_gradients


def _tangent_apart(*operands, call, shape, dtype):
    """What `tangent` stands for."""
    named = dict(zip(call.arrays, operands[:2], strict=True))
    moved = dict(zip(call.arrays, operands[2:], strict=True))
    return _brought(call, named, moved, (), shape, dtype)


def _gradients_apart(out, *arrays, call):
    """What `gradients` stand for."""
    forward = call._replace(hole=OUT)
    return [_gradient(forward, out, arrays, k) for k in range(2)]


def _differentiate_apart(apart, primals, tangents, **params):
    """The rule of what a primitive stands for, along the operands that move."""
    moved = [k for k, x in enumerate(tangents) if type(x) is not ad.Zero]

    def of_moved(*moving):
        operands = list(primals)
        for k, x in zip(moved, moving, strict=True):
            operands[k] = x
        return apart(*operands, **params)

    return jax.jvp(of_moved, [primals[k] for k in moved], [tangents[k] for k in moved])


def _batch_apart(apart, operands, dims, **params):
    """The rule of what a primitive stands for."""
    found = jax.vmap(partial(apart, **params), dims)(*operands)
    return found, jax.tree.map(lambda x: 0, found)


for _one, _apart in ((tangent, _tangent_apart), (gradients, _gradients_apart)):
    ad.primitive_jvps[_one] = partial(_differentiate_apart, _apart)
    batching.primitive_batchers[_one] = partial(_batch_apart, _apart)


def _without_unused(used, equation):
    """The one gradient that something uses, where nothing uses the other."""
    if not any(used):
        return [False] * len(equation.invars), None
    if all(used):
        return [True] * len(equation.invars), equation
    k, call = used.index(True), equation.params["call"]
    there, hole = _toward(call._replace(hole=OUT), call.arrays[k])
    there = there._replace(hole=hole)
    wanted = [name in there.operands for name in (OUT, *call.arrays)]
    (outvar,) = (x for x, is_used in zip(equation.outvars, used, strict=True) if is_used)
    params = {"call": there, "leads": (), "shape": outvar.aval.shape, "dtype": outvar.aval.dtype}
    return wanted, equation.replace(
        invars=[x for x, is_read in zip(equation.invars, wanted, strict=True) if is_read],
        outvars=[outvar],
        primitive=primitive,
        params=params,
    )


pe.dce_rules[gradients] = _without_unused


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
        _work.fill(call.text, [np.asarray(x) for x in arrays], [result])
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


_lower_gradients_apart = mlir.lower_fun(_gradients_apart, multiple_results=True)


def _lower_gradients(context, *operands, call):
    """Both gradients by that interface, or one after the other."""
    if not _handler.available():
        return _lower_gradients_apart(context, *operands, call=call)
    told = _handler.attribute(call.text, (*context.avals_in, *context.avals_out))
    return jax.ffi.ffi_lowering(_handler.TARGET)(context, *operands, call=told)


mlir.register_lowering(gradients, _lower_gradients_apart)
mlir.register_lowering(gradients, _lower_gradients, platform="cpu")
mlir.register_lowering(tangent, mlir.lower_fun(_tangent_apart, multiple_results=False))
