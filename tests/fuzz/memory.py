"""Arrays of the same numbers in other memory: strided, unaligned, of another framework."""

import ml_dtypes
import numpy as np

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
BRAIN = np.dtype(ml_dtypes.bfloat16)


def limits_of(dtype):
    """What NumPy knows of its own floats, of any."""
    return ml_dtypes.finfo(dtype) if dtype == BRAIN else np.finfo(dtype)


class Foreign:
    """An array of another framework, as far as can be seen."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def poison(dtype):
    """What lies around an array: it spoils whatever it gets into."""
    return np.array(np.nan if dtype.kind in "fc" or dtype == BRAIN else 1).astype(dtype)


def spread(x, step, skip=0):
    """Every so many elements of a larger array."""
    buffer = np.full([abs(step) * n + skip for n in x.shape], poison(x.dtype), x.dtype)
    view = buffer[tuple(slice(skip, skip + abs(step) * n, abs(step)) for n in x.shape)]
    view = view[(slice(None, None, -1),) * x.ndim] if step < 0 else view
    view[...] = x
    return view


def off_by_a_byte(x):
    """At an address that is no multiple of anything."""
    raw = np.zeros(x.nbytes + 3, np.uint8)
    view = raw[1 : 1 + x.nbytes].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def between(x):
    """With a byte before each element."""
    buffer = np.zeros(x.shape, [("before", "u1"), ("value", x.dtype)])
    buffer["value"] = x
    return buffer["value"]


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def outer(x, step):
    """Strided along the first axis only."""
    buffer = np.full((abs(step) * len(x), *x.shape[1:]), poison(x.dtype), x.dtype)
    view = buffer[::step]
    view[...] = x
    return view


def shared(x):
    """One sample, which all others are."""
    return np.broadcast_to(x[:1], x.shape) if len(x) else x


def repeated(x):
    """One element along the last axis, which all others are."""
    return np.broadcast_to(x[..., :1], x.shape) if x.shape[-1] else x


def transposed(x):
    """The first and the last axis change places in memory."""
    return np.ascontiguousarray(x.swapaxes(0, -1)).swapaxes(0, -1)


def swapped(x):
    return x.astype(x.dtype.newbyteorder())


# Layouts: those that keep planes and pixels dense, those that keep planes, and the rest
SAME = {
    "read-only": frozen,
    "off by a byte": off_by_a_byte,
    "every second sample": lambda x: outer(x, 2),
    "last sample first": lambda x: outer(x, -1),
}
DENSE = {"byte-swapped": swapped, "bytes between": between}
ANY = {
    "strided": lambda x: spread(x, 3, 2),
    "negative": lambda x: spread(x, -1),
    "negative and strided": lambda x: spread(x, -2, 1),
    "fortran": np.asfortranarray,
    "transposed": transposed,
}
WRITABLE = {
    k: f for k, f in {**SAME, **DENSE, **ANY}.items() if k not in ("read-only", "byte-swapped")
}
"""Memory that `out` may have."""


def dressed(d, x, like="any", keep=False):
    """The same numbers in other memory; unless `keep`, perhaps one of them many times.

    "planes" keeps planes dense, "pixels" pixels; "any" keeps nothing.
    """
    if d.chance(0.45):
        return x
    ways = {**SAME, **({} if like == "pixels" else DENSE), **(ANY if like == "any" else {})}
    if not keep:
        ways = {**ways, "shared": shared, **({"repeated": repeated} if like == "any" else {})}
    if x.dtype == F64 and x.size and x.ndim:
        ways["list"] = np.ndarray.tolist
    if x.dtype == BRAIN:  # NumPy knows it in one byte order, and hands it to nobody
        ways.pop("byte-swapped", None)
    elif x.ndim:
        ways["foreign"] = Foreign
    return ways[d.one(list(ways))](x) if x.ndim else frozen(x)


def array_of(thing):
    """The array that an argument is, in the machine's byte order; the oracles read this one."""
    x = np.asarray(thing.array if isinstance(thing, Foreign) else thing)
    return np.array(x, x.dtype if x.dtype == BRAIN else x.dtype.newbyteorder("="))


def memory_of(thing):
    """The array whose memory an argument is part of, or None."""
    x = thing.array if isinstance(thing, Foreign) else thing
    if not isinstance(x, np.ndarray):
        return None
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x
