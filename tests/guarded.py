"""Arrays laid flush against unreadable pages, so that one byte too far ends the process.

As a script, `python guarded.py JOB ...` runs every case of each job and prints each case before it
runs: the last line of a process that died names the case. A job is `WAY,KERNEL,...` with a way of
`WAYS`, or one of `OTHERS` with its arguments.
"""

import contextlib
import ctypes
import functools
import itertools
import math
import mmap
import sys
from unittest import mock

import numpy as np

PAGE = mmap.PAGESIZE
SIDES = ("start", "end")
PROT_NONE = 0
EMPTY = np.empty  # see `fenced`


class Pen:
    """Readable pages between two that are not; arrays lie at their very start or end."""

    def __init__(self, pages=32):
        self.size = pages * PAGE
        self._map = mmap.mmap(-1, self.size + 2 * PAGE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        for page in (first, first + PAGE + self.size):
            protect(page, PAGE)
        self._bytes = np.frombuffer(self._map, np.uint8, self.size, PAGE)

    def array(self, shape, dtype, side, step=1):
        """An array of `shape`; `step` lays its elements so far apart along the last axis."""
        dtype = np.dtype(dtype)
        strides = tuple(step * s for s in EMPTY(shape, dtype).strides)
        span = sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) + dtype.itemsize
        if span > self.size:
            raise ValueError(f"{span} bytes do not fit into the pen's {self.size}")
        start = 0 if side == "start" else self.size - span
        return np.ndarray(shape, dtype, self._bytes, start, strides)

    def copy_of(self, array, side, step=1):
        """The values of `array`, guarded."""
        copy = self.array(array.shape, array.dtype, side, step)
        copy[...] = array
        return copy


@functools.cache
def libc():
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def protect(address, length):
    """Make a page unreadable."""
    if libc().mprotect(ctypes.c_void_p(address), ctypes.c_size_t(length), PROT_NONE):
        raise OSError(ctypes.get_errno(), "mprotect failed")


