"""Every check of what a user passes, and every error message.

A message names the function, the argument, the rule and what came. All checks come before anything
is allocated, compiled or written.
"""

import operator

import numpy as np

from ._kernels.kind import MODES

INPUT_TYPES = ("float32", "float64")
GRID_TYPES = ("float32", "float64")


def array(function, name, thing):
    """The thing as a NumPy array."""
    if isinstance(thing, np.ndarray):
        return np.asarray(thing)
    if hasattr(thing, "__dlpack__"):
        raise TypeError(
            f"{function}: {name} must be a NumPy array for now; got {_kind(thing)}: "
            "convert it with numpy.asarray or numpy.from_dlpack"
        )
    try:
        made = np.asarray(thing)
    except (TypeError, ValueError) as error:
        got = f"{_kind(thing)}: {error}"
        raise TypeError(f"{function}: {name} must be an array; got {got}") from None
    if made.dtype == object or made.ndim == 0:
        raise TypeError(f"{function}: {name} must be an array; got {_kind(thing)}")
    return made


def _kind(thing):
    return f"{type(thing).__module__}.{type(thing).__name__}".removeprefix("builtins.")


def dtype(function, name, came, known):
    """The type is one of the known ones, in any byte order."""
    if came.newbyteorder("=").name not in known:
        raise TypeError(
            f"{function}: {name} must be {' or '.join(known)}; got {came}: "
            f"convert it with {name}.astype(numpy.float32)"
        )


CHOICES = {
    "mode": tuple(MODES),
    "padding_mode": ("zeros", "border", "reflection", "wrap", "constant"),
    "coordinates": ("normalized", "pixel"),
}


def words(function, **options):
    """Each option is one of its known words."""
    for name, came in options.items():
        known = CHOICES[name]
        if not isinstance(came, str) or came not in known:
            listed = ", ".join(repr(word) for word in known)
            raise ValueError(f"{function}: {name} must be one of {listed}; got {came!r}")


def real(function, name, came):
    """A real number, as a float."""
    if type(came) is float or type(came) is int:  # nearly always, and 1.6 us saved
        return float(came)
    if isinstance(came, str | bytes) or np.ndim(came) != 0 or np.iscomplexobj(came):
        raise TypeError(f"{function}: {name} must be a real number; got {came!r}")
    try:
        return float(came)
    except (TypeError, ValueError):
        raise TypeError(f"{function}: {name} must be a real number; got {came!r}") from None


def image(function, shape):
    """(N, C, *in) with one to three spatial axes."""
    if not 3 <= len(shape) <= 5:
        raise ValueError(
            f"{function}: input must have shape (N, C, *in) with 1, 2 or 3 axes in *in; got {shape}"
        )


def grid(function, shape, batch, axes):
    """(N, *out, D) for D spatial axes, with the input's batch or either one 1."""
    rule = f"{function}: grid must have shape (N, *out, {axes}) with N = {batch} or 1; got {shape}"
    if len(shape) < 2 or shape[-1] != axes:
        raise ValueError(rule)
    if shape[0] != batch and 1 not in (shape[0], batch):
        raise ValueError(rule)


def something_to_sample(function, shape, result):
    """An input axis of size 0 has no pixel for a point to read."""
    if 0 in shape[2:] and 0 not in result:
        raise ValueError(f"{function}: input must have no spatial axis of size 0; got {shape}")


def writable(function, out):
    """An `out` that can be written, each element by itself."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{function}: out must be a NumPy array; got {_kind(out)}")
    if not out.flags.writeable:
        raise ValueError(f"{function}: out must be writeable; got a read-only array")
    if not _elements_apart(out):
        raise ValueError(
            f"{function}: out must not overlap itself; got strides {out.strides} "
            f"for shape {out.shape}"
        )


def result(function, came, shape, dtype):
    """An `out` of the result's shape and type."""
    if came.shape != shape:
        raise ValueError(f"{function}: out must have the result's shape {shape}; got {came.shape}")
    if came.dtype != dtype:
        raise TypeError(f"{function}: out must have the result's type {dtype}; got {came.dtype}")


def gradient(function, name, came, shape, dtype):
    """A gradient has the shape and the type of what it belongs to."""
    if came.shape != shape:
        raise ValueError(
            f"{function}: {name} must have the result's shape {shape}; got {came.shape}"
        )
    if came.dtype.newbyteorder("=") != dtype:
        raise TypeError(
            f"{function}: {name} must have the result's type {dtype}; got {came.dtype}: "
            f"convert it with {name}.astype(numpy.{dtype})"
        )


def mask(function, came):
    """Two flags: which gradients are wanted."""
    try:
        wanted = tuple(came)
    except TypeError:
        wanted = ()
    if len(wanted) != 2 or not all(isinstance(w, bool | np.bool_) for w in wanted):
        raise TypeError(f"{function}: output_mask must be two of True or False; got {came!r}")
    return wanted


def matrices(function, shape, batch, axes):
    """(N, D, D + 1) for D spatial axes, with the given batch or, for either, 1."""
    rule = f"{function}: theta must have shape (N, {axes}, {axes + 1}) with N = {batch}"
    if len(shape) != 3 or shape[1:] != (axes, axes + 1):
        raise ValueError(f"{rule} or 1; got {shape}")
    if shape[0] != batch and 1 not in (shape[0], batch):
        raise ValueError(f"{rule} or 1; got {shape}")


def sizes(function, came, counts, form):
    """A tuple of so many non-negative ints."""
    try:
        found = tuple(operator.index(n) for n in came)
    except TypeError:
        raise TypeError(f"{function}: size must be {form} of ints; got {came!r}") from None
    if len(found) not in counts or min(found, default=0) < 0:
        raise ValueError(f"{function}: size must be {form}, none negative; got {came!r}")
    return found


def spatial(function, size, axes):
    """A size for each spatial axis of the input."""
    if len(size) != axes:
        raise ValueError(
            f"{function}: size must have {axes} numbers, one a spatial axis; got {size}"
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
                f"{function}: out must not overlap {name}; got arrays that share memory"
            )


def flag(function, name, came):
    """True or False."""
    if came is True or came is False:
        return came
    if not isinstance(came, bool | np.bool_):
        raise TypeError(f"{function}: {name} must be True or False; got {came!r}")
    return bool(came)


def planar(function, channels_last):
    """Channels before the spatial axes."""
    if flag(function, "channels_last", channels_last):
        raise TypeError(f"{function}: channels_last must be False for now; got True")
