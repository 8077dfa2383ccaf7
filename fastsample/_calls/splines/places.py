"""Where the functions of `fastsample.ndimage` read: a call's arguments as coordinates.

Last bits decide what a border cuts off and how order 0 rounds, so each formula stands in SciPy's
order of operations.
"""

import math
from itertools import chain, islice, product
from typing import Any, NamedTuple

import numpy as np

Array = Any
MAPPED = 2**12  # points of which a callback's answers are kept as Python's numbers


class Points(NamedTuple):
    """Coordinates (rank, *out)."""

    coordinates: Array


class Matrix(NamedTuple):
    """((offset + o0 * m0) + o1 * m1) + ... of an output pixel (o0, o1, ...)."""

    matrix: Array  # (rank, output's rank)
    offset: Array


class Axis(NamedTuple):
    """(o + pre) * scale + offset, along one axis of both input and output."""

    pre: float
    scale: float
    offset: float

    def places(self, size: int) -> Array:
        """The coordinates of so many output pixels."""
        with np.errstate(all="ignore"):
            return (np.arange(size, dtype=np.float64) + self.pre) * self.scale + self.offset


class Axes(NamedTuple):
    """Each axis of the output reads along the same axis of the input."""

    axes: tuple[Axis, ...]


def shifted(shifts):
    """What a shift reads."""
    return Axes(tuple(Axis(-s, 1.0, 0.0) for s in shifts))


def scaled(matrix, offset):
    """A matrix given as its diagonal."""
    return Axes(
        tuple(Axis(float(b), float(m), 0.0) for m, b in zip(matrix, offset / matrix, strict=True))
    )


def zoomed(sizes, new_sizes, grid_mode):
    """The outer pixels' centres onto each other, or with `grid_mode` their outer edges."""
    less = 0 if grid_mode else 1
    middle, back = (0.5, -0.5) if grid_mode else (0.0, 0.0)
    return Axes(
        tuple(
            Axis(middle, (n - less) / (m - less) if m != less else 1.0, back)
            for n, m in zip(sizes, new_sizes, strict=True)
        )
    )


def turned(degrees, sizes, reshape):
    """A turn of a plane about its middle: the matrix, and the result's sizes."""
    sine, cosine = sine_of(degrees), cosine_of(degrees)
    matrix = np.array([[cosine, sine], [-sine, cosine]])
    sizes = np.array(sizes)
    new = sizes
    if reshape:
        corners = matrix @ [[0, 0, sizes[0], sizes[0]], [0, sizes[1], 0, sizes[1]]]
        new = (corners.max(1) - corners.min(1) + 0.5).astype(int)
    offset = (sizes - 1) / 2 - matrix @ ((new - 1) / 2)
    return Matrix(matrix, offset), tuple(int(n) for n in new)


# Taylor-like polynomials in the square of an angle of up to 45 degrees, as Cephes has them, on
# which SciPy's matrices rest: another sine differs in the last bit for one angle in twenty.
RADIAN = 1.74532925199432957692e-2
SINE = (
    1.58962301572218447952e-10,
    -2.50507477628503540135e-8,
    2.75573136213856773549e-6,
    -1.98412698295895384658e-4,
    8.33333333332211858862e-3,
    -1.66666666666666307295e-1,
)
COSINE = (
    1.13678171382044553091e-11,
    -2.08758833757683644217e-9,
    2.75573155429816611547e-7,
    -2.48015872936186303776e-5,
    1.38888888888806666760e-3,
    -4.16666666666666348141e-2,
    4.99999999999999999798e-1,
)
LARGEST = 1.0e14  # degrees from which on nothing is known of an angle


def _polynomial(x, factors):
    total = factors[0]
    for factor in factors[1:]:
        total = total * x + factor
    return total


def _octant(degrees):
    """The octant of an angle, an even one, and the rest in radians."""
    octant = np.floor(degrees / 45.0)
    number = int(octant - 16.0 * np.floor(octant / 16.0))
    if number & 1:
        number, octant = number + 1, octant + 1.0
    return number & 7, (degrees - octant * 45.0) * RADIAN


def _sine(z):
    square = z * z
    return z + z * (square * _polynomial(square, SINE))


def _cosine(z):
    square = z * z
    return 1.0 - square * _polynomial(square, COSINE)


def sine_of(degrees):
    """The sine of an angle in degrees, exact at multiples of 90."""
    size = abs(float(degrees))
    if not size <= LARGEST:
        return 0.0 if size > LARGEST else float("nan")
    number, rest = _octant(size)
    value = _cosine(rest) if number in (2, 6) else _sine(rest)
    negative = (number > 3) != (degrees < 0)
    return float(-value if negative else value)


def cosine_of(degrees):
    """The cosine of an angle in degrees, exact at multiples of 90."""
    size = abs(float(degrees))
    if not size <= LARGEST:
        return 0.0 if size > LARGEST else float("nan")
    number, rest = _octant(size)
    value = _sine(rest) if number in (2, 6) else _cosine(rest)
    return float(-value if number in (2, 4) else value)


def mapped(function, mapping, rank, shape, arguments, keywords):
    """Coordinates that a callback gives, one call for each output pixel in C order."""
    if not isinstance(arguments, tuple):
        raise TypeError(
            f"{function}: extra_arguments must be a tuple; got {type(arguments).__name__}"
        )

    called = mapping
    if arguments or keywords:
        called = lambda index: mapping(index, *arguments, **keywords)  # noqa: E731
    places, first = np.empty((math.prod(shape), rank)), 0
    indices = product(*map(range, shape))
    while some := list(map(called, islice(indices, MAPPED))):
        if set(map(type, some)) != {tuple} or set(map(len, some)) != {rank}:
            some = [_place(function, rank, found) for found in some]
        numbers = np.fromiter(chain.from_iterable(some), np.float64, len(some) * rank)
        places[first : first + len(some)] = numbers.reshape(-1, rank)
        first += len(some)
    return np.ascontiguousarray(places.T).reshape(rank, *shape)


def _place(function, rank, found):
    """What a callback has returned as a tuple of `rank` numbers."""
    if not isinstance(found, tuple):
        raise TypeError(f"{function}: mapping must return a tuple; got {type(found).__name__}")
    if len(found) < rank:
        raise ValueError(
            f"{function}: mapping must return {rank} numbers, one for each axis of the input; "
            f"got {len(found)}"
        )
    return found[:rank]
