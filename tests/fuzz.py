"""Random calls of every public function, valid and not, held against naive oracles.

    python tests/fuzz.py [--count 5000] [--seed 0] [--processes 2] [--pool full] [--only K]

Call k of a seed is always the same one. Calls run in processes of their own, some hundreds in each;
what a process is about to do stands in a file, so that one that dies or hangs names its call, and
its successor goes on after it. A call passes if

- it is valid, and the result is what the oracle says;
- or it was made invalid on purpose, and a ValueError or TypeError says so, in the function's name,
  with `out` as it was.

Everything else is a failure: another exception, a warning, a byte of an argument that has changed,
or a byte around `out`. Ends with `N passed, M failed` on a line of its own; exit status 1 on a
failure. `--only K` makes one call in this process and shows it.

Kernels take seconds to compile, so a pool is a short list of combinations of them.
"""

import argparse
import collections
import contextlib
import faulthandler
import inspect
import itertools
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import child
import numpy as np
import oracle
import systems
from cases import TAPS, coordinates, identity
from tolerances import ORACLE

import fastsample as fs

LIMIT = 900
"""Seconds that a process has, with kernels to compile."""

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
FOLDS = "reflection", "wrap"
PADDINGS = "zeros", "border", "reflection", "wrap", "constant"
FAR = {F32: 1e4, F64: 1e6}
"""Pixels from which a fold is not exact: some value of the image comes back."""
HALF_NEAR = 2e-3
NEVER = 10**400  # too large for a float


# Which kernels are visited


class Kernel(NamedTuple):
    """What needs machine code of its own; `channels` are those of images with channels last."""

    mode: str
    padding: str
    ndim: int
    image: str
    points: str
    channels: int = 0


class Pool(NamedTuple):
    """The kernels of a run, by where coordinates come from and by direction.

    Where it is `tight`, images keep the layout that their kernel is for: planes, or whole pixels if
    it has channels.
    """

    grid: tuple[Kernel, ...]
    matrix: tuple[Kernel, ...]
    steps: tuple[Kernel, ...]
    grid_back: tuple[Kernel, ...]
    matrix_back: tuple[Kernel, ...] = ()
    steps_back: tuple[Kernel, ...] = ()
    matrices: tuple[str, ...] = ("f4", "f8", "f2")
    tight: bool = False


FULL = Pool(
    grid=(
        Kernel("bilinear", "zeros", 2, "f4", "f4", 3),
        Kernel("bilinear", "constant", 2, "u1", "f4", 3),
        Kernel("bilinear", "border", 2, "f2", "f2", 3),
        Kernel("bilinear", "reflection", 2, "i4", "f8", 5),
        Kernel("bilinear", "wrap", 3, "f4", "f8", 2),
        Kernel("bilinear", "zeros", 3, "c16", "f4", 2),
        Kernel("bilinear", "reflection", 1, "c8", "f8", 2),
        Kernel("nearest", "border", 1, "f8", "f8", 2),
        Kernel("nearest", "constant", 3, "u1", "f4", 3),
        Kernel("nearest", "wrap", 2, "u2", "f2", 4),
        Kernel("bicubic", "reflection", 2, "f4", "f4", 4),
        Kernel("bicubic", "constant", 1, "i2", "f4", 2),
        Kernel("bicubic", "border", 3, "f8", "f8", 2),
        Kernel("bicubic", "zeros", 2, "i1", "f4", 3),
    ),
    matrix=(
        Kernel("bilinear", "zeros", 2, "f4", "f4", 3),
        Kernel("bilinear", "border", 2, "u1", "f4", 3),
        Kernel("bilinear", "constant", 1, "f2", "f8", 2),
        Kernel("bilinear", "wrap", 2, "c8", "f2", 2),
        Kernel("nearest", "reflection", 3, "f4", "f4", 2),
        Kernel("bicubic", "wrap", 2, "f8", "f8", 2),
    ),
    steps=(
        Kernel("bilinear", "zeros", 2, "f4", "f4", 3),
        Kernel("bilinear", "zeros", 2, "f8", "f4", 2),
        Kernel("bilinear", "border", 2, "f8", "f8", 2),
        Kernel("nearest", "constant", 1, "i4", "f4", 3),
        Kernel("bicubic", "reflection", 3, "f2", "f4", 2),
    ),
    grid_back=(
        Kernel("bilinear", "zeros", 2, "f4", "f4", 3),
        Kernel("bicubic", "reflection", 1, "c16", "f2", 2),
    ),
    matrix_back=(Kernel("bilinear", "border", 2, "f4", "f4", 3),),
    steps_back=(Kernel("bilinear", "zeros", 2, "f8", "f8", 2),),
)
SMALL = Pool(
    grid=(
        Kernel("bilinear", "zeros", 2, "f4", "f4"),
        Kernel("bilinear", "constant", 2, "u1", "f4", 3),
        Kernel("nearest", "reflection", 1, "f8", "f8"),
        Kernel("bicubic", "border", 1, "i2", "f4"),
    ),
    matrix=(Kernel("bilinear", "border", 2, "f4", "f4"),),
    steps=(Kernel("bilinear", "zeros", 2, "f4", "f4"),),
    grid_back=(Kernel("bilinear", "zeros", 2, "f4", "f4"),),
    matrices=("f4",),
    tight=True,
)
POOLS = {"full": FULL, "small": SMALL}


# Numbers, sizes and memory, drawn at random


class Draw:
    """A generator and the pool to draw kernels from."""

    def __init__(self, rng, pool):
        self.rng, self.pool = rng, pool

    def chance(self, p):
        return self.rng.random() < p

    def one(self, things):
        return things[self.rng.integers(len(things))]

    def number(self, low, high):
        """An int, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def sizes(self, count, least=1, most=9):
        """Sizes of axes, some of them the least one."""
        return tuple(
            least if self.chance(0.2) else self.number(max(least, 2), max(most, least))
            for _ in range(count)
        )

    def output(self):
        """Sizes of a result: any number of axes, now and then none of its points or many."""
        if self.chance(0.015):
            return 150, self.number(130, 145)
        count = self.one([0, 1, 1, 2, 2, 2, 2, 3, 4, 7])
        sizes = self.sizes(count, 1, {1: 60, 2: 15, 3: 6}.get(count, 2))
        return self.emptied(sizes) if self.chance(0.03) else sizes

    def emptied(self, sizes):
        """One of the sizes becomes 0, if there is any."""
        k = self.number(0, len(sizes)) if sizes else 0
        return tuple(0 if j == k else n for j, n in enumerate(sizes))

    def batches(self):
        """Of an image and of its points: equal, or one of them 1."""
        n = 0 if self.chance(0.03) else self.number(1, 3)
        return self.one([(n, n), (n, n), (n, 1), (1, n)])

    def channels(self, kernel, last):
        """How many: 0, 1, or what the kernel is for."""
        many = kernel.channels or (1 if last and self.pool.tight else 3)
        return 0 if self.chance(0.03) else self.one([1, many, many])

    def last(self, kernel):
        """Channels last?"""
        if self.pool.tight:
            return kernel.channels > 0 or self.chance(0.1)
        return self.chance(0.35)

    def values(self, dtype, shape, tame=False):
        """Numbers over a type's range; of floats normal ones with, unless `tame`, special ones."""
        dtype = np.dtype(dtype)
        if dtype.kind == "b":
            return self.rng.random(shape) < 0.5
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            return self.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        x = self.rng.standard_normal(shape) * (1.0 if tame else 10 ** self.rng.uniform(-2, 2.5))
        if dtype.kind == "c":
            x = x + 1j * self.rng.standard_normal(shape)
        x = np.asarray(x).astype(dtype)
        return x if tame or self.chance(0.8) else self.sprinkled(x)

    def sprinkled(self, x, p=0.1):
        """Some elements become special."""
        limits = np.finfo(x.dtype)
        big, tiny = limits.max / 16, 3 * limits.smallest_subnormal
        special = np.array([np.nan, np.inf, -np.inf, big, -big, tiny, -tiny, -0.0], x.dtype)
        chosen = special[self.rng.integers(0, len(special), x.shape)]
        return np.where(self.rng.random(x.shape) < p, chosen, x)

    def points(self, kernel, shape, sizes, kind, align=False, tame=False):
        """Coordinates (*shape, D), a third of them on pixels' centres, some of them special."""
        sizes = tuple(max(n, 1) for n in sizes)
        spill, seed = self.one([0.9, 1.6, 1.6, 8]), self.number(0, 2**31)
        x = coordinates(seed, shape, np.dtype(kernel.points), sizes, kind, align, spill)
        return x if tame or self.chance(0.75) else self.sprinkled(x)

    def fill(self, dtype):
        """A fill value that the type takes."""
        if self.chance(0.5):
            return self.one([0, 0.0, 7])
        some = [1.75, -3, 300, -1e4, np.float32(2.5), np.int16(4), np.inf, -np.inf]
        return self.one(some if dtype.kind in "iu" else [*some, np.nan])


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
    return np.array(np.nan if dtype.kind in "fc" else 1).astype(dtype)


def spread(x, step, skip=0):
    """Every so many elements of a larger array."""
    room = np.full([abs(step) * n + skip for n in x.shape], poison(x.dtype), x.dtype)
    view = room[tuple(slice(skip, skip + abs(step) * n, abs(step)) for n in x.shape)]
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
    room = np.zeros(x.shape, [("before", "u1"), ("value", x.dtype)])
    room["value"] = x
    return room["value"]


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def outer(x, step):
    """Strided along the first axis only."""
    room = np.full((abs(step) * len(x), *x.shape[1:]), poison(x.dtype), x.dtype)
    view = room[::step]
    view[...] = x
    return view


def shared(x):
    """One sample, which all others are."""
    return np.broadcast_to(x[:1], x.shape) if len(x) else x


def repeated(x):
    """One element along the last axis, which all others are."""
    return np.broadcast_to(x[..., :1], x.shape) if x.shape[-1] else x


def turned(x):
    """The first and the last axis change places in memory."""
    return np.ascontiguousarray(x.swapaxes(0, -1)).swapaxes(0, -1)


def swapped(x):
    return x.astype(x.dtype.newbyteorder())


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
    "turned": turned,
}
ROOMS = {
    k: f for k, f in {**SAME, **DENSE, **ANY}.items() if k not in ("read-only", "byte-swapped")
}


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
    if x.ndim:
        ways["foreign"] = Foreign
        return ways[d.one(list(ways))](x)
    return frozen(x)


def array_of(thing):
    """The array that an argument is, in the machine's byte order; the oracles read this one."""
    x = np.asarray(thing.array if isinstance(thing, Foreign) else thing)
    return np.array(x, x.dtype.newbyteorder("="))


def memory_of(thing):
    """The array whose memory an argument is part of, or None."""
    x = thing.array if isinstance(thing, Foreign) else thing
    if not isinstance(x, np.ndarray):
        return None
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


# A call, its judge, and what can be wrong with it


