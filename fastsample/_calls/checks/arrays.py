"""Arrays and their types; where a result may be written."""

import os
from functools import cache

import numpy as np

from ..._kernels.vectors import brain
from .. import carried

FLOATS = ("float32", "float64")


INTEGERS = ("uint8", "int8", "uint16", "int16", "int32")


LABELS = ("uint32", "int64", "uint64", "bool")  # what is copied, and not computed with


DIFFERENTIABLE = (*FLOATS, "float16", "bfloat16", "complex64", "complex128")


INPUT_TYPES = (*DIFFERENTIABLE, *INTEGERS)


GRID_TYPES = (*FLOATS, "float16")


MASK_TYPES = ("float32", "float64", "uint8", "bool")


def array(function, name, thing):
    """The thing as a NumPy array."""
    if isinstance(thing, np.ndarray):
        made = np.asarray(thing)
    else:
        made = carried.array(function, name, thing)
        if made.dtype == object or made.ndim == 0:
            read = isinstance(thing, str | bytes | os.PathLike)
            raise TypeError(
                f"{function}: {name} must be an array; got {carried.kind(thing)}"
                + (": read the file first, as with PIL.Image.open" if read else "")
            )
    if made.dtype.names and made.dtype.newbyteorder("=") != brain.DTYPE:
        carried.refuse_fields(function, name, made)
    return made


def integers(function, name, thing):
    """The thing as an array of integers."""
    made = array(function, name, thing)
    if made.dtype.kind not in "iu":
        raise TypeError(
            f"{function}: {name} must be integers; got {named(made.dtype)}: "
            f"round as you see fit, then convert it with numpy.asarray({name}, numpy.int64)"
        )
    return made


def dtype(function, name, came, known):
    """The type is one of the known ones, in any byte order."""
    if not is_one_of(came, known):
        raise TypeError(
            f"{function}: {name} must be {any_of(known)}; got {named(came)}"
            + _conversion(name, came)
        )


def _conversion(name, came):
    """How to convert what has numbers, into a type that holds them."""
    if came.kind == "c" and name == "grid":
        return f": if they are x + iy, pass numpy.stack([{name}.real, {name}.imag], axis=-1)"
    if came.kind == "c":
        return f": pass {name}.real and {name}.imag one by one"
    if came.kind not in "biuf" and came != brain.DTYPE.newbyteorder("S") and came != brain.DTYPE:
        return ""
    holds = "float64" if came.itemsize > 2 and came.kind != "V" else "float32"
    return f": convert it with numpy.asarray({name}, numpy.{holds})"


@cache  # 1.5 us saved
def is_one_of(came, known):
    return named(came.newbyteorder("=")) in known


def named(dtype):
    """What a type is called."""
    if dtype == brain.DTYPE.newbyteorder():
        return "bfloat16 in the other byte order"
    return "bfloat16" if dtype == brain.DTYPE else str(dtype)


def _class_of(dtype):
    """What `astype` takes to make this type."""
    return "ml_dtypes.bfloat16" if dtype == brain.DTYPE else f"numpy.{dtype}"


def any_of(words):
    """A list, as one says it."""
    return " or ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 2 else words)


def sampled(function, name, came, mode):
    """A type that can be sampled; `nearest` copies more of them."""
    if mode == "nearest" and is_one_of(came, LABELS):
        return
    if is_one_of(came, LABELS):
        raise TypeError(
            f"{function}: {name} must be {any_of(INPUT_TYPES)}, or with mode='nearest' "
            f"{any_of(LABELS)}; got {came}: sample labels with mode='nearest'; to interpolate "
            f"numbers, convert them with numpy.asarray({name}, numpy.float64), exact up to 2**53"
        )
    dtype(function, name, came, INPUT_TYPES)


def copied(function, name, came):
    """A type whose values can be copied and filled: numbers and bools of any size."""
    if came.kind not in "biufc" and came != brain.DTYPE:
        raise TypeError(f"{function}: {name} must be numbers or bools; got {named(came)}")


def same_type(function, name, came, dtype):
    """An array that takes part in a product with the input."""
    if came.newbyteorder("=") != dtype:
        raise TypeError(
            f"{function}: {name} must have the input's type {dtype}; got {named(came)}: "
            f"convert it with {name}.astype(numpy.{dtype})"
        )


def gradient(function, name, came, shape, dtype, of="the result"):
    """A gradient has the shape and the type of what it belongs to."""
    if came.shape != shape:
        raise ValueError(f"{function}: {name} must have {of}'s shape {shape}; got {came.shape}")
    if came.dtype.newbyteorder("=") != dtype:
        raise TypeError(
            f"{function}: {name} must have {of}'s type {named(dtype)}; got "
            f"{named(came.dtype)}: convert it with {name}.astype({_class_of(dtype)})"
        )


def shaped(function, name, shape, wanted, form):
    """An array of just this shape."""
    if shape != wanted:
        raise ValueError(f"{function}: {name} must have shape {form}, here {wanted}; got {shape}")


def writable(function, out):
    """An `out` that can be written, each element by itself; it is returned."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{function}: out must be a NumPy array; got {carried.kind(out)}")
    if not out.flags.writeable:
        raise ValueError(f"{function}: out must be writeable; got a read-only array")
    if not _elements_apart(out):
        raise ValueError(
            f"{function}: out must not overlap itself; got strides {out.strides} "
            f"for shape {out.shape}"
        )
    return out


def result_shape(function, came, shape):
    """An `out` of the result's shape."""
    if came.shape != shape:
        raise ValueError(f"{function}: out must have the result's shape {shape}; got {came.shape}")


def result(function, came, shape, dtype):
    """An `out` of the result's shape and type."""
    result_shape(function, came, shape)
    if came.dtype != dtype:
        raise TypeError(
            f"{function}: out must have the result's type {named(dtype)}; got {named(came.dtype)}"
        )


def _elements_apart(x):
    """Does each axis, from the finest on, step over all the finer ones?"""
    reach = x.itemsize
    steps = zip(x.strides, x.shape, strict=True)
    for stride, size in sorted((abs(s), n) for s, n in steps if n > 1):
        if stride < reach:
            return x.size == 0
        reach = stride * (size - 1) + reach
    return True


def apart(function, out, **inputs):
    """`out` shares no byte with an input."""
    for name, other in inputs.items():
        if np.may_share_memory(out, other) and np.shares_memory(out, other):
            raise ValueError(
                f"{function}: out must not overlap {name}; got arrays that share memory: pass a "
                f"copy of one of them"
            )
