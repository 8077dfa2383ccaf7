"""Numbers, fill values, sizes and flags."""

import math
import operator

import numpy as np

from ..._kernels.kind import item_of
from .arrays import LABELS, is_one_of

MOST = 2**56  # elements: more than that no array has


def real(function, name, came):
    """A real number, as a float."""
    if type(came) is float or (type(came) is int and -(2**53) <= came <= 2**53):
        return float(came)  # nearly always, and 1.6 us saved
    try:
        if isinstance(came, str | bytes) or np.ndim(came) != 0 or np.iscomplexobj(came):
            raise TypeError
        return float(came)
    except OverflowError:
        raise ValueError(f"{function}: {name} must be a number that float64 has") from None
    except (TypeError, ValueError):
        raise TypeError(f"{function}: {name} must be a real number; got {came!r}") from None


def number(function, name, came):
    """A real number: an int as it is, others as a float."""
    found = real(function, name, came)
    return int(came) if isinstance(came, int | np.integer) else found


def fill(function, name, came):
    """A real number, or a sequence of them, one for each channel, as a tuple.

    -0.0 is 0.0: calls are known by what is equal.
    """
    if type(came) is float or (type(came) is int and -(2**53) <= came <= 2**53):
        return came + 0  # nearly always
    if isinstance(came, list | tuple) or (isinstance(came, np.ndarray) and came.ndim == 1):
        return tuple(number(function, name, x) + 0 for x in came)
    return number(function, name, came) + 0


def one_each(function, name, fill, channels):
    """One number, or one for each channel."""
    if isinstance(fill, tuple) and len(fill) != channels:
        raise ValueError(
            f"{function}: {name} must be a number or a sequence of C = {channels} numbers; "
            f"got {len(fill)} of them"
        )


def fills(function, name, fill, dtype, channels):
    """One number, or one for each channel, which the type has."""
    one_each(function, name, fill, channels)
    for one in fill if isinstance(fill, tuple) else (fill,):
        fits(function, name, one, dtype, exactly=is_one_of(dtype, LABELS))


def fill_is_read(function, fill, padding_mode, dtype, lost=True):
    """A fill value that nothing reads is 0.

    "constant" reads it. Where a place is `lost`, which a NaN among the coordinates is, integers
    read it under every rule, for they have no NaN.
    """
    if padding_mode == "constant" or (lost and dtype.kind in "biu"):
        return
    if any(one != 0 for one in (fill if isinstance(fill, tuple) else (fill,))):
        raise ValueError(
            f"{function}: fill_value must be 0 unless padding_mode is 'constant', which reads it; "
            f"got {fill!r} with {padding_mode!r}"
        )


def fits(function, name, fill, dtype, exactly=False):
    """A fill value that an integer type can be brought to; or that it has."""
    bad = dtype.kind in "iu" and math.isnan(fill)
    if exactly:
        low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        bad = not (low <= fill <= high and fill == int(fill))
    if bad:
        raise ValueError(f"{function}: {name} must be a number that {dtype} has; got {fill!r}")


def items(function, name, fill, dtype):
    """One number or several as a type's bytes: integers saturate."""
    each = fill if isinstance(fill, tuple) else (fill,)
    for one in each:
        fits(function, name, one, dtype)
    return b"".join(item_of(one, dtype).tobytes() for one in each)


def count(function, name, came):
    """A non-negative int."""
    try:
        found = operator.index(came)
    except TypeError:
        raise TypeError(f"{function}: {name} must be an int; got {came!r}") from None
    if found < 0:
        raise ValueError(f"{function}: {name} must be a non-negative int; got {came!r}")
    if found > MOST:
        raise ValueError(f"{function}: {name} must be a number that can be; got {came!r}")
    return found


def odd(function, name, came):
    """An odd number of things."""
    found = count(function, name, came)
    if found % 2 == 0:
        raise ValueError(f"{function}: {name} must be odd; got {came!r}")
    return found