class Case:
    """A call: arguments by name; what its result must be; what each argument is, for faults."""

    def __init__(self, name, arguments, judge, kinds, shape=(), dtype=None, read=None):
        self.name, self.arguments, self.judge, self.kinds = name, arguments, judge, kinds
        self.shape, self.dtype = shape, dtype  # of the result
        self.read = read  # what is read, for gradients
        self.faults, self.sound = [], {}  # what is wrong, and the arguments before that

    @property
    def prefixes(self):
        return (self.name.removeprefix("shifts."),)

    def call(self, d):
        """Some leading arguments without their names."""
        function = FUNCTIONS[self.name]
        order = [name for name in inspect.signature(function).parameters if name in self.arguments]
        lead, rest = [], dict(self.arguments)
        known = inspect.signature(function).parameters
        for name, parameter in itertools.islice(known.items(), d.number(0, 3)):
            if name not in order or parameter.kind is parameter.KEYWORD_ONLY:
                break
            lead.append(rest.pop(name))
        return function(*lead, **rest)


class Vjp(Case):
    """vjp of another case's function."""

    def __init__(self, inner):
        super().__init__("vjp", inner.arguments, None, {**inner.kinds, "function": "function"})
        self.inner, self.function = inner, FUNCTIONS[inner.name]
        self.judge = self.judge_both

    @property
    def prefixes(self):
        return "vjp", *self.inner.prefixes

    def call(self, d):
        function = self.arguments.get("function", self.function)
        rest = {k: v for k, v in self.arguments.items() if k != "function"}
        result, pullback = fs.vjp(function, **rest)
        gradient = d.values(result.dtype, result.shape, tame=True)
        return result, gradient, pullback(gradient)

    def judge_both(self, found):
        result, gradient, grads = found
        self.inner.judge(result)
        backward = FUNCTIONS[self.inner.name + "_backward"]
        taken = inspect.signature(backward).parameters
        want = backward(gradient, **{k: v for k, v in self.arguments.items() if k in taken})
        want = want if isinstance(want, tuple) else (want,)
        assert isinstance(grads, tuple), type(grads)
        assert len(grads) == len(want)
        for one, other in zip(grads, want, strict=True):
            assert (one is None) == (other is None)
            assert one is None or one.tobytes() == other.tobytes(), "not what the backward gives"


class Reading(NamedTuple):
    """What is read where: image (N, C, *in), pixels (N, *out, D)."""

    image: np.ndarray
    pixels: np.ndarray
    mode: str
    padding: str
    align: bool
    fill: float
    slack: Any = 0.0  # how far the kernel's pixels may be off
    lost: Any = False  # points (N, *out) that nothing is said about

    def parts(self):
        """Real numbers: of complex ones both parts, outside of which the imaginary one is 0."""
        if self.image.dtype.kind != "c":
            return [self]
        return [self._replace(image=self.image.real), self._replace(image=self.image.imag, fill=0)]

    def values(self, pixels=None):
        """What the oracle reads: (N, C, *out)."""
        at = self.pixels if pixels is None else pixels
        rule = {"coordinates": "pixel", "fill_value": self.fill}
        return oracle.grid_sample(self.image, at, self.mode, self.padding, self.align, **rule)

    def gradients(self, gradient):
        """Of the image and of the pixels."""
        rule = {"coordinates": "pixel", "fill_value": self.fill}
        options = self.mode, self.padding, self.align
        return oracle.grid_sample_backward(gradient, self.image, self.pixels, *options, **rule)

    @property
    def extent(self):
        """The largest finite magnitude that a tap can read."""
        values = np.abs(np.append(self.image.ravel(), self.fill).astype(np.float64))
        return values[np.isfinite(values)].max(initial=1.0)


def near_of(*dtypes):
    """The tolerance of the coarsest type."""
    return max(HALF_NEAR if d == np.float16 else ORACLE.get(real_of(d), 1e-5) for d in dtypes)


def real_of(dtype):
    """The type of a number's parts in which its arithmetic runs."""
    dtype = np.dtype(dtype)
    return F64 if dtype.name in ("float64", "complex128", "int32") else F32


def is_off(got, want, bound, fill=0.0, exact=False):
    """Which numbers differ by more than the bound; integers may by one."""
    dtype = got.dtype
    with np.errstate(all="ignore"):
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            want = np.clip(np.rint(np.where(np.isnan(want), fill, want)), limits.min, limits.max)
            return np.abs(got.astype(np.float64) - want) > (0 if exact else max(1, bound))
        if exact:
            want = want.astype(dtype)
        wide, limits = got.astype(np.float64), np.finfo(dtype)
        same = (wide == want) | (np.isnan(wide) & np.isnan(want))
        over = (np.abs(want) > 0.99 * float(limits.max)) & np.isinf(wide) & (wide * want > 0)
        near = np.abs(wide - want) <= (0 if exact else bound + 4 * float(limits.smallest_subnormal))
        return ~(same | over | near)


def judge_values(got, reading):
    """The result (N, C, *out) is what is read."""
    assert got.dtype == reading.image.dtype, f"{got.dtype}, not {reading.image.dtype}"
    targets = (got.real, got.imag) if got.dtype.kind == "c" else (got,)
    for one, part in zip(targets, reading.parts(), strict=True):
        wrong = values_off(one, part)
        assert not wrong.any(), told(one, part.values(), wrong)


def told(got, want, wrong):
    """The first number that is off."""
    place = tuple(np.argwhere(wrong)[0].tolist())
    return f"{wrong.sum()} of {wrong.size} off, first {place}: {got[place]!r}, not {want[place]!r}"


def values_off(got, r):
    """Which values no oracle explains."""
    want = r.values()
    assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
    if not got.size:
        return np.zeros(got.shape, bool)
    slack = np.where(np.isfinite(r.slack), r.slack, 0)
    bound = near_of(got.dtype) * r.extent + 4 * np.max(slack, initial=0) * r.extent * r.image.ndim
    exact = r.mode == "nearest"
    wrong = is_off(got, want, bound, r.fill, exact)
    wrong &= ~np.broadcast_to(r.lost, r.pixels.shape[:-1])[:, None]
    if wrong.any():
        wrong &= ~is_some_pixel(got, r)
    if r.mode == "bicubic" and r.padding in ("border", "reflection") and got.dtype.kind == "f":
        wrong &= ~(np.isinf(got) & ~np.isfinite(want))  # two taps at one pixel count as one
    if wrong.any() and r.mode == "bicubic":
        wrong &= ~nearly_unread(r)
    if wrong.any():
        for pixels in moved(r):
            wrong &= is_off(got, r.values(pixels), bound, r.fill, exact)
    return wrong


def is_some_pixel(got, r):
    """Far outside a fold: a number that the image can give."""
    finite = np.isfinite(r.pixels)
    with np.errstate(all="ignore"):
        far = (np.abs(r.pixels) > FAR[real_of(r.pixels.dtype)]) & finite
        if r.padding not in FOLDS or not far.any():
            return np.zeros(got.shape, bool)
        inside = np.abs(got.astype(np.float64)) <= 2.1 * r.extent  # 1.25 an axis for bicubic
    if not np.isfinite(r.image).all():
        inside = np.ones(got.shape, bool)
    return inside & (far.any(-1) & finite.all(-1))[:, None]


def nearly_unread(r):
    """Points so near to a pixel's centre that it is rounding which of its neighbours count.

    That matters where these are not finite. The outer weights of bicubic grow with the square of
    the distance: (N, 1, *out).
    """
    if np.isfinite(r.image).all() and np.isfinite(r.fill):
        return np.zeros((1, 1) + (1,) * (r.pixels.ndim - 2), bool)
    coarser = max(np.finfo(real_of(x.dtype)).eps for x in (r.image, r.pixels))
    with np.errstate(all="ignore"):
        apart = np.abs(r.pixels - np.rint(r.pixels))
        near = apart <= np.maximum(r.slack, 4 * np.sqrt(coarser))
    return (near & ((apart > 0) | (np.asarray(r.slack) > 0))).any(-1)[:, None]


def moved(r):
    """The pixels, each axis moved by what the kernel may be off, or to what it may have rounded."""
    p = r.pixels.astype(np.float64)
    eps = np.finfo(real_of(r.pixels.dtype)).eps
    with np.errstate(all="ignore"):
        own = 0 if np.isfinite(r.image).all() and np.isfinite(r.fill) else 4 * eps * (1 + abs(p))
        slack = np.maximum(np.broadcast_to(r.slack, p.shape), own)
        if not (slack > 0).any():
            return
        whole = np.where(np.abs(p - np.rint(p)) <= slack, np.rint(p), p)
        ways = p - slack, p, p + slack, whole
        for choice in itertools.product(range(4), repeat=p.shape[-1]):
            yield np.stack([ways[k][..., a] for a, k in enumerate(choice)], -1)


def judge_gradients(found, r, gradient, shared_by):
    """Gradients (N, C, *in) and, in pixels, (N, *out, D); None where nobody asked."""
    to_image, to_pixels = found
    parts = r.parts()
    grads = [gradient.real, gradient.imag] if len(parts) == 2 else [gradient]
    wants = [part.gradients(g) for part, g in zip(parts, grads, strict=True)]
    largest = np.abs(gradient.astype(complex)).max(initial=0)
    if to_image is not None:
        assert to_image.dtype == r.image.dtype
        targets = (to_image.real, to_image.imag) if len(parts) == 2 else (to_image,)
        bound = near_of(r.image.dtype) * largest * (1 + shared_by / 20)
        for one, (want, _) in zip(targets, wants, strict=True):
            assert one.shape == want.shape, f"shape {one.shape}, not {want.shape}"
            wrong = is_off(one, want, bound)
            assert not wrong.any(), "grad_input: " + told(one, want, wrong)
    if to_pixels is not None:
        got, unit = to_pixels
        want = sum(w for _, w in wants) * unit
        scale = 8 * largest * max(r.extent, 1) * r.image.shape[1] * max(unit, default=1)
        bound = near_of(r.image.dtype, got.dtype) * scale * (1 + shared_by / 100)
        assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
        wrong = is_off(got, want, bound)
        assert not wrong.any(), "grad_coordinates: " + told(got, want, wrong)


def fixed(p, value):
    """Pixels of finite coordinates are finite."""
    with np.errstate(all="ignore"):
        return np.where(np.isfinite(value), np.nan_to_num(p), p)


def widened(x):
    """float16 as float32."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def along(points, sizes, formula):
    """A formula of (value, size) on each coordinate, x first."""
    points = widened(points)
    with np.errstate(all="ignore"):
        columns = [
            fixed(formula(points[..., a], sizes[-1 - a]), points[..., a]) for a in range(len(sizes))
        ]
    return np.stack(columns, -1)


def pixels_of_grid(points, sizes, kind, align):
    """Where `grid_sample` reads."""
    if kind == "pixel":
        return widened(points)
    return along(points, sizes, lambda g, n: oracle.unnormalise(g, n, align))


def pixels_of_points(points, sizes, align):
    """Where `point_sample` reads: p S - 1/2, rounded once, or p (S - 1)."""

    def formula(p, n):
        real = p.dtype.type
        if align:
            return p * real(n - 1)
        wide = np.float64 if real is np.float32 else np.longdouble
        return (p.astype(wide) * wide(n) - wide(0.5)).astype(real)

    return along(points, sizes, formula)


def pixels_of_steps(steps, sizes):
    """Where `flow_warp` reads; steps (N, *in, D)."""
    steps = widened(steps)
    with np.errstate(all="ignore"):
        return fixed(steps + identity(sizes, steps.dtype), steps)


def base_of(sizes, align):
    """(*sizes, D + 1): x, y, z, 1 of each pixel."""
    axes = np.meshgrid(*(systems.base_points(n, align) for n in sizes), indexing="ij")
    return np.stack([*axes[::-1], np.ones(sizes)], -1)


def by_matrix(slopes, base):
    """The gradient of matrices from that of their grid (N, *out, D)."""
    rows = slopes.reshape(len(slopes), base[..., 0].size, slopes.shape[-1])
    return np.einsum("npi,pj->nij", rows, base.reshape(-1, base.shape[-1]))


def reading_of_matrices(image, theta, sizes, options, align):
    """What `affine_sample` reads: pixels in double, with the slack of theta's type."""
    real = widened(theta).dtype
    wide = theta.astype(np.float64)
    with np.errstate(all="ignore"):
        grid = np.einsum("...j,nij->n...i", base_of(sizes, align), wide)
        pixels = along(grid, image.shape[2:], lambda g, n: oracle.unnormalise(g, n, align))
        reach = np.abs(wide).sum((1, 2), where=np.isfinite(wide)) + 1
        slack = 8 * np.finfo(real).eps * max(image.shape[2:], default=1) * reach
        lost = (np.isinf(wide) | (np.abs(wide) > 1e3)).any((1, 2))
    shape = (-1,) + (1,) * (len(sizes) + 1)
    slack = np.where(lost, 0, slack).reshape(shape)
    return Reading(image, pixels, *options, slack=slack, lost=lost.reshape(shape)[..., 0])


