"""What is prefetched for splines between the sums of 16 points: only hints, which change no result.

Taps of points some rows of the result further on, since what a row reads was mostly read by the row
before. A hand-written C loop took 5.2 ms for order 0 of 1024x1024 doubles at 6 degrees on one
thread of Zen 3, with the pixels of points 128 to 512 further along the row prefetched 3.7 to 4.1,
of points two or four rows further 2.1 to 2.2. How far those lie from a point's own is taken from
one point of a tile, so a prefetch costs a load and an addition.
"""

from ...compiler.flat import array_at
from ...compiler.jit import greater, inline, jit
from ...vectors.memory import prefetch, prefetch_at
from ...vectors.simd import LANES
from .scratch import ARRAYS, COUNT, FIRST, MATRIX
from .sources import EXACT, one_of_array

# Which of 16 points: those of a whole cache line of doubles apart.
EVERY = 8
# Where points of a row cross rows of the input, more lines are new, and a line has more points of
# more rows to be asked for by. Order 0 turned by 30 degrees, ms on one thread, two rows ahead 5.5,
# four 4.5, eight 4.0, sixteen 4.3; at 6 degrees 4.4, 4.7, 5.0 and 5.9.
STEEP, STEEPER = 0.25, 4.0
FARTHEST = 2.0**31  # pixels
ALIKE = 8.0  # pixels by which steps within a tile may differ


@inline
def ask_coordinates(job, spans, coordinates, scratch, j):
    """The coordinates of 16 points of the next tile, given as bytes: for doubles two lines each."""
    for a in range(job.rank):
        at = (spans[a].places + scratch.head[FIRST] + scratch.head[COUNT] + j) * job.real
        prefetch_at(coordinates, at)
        prefetch_at(coordinates, at + LANES // 2 * job.real)


@inline
def ask_pixels(input, beyond, planes, depth, scratch):
    """The pixels `beyond` those of 16 points, in so many planes of which that is the last.

    Of one plane order 1 asks for the far one alone. Order 3 asks for all four: those before it were
    read by the result's plane before, too, but lie past the second cache. 128x128x128 doubles took
    22.4 and not 29.7 ms so at points in memory, 23.3 and not 28.1 through a matrix, medians of two
    threads of Zen 3 by turns; order 5 61 and not 58, and planes 1.03 to 1.09 times as long.
    """
    for k in range(planes):
        prefetch(input, beyond - k * depth, scratch.offsets, 0, EVERY)


@jit
def step_of_array(job, span, grid_at, scratch):
    """How far apart coordinates in memory are; infinite where that differs within a tile."""
    begin = span.places + scratch.head[FIRST]
    end, step = begin + scratch.head[COUNT] - 1, 0.0
    if scratch.head[FIRST] + scratch.head[COUNT] + job.ahead <= job.points:
        step = one_of_array(job, grid_at, begin + job.ahead) - one_of_array(job, grid_at, begin)
        other = one_of_array(job, grid_at, end + job.ahead) - one_of_array(job, grid_at, end)
        if not abs(step - other) <= ALIKE:
            step = 2.0 * FARTHEST
    return step


@inline
def step_ahead(job, spans, grid_at, scratch, a):
    """How far along axis a a point lies from the one `ahead` of it."""
    last, numbers = job.out_rank - 1, array_at(grid_at, EXACT, 0)
    axis, rows = greater(last - 1, 0), float(job.ahead)
    if last > 0:
        rows = float(job.ahead // spans[last].out_size)
    if job.source == ARRAYS:
        step = step_of_array(job, spans[a], grid_at, scratch)
    elif job.source == MATRIX:
        step = rows * numbers[a * (job.out_rank + 1) + axis]
    else:
        step = rows * numbers[3 * a + 1] if spans[a].along == axis else 0.0
    return step


@jit
def pixels_ahead(job, spans, grid_at, scratch):
    """How far the pixel of the point `ahead` lies from a point's own, in elements; 0: unknown.

    Of taps in two planes the far one: the near one's plane was read by the result's plane before.
    Order 1 of 128x128x128 doubles, medians of two runs of two threads of Zen 3, ms: at points in
    memory 9.8 and 14.9 with the near one, 8.5 and 10.2 with the far one, through a matrix 10.7 and
    11.7, 10.5 and 9.3.
    """
    offset, across, along, known = 0, 0.0, 0.0, job.ahead > 0
    if known:
        for a in range(job.rank):
            step = step_ahead(job, spans, grid_at, scratch, a)
            known = known and abs(step) < FARTHEST
            across, along = across + along, abs(step)
            scratch.far_places[a] = step
    if known:
        rows = 1.0 if along <= STEEP * across else STEEPER
        for a in range(job.rank):
            step = scratch.far_places[a] * rows
            offset += int(step + 0.5 if step > 0.0 else step - 0.5) * spans[a].stride
        if job.order and job.rank > 2:
            offset += job.order * spans[0].stride
    return offset
