"""deform_conv2d: a convolution whose taps read where offsets tell them; and its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._calls import buffers, checks, gradients, run
from ._calls.formula import grid_axes, step_axis
from ._calls.outline import Outline, outlined
from ._calls.quiet import quietly
from ._calls.registry import has_backward
from ._calls.typed import Five, Numpy, Pair, Sides, five_like_gradient, like_input
from ._kernels.kind import FLOW

_NAME, _BACK = "deform_conv2d", "deform_conv2d_backward"
_BYTES = 64 * 2**20  # of columns and what is as large as they are, at a time
# Points of a block up to which all taps are read at once: one call, not one a tap. Measured, ms on
# one core, forward and backward: 256 channels of 14 x 14 3.0 and 11 to 1.4 and 6.0, 64 of 32 x 32
# 2.6 and 11 to 1.7 and 7.7; 64 of 64 x 64 in 64 offset groups 15.5 and 74 to 16.0 and 79.
_SMALL = 4096


class _Given(NamedTuple):
    """The arrays of a call; gradients have the same names."""

    input: NDArray[Any]
    offset: NDArray[Any]
    weight: NDArray[Any]
    bias: NDArray[Any] | None
    mask: NDArray[Any] | None


class _Layer(NamedTuple):
    """All of a call but the arrays' values."""

    samples: int
    channels: int
    sizes: tuple[int, int]  # the input's
    out_channels: int
    points: tuple[int, int]  # the result's sizes
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]  # (top, bottom), (left, right)
    dilation: tuple[int, int]
    groups: int
    offset_groups: int
    dtype: np.dtype[Any]

    @property
    def taps(self) -> int:
        """Of one channel."""
        return self.kernel[0] * self.kernel[1]

    @property
    def kernels(self) -> tuple[int, int, int]:
        """The shape of the weights as a matrix for each group."""
        depth = self.channels // self.groups * self.taps
        return self.groups, self.out_channels // self.groups, depth

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        return self.samples, self.out_channels, *self.points


class _Block(NamedTuple):
    """Some samples, and some of the result's rows and columns."""

    samples: slice
    rows: slice
    cols: slice

    @property
    def place(self) -> tuple[slice, slice, slice, slice]:
        """An index of arrays (N, C, Ho, Wo), all channels."""
        return self.samples, slice(None), self.rows, self.cols


class _Tap(NamedTuple):
    """One tap in a block, or all, for a batch: a group's samples, or a sample's offset groups."""

    sampling: run.Sampling
    number: int | slice
    batch: tuple[slice | int, ...]  # an index of (samples, offset groups)
    lattice: NDArray[Any] | None = None  # what offsets are added to, where not by the sampling

    def positions(self, flow: NDArray[Any]) -> NDArray[Any]:
        """Tell what is sampled: offsets, or where they lead."""
        return flow if self.lattice is None else flow + self.lattice.astype(flow.dtype)


class _Seen(NamedTuple):
    """A block of the arrays of a call, or of their gradients, as (samples, offset groups, ...)."""

    image: NDArray[Any] | None  # (..., C / groups, H, W)
    flow: NDArray[Any] | None  # (..., taps, Ho, Wo, (x, y))
    mask: NDArray[Any] | None  # (..., taps, Ho, Wo)
    columns: NDArray[Any]  # (..., C / groups, taps, Ho, Wo)

    def of(self, tap: _Tap) -> _Seen:
        """See what belongs to one tap, as (batch, ...)."""
        at, k = tap.batch, tap.number
        image = None if self.image is None else self.image[at]
        flow, mask = (None if a is None else a[at][:, k] for a in (self.flow, self.mask))
        return _Seen(image, flow, mask, self.columns[at][:, :, k])


