"""bfloat16, which NumPy has not: the upper half of a float32. To and from it by integers alone.

LLVM's own rounding to it is a function of a library, which Numba's compiler doesn't have.
"""

import numpy as np

from .half import Lanes

CUT = 16  # bits that a float32 has more
BELOW_HALF = (1 << CUT - 1) - 1  # half a unit, less one
QUIET = 0x40  # of a NaN, so that something of it is left

DTYPE = np.dtype([("bfloat16", np.uint16)])
"""What stands for it within the library: NumPy takes records of two bytes for no other numbers."""


def seen(x):
    """An array of another library's bfloat16 as one of ours: the same memory."""
    if x.dtype.kind != "V" or x.dtype.name != "bfloat16":
        return x
    return x.view(DTYPE if x.dtype.isnative else DTYPE.newbyteorder())


def given_back(x, dtype):
    """One of ours as one of theirs, in the machine's byte order."""
    return x.view(dtype.newbyteorder("=")) if x.dtype == DTYPE else x


def widened(x):
    """bfloat16 as float32."""
    return (x.view(np.uint16).astype(np.uint32) << CUT).view(np.float32)


def rounded(x):
    """The nearest bfloat16, halves to even, of float32."""
    x = np.asarray(x, np.float32)
    bits = x.view(np.uint32)
    found = (bits + (BELOW_HALF + (bits >> CUT & 1))) >> CUT
    return np.where(x == x, found, bits >> CUT | QUIET).astype(np.uint16).view(DTYPE)


def lanes_widened(builder, bits):
    """bfloat16, as vectors of 16 bits, as float32."""
    of = Lanes(bits.type.count)
    wide = builder.shl(builder.zext(bits, of.i32), of.number(CUT))
    return builder.bitcast(wide, of.f32)


def lanes_rounded(builder, value):
    """The nearest bfloat16, halves to even, of float32; as vectors of 16 bits."""
    of = Lanes(value.type.count)
    bits = builder.bitcast(value, of.i32)
    cut = builder.lshr(bits, of.number(CUT))
    up = builder.add(builder.and_(cut, of.number(1)), of.number(BELOW_HALF))
    found = builder.lshr(builder.add(bits, up), of.number(CUT))
    nan = builder.fcmp_unordered("uno", value, value)
    found = builder.select(nan, builder.or_(cut, of.number(QUIET)), found)
    return builder.trunc(found, of.i16)
