"""Compiled kernels on disk: one file each, of machine code and what tells whether it may be used.

A kernel has a file of its own, since processes write theirs at once. Its name says what the kernel
was made from and for which CPU, so that machines of several kinds can share a folder; the versions
of all that made it stand inside, so that another version's is written over. Code that was damaged
would end the process: it is used only if a hash says that it is whole.
"""

import contextlib
import functools
import hashlib
import importlib.util
import os
import sys
import tempfile
from typing import NamedTuple

import llvmlite

from . import place
from .cpu import HARDWARE_GATHER, PERMUTE, target
from .sources import DIGEST

SUFFIX = ".kernel"
HASH = 32  # bytes


class Code(NamedTuple):
    """A kernel's machine code, as LLVM writes it to files, and the name of its entry in C."""

    entry: str
    machine: bytes


def read(made_from, signature):
    """A kernel's code, or None."""
    name, key = _name_of(made_from, signature), _key_of(made_from, signature)
    for folder in place.folders():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            continue
        if (found := _unpacked(content, key)) is not None:
            return found
    return None


def write(made_from, signature, code):
    """Keep it for the processes to come; an OSError or a RuntimeError if that can't be."""
    folder = place.folder()
    written, path = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(written, "wb") as file:
            file.write(_packed(code, _key_of(made_from, signature)))
        os.replace(path, folder / _name_of(made_from, signature))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise


def _packed(code, key):
    entry = code.entry.encode()
    body = len(entry).to_bytes(4, "little") + entry + code.machine
    return key + hashlib.sha256(key + body).digest() + body


def _unpacked(content, key):
    head, body = content[: 2 * HASH], content[2 * HASH :]
    if head != key + hashlib.sha256(key + body).digest():
        return None
    start = 4 + int.from_bytes(body[:4], "little")
    return Code(body[4:start].decode(), body[start:])


def _name_of(made_from, signature):
    facts = *_what(made_from, signature), _target()
    return f"{made_from[0]}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}{SUFFIX}"


def _key_of(made_from, signature):
    facts = *_what(made_from, signature), _target(), DIGEST, *_versions()
    return hashlib.sha256(repr(facts).encode()).digest()


def _what(made_from, signature):
    return tuple(made_from), signature, HARDWARE_GATHER, PERMUTE


_target = functools.cache(target)


@functools.cache
def _versions():
    """Numba's, by the file that says it, without an import; LLVM's; Python's."""
    spec = importlib.util.find_spec("numba")
    try:
        said = spec.loader.get_data(spec.origin.replace("__init__", "_version"))
    except Exception:  # no file, whatever loads it
        import numba

        said = numba.__version__
    return said, llvmlite.__version__, sys.version_info[:2]
