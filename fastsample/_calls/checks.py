"""Every check of what a user passes, and every error message.

A message names the function, the argument, the rule and what came. All checks come before anything
is allocated, compiled or written.
"""

import math
import operator
from functools import cache

import numpy as np

from .._kernels.kind import CENTRES, MODES, RULES, item_of
from .._kernels.vectors import brain
from . import carried

FLOATS = ("float32", "float64")
INTEGERS = ("uint8", "int8", "uint16", "int16", "int32")
LABELS = ("uint32", "int64", "uint64", "bool")  # what is copied, and not computed with
DIFFERENTIABLE = (*FLOATS, "float16", "bfloat16", "complex64", "complex128")
INPUT_TYPES = (*DIFFERENTIABLE, *INTEGERS)
GRID_TYPES = (*FLOATS, "float16")
MOST = 2**56  # elements: more than that no array has
MASK_TYPES = ("float32", "float64", "uint8", "bool")


def array(function, name, thing):
    """The thing as a NumPy array."""
    if isinstance(thing, np.ndarray):
        made = np.asarray(thing)
    else:
        made = carried.array(function, name, thing)
        if made.dtype == object or made.ndim == 0:
            raise TypeError(f"{function}: {name} must be an array; got {carried.kind(thing)}")
    if made.dtype.names and made.dtype.newbyteorder("=") != brain.DTYPE:
        carried.refuse_fields(function, name, made)
    return made


def dtype(function, name, came, known):
    """The type is one of the known ones, in any byte order."""
    if not _is_one_of(came, known):
        holds = "float64" if came.kind in "iu" and came.itemsize > 2 else "float32"
        raise TypeError(
            f"{function}: {name} must be {_listed(known)}; got {_named(came)}: "
            f"convert it with {name}.astype(numpy.{holds})"
        )


@cache  # 1.5 us saved
def _is_one_of(came, known):
    return _named(came.newbyteorder("=")) in known


def _named(dtype):
    """What a type is called."""
    if dtype == brain.DTYPE.newbyteorder():
        return "bfloat16 in the other byte order"
    return "bfloat16" if dtype == brain.DTYPE else str(dtype)


def _class_of(dtype):
    """What `astype` takes to make this type."""
    return "ml_dtypes.bfloat16" if dtype == brain.DTYPE else f"numpy.{dtype}"


def _listed(words):
    """A list, as one says it."""
    return " or ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 2 else words)


def sampled(function, name, came, mode):
    """A type that can be sampled; `nearest` copies more of them."""
    if mode == "nearest" and _is_one_of(came, LABELS):
        return
    if _is_one_of(came, LABELS):
        raise TypeError(
            f"{function}: {name} must be {_listed(INPUT_TYPES)}, or with mode='nearest' "
            f"{_listed(LABELS)}; got {came}: labels want mode='nearest'; to interpolate numbers, "
            f"convert it with {name}.astype(numpy.float64), which has all integers up to 2**53"
        )
    dtype(function, name, came, INPUT_TYPES)


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
        fits(function, name, one, dtype, exactly=_is_one_of(dtype, LABELS))


def fits(function, name, fill, dtype, exactly=False):
    """A fill value that an integer type can be brought to; or that it has."""
    bad = dtype.kind in "iu" and math.isnan(fill)
    if exactly:
        low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        bad = not (low <= fill <= high and fill == int(fill))
    if bad:
        raise ValueError(f"{function}: {name} must be a number that {dtype} has; got {fill!r}")


CHOICES = {
    "mode": tuple(MODES),
    "padding_mode": tuple(name for name, rule in RULES.items() if rule != CENTRES),
    "coordinates": ("normalized", "pixel"),
}


MIRROR_ADVICE = (
    ": that is for pixel coordinates, of grid_sample with coordinates='pixel', remap and flow_warp"
)


def words(function, **options):
    """Each option is one of its known words."""
    for name, came in options.items():
        _word(function, name, came, CHOICES[name])


def _word(function, name, came, known, advice=""):
    """One of the known words."""
    if not isinstance(came, str) or came not in known:
        listed = ", ".join(repr(word) for word in known)
        raise ValueError(f"{function}: {name} must be one of {listed}; got {came!r}{advice}")


