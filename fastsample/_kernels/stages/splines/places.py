"""Points of splines brought in by a mode, taps of points at an edge, and the taps' weights.

Places have SciPy's roundings, so nothing is fused there: the last bit decides what `constant` cuts
off and how order 0 rounds.
"""

from ...compiler.jit import inline, jit
from ...vectors.simd import at_least, at_most, convert, floor, multiply_add, splat, store, where
from ...vectors.windows import truncated
from .scratch import CONSTANT, GRID_CONSTANT, GRID_WRAP, MIRROR, NEAREST, REFLECT, WRAP

FAR = 8.0  # pixels outside: no tap of a point so far away is inside
CLOSE = 16.0  # pixels: taps of such points lie at most once beyond the ends of more
TINY = 1e-15  # SciPy takes a smaller step below 0 for this one


@inline
def mirrored(x, n):
    """Period 2n - 2, about the centres of the outer pixels."""
    p = 2.0 * n - 2.0
    y = truncated((0.0 - x) / p) * p + x
    low = where(y <= 1.0 - n, y + p, 0.0 - y)
    y = x - truncated(x / p) * p
    high = where(y >= n, p - y, y)
    return low, high


@inline
def reflected(x, n):
    """Period 2n, about the outer edges of the outer pixels."""
    p = 2.0 * n
    y = where(x < -p, truncated((0.0 - x) / p) * p + x, x)
    low = where(y < -n, y + p, where(y > -TINY, splat(TINY, x), 0.0 - y) - 1.0)
    y = x - truncated(x / p) * p
    high = where(y >= n, p - y - 1.0, y)
    return low, high


@inline
def wrapped(x, n):
    """Period n - 1: the last pixel is the first."""
    p = n - 1.0
    return x + (truncated((0.0 - x) / p) + 1.0) * p, x - truncated(x / p) * p


@inline
def repeated(x, n):
    """Period n."""
    return x + (truncated((-1.0 - x) / n) + 1.0) * n, x - truncated(x / n) * n


@inline
def folded(mode, x, n):
    """Points outside of an axis of n pixels, brought in by a mode that does so."""
    low = high = x
    if mode == MIRROR:
        low, high = mirrored(x, n)
    elif mode == REFLECT:
        low, high = reflected(x, n)
    elif mode == WRAP:
        low, high = wrapped(x, n)
    else:
        low, high = repeated(x, n)
    return where(x < 0.0, low, where(x > n - 1.0, high, x))


@jit
def brought_in(mode, order, size, x, lost):
    """Points of which some are outside or no number; and `lost`, 1 for those without a value."""
    n = float(size)
    if mode == CONSTANT:
        lost = where(x >= 0.0, lost, 1.0)
        lost = where(x <= n - 1.0, lost, 1.0)
    elif mode == NEAREST:
        if order:
            lost = where(x == x, lost, 1.0)
    elif mode == GRID_CONSTANT:
        lost = where(x == x, lost, 1.0)
    elif size == 1:
        lost = where(x == x, lost, 1.0)
        x = splat(0.0, x)
    else:
        x = folded(mode, x, n)
        lost = where(x > -1.0, lost, 1.0)
    x = where(x == x, x, 0.0)
    return at_most(at_least(x, -FAR), n + FAR), lost


@jit
def tap_place(mode, span, place):
    """Where a tap reads; and its share of the weight, 0 for one that lies outside for good."""
    n, share = float(span.size), splat(1.0, place)
    if mode == NEAREST:
        place = at_most(at_least(place, 0.0), n - 1.0)
    elif mode == GRID_CONSTANT:
        share = where(place >= 0.0, where(place <= n - 1.0, share, 0.0), 0.0)
        place = at_most(at_least(place, 0.0), n - 1.0)
    elif span.size == 1:
        place = splat(0.0, place)
    elif mode == GRID_WRAP:
        place = place - floor(place / n) * n
    else:
        edge = 1.0 if mode == REFLECT else 0.0  # a pixel at both ends comes twice
        if n < CLOSE:  # taps may lie more than once beyond
            period = 2.0 * n - 2.0 + 2.0 * edge
            place = place - floor(place / period) * period
        place = where(place < 0.0, 0.0 - edge - place, place)
        place = where(place >= n, 2.0 * n - 2.0 + edge - place, place)
    return at_most(at_least(place, span.first), span.last), share


