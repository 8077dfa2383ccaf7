"""Which points of a row lie inside, in closed form: their plan needs no border rule and no test.

Along a row of the output a matrix's coordinates are lines, and a homography's are quotients of
lines, so that points are inside on one stretch. It is found in double, with room for the rounding
of positions, and cut to whole vectors; what is beside it is planned with care.
"""

from functools import cache

from ..compiler.jit import greater, inline, lesser
from ..kind import AFFINE, PERSPECTIVE
from ..vectors.simd import LANES, splat, store
from .maps import along_of

ROOM = 0.125  # pixels by which the places of a homography may be wrong, at most
TURN = 2.0**-19  # times the steps of its lines, over the divisor, they may be
LEAST, MOST = 2.0**-100, 2.0**100  # divisors whose quotients lose no bit


@inline
def overlap(first, last, start, step):
    """The part of [first, last] where start + column * step >= 0."""
    end = (0.0 - start) / (step + 0.0)  # of a line that does not rise, infinite by start's sign
    rises = step > 0.0 or (step == 0.0 and start > 0.0)
    return greater(first, end) if rises else first, last if rises else lesser(last, end)


@inline
def whole_vectors(first, last):
    """The columns of vectors that lie within [first, last], as begin and end."""
    begin, end = 0, 0
    if first <= last:
        if first > 0.0:
            begin = (int(first) + LANES) // LANES * LANES
        end = (int(last) + 1) // LANES * LANES
    return begin, end


@cache
def affine_lines_of(count, real):
    """Of a row through a matrix, as functions: see `span_of`, which asks for them.

    What positions may be wrong by; which columns have one between two; a column's position; may
    what is said of a column be trusted; and the number of a tile's first column.
    """
    unit, last = (2.0**-22 if real == 4 else 2.0**-50), count - 1

    @inline
    def room(axis, made, i):
        # A position is rounded once, and the steps of a vector's 15 points as often.
        return (1.0 + axis.last + 32.0 * abs(made.lines[2 * i + 1])) * unit

    @inline
    def cut(axis, made, i, col, low, high, first, end):
        step = made.lines[2 * i + 1]
        start = made.lines[2 * i] + col * step
        first, end = overlap(first, end, start - low, step)
        return overlap(first, end, high - start, 0.0 - step)

    @inline
    def place(made, i, col):
        return made.lines[2 * i] + col * made.lines[2 * i + 1]

    @inline
    def is_sound(axes, made, col):
        return True

    @inline
    def column(axes, tile):
        return axes[last].begin + tile.col

    return room, cut, place, is_sound, column


@cache
def perspective_lines_of(count, real):
    """The same through a homography."""

    @inline
    def room(axis, made, i):
        return ROOM + (1.0 + axis.last) * 2.0**-21

    @inline
    def cut(axis, made, i, col, low, high, first, end):
        step, by_w = made.lines[2 * i + 1], made.lines[5]
        start, w = made.lines[2 * i] + col * step, made.lines[4] + col * by_w
        first, end = overlap(first, end, start - low * w, step - low * by_w)
        return overlap(first, end, high * w - start, high * by_w - step)

    @inline
    def place(made, i, col):
        w = made.lines[4] + col * made.lines[5]
        return (made.lines[2 * i] + col * made.lines[2 * i + 1]) / w

    @inline
    def is_sound(axes, made, col):
        w, most = made.lines[4] + col * made.lines[5], axes[0].last + axes[1].last
        steps = abs(made.lines[1]) + abs(made.lines[3]) + most * abs(made.lines[5])
        return w >= LEAST and w <= MOST and steps * TURN <= w * (0.25 * ROOM)

    @inline
    def column(axes, tile):
        return tile.col

    return room, cut, place, is_sound, column


LINES_OF = {AFFINE: affine_lines_of, PERSPECTIVE: perspective_lines_of}


@cache
def span_of(source, count, real, taps):
    """Begin and end of the stretch of a row, from the tile's first column on; (0, 0) for none."""
    room, cut, place, is_sound, column = LINES_OF[source](count, real)
    beyond, last = (0.5 if taps == 1 else 0.0), count - 1

    @inline
    def are_inside(axes, made, col):
        """Asked of both ends, whatever found them: no number that is none passes."""
        found = is_sound(axes, made, col)
        for i in range(count):
            axis, at = axes[last - i], place(made, i, col)
            near = 0.5 * room(axis, made, i) - beyond
            found = found and at >= near and at <= axis.last - near
        return found

    @inline
    def last_offset(axes, made, begin, end):
        """No pixel between two columns has a larger offset."""
        offset = 0.0
        for i in range(count):
            axis, one, other = axes[last - i], place(made, i, begin), place(made, i, end)
            far = greater(one, other) + 1.0 if axis.stride > 0 else lesser(one, other) - 1.0
            offset += axis.stride * lesser(greater(far, 0.0), 1.0 * axis.last)
        return offset

    @inline
    def stretch(axes, made, col, end):
        """The whole vectors between, whose points may be inside."""
        first = 0.0
        for i in range(count):
            axis = axes[last - i]
            near = room(axis, made, i) - beyond
            first, end = cut(axis, made, i, col, near, axis.last - near, first, end)
        return whole_vectors(first, end)

    @inline
    def span(axes, tile, made, safe):
        col, begin, end = column(axes, tile), 0, tile.pad
        found = are_inside(axes, made, col) and are_inside(axes, made, col + end - 1)
        if not found:
            begin, end = stretch(axes, made, col, tile.pad - 1.0)
            if begin < end:
                found = are_inside(axes, made, col + begin) and are_inside(
                    axes, made, col + end - 1
                )
        if found and taps == 1:  # a whole vector is read at each pixel
            found = last_offset(axes, made, col + begin, col + end - 1) <= safe
        return begin if found else 0, end if found else 0

    return span


@cache
def read_affine_of(count, real):
    """What `maps.affine_of` reads where places are finite."""
    along, last = along_of(real, finite=True), count - 1

    @inline
    def read(axes, tile, col, made, values):
        for i in range(count):
            whole, near = along(made.lines, i, axes[last].begin + tile.col + col, values)
            store(values, i * LANES, near + splat(whole, near))

    return read


@cache
def read_perspective_of(count, real):
    """What `maps.perspective_of` reads where there are places."""
    along = along_of(real, finite=True)

    @inline
    def value(made, i, col, like):
        whole, near = along(made.lines, i, col, like)
        return near + splat(whole, near)

    @inline
    def read(axes, tile, col, made, values):
        w = value(made, 2, tile.col + col, values)
        store(values, 0, value(made, 0, tile.col + col, values) / w)
        store(values, LANES, value(made, 1, tile.col + col, values) / w)

    return read


READ = {AFFINE: read_affine_of, PERSPECTIVE: read_perspective_of}
