"""Checks of `fastsample.ndimage`: SciPy's types of exceptions, this library's messages."""

import math
import operator

import numpy as np

from .. import carried

MODES = (
    "constant",
    "grid-constant",
    "nearest",
    "mirror",
    "reflect",
    "grid-mirror",
    "wrap",
    "grid-wrap",
)
REAL = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
REAL = (*REAL, "float32", "float64")
TYPES = frozenset(map(np.dtype, (*REAL, "complex64", "complex128")))
NAMES = "bool, an integer of 8 to 64 bits, float32, float64, complex64 or complex128"


def order(function, came, least=0):
    """The order of the spline."""
    try:
        number = operator.index(came)
    except TypeError:
        raise TypeError(f"{function}: order must be an integer; got {came!r}") from None
    if not least <= number <= 5:
        raise RuntimeError(f"{function}: order must be one of {least} to 5; got {number}")
    return number


def mode(function, came):
    """The name of a mode; two of them mean the same."""
    if not isinstance(came, str) or came not in MODES:
        listed = ", ".join(map(repr, MODES))
        raise RuntimeError(f"{function}: mode must be one of {listed}; got {came!r}")
    return "reflect" if came == "grid-mirror" else came


def array(function, name, thing):
    """The thing as an array of numbers that are known."""
    made = thing if type(thing) is np.ndarray else carried.array(function, name, thing)
    if made.dtype not in TYPES and made.dtype.newbyteorder("=") not in TYPES:
        raise RuntimeError(f"{function}: {name} must be {NAMES}; got {made.dtype}")
    return made


def some_axes(function, made):
    """An array that is not a number."""
    if made.ndim < 1:
        raise RuntimeError(f"{function}: input must have one axis or more; got a number")


def cval(function, came, is_complex):
    """The fill value, as a float or a complex number."""
    try:
        if is_complex:
            return complex(came)
        return float(came)
    except (TypeError, ValueError):
        what = "a number" if is_complex else "a real number for a real input"
        raise TypeError(f"{function}: cval must be {what}; got {came!r}") from None


def coordinates(function, thing, rank):
    """Coordinates (rank, ...) of some real type."""
    made = thing if type(thing) is np.ndarray else carried.array(function, "coordinates", thing)
    if made.dtype.kind == "c":
        raise TypeError(f"{function}: coordinates must be real; got {made.dtype}")
    if made.dtype.kind not in "biuf" or made.dtype.itemsize > 8 or made.dtype == np.float16:
        raise RuntimeError(
            f"{function}: coordinates must be bool, integers, float32 or float64; got {made.dtype}"
        )
    if made.ndim < 2:
        raise RuntimeError(
            f"{function}: coordinates must have an axis of the input's axes and one of points or "
            f"more; got shape {made.shape}"
        )
    if made.shape[0] != rank:
        raise RuntimeError(
            f"{function}: coordinates must have shape ({rank}, ...) for an input of {rank} axes; "
            f"got {made.shape}"
        )
    return made


def sequence(function, name, came, rank):
    """A number for each axis, or one for all of them."""
    values = list(came) if not isinstance(came, str) and np.iterable(came) else [came] * rank
    if len(values) != rank:
        raise RuntimeError(
            f"{function}: {name} must be a number or {rank} of them, one for each axis of the "
            f"input; got {len(values)}"
        )
    try:
        return [float(v) for v in values]
    except (TypeError, ValueError):
        raise TypeError(f"{function}: {name} must be real numbers; got {came!r}") from None


def shape(function, came):
    """An output's shape."""
    try:
        made = tuple(operator.index(n) for n in came)
    except TypeError:
        raise TypeError(
            f"{function}: output_shape must be a tuple of integers; got {came!r}"
        ) from None
    if not made:
        raise RuntimeError(f"{function}: output_shape must have one axis or more; got ()")
    if min(made) < 0:
        raise ValueError(f"{function}: output_shape must not be negative; got {made}")
    return made


def something(function, made, shape):
    """Pixels, where a result is asked for."""
    if 0 in made.shape and 0 not in shape:
        raise ValueError(
            f"{function}: input must not be empty for a result of shape {shape}; got shape "
            f"{made.shape}"
        )


def matrix(function, came, rank, out_rank):
    """A matrix (rank, out_rank), or its diagonal (rank,); and an offset, if it carries one."""
    made = np.asarray(came, np.float64)
    if made.ndim not in (1, 2) or made.shape[0] < 1:
        raise RuntimeError(f"{function}: matrix must have one or two axes; got shape {made.shape}")
    offset = None
    if made.ndim == 2 and made.shape[1] == rank + 1 and made.shape[0] in (rank, rank + 1):
        if made.shape[0] == rank + 1 and not np.array_equal(made[rank], [0] * rank + [1]):
            raise ValueError(
                f"{function}: the last row of a matrix {made.shape} must be 0 ... 0 1 for an input "
                f"of {rank} axes; got {made[rank]}"
            )
        made, offset = made[:rank, :rank], made[:rank, rank]
    if made.shape[0] != rank:
        raise RuntimeError(
            f"{function}: matrix must have {rank} rows, one for each axis of the input; got "
            f"{made.shape[0]}"
        )
    if made.shape[-1] != out_rank:
        what = "columns" if made.ndim == 2 else "entries"
        raise RuntimeError(
            f"{function}: matrix must have {out_rank} {what}, one for each axis of the output; got "
            f"{made.shape[-1]}"
        )
    return made, offset


def plane(function, axes, rank):
    """Two axes, from 0 on, the lower one first."""
    if rank < 2:
        raise ValueError(f"{function}: input must have two axes or more; got {rank}")
    came = list(axes)
    if len(came) != 2:
        raise ValueError(f"{function}: axes must be two; got {len(came)}")
    if not all(float(axis).is_integer() for axis in came):
        raise ValueError(f"{function}: axes must be integers; got {came}")
    made = sorted(int(axis) + rank * (axis < 0) for axis in came)
    if made[0] < 0 or made[1] >= rank:
        raise ValueError(f"{function}: axes must be among the input's {rank}; got {came}")
    return made


def zoomed(function, sizes, factors):
    """An output's sizes; halves become even."""
    made = [n * factor for n, factor in zip(sizes, factors, strict=True)]
    if not all(math.isfinite(n) and round(n) >= 0 for n in made):
        raise ValueError(
            f"{function}: zoom must be finite numbers and not negative; got {tuple(factors)}"
        )
    return tuple(round(n) for n in made)