def border(function, came, pixels=False):
    """A border rule; "mirror" is one of pixel coordinates alone."""
    known = tuple(RULES) if pixels else CHOICES["padding_mode"]
    advice = MIRROR_ADVICE if isinstance(came, str) and came == "mirror" else ""
    _word(function, "padding_mode", came, known, advice)


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


def image(function, shape):
    """(N, C, *in) with one to three spatial axes."""
    if not 3 <= len(shape) <= 5:
        raise ValueError(
            f"{function}: input must have shape (N, C, *in) with 1, 2 or 3 axes in *in; got {shape}"
        )


def grid(function, name, shape, image):
    """(N, *out, D) for D spatial axes of the image, with its batch or either one 1."""
    batch, axes = image[0], len(image) - 2
    rule = (
        f"{function}: {name} must have shape (N, *out, {axes}) with N = {batch} or 1; got {shape}"
    )
    if len(shape) < 2 or shape[-1] != axes:
        raise ValueError(rule)
    if shape[0] != batch and 1 not in (shape[0], batch):
        raise ValueError(rule)


def flow(function, name, shape, image):
    """(N, D, *in), seen as (N, *in, D), with the image's batch or either one 1."""
    came, wanted = (shape[0], shape[-1], *shape[1:-1]), (len(image) - 2, *image[2:])
    if came[1:] != wanted or (came[0] != image[0] and 1 not in (came[0], image[0])):
        sizes = ", ".join(str(n) for n in wanted)
        raise ValueError(
            f"{function}: {name} must have shape (N, {sizes}) with N = {image[0]} or 1; got {came}"
        )


def flow_last(function, name, shape, image):
    """(N, *in, D), with the image's batch or either one 1."""
    wanted = (*image[2:], len(image) - 2)
    if shape[1:] != wanted or (shape[0] != image[0] and 1 not in (shape[0], image[0])):
        sizes = ", ".join(str(n) for n in wanted)
        raise ValueError(
            f"{function}: {name} must have shape (N, {sizes}) with N = {image[0]} or 1; got {shape}"
        )


def picture(function, image, mode):
    """(H, W) or (H, W, C)."""
    if image.ndim not in (2, 3):
        raise ValueError(
            f"{function}: image must have shape (H, W) or (H, W, C); got {image.shape}"
        )
    sampled(function, "image", image.dtype, mode)
    return image


def alike(function, **maps):
    """Both of one shape and type."""
    (first, one), (second, other) = maps.items()
    for name, came in maps.items():
        dtype(function, name, came.dtype, GRID_TYPES)
    if one.shape != other.shape:
        raise ValueError(
            f"{function}: {second} must have {first}'s shape {one.shape}; got {other.shape}"
        )
    if one.dtype != other.dtype:
        raise TypeError(
            f"{function}: {second} must have {first}'s type {_named(one.dtype)}; got "
            f"{_named(other.dtype)}"
        )


def pairs(function, name, came, when):
    """Coordinates (*out, 2)."""
    dtype(function, name, came.dtype, GRID_TYPES)
    if came.shape[-1:] != (2,):
        raise ValueError(f"{function}: {name} must have shape (*out, 2) {when}; got {came.shape}")


def result_shape(function, came, shape):
    """An `out` of the result's shape."""
    if came.shape != shape:
        raise ValueError(f"{function}: out must have the result's shape {shape}; got {came.shape}")


def something_to_sample(function, shape, result, name="input", sizes=None):
    """An input axis of size 0 has no pixel for a point to read."""
    if 0 in (shape[2:] if sizes is None else sizes) and 0 not in result:
        raise ValueError(f"{function}: {name} must have no spatial axis of size 0; got {shape}")


def writable(function, out):
    """An `out` that can be written, each element by itself."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{function}: out must be a NumPy array; got {carried.kind(out)}")
    if not out.flags.writeable:
        raise ValueError(f"{function}: out must be writeable; got a read-only array")
    if not _elements_apart(out):
        raise ValueError(
            f"{function}: out must not overlap itself; got strides {out.strides} "
            f"for shape {out.shape}"
        )


def result(function, came, shape, dtype):
    """An `out` of the result's shape and type."""
    result_shape(function, came, shape)
    if came.dtype != dtype:
        raise TypeError(
            f"{function}: out must have the result's type {_named(dtype)}; got {_named(came.dtype)}"
        )


