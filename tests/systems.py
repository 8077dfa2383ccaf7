"""Naive oracles of the sampling systems, and what their tests share. Nothing of the package.

Each oracle says its definition once more, as loops in float64, and reads pixels through
`oracle.grid_sample`, mostly in pixel coordinates. Arguments are the functions' own; results are
float64, but for integer shifts, which keep the input's type.
"""

import math
import re

import numpy as np
import oracle
import pytest
from cases import identity

GRADIENT = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-8}
"""A gradient against finite differences of an oracle, relative to its scale."""


def exact(x):
    """The same numbers in float64, whatever the type and byte order."""
    return np.asarray(x, np.float64)


def point_sample(input, points, mode="bilinear", padding_mode="zeros", align_corners=False, **fill):
    """Points in [0, 1]: the grid is 2 p - 1."""
    grid = 2 * exact(points) - 1
    return oracle.grid_sample(input, grid, mode, padding_mode, align_corners, **fill)


def flow_warp(input, flow, mode="bilinear", padding_mode="zeros", **fill):
    """The result at (y, x) is the input at (y + dy, x + dx); flow (N, (dx, dy, dz), *in)."""
    pixels = np.moveaxis(exact(flow), 1, -1) + identity(np.shape(input)[2:], np.float64)
    return oracle.grid_sample(input, pixels, mode, padding_mode, coordinates="pixel", **fill)


def remap(image, map_x, map_y, mode="bilinear", padding_mode="zeros", **fill):
    """An image (H, W) or (H, W, C) at (map_y, map_x)."""
    if np.ndim(image) == 2:
        return remap(np.asarray(image)[..., None], map_x, map_y, mode, padding_mode, **fill)[..., 0]
    planes = np.moveaxis(np.asarray(image), -1, 0)[None]
    pixels = np.stack([exact(map_x), exact(map_y)], -1)[None]
    out = oracle.grid_sample(planes, pixels, mode, padding_mode, coordinates="pixel", **fill)
    return np.moveaxis(out[0], 0, -1)


