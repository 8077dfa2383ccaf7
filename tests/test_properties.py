"""What holds for every image and every grid."""

import numpy as np
from cases import DTYPES, FILL, MODES, PADDINGS, coordinates, identity
from hypothesis import given
from hypothesis import strategies as st
from tolerances import ORACLE, assert_close

import fastsample as fs

WHOLE = ("border", "reflection", "wrap")
"""Borders that read pixels alone."""

seeds = st.integers(0, 2**32 - 1)
modes = st.sampled_from(MODES)
paddings = st.sampled_from(PADDINGS)
shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
points = st.integers(1, 40)
dtypes = st.sampled_from(DTYPES)
bools = st.booleans()


def image_of(seed, shape, dtype):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(dtype)


@given(seeds, shapes, dtypes, modes, paddings)
def test_identity(seed, sizes, dtype, mode, padding):
    """Pixel coordinates of every pixel return the image to the last bit."""
    image = image_of(seed, (2, 2, *sizes), dtype)
    got = fs.grid_sample(image, identity(sizes, dtype), mode, padding, coordinates="pixel")
    assert got.tobytes() == image.tobytes()


@given(seeds, shapes, points, dtypes, modes, paddings)
def test_integer_coordinates_copy_pixels(seed, sizes, count, dtype, mode, padding):
    """In any order and any number, inside the image."""
    rng = np.random.default_rng(seed)
    image = image_of(seed, (1, 2, *sizes), dtype)
    index = [rng.integers(0, s, count) for s in sizes]
    grid = np.stack(index[::-1], -1)[None].astype(dtype)
    got = fs.grid_sample(image, grid, mode, padding, coordinates="pixel")
    np.testing.assert_array_equal(got, image[(slice(None), slice(None), *index)])


@given(seeds, shapes, points, dtypes, modes, paddings, bools)
def test_linear_in_the_image(seed, sizes, count, dtype, mode, padding, align):
    a, b = (image_of(seed + k, (1, 2, *sizes), dtype) for k in range(2))
    grid = coordinates(seed, (1, count), dtype, sizes, "normalized", align)

    def f(image, fill):
        return fs.grid_sample(image, grid, mode, padding, align, fill_value=fill)

    fill = FILL if padding == "constant" else 0
    mixed = f(dtype(2) * a - b, fill)
    assert_close(mixed, 2 * f(a, fill).astype(np.float64) - f(b, fill), scale=4)


@given(seeds, shapes, points, dtypes, modes, st.sampled_from(WHOLE), bools)
def test_a_constant_image_stays_constant(seed, sizes, count, dtype, mode, padding, align):
    """The weights sum to one; with a fill of the same value so do the other borders'."""
    image = np.full((1, 1, *sizes), 0.7, dtype)
    grid = coordinates(seed, (1, count), dtype, sizes, "normalized", align, spill=4)
    for border, fill in ((padding, 0), ("constant", image.flat[0])):
        got = fs.grid_sample(image, grid, mode, border, align, fill_value=fill)
        assert_close(got, np.full(got.shape, image.flat[0], np.float64))


@given(seeds, shapes, points, modes, paddings, bools, st.integers(0, 2))
def test_flips_commute(seed, sizes, count, mode, padding, align, which):
    """Image and coordinate flipped along one axis give the same result."""
    axis = which % len(sizes)
    image = image_of(seed, (1, 2, *sizes), np.float64)
    grid = coordinates(seed, (1, count), np.float64, sizes, "normalized", align, spill=1.2)
    grid += np.pi / 1e4  # off the ties of `nearest`, where half to even is not symmetric
    options = {"mode": mode, "padding_mode": padding, "align_corners": align, "fill_value": FILL}
    mirrored = grid * np.where(np.arange(len(sizes))[::-1] == axis, -1, 1)
    got = fs.grid_sample(np.flip(image, 2 + axis), mirrored, **options)
    assert_close(got, fs.grid_sample(image, grid, **options), scale=2)


@given(seeds, shapes, points, dtypes, modes, paddings, st.integers(1, 4), bools)
def test_sharing_a_batch_is_broadcasting_it(seed, sizes, count, dtype, mode, padding, n, shared):
    image = image_of(seed, (1 if shared else n, 2, *sizes), dtype)
    grid = coordinates(seed, (n if shared else 1, count), dtype, sizes, "normalized")
    full_image = np.broadcast_to(image, (n, *image.shape[1:])).copy()
    full_grid = np.broadcast_to(grid, (n, *grid.shape[1:])).copy()
    got = fs.grid_sample(image, grid, mode, padding)
    np.testing.assert_array_equal(got, fs.grid_sample(full_image, full_grid, mode, padding))


@given(seeds, shapes, points, dtypes, modes, paddings)
def test_points_and_channels_are_independent(seed, sizes, count, dtype, mode, padding):
    """A point's value depends neither on its place in the grid nor on the other channels."""
    image = image_of(seed, (1, 3, *sizes), dtype)
    grid = coordinates(seed, (1, count), dtype, sizes, "normalized")
    order = np.random.default_rng(seed).permutation(count)
    whole = fs.grid_sample(image, grid, mode, padding)
    np.testing.assert_array_equal(
        fs.grid_sample(image[:, 1:2], grid[:, order], mode, padding), whole[:, 1:2, order]
    )


@given(seeds, shapes, dtypes, paddings)
def test_bilinear_stays_within_the_image(seed, sizes, dtype, padding):
    image = image_of(seed, (1, 1, *sizes), dtype)
    grid = coordinates(seed, (1, 40), dtype, sizes, "normalized", spill=3)
    got = fs.grid_sample(image, grid, "bilinear", padding)
    slack = ORACLE[got.dtype]
    low, high = (image.min(), image.max()) if padding in WHOLE else (-1, 1)
    assert got.min() >= low - slack
    assert got.max() <= high + slack


@given(seeds, shapes)
def test_bilinear_reproduces_a_ramp(seed, sizes):
    """Inside, a linear function of x. (Keys' kernel does so for a = -1/2 alone.)"""
    image = identity(sizes, np.float64)[..., 0][None]
    rng = np.random.default_rng(seed)
    grid = np.stack([rng.uniform(0, s - 1, 30) for s in sizes[::-1]], -1)[None]
    got = fs.grid_sample(image, grid, coordinates="pixel")
    assert_close(got[0], grid[..., 0], scale=max(sizes))