def guarded(array, side, step=1):
    """A copy in a pen of its own."""
    return Pen(1 + step * array.nbytes // PAGE).copy_of(array, side, step)


@contextlib.contextmanager
def fenced(side):
    """Arrays that NumPy makes meanwhile are guarded too: results, and what kernels are told."""

    def empty(shape, dtype=float):
        shape = tuple(np.atleast_1d(shape).tolist())
        pages = 1 + math.prod(shape) * np.dtype(dtype).itemsize // PAGE
        return Pen(pages).array(shape, dtype, side)

    def zeros(shape, dtype=float):
        array = empty(shape, dtype)
        array.view(np.uint8)[...] = 0
        return array

    with mock.patch.object(np, "empty", empty), mock.patch.object(np, "zeros", zeros):
        yield


class Stall:
    """Three pens: input, grid and out."""

    def __init__(self):
        self.pens = Pen(), Pen(pages=2100), Pen(pages=2100)

    def sample(self, image, grid, side, step=1, **options):
        """grid_sample on guarded copies, into a guarded out."""
        import fastsample as fs

        a, b = (p.copy_of(x, side, step) for p, x in zip(self.pens, (image, grid), strict=False))
        shape = (max(len(image), len(grid)), image.shape[1], *grid.shape[1:-1])
        out = self.pens[2].array(shape, image.dtype, side, step)
        out[...] = -99
        return fs.grid_sample(a, b, out=out, **options)


def hostile(grid):
    """The same grid with every third coordinate huge, infinite or NaN."""
    top = np.finfo(grid.dtype).max
    bad = [np.nan, np.inf, -np.inf, top, -top, 2.0**31, -(2.0**31), 2.0**32, -(2.0**63), 1e20]
    grid = grid.copy()
    places = grid.reshape(-1)[::3]
    places[...] = np.resize(np.array(bad, grid.dtype), places.shape)
    return grid


def assert_equal(got, want):
    """NumPy's own comparison, of what differs in a bit: it takes longer than most calls here."""
    alike = (got.shape, got.dtype) == (want.shape, want.dtype)
    if not alike or got.tobytes() != want.tobytes():
        np.testing.assert_array_equal(got, want)


LARGE = {1: (300_000,), 2: (500, 600), 3: (60, 70, 80)}


def chosen(kernel):
    """Kernels to run on large and on spread-out arrays too; these may take other machine code."""
    from cases import EVERY, SHORT

    return EVERY or (kernel.padding == "zeros" and kernel in SHORT)


def sizes_and_points(kernel, thorough, shortest):
    """(image sizes, number of points): widths and numbers from 1 to past two vectors."""
    few, many = (1, 2, 3, 4, 5, 15, 16, 17, 18, 33), range(1, 36)
    least, others = (shortest,) * (kernel.ndim - 1), (4,) * (kernel.ndim - 1)
    for points in (*(many if thorough else few), 1023, 1024, 1025):
        yield (*others, 5), points
    if chosen(kernel):
        yield (*others, 5), 524_401  # two channels of these are over four megabytes
    for width in many if thorough else few:
        if width >= shortest:
            yield (*others, width), 17
            yield (*least, width), 3
            yield (width, *others), 2


def cases(kernel, thorough, shortest):
    """(image, grid, options, label) of one kernel."""
    from cases import coordinates, noise

    for sizes, points in sizes_and_points(kernel, thorough, shortest):
        image = noise(0, (1, 1 + points % 2, *sizes), kernel.input)
        for kind, align in (("normalized", points % 2 == 0), ("pixel", False)):
            grid = coordinates(points, (1, points), kernel.grid, sizes, kind, align)
            options = {**kernel.options, "coordinates": kind, "align_corners": align}
            yield image, grid, options, f"{sizes} {points} points {options}"
            yield image, hostile(grid), options, f"{sizes} {points} hostile points {options}"


def forward(kernel):
    """Every case on both sides; the result must be that of ordinary arrays, to the bit."""
    from cases import IMAGES

    import fastsample as fs

    stall, steps = Stall(), (1, 2) if chosen(kernel) else (1,)
    for image, grid, options, label in cases(kernel, kernel in IMAGES, kernel.shortest):
        want = fs.grid_sample(image, grid, **options)
        for side, step in itertools.product(SIDES, steps):
            print(f"{kernel} {label} {side} step {step}", flush=True)
            got = stall.sample(image, grid, side, step, **options)
            assert_equal(got, want)


def backward(kernel):
    """The same for both gradients, which lie between guards as well."""
    from cases import coordinates, noise
    from gradients import shortest

    steps = (1, 2) if chosen(kernel) else (1,)
    for image, grid, options, label in cases(kernel, False, shortest(kernel)):
        go_back(image, grid, options, f"{kernel} {label}", steps)
    if kernel.ndim == 2 and kernel.mode == "bilinear":  # summed 16 channels at a time
        for channels, sizes, points in ((8, (2, 2), 5), (17, (3, 7), 33), (33, (5, 4), 16)):
            image = noise(4, (2, channels, *sizes), kernel.input)
            grid = coordinates(5, (2, points), kernel.grid, sizes, "normalized")
            for places in (grid, hostile(grid)):
                go_back(image, places, kernel.options, f"{kernel} {channels} channels", steps)
    if chosen(kernel):  # planes that threads share
        image = noise(1, (1, 1, *LARGE[kernel.ndim]), kernel.input)
        grid = coordinates(2, (1, 30_000), kernel.grid, image.shape[2:], "normalized")
        for points in (grid, hostile(grid)):
            go_back(image, points, kernel.options, f"{kernel} a large plane", steps)


def go_back(image, grid, options, label, steps):
    """grid_sample_backward on guarded copies of all three."""
    from cases import noise

    import fastsample as fs

    grad = noise(3, (len(image), image.shape[1], *grid.shape[1:-1]), image.dtype)
    wants = fs.grid_sample_backward(grad, image, grid, **options)
    for step, side in itertools.product(steps, SIDES):
        print(f"{label} {side} step {step}", flush=True)
        copies = [guarded(array, side, step) for array in (grad, image, grid)]
        if side == SIDES[0]:  # compiles with an np.empty that Numba knows
            fs.grid_sample_backward(*copies, **options)
        with fenced(side):
            gots = fs.grid_sample_backward(*copies, **options)
        for got, want in zip(gots, wants, strict=True):
            assert_equal(got, want)


def affine(kernel):
    """Grids, results and gradients through matrices."""
    from cases import noise

    import fastsample as fs

    ndim = kernel.ndim
    theta = (
        np.eye(ndim, ndim + 1, dtype=kernel.grid)[None] + noise(4, (1, ndim, ndim + 1), "f4") / 4
    )
    theta = theta.astype(kernel.grid)
    image = noise(5, (1, 2, *(4, 5, 6)[:ndim]), kernel.input)
    for width, side in itertools.product((*range(1, 19), 31, 33, 1025), SIDES):
        out = (*(2, 3)[: ndim - 1], width)
        print(f"{kernel} affine {out} {side}", flush=True)
        grad = noise(6, (1, 2, *out), kernel.input)
        twice = [(grad, image, theta), [guarded(array, side) for array in (grad, image, theta)]]
        fences = contextlib.nullcontext(), fenced(side)
        results = []
        for (y, x, matrix), fence in zip(twice, fences, strict=True):
            with fence:
                grid = fs.affine_grid(matrix, (1, 1, *out))
                results.append([grid, fs.affine_grid_backward(grid, (1, 1, *out))])
                results[-1].append(fs.affine_sample(x, matrix, out, **kernel.options))
                results[-1] += fs.affine_sample_backward(y, x, matrix, out, **kernel.options)
        for got, want in zip(*results, strict=True):
            assert_equal(got, want)


def pixels(dtype, channels, *modes):
    """Channels last, and planes of the types that float kernels do not show."""
    from cases import image_of

    import fastsample as fs

    pens, count = [Pen(), Pen(), Pen()], int(channels)
    for width, points in itertools.product((1, 2, 3, 5, 8), (*range(1, 20), 33, 1025)):
        image = image_of(dtype, (1, 4, width, count))
        if count == 1:
            image = image.reshape(1, 1, 4, width)
        grid = np.random.default_rng(points).uniform(-2, width + 1, (1, points, 2))
        for points in (grid.astype("f4"), hostile(grid.astype("f4"))):
            for mode, side in itertools.product(modes, SIDES):
                print(f"{dtype} {count} channels {width} {len(grid[0])} {mode} {side}", flush=True)
                options = {"mode": mode, "coordinates": "pixel", "channels_last": count > 1}
                want = fs.grid_sample(image, points, **options)
                a, b = (pen.copy_of(x, side) for pen, x in zip(pens, (image, points), strict=False))
                out = pens[2].array(want.shape, want.dtype, side)
                assert_equal(fs.grid_sample(a, b, out=out, **options), want)


def near(dtype, mode):
    """16 points beside each other, read from stretches of rows, up to all four corners."""
    from cases import image_of

    import fastsample as fs

    pens, image = [Pen(), Pen(), Pen()], image_of(dtype, (1, 2, 9, 48))
    y, x = np.meshgrid(np.arange(9.0), np.arange(48.0), indexing="ij")
    for degrees, side in itertools.product((-9, -4, 0, 3, 8, 180, 184), SIDES):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turned = cos * (x - 23.5) - sin * (y - 4) + 23.5, sin * (x - 23.5) + cos * (y - 4) + 4
        for dx, dy in itertools.product((-20.25, -1, 0, 0.5, 17), (-5, -0.5, 0, 1, 2.25, 6)):
            grid = np.stack([turned[0] + dx, turned[1] + dy], -1)[None].astype("f4")
            print(f"{dtype} {mode} {degrees} degrees, moved {dx} {dy} {side}", flush=True)
            want = fs.grid_sample(image, grid, mode, coordinates="pixel")
            a, b = (pen.copy_of(z, side) for pen, z in zip(pens, (image, grid), strict=False))
            out = pens[2].array(want.shape, want.dtype, side)
            fs.grid_sample(a, b, mode, coordinates="pixel", out=out)
            assert_equal(out, want)


def turned(mode):
    """Whole pixels through matrices and homographies, up to all four corners and beyond."""
    import fastsample as fs

    rng = np.random.default_rng(0)
    for width, side in itertools.product((16, 33, 64), SIDES):
        image = rng.integers(0, 256, (1, 9, width, 3), np.uint8)
        last, kept = np.array([width - 1.0, 8.0]), guarded(image, side)
        for degrees, scale, dx in itertools.product((0, 5, 90, 180), (1, -1, 0.9), (0, 0.49, 2)):
            print(f"turned {mode} {width} {side} {degrees} {scale} {dx}", flush=True)
            cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
            turn = np.array([[cos, -sin], [sin, cos]])
            theta = np.column_stack([turn, last / 2 - turn @ (last / 2) + dx])
            how = {"size": (9, width), "mode": mode, "channels_last": True}
            seen = functools.partial(fs.affine_sample, coordinates="pixel", **how)
            flat = theta[None].astype("f4")
            assert_same(seen, side, (image, flat), (kept, flat))
            flat = np.vstack([theta, [0.2 / width, 0.0, 1.0]])[None].astype("f4")
            seen = functools.partial(fs.perspective_sample, **how)
            assert_same(seen, side, (image, flat), (kept, flat))


HORIZON = [[1.1, 0.1, -1.0], [0.05, 0.9, 0.3], [0.08, -0.03, 1.0]]


def maps(knots):
    """Homographies, and fields of so many knots a row, on one image and on lists."""
    import fastsample as fs

    rng, count = np.random.default_rng(0), int(knots)
    h = np.array([HORIZON], np.float32)
    control = rng.normal(0, 3, (1, 2, 3, count)).astype(np.float32)
    theta = np.array([[[0.9, 0.2, 1], [-0.1, 1.1, 0]]], np.float32)
    for width, side in itertools.product((*range(2, 19), 33, 300), SIDES):
        print(f"maps {knots} knots, {width} {side}", flush=True)
        images = [rng.integers(0, 256, (rows, width, 3), np.uint8) for rows in (2, 5)]
        pens = [[guarded(x, side) for x in xs] for xs in (images, (h, control, theta))]
        for places in (h, hostile(h)):
            seen = functools.partial(fs.perspective_sample, size=(3, width), channels_last=True)
            assert_same(
                seen, side, (images[1][None], places), (pens[0][1][None], guarded(places, side))
            )
            assert_same(seen, side, (images, places), (pens[0], guarded(places, side)))
        size = (3, width)
        seen = functools.partial(fs.elastic_sample, channels_last=True)
        ours = pens[1][1], size, pens[1][2]
        assert_same(seen, side, (images[1][None], control, size, theta), (pens[0][1][None], *ours))
        assert_same(seen, side, (images, control, size, theta), (pens[0], *ours))


def assert_same(function, side, plain, kept):
    """A call on guarded arrays, into one, gives what it gives elsewhere."""
    want = function(*plain)
    out = guarded(np.zeros_like(want), side)
    assert_equal(function(*kept, out=out), want)


WAYS = {"forward": forward, "backward": backward, "affine": affine}
OTHERS = {"pixels": pixels, "near": near, "maps": maps, "turned": turned}


def main(*jobs):
    """Run them, one after the other; says so of each that it has done."""
    from cases import KERNELS
    from gradients import GRADIENTS

    kernels = {str(kernel): kernel for kernel in (*KERNELS, *GRADIENTS)}
    for job in jobs:
        way, *names = job.split(",")
        if way in OTHERS:
            OTHERS[way](*names)
        for name in names if way in WAYS else ():
            WAYS[way](kernels[name])
        print(f"done: {job}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
