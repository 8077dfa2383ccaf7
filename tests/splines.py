"""B-spline interpolation in plain NumPy float64: the oracle of `fastsample.ndimage`.

Formulas of the definition, one axis after the other and tap by tap, for arrays of any rank.
"""

import itertools

import numpy as np

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
PADDED = ("nearest", "grid-constant")
PAD = 12
POLES = {
    2: (np.sqrt(8) - 3,),
    3: (np.sqrt(3) - 2,),
    4: (-0.361341225900220177092, -0.013725429297339121360),
    5: (-0.430575347099973791851, -0.043096288203264653823),
}
TAPS = {
    "constant": "mirror",
    "grid-constant": "drop",
    "nearest": "clamp",
    "mirror": "mirror",
    "reflect": "reflect",
    "grid-mirror": "reflect",
    "wrap": "mirror",
    "grid-wrap": "wrap",
}
SYMMETRY = dict.fromkeys(("nearest", "reflect", "grid-mirror"), "reflect")
SYMMETRY["grid-wrap"] = "wrap"


def symmetry_of(mode):
    """How the filter continues a line; what is not listed mirrors at the outer pixels."""
    return SYMMETRY.get(mode, "mirror")


def extended(k, n, symmetry):
    """The index within [0, n) that stands for index k of an endless line."""
    if n == 1:
        return 0 * k
    if symmetry == "wrap":
        return k % n
    period = 2 * n - 2 if symmetry == "mirror" else 2 * n
    k = k % period
    last = period if symmetry == "mirror" else period - 1
    return np.where(k >= n, last - k, k)


def filtered_axis(x, order, axis, symmetry):
    """Spline coefficients along one axis: each pole forwards, then backwards."""
    c = np.moveaxis(np.array(x, np.float64), axis, 0)
    n = len(c)
    if n == 1 or order < 2:
        return np.moveaxis(c, 0, axis)
    for z in POLES[order]:
        c = c * ((1 - z) * (1 - 1 / z))
    period = {"mirror": 2 * n - 2, "reflect": 2 * n, "wrap": n}[symmetry]
    for z in POLES[order]:
        k = np.arange(min(period, 120))
        powers = z**k
        first = np.tensordot(powers, c[extended(-k, n, symmetry)], 1) / (1 - z**period)
        c[0] = first
        for i in range(1, n):
            c[i] += z * c[i - 1]
        if symmetry == "mirror":
            c[-1] = (z * c[-2] + c[-1]) * z / (z * z - 1)
        elif symmetry == "reflect":
            c[-1] = c[-1] * z / (z - 1)
        else:
            k = np.arange(min(n, 120))
            c[-1] = np.tensordot(z**k, c[(n - 1 + k) % n], 1) * z / (z**n - 1)
        for i in range(n - 2, -1, -1):
            c[i] = z * (c[i + 1] - c[i])
    return np.moveaxis(c, 0, axis)


def filtered(x, order, mode):
    """Coefficients along all axes, axis 0 first."""
    c = np.asarray(x, np.float64)
    for axis in range(c.ndim):
        c = filtered_axis(c, order, axis, symmetry_of(mode))
    return c


def weights(t, order):
    """Of the order + 1 taps, by de Boor's recursion."""
    u = t if order % 2 else t + 0.5
    w = [np.ones_like(u)]
    for k in range(1, order + 1):
        before = [np.zeros_like(u), *w, np.zeros_like(u)]
        w = [((u + k - j) * before[j] + (1 - u + j) * before[j + 1]) / k for j in range(k + 1)]
    return w


def folded(x, n, mode):
    """A point brought in by the mode, where that folds points; same roundings as SciPy's."""
    if mode in ("constant", "grid-constant", "nearest"):
        return x
    if n == 1:
        return np.where(np.isnan(x), x, 0.0)
    low, high = x < 0, x > n - 1
    with np.errstate(all="ignore"):
        below, above = _FOLDS[mode](x, n)
    return np.where(low, below, np.where(high, above, x))


def _mirror(x, n):
    p = 2 * n - 2
    y = p * np.trunc(-x / p) + x
    below = np.where(y <= 1 - n, y + p, -y)
    y = x - p * np.trunc(x / p)
    return below, np.where(y >= n, p - y, y)


def _reflect(x, n):
    p = 2 * n
    y = np.where(x < -p, p * np.trunc(-x / p) + x, x)
    below = np.where(y < -n, y + p, np.where(y > -1e-15, 1e-15, -y) - 1)
    y = x - p * np.trunc(x / p)
    return below, np.where(y >= n, p - y - 1, y)


