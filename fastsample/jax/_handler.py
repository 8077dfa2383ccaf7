"""XLA's foreign function interface in ctypes: a handler that works on XLA's own buffers.

XLA calls a function of C with one struct, and takes an error or NULL. The structs below are those
of XLA's `c_api.h`. The handler is kept by this module, since XLA may call it as long as the process
lives. It calls nothing of JAX.
"""

import ctypes as ct
import math
from functools import cache
from typing import Any

import jax
import ml_dtypes
import numpy as np

from . import _work

TARGET = "fastsample"
KNOWN_VERSIONS = {(0, 3)}  # of the interface, whose structs were seen to be these
METADATA, EXECUTE = 1, 3
INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 3, 8, 12, 13
WRITE = 0x200  # PyBUF_WRITE
TYPES = {
    1: np.bool_, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64,
    6: np.uint8, 7: np.uint16, 8: np.uint32, 9: np.uint64,
    10: np.float16, 11: np.float32, 12: np.float64, 15: np.complex64, 18: np.complex128,
    16: ml_dtypes.bfloat16,
}  # fmt: skip
DTYPES = {code: np.dtype(kind) for code, kind in TYPES.items()}
_memory = ct.pythonapi.PyMemoryView_FromMemory
_memory.restype, _memory.argtypes = ct.py_object, (ct.c_void_p, ct.c_ssize_t, ct.c_int)


class _Struct(ct.Structure):
    """What all structs of the interface begin with."""

    _fields_ = (("size", ct.c_size_t), ("extension", ct.c_void_p))


class _Extension(ct.Structure):
    _fields_ = (
        ("size", ct.c_size_t),
        ("type", ct.c_int),
        ("next", ct.c_void_p),
        ("metadata", ct.c_void_p),
    )


class _Version(_Struct):
    _fields_ = (("major", ct.c_int), ("minor", ct.c_int))


class _Metadata(ct.Structure):
    _fields_ = (("size", ct.c_size_t), ("version", _Version))  # and what we have none of


class _Api(_Struct):
    _fields_ = (("version", _Version), ("internal", ct.c_void_p), ("make_error", ct.c_void_p))


class _Error(_Struct):
    _fields_ = (("message", ct.c_char_p), ("code", ct.c_int))


class _Buffer(_Struct):
    _fields_ = (
        ("type", ct.c_int),
        ("data", ct.c_void_p),
        ("rank", ct.c_int64),
        ("dims", ct.POINTER(ct.c_int64)),
    )


class _Buffers(_Struct):
    _fields_ = (
        ("count", ct.c_int64),
        ("types", ct.c_void_p),
        ("items", ct.POINTER(ct.c_void_p)),
    )


class _Span(ct.Structure):
    _fields_ = (("start", ct.c_void_p), ("length", ct.c_size_t))


class _Attributes(_Struct):
    _fields_ = (
        ("count", ct.c_int64),
        ("types", ct.c_void_p),
        ("names", ct.c_void_p),
        ("items", ct.POINTER(ct.c_void_p)),
    )


class _Frame(_Struct):
    _fields_ = (
        ("api", ct.c_void_p),
        ("context", ct.c_void_p),
        ("stage", ct.c_int),
        ("arguments", _Buffers),
        ("results", _Buffers),
        ("attributes", _Attributes),
    )


def _place(field: Any, *inner: Any) -> int:
    """Which word of a frame a field is."""
    return sum(f.offset for f in (field, *inner)) // WORD


