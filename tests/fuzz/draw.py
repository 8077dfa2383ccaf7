"""Numbers, sizes and coordinates, drawn at random."""

import numpy as np
from cases import coordinates

from .memory import limits_of


class Draw:
    """A generator and the pool to draw kernels from."""

    def __init__(self, rng, pool):
        self.rng, self.pool = rng, pool

    def chance(self, p):
        return self.rng.random() < p

    def one(self, things):
        return things[self.rng.integers(len(things))]

    def number(self, low, high):
        """An int, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def sizes(self, count, least=1, most=9):
        """Sizes of axes, some of them the least one."""
        return tuple(
            least if self.chance(0.2) else self.number(max(least, 2), max(most, least))
            for _ in range(count)
        )

    def output(self):
        """Sizes of a result: any number of axes, now and then none of its points or many."""
        if self.chance(0.015):
            return 150, self.number(130, 145)
        count = self.one([0, 1, 1, 2, 2, 2, 2, 3, 4, 7])
        sizes = self.sizes(count, 1, {1: 60, 2: 15, 3: 6}.get(count, 2))
        return self.emptied(sizes) if self.chance(0.03) else sizes

    def emptied(self, sizes):
        """One of the sizes becomes 0, if there is any."""
        k = self.number(0, len(sizes)) if sizes else 0
        return tuple(0 if j == k else n for j, n in enumerate(sizes))

    def batches(self):
        """Of an image and of its points: equal, or one of them 1."""
        n = 0 if self.chance(0.03) else self.number(1, 3)
        return self.one([(n, n), (n, n), (n, 1), (1, n)])

    def channels(self, kernel, last):
        """How many: 0, 1, or what the kernel is for."""
        many = kernel.channels or (1 if last and self.pool.tight else 3)
        return 0 if self.chance(0.03) else self.one([1, many, many])

    def last(self, kernel):
        """Channels last?"""
        if self.pool.tight:
            return kernel.channels > 0 or self.chance(0.1)
        return self.chance(0.35)

    def values(self, dtype, shape, tame=False):
        """Numbers over a type's range; of floats normal ones with, unless `tame`, special ones."""
        dtype = np.dtype(dtype)
        if dtype.kind == "b":
            return np.asarray(self.rng.random(shape) < 0.5)
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            return self.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        x = self.rng.standard_normal(shape) * (1.0 if tame else 10 ** self.rng.uniform(-2, 2.5))
        if dtype.kind == "c":
            x = x + 1j * self.rng.standard_normal(shape)
        x = np.asarray(x).astype(dtype)
        return x if tame or self.chance(0.8) else self.sprinkled(x)

    def sprinkled(self, x, p=0.1):
        """Some elements become special."""
        limits = limits_of(x.dtype)
        big, tiny = float(limits.max) / 16, 3 * float(limits.smallest_subnormal)
        special = np.array([np.nan, np.inf, -np.inf, big, -big, tiny, -tiny, -0.0], x.dtype)
        chosen = special[self.rng.integers(0, len(special), x.shape)]
        return np.where(self.rng.random(x.shape) < p, chosen, x)

    def points(self, kernel, shape, sizes, kind, align=False, tame=False):
        """Coordinates (*shape, D), a third of them on pixels' centres, some of them special."""
        sizes = tuple(max(n, 1) for n in sizes)
        spill, seed = self.one([0.9, 1.6, 1.6, 8]), self.number(0, 2**31)
        x = coordinates(seed, shape, np.dtype(kernel.points), sizes, kind, align, spill)
        return x if tame or self.chance(0.75) else self.sprinkled(x)

    def fill(self, dtype, read=True):
        """A fill value that the type takes; 0 if nothing reads it."""
        if not read:
            return self.one([0, 0.0])
        if dtype.kind == "b":
            return self.one([0, 1.0, True])
        if dtype.name in ("uint32", "int64", "uint64"):
            return self.one([0, 7.0, np.int16(300), 2**31])
        if self.chance(0.5):
            return self.one([0, 0.0, 7])
        some = [1.75, -3, 300, -1e4, np.float32(2.5), np.int16(4), np.inf, -np.inf]
        return self.one(some if dtype.kind in "iu" else [*some, np.nan])
