"""What a piece of SCATTER owns: some channels' planes of one sample, or a band of their rows."""

from typing import NamedTuple

from .jit import inline
from .tile import blocks, tiles_in_all


class Share(NamedTuple):
    """What a piece of work owns of one sample of the input."""

    planes: int  # where the sample begins
    first: int  # its channels, first to last
    last: int
    low: int  # and of each plane the offsets low to high
    high: int


@inline
def piece_at(job, axes, piece):
    """The sample of a piece of work, and its share."""
    parts = blocks(job.c, job.channels)
    n, part, band = piece // (parts * job.bands), piece // job.bands % parts, piece % job.bands
    first, row = part * job.channels, band * job.band_rows
    last, end = min(first + job.channels, job.c), min(row + job.band_rows, axes[0].size)
    planes, stride = job.input_start + n * job.input_n, axes[0].stride
    return n, Share(planes, first, last, row * stride, end * stride)


@inline
def touch(job, reach, m, t, share):
    """Does tile t touch a share; does it touch nothing else? (Of the grid's sample m.)"""
    low, high = share.low, share.high
    if job.bands > 1:
        at = (m * tiles_in_all(job) + t) * 2
        low, high = reach[at], reach[at + 1]
    some = low < share.high and high > share.low
    return some, low >= share.low and high <= share.high
