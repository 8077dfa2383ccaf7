"""Memory of large results that was given back, kept for the next ones.

A loop that makes results of one size and drops them, as a training step does, so gets the same
memory again. The C library would return it to the system, and the system clears it page by page as
it is written the next time.
"""

import threading

import numpy as np

from .._kernels.compiler.flat import address
from .._kernels.vectors.memory import CACHE_LINE

MOST = 64 * 2**20  # bytes, as many as glibc keeps of what it has freed
WASTE = 8  # memory is used again for results that are smaller by an eighth, at most


def _anywhere(size):
    """So many new bytes."""
    return np.empty(size, np.uint8)


class Store:
    """Memory that is free, given back last comes first; `make` has more."""

    def __init__(self, most=MOST, make=_anywhere):
        self.most, self.make, self.free = most, make, []
        self.lock = threading.Lock()  # never waited for: without it, none is kept or used again

    def take(self, size):
        """So many bytes, or a few more."""
        if self.free and self.lock.acquire(blocking=False):
            try:
                for k, raw in enumerate(self.free):
                    if size <= raw.nbytes <= size + size // WASTE:
                        return self.free.pop(k)
            finally:
                self.lock.release()
        return self.make(size)

    def give_back(self, raw):
        """Keep memory in the place of what was given back long ago."""
        if raw.nbytes > self.most or not self.lock.acquire(blocking=False):
            return
        try:
            self.free.insert(0, raw)
            while sum([x.nbytes for x in self.free]) > self.most:
                self.free.pop()
        finally:
            self.lock.release()

    def lined(self, size):
        """An array of so many bytes on a cache line, whose memory comes back."""
        return np.asarray(_Block(self.give_back, self.take(size + CACHE_LINE), size))


class _Block:
    """Whom an array's memory belongs to, while an array shows it."""

    def __init__(self, give_back, raw, size):
        self.give_back, self.raw = give_back, raw
        start = address(raw) + -address(raw) % CACHE_LINE
        self.__array_interface__ = {
            "version": 3,
            "shape": (size,),
            "typestr": "|u1",
            "data": (start, False),
        }

    def __del__(self):
        self.give_back(self.raw)


STORE = Store()