# Makers: a valid call each


def second(x):
    """Channels last to second."""
    return np.moveaxis(x, -1, 1) if x.ndim > 2 else x


def image_of(d, kernel, n, sizes, last, tame=False):
    """An argument (N, C, *in) or (N, *in, C)."""
    channels = d.channels(kernel, last)
    shape = (n, *sizes, channels) if last else (n, channels, *sizes)
    like = ("pixels" if kernel.channels else "planes") if d.pool.tight else "any"
    return dressed(d, d.values(kernel.image, shape, tame), like)


def least_of(d, kernel):
    """The shortest axis that the kernel is for."""
    return max(TAPS[kernel.mode], 2) if d.pool.tight else 1


def scene(d, kernel, out):
    """Sizes, batches and *out that go together: where an axis has no pixels, *out has no points."""
    sizes = d.sizes(kernel.ndim, least_of(d, kernel), 9 if kernel.ndim < 3 else 6)
    if d.chance(0.02):
        sizes, out = d.emptied(sizes), d.emptied(out or (1,))
        if 0 in sizes and 0 not in out:
            out = (0, *out[1:])
    return sizes, out, d.batches()


def options_of(d, kernel, dtype, constant=None):
    """mode, padding_mode and fill_value, some of them left at their default where that is right."""
    fill = d.fill(np.dtype(dtype))
    options = {"mode": kernel.mode, "padding_mode": kernel.padding, "fill_value": fill}
    defaults = {"mode": "bilinear", "padding_mode": "zeros", "fill_value": 0}
    return {k: v for k, v in options.items() if not (defaults[k] == v and d.chance(0.5))}


def rule_of(arguments, align=False):
    """mode, padding, align_corners and fill of a call."""
    get = arguments.get
    return (
        get("mode", "bilinear"),
        get("padding_mode", "zeros"),
        bool(get("align_corners", align)),
        float(get("fill_value", 0)),
    )


WORDS = {"mode": "word", "padding_mode": "word", "fill_value": "fill"}
FLAGS = {"align_corners": "flag", "channels_last": "flag"}


def sampling(d, name, kernel, arguments, read, out, kinds):
    """A case of a function of an input and points; `read` makes a Reading, channels second."""
    image = array_of(arguments["input"])
    last = arguments["channels_last"]
    r = read()
    batch = len(r.pixels) if len(image) == 1 else len(image)
    channels = r.image.shape[1]
    shape = (batch, *out, channels) if last else (batch, channels, *out)

    def judge(got):
        is_a_result(got, shape, image.dtype, arguments)
        judge_values(second(got) if last else got, r)

    if d.chance(0.3):
        give_out(d, arguments, shape, image.dtype, kernel)
    kinds = {"input": "image", **WORDS, **FLAGS, "out": "out", **kinds}
    return Case(name, arguments, judge, kinds, shape, image.dtype, lambda: r)


def is_a_result(got, shape, dtype, arguments):
    """An array of this shape and type; `out` itself, where given."""
    assert type(got) is np.ndarray, type(got)
    assert got.shape == shape, f"shape {got.shape}, not {shape}"
    assert got.dtype == dtype, f"{got.dtype}, not {dtype}"
    assert got.dtype.isnative
    if arguments.get("out") is not None:
        assert got is arguments["out"]


def give_out(d, arguments, shape, dtype, kernel=None):
    """An `out` somewhere in memory, perhaps between the input's elements."""
    room = d.values(dtype, shape, tame=True)
    image = arguments.get("input")
    if (
        not d.pool.tight
        and isinstance(image, np.ndarray)
        and image.dtype == dtype
        and d.chance(0.1)
    ):
        comb = np.full(2 * max(image.size, room.size), poison(room.dtype), room.dtype)
        arguments["input"] = comb[::2][: image.size].reshape(image.shape)
        arguments["input"][...] = image
        arguments["out"] = comb[1::2][: room.size].reshape(shape)
        arguments["out"][...] = room
        return
    ways = dict(ROOMS)
    if d.pool.tight and kernel is not None and kernel.channels:
        ways = {k: f for k, f in SAME.items() if k in ways}
    arguments["out"] = room if d.chance(0.4) or not room.ndim else ways[d.one(list(ways))](room)


def common(d, kernel, image, align=True, last=False):
    """The options that most functions have."""
    found = options_of(d, kernel, image.dtype)
    if align:
        found["align_corners"] = d.one([True, False, np.bool_(True)])
    return {**found, "channels_last": last}


def make_grid_sample(d, kernel=None, tame=False):
    kernel = kernel or d.one(d.pool.grid)
    sizes, out, (n, m) = scene(d, kernel, d.output())
    last = d.last(kernel)
    image = image_of(d, kernel, n, sizes, last, tame)
    options = common(d, kernel, array_of(image), last=last)
    kind = d.one(["normalized", "pixel"])
    align = bool(options["align_corners"])
    grid = dressed(d, d.points(kernel, (m, *out), sizes, kind, align))
    arguments = {"input": image, "grid": grid, "coordinates": kind, **options}

    def read():
        x = array_of(arguments["input"])
        pixels = pixels_of_grid(array_of(arguments["grid"]), sizes, kind, align)
        return Reading(second(x) if last else x, pixels, *rule_of(arguments))

    return sampling(
        d, "grid_sample", kernel, arguments, read, out, {"grid": "points", "coordinates": "word"}
    )


def make_point_sample(d, kernel=None, tame=False):
    kernel = kernel or d.one(d.pool.grid)
    sizes, out, (n, m) = scene(d, kernel, d.output())
    last = d.last(kernel)
    image = image_of(d, kernel, n, sizes, last, tame)
    options = common(d, kernel, array_of(image), last=last)
    with np.errstate(over="ignore"):
        points = (d.points(kernel, (m, *out), sizes, "normalized") + 1) / 2
    arguments = {"input": image, "points": dressed(d, points.astype(kernel.points)), **options}

    def read():
        x, where = array_of(arguments["input"]), array_of(arguments["points"])
        pixels = pixels_of_points(where, sizes, bool(options["align_corners"]))
        return Reading(second(x) if last else x, pixels, *rule_of(arguments))

    return sampling(d, "point_sample", kernel, arguments, read, out, {"points": "points"})


def make_flow_warp(d, kernel=None, tame=False):
    kernel = kernel or d.one(d.pool.steps)
    sizes, _, (n, m) = scene(d, kernel, ())
    last = d.last(kernel)
    image = image_of(d, kernel, n, sizes, last, tame)
    if d.chance(0.3):
        steps = d.rng.integers(-3, 4, (m, *sizes, kernel.ndim)).astype(kernel.points)
    else:
        steps = (d.rng.standard_normal((m, *sizes, kernel.ndim)) * 3).astype(kernel.points)
        steps = d.sprinkled(steps) if d.chance(0.2) else steps
    flow = dressed(d, steps if last else np.moveaxis(steps, -1, 1).copy())
    options = common(d, kernel, array_of(image), align=False, last=last)
    arguments = {"input": image, "flow": flow, **options}

    def read():
        x, flow = array_of(arguments["input"]), array_of(arguments["flow"])
        pixels = pixels_of_steps(flow if last else np.moveaxis(flow, 1, -1), sizes)
        return Reading(second(x) if last else x, pixels, *rule_of(arguments))

    case = sampling(d, "flow_warp", kernel, arguments, read, sizes, {"flow": "points"})
    del case.kinds["align_corners"]
    return case


def matrices(d, kernel, n, special=True):
    """(N, D, D + 1), near the identity, or it, or with something special."""
    axes = kernel.ndim
    noise = d.rng.standard_normal((n, axes, axes + 1)) * d.one([0.0, 0.1, 0.6, 0.6])
    theta = (np.eye(axes, axes + 1) + noise).astype(kernel.points)
    return d.sprinkled(theta) if special and d.chance(0.1) else theta


def make_affine_sample(d, kernel=None, tame=False):
    kernel = kernel or d.one(d.pool.matrix)
    sizes, _, (n, m) = scene(d, kernel, ())
    out = d.emptied(sizes) if 0 in sizes else d.sizes(kernel.ndim, 1, 9 if kernel.ndim < 3 else 5)
    if 0 in sizes and 0 not in out:
        out = (0, *out[1:])
    last = d.last(kernel)
    image = image_of(d, kernel, n, sizes, last, tame)
    options = common(d, kernel, array_of(image), last=last)
    theta = dressed(d, matrices(d, kernel, m))
    size = d.one([tuple, list, np.array])(out)
    arguments = {"input": image, "theta": theta, "size": size, **options}

    def read():
        x, theta = array_of(arguments["input"]), array_of(arguments["theta"])
        rule = rule_of(arguments)
        return reading_of_matrices(second(x) if last else x, theta, out, rule, rule[2])

    kinds = {"theta": "points", "size": "size"}
    return sampling(d, "affine_sample", kernel, arguments, read, out, kinds)


def make_remap(d):
    kernel = d.one([k for k in d.pool.grid if k.ndim == 2])
    sizes, out, _ = scene(d, kernel, d.output())
    colours = kernel.channels > 0 if d.pool.tight else d.chance(0.6)
    channels = d.channels(kernel, True) if colours else 1
    values = d.values(kernel.image, (*sizes, channels) if colours else sizes)
    like = ("pixels" if colours else "planes") if d.pool.tight else "any"
    image = dressed(d, values, like)
    maps = d.points(kernel, out, sizes, "pixel")
    if d.chance(0.3):  # of one array, as other libraries have them
        both = np.ascontiguousarray(maps)
        x, y = both[..., 0], both[..., 1]
    else:
        x, y = (dressed(d, maps[..., a].copy()) for a in (0, 1))
        if isinstance(x, np.ndarray) != isinstance(y, np.ndarray) or x_type(x) != x_type(y):
            x, y = array_of(x), array_of(y)
    arguments = {"image": image, "map_x": x, "map_y": y}
    arguments |= options_of(d, kernel, array_of(image).dtype)
    shape = (*out, channels) if colours else out
    dtype = array_of(image).dtype

    def judge(got):
        is_a_result(got, shape, dtype, arguments)
        picture = array_of(image)
        planes = np.moveaxis(picture if colours else picture[..., None], -1, 0)[None]
        pixels = np.stack([array_of(x), array_of(y)], -1)[None]
        r = Reading(planes, widened(pixels), *rule_of(arguments))
        judge_values(np.moveaxis(got if colours else got[..., None], -1, 0)[None], r)

    if d.chance(0.3):
        give_out(d, arguments, shape, dtype, kernel)
    kinds = {"image": "picture", "map_x": "map", "map_y": "map", **WORDS, "out": "out"}
    return Case("remap", arguments, judge, kinds, shape, dtype)


