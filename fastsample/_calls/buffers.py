"""Users' arrays to what kernels take, without a copy where one can be helped."""

import numpy as np

from .._kernels.compiler.flat import address
from .._kernels.vectors import brain
from .kept import STORE
from .quiet import cast
from .schedule import STREAM

BYTE = np.dtype(np.uint8)


def empty(shape, dtype):
    """np.empty; one that will be streamed starts on a cache line, as the stores need.

    Its memory may be that of a result that was dropped, see `kept`.
    """
    size = dtype.itemsize
    for n in shape:
        size *= n
    if size < STREAM:
        return np.empty(shape, dtype)
    return STORE.lined(size).view(dtype).reshape(shape)


def as_bytes(x):
    """The memory from x's first byte to its last, read-only unless x is to be written."""
    if not x.flags.c_contiguous:
        return _spread(x)
    return np.ndarray((x.nbytes,), BYTE, x)  # by its buffer: a third of the time of a view


def read_bytes(x):
    """`as_bytes`, read-only whatever x is, so that kernels meet one type of array only."""
    flat = as_bytes(x)
    flat.setflags(False)
    return flat


def both(x, y, shape, strides):
    """A view whose last axis leads from x to y, wherever they lie; read-only.

    Nothing between the two is touched. The view keeps both alive.
    """
    pair = _Pair(x, y)
    pair.__array_interface__ = {
        "version": 3,
        "shape": shape,
        "strides": strides,
        "typestr": x.dtype.str,
        "data": (x.ctypes.data, True),
    }
    return np.asarray(pair)


def pair_of(x):
    """The arrays that a view made by `both` leads from and to, or None."""
    return getattr(x.base, "arrays", None)


class _Pair:
    """What a view of two arrays belongs to."""

    def __init__(self, *arrays):
        self.arrays = arrays


class _Span:
    """What the memory around an array belongs to."""

    def __init__(self, x, first, size):
        self.array = x
        self.__array_interface__ = {
            "version": 3,
            "shape": (size,),
            "typestr": "|u1",
            "data": (first, not x.flags.writeable),
        }


def _spread(x):
    """All bytes between the lowest and the highest address of x, as one axis.

    By NumPy's interface in a quarter of the time of `as_strided`, which `patch_affine` waits for.
    """
    low = high = 0
    for n, step in zip(x.shape, x.strides, strict=True):
        if step < 0:
            low += step * (n - 1)
        else:
            high += step * (n - 1)
    return np.asarray(_Span(x, address(x) + low, high - low + x.itemsize))


def widened(x):
    """float16 as float32; other arrays as they are."""
    return cast(x, np.float32) if x.dtype.kind == "f" and x.dtype.itemsize == 2 else x


def computed_by_itself(dtype):
    """Is a gradient of this type computed in it, and not part by part?"""
    return dtype.kind == "f" and dtype.itemsize > 2


def parts(*arrays):
    """Complex arrays as their real parts, then their imaginary ones; 16 bits as float32."""
    if arrays[0].dtype.kind == "c":
        return [x.real for x in arrays], [x.imag for x in arrays]
    widen = brain.widened if arrays[0].dtype == brain.DTYPE else widened
    return ([widen(x) for x in arrays],)


def native(x):
    """A plain copy: contiguous, aligned, in this machine's byte order."""
    return np.array(x, x.dtype.newbyteorder("="), order="C")