# Weights, at distance t after the middle tap ------------------------------------------------------


@inline
def put(out, at, vec):
    """16 weights, in the type of the sums."""
    store(out, at, convert(vec, out))


@jit
def put_linear(out, at, step, t):
    """1 - t, t."""
    put(out, at, 1.0 - t)
    put(out, at + step, t)


@jit
def put_quadratic(out, at, step, t):
    """Order 2, t from -1/2 to 1/2."""
    low, high = 0.5 - t, 0.5 + t
    put(out, at, low * low * 0.5)
    put(out, at + step, 0.75 - t * t)
    put(out, at + 2 * step, high * high * 0.5)


@inline
def horner(total, y, c):
    """total * y + c: one of Horner's steps."""
    return multiply_add(total, y, splat(c, y))


@inline
def cubic_inner(y, square):
    """The taps of order 3 beside a point, y their distance."""
    return horner(horner(splat(0.5, y), y, -1.0), square, 2.0 / 3.0)


@jit
def put_cubic(out, at, step, t):
    """Order 3, t from 0 to 1."""
    z = 1.0 - t
    t2, z2 = t * t, z * z
    put(out, at, z2 * (z * (1.0 / 6.0)))
    put(out, at + step, cubic_inner(t, t2))
    put(out, at + 2 * step, cubic_inner(z, z2))
    put(out, at + 3 * step, t2 * (t * (1.0 / 6.0)))


@inline
def quartic_side(y):
    """The second tap of order 4, y its distance."""
    inner = horner(horner(splat(-1.0 / 6.0, y), y, 5.0 / 6.0), y, -1.25)
    return horner(horner(inner, y, 5.0 / 24.0), y, 55.0 / 96.0)


@jit
def put_quartic(out, at, step, t):
    """Order 4, t from -1/2 to 1/2."""
    low, high, square = 0.5 - t, 0.5 + t, t * t
    low, high = low * low, high * high
    put(out, at, low * low * (1.0 / 24.0))
    put(out, at + step, quartic_side(t + 1.0))
    put(out, at + 2 * step, horner(horner(splat(0.25, t), square, -0.625), square, 115.0 / 192.0))
    put(out, at + 3 * step, quartic_side(1.0 - t))
    put(out, at + 4 * step, high * high * (1.0 / 24.0))


@inline
def quintic_inner(y):
    """The taps of order 5 beside a point, y their distance."""
    square = y * y
    return horner(horner(horner(splat(-1.0 / 12.0, y), y, 0.25), square, -0.5), square, 0.55)


@inline
def quintic_outer(y):
    """Those after them."""
    inner = horner(horner(horner(splat(1.0 / 24.0, y), y, -0.375), y, 1.25), y, -1.75)
    return horner(horner(inner, y, 0.625), y, 0.425)


@jit
def put_quintic(out, at, step, t):
    """Order 5, t from 0 to 1."""
    z = 1.0 - t
    t2, z2 = t * t, z * z
    put(out, at, z2 * z2 * (z * (1.0 / 120.0)))
    put(out, at + step, quintic_outer(t + 1.0))
    put(out, at + 2 * step, quintic_inner(t))
    put(out, at + 3 * step, quintic_inner(z))
    put(out, at + 4 * step, quintic_outer(z + 1.0))
    put(out, at + 5 * step, t2 * t2 * (t * (1.0 / 120.0)))


@inline
def put_weights(order, out, at, step, t):
    """The weights of all taps of one order, `step` apart."""
    if order == 3:
        put_cubic(out, at, step, t)
    elif order == 1:
        put_linear(out, at, step, t)
    elif order == 2:
        put_quadratic(out, at, step, t)
    elif order == 4:
        put_quartic(out, at, step, t)
    elif order == 5:
        put_quintic(out, at, step, t)
    else:
        put(out, at, splat(1.0, t))