def gradient(function, name, came, shape, dtype, of="the result"):
    """A gradient has the shape and the type of what it belongs to."""
    if came.shape != shape:
        raise ValueError(f"{function}: {name} must have {of}'s shape {shape}; got {came.shape}")
    if came.dtype.newbyteorder("=") != dtype:
        raise TypeError(
            f"{function}: {name} must have {of}'s type {_named(dtype)}; got "
            f"{_named(came.dtype)}: convert it with {name}.astype({_class_of(dtype)})"
        )


def mask(function, came, count=2):
    """As many flags as there are gradients: which of them are wanted."""
    try:
        wanted = tuple(came)
    except TypeError:
        wanted = ()
    if len(wanted) != count or not all(isinstance(w, bool | np.bool_) for w in wanted):
        many = {2: "two", 3: "three", 5: "five"}[count]
        raise TypeError(f"{function}: output_mask must be {many} of True or False; got {came!r}")
    return wanted


def matrices(function, shape, batch, axes, either=True):
    """(N, D, D + 1) for D spatial axes, with the given batch or 1; `either` may be the one of 1."""
    rule = f"{function}: theta must have shape (N, {axes}, {axes + 1}) with N = {batch}"
    if len(shape) != 3 or shape[1:] != (axes, axes + 1):
        raise ValueError(f"{rule} or 1; got {shape}")
    if shape[0] not in (batch, 1) and not (either and batch == 1):
        raise ValueError(f"{rule} or 1; got {shape}")


def sizes(function, came, counts, form, name="size"):
    """A tuple of so many non-negative ints."""
    try:
        found = tuple(operator.index(n) for n in came)
    except TypeError:
        raise TypeError(f"{function}: {name} must be {form} of ints; got {came!r}") from None
    if len(found) not in counts or min(found, default=0) < 0:
        raise ValueError(f"{function}: {name} must be {form}, none negative; got {came!r}")
    if math.prod(max(n, 1) for n in found) > MOST:
        raise ValueError(f"{function}: {name} must be of an array that can be; got {came!r}")
    return found


def spatial(function, size, axes):
    """A size for each spatial axis of the input."""
    if len(size) != axes:
        raise ValueError(
            f"{function}: size must have {axes} numbers, one a spatial axis; got {size}"
        )


def _elements_apart(x):
    """Does each axis, from the finest on, step over all the finer ones?"""
    reach = x.itemsize
    steps = zip(x.strides, x.shape, strict=True)
    for stride, size in sorted((abs(s), n) for s, n in steps if n > 1):
        if stride < reach:
            return x.size == 0
        reach = stride * (size - 1) + reach
    return True


def apart(function, out, **inputs):
    """`out` shares no byte with an input."""
    for name, other in inputs.items():
        if np.may_share_memory(out, other) and np.shares_memory(out, other):
            raise ValueError(
                f"{function}: out must not overlap {name}; got arrays that share memory"
            )


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


def images(function, name, shape):
    """(N, C, H, W)."""
    if len(shape) != 4:
        raise ValueError(f"{function}: {name} must have shape (N, C, H, W); got {shape}")


def shaped(function, name, shape, wanted, form):
    """An array of just this shape."""
    if shape != wanted:
        raise ValueError(f"{function}: {name} must have shape {form}, here {wanted}; got {shape}")


def thetas(function, shape):
    """(K, 2, 3): a matrix for each object."""
    if len(shape) != 3 or shape[1:] != (2, 3):
        raise ValueError(f"{function}: theta must have shape (K, 2, 3); got {shape}")


def integers(function, name, thing):
    """The thing as an array of integers."""
    made = array(function, name, thing)
    if made.dtype.kind not in "iu":
        raise TypeError(
            f"{function}: {name} must be integers; got {_named(made.dtype)}: "
            f"round as you see fit, then convert it with {name}.astype(numpy.int64)"
        )
    return made


def indices(function, name, came, count):
    """Each is one of so many; the message names the first that is not."""
    wrong = np.flatnonzero((came < 0) | (came >= count))
    if len(wrong):
        k = wrong[0]
        raise ValueError(
            f"{function}: {name}[{k}] must be the index of one of {count} images; got {came[k]}"
        )