def _wrap(x, n):
    p = n - 1
    return x + p * (np.trunc(-x / p) + 1), x - p * np.trunc(x / p)


def _grid_wrap(x, n):
    return x + n * (np.trunc((-1 - x) / n) + 1), x - n * np.trunc(x / n)


_FOLDS = {
    "mirror": _mirror,
    "reflect": _reflect,
    "grid-mirror": _reflect,
    "wrap": _wrap,
    "grid-wrap": _grid_wrap,
}


def along(x, n, order, mode):
    """Indices, weights, whether each tap is inside, and which points are inside."""
    x = folded(np.asarray(x, np.float64), n, mode)
    if mode == "constant":
        good = (x >= 0) & (x <= n - 1)
    elif mode in ("nearest", "grid-constant"):
        good = ~np.isnan(x) | (order == 0 and mode == "nearest")
    else:
        good = x > -1
    x = np.clip(np.where(good, x, 0), -8.0, n + 8.0)
    whole = np.floor(x) if order % 2 else np.floor(x + 0.5)
    start = whole.astype(np.int64) - order // 2
    w = weights(x - whole, order)
    indices = [start + k for k in range(order + 1)]
    inside = [(i >= 0) & (i < n) for i in indices]
    if TAPS[mode] in ("clamp", "drop"):
        indices = [np.clip(i, 0, n - 1) for i in indices]
    else:
        indices = [extended(i, n, TAPS[mode]) for i in indices]
    return indices, w, inside, good


def gathered(c, coordinates, order, mode, cval):
    """Coefficients summed at places (rank, ...); what is not inside is `cval`."""
    per_axis = [along(x, n, order, mode) for x, n in zip(coordinates, c.shape, strict=True)]
    total = np.zeros(np.shape(coordinates)[1:])
    for taps in itertools.product(range(order + 1), repeat=c.ndim):
        weight, inside, index = 1.0, True, []
        for (indices, w, within, _), k in zip(per_axis, taps, strict=True):
            weight = weight * w[k]
            inside = inside & within[k]
            index.append(indices[k])
        value = c[tuple(index)]
        if TAPS[mode] == "drop":
            value = np.where(inside, value, cval)
        total = total + weight * value
    good = np.logical_and.reduce([axis[3] for axis in per_axis])
    bad = np.nan if mode in PADDED and order else cval
    return np.where(good, total, bad)


def padded(x, order, mode, cval):
    """An array with 12 pixels more on all sides, where SciPy's has them; and how many."""
    if mode not in PADDED or order < 2:
        return x, 0
    if mode == "nearest":
        return np.pad(x, PAD, "edge"), PAD
    with np.errstate(all="ignore"):
        fill = np.array(cval, np.float64).astype(x.dtype)  # -1 is 255 among bytes
    return np.pad(x, PAD, constant_values=fill), PAD


def sample(x, coordinates, order=3, mode="constant", cval=0.0, prefilter=True):
    """The value of each point, in float64."""
    x = np.asarray(x)
    coordinates = np.asarray(coordinates, np.float64)
    pad = 0
    if prefilter and order > 1:
        x, pad = padded(x, order, mode, cval)
        x = filtered(x, order, mode)
    return gathered(np.asarray(x, np.float64), coordinates + pad, order, mode, cval)


def affine_places(matrix, offset, shape):
    """Coordinates of a matrix of two axes, in the order of operations that rounds as SciPy's."""
    index = np.indices(shape).astype(np.float64)
    places = []
    for row, start in zip(np.asarray(matrix), offset, strict=True):
        place = np.full(shape, float(start))
        for m, o in zip(row, index, strict=True):
            place = place + o * m
        places.append(place)
    return np.array(places)


def axis_places(per_axis, shape):
    """Coordinates of separable axes: (o + pre) * scale + offset."""
    index = np.indices(shape).astype(np.float64)
    return np.array(
        [
            (o + pre) * scale + offset
            for o, (pre, scale, offset) in zip(index, per_axis, strict=True)
        ]
    )


def stored(values, dtype):
    """Values as one of the types of arrays: halves away from zero, then the nearest there is."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    if dtype.kind == "b":
        return np.abs(values) >= 1
    info = np.iinfo(dtype)
    rounded = np.trunc(values + np.copysign(0.5, values))
    out = np.zeros(np.shape(values), dtype)
    none = np.isnan(values)
    top = rounded >= float(info.max)
    bottom = rounded <= float(info.min)
    middle = ~(none | top | bottom)
    out[middle] = rounded[middle].astype(dtype)
    out[top], out[bottom] = info.max, info.min
    out[none] = info.min if dtype in (np.int32, np.int64) else 0
    return out