@like_input
def deform_conv2d(
    input: ArrayLike,
    offset: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Pair = 1,
    padding: Sides = 0,
    dilation: Pair = 1,
    mask: ArrayLike | None = None,
) -> NDArray[Any]:
    """Convolve images with a kernel whose taps are moved, each by its own offset at each point.

    torchvision's function of the same name, for NumPy arrays.

    Parameters
    ----------
    input : array_like, shape (N, Cin, H, W)
        float32 or float64. Any strides and byte order.
    offset : array_like, shape (N, 2 * G * kh * kw, Ho, Wo)
        float32 or float64. How far each tap is moved, in pixels of the input: channels 2 m and
        2 m + 1 are (y, x) of tap m % (kh * kw), in row-major order, for the channels of group
        m // (kh * kw). The G offset groups are equal parts of the input's channels. Positions are
        computed in the offset's own precision.
    weight : array_like, shape (Cout, Cin / groups, kh, kw)
        Of the input's type. Its second axis determines the number of groups.
    bias : array_like, shape (Cout,), optional
        What is added to each channel of the result; of the input's type.
    stride : int or (int, int)
        The steps of the output in the input, along y and x.
    padding : int, (int, int) or ((int, int), (int, int))
        The zeros around the input: on all sides, along y and x, or as ((top, bottom), (left,
        right)).
    dilation : int or (int, int)
        The steps from one tap to the next, along y and x.
    mask : array_like, shape (N, G * kh * kw, Ho, Wo), optional
        What each tap's value is multiplied by (the modulation of version 2); of the input's type.

    Returns
    -------
    ndarray, shape (N, Cout, Ho, Wo)
        Of the input's type. Ho = (H + top + bottom - dilation (kh - 1) - 1) // stride + 1, Wo
        alike.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, an invalid stride, padding or dilation, or a kernel
        larger than the padded input.
    TypeError
        An argument of a type that is not supported; the message says what to convert to.

    See Also
    --------
    grid_sample : What each tap reads.
    deform_conv2d_backward : The gradients.

    Notes
    -----
    A tap reads linearly between pixels and fades to 0 over one pixel beyond the edge. An infinite
    offset reads 0; NaN gives NaN at its own position alone.

    The values that the taps read are gathered into columns, a block of samples or rows at a time so
    that they never take more than 64 MB, and multiplied by the weights with `numpy.matmul`. The
    columns are the same to the bit for any number of threads; the product is that of NumPy's BLAS.
    The time grows with what is read: many offset groups are sampled as a batch.

    References
    ----------
    torchvision 0.28, `torchvision.ops.deform_conv2d`. J. Dai et al., "Deformable Convolutional
    Networks", 2017. X. Zhu et al., "Deformable ConvNets v2: More Deformable, Better Results", 2019.

    Convention
    ----------
    Offsets are (y, x), where grids and flows are (x, y). Tap (i, j) of the output's point (oy, ox)
    reads at y = oy stride - top + i dilation + dy, and at x alike from the left.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> image = np.array([[[[0.0, 1.0, 2.0, 3.0]]]])
    >>> offset = np.zeros((1, 2, 1, 4))
    >>> offset[0, 1] = [1, 0.5, -2, 0.5]
    >>> fs.deform_conv2d(image, offset, np.array([[[[10.0]]]]))
    array([[[[10., 15.,  0., 15.]]]])
    """
    given = _take(_NAME, input, offset, weight, bias, mask)
    layer = _describe(_NAME, given, stride, padding, dilation)
    if isinstance(input, Outline):
        return outlined(layer.shape, layer.dtype)
    out = buffers.empty(layer.shape, layer.dtype)
    _convolve(given, layer, out)
    return out


