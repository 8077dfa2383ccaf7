"""grid_sample_backward held against the oracle; the kernels to go back through."""

import numpy as np
import oracle
import pytest
from cases import EVERY, IMAGES, KERNELS, TAPS, Kernel, noise
from tolerances import assert_close, of_the_coarser

import fastsample as fs

NAMES = "grad_output", "input", "grid"
FOLDS = ("reflection", "wrap")
F32, F64 = np.float32, np.float64
OTHERS = (
    Kernel("bilinear", "zeros", 1),
    Kernel("bilinear", "zeros", 3),
    Kernel("bilinear", "zeros", 2, F64, F64),
    Kernel("bilinear", "constant", 2, F32, F64),
    Kernel("bicubic", "wrap", 2, F64, F32),
    Kernel("bicubic", "wrap", 1, F64, F64),
    Kernel("bicubic", "constant", 3, F64, F64),
)
SPARED = {
    *(("nearest", padding) for padding in ("reflection", "wrap", "constant")),
    ("bicubic", "reflection"),
}
"""The same code as their neighbours in the table of modes and borders, seen from the way back."""
GRADIENTS = (
    KERNELS if EVERY else (*(k for k in IMAGES if (k.mode, k.padding) not in SPARED), *OTHERS)
)
"""Kernels to go back through: fewer than forward, as each takes four seconds to compile."""

SLIM = Kernel("bilinear", "zeros", 1), Kernel("bicubic", "border", 2)
"""These also meet axes shorter than a row of taps, for which they take other machine code."""


def shortest(kernel):
    """The shortest axis to try; see `SLIM`."""
    free = kernel.mode == "nearest" or kernel.padding == "wrap"
    return 1 if free or kernel in SLIM or EVERY else TAPS[kernel.mode]


def each(keep=lambda kernel: True):
    """Parametrize over some of the kernels."""
    return pytest.mark.parametrize("kernel", [k for k in GRADIENTS if keep(k)], ids=str)


each_kernel = each()
each_float32_kernel = each(lambda kernel: kernel.input is kernel.grid is F32)
each_image_kernel = each(lambda kernel: kernel in IMAGES)
each_open_kernel = each(lambda kernel: kernel.padding not in FOLDS)
each_folding_kernel = each(lambda kernel: kernel.padding in FOLDS)


def backward(grad_output, input, grid, *args, **options):
    """grid_sample_backward; fails if it wrote to an argument."""
    arrays = grad_output, input, grid
    before = [np.array(a) for a in arrays]
    grads = fs.grid_sample_backward(*arrays, *args, **options)
    for name, old, new in zip(NAMES, before, arrays, strict=True):
        assert old.tobytes() == np.array(new).tobytes(), f"{name} was written to"
    return grads


def check(grad_output, input, grid, context="", load=1, **options):
    """The gradients, after a comparison with the oracle; `load`: points that share a pixel."""
    grads = backward(grad_output, input, grid, **options)
    wants = oracle.grid_sample_backward(grad_output, input, grid, **options)
    assert type(grads) is tuple
    for got, like in zip(grads, (input, grid), strict=True):
        assert type(got) is np.ndarray
        assert got.shape == like.shape
        assert got.dtype == like.dtype.newbyteorder("=")
        assert got.flags.c_contiguous
        assert got.flags.writeable
    scale = extent(grad_output)
    most = max(scale * load, extent(wants[0]))
    assert_close(grads[0], wants[0], most, context=f"grad_input: {context}")
    # values and slopes are of the input's type, the coordinate is of the grid's
    near = of_the_coarser(*(got.dtype for got in grads))
    scale *= extent(np.append(input, options.get("fill_value", 0)))
    pixels = pixels_a_unit(input.shape[2:], options)
    got, want = grads[1] / pixels.astype(grads[1].dtype), wants[1] / pixels
    assert_close(got, want, scale, near, f"grad_grid: {context}")
    return grads


def extent(values):
    """The largest finite magnitude, but 1 where that is smaller."""
    values = np.abs(values.astype(np.float64))
    return values[np.isfinite(values)].max(initial=1.0)


def pixels_a_unit(sizes, options):
    """How many pixels a step of a coordinate is, (x, y, z); by this the gradients are large."""
    sizes = np.array(sizes[::-1], np.float64)
    if options.get("coordinates") == "pixel":
        return np.ones(sizes.shape)
    return np.maximum((sizes - bool(options.get("align_corners"))) / 2, 0.5)


def grad_for(input, grid, seed=100):
    """Noise of the result's shape."""
    batch = grid.shape[0] if input.shape[0] == 1 else input.shape[0]
    shape = batch, input.shape[1], *grid.shape[1:-1]
    return noise(seed, shape, input.dtype.newbyteorder("="))


def check_image(input, grid, context="", **options):
    """`check` with noise for grad_output."""
    return check(grad_for(input, grid), input, grid, context, **options)


def rotation(degrees, out, dtype=np.float32, zoom=1.1):
    """A normalised grid (1, *out, 2) that turns the image about its centre."""
    angle = np.deg2rad(degrees)
    y, x = np.meshgrid(*((2 * np.arange(s) + 1) / s - 1 for s in out), indexing="ij")
    turned = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
    return (zoom * np.stack(turned, -1))[None].astype(dtype)