def x_type(x):
    """The type with its byte order, which both maps share."""
    return np.asarray(x.array if isinstance(x, Foreign) else x).dtype


def backward_of(case, d):
    """The backward of a case of one of the functions above."""
    arguments = dict(case.arguments)
    arguments.pop("out", None)
    dtype = case.dtype
    mask = d.one([(True, True), (True, True), [True, False], (np.bool_(False), True)])
    gradient = dressed(d, d.values(dtype, case.shape, tame=True))
    arguments = {"grad_output": gradient, **arguments, "output_mask": mask}
    kinds = {**case.kinds, "grad_output": "gradient", "output_mask": "two"}
    kinds["input"] = "floats"
    del kinds["out"]
    return arguments, kinds


def hollow(arguments, kernels):
    """Without kernels to go back through nothing is asked for."""
    if not kernels:
        arguments["output_mask"] = (False, False)
    return arguments


def judge_pair(found, arguments, names):
    """Two gradients, of the arguments' shapes and types, or None where nobody asked."""
    assert isinstance(found, tuple)
    assert len(found) == 2
    for got, wanted, name in zip(found, arguments["output_mask"], names, strict=True):
        assert (got is not None) == bool(wanted), f"{name}: {wanted} asked"
        if wanted:
            like = array_of(arguments[name])
            is_a_result(got, like.shape, like.dtype, {})


def make_sampled_backward(d, make, kernels, points, unit):
    """Of grid_sample, point_sample, flow_warp; `unit` tells pixels a unit of the coordinates."""
    some = kernels or d.pool.grid_back
    case = make(d, d.one(some), tame=True)
    arguments, kinds = backward_of(case, d)
    hollow(arguments, kernels)
    last = arguments["channels_last"]
    planar = points == "flow" and not last

    def judge(found):
        judge_pair(found, arguments, ("input", points))
        to_image, to_points = found
        r, gradient = case.read(), array_of(arguments["grad_output"])
        if last:
            gradient = second(gradient)
            to_image = None if to_image is None else second(to_image)
        if to_points is not None:
            to_points = np.moveaxis(to_points, 1, -1) if planar else to_points
            scales = [unit(n, r.align, arguments) for n in r.image.shape[:1:-1]]
            to_points = to_points, np.array(scales, np.float64)
        shared_by = r.pixels.size * max(len(r.image), 1) / max(len(r.pixels), 1)
        judge_gradients((to_image, to_points), r, gradient, shared_by)

    return Case(case.name + "_backward", arguments, judge, kinds)


def make_grid_sample_backward(d):
    def unit(n, align, arguments):
        pixel = arguments["coordinates"] == "pixel"
        return 1 if pixel else oracle.pixels_a_unit(n, align)

    return make_sampled_backward(d, make_grid_sample, d.pool.grid_back, "grid", unit)


def make_point_sample_backward(d):
    def unit(n, align, _):
        return n - 1 if align else n

    return make_sampled_backward(d, make_point_sample, d.pool.grid_back, "points", unit)


def make_flow_warp_backward(d):
    return make_sampled_backward(d, make_flow_warp, d.pool.steps_back, "flow", lambda *_: 1)


def near_kinks(pixels, slack):
    """Points at which a slope may be that of another cell (N, *out)."""
    with np.errstate(all="ignore"):
        return (np.abs(2 * pixels - np.rint(2 * pixels)) <= 2 * slack).any(-1)


def make_affine_sample_backward(d):
    kernels = d.pool.matrix_back
    case = make_affine_sample(d, d.one(kernels or d.pool.grid_back), tame=True)
    case.arguments["theta"] = np.nan_to_num(array_of(case.arguments["theta"]), posinf=1, neginf=1)
    case.arguments["theta"] = np.clip(case.arguments["theta"], -9, 9)
    arguments, kinds = backward_of(case, d)
    hollow(arguments, kernels)
    last, align = arguments["channels_last"], bool(arguments["align_corners"])
    out = tuple(int(n) for n in arguments["size"])
    x, theta = array_of(arguments["input"]), arguments["theta"]
    r = reading_of_matrices(second(x) if last else x, theta, out, rule_of(arguments), align)
    gradient = array_of(arguments["grad_output"])
    (second(gradient) if last else gradient)[...] *= ~near_kinks(r.pixels, r.slack)[:, None]
    arguments["grad_output"] = dressed(d, gradient, keep=True)
    arguments["theta"] = dressed(d, theta, keep=True)

    def judge(found):
        judge_pair(found, arguments, ("input", "theta"))
        to_image, to_theta = found
        seen = second(gradient) if last else gradient
        if to_image is not None and last:
            to_image = second(to_image)
        shared_by = r.pixels.size * max(len(r.image), 1) / max(len(r.pixels), 1)
        # off by the slack, a weight is off by as much
        judge_gradients(
            (to_image, None), r, seen, shared_by * (1 + 40 * np.max(r.slack, initial=0))
        )
        if to_theta is not None:
            units = [oracle.pixels_a_unit(n, align) for n in r.image.shape[:1:-1]]
            slopes = r.gradients(seen)[1] * np.array(units)
            want = by_matrix(slopes, base_of(out, align))
            scale = 8 * np.abs(seen).max(initial=0) * r.extent * max(units, default=1)
            scale *= np.sqrt(max(shared_by, 1)) * max(r.image.shape[1], 1)
            wrong = is_off(to_theta, want, 4 * near_of(np.float32) * scale)
            assert not wrong.any(), "grad_theta: " + told(to_theta, want, wrong)

    return Case("affine_sample_backward", arguments, judge, kinds)


def make_affine_grid(d, kernel=None, tame=False):
    axes = d.number(1, 3)
    kernel = Kernel("", "", axes, "", d.one(d.pool.matrices))
    n = 0 if d.chance(0.03) else d.number(1, 3)
    out = d.sizes(axes, 1, (30, 9, 5)[axes - 1])
    out = d.emptied(out) if d.chance(0.03) else out
    theta = dressed(d, matrices(d, kernel, d.one([n, n, 1]) if n else n, special=not tame))
    size, align = (n, d.number(0, 4), *out), d.chance(0.5)
    arguments = {"theta": theta, "size": size, "align_corners": align}
    real = widened(array_of(theta)).dtype
    shape = (n, *out, axes)

    def judge(got):
        is_a_result(got, shape, real, arguments)
        given = np.broadcast_to(array_of(theta), (n, axes, axes + 1))
        want = oracle.affine_grid(given, size, align)
        wild = ~np.isfinite(given) & ~np.isnan(given) | (np.abs(given) > 1e6)
        wrong = is_off(
            got,
            want,
            near_of(real)
            * (1 + np.abs(given[~wild]).max(initial=0, where=~np.isnan(given[~wild])) * 4),
        )
        wrong &= ~wild.any((1, 2)).reshape(-1, *(1,) * (axes + 1))
        assert not wrong.any(), told(got, want, wrong)

    if d.chance(0.3) and not tame:
        give_out(d, arguments, shape, real)
    kinds = {"theta": "points", "size": "size", "align_corners": "flag", "out": "out"}
    return Case("affine_grid", arguments, judge, kinds, shape, real)


def make_affine_grid_backward(d):
    axes, n = d.number(1, 3), 0 if d.chance(0.03) else d.number(1, 3)
    out = d.sizes(axes, 1, (30, 9, 5)[axes - 1])
    out = d.emptied(out) if d.chance(0.03) else out
    dtype = np.dtype(d.one([t for t in d.pool.matrices if t != "f2"]))
    gradient = dressed(d, d.values(dtype, (n, *out, axes), tame=True))
    size, align = (n, d.number(0, 4), *out), d.chance(0.5)
    arguments = {"grad_grid": gradient, "size": size, "align_corners": align}

    def judge(got):
        is_a_result(got, (n, axes, axes + 1), dtype, {})
        given = array_of(gradient)
        want = oracle.affine_grid_backward(given, size, align)
        bound = near_of(dtype) * (1 + np.abs(given).sum())
        wrong = is_off(got, want, bound)
        assert not wrong.any(), told(got, want, wrong)

    kinds = {"grad_grid": "gradient", "size": "size", "align_corners": "flag"}
    return Case("affine_grid_backward", arguments, judge, kinds)