@has_backward(deform_conv2d, "input", "offset", "weight", "bias", "mask")
@five_like_gradient
def deform_conv2d_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    offset: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Pair = 1,
    padding: Sides = 0,
    dilation: Pair = 1,
    mask: ArrayLike | None = None,
    *,
    output_mask: tuple[bool, bool, bool, bool, bool] = (True, True, True, True, True),
) -> Five[Numpy]:
    """Gradients of `deform_conv2d` with respect to its arrays.

    Parameters
    ----------
    grad_output : array_like, shape (N, Cout, Ho, Wo)
        The gradient of a scalar with respect to the result; of the input's type.
    input, offset, weight, bias, stride, padding, dilation, mask
        As they were passed to `deform_conv2d`.
    output_mask : (bool, bool, bool, bool, bool)
        Which gradients to compute: those of input, offset, weight, bias, mask. The others cost
        nothing.

    Returns
    -------
    grad_input, grad_offset, grad_weight, grad_bias, grad_mask : ndarray or None
        Of their argument's shape and type; None where it was not given, or its gradient was not
        requested. grad_offset is per pixel.

    Raises
    ------
    ValueError, TypeError
        As `deform_conv2d`, and where `grad_output` is not of the result's shape or the input's
        type.

    See Also
    --------
    deform_conv2d : The function itself.
    vjp : A result together with its pullback.

    Notes
    -----
    At an integer position an offset's slope is that of the cell to the right. A tap whose offset is
    NaN adds nothing to grad_input.

    Columns and their gradients are made a block at a time and take 64 MB together. Blocks add to
    grad_weight in their order.

    References
    ----------
    torchvision 0.28, `torchvision.ops.deform_conv2d` under autograd.

    Convention
    ----------
    grad_offset is ordered (y, x), as the offset.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> image = np.array([[[[0.0, 1.0, 2.0, 4.0]]]])
    >>> offset = np.zeros((1, 2, 1, 4))
    >>> offset[0, 1] = 0.25
    >>> found = fs.deform_conv2d_backward(np.ones_like(image), image, offset, np.ones((1, 1, 1, 1)))
    >>> found[0]
    array([[[[0.75, 1.  , 1.  , 1.  ]]]])
    >>> found[1][:, 1]
    array([[[ 1.,  1.,  2., -4.]]])
    >>> found[2:]
    (array([[[[7.]]]]), None, None)
    """
    given = _take(_BACK, input, offset, weight, bias, mask)
    layer = _describe(_BACK, given, stride, padding, dilation)
    wanted = checks.mask(_BACK, output_mask, len(given))
    gradient = checks.array(_BACK, "grad_output", grad_output)
    checks.gradient(_BACK, "grad_output", gradient, layer.shape, layer.dtype)
    grads = _zeros(given, wanted)
    _go_back(given, layer, gradient, grads)
    return tuple(grads)


def _take(name, input, offset, weight, bias, mask):
    """Take the arrays in and check their types."""
    named = {"input": input, "offset": offset, "weight": weight, "bias": bias, "mask": mask}
    absent = {k for k in ("bias", "mask") if named[k] is None}
    arrays = (None if k in absent else checks.array(name, k, a) for k, a in named.items())
    given = _Given(*arrays)
    checks.dtype(name, "input", given.input.dtype, checks.FLOATS)
    checks.dtype(name, "offset", given.offset.dtype, checks.FLOATS)
    for part in ("weight", "bias", "mask"):
        if (array := getattr(given, part)) is not None:
            checks.same_type(name, part, array.dtype, _native(given.input))
    return given


def _native(array):
    """Tell an array's type in this machine's byte order."""
    return array.dtype.newbyteorder("=")


def _zeros(given, wanted):
    """Make room for the gradients of what is given, where they are wanted."""
    parts = zip(given, wanted, strict=True)
    made = (np.zeros(a.shape, _native(a)) if w and a is not None else None for a, w in parts)
    return _Given(*made)


