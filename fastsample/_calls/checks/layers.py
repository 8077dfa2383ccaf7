"""Shifts of channels, deformable layers, masks and patches."""

import numpy as np

from .arrays import FLOATS, any_of, is_one_of, named


def shifts(function, shape, dtype, image):
    """(G, D): a row for each of G groups of the channels of an input (N, C, *in)."""
    if dtype.kind not in "iu" and not is_one_of(dtype, FLOATS):
        raise TypeError(
            f"{function}: shifts must be integers, {any_of(FLOATS)}; got {named(dtype)}: "
            "convert it with numpy.asarray(shifts, numpy.int64), or numpy.float32"
        )
    channels, axes = image[1], len(image) - 2
    rule = f"{function}: shifts must have shape (G, {axes}) where G divides C = {channels}"
    if len(shape) != 2 or shape[1] != axes:
        one = ": one for all channels is shifts[None]" if shape == (axes,) else ""
        raise ValueError(f"{rule}; got {shape}{one}")
    if shape[0] != channels and (shape[0] == 0 or channels % shape[0]):
        raise ValueError(f"{rule}; got {shape}")


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
        one = ": drop the axis of 1: masks[:, 0]" if len(shape) == 4 and shape[1] == 1 else ""
        raise ValueError(
            f"{function}: masks must have shape (K, h, w), neither h nor w 0; got {shape}{one}"
        )


def finite(function, name, came):
    """No NaN and no infinity in any row; the message names the first with one."""
    wrong = np.flatnonzero(~np.isfinite(came).all(1))
    if len(wrong):
        k = wrong[0]
        raise ValueError(
            f"{function}: {name}[{k}] must be finite; got {' '.join(map(str, came[k]))}"
        )


def thetas(function, shape):
    """(K, 2, 3): a matrix for each object."""
    if len(shape) != 3 or shape[1:] != (2, 3):
        advice = ": one matrix is theta[None]" if shape == (2, 3) else ""
        if shape[1:] == (3, 3):
            advice = ": drop the last row: theta[:, :2]"
        raise ValueError(f"{function}: theta must have shape (K, 2, 3); got {shape}{advice}")


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