def boxes(function, came, sizes):
    """Each lies in an image of these sizes; the message names the first that does not."""
    x0, y0, x1, y1 = came.T
    height, width = sizes
    across = (x0 < 0) | (x1 < x0) | (x1 > width)
    wrong = np.flatnonzero(across | (y0 < 0) | (y1 < y0) | (y1 > height))
    if len(wrong):
        k = wrong[0]
        raise ValueError(
            f"{function}: boxes[{k}] must be x0 y0 x1 y1 with 0 <= x0 <= x1 <= {width} and "
            f"0 <= y0 <= y1 <= {height}; got {' '.join(map(str, came[k]))}"
        )


def copied(function, name, came):
    """A type whose values can be copied and filled: numbers and bools of any size."""
    if came.kind not in "biufc" and came != brain.DTYPE:
        raise TypeError(f"{function}: {name} must be numbers or bools; got {_named(came)}")


def shifts(function, shape, dtype, image):
    """(G, D): a row for each of G groups of the channels of an input (N, C, *in)."""
    if dtype.kind not in "iu" and not _is_one_of(dtype, FLOATS):
        raise TypeError(
            f"{function}: shifts must be integers, {_listed(FLOATS)}; got {_named(dtype)}: "
            "convert it with shifts.astype(numpy.int64) or shifts.astype(numpy.float32)"
        )
    channels, axes = image[1], len(image) - 2
    rule = f"{function}: shifts must have shape (G, {axes}) where G divides C = {channels}"
    if len(shape) != 2 or shape[1] != axes:
        raise ValueError(f"{rule}; got {shape}")
    if shape[0] != channels and (shape[0] == 0 or channels % shape[0]):
        raise ValueError(f"{rule}; got {shape}")


def number(function, name, came):
    """A real number: an int as it is, others as a float."""
    found = real(function, name, came)
    return int(came) if isinstance(came, int | np.integer) else found


def items(function, name, fill, dtype):
    """One number or several as a type's bytes: integers take the nearest that they have."""
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


def same_type(function, name, came, dtype):
    """An array that takes part in a product with the input."""
    if came.newbyteorder("=") != dtype:
        raise TypeError(
            f"{function}: {name} must have the input's type {dtype}; got {_named(came)}: "
            f"convert it with {name}.astype(numpy.{dtype})"
        )


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


