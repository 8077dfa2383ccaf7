"""Random calls of `fastsample.ndimage` beside SciPy's.

    python tests/differential_ndimage.py [--count N] [--seed S] [--first K]

Ranks 1 to 5, all functions, modes, orders, types, layouts and forms of `output`. Floats must agree
to 1e-12 of the largest number in play, integers but where SciPy's float64 value lies within 1e-9 of
a half. SciPy before 1.18 filters short axes wrongly in "reflect" (gh-24550): these calls are held
against its interpolation of coefficients that the oracle in `splines` has filtered.
"""

import argparse
import sys
import warnings

import numpy as np
import splines
from scipy import ndimage as theirs

from fastsample import ndimage as ours

INTEGERS = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
TYPES = ("f8", "f8", "f8", "f4", "?", "c16", "c8", *INTEGERS)
SHORT = 18  # samples from which on the wrong start no longer shows
FIXED = tuple(
    map(int, np.lib.NumpyVersion(__import__("scipy").__version__).version.split("."))
) >= (
    1,
    18,
)
FUNCTIONS = {
    "map_coordinates": 6,
    "affine_transform": 5,
    "shift": 4,
    "zoom": 4,
    "rotate": 3,
    "geometric_transform": 1,
    "spline_filter": 1,
    "spline_filter1d": 1,
}


def pick(rng, *things):
    return things[rng.integers(len(things))]


