"""Copies whose rows are columns of what is read: squares of elements, turned in registers.

16 rows of the source are read a cache line at a time, and are 16 columns of the result then: eight
rows of doubles, two whole cache lines of each. So each line of both is met once. On two cores of
Zen 3 1024 x 1024 transposed doubles take 1.3 ms, as lines that are read, kept and written 16 at a
time (`lines`) 2.5, and by NumPy 6.4; a copy in order takes 0.8. Rows of results that do not fill
cache lines are not streamed: 1001 x 1001 take 2.3.
"""

from functools import cache

import numpy as np

from ...compiler.flat import array_at
from ...compiler.jit import WORK, inline, jit, lesser, made_address
from ...compiler.once import once
from ...kind import BITS, STORED
from ...vectors.columns import load_columns
from ...vectors.memory import CACHE_LINE, fence, local, starts_line, stream
from ...vectors.simd import LANES, load, store

# Of a plane, `height` rows of the result are columns of the source, and `width` columns rows of it.
# Distances are elements.
TURN = np.dtype(
    [
        (name, "i8")
        for name in (
            *("bands", "share"),  # 16 columns of a plane's result; how many are a piece of work
            *("height", "width"),
            *("source_start", "source_step", "target_start", "target_step"),
            "stream",  # 1: results are written past the caches where they fill lines of these
            "planes",  # axes of them
        )
    ]
)
PLANES = np.dtype([("size", "i8"), ("source", "i8"), ("target", "i8")])


def turn_of(bits):
    """The work on one piece, of elements of so many bytes."""
    stored = STORED[bits]
    size = CACHE_LINE // np.dtype(stored).itemsize
    square_size = size * LANES

    @inline
    def put_places(job, axes, plane, at):
        """Where a plane begins in the source and in the target."""
        at[0], at[1], rest = job.source_start, job.target_start, plane
        for k in range(job.planes):
            axis = axes[job.planes - 1 - k]
            digit, rest = rest % axis.size, rest // axis.size
            at[0] += digit * axis.source
            at[1] += digit * axis.target

    @cache
    def writing_of(put):
        @jit
        def write(job, source, at, offsets, target, square):
            """16 columns of the result; the last rows are some of those before, again."""
            for i in range(0, job.height, size):
                row = lesser(i, job.height - size)
                load_columns(square, 0, source, row, offsets, 0)
                for k in range(size):
                    put(target, at + (row + k) * job.target_step, load(square, k * LANES))

        return write

    write_band, stream_band = writing_of(store), writing_of(stream)

    @jit
    def turn_band(job, axes, number, source, target, at, offsets, square):
        put_places(job, axes, number // job.bands, at)
        column = lesser(number % job.bands * LANES, job.width - LANES)
        for k in range(LANES):
            offsets[k] = at[0] + (column + k) * job.source_step
        to = at[1] + column
        if job.stream and starts_line(target, to):
            stream_band(job, source, to, offsets, target, square)
        else:
            write_band(job, source, to, offsets, target, square)

    def turn_piece(job_at, axes_at, image, grid, other, out, piece):
        job, axes = array_at(job_at, TURN, 0)[0], array_at(axes_at, PLANES, 0)
        source, target = array_at(image, stored, 0), array_at(out, stored, 0)
        square, offsets, at = local(square_size, stored), local(LANES, np.int64), local(2, np.int64)
        first, count = piece * job.share, array_at(grid, np.int64, 0)[0]
        for number in range(first, lesser(first + job.share, count)):
            turn_band(job, axes, number, source, target, at, offsets, square)
        fence()

    return turn_piece


@once
def turner(item):
    """The address of the work on one piece, of elements of 4 or 8 bytes."""
    bits = BITS[item]
    return made_address(turn_of, ("turn", bits), WORK)