def _describe(name, given, stride, padding, dilation):
    """Check shapes and settings."""
    input, weight = given.input.shape, given.weight.shape
    checks.images(name, "input", input)
    groups = checks.kernel(name, weight, input[1])
    stride, dilation = (
        checks.pair(name, word, came, 1)
        for word, came in (("stride", stride), ("dilation", dilation))
    )
    padding = checks.sides(name, "padding", padding)
    padded = tuple(n + sum(p) for n, p in zip(input[2:], padding, strict=True))
    covered = tuple(d * (k - 1) + 1 for k, d in zip(weight[2:], dilation, strict=True))
    checks.window(name, weight, covered, padded)
    points = tuple((n - c) // s + 1 for n, c, s in zip(padded, covered, stride, strict=True))
    taps = weight[2] * weight[3]
    offset_groups = checks.offset(name, given.offset.shape, (input[0], *points), taps, input[1])
    if given.bias is not None:
        checks.shaped(name, "bias", given.bias.shape, weight[:1], "(Cout,)")
    if given.mask is not None:
        shape = input[0], offset_groups * taps, *points
        checks.shaped(name, "mask", given.mask.shape, shape, "(N, groups * kh * kw, Ho, Wo)")
    layer = _Layer(
        *(*input[:2], input[2:], weight[0], points, weight[2:]),
        *(stride, padding, dilation, groups, offset_groups, _native(given.input)),
    )
    checks.something_to_sample(name, input, layer.shape)
    return layer


def _kernels(weight, layer):
    """See the weights as a matrix for each group."""
    return np.ascontiguousarray(weight, layer.dtype).reshape(layer.kernels)


@quietly
def _convolve(given, layer, out):
    """Make the result, block by block."""
    kernels = _kernels(given.weight, layer)
    for block, (columns,) in _blocks(layer, 1):
        seen = _see(given, layer, block, columns)
        for tap in _taps(layer, block):
            _read(seen.of(tap), tap)
            _scale(seen.of(tap))
        _put(np.matmul(kernels, _grouped(columns, layer)), given.bias, out[block.place])


@quietly
def _go_back(given, layer, gradient, grads):
    """Add to the gradients that are wanted, block by block, and do no work for the others."""
    if grads.bias is not None:
        gradient.sum((0, 2, 3), out=grads.bias)
    moved = any(a is not None for a in (grads.input, grads.offset, grads.mask))
    if not moved and grads.weight is None:
        return
    kernels = _kernels(given.weight, layer).swapaxes(1, 2)
    for block, (columns, grad_columns) in _blocks(layer, 2):
        grad = _collected(gradient[block.place], layer)
        if moved:
            np.matmul(kernels, grad, out=_grouped(grad_columns, layer))
        seen, back = (
            _see(arrays, layer, block, found)
            for arrays, found in ((given, columns), (grads, grad_columns))
        )
        for tap in _taps(layer, block):
            _take_back(seen.of(tap), back.of(tap), tap, grads.weight is not None)
        if grads.weight is not None:
            shares = np.matmul(grad, _grouped(columns, layer).swapaxes(1, 2))
            grads.weight[...] += shares.reshape(grads.weight.shape)


def _blocks(layer: _Layer, copies: int) -> Iterator[tuple[_Block, NDArray[Any]]]:
    """Cut the result into blocks: samples, or rows of one, or parts of a row.

    With each comes room for columns (Cin, taps, N, Ho, Wo), so many copies.
    """
    if 0 in layer.shape:
        return
    height = layer.channels * layer.taps
    rows = copies * (height + 2 * layer.offset_groups * layer.taps) + layer.out_channels
    most = max(1, _BYTES // (rows * layer.dtype.itemsize))
    limits = layer.samples, *layer.points
    wanted = most // prod(layer.points), most // layer.points[1], most
    steps = [min(max(1, step), limit) for step, limit in zip(wanted, limits, strict=True)]
    room = np.empty(copies * height * prod(steps), layer.dtype)
    for first in product(*map(range, (0, 0, 0), limits, steps)):
        parts = [
            slice(a, min(a + n, limit)) for a, n, limit in zip(first, steps, limits, strict=True)
        ]
        sizes = [part.stop - part.start for part in parts]
        columns = room[: copies * height * prod(sizes)]
        yield _Block(*parts), columns.reshape(copies, layer.channels, layer.taps, *sizes)


def _taps(layer: _Layer, block: _Block) -> Iterator[_Tap]:
    """All taps of a block, in as few calls as there can be."""
    rows, cols = (part.stop - part.start for part in block[1:])
    together = rows * cols <= _SMALL
    batches = _batches(block.samples.stop - block.samples.start, layer.offset_groups)
    for sampling, number, lattice in (_at_once if together else _one_by_one)(layer, block):
        for batch in batches:
            yield _Tap(sampling, number, batch, lattice)


def _one_by_one(layer, block):
    """Each tap as steps away from the places that it has without offsets."""
    for number, starts in enumerate(product(*_starts(layer, block))):
        axes = tuple(
            step_axis(size, part.stop - part.start, start, stride)
            for size, part, start, stride in zip(
                layer.sizes, block[1:], starts, layer.stride, strict=True
            )
        )
        yield run.Sampling("bilinear", "zeros", axes, 0.0, FLOW), number, None


def _at_once(layer, block):
    """All taps as points, whose places without offsets are the lattice."""
    y, x = (
        np.add.outer(np.array(starts, np.float64), stride * np.arange(part.stop - part.start))
        for starts, part, stride in zip(_starts(layer, block), block[1:], layer.stride, strict=True)
    )
    lattice = np.empty((2, *layer.kernel, y.shape[1], x.shape[1]))
    lattice[0], lattice[1] = x[:, None], y[:, None, :, None]
    lattice = lattice.reshape(2, layer.taps, *lattice.shape[3:]).transpose(1, 2, 3, 0)
    axes = grid_axes(layer.sizes, False, "pixel")
    yield run.Sampling("bilinear", "zeros", axes, 0.0), slice(None), lattice


def _starts(layer, block):
    """Tell where the taps of a block's first point lie without offsets, along y and along x."""
    parts = zip(block[1:], layer.stride, layer.padding, layer.dilation, layer.kernel, strict=True)
    return [
        [part.start * stride - pad + tap * step for tap in range(taps)]
        for part, stride, (pad, _), step, taps in parts
    ]


def _batches(samples: int, groups: int) -> list[tuple[slice | int, ...]]:
    """All samples of a group, or all groups of a sample: whichever is called more rarely."""
    if groups <= samples:
        return [(slice(None), group) for group in range(groups)]
    return [(sample,) for sample in range(samples)]


def _see(arrays: _Given, layer: _Layer, block: _Block, columns: NDArray[Any]) -> _Seen:
    """See a block of arrays, and columns (Cin, taps, N, Ho, Wo), by sample and offset group."""
    groups, taps = layer.offset_groups, layer.taps

    def split(array, *axes):
        return array.reshape(len(array), groups, *axes, *array.shape[2:])

    image, flow, _, _, mask = arrays
    if image is not None:
        image = split(image[block.samples], layer.channels // groups)
    if flow is not None:  # the planes of y and x from behind
        flow = split(flow[block.place], taps, 2).transpose(0, 1, 2, 4, 5, 3)[..., ::-1]
    if mask is not None:
        mask = split(mask[block.place], taps)
    by_group = columns.reshape(groups, -1, *columns.shape[1:])
    return _Seen(image, flow, mask, by_group.transpose(3, 0, 1, 2, 4, 5))


def _read(seen, tap):
    """Let taps read their columns."""
    run.sample(tap.sampling, seen.image, tap.positions(seen.flow), seen.columns)


def _scale(seen, columns=None):
    """Multiply a tap's columns, or others, by the mask."""
    if seen.mask is not None:
        columns = seen.columns if columns is None else columns
        columns *= seen.mask[:, None]


def _grouped(columns, layer):
    """See columns as a matrix for each group."""
    return columns.reshape(layer.groups, layer.kernels[2], -1)


def _put(products, bias, out):
    """Put products (groups, Cout / groups, points) into their block of the result."""
    n, channels, *points = out.shape
    found = products.reshape(channels, n, *points).swapaxes(0, 1)
    np.add(found, 0 if bias is None else bias[:, None, None], out=out)


def _collected(gradient, layer):
    """Bring a block's gradient (N, Cout, Ho, Wo) into the form of `products` in `_put`."""
    channels = np.ascontiguousarray(gradient.swapaxes(0, 1), layer.dtype)
    return channels.reshape(*layer.kernels[:2], -1)


def _take_back(seen, back, tap, to_weight):
    """Add a tap's share to the gradients of input, offset and mask; make its columns."""
    if to_weight or back.mask is not None:
        _read(seen, tap)
    if back.mask is not None:
        np.einsum("nc...,nc...->n...", seen.columns, back.columns, out=back.mask)
    if to_weight:
        _scale(seen)
    if back.image is None and back.flow is None:
        return
    _scale(seen, back.columns)
    points = tap.positions(seen.flow)
    if back.image is not None:
        gradients.scatter(tap.sampling, back.columns, points, back.image, add=True)
    if back.flow is not None:
        _put_slopes(tap, back.columns, seen.image, points, back.flow)


def _put_slopes(tap, gradient, image, points, out):
    """Put the gradient of offsets into `out`, where all taps at once do not follow each other."""
    if tap.lattice is None:
        gradients.slope(tap.sampling, gradient, image, points, out)
    else:
        out[...] = gradients.coordinate_gradient(tap.sampling, gradient, image, points)
