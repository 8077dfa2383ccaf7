"""The shifts of several papers: tables of (dy, dx), a row a channel, for `region_shift`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._calls import checks

__all__ = ["as_mlp", "cycle_fc", "s2_mlp", "shift_net"]

Table = NDArray[np.int64]


def s2_mlp(channels: int) -> Table:
    """Shift quarters of the channels one pixel down, up, right and left.

    Parameters
    ----------
    channels : int
        C, any number; the quarters are cut at C // 4, C // 2 and 3 C // 4.

    Returns
    -------
    ndarray, shape (C, 2), int64

    Raises
    ------
    ValueError, TypeError
        A number that is negative or not an int.

    See Also
    --------
    fastsample.region_shift : What moves by these shifts.

    Notes
    -----
    Edges keep their value, which is `padding_mode="border"`. The slice assignments in place that
    are found in copies of this code read rows they have just written, and smear the edge over the
    whole image; the shift is meant to be out of place, as it is here.

    References
    ----------
    T. Yu et al., "S2-MLP: Spatial-Shift MLP Architecture for Vision", 2021.

    Convention
    ----------
    Columns are (dy, dx); positive moves the content to larger indices.

    Examples
    --------
    >>> import fastsample as fs
    >>> fs.shifts.s2_mlp(4)
    array([[ 1,  0],
           [-1,  0],
           [ 0,  1],
           [ 0, -1]])
    """
    channels = checks.count("s2_mlp", "channels", channels)
    cuts = [0, channels // 4, channels // 2, 3 * channels // 4, channels]
    return np.repeat([(1, 0), (-1, 0), (0, 1), (0, -1)], np.diff(cuts), axis=0)


def as_mlp(channels: int, size: int, axis: int) -> Table:
    """Shift groups of the channels by distances from -(size // 2) to size // 2 along one axis.

    Parameters
    ----------
    channels : int
        C; a group has ⌈C / size⌉ channels, the last one has the rest.
    size : int
        How many distances there are; odd.
    axis : {0, 1}
        Along the height or along the width.

    Returns
    -------
    ndarray, shape (C, 2), int64

    Raises
    ------
    ValueError, TypeError
        A `size` that is even, another axis, a number that is negative or not an int.

    See Also
    --------
    fastsample.region_shift : What moves by these shifts.

    Notes
    -----
    The paper's padding is `padding_mode="zeros"`.

    References
    ----------
    D. Lian et al., "AS-MLP: An Axial Shifted MLP Architecture for Vision", 2021.

    Convention
    ----------
    Columns are (dy, dx); positive moves the content to larger indices.

    Examples
    --------
    >>> import fastsample as fs
    >>> fs.shifts.as_mlp(5, 3, axis=1).T
    array([[ 0,  0,  0,  0,  0],
           [-1, -1,  0,  0,  1]])
    """
    channels, size = (
        checks.count("as_mlp", "channels", channels),
        checks.odd("as_mlp", "size", size),
    )
    axis = checks.axis("as_mlp", "axis", axis)
    group = max(1, -(-channels // size))
    return _along(axis, np.arange(channels) // group - size // 2)


def cycle_fc(channels: int, kernel: tuple[int, int]) -> Table:
    """Let each channel read one pixel further than the one before, around a line of K pixels.

    Parameters
    ----------
    channels : int
        C.
    kernel : (int, int)
        (1, K) along the width or (K, 1) along the height.

    Returns
    -------
    ndarray, shape (C, 2), int64

    Raises
    ------
    ValueError, TypeError
        A kernel that is neither one row nor one column, a number that is negative or not an int.

    See Also
    --------
    fastsample.region_shift : What moves by these shifts.

    Notes
    -----
    Channel i reads at ((i + K // 2) mod K) - K // 2; its shift is the negative of that. The paper's
    padding is `padding_mode="zeros"`.

    References
    ----------
    S. Chen et al., "CycleMLP: A MLP-like Architecture for Dense Prediction", 2021.

    Convention
    ----------
    Columns are (dy, dx); positive moves the content to larger indices.

    Examples
    --------
    >>> import fastsample as fs
    >>> fs.shifts.cycle_fc(7, (1, 3)).T
    array([[ 0,  0,  0,  0,  0,  0,  0],
           [ 0, -1,  1,  0, -1,  1,  0]])
    """
    channels = checks.count("cycle_fc", "channels", channels)
    rows, columns = checks.line("cycle_fc", "kernel", kernel)
    taps = rows * columns
    reads = (np.arange(channels) + taps // 2) % taps - taps // 2
    return _along(int(rows == 1), -reads)


def shift_net(channels: int, kernel: tuple[int, int]) -> Table:
    """Let each group of channels read its own tap of a kernel.

    Parameters
    ----------
    channels : int
        C; a group has C // (kh kw) channels, the centre's takes the rest as well.
    kernel : (int, int)
        (kh, kw). Groups follow in the order of its taps, row by row.

    Returns
    -------
    ndarray, shape (C, 2), int64

    Raises
    ------
    ValueError, TypeError
        A number that is negative, zero for a kernel, or not an int.

    See Also
    --------
    fastsample.region_shift : What moves by these shifts.

    Notes
    -----
    The tap (ky, kx) reads at (ky - kh // 2, kx - kw // 2); the shift is the negative of that. With
    `padding_mode="zeros"` this is a depthwise convolution, as in neural networks, whose kernels
    hold a single one.

    References
    ----------
    B. Wu et al., "Shift: A Zero FLOP, Zero Parameter Alternative to Spatial Convolutions", 2018.

    Convention
    ----------
    Columns are (dy, dx); positive moves the content to larger indices.

    Examples
    --------
    >>> import fastsample as fs
    >>> fs.shifts.shift_net(5, (1, 3)).T
    array([[ 0,  0,  0,  0,  0],
           [ 1,  0,  0,  0, -1]])
    """
    channels = checks.count("shift_net", "channels", channels)
    rows, columns = checks.pair("shift_net", "kernel", kernel, 1)
    taps = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
    centre = rows // 2 * columns + columns // 2
    groups = np.full(len(taps), channels // len(taps))
    groups[centre] += channels % len(taps)
    return np.repeat(taps[centre] - taps, groups, axis=0)


def _along(axis: int, distances: NDArray[Any]) -> Table:
    """Put distances along one axis of an image into a table."""
    table = np.zeros((len(distances), 2), np.int64)
    table[:, axis] = distances
    return table