def region_shift(input, shifts, padding_mode="border", *, fill_value=0):
    """out[h] = in[h - s] for each channel by the shift of its group."""
    input = np.asarray(input)
    rows = np.repeat(shifts, input.shape[1] // len(shifts), axis=0)
    shift = roll if np.issubdtype(rows.dtype, np.integer) else slide
    parts = [shift(input[:, c], row, padding_mode, fill_value) for c, row in enumerate(rows)]
    return np.stack(parts, 1) if parts else input.copy()


def roll(channel, row, padding_mode, fill):
    """One channel (N, *in) by whole pixels, copied element by element."""
    fill = 0 if padding_mode == "zeros" else fill
    out = np.full(channel.shape, fill, channel.dtype.newbyteorder("="))
    sizes = channel.shape[1:]
    for place in np.ndindex(*sizes):
        read = [
            source(h - int(s), n, padding_mode) for h, s, n in zip(place, row, sizes, strict=True)
        ]
        if None not in read:
            out[(slice(None), *place)] = channel[(slice(None), *read)]
    return out


def source(h, size, padding_mode):
    """The pixel that a position reads, None where it reads the fill value; h is Python's int."""
    if padding_mode == "border":
        return min(max(h, 0), size - 1)
    if padding_mode == "wrap":
        return h % size
    if padding_mode == "reflection":
        return min(h % (2 * size), 2 * size - 1 - h % (2 * size))
    if padding_mode == "mirror":
        period = max(2 * (size - 1), 1)
        return min(h % period, period - h % period) if size > 1 else 0
    return h if 0 <= h < size else None


def slide(channel, row, padding_mode, fill):
    """One channel (N, *in) by fractions of a pixel."""
    pixels = identity(channel.shape[1:], np.float64) - exact(row)[::-1]
    options = {"padding_mode": padding_mode, "fill_value": fill, "coordinates": "pixel"}
    return oracle.grid_sample(channel[:, None], pixels, **options)[:, 0]


def soft_masks(masks, boxes, image_size):
    """(K, H, W): each mask stretched over its box, as the whole image would sample it."""
    out = np.zeros((len(masks), *image_size))
    for mask, (x0, y0, x1, y1), target in zip(np.asarray(masks), exact(boxes), out, strict=True):
        (h, w), (height, width) = mask.shape, image_size
        i, j = np.ix_(pasted(y0, y1, h, height), pasted(x0, x1, w, width))
        x = (j + 0.5 - x0) / (x1 - x0) * 2 - 1
        y = (i + 0.5 - y0) / (y1 - y0) * 2 - 1
        grid = np.stack(np.broadcast_arrays(x, y), -1)[None]
        target[i, j] = oracle.grid_sample(mask[None, None], grid)[0, 0]
    return out


def pasted(low, high, mask, image):
    """The image's pixels that a box's mask reaches along an axis: half a mask's pixel beyond it."""
    if not (low < high and low < image and high > 0):
        return np.zeros(0, int)
    fade = (high / 2 - low / 2) / mask
    centres = np.arange(image) + 0.5
    return np.flatnonzero((low - fade <= centres) & (centres <= high + fade))


def patch_affine(
    images, theta, boxes, box_to_image, mode="bilinear", padding_mode="zeros", align_corners=False
):
    """Each box of its original image, warped by its theta and put back; the later box wins."""
    images = np.asarray(images)
    out = images.astype(np.float64)
    for t, (x0, y0, x1, y1), n in zip(exact(theta), boxes, box_to_image, strict=True):
        place = np.s_[n : n + 1, :, y0:y1, x0:x1]
        patch = images[place]
        grid = affine_grid(t, patch.shape[2:], align_corners)
        out[place] = oracle.grid_sample(patch, grid, mode, padding_mode, align_corners)
    return out


def affine_grid(theta, sizes, align_corners):
    """[x, y, 1] · θᵀ at every pixel of (H, W): (1, H, W, 2)."""
    y, x = np.meshgrid(*(base_points(n, align_corners) for n in sizes), indexing="ij")
    return (np.stack([x, y, np.ones_like(x)], -1) @ theta.T)[None]


def base_points(size, align_corners):
    """The pixels of an axis in normalised coordinates; a single one lies at 0."""
    j = np.arange(size)
    if size == 1:
        return np.zeros(1)
    return -1 + 2 * j / (size - 1) if align_corners else -1 + (2 * j + 1) / size


def deform_conv2d(
    input, offset, weight, bias=None, stride=1, padding=0, dilation=1, mask=None, columns=None
):
    """Sampled columns, times the weights of each group; `columns` may be given where known."""
    if columns is None:
        columns = deform_columns(input, offset, weight, stride, padding, dilation, mask)
    out = np.empty((len(columns), len(weight), *columns.shape[-2:]))
    for o, kernel in enumerate(exact(weight)):
        per_group = len(weight) * len(kernel) // columns.shape[1]  # Cout / groups
        first = o // per_group * len(kernel)
        out[:, o] = np.einsum("ncijyx,cij->nyx", columns[:, first : first + len(kernel)], kernel)
        out[:, o] += 0 if bias is None else bias[o]
    return out


def sides(padding):
    """An int, two for (y, x), or four, as ((top, bottom), (left, right))."""
    padding = np.array(padding)
    return np.broadcast_to(padding[:, None] if padding.ndim == 1 else padding, (2, 2))


def deform_columns(input, offset, weight, stride, padding, dilation, mask):
    """What each tap reads: (N, Cin, kh, kw, Ho, Wo)."""
    input, offset = exact(input), exact(offset)
    (kh, kw), (sh, sw), (dh, dw) = (
        weight.shape[2:],
        *(np.broadcast_to(pair, 2) for pair in (stride, dilation)),
    )
    ph, pw = sides(padding)[:, 0]
    channels = input.shape[1]
    offset_groups = offset.shape[1] // (2 * kh * kw)
    columns = np.empty((len(input), channels, kh, kw, *offset.shape[2:]))
    for n, c, i, j, oy, ox in np.ndindex(*columns.shape):
        k = c // (channels // offset_groups) * kh * kw + i * kw + j
        dy, dx = offset[n, 2 * k : 2 * k + 2, oy, ox]
        y, x = oy * sh - ph + i * dh + dy, ox * sw - pw + j * dw + dx
        scale = 1 if mask is None else mask[n, k, oy, ox]
        columns[n, c, i, j, oy, ox] = scale * interpolate(input[n, c], y, x)
    return columns


def interpolate(plane, y, x):
    """Bilinear with zeros outside, and 0 from one pixel outside on."""
    if math.isnan(y) or math.isnan(x):
        return np.nan
    if not (-1 < y < plane.shape[0] and -1 < x < plane.shape[1]):
        return 0.0
    top, left = math.floor(y), math.floor(x)
    total = 0.0
    for row, by_row in ((top, top + 1 - y), (top + 1, y - top)):
        for column, by_column in ((left, left + 1 - x), (left + 1, x - left)):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                total += by_row * by_column * plane[row, column]
    return total


def slopes(function, x, weights, step=1e-4):
    """Central differences of ⟨function(x), weights⟩ in each element of x."""
    x = np.array(x, np.float64)
    grad = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        value = x[place]
        x[place] = value + step
        above = np.vdot(function(x), weights)
        x[place] = value - step
        below = np.vdot(function(x), weights)
        x[place] = value
        grad[place] = (above - below) / (2 * step)
    return grad


def off_the_kinks(seed, shape, sizes):
    """Pixel coordinates (*shape, D), x first, a tenth off every integer and every half.

    They reach two pixels outside. Between the kinks every interpolation here is smooth.
    """
    rng = np.random.default_rng(seed)
    whole = [rng.integers(-2, n + 1, shape) for n in sizes[::-1]]
    part = rng.choice([0.1, 0.6], (*shape, len(sizes))) + rng.uniform(0, 0.3, (*shape, len(sizes)))
    return np.stack(whole, -1) + part


def layouts(array):
    """(name, the same values laid out otherwise)."""
    every_other = (slice(None, None, 2),) * array.ndim
    spread = np.zeros([2 * n for n in array.shape], array.dtype)
    spread[every_other] = array
    backwards = (slice(None, None, -1),) * array.ndim
    frozen = array.copy()
    frozen.flags.writeable = False
    yield "strided", spread[every_other]
    yield "negative strides", array[backwards].copy()[backwards]
    yield "fortran", np.asfortranarray(array)
    yield "read-only", frozen
    yield "byte-swapped", array.astype(array.dtype.newbyteorder())


LAYOUTS = [name for name, _ in layouts(np.zeros(1))]


def outs(shape, dtype):
    """(name, an array to write to), none of them clean."""
    yield "contiguous", np.full(shape, 1, dtype)
    yield "strided", np.full([2 * n for n in shape], 1, dtype)[(slice(None, None, 2),) * len(shape)]
    yield "negative strides", np.full(shape, 1, dtype)[(slice(None, None, -1),) * len(shape)]
    yield "fortran", np.full(shape, 1, dtype, order="F")


def watched(function, *arguments, **options):
    """The function's result; fails if it wrote to an argument other than `out`."""
    inputs = [*arguments, *(value for name, value in options.items() if name != "out")]
    inputs = [x for x in inputs if isinstance(x, np.ndarray)]
    before = [x.tobytes() for x in inputs]
    result = function(*arguments, **options)
    assert [x.tobytes() for x in inputs] == before, "an input was written to"
    return result


def assert_written_and_returned(function, *arguments, **options):
    """Any `out` is filled with the result and returned, and nothing around it is touched."""
    want = function(*arguments, **options)
    for name, out in outs(want.shape, want.dtype):
        assert watched(function, *arguments, out=out, **options) is out, name
        np.testing.assert_array_equal(out, want, err_msg=name)
        base = out if out.base is None else out.base
        out[...] = 1
        assert (base == 1).all(), name


def assert_refused(function, argument, *parts, of, error=ValueError, **options):
    """The call function(*of, **options) fails; the message has the usual form and all parts."""
    with pytest.raises(error) as caught:
        function(*of, **options)
    message = str(caught.value)
    form = rf"{function.__name__}: {argument}\b.* must .+; got .+"
    assert re.fullmatch(form, message), f"{message!r} is not of the form {form!r}"
    for part in parts:
        assert str(part) in message, f"{part!r} is not in: {message}"


def assert_names_the_first(function, argument, first, others, *, of, error=ValueError, **options):
    """The message names the index of the first offender and of no other."""
    with pytest.raises(error, match=rf"^{function.__name__}: {argument}\b.* must .+; got ") as e:
        function(*of, **options)
    named = {int(number) for number in re.findall(r"(?<![\w.])\d+(?![\w.])", str(e.value))}
    assert first in named, f"{first} is not named in: {e.value}"
    assert not named & set(others), f"one of {others} is named in: {e.value}"


def last(x):
    """Channels moved to the last axis, contiguous."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))
