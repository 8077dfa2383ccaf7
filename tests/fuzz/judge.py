"""Whether numbers are what the oracle says, within what rounding explains."""

import itertools

import numpy as np
from tolerances import ORACLE

from .memory import BRAIN, F32, F64, array_of, limits_of

FOLDS = "reflection", "mirror", "wrap"
FAR = {F32: 1e4, F64: 1e6}
"""Pixels from which a fold is not exact: some value of the image comes back."""
NEAR = {np.dtype(np.float16): 2e-3, BRAIN: 8e-3}


def near_of(*dtypes):
    """The tolerance of the coarsest type."""
    return max(NEAR.get(np.dtype(d)) or ORACLE.get(real_of(d), 1e-5) for d in dtypes)


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
            fill = np.reshape(fill, (-1,) + (1,) * (want.ndim - 2))
            want = np.clip(np.rint(np.where(np.isnan(want), fill, want)), limits.min, limits.max)
            return np.abs(got.astype(np.float64) - want) > (0 if exact else max(1, bound))
        if exact:
            want = want.astype(dtype)
        wide, limits = got.astype(np.float64), limits_of(dtype)
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
        assert not wrong.any(), first_off(one, part.values(), wrong)


def first_off(got, want, wrong):
    """The first number that is off."""
    place = tuple(np.argwhere(wrong)[0].tolist())
    return f"{wrong.sum()} of {wrong.size} off, first {place}: {got[place]!r}, not {want[place]!r}"


def values_off(got, r):
    """Which values no oracle explains."""
    want = r.values()
    got = got.view(np.uint8) if got.dtype.kind == "b" else got
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
    if r.mode == "bicubic" and r.padding in ("border", *FOLDS[:2]) and got.dtype.kind in "fV":
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
    if np.isfinite(r.image).all() and np.isfinite(r.fill).all():
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
        own = (
            0
            if np.isfinite(r.image).all() and np.isfinite(r.fill).all()
            else 4 * eps * (1 + abs(p))
        )
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
            assert not wrong.any(), "grad_input: " + first_off(one, want, wrong)
    if to_pixels is not None:
        got, unit = to_pixels
        want = sum(w for _, w in wants) * unit
        scale = 8 * largest * max(r.extent, 1) * r.image.shape[1] * max(unit, default=1)
        bound = near_of(r.image.dtype, got.dtype) * scale * (1 + shared_by / 100)
        assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
        wrong = is_off(got, want, bound)
        assert not wrong.any(), "grad_coordinates: " + first_off(got, want, wrong)


def is_a_result(got, shape, dtype, arguments):
    """An array of this shape and type; `out` itself, where given."""
    assert type(got) is np.ndarray, type(got)
    assert got.shape == shape, f"shape {got.shape}, not {shape}"
    assert got.dtype == dtype, f"{got.dtype}, not {dtype}"
    assert got.dtype.isnative
    if arguments.get("out") is not None:
        assert got is arguments["out"]


def judge_pair(found, arguments, names):
    """Two gradients, of the arguments' shapes and types, or None where nobody asked."""
    assert isinstance(found, tuple)
    assert len(found) == 2
    for got, wanted, name in zip(found, arguments["output_mask"], names, strict=True):
        assert (got is not None) == bool(wanted), f"{name}: {wanted} asked"
        if wanted:
            like = array_of(arguments[name])
            is_a_result(got, like.shape, like.dtype, {})