def kernel(function, shape, channels):
    """(Cout, Cin / groups, kh, kw) for so many channels; the number of groups."""
    known = len(shape) == 4 and channels > 0 and 0 not in shape[1:] and channels % shape[1] == 0
    if not known or shape[0] % (channels // shape[1]):
        raise ValueError(
            f"{function}: weight must have shape (Cout, Cin / groups, kh, kw) with Cin = "
            f"{channels} and Cout a multiple of the groups; got {shape}"
        )
    return channels // shape[1]


def window(function, shape, room, sizes):
    """A kernel of this shape, which covers so much room, has a place in an image so large."""
    if room[0] > sizes[0] or room[1] > sizes[1]:
        raise ValueError(
            f"{function}: weight must be a kernel that, dilated, fits the padded input of "
            f"{sizes[0]} x {sizes[1]}; got {room[0]} x {room[1]} from shape {shape}"
        )


def offset(function, shape, wanted, taps, channels):
    """(N, 2 * groups * taps, Ho, Wo), the groups a divisor of the channels; their number."""
    samples, rows, cols = wanted
    groups, rest = divmod(shape[1], 2 * taps) if len(shape) == 4 else (0, 0)
    fits = len(shape) == 4 and (shape[0], *shape[2:]) == wanted
    if not fits or rest or groups == 0 or channels % groups:
        raise ValueError(
            f"{function}: offset must have shape ({samples}, {2 * taps} * groups, {rows}, {cols}), "
            f"groups a divisor of {channels}; got {shape}"
        )
    return groups


def masks(function, shape):
    """(K, h, w), with pixels in each mask."""
    if len(shape) != 3 or 0 in shape[1:]:
        raise ValueError(
            f"{function}: masks must have shape (K, h, w), neither h nor w 0; got {shape}"
        )


def finite(function, name, came):
    """No NaN and no infinity in any row; the message names the first with one."""
    wrong = np.flatnonzero(~np.isfinite(came).all(1))
    if len(wrong):
        k = wrong[0]
        raise ValueError(
            f"{function}: {name}[{k}] must be finite; got {' '.join(map(str, came[k]))}"
        )


def pictures(function, shape):
    """A batch of images, of two spatial axes."""
    if len(shape) != 4:
        raise ValueError(f"{function}: input must have shape (N, C, H, W); got {shape}")


def homographies(function, shape, batch):
    """(N, 3, 3), with the given batch or either one 1."""
    fits = len(shape) == 3 and shape[1:] == (3, 3)
    if not fits or (shape[0] != batch and 1 not in (shape[0], batch)):
        raise ValueError(
            f"{function}: homography must have shape (N, 3, 3) with N = {batch} or 1; got {shape}"
        )


def knots(function, shape, axes):
    """(N, D, *knots) for D axes, two knots or more along each."""
    if len(shape) != axes + 2 or shape[1] != axes or min(shape[2:], default=0) < 2:
        listed = ", ".join("zyx"[-axes:])
        raise ValueError(
            f"{function}: control must have shape (N, {axes}, *knots) with two knots or more along "
            f"each of {listed}; got {shape}"
        )


def batch(function, name, came, images):
    """As many samples as there are images, or either one 1."""
    if came != images and 1 not in (came, images):
        raise ValueError(f"{function}: {name} must be of N = {images} samples or 1; got {came}")


def spline_order(function, came):
    """That of a field: cubic or linear."""
    if isinstance(came, bool | np.bool_) or came not in (1, 3):
        raise ValueError(f"{function}: order must be 3 or 1; got {came!r}")
    return int(came)


def points(function, shape):
    """(N, P, D) for D axes; how many these are."""
    if len(shape) != 3 or shape[-1] not in (1, 2, 3):
        raise ValueError(
            f"{function}: points must have shape (N, P, D) with D = 1, 2 or 3; got {shape}"
        )
    return shape[-1]


def point_map(function, shape, axes, samples):
    """A theta for D axes, or a homography for two, of as many samples as points or either one."""
    fits = shape[1:] == (axes, axes + 1) or (axes == 2 and shape[1:] == (3, 3))
    if len(shape) != 3 or not fits or (shape[0] != samples and 1 not in (shape[0], samples)):
        either = " or (N, 3, 3)" if axes == 2 else ""
        raise ValueError(
            f"{function}: map must have shape (N, {axes}, {axes + 1}){either} with N = {samples} "
            f"or 1, or be (control, theta); got {shape}"
        )


def invertible(function, matrices):
    """Each has an inverse; the message names the first that has none."""
    regular = np.isfinite(matrices).all((1, 2))
    regular[regular] = np.linalg.matrix_rank(matrices[regular]) == matrices.shape[-1]
    wrong = np.flatnonzero(~regular)
    if len(wrong):
        k = wrong[0]
        raise ValueError(f"{function}: map[{k}] must have an inverse; got {matrices[k].tolist()}")


def listed(function, images, axes, last):
    """Images of one type and as many channels, of any sizes; the message names the first."""
    form = ("(*in, C)" if last else "(C, *in)") + f" with {axes} axes in *in"
    channel = -1 if last else 0
    for k, x in enumerate(images):
        if x.ndim != axes + 1:
            raise ValueError(f"{function}: input[{k}] must have shape {form}; got {x.shape}")
        if x.shape[channel] != images[0].shape[channel]:
            raise ValueError(
                f"{function}: input[{k}] must have as many channels as input[0], "
                f"{images[0].shape[channel]}; got shape {x.shape}"
            )
        if x.dtype.newbyteorder("=") != images[0].dtype.newbyteorder("="):
            raise ValueError(
                f"{function}: input[{k}] must have input[0]'s type {_named(images[0].dtype)}; got "
                f"{_named(x.dtype)}"
            )


def each_has_pixels(function, images, result, last):
    """No image of a list has an axis of size 0; the message names the first."""
    for k, x in enumerate(images):
        if 0 in x.shape:
            something_to_sample(
                function, x.shape, result, f"input[{k}]", x.shape[:-1] if last else x.shape[1:]
            )
