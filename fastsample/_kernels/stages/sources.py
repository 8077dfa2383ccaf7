"""Where a tile's points come from: by source, a function that begins a row, and one that reads it.

`begin` finds what all points of a row share, `read` gives up to 16 of them, from (row, col) of the
tile on.
"""

from functools import cache

from ..compiler.jit import inline
from ..kind import AFFINE, ELASTIC, FLOW, GRID, PERSPECTIVE
from .coordinates import read_array_of, read_matrix_of, read_steps_of
from .field import elastic_of
from .maps import affine_of, perspective_of


@inline
def nothing(job, axes, grid, tile, row, made):
    """An array's rows have nothing in common."""


def of_an_array(read_of):
    """A source whose points lie in memory."""

    @cache
    def made_of(count, real):
        read_points = read_of(count, real)

        @inline
        def read(job, axes, grid, tile, row, col, made, values):
            read_points(job, axes, grid, tile, row, col, values)

        return nothing, read

    return made_of


# (begin, read) by source, then for so many axes and the coordinates' type.
SOURCES = {
    GRID: of_an_array(read_array_of),
    FLOW: of_an_array(read_steps_of),
    AFFINE: affine_of,
    PERSPECTIVE: perspective_of,
    ELASTIC: elastic_of,
}
# The same for directions: what a source makes of a coordinate is linear, but for its places.
DIRECTIONS = {GRID: read_array_of, AFFINE: read_matrix_of, FLOW: read_array_of}
