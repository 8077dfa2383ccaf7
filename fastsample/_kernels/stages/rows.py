"""Rows of values on their way in: 16 at a time, whatever their stride."""

from ..compiler.jit import inline, jit, lesser
from ..vectors.simd import LANES, load


@jit
def read_values(values, at, step, left, vector):
    """Up to 16 values of a row, `step` elements apart; zeros beyond."""
    for k in range(LANES):
        vector[k] = 0
    for k in range(lesser(left, LANES)):
        vector[k] = values[at + k * step]


@inline
def row_values(values, at, step, left, vector):
    """16 values of a row, zeros beyond its end."""
    if step == 1 and left >= LANES:
        found = load(values, at)
    else:
        read_values(values, at, step, left, vector)
        found = load(vector, 0)
    return found