def layout(rng, x):
    """The same numbers laid out in some way."""
    way = rng.integers(8)
    if way == 0:
        return np.asfortranarray(x)
    if way == 1:
        return x.astype(x.dtype.newbyteorder("S"))
    if way == 2 and x.ndim > 1:
        order = rng.permutation(x.ndim)
        return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    if way == 3:
        wide = np.zeros([2 * n + 1 for n in x.shape], x.dtype)
        wide[tuple(slice(1, None, 2) for _ in x.shape)] = x
        return wide[tuple(slice(1, None, 2) for _ in x.shape)]
    if way == 4:
        turn = tuple(slice(None, None, pick(rng, 1, -1)) for _ in x.shape)
        return np.ascontiguousarray(x[turn])[turn]
    if way == 5:
        raw = np.empty(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
        raw[...] = x
        return raw
    return x


def numbers(rng, shape, dtype):
    """Random numbers, as large as the type likes them."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = max(info.min, -(2**40)), min(info.max, 2**40)
        return rng.integers(low, high, shape, endpoint=True).astype(dtype)
    x = rng.normal(size=shape) * 10.0 ** rng.integers(-2, 3)
    if dtype.kind == "c":
        x = x + 1j * rng.normal(size=shape)
    return x.astype(dtype)


def sizes(rng, rank, least=1):
    most = {1: 60, 2: 30, 3: 14, 4: 8, 5: 6}[rank]
    return tuple(int(n) for n in rng.integers(least, most, rank, endpoint=True))


def places(rng, shape, sizes):
    """Coordinates inside and far outside, whole ones and halves among them."""
    c = np.empty((len(sizes), *shape))
    for axis, n in zip(c, sizes, strict=True):
        spread = pick(rng, 0, 0, 2, 3 * n)
        axis[...] = rng.uniform(-spread, n - 1 + spread, shape)
        whole = rng.random(shape) < 0.15
        axis[whole] = np.round(2 * axis[whole]) / 2
    dtype = pick(rng, "f8", "f8", "f8", "f4", "i8", "i2")
    c = c.astype(dtype)
    return layout(rng, c)


def output_of(rng, name, x, shape):
    """One of the forms of `output`."""
    way = rng.integers(6)
    kind = "c" if x.dtype.kind == "c" else "f"
    dtype = pick(rng, "c8", "c16") if kind == "c" else pick(rng, "f8", "f4", *INTEGERS)
    if name.startswith("spline") and kind == "f":  # what is beyond wraps round in SciPy
        dtype = pick(rng, "f8", "f4", "i4", "i8") if x.dtype.itemsize < 4 else pick(rng, "f8", "f4")
    if way == 0:
        return np.dtype(dtype)
    if way == 1:
        return np.dtype(dtype).name
    if way == 2:
        return layout(rng, np.zeros(shape, dtype))
    if way == 3:
        return np.dtype(dtype).type
    return np.float64 if name.startswith("spline") and kind == "f" else None


def call(rng):
    """A function's name and its arguments."""
    names = list(FUNCTIONS)
    weights = np.array([FUNCTIONS[n] for n in names])
    name = names[rng.choice(len(names), p=weights / weights.sum())]
    order, mode = int(rng.integers(0, 6)), pick(rng, *splines.MODES)
    rank = int(rng.choice([1, 2, 3, 4, 5], p=[0.2, 0.4, 0.25, 0.1, 0.05]))
    if name == "rotate":
        rank = max(rank, 2)
    if rank == 5:
        order = min(order, 3)
    x = layout(rng, numbers(rng, sizes(rng, rank), pick(rng, *TYPES)))
    options = {"order": order, "mode": mode}
    shape = x.shape
    if name == "spline_filter":
        options = {"order": max(order, 2), "mode": mode}
        args = (x,)
    elif name == "spline_filter1d":
        args, options["axis"] = (x,), int(rng.integers(-rank, rank))
    else:
        cval = float(pick(rng, 0, 0, 1, -3.5, 44.6, 300))
        options["cval"] = cval + (2j if x.dtype.kind == "c" and rng.random() < 0.5 else 0)
        options["prefilter"] = bool(rng.random() < 0.8)
        args, shape = ARGUMENTS[name](rng, x, options)
    made = output_of(rng, name, x, shape)
    if made is not None:
        options["output"] = made
    return name, args, options, shape


def for_map(rng, x, options):
    points = sizes(rng, pick(rng, 1, 2, 2, 3))
    c = places(rng, points, x.shape)
    if c.dtype.kind == "f" and options["mode"] != "nearest" and rng.random() < 0.1:
        c[(0, *(0,) * len(points))] = np.nan
    return (x, c), points


def for_affine(rng, x, options):
    rank = x.ndim
    out = pick(rng, rank, rank, rank, max(1, rank - 1), min(rank + 1, 4))
    shape = sizes(rng, out)
    matrix = rng.normal(0, 0.7, (rank, out))
    if rng.random() < 0.3:
        matrix = np.eye(rank, out) + rng.normal(0, 0.1, (rank, out)) * (
            rng.random((rank, out)) < 0.3
        )
    if rng.random() < 0.1:
        matrix = np.round(matrix)
    offset = rng.uniform(-2, 8, rank) * (rng.random(rank) < 0.6)
    if rng.random() < 0.2:
        matrix, shape = rng.uniform(0.3, 1.5, rank), sizes(rng, rank)
    elif out == rank and rng.random() < 0.2:
        matrix, offset = np.column_stack([matrix, offset]), 0.0
    elif out == rank + 1:  # would be read as having the offset in it
        matrix, shape = matrix[:, :rank], sizes(rng, rank)
    options["output_shape"] = shape
    return (x, matrix, offset), shape


def for_shift(rng, x, options):
    s = rng.uniform(-4, 4, x.ndim) * (rng.random(x.ndim) < 0.8)
    if rng.random() < 0.3:
        s = np.round(s)
    return (x, pick(rng, s, float(s[0]))), x.shape


def for_zoom(rng, x, options):
    factors = [float(pick(rng, 1, 2, 0.5, rng.uniform(0.3, 2.2))) for _ in x.shape]
    if x.ndim > 3:
        factors = [min(f, 1.3) for f in factors]
    options["grid_mode"] = bool(rng.random() < 0.3)
    shape = tuple(round(n * f) for n, f in zip(x.shape, factors, strict=True))
    return (x, factors), shape


def for_rotate(rng, x, options):
    options["axes"] = tuple(int(a) for a in rng.choice(x.ndim, 2, replace=False))
    options["reshape"] = bool(rng.random() < 0.7)
    angle = pick(rng, 90, 180, -90, 45, float(rng.uniform(-400, 400)))
    x = x[..., :7] if x.ndim > 3 else x
    empty = theirs.rotate(x.real.astype("f4"), angle, options["axes"], options["reshape"], order=0)
    return (x, angle), empty.shape


def for_callback(rng, x, options):
    shape = sizes(rng, min(x.ndim, 2), 1)
    shape = tuple(min(n, 8) for n in shape)
    matrix = rng.normal(0, 0.7, (x.ndim, len(shape)))
    options["output_shape"] = shape
    return (x, lambda index: tuple(matrix @ index)), shape


ARGUMENTS = {
    "map_coordinates": for_map,
    "affine_transform": for_affine,
    "shift": for_shift,
    "zoom": for_zoom,
    "rotate": for_rotate,
    "geometric_transform": for_callback,
}


def made_by(module, name, args, options):
    """The result, in an array of its own where one was given."""
    given = options.get("output")
    if isinstance(given, np.ndarray):
        base = given.base if given.base is not None else given
        kept = np.array(given)
        result = getattr(module, name)(*args, **options)
        assert result is given, "not the array that was given"
        result = np.array(given)
        given[...] = kept
        del base
        return result
    return getattr(module, name)(*args, **options)


def suffers(name, args, options):
    """Does SciPy's filter start wrongly, visibly?"""
    x = args[0]
    if name == "zoom" and set(args[1]) == {1.0}:
        return False  # the input is assigned
    filters = options.get("prefilter", True) and options["order"] > 1
    modes = ("reflect", "grid-mirror")
    if name.startswith("spline"):
        modes = (*modes, "nearest")
    return filters and not FIXED and options["mode"] in modes and min(x.shape) < SHORT


def value_of(name, args, options):
    """SciPy's values in float64 or complex128, as they are before they are stored."""
    wide = np.complex128 if args[0].dtype.kind == "c" else np.float64
    return getattr(theirs, name)(*args, **{**options, "output": wide})


def filtered(name, x, options, drops=False):
    """The oracle's coefficients, of complex numbers part by part; it `drops` fractions on the way.

    SciPy does where a filter's output is of integers.
    """
    if x.dtype.kind == "c":
        real, imaginary = (filtered(name, part, options) for part in (x.real, x.imag))
        return real + 1j * imaginary
    order, symmetry = options["order"], splines.symmetry_of(options["mode"])
    axes = {"spline_filter1d": (options.get("axis"),), "rotate": options.get("axes")}
    c = x.astype(np.float64)
    for axis in axes.get(name, range(x.ndim)):
        c = splines.filtered_axis(c, order, axis, symmetry)
        c = np.trunc(c) if drops else c
    return c


def rightly_filtered(name, args, options, dtype):
    """The values where SciPy's filter starts wrongly."""
    x, *others = args
    c = filtered(name, x, options, drops=name.startswith("spline") and dtype.kind in "iu")
    if name.startswith("spline"):
        return c
    return value_of(name, (c, *others), {**options, "prefilter": False})


def rightly_stored(values, dtype):
    """The same as they are stored."""
    if dtype.kind == "c":
        return values.astype(dtype)
    return splines.stored(values, dtype)


def padding_of(name, args, options):
    """How large the number is with which an array is padded: -3 is 1.8e19 among uint64."""
    x = args[0]
    filters = options.get("prefilter", True) and options["order"] > 1
    if not filters or options["mode"] != "grid-constant" or x.dtype.kind not in "iu":
        return 0.0
    with np.errstate(all="ignore"):
        return abs(float(np.array(options.get("cval", 0)).real.astype(x.dtype)))


def check(name, args, options):
    """None, or what is wrong."""
    got = made_by(ours, name, args, options)
    try:
        want = made_by(theirs, name, args, options)
    except OverflowError:  # NumPy pads integers with no number that they do not have
        return None
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype} {got.shape} for {want.dtype} {want.shape}"
    with np.errstate(all="ignore"):
        if suffers(name, args, options):
            values = rightly_filtered(name, args, options, want.dtype)
            want = rightly_stored(values, want.dtype)
        else:
            values = value_of(name, args, options)
    scale = max(
        1.0,
        *(float(np.nanmax(np.abs(a), initial=0)) for a in (args[0].astype(values.dtype), values)),
    )
    scale = max(scale, abs(options.get("cval", 0)), padding_of(name, args, options))
    if got.dtype.kind in "fc":
        single = got.dtype.itemsize == (4 if got.dtype.kind == "f" else 8)
        bound = scale * (1.3e-7 if single else 1e-12)
        with np.errstate(all="ignore"):
            near = np.abs(got - want) <= bound
        near |= (got == want) | (np.isnan(got) & np.isnan(want))
    else:
        halves = np.abs(np.abs(values - np.trunc(values)) - 0.5) <= max(1e-9, 1e-12 * scale)
        if name.startswith("spline"):  # truncated, axis after axis
            halves = np.abs(got.astype("f8") - want.astype("f8")) <= 8 * args[0].ndim
        if got.dtype.kind == "b":
            halves = np.abs(values - np.round(values)) <= 2e-6  # truncated
        near = (got == want) | halves | (np.abs(values) > 2**53)
        near |= ~(np.abs(values) < 2.0**62)
    if near.all():
        return None
    at = tuple(int(k) for k in np.argwhere(~near)[0])
    return f"{(~near).sum()} of {near.size} differ, first at {at}: {got[at]!r} for {want[at]!r}"


def said(name, args, options):
    """A call in words."""

    def word(thing):
        if isinstance(thing, np.ndarray):
            return f"<{thing.dtype} {thing.shape} strides {thing.strides}>"
        return repr(thing)

    listed = [*map(word, args), *(f"{k}={word(v)}" for k, v in options.items())]
    return f"{name}({', '.join(listed)})"


def main(count, seed, first=0):
    """Make so many calls; the number of those that fail."""
    warnings.simplefilter("ignore")
    failed = 0
    for k in range(first, first + count):
        rng = np.random.default_rng([seed, k])
        name, args, options, _ = call(rng)
        wrong = check(name, args, options)
        if wrong:
            failed += 1
            print(f"call {k}: {said(name, args, options)}: {wrong}", flush=True)
            if failed >= 20:
                break
        if (k + 1) % 1000 == 0:
            print(f"up to call {k}: {failed} failed", flush=True)
    made = k + 1 - first
    print(f"{made - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first call")
    asked = parser.parse_args()
    sys.exit(1 if main(asked.count, asked.seed, asked.first) else 0)
