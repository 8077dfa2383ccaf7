"""How time grows: with the image, the channels, the threads and the number of points."""

from fastsample._bench import grids, systems
from fastsample._bench.case import Case
from fastsample._kernels import threads

from .suite import measured, size

SIDES = [2**k for k in range(6, 14)]
# Above this SciPy and scikit-image take seconds a call, and gigabytes for coordinates in float64.
PLANAR_SIDE = 2048
CHANNELS = [2**k for k in range(10)]
POINTS = [10**k for k in range(2, 8)]
THREADS = sorted({threads.MOST_THREADS, *(2**k for k in range(threads.MOST_THREADS.bit_length()))})


def rotated(channels, side, others=grids.QUICK):
    """Float32 images by a rotation with a ripple."""
    return grids.sample(f"1x{channels}x{side}x{side}", (1, channels, side, side), others=others)


def square(side):
    others = grids.EVERY if side <= PLANAR_SIDE else grids.QUICK
    return rotated(1, size(side, 64), others)


def scattered(count):
    """Points in no order, on one plane that fits into no first cache."""
    made = systems.points((1, 1, 1024, 1024), size(count, 100))
    return Case(f"{count} points", "point_sample", made)


class Sizes(measured({side: square(side) for side in SIDES}, "side")):
    """One channel, side by side pixels."""


class Channels(measured({n: rotated(n, 128) for n in CHANNELS}, "channels")):
    """128 by 128 pixels; OpenCV takes up to four channels."""


class Points(measured({count: scattered(count) for count in POINTS}, "points")):
    """Points of an image of 1024 by 1024 pixels."""


class Threads(measured({n: rotated(3, 1024) for n in THREADS}, "threads")):
    """Three channels, 1024 by 1024 pixels."""

    def setup(self, number, library):
        threads.use(number)  # other libraries take as many when their call is made
        super().setup(number, library)

    def teardown(self, number, library):
        threads.use(threads.MOST_THREADS)
