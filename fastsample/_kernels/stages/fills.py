"""What is read where no pixel is, channel by channel: three tables behind the axes' records.

The fill values as numbers; as bits of the input's type, for copies; and the bits that a point gets
which has no place, since its coordinate is NaN. Where pixels have up to four channels, each table
is a vector of four pixels.
"""

import numpy as np

from ..compiler.flat import array_at
from ..compiler.jit import inline


@inline
def fills_in(job, axes_at):
    """The fill values."""
    return array_at(axes_at, np.float64, job.fill_at)


@inline
def outside_in(job, axes_at):
    """The bits that are copied where a point is outside."""
    return array_at(axes_at, np.uint64, job.fill_at + job.fill_bytes)


@inline
def lost_in(job, axes_at):
    """The bits that are copied where a point has no place."""
    return array_at(axes_at, np.uint64, job.fill_at + 2 * job.fill_bytes)