# A frame is read word by word: a field of a structure in a structure takes a microsecond.
WORD = ct.sizeof(ct.c_uint64)
_Words = ct.c_uint64 * (ct.sizeof(_Frame) // WORD)
_EXTENSION, _STAGE = _place(_Frame.extension), _place(_Frame.stage)
_OPERAND_COUNT = _place(_Frame.arguments, _Buffers.count)
_OPERANDS = _place(_Frame.arguments, _Buffers.items)
_RESULT_COUNT = _place(_Frame.results, _Buffers.count)
_RESULTS = _place(_Frame.results, _Buffers.items)
_ATTRIBUTES = _place(_Frame.attributes, _Attributes.items)
_DATA = _Buffer.data.offset
_make_error = ct.CFUNCTYPE(ct.c_void_p, ct.POINTER(_Error))
seen: list[tuple[int, int]] = []  # the versions that XLA has named
MOST = 4096  # calls that are known
_again: dict[bytes, _work.Again | None] = {}  # None: such a call is not known to be made again


def _word(address: int) -> int:
    """The word at an address."""
    return ct.c_uint64.from_address(address).value


@cache
def _words(count: int) -> Any:
    return ct.c_uint64 * count


@ct.CFUNCTYPE(ct.c_void_p, ct.c_void_p)
def _handler(address: int) -> int | None:
    """Do what XLA asks; an exception would be swallowed here, and garbage taken for the result."""
    try:
        words = _Words.from_address(address)
        if words[_EXTENSION]:
            _tell_version(_Frame.from_address(address))
        elif words[_STAGE] & 0xFFFFFFFF == EXECUTE:
            _execute(words)
    except BaseException as error:
        return _failed(_Frame.from_address(address), error)
    return None


def _execute(words: Any) -> None:
    """Make a call: on addresses alone where one like it is known."""
    start, length = (ct.c_uint64 * 2).from_address(_word(words[_ATTRIBUTES]))
    text = ct.string_at(start, length)
    places = _words(words[_OPERAND_COUNT]).from_address(words[_OPERANDS])
    filled = _words(words[_RESULT_COUNT]).from_address(words[_RESULTS])
    again = _again.get(text)
    if again is not None:
        starts = [[_word(at + _DATA) for at in some] for some in (places, filled)]
        _work.fill_again(again, *starts)
        return
    call = text.decode().partition("\n")[0]
    operands, results = [[_array(at) for at in some] for some in (places, filled)]
    if text in _again:
        _work.fill(call, operands, results)
        return
    if len(_again) >= MOST:
        _again.clear()
    _again[text] = _work.seen(call, operands, results)


def attribute(text: str, avals: Any) -> str:
    """What a call is told apart by: its text, and all shapes and types."""
    return f"{text}\n{[(x.shape, str(x.dtype)) for x in avals]}"


def _array(address: int) -> np.ndarray:
    """A buffer as an array: the same memory."""
    buffer = _Buffer.from_address(address)
    shape, dtype = tuple(buffer.dims[: buffer.rank]), DTYPES[buffer.type]
    size = math.prod(shape) * dtype.itemsize
    if size == 0:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, _memory(buffer.data, size, WRITE))


def _failed(frame: _Frame, error: BaseException) -> Any:
    """An error of XLA's, which JAX raises."""
    codes = (
        (NotImplementedError, UNIMPLEMENTED),
        ((TypeError, ValueError), INVALID_ARGUMENT),
        (MemoryError, RESOURCE_EXHAUSTED),
    )
    code = next((code for kind, code in codes if isinstance(error, kind)), INTERNAL)
    message = f"{type(error).__name__}: {error}".encode(errors="replace")
    told = _Error(ct.sizeof(_Error), None, message, code)
    return _make_error(_Api.from_address(frame.api).make_error)(ct.byref(told))


def _tell_version(frame: _Frame) -> None:
    """Answer which version of the interface this is: XLA's own, if that is known here."""
    extension = _Extension.from_address(frame.extension)
    if extension.type != METADATA:
        return
    spoken = _Api.from_address(frame.api).version
    seen.append((spoken.major, spoken.minor))
    answer = _Metadata.from_address(extension.metadata).version
    answer.major, answer.minor = spoken.major, spoken.minor


@cache
def available() -> bool:
    """Does XLA call the handler? It is registered when first asked for."""
    ffi = getattr(jax, "ffi", None)
    if ffi is None:
        return False
    jax.devices("cpu")  # there is nobody to ask before
    capsule = ffi.pycapsule(ct.cast(_handler, ct.c_void_p).value)
    try:
        ffi.register_ffi_target(TARGET, capsule, platform="cpu")
    except Exception:  # a version that asks otherwise
        return False
    return bool(seen) and KNOWN_VERSIONS.issuperset(seen)
