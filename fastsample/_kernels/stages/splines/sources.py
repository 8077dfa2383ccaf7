"""Coordinates of splines: which points a tile has, and where those of a run of them lie.

A run is points along one row of the output. Through a matrix, and where each axis is by itself, a
coordinate is ((o + pre) * step + base) of a point's place o in the row, in SciPy's order of
operations; nothing is fused.
"""

from ...compiler.flat import array_at
from ...compiler.jit import inline, jit, lesser
from ...kind import VALUES
from ...vectors.simd import convert, load, ramp, splat
from .scratch import COUNT, FIRST, MATRIX, TILE

REAL, EXACT = VALUES[4], VALUES[8]


@jit
def begin_tile(job, spans, scratch, t):
    """Write down the tile's first point, how many there are, and the first one's place."""
    first = t * TILE
    scratch.head[FIRST] = first
    scratch.head[COUNT] = lesser(TILE, job.points - first)
    for a in range(job.out_rank - 1, -1, -1):
        scratch.index[a] = first % spans[a].out_size
        first //= spans[a].out_size


@inline
def next_run(job, spans, scratch):
    """Go to the next row of the output."""
    a = job.out_rank - 1
    scratch.index[a] = 0
    while a > 0:
        a -= 1
        scratch.index[a] += 1
        if scratch.index[a] < spans[a].out_size:
            break
        scratch.index[a] = 0


@inline
def run_of_matrix(spans, numbers, a, out_rank, scratch):
    """Axis a of the input, by a row of the matrix: where the output's other axes lead."""
    last, row = out_rank - 1, a * (out_rank + 1)
    base = numbers[row + out_rank]
    for k in range(last):
        base = base + (spans[k].begin + scratch.index[k]) * numbers[row + k]
    return 0.0, numbers[row + last], base


@inline
def run_of_axis(spans, numbers, a, out_rank, scratch):
    """The same where axis a depends on one axis of the output alone."""
    along, pre, step, base = spans[a].along, numbers[3 * a], numbers[3 * a + 1], numbers[3 * a + 2]
    if along != out_rank - 1:
        base = (float(spans[along].begin + scratch.index[along]) + pre) * step + base
        pre = step = 0.0
    return pre, step, base


@jit
def begin_run(job, spans, grid_at, scratch):
    """Write down the axes' `pre`, `step` and `base` of the row of the output at hand."""
    numbers = array_at(grid_at, EXACT, 0)
    for a in range(job.rank):
        if job.source == MATRIX:
            pre, step, base = run_of_matrix(spans, numbers, a, job.out_rank, scratch)
        else:
            pre, step, base = run_of_axis(spans, numbers, a, job.out_rank, scratch)
        scratch.run[3 * a], scratch.run[3 * a + 1], scratch.run[3 * a + 2] = pre, step, base


@inline
def sixteen_of_run(scratch, a, o):
    """Coordinates along axis a of 16 points from place o in the row on."""
    like = scratch.places
    index = ramp(like) + splat(float(o), like) + splat(scratch.run[3 * a], like)
    return index * splat(scratch.run[3 * a + 1], like) + splat(scratch.run[3 * a + 2], like)


@inline
def sixteen_of_array(job, grid_at, like, at):
    """Coordinates in memory, of either type."""
    if job.real == 4:
        x = convert(load(array_at(grid_at, REAL, 0), at), like)
    else:
        x = load(array_at(grid_at, EXACT, 0), at)
    return x


@inline
def one_of_array(job, grid_at, at):
    """One of them."""
    return (
        float(array_at(grid_at, REAL, 0)[at]) if job.real == 4 else array_at(grid_at, EXACT, 0)[at]
    )
