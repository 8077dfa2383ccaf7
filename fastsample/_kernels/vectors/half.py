"""float16 to float32 and back by integers, for CPUs that have no instruction for it.

By itself LLVM calls a function of a library for each lane, which Numba's compiler doesn't have.
"""

from llvmlite import ir

SIGN, INFINITE = 0x8000, 0x7C00  # of a float16
NORMAL = 0x400  # the smallest that is not subnormal
SHIFT = 13  # bits that a float32's fraction has more
REBIASED = (127 - 15) << 23  # what a float32's exponent counts more, in its place


class Lanes:
    """Constants and casts of vectors of so many lanes."""

    def __init__(self, count):
        self.i16, self.i32 = (ir.VectorType(ir.IntType(n), count) for n in (16, 32))
        self.f32 = ir.VectorType(ir.FloatType(), count)

    def number(self, value):
        kind = self.f32 if isinstance(value, float) else self.i32
        return ir.Constant(kind, [ir.Constant(kind.element, value)] * kind.count)


def widened(builder, bits):
    """float16, as vectors of 16 bits, as float32."""
    of = Lanes(bits.type.count)
    wide = builder.zext(bits, of.i32)
    size = builder.and_(wide, of.number(SIGN - 1))
    sign = builder.shl(builder.and_(wide, of.number(SIGN)), of.number(16))
    normal = builder.add(builder.shl(size, of.number(SHIFT)), of.number(REBIASED))
    beyond = builder.icmp_unsigned(">=", size, of.number(INFINITE))  # NaN too
    normal = builder.select(beyond, builder.add(normal, of.number(REBIASED)), normal)
    # By a product: as a float32's subnormal it could be flushed to zero.
    small = builder.fmul(builder.sitofp(size, of.f32), of.number(2.0**-24))
    tiny = builder.icmp_unsigned("<", size, of.number(NORMAL))
    found = builder.select(tiny, builder.bitcast(small, of.i32), normal)
    return builder.bitcast(builder.or_(found, sign), of.f32)


def narrowed(builder, value):
    """The nearest float16, halves to even, of float32; as vectors of 16 bits."""
    of = Lanes(value.type.count)
    bits = builder.bitcast(value, of.i32)
    size = builder.and_(bits, of.number(0x7FFFFFFF))
    sign = builder.and_(builder.lshr(bits, of.number(16)), of.number(SIGN))
    found = _at_most_infinite(builder, of, _rounded(builder, of, size))
    tiny = builder.icmp_unsigned("<", size, of.number(REBIASED + (NORMAL << SHIFT)))
    found = builder.select(tiny, _subnormal(builder, of, size), found)
    nan = builder.icmp_unsigned(">", size, of.number(0xFF << 23))
    quiet = builder.and_(builder.lshr(size, of.number(SHIFT)), of.number(NORMAL - 1))
    quiet = builder.or_(quiet, of.number(INFINITE | NORMAL >> 1))
    found = builder.select(nan, quiet, found)
    return builder.trunc(builder.or_(found, sign), of.i16)


def _rounded(builder, of, size):
    """Half a unit less one, and one more if the unit is odd: what is cut off then carries."""
    odd = builder.and_(builder.lshr(size, of.number(SHIFT)), of.number(1))
    up = builder.add(builder.add(size, of.number((1 << SHIFT - 1) - 1)), odd)
    return builder.lshr(builder.sub(up, of.number(REBIASED)), of.number(SHIFT))


def _at_most_infinite(builder, of, size):
    over = builder.icmp_unsigned(">", size, of.number(INFINITE))
    return builder.select(over, of.number(INFINITE), size)


def _subnormal(builder, of, size):
    """A sum with 0.5, whose unit is that of float16's subnormals, rounds to it."""
    total = builder.fadd(builder.bitcast(size, of.f32), of.number(0.5))
    return builder.sub(builder.bitcast(total, of.i32), of.number(0x3F000000))
