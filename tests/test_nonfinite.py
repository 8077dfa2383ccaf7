"""Non-finite and enormous coordinates, against the table of the reference.

| coordinate      | zeros, constant | border   | reflection, wrap                          |
| NaN             | NaN             | NaN      | NaN                                       |
| +-inf           | fill            | the edge | NaN                                       |
| finite but huge | fill            | the edge | some pixel inside, or the folded one      |
"""

import numpy as np
import oracle
import pytest
from cases import IMAGES, KERNELS, coordinates, noise
from sampling import check, sample

SIZES = {1: (7,), 2: (6, 7), 3: (4, 5, 7)}
HUGE = {np.float32: (3e38, 1e30, 1e20), np.float64: (1.7e308, 1e300, 1e30)}
LANES = 16
SETTINGS = (("normalized", False), ("normalized", True), ("pixel", False), ("pixel", True))

each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=str)
FOLDS = ("reflection", "wrap")
WHOLE = ("border", *FOLDS)


def scenes(kernel, bad):
    """(image, grid, where `bad` is, along which axis, options)."""
    sizes = SIZES[kernel.ndim]
    image = noise(1, (1, 2, *sizes), kernel.input)
    for kind, align in SETTINGS:
        options = {**kernel.options, "coordinates": kind, "align_corners": align}
        for axis in range(kernel.ndim):
            grid = coordinates(2, (1, 3 * LANES + 5), kernel.grid, sizes, kind, align, spill=0.9)
            hit = np.arange(grid.shape[1]) % 5 == axis
            grid[0, hit, axis] = bad
            yield image, grid, hit, axis, options


def edge_image(image, axis, sign):
    """The image with every pixel replaced by the edge pixel of its line along x, y or z."""
    place = image.ndim - 1 - axis
    edge = image.take([-1 if sign > 0 else 0], place)
    return np.broadcast_to(edge, image.shape)


def at_centre(grid, axis, options):
    """The same grid with one coordinate at the image's centre."""
    grid = grid.copy()
    grid[..., axis] = 3 if options["coordinates"] == "pixel" else 0
    return grid


class TestNaN:
    @each_kernel
    def test_gives_nan_and_spoils_no_neighbour(self, kernel):
        for image, grid, hit, _, options in scenes(kernel, np.nan):
            got = check(image, grid, options, **options)
            assert np.isnan(got[..., hit]).all(), options
            assert np.isfinite(got[..., ~hit]).all(), options


class TestShortAxes:
    """Shorter than a row of taps: these are read one by one."""

    @pytest.mark.parametrize("sizes", [(1,), (1, 4), (3, 1), (1, 1)])
    @pytest.mark.parametrize("padding", ["zeros", "border", "wrap", "constant"])
    def test_nan_gives_nan(self, sizes, padding):
        image = noise(5, (1, 2, *sizes), np.float32)
        for axis in range(len(sizes)):
            grid = np.zeros((1, 20, len(sizes)), np.float32)
            grid[0, 3, axis] = np.nan
            got = sample(image, grid, padding_mode=padding)
            assert np.isnan(got[..., 3]).all()
            assert np.isfinite(np.delete(got, 3, axis=-1)).all()


class TestInfinity:
    @each_kernel
    @pytest.mark.parametrize("sign", [1, -1])
    def test_follows_the_table(self, kernel, sign):
        for image, grid, hit, axis, options in scenes(kernel, sign * np.inf):
            got = check(image, grid, options, **options)
            follow_the_table(got[..., hit], image, grid[:, hit], axis, sign, options, np.nan)
            assert np.isfinite(got[..., ~hit]).all(), options


class TestHuge:
    @each_kernel
    @pytest.mark.parametrize("sign", [1, -1])
    def test_follows_the_table(self, kernel, sign):
        for value in HUGE[kernel.grid]:
            for image, grid, hit, axis, options in scenes(kernel, sign * value):
                got = sample(image, grid, **options)
                follow_the_table(got[..., hit], image, grid[:, hit], axis, sign, options, "inside")
                rest = check(image, grid[:, ~hit], options, **options)
                np.testing.assert_array_equal(got[..., ~hit], rest, err_msg=str(options))