def whole_shifts(d, rows, axes, sizes):
    """Shifts of an integer type, some as far as it goes."""
    dtype = np.dtype(d.one(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]))
    limits = np.iinfo(dtype)
    near = d.rng.integers(max(limits.min, -12), 12, (rows, axes)).astype(dtype)
    far = np.array([limits.min, limits.max, limits.max // 2 + 1], dtype)
    return np.where(d.rng.random((rows, axes)) < 0.1, far[d.rng.integers(0, 3, (rows, axes))], near)


def groups_of(d, channels):
    """A divisor of the channels."""
    return d.one([g for g in range(1, channels + 1) if channels % g == 0] or [0, 1, 2])


COPIED = ["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]
DIFFERENTIABLE = ["f2", "f4", "f8", "c8", "c16"]


def shifting(d, types, back=False):
    """Arguments of a shift by whole pixels, or None where the pool says: by fractions."""
    last = d.chance(0.3)
    channels = 0 if d.chance(0.03) else d.one([1, 2, 3, 4, 6])
    sizes = d.sizes(d.number(1, 3), 1, 6)
    sizes = d.emptied(sizes) if d.chance(0.03) else sizes
    n = 0 if d.chance(0.03) else d.number(1, 3)
    padding = d.one(PADDINGS)
    if back and d.pool.tight:
        padding = d.one(["zeros", "wrap", "constant"])
    dtype = np.dtype(d.one(types))
    if back and padding in ("border", "reflection"):
        dtype = F32
    shape = (n, *sizes, channels) if last else (n, channels, *sizes)
    image = dressed(d, d.values(dtype, shape, tame=back))
    shifts = dressed(d, whole_shifts(d, groups_of(d, channels), len(sizes), sizes))
    return {
        "input": image,
        "shifts": shifts,
        "padding_mode": padding,
        "fill_value": d.fill(dtype),
        "channels_last": last,
    }


def sliding(d, kernel, tame=False):
    """Arguments of a shift by fractions."""
    sizes = d.sizes(kernel.ndim, least_of(d, kernel), 7)
    last = d.chance(0.3) and not d.pool.tight
    n, channels = d.number(1, 3), d.one([1, 2, 4]) if d.pool.tight else d.one([1, 3])
    shape = (n, *sizes, channels) if last else (n, channels, *sizes)
    like = "planes" if d.pool.tight else "any"
    image = dressed(d, d.values(kernel.image, shape, tame), like)
    rows = d.rng.standard_normal((groups_of(d, channels), kernel.ndim)) * 3
    rows = np.where(d.rng.random(rows.shape) < 0.2, np.rint(rows), rows).astype(kernel.points)
    rows = d.sprinkled(rows) if d.chance(0.1) else rows
    return {
        "input": image,
        "shifts": dressed(d, rows),
        "padding_mode": kernel.padding,
        "fill_value": d.fill(np.dtype(kernel.image)),
        "channels_last": last,
    }


def slides(arguments, image, shifts):
    """(channels, what they read) of each group."""
    step = image.shape[1] // len(shifts)
    for g, row in enumerate(shifts):
        channels = slice(g * step, (g + 1) * step)
        steps = np.broadcast_to(-row[::-1], (1, *image.shape[2:], len(row)))
        pixels = np.broadcast_to(
            pixels_of_steps(steps, image.shape[2:]), (len(image), *steps.shape[1:])
        )
        rule = "bilinear", arguments["padding_mode"], False, float(arguments["fill_value"])
        yield channels, Reading(image[:, channels], pixels, *rule)


SHIFTED = {
    "input": "numbers",
    "shifts": "shifts",
    "padding_mode": "word",
    "fill_value": "fill",
    "channels_last": "flag",
    "out": "out",
}


def shift_kernels(d):
    """Matrix kernels whose types and mode shifts take."""
    return [k for k in d.pool.matrix if k.mode == "bilinear" and k.points != "f2"]


def make_region_shift(d, kernel=None, tame=False):
    whole = d.chance(0.5)
    arguments = shifting(d, COPIED if not tame else DIFFERENTIABLE, back=tame)
    if not whole:
        arguments = sliding(d, kernel or d.one(shift_kernels(d)), tame)
    image = array_of(arguments["input"])
    last, shape, dtype = arguments["channels_last"], image.shape, image.dtype

    def judge(got):
        is_a_result(got, shape, dtype, arguments)
        x, shifts = array_of(arguments["input"]), array_of(arguments["shifts"])
        x, got = (second(x), second(got)) if last else (x, got)
        if not x.size:
            return
        if not whole:
            for channels, r in slides(arguments, x, shifts):
                judge_values(got[:, channels], r)
            return
        fill = arguments["fill_value"]
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            fill = round(min(max(fill, limits.min), limits.max))  # an int, exact
        want = systems.region_shift(x, shifts, arguments["padding_mode"], fill_value=fill)
        assert np.ascontiguousarray(got).tobytes() == want.tobytes(), "not the same bits"

    if d.chance(0.3) and not tame:
        give_out(d, arguments, shape, dtype)
    return Case("region_shift", arguments, judge, dict(SHIFTED), shape, dtype)


def make_region_shift_backward(d):
    kernels = [k for k in d.pool.matrix_back if k.mode == "bilinear"]
    whole = not kernels or d.chance(0.5)
    arguments = (
        shifting(d, DIFFERENTIABLE, back=True) if whole else sliding(d, d.one(kernels), True)
    )
    image = array_of(arguments["input"])
    last = arguments["channels_last"]
    mask = d.one([(True, True), [True, False], (False, True)])
    gradient = dressed(d, d.values(image.dtype, image.shape, tame=True))
    arguments = {"grad_output": gradient, **arguments, "output_mask": mask}

    def judge(found):
        to_input, to_shifts = found
        assert (to_input is not None) == mask[0]
        assert (to_shifts is not None) == (mask[1] and not whole)
        x, shifts, g = (array_of(arguments[k]) for k in ("input", "shifts", "grad_output"))
        if mask[0]:
            is_a_result(to_input, x.shape, x.dtype, {})
        seen = [second(a) if last else a for a in (x, g)]
        got = to_input if to_input is None or not last else second(to_input)
        if not x.size:
            return
        if whole:
            judge_copied_back(got, *seen[1:], shifts, arguments["padding_mode"])
        else:
            judge_slid_back(got, to_shifts, *seen, shifts, arguments)

    kinds = {**SHIFTED, "grad_output": "gradient", "output_mask": "two", "input": "back numbers"}
    del kinds["out"]
    return Case("region_shift_backward", arguments, judge, kinds)


def judge_copied_back(got, gradient, shifts, padding):
    """Each pixel's gradient goes to the pixel that it was copied from."""
    if got is None:
        return
    want = np.zeros(gradient.shape, np.complex128)
    rows = np.repeat(shifts, gradient.shape[1] // len(shifts), axis=0)
    sizes = gradient.shape[2:]
    for c, row in enumerate(rows):
        for place in np.ndindex(*sizes):
            pairs = zip(place, row, sizes, strict=True)
            read = [systems.source(h - int(s), n, padding) for h, s, n in pairs]
            if None not in read:
                want[(slice(None), c, *read)] += gradient[(slice(None), c, *place)]
    bound = near_of(got.dtype) * 20 * (1 + np.abs(want).max())
    for part in ("real", "imag") if got.dtype.kind == "c" else ("real",):
        wrong = is_off(getattr(got, part), getattr(want, part), bound)
        assert not wrong.any(), "grad_input: " + told(got, want, wrong)


def judge_slid_back(got, to_shifts, image, gradient, shifts, arguments):
    """Group by group."""
    for g, (channels, r) in enumerate(slides(arguments, image, shifts)):
        part = gradient[:, channels]
        judge_gradients((None if got is None else got[:, channels], None), r, part, r.pixels.size)
        if to_shifts is not None:
            slopes = r.gradients(part)[1]
            want = -slopes.reshape(-1, slopes.shape[-1]).sum(0)[::-1]
            count = max(r.image.size, 1)
            scale = 8 * np.abs(part).max(initial=0) * r.extent * count
            wrong = is_off(to_shifts[g], want, near_of(to_shifts.dtype, image.dtype) * scale)
            assert not wrong.any(), "grad_shifts: " + told(to_shifts[g], want, wrong)


def make_paste_masks(d):
    k = 0 if d.chance(0.05) else d.number(1, 4)
    dtype = np.dtype(d.one(["f4", "f4", "f8", "u1", "b1"]))
    sizes, size = d.sizes(2, 1, 8), d.sizes(2, 1, 24)
    size = d.emptied(size) if d.chance(0.03) else size
    masks = d.values(dtype, (k, *sizes), tame=d.chance(0.7))
    low = d.rng.uniform(-9, 24, (k, 2))
    boxes = np.concatenate([low, low + d.rng.uniform(-1, 30, (k, 2))], 1)
    boxes = np.where(d.rng.random(boxes.shape) < 0.3, np.rint(2 * boxes) / 2, boxes)
    boxes = boxes * d.one([1, 1, 1, 1, 1e-3, 1e30])
    arguments = {
        "masks": dressed(d, masks),
        "boxes": dressed(d, boxes.astype(d.one(["f4", "f8"]))),
        "image_size": d.one([tuple, list])(size),
        "threshold": d.one(
            [0.5, 0.5, None, None, 127.5, 0, -1.0, np.nan, np.inf, np.float32(0.25)]
        ),
    }
    level = arguments["threshold"]
    shape, result = (k, *size), np.dtype(np.float32 if level is None else bool)

    def judge(got):
        is_a_result(got, shape, result, arguments)
        judge_masks(got, array_of(arguments["masks"]), array_of(arguments["boxes"]), level)

    if d.chance(0.3):
        give_out(d, arguments, shape, result)
    kinds = {
        "masks": "masks",
        "boxes": "boxes",
        "image_size": "two sizes",
        "threshold": "threshold",
        "out": "out",
    }
    return Case("paste_masks", arguments, judge, kinds, shape, result)


def judge_masks(got, masks, boxes, level):
    """Mask by mask; a pixel whose value is as good as the threshold may be on either side."""
    for found, mask, box in zip(got, masks, boxes.astype(np.float64), strict=True):
        x0, y0, x1, y1 = box
        centres = [np.arange(n) + 0.5 for n in found.shape]
        rows, cols = (
            np.flatnonzero((low <= c) & (c <= high) & (low < high) & ok)
            for c, low, high, ok in zip(
                centres, (y0, x0), (y1, x1), ((x0 < x1), (y0 < y1)), strict=True
            )
        )
        outside = np.ones(found.shape, bool)
        outside[np.ix_(rows, cols)] = False
        assert not found[outside].any(), "a pixel outside the box"
        if not (rows.size and cols.size):
            continue
        y = (rows + 0.5 - y0) * (mask.shape[0] / 2 / (y1 / 2 - y0 / 2)) - 0.5
        x = (cols + 0.5 - x0) * (mask.shape[1] / 2 / (x1 / 2 - x0 / 2)) - 0.5
        pixels = np.stack(np.meshgrid(x, y), -1)[None]
        with np.errstate(over="ignore"):
            image = mask.astype(np.float32)[None, None]
        slack = 1e-6 * max(mask.shape)
        r = Reading(image, pixels, "bilinear", "zeros", False, 0.0, slack)
        inside = found[np.ix_(rows, cols)][None, None]
        if level is None:
            judge_values(inside, r)
            continue
        wrong = np.ones(inside.shape, bool)
        bound = 3e-5 * r.extent
        for at in (None, *moved(r)):
            want = r.values(at)
            with np.errstate(invalid="ignore"):
                wrong &= ~((inside == (want >= level)) | (np.abs(want - float(level)) <= bound))
        assert not wrong.any(), told(inside, r.values(), wrong)


def boxes_in(d, k, height, width, least):
    """(K, 4) integers within an image, some of them empty, none with sides below the least."""
    found = []
    for _ in range(k):
        y0, x0 = d.number(0, height), d.number(0, width)
        y1, x1 = d.number(y0, height), d.number(x0, width)
        if 0 < y1 - y0 < least or 0 < x1 - x0 < least:
            y0, x0, y1, x1 = 0, 0, height, width
        found.append((x0, y0, x1, y1))
    return np.array(found, np.int64).reshape(k, 4)


def patches(d, kernel, tame=False):
    """Arguments of patch_affine."""
    height, width = d.sizes(2, max(2, least_of(d, kernel)), 12)
    n, k = d.number(1, 3), 0 if d.chance(0.05) else d.number(1, 4)
    channels = d.one([1, 3]) if d.pool.tight or not kernel.channels else d.channels(kernel, False)
    like = "planes" if d.pool.tight else "any"
    images = dressed(d, d.values(kernel.image, (n, channels, height, width), tame), like)
    boxes = boxes_in(d, k, height, width, least_of(d, kernel))
    kind = d.one(["i8", "i4", "u1", "i2"])
    theta = matrices(d, kernel, k, special=not tame)
    return {
        "images": images,
        "theta": dressed(d, theta, keep=True),
        "boxes": dressed(d, boxes.astype(kind), keep=True),
        "box_to_image": dressed(d, d.rng.integers(0, n, k).astype(kind), keep=True),
        "mode": kernel.mode,
        "padding_mode": kernel.padding,
        "align_corners": d.chance(0.5),
    }


def objects(arguments):
    """(place in the images, what is read there) of each object with pixels, in their order."""
    a = {k: array_of(arguments[k]) for k in ("images", "theta", "boxes", "box_to_image")}
    align = arguments["align_corners"]
    rule = arguments["mode"], arguments["padding_mode"], align, 0.0
    for k, (x0, y0, x1, y1) in enumerate(a["boxes"].tolist()):
        if x0 < x1 and y0 < y1:
            n = int(a["box_to_image"][k])
            place = np.s_[n : n + 1, :, y0:y1, x0:x1]
            patch, matrix = a["images"][place], a["theta"][k : k + 1]
            yield k, place, reading_of_matrices(patch, matrix, patch.shape[2:], rule, align)


PATCHED = {
    "images": "four axes",
    "theta": "points",
    "boxes": "whole",
    "box_to_image": "whole",
    "mode": "word",
    "padding_mode": "word",
    "align_corners": "flag",
    "out": "out",
}


def make_patch_affine(d, kernel=None, tame=False):
    kernel = kernel or d.one([k for k in d.pool.matrix if k.ndim == 2])
    arguments = patches(d, kernel, tame)
    images = array_of(arguments["images"])

    def judge(got):
        is_a_result(got, images.shape, images.dtype, arguments)
        same = (got == images) | (
            np.isnan(got) & np.isnan(images) if got.dtype.kind in "fc" else False
        )
        wrong, want = ~same, images.astype(np.complex128)
        for _, place, r in objects(arguments):
            want[place] = r.parts()[0].values()  # for the message
            parts = (got[place].real, got[place].imag) if got.dtype.kind == "c" else (got[place],)
            pairs = zip(parts, r.parts(), strict=True)
            wrong[place] = np.any([values_off(x, part) for x, part in pairs], 0)
        assert not wrong.any(), told(got, want, wrong)

    if d.chance(0.3) and not tame:
        give_out(d, arguments, images.shape, images.dtype)
    return Case("patch_affine", arguments, judge, dict(PATCHED), images.shape, images.dtype)


def make_patch_affine_backward(d):
    kernels = [k for k in d.pool.matrix_back if k.ndim == 2]
    arguments = patches(d, d.one(kernels or d.pool.grid_back), tame=True)
    if not kernels:  # patches of no pixels: the gradient passes by
        empty = array_of(arguments["boxes"])
        empty[:, 2:] = empty[:, :2]
        arguments["boxes"] = empty
    images = array_of(arguments["images"])
    gradient = d.values(images.dtype, images.shape, tame=True)
    owners = np.full((len(images), 1, *images.shape[2:]), -1)
    for k, place, r in objects(arguments):
        owners[place] = k
        near = near_kinks(r.pixels, r.slack)[:, None]
        gradient[place] = np.where(near, 0, np.where(gradient[place] == 0, 1, gradient[place]))
    mask = d.one([(True, True), [True, False], (False, True)])
    arguments = {
        "grad_output": dressed(d, gradient, keep=True),
        **arguments,
        "output_mask": mask,
    }

    def judge(found):
        judge_pair(found, arguments, ("images", "theta"))
        judge_patches_back(found, arguments, gradient, owners)

    kinds = {**PATCHED, "grad_output": "gradient", "output_mask": "two", "images": "four floats"}
    del kinds["out"]
    return Case("patch_affine_backward", arguments, judge, kinds)


def judge_patches_back(found, arguments, gradient, owners):
    """What a pixel's owner read takes its gradient."""
    to_images, to_theta = found
    want = np.where(owners < 0, gradient, 0).astype(np.float64)
    want_theta = np.zeros(array_of(arguments["theta"]).shape)
    for k, place, r in objects(arguments):
        own = owners[place] == k
        if not own.any():
            continue
        share = np.where(own, gradient[place], 0)
        to_image, to_pixels = r.gradients(share)
        want[place] += to_image
        units = [oracle.pixels_a_unit(n, r.align) for n in r.image.shape[:1:-1]]
        sizes = r.image.shape[2:]
        slopes = to_pixels * np.array(units)
        want_theta[k] = by_matrix(slopes, base_of(sizes, r.align))[0]
    scale = 1 + np.abs(gradient).max(initial=0)
    if to_images is not None:
        wrong = is_off(to_images, want, 1e-4 * scale * 10)
        assert not wrong.any(), "grad_images: " + told(to_images, want, wrong)
    if to_theta is not None:
        extent = np.abs(array_of(arguments["images"])).max(initial=1)
        wrong = is_off(to_theta, want_theta, 1e-4 * scale * extent * gradient.size)
        assert not wrong.any(), "grad_theta: " + told(to_theta, want_theta, wrong)


def pairs(d, things):
    """One for both axes, or one each; with what the oracle reads."""
    y, x = d.one(things), d.one(things)
    return d.one([y, (y, x), [y, x]])


def layer(d, kernel, empty=False):
    """Arguments of deform_conv2d."""
    dtype, real = np.dtype(kernel.image), np.dtype(kernel.points)
    n = 0 if empty or d.chance(0.02) else d.number(1, 2)
    kh, kw = d.number(1, 3), d.number(1, 3)
    groups, offset_groups = d.one([(1, 1), (1, 2), (2, 1), (2, 2)])
    channels, cout = d.one([2, 4]), groups * d.number(0 if d.chance(0.05) else 1, 2)
    stride, padding = pairs(d, [1, 1, 2, 3]), pairs(d, [0, 1, 2])
    dilation = pairs(d, [1, 1, 2])
    (sh, sw), (ph, pw), (dh, dw) = (np.broadcast_to(p, 2) for p in (stride, padding, dilation))
    least = least_of(d, kernel)
    height = max(dh * (kh - 1) + 1 - 2 * ph, least) + d.number(0, 4)
    width = max(dw * (kw - 1) + 1 - 2 * pw, least) + d.number(0, 4)
    ho = (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    wo = (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    taps = offset_groups * kh * kw
    offset = d.rng.standard_normal((n, 2 * taps, ho, wo)) * d.one([0, 1, 3])
    offset = np.where(d.rng.random(offset.shape) < 0.1, np.rint(offset), offset).astype(real)
    like = "planes" if d.pool.tight else "any"
    arguments = {
        "input": dressed(d, d.values(dtype, (n, channels, height, width), tame=True), like),
        "offset": dressed(d, d.sprinkled(offset, 0.02) if d.chance(0.15) else offset),
        "weight": dressed(d, d.values(dtype, (cout, channels // groups, kh, kw), tame=True)),
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
    }
    if d.chance(0.5):
        arguments["bias"] = dressed(d, d.values(dtype, (cout,), tame=True))
    if d.chance(0.5):
        arguments["mask"] = dressed(d, d.values(dtype, (n, taps, ho, wo), tame=True))
    return arguments, (n, cout, ho, wo)


def taps_read(arguments, image, offset, weight):
    """(channels, tap, its row of the mask, what it reads) of each tap of each offset group."""
    kh, kw = weight.shape[2:]
    (sh, sw), (ph, pw), (dh, dw) = (
        np.broadcast_to(arguments[k], 2) for k in ("stride", "padding", "dilation")
    )
    groups = offset.shape[1] // (2 * kh * kw)
    share = image.shape[1] // groups
    rows, cols = np.mgrid[: offset.shape[2], : offset.shape[3]]
    for g, i, j in np.ndindex(groups, kh, kw):
        m = (g * kh + i) * kw + j
        at = [
            (cols * sw - pw + j * dw).astype(offset.dtype) + offset[:, 2 * m + 1],
            (rows * sh - ph + i * dh).astype(offset.dtype) + offset[:, 2 * m],
        ]
        pixels = np.stack([fixed(*pair) for pair in zip(at, at, strict=True)], -1)
        channels = slice(g * share, (g + 1) * share)
        yield (
            channels,
            (i, j),
            m,
            Reading(image[:, channels], pixels, "bilinear", "zeros", False, 0.0),
        )


LAYER = {
    "input": "planes",
    "offset": "floats like",
    "weight": "same type",
    "bias": "same type, shaped",
    "mask": "same type, shaped",
    "stride": "steps",
    "padding": "padding",
    "dilation": "steps",
}


def columns_of(arguments, given):
    """What each tap reads, times its mask: (N, Cin, kh, kw, Ho, Wo)."""
    image, offset, weight = (given[k] for k in ("input", "offset", "weight"))
    shape = *image.shape[:2], *weight.shape[2:], *offset.shape[2:]
    columns = np.zeros(shape)
    for channels, (i, j), m, r in taps_read(arguments, image, offset, weight):
        scale = 1 if given["mask"] is None else given["mask"][:, m : m + 1].astype(np.float64)
        columns[:, channels, i, j] = scale * r.values()
    return columns


def taken(arguments):
    """The arrays of a layer; None where they are not given."""
    names = "input", "offset", "weight", "bias", "mask"
    return {k: None if arguments.get(k) is None else array_of(arguments[k]) for k in names}


def layer_kernels(d, kernels):
    """Kernels that a deformable convolution is made of."""
    return [k for k in kernels if k[:3] == ("bilinear", "zeros", 2)]


def make_deform_conv2d(d, kernel=None, tame=False):
    kernel = kernel or d.one(layer_kernels(d, d.pool.steps))
    arguments, shape = layer(d, kernel)
    dtype = np.dtype(kernel.image)

    def judge(got):
        is_a_result(got, shape, dtype, {})
        given = taken(arguments)
        if not got.size:
            return
        columns = columns_of(arguments, given)
        with np.errstate(all="ignore"):
            want = systems.deform_conv2d(
                given["input"], given["offset"], given["weight"], given["bias"], columns=columns
            )
        depth = np.prod(given["weight"].shape[1:])
        scale = (1 + np.nanmax(np.abs(columns), initial=0)) * np.abs(given["weight"]).max() * depth
        scale += 0 if given["bias"] is None else np.abs(given["bias"]).max()
        wrong = is_off(got, want, 4 * near_of(dtype) * scale)
        assert not wrong.any(), told(got, want, wrong)

    return Case("deform_conv2d", arguments, judge, dict(LAYER), shape, dtype)


def make_deform_conv2d_backward(d):
    kernels = layer_kernels(d, d.pool.steps_back)
    kernel = d.one(kernels or d.pool.grid_back)
    arguments, shape = layer(d, kernel, empty=not kernels)
    gradient = dressed(d, d.values(kernel.image, shape, tame=True))
    arguments = {"grad_output": gradient, **arguments}

    def judge(found):
        given = taken(arguments)
        assert isinstance(found, tuple)
        for got, like in zip(found, given.values(), strict=True):
            assert (got is None) == (like is None)
            if got is not None:
                is_a_result(got, like.shape, like.dtype, {})
        judge_layer_back(dict(zip(given, found, strict=True)), arguments, given)

    return Case("deform_conv2d_backward", arguments, judge, {**LAYER, "grad_output": "gradient"})


def judge_layer_back(found, arguments, given):
    """By the chain rule: through the product, the masks, the taps."""
    image, offset, weight, mask = (given[k] for k in ("input", "offset", "weight", "mask"))
    gradient = array_of(arguments["grad_output"]).astype(np.float64)
    want = {k: None if x is None else np.zeros(x.shape) for k, x in given.items()}
    groups = image.shape[1] // weight.shape[1]
    with np.errstate(all="ignore"):
        each = groups, len(weight) // groups
        split = gradient.reshape(len(gradient), *each, *gradient.shape[2:])
        kernels = weight.astype(np.float64).reshape(*each, *weight.shape[1:])
        columns = columns_of(arguments, given)
        by_group = columns.reshape(len(columns), groups, weight.shape[1], *columns.shape[2:])
        back = np.einsum("ngoyx,gocij->ngcijyx", split, kernels).reshape(columns.shape)
        shares = np.einsum("ngoyx,ngcijyx->gocij", split, by_group)
        want["weight"] = shares.reshape(weight.shape)
        if want["bias"] is not None:
            want["bias"] = gradient.sum((0, 2, 3))
        for channels, (i, j), m, r in taps_read(arguments, image, offset, weight):
            if not gradient.size:
                break
            part = back[:, channels, i, j]
            if mask is not None:
                want["mask"][:, m] = (part * r.values()).sum(1)
                part = part * mask[:, m : m + 1]
            to_image, to_pixels = r.gradients(part)
            want["input"][:, channels] += to_image
            want["offset"][:, 2 * m : 2 * m + 2] = np.moveaxis(to_pixels, -1, 1)[:, ::-1]
    scale = np.prod([1 + np.abs(x).max(initial=0) for x in (gradient, weight, image)])
    scale *= (1 + np.abs(mask).max(initial=0)) if mask is not None else 1
    bound = near_of(image.dtype, offset.dtype) * scale * (10 + gradient.size)
    for name, x in want.items():
        if x is not None:
            wrong = is_off(found[name], x, bound)
            assert not wrong.any(), f"grad_{name}: " + told(found[name], x, wrong)


def table_case(name, arguments, kinds, want):
    """A case of one of the papers' shifts."""

    def judge(got):
        is_a_result(got, (arguments["channels"], 2), np.dtype(np.int64), {})
        assert got.tolist() == want, f"{got.tolist()}, not {want}"

    return Case("shifts." + name, arguments, judge, kinds)


def make_s2_mlp(d):
    c = d.number(0, 23)
    cuts = c // 4, c // 2, 3 * c // 4
    rows = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    want = [rows[sum(k >= cut for cut in cuts)] for k in range(c)]
    return table_case("s2_mlp", {"channels": c}, {"channels": "count"}, want)


def make_as_mlp(d):
    c, size, axis = d.number(0, 23), d.one([1, 3, 5, 7]), d.number(0, 1)
    each = max(1, -(-c // size))
    want = [[(k // each - size // 2) * (axis == a) for a in (0, 1)] for k in range(c)]
    arguments = {"channels": c, "size": size, "axis": axis}
    return table_case(
        "as_mlp", arguments, {"channels": "count", "size": "odd", "axis": "axis"}, want
    )


def make_cycle_fc(d):
    c, taps, axis = d.number(0, 23), d.number(2, 7), d.number(0, 1)
    kernel = d.one([tuple, list, np.array])((1, taps) if axis else (taps, 1))
    steps = [-((k + taps // 2) % taps - taps // 2) for k in range(c)]
    want = [[s * (axis == a) for a in (0, 1)] for s in steps]
    arguments = {"channels": c, "kernel": kernel}
    return table_case("cycle_fc", arguments, {"channels": "count", "kernel": "line"}, want)


def make_shift_net(d):
    c, kh, kw = d.number(0, 40), d.number(1, 4), d.number(1, 4)
    taps = list(itertools.product(range(kh), range(kw)))
    centre = kh // 2, kw // 2
    want = []
    for y, x in taps:
        extra = c % len(taps) if (y, x) == centre else 0
        want += [[centre[0] - y, centre[1] - x]] * (c // len(taps) + extra)
    arguments = {"channels": c, "kernel": (kh, kw)}
    return table_case("shift_net", arguments, {"channels": "count", "kernel": "steps"}, want)


def make_vjp(d):
    """Of a function that has kernels to go back through."""
    makes = [
        *((make_grid_sample, k) for k in d.pool.grid_back),
        *((make_point_sample, k) for k in d.pool.grid_back),
        *((make_flow_warp, k) for k in d.pool.steps_back),
        *((make_affine_sample, k) for k in d.pool.matrix_back),
        *((make_region_shift, k) for k in d.pool.matrix_back),
        *((make_patch_affine, k) for k in d.pool.matrix_back),
        *((make_deform_conv2d, k) for k in layer_kernels(d, d.pool.steps_back)),
        (make_affine_grid, None),
    ]
    make, kernel = d.one(makes)
    while True:
        case = make(d, kernel, tame=True)
        if array_of(next(iter(case.arguments.values()))).dtype != np.float16:
            break  # a float16 theta makes a float32 grid
    case.arguments.pop("out", None)
    return Vjp(case)


# What can be wrong


THINGS = [None, "text", 2.5, [[1.0], [1.0, 2.0]], object(), {}, b"x", NEVER, [NEVER, 0.5]]
FLAG = [None, 1, 0, "yes", 2.5, [True], np.array([True, False]), np.array(True)]
WORD = ["linear", "", None, 3, b"zeros", ["zeros"], ("zeros",), "Zeros", {}]
FILL = ["0", None, 1j, [1.0], [[1.0], [1.0, 2.0]], object(), b"1", np.zeros(2), NEVER]
SIZE = [None, 3, "ab", (2.5, 3), (-1, 3), (4, 3, -1), (), (1,) * 7, (None, 2), {}]
TWO = [None, True, (), (True,), (True, False, True), 3, "ab", (1, 0), (True, None)]
STEPS = [0, -1, 1.5, (1,), (1, 2, 3), "1", None, (1, 0), (1, -1), (1, 1.5), {}]
BARE = {
    "word": WORD,
    "flag": FLAG,
    "fill": FILL,
    "size": SIZE,
    "two sizes": [*SIZE, (1, 2, 3), (1,)],
    "two": TWO,
    "steps": STEPS,
    "padding": [s for s in STEPS if s not in (0, (1, 0))],
    "line": [*STEPS, (2, 2)],
    "count": [-1, 2.5, None, "4", [4], 1j, np.float64(3)],
    "odd": [-1, 2.5, None, 2, 0, "3"],
    "axis": [-1, 2, None, 0.5, "0"],
    "threshold": ["x", 1j, [0.5], np.zeros(2), object(), NEVER],
    "function": [None, np.sin, "grid_sample", fs.remap, [], fs.grid_sample_backward],
}
NO_FLOATS = ["i4", "c8", "?", "O", "U2", "g", "M8[s]"]
NO_NUMBERS = ["?", "i8", "u4", "u8", "O", "U3", "g", "M8[s]", [("a", "f4")]]
WRONG_TYPES = {
    "image": NO_NUMBERS,
    "picture": NO_NUMBERS,
    "four axes": NO_NUMBERS,
    "floats": [*NO_NUMBERS, "u1", "i2"],
    "back numbers": ["O", "U3", "i4", "i8", "?"],
    "four floats": [*NO_NUMBERS, "u1", "i4"],
    "planes": [*NO_NUMBERS, "u1", "f2", "c8"],
    "numbers": ["O", "U3", "M8[s]", [("a", "f4")]],
    "masks": ["i4", "c8", "O", "f2"],
    "boxes": ["i4", "f2", "c8", "O"],
    "whole": ["f4", "f8", "?", "c8", "U2", "O"],
    "shifts": ["f2", "?", "c8", "U2", "O"],
    "points": NO_FLOATS,
    "map": NO_FLOATS,
    "floats like": [*NO_FLOATS, "f2"],
    "same type": ["i4", "f2", "c8"],
    "same type, shaped": ["i4", "f2", "c8"],
    "gradient": ["i4", "u1", "?", "O"],
}
LONGER = (
    *("points", "map", "boxes", "whole", "shifts", "gradient"),
    *("same type, shaped", "floats like"),
)
"""Kinds whose last axis has just one size that is right."""


def wrong_type(d, x, kind):
    """The same shape in a type that is not taken, or None where the array has it."""
    dtype = np.dtype(d.one(WRONG_TYPES[kind]))
    return None if dtype == x.dtype else np.zeros(x.shape, dtype)


def longer(x):
    """One more along the last axis."""
    return np.zeros((*x.shape[:-1], x.shape[-1] + 1), x.dtype) if x.ndim else None


AXES = {
    "image": [(2, 3), (), (5,), (1, 1, 2, 2, 2, 2)],
    "floats": [(2, 3), (), (1, 1, 2, 2, 2, 2)],
    "numbers": [(2, 3), (), (1, 1, 2, 2, 2, 2)],
    "back numbers": [(2, 3), (), (1, 1, 2, 2, 2, 2)],
    "picture": [(2,), (), (1, 2, 3, 4)],
    "four axes": [(2, 3, 4), (), (1, 1, 2, 2, 2)],
    "four floats": [(2, 3, 4), (), (1, 1, 2, 2, 2)],
    "planes": [(2, 3, 4), (), (1, 1, 2, 2, 2)],
    "masks": [(2, 3), (), (1, 2, 3, 4), (1, 0, 3), (1, 3, 0)],
    "points": [(), (3,)],
    "shifts": [(), (3,)],
    "whole": [()],
    "boxes": [(), (4,)],
    "same type": [(), (2, 3), (2, 2, 0, 1)],
    "floats like": [(), (2, 3)],
}


def wrong_value(d, case, name):
    """(what is wrong, a value) for an argument, or None where this draw found nothing wrong."""
    kind = case.kinds[name]
    if kind in BARE:
        return f"{kind} that is none", d.one(BARE[kind])
    if kind == "out":
        return wrong_out(d, case)
    if name not in case.sound:
        return None
    x = array_of(case.sound[name])
    way = d.one(["thing", "type", "type", "axes", "longer", "batch", "values"])
    found = None
    if way == "thing" and name not in ("bias", "mask"):
        found = (d.one(THINGS),)
    elif way == "type" and kind in WRONG_TYPES:
        found = wrong_type(d, x, kind)
    elif way == "axes" and kind in AXES:
        found = np.zeros(d.one(AXES[kind]), x.dtype)
    elif way == "longer" and kind in LONGER:
        found = longer(x)
    elif way == "batch":
        found = wrong_batch(d, case, name, x)
    elif way == "values":
        found = wrong_numbers(d, case, name, x)
    if found is None:
        return None
    return f"{way} of {name}", found[0] if isinstance(found, tuple) else found


def wrong_batch(d, case, name, x):
    """Another number of samples, where that can't be shared."""
    if name not in ("grid", "points", "flow", "theta", "boxes", "box_to_image", "grad_output"):
        return None
    inner = case.inner if isinstance(case, Vjp) else case
    function = inner.name
    if name in ("boxes", "box_to_image", "grad_output") or function.startswith("patch_affine"):
        return np.zeros((len(x) + 1, *x.shape[1:]), x.dtype) if x.ndim else None
    if function == "affine_grid":
        n = inner.shape[0]
        return np.zeros((n + d.number(1, 2) + (n == 0), *x.shape[1:]), x.dtype)
    batch = len(array_of(case.sound["input"]))
    if batch < 2:
        return None
    return np.zeros((batch + 1, *x.shape[1:]), x.dtype)


def wrong_numbers(d, case, name, x):
    """Boxes that are not finite or run outside, images that are not there, no pixel to read."""
    if not (x.size and x.ndim):
        return None
    x = x.copy()
    k = d.number(0, len(x) - 1)
    if name == "boxes" and x.dtype.kind == "f":
        x[k, d.number(0, 3)] = d.one([np.nan, np.inf, -np.inf])
    elif name == "boxes":
        x = x.astype(np.int64)
        x[k, d.one([0, 1])] = d.one([-1, 100])
    elif name == "box_to_image":
        x = x.astype(np.int64)
        x[k] = d.one([-1, 100])
    elif name in ("input", "image") and case.kinds[name] in ("image", "floats", "picture"):
        nothing_to_read = 0 not in case.shape and case.shape
        last = case.arguments.get("channels_last") is True or name == "image"
        axis = 0 if name == "image" else 1 if last else 2
        return (
            np.zeros((*x.shape[:axis], 0, *x.shape[axis + 1 :]), x.dtype)
            if nothing_to_read
            else None
        )
    else:
        return None
    return x


def wrong_out(d, case):
    """An `out` that is none, or of another shape or type, or can't be written, or overlaps."""
    if isinstance(case, Vjp):
        return "out for vjp", np.zeros(1)
    room = np.zeros(case.shape, case.dtype)
    other = F64 if case.dtype != F64 else F32
    ways = {
        "thing": lambda: d.one(["text", [[1.0]], 2.5, object()]),
        "shape": lambda: np.zeros((*case.shape, 1), case.dtype),
        "longer": lambda: longer(room),
        "type": lambda: np.zeros(case.shape, other),
        "read-only": lambda: frozen(room),
        "byte-swapped": lambda: swapped(room) if room.itemsize > 1 else None,
        "overlaps itself": lambda: over_itself(room),
        "overlaps": lambda: over_an_input(d, case, room),
    }
    way = d.one(list(ways))
    found = ways[way]()
    return None if found is None else (f"out: {way}", found)


def over_itself(room):
    """All its elements at one place."""
    if room.size < 2:
        return None
    return np.lib.stride_tricks.as_strided(room, strides=(0,) * room.ndim)


def over_an_input(d, case, room):
    """Both from one piece of memory."""
    names = [k for k, x in case.sound.items() if k != "out" and isinstance(x, np.ndarray)]
    names = [k for k in names if k in case.kinds and case.kinds[k] not in BARE]
    names = [k for k in names if case.sound[k].size and k != "size"]
    if not names or not room.size:
        return None
    name = d.one(names)
    x = array_of(case.sound[name])
    if x.dtype.hasobject:
        return None
    raw = np.zeros(x.nbytes + room.nbytes, np.uint8)
    view = raw[: x.nbytes].view(x.dtype).reshape(x.shape)
    view[...] = x
    case.arguments[name] = view
    last = (x.nbytes - 1) // room.itemsize * room.itemsize
    start = d.one([0, last])  # from the first byte, or with the last only
    return raw[start : start + room.nbytes].view(room.dtype).reshape(room.shape)


def mended_by(faults):
    """What would make a call right again: both maps longer are maps of one shape."""
    maps = {"longer of map_x": "longer of map_y", "longer of map_y": "longer of map_x"}
    return {maps[fault] for fault in faults if fault in maps}


def spoil(d, case):
    """Make a call invalid, in one way or two."""
    case.sound = dict(case.arguments)
    for _ in range(1 if d.chance(0.85) else 2):
        for _ in range(50):
            name = d.one(list(case.kinds))
            found = wrong_value(d, case, name)
            if found is not None and found[0] not in mended_by(case.faults):
                what, case.arguments[name] = found
                case.faults.append(what)
                break
    whole = case.dtype is not None and case.dtype.kind in "iu"
    constant = case.arguments.get("padding_mode") == "constant"
    if whole and constant and "fill_value" in case.arguments and d.chance(0.1):
        case.arguments["fill_value"] = np.nan
        case.faults.append("NaN for integers")


# Run


FUNCTIONS = {
    **{name: getattr(fs, name) for name in fs.__all__ if inspect.isfunction(getattr(fs, name))},
    **{f"shifts.{name}": getattr(fs.shifts, name) for name in fs.shifts.__all__},
}
del FUNCTIONS["warmup"]
MAKERS = {name: globals()["make_" + name.removeprefix("shifts.")] for name in FUNCTIONS}
"""A function without a maker is an error at once."""


def make(seed, k, pool):
    """Call k of a seed, and the generator that made it."""
    d = Draw(np.random.default_rng((seed, k)), POOLS[pool])
    names = list(MAKERS)
    case = MAKERS[names[k % len(names)]](d)
    if d.chance(1 / 3):
        spoil(d, case)
    return d, case


def snapshot(case):
    """The bytes that a call may not change, and those of `out`."""
    arguments = {k: memory_of(x) for k, x in case.arguments.items() if k != "out"}
    inputs = [(k, x, x.tobytes()) for k, x in arguments.items() if x is not None]
    out = case.arguments.get("out")
    out = out if isinstance(out, np.ndarray) else None
    return inputs, (out, None if out is None else (memory_of(out).tobytes(), out.copy()))


def nothing_else_changed(kept, refused):
    """Inputs are as they were, and so is what lies around `out`, and `out` itself where refused."""
    inputs, (out, before) = kept
    if out is not None:
        memory, values = before
        if not refused:
            now = out.copy()
            out[...] = values
        assert memory_of(out).tobytes() == memory, "a byte of or around out has changed"
    for name, x, bytes_before in inputs:
        assert x.tobytes() == bytes_before, f"{name} was written to"
    if out is not None and not refused:
        out[...] = now


def outcome(seed, k, pool):
    """(function, "valid" or "refused", what failed or None)."""
    name = list(MAKERS)[k % len(MAKERS)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            d, case = make(seed, k, pool)
    except Exception:
        return name, "generator", traceback.format_exc()
    kept = snapshot(case)
    refused = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = case.call(d)
    except (ValueError, TypeError) as error:
        refused = error
    except Exception:
        return name, "raised", f"{described(case)}\n{traceback.format_exc()}"
    try:
        judged(case, kept, refused, None if refused else result)
    except Exception as error:
        said = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        return name, "wrong", f"{described(case)}\n{said}"
    return name, "refused" if refused else "valid", None


def judged(case, kept, refused, result):
    """Nothing but what is promised has happened."""
    nothing_else_changed(kept, bool(refused))
    if refused:
        first = str(refused).partition(":")[0]
        assert first in case.prefixes, f"says {type(refused).__name__}: {refused}"
        assert case.faults, f"a valid call was refused: {refused}"
        return
    assert not case.faults, "an invalid call was not refused"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case.judge(result)


def described(case):
    """A call in some lines."""

    def shown(x):
        if isinstance(x, Foreign):
            return "foreign " + shown(x.array)
        if isinstance(x, np.ndarray):
            return f"{x.dtype.str}{x.shape} strides {x.strides}"
        return repr(x) if len(repr(x)) < 60 else repr(x)[:60] + "..."

    inner = f" of {case.inner.name}" if isinstance(case, Vjp) else ""
    lines = [f"    {k} = {shown(x)}" for k, x in case.arguments.items()]
    return "\n".join([f"{case.name}{inner}; wrong on purpose: {case.faults or 'nothing'}", *lines])


def work(seed, first, last, pool, journal):
    """Calls first to last - 1; the journal tells each before it is made and after."""
    faulthandler.enable()
    with open(journal, "ab", buffering=0) as file:
        for k in range(first, last):
            file.write(b"%d\n" % k)
            file.write(json.dumps([k, *outcome(seed, k, pool)]).encode() + b"\n")


def read_journal(path):
    """(outcomes, the call that was begun and not ended or None)."""
    found, begun = [], None
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if isinstance(entry, list):
            found.append(entry)
            begun = None
        else:
            begun = entry
    return found, begun


class Run:
    """All calls of a run, in batches, on some processes."""

    def __init__(self, args):
        self.args, self.started = args, time.monotonic()
        self.counts = {name: collections.Counter() for name in MAKERS}
        self.failures, self.done = [], 0
        self.lock, self.batches = threading.Lock(), queue.SimpleQueue()
        for first in range(args.first, args.first + args.count, args.batch):
            self.batches.put((first, min(first + args.batch, args.first + args.count)))

    def go(self):
        """Every batch, however many processes it takes."""
        with tempfile.TemporaryDirectory() as folder:
            workers = [
                threading.Thread(target=self.take, args=(Path(folder) / f"journal-{k}",))
                for k in range(self.args.processes)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

    def take(self, journal):
        """Batch after batch, one process at a time."""
        with contextlib.suppress(queue.Empty):
            while True:
                first, last = self.batches.get_nowait()
                while first < last:
                    first = self.batch(first, last, journal)

    def batch(self, first, last, journal):
        """A process; the call to go on with."""
        journal.write_bytes(b"")
        numbers = map(str, (self.args.seed, first, last))
        command = [sys.executable, __file__, "--worker", *numbers, self.args.pool, str(journal)]
        errors = journal.with_suffix(".err")
        with open(errors, "wb") as file:
            try:
                env = child.environment()
                done = subprocess.run(command, env=env, stderr=file, timeout=LIMIT, check=False)
                end = f"exit status {done.returncode}"
            except subprocess.TimeoutExpired:
                done, end = None, f"nothing after {LIMIT} s"
        found, begun = read_journal(journal)
        with self.lock:
            for entry in found:
                self.note(*entry)
            reached = found[-1][0] + 1 if found else first
            if reached < last or done is None or done.returncode:
                k = first if begun is None and not found else begun
                said = errors.read_text(errors="replace")[-3000:]
                name = "?" if k is None else list(MAKERS)[k % len(MAKERS)]
                self.note(k, name, "died", f"{end}\n{said}")
                reached = last if k is None else k + 1
        return reached

    def note(self, k, name, how, said):
        """One outcome."""
        self.done += 1
        if name in self.counts:
            self.counts[name][how] += 1
        if said is not None:
            self.failures.append((k, name, how, said))
            if len(self.failures) <= self.args.show:
                again = f"--seed {self.args.seed} --pool {self.args.pool} --only {k}"
                print(f"\ncall {k}: {how}\n{said}\nAgain: {again}", flush=True)
        if sys.stderr.isatty():
            end = "\n" if self.done == self.args.count else ""
            print(f"\r{self.done}/{self.args.count}", end=end, file=sys.stderr, flush=True)

    def report(self):
        """The table and the last line."""
        print(f"\n{'function':<26}{'valid':>9}{'refused':>9}{'failed':>9}")
        total = collections.Counter()
        for name, counts in self.counts.items():
            row = {k: counts[k] for k in ("valid", "refused")}
            row["failed"] = counts.total() - sum(row.values())
            total.update(row)
            print(f"{name:<26}{row['valid']:>9}{row['refused']:>9}{row['failed']:>9}")
        print("{:<26}{valid:>9}{refused:>9}{failed:>9}".format("in all", **total))
        print(f"{time.monotonic() - self.started:.0f} s")
        failed = len(self.failures)
        print(f"{self.done - failed} passed, {failed} failed")
        return int(failed > 0 or self.done == 0)


def main():
    """Run the calls, or one of them, or a batch as a worker."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first call")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=500, help="calls a process")
    parser.add_argument("--pool", choices=POOLS, default="full")
    parser.add_argument("--show", type=int, default=20, help="failures to print")
    parser.add_argument("--only", type=int, help="make this call alone, here")
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        seed, first, last, pool, journal = args.worker
        return work(int(seed), int(first), int(last), pool, journal)
    if args.only is not None:
        faulthandler.enable()
        print(described(make(args.seed, args.only, args.pool)[1]), flush=True)
        name, how, said = outcome(args.seed, args.only, args.pool)
        print(f"{name}: {how}", said or "", sep="\n")
        return int(said is not None)
    run = Run(args)
    run.go()
    return run.report()


if __name__ == "__main__":
    sys.exit(main())
