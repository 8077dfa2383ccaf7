"""Where results of `fastsample.ndimage` go: SciPy's argument `output` in all its forms."""

import warnings

import numpy as np

from .. import buffers, carried
from . import arguments


def made(function, output, dtype, shape):
    """The array to write, new or given; `dtype` is the input's."""
    is_complex = dtype.kind == "c"
    if output is None:
        new = np.promote_types(dtype, np.complex64) if is_complex else dtype.newbyteorder("=")
        return buffers.empty(shape, new)
    if isinstance(output, (type, np.dtype)):
        return _of_type(function, np.dtype(output), is_complex, shape)
    if isinstance(output, str):
        return _of_word(function, np.dtype(output), is_complex, shape)
    return _given(function, output, is_complex, shape)


def _of_type(function, dtype, is_complex, shape):
    if is_complex and dtype.kind != "c":
        warnings.warn(
            f"{function}: output is {dtype}, made complex for a complex input", stacklevel=4
        )
        dtype = np.promote_types(dtype, np.complex64)
    _known(function, dtype, is_complex)
    return buffers.empty(shape, dtype)


def _of_word(function, dtype, is_complex, shape):
    if is_complex and dtype.kind != "c":
        raise RuntimeError(f"{function}: output must be complex for a complex input; got {dtype}")
    if not issubclass(dtype.type, np.number):
        raise RuntimeError(f"{function}: output must be a type of numbers; got {dtype}")
    _known(function, dtype, is_complex)
    return buffers.empty(shape, dtype)


def _given(function, output, is_complex, shape):
    out = output if type(output) is np.ndarray else carried.array(function, "output", output)
    if out.shape != tuple(shape):
        raise RuntimeError(f"{function}: output must have shape {tuple(shape)}; got {out.shape}")
    if is_complex and out.dtype.kind != "c":
        raise RuntimeError(
            f"{function}: output must be complex for a complex input; got {out.dtype}"
        )
    _known(function, out.dtype, is_complex)
    if not out.flags.writeable:
        raise ValueError(f"{function}: output must be writable; got a read-only array")
    return out


def _known(function, dtype, is_complex):
    """A type that results can be stored in."""
    if dtype.newbyteorder("=") not in arguments.TYPES:
        raise RuntimeError(f"{function}: output must be of a type {arguments.NAMES}; got {dtype}")
    if dtype.kind == "c" and not is_complex:
        raise RuntimeError(f"{function}: output must be real for a real input; got {dtype}")