def follow_the_table(got, image, grid, axis, sign, options, folded):
    """All points of `grid` are off to one side along `axis`."""
    fill = options.get("fill_value", 0)
    if options["padding_mode"] in ("zeros", "constant"):
        np.testing.assert_allclose(got, fill, rtol=1e-6, err_msg=str(options))
    elif options["padding_mode"] == "border":
        line = edge_image(image, axis, sign)
        want = oracle.grid_sample(line, at_centre(grid, axis, options), **options)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5, err_msg=str(options))
    elif folded == "inside":
        inside(got, image, grid, axis, options)
    else:
        assert np.isnan(got).all(), options


def inside(got, image, grid, axis, options):
    """Some position along the axis explains the value: it lies within what the line can give."""
    lines = np.moveaxis(image, image.ndim - 1 - axis, 0)
    at = at_centre(grid, axis, options)
    choices = []
    for line in lines:
        flat = np.broadcast_to(np.expand_dims(line, image.ndim - 1 - axis), image.shape)
        choices.append(oracle.grid_sample(flat, at, **options))
    low, high = np.min(choices, axis=0), np.max(choices, axis=0)
    assert (got >= low - 1e-5).all(), options
    assert (got <= high + 1e-5).all(), options


class TestLargeButExact:
    """Folding is exact while the quotient is: far outside, yet the very pixel."""

    @pytest.mark.parametrize("kernel", [k for k in KERNELS if k.padding in FOLDS], ids=str)
    def test_equals_oracle(self, kernel):
        sizes = SIZES[kernel.ndim]
        image = noise(3, (1, 2, *sizes), kernel.input)
        grid = coordinates(4, (1, 37), kernel.grid, sizes, "pixel")
        grid += np.rint(np.linspace(-1e4, 1e4, 37))[None, :, None].astype(kernel.grid)
        for align in (False, True):
            check(image, grid, align, coordinates="pixel", align_corners=align, **kernel.options)


class TestAllTogether:
    @each_kernel
    def test_every_kind_in_one_group(self, kernel):
        """Ordinary points keep their bits whatever shares the group of sixteen with them."""
        sizes = SIZES[kernel.ndim]
        image = noise(5, (2, 2, *sizes), kernel.input)
        clean = coordinates(6, (2, 3 * LANES), kernel.grid, sizes, "normalized")
        bad = np.array([np.nan, np.inf, -np.inf, *HUGE[kernel.grid]], kernel.grid)
        dirty = clean.copy()
        dirty[:, 1::3] = np.resize(np.append(bad, -bad), dirty[:, 1::3].shape)
        keep = np.arange(clean.shape[1]) % 3 != 1
        got = sample(image, dirty, **kernel.options)
        want = sample(image, clean, **kernel.options)
        np.testing.assert_array_equal(got[..., keep], want[..., keep])

    @pytest.mark.parametrize("kernel", [k for k in KERNELS if k.ndim == 2], ids=str)
    def test_nan_beats_the_fill(self, kernel):
        """A point that is outside along one axis and NaN along another has no value."""
        image = noise(7, (1, 1, 4, 5), kernel.input)
        pairs = [(np.nan, np.inf), (np.inf, np.nan), (np.nan, 99), (-1e30, np.nan)]
        got = sample(image, np.array([pairs], kernel.grid), **kernel.options)
        assert np.isnan(got).all()

    @pytest.mark.parametrize("kernel", [k for k in IMAGES if k.padding in WHOLE], ids=str)
    def test_single_pixel_image(self, kernel):
        """S = 1 folds to nothing: every finite coordinate is the pixel."""
        image = np.full((1, 1, 1, 1), 2.5, np.float32)
        values = np.array([0, 0.3, -7, 1e6, 3e38, -3e38], np.float32)
        grid = np.stack(np.meshgrid(values, values), -1)[None]
        for kind, align in SETTINGS:
            got = sample(image, grid, align_corners=align, coordinates=kind, **kernel.options)
            np.testing.assert_allclose(got, 2.5, rtol=1e-5, err_msg=f"{kind} {align}")