def axis(function, name, came):
    """One of an image's two axes."""
    found = count(function, name, came)
    if found > 1:
        raise ValueError(f"{function}: {name} must be 0 or 1; got {came!r}")
    return found


def line(function, name, came):
    """A kernel of one row or of one column."""
    rows, columns = pair(function, name, came, 1)
    if min(rows, columns) > 1:
        raise ValueError(f"{function}: {name} must be (1, K) or (K, 1); got {came!r}")
    return rows, columns


def pair(function, name, came, least):
    """An int for both axes, or two, none below the least."""
    rule = f"{function}: {name} must be an int of at least {least}, or two; got {came!r}"
    return _ints(rule, _twice(rule, came), least)


def sides(function, name, came):
    """An int for all sides of an image, or two, for y and x, or two for each of these."""
    form = "an int of at least 0, or two, or ((top, bottom), (left, right))"
    rule = f"{function}: {name} must be {form}; got {came!r}"
    both = _twice(rule, came)
    if not any(np.iterable(part) for part in both):
        return tuple((n, n) for n in _ints(rule, both, 0))
    if len(both) != 2 or not all(np.iterable(part) for part in both):
        raise ValueError(rule)
    return tuple(_ints(rule, tuple(part), 0) for part in both)


def _twice(rule, came):
    """An int twice, or what a sequence holds."""
    try:
        return (operator.index(came),) * 2
    except TypeError:
        if not np.iterable(came):
            raise TypeError(rule) from None
    return tuple(came)


def _ints(rule, came, least):
    """Two ints, none below the least."""
    try:
        found = tuple(operator.index(n) for n in came)
    except TypeError:
        raise TypeError(rule) from None
    if len(found) != 2 or min(found) < least:
        raise ValueError(rule)
    return found


def sizes(function, came, counts, form, name="size"):
    """A tuple of so many non-negative ints."""
    try:
        found = tuple(operator.index(n) for n in came)
    except TypeError:
        raise TypeError(f"{function}: {name} must be {form}, all ints; got {came!r}") from None
    if len(found) not in counts:
        raise ValueError(f"{function}: {name} must be {form}; got {came!r}")
    if min(found, default=0) < 0:
        raise ValueError(f"{function}: {name} must be {form}, none negative; got {came!r}")
    if math.prod(max(n, 1) for n in found) > MOST:
        raise ValueError(f"{function}: {name} must be of an array that can be; got {came!r}")
    return found


SPATIAL = {1: "(W,)", 2: "(H, W)", 3: "(D, H, W)"}
SPATIAL_SIZES = "the result's (W,), (H, W) or (D, H, W), without N and C"


def spatial(function, size, axes):
    """A size for each spatial axis of the input."""
    if len(size) != axes:
        raise ValueError(
            f"{function}: size must be the result's {SPATIAL[axes]}, without N and C; got {size}"
        )


def spline_order(function, came):
    """That of a field: cubic or linear."""
    if isinstance(came, bool | np.bool_) or came not in (1, 3):
        raise ValueError(f"{function}: order must be 3 or 1; got {came!r}")
    return int(came)


def flag(function, name, came):
    """True or False."""
    if came is True or came is False:
        return came
    if not isinstance(came, bool | np.bool_):
        raise TypeError(f"{function}: {name} must be True or False; got {came!r}")
    return bool(came)


def aligned(function, came):
    """`align_corners`: None is PyTorch's default, False."""
    return came is not None and flag(function, "align_corners", came)


def mask(function, came, count=2):
    """As many flags as there are gradients: which of them are wanted."""
    try:
        wanted = tuple(came)
    except TypeError:
        wanted = ()
    if len(wanted) != count or not all(isinstance(w, bool | np.bool_) for w in wanted):
        many = {2: "two", 3: "three", 5: "five"}[count]
        raise TypeError(f"{function}: output_mask must be a tuple of {many} bools; got {came!r}")
    return wanted
