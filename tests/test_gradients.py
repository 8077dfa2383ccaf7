"""grid_sample_backward against the oracle: kernels, sizes, bands, layouts, masks, bad numbers."""

import itertools

import numpy as np
import oracle
import pytest
from cases import (
    EVERY,
    FILL,
    IMAGES,
    KERNELS,
    MODES,
    PADDINGS,
    TAPS,
    Kernel,
    coordinates,
    identity,
    noise,
)
from test_grid_sample import (
    LAYOUTS,
    OUT,
    SMALL,
    grid_for,
    in_three_dimensions,
    settings_of,
    variants,
)
from tolerances import ORACLE, assert_close, of_the_coarser

import fastsample as fs

NAMES = "grad_output", "input", "grid"
FOLDS = ("reflection", "wrap")
F32, F64 = np.float32, np.float64
OTHERS = (
    Kernel("bilinear", "zeros", 1),
    Kernel("bilinear", "zeros", 3),
    Kernel("bilinear", "zeros", 2, F64, F64),
    Kernel("bilinear", "constant", 2, F32, F64),
    Kernel("bicubic", "wrap", 2, F64, F32),
    Kernel("bicubic", "wrap", 1, F64, F64),
    Kernel("bicubic", "constant", 3, F64, F64),
)
SPARED = {
    *(("nearest", padding) for padding in ("reflection", "wrap", "constant")),
    ("bicubic", "reflection"),
}
"""The same code as their neighbours in the table of modes and borders, seen from the way back."""
GRADIENTS = (
    KERNELS if EVERY else (*(k for k in IMAGES if (k.mode, k.padding) not in SPARED), *OTHERS)
)
"""Kernels to go back through. Each takes ten seconds to compile, so they are fewer than forward."""

SLIM = Kernel("bilinear", "zeros", 1), Kernel("bicubic", "border", 2)
"""These also meet axes shorter than a row of taps, for which they take other machine code."""


def shortest(kernel):
    """The shortest axis to try; see `SLIM`."""
    free = kernel.mode == "nearest" or kernel.padding == "wrap"
    return 1 if free or kernel in SLIM or EVERY else TAPS[kernel.mode]


def each(keep=lambda kernel: True):
    """Parametrize over some of the kernels."""
    return pytest.mark.parametrize("kernel", [k for k in GRADIENTS if keep(k)], ids=str)


each_kernel = each()
each_float32_kernel = each(lambda kernel: kernel.input is kernel.grid is F32)
each_image_kernel = each(lambda kernel: kernel in IMAGES)
each_open_kernel = each(lambda kernel: kernel.padding not in FOLDS)
each_folding_kernel = each(lambda kernel: kernel.padding in FOLDS)


def backward(grad_output, input, grid, *args, **options):
    """grid_sample_backward; fails if it wrote to an argument."""
    arrays = grad_output, input, grid
    before = [np.array(a) for a in arrays]
    grads = fs.grid_sample_backward(*arrays, *args, **options)
    for name, old, new in zip(NAMES, before, arrays, strict=True):
        assert old.tobytes() == np.array(new).tobytes(), f"{name} was written to"
    return grads


def check(grad_output, input, grid, context="", load=1, **options):
    """The gradients, after a comparison with the oracle; `load`: points that share a pixel."""
    grads = backward(grad_output, input, grid, **options)
    wants = oracle.grid_sample_backward(grad_output, input, grid, **options)
    assert type(grads) is tuple
    for got, like in zip(grads, (input, grid), strict=True):
        assert type(got) is np.ndarray
        assert got.shape == like.shape
        assert got.dtype == like.dtype.newbyteorder("=")
        assert got.flags.c_contiguous
        assert got.flags.writeable
    scale = extent(grad_output)
    most = max(scale * load, extent(wants[0]))
    assert_close(grads[0], wants[0], most, context=f"grad_input: {context}")
    # values and slopes are of the input's type, the coordinate is of the grid's
    near = of_the_coarser(*(got.dtype for got in grads))
    scale *= extent(np.append(input, options.get("fill_value", 0)))
    pixels = pixels_a_unit(input.shape[2:], options)
    got, want = grads[1] / pixels.astype(grads[1].dtype), wants[1] / pixels
    assert_close(got, want, scale, near, f"grad_grid: {context}")
    return grads


def extent(values):
    """The largest finite magnitude, but 1 where that is smaller."""
    values = np.abs(values.astype(np.float64))
    return values[np.isfinite(values)].max(initial=1.0)


def pixels_a_unit(sizes, options):
    """How many pixels a step of a coordinate is, (x, y, z); by this the gradients are large."""
    sizes = np.array(sizes[::-1], np.float64)
    if options.get("coordinates") == "pixel":
        return np.ones(sizes.shape)
    return np.maximum((sizes - bool(options.get("align_corners"))) / 2, 0.5)


def grad_for(input, grid, seed=100):
    """Noise of the result's shape."""
    batch = grid.shape[0] if input.shape[0] == 1 else input.shape[0]
    shape = batch, input.shape[1], *grid.shape[1:-1]
    return noise(seed, shape, input.dtype.newbyteorder("="))


def check_image(input, grid, context="", **options):
    """`check` with noise for grad_output."""
    return check(grad_for(input, grid), input, grid, context, **options)


class TestKernels:
    @each_kernel
    def test_equals_oracle(self, kernel):
        sizes, out = SMALL[kernel.ndim], OUT[kernel.ndim]
        image = noise(101, (2, 3, *sizes), kernel.input)
        for options in settings_of(kernel):
            check_image(image, grid_for(kernel, options, (2, *out), sizes), options, **options)

    @each(lambda kernel: shortest(kernel) == 1)
    def test_axes_of_size_one(self, kernel):
        for sizes in itertools.product((1, 2), repeat=kernel.ndim):
            image = noise(102, (1, 2, *sizes), kernel.input)
            for options in settings_of(kernel):
                grid = grid_for(kernel, options, (1, 19), sizes)
                check_image(image, grid, (sizes, options), **options)

    @pytest.mark.compiled
    @each_float32_kernel
    def test_beyond_one_tile(self, kernel):
        out = {1: (3000,), 2: (70, 70), 3: (11, 12, 13)}[kernel.ndim]
        sizes = {1: (90,), 2: (31, 45), 3: (9, 8, 33)}[kernel.ndim]
        image = noise(103, (2, 2, *sizes), kernel.input)
        for options in settings_of(kernel):
            check_image(image, grid_for(kernel, options, (2, *out), sizes), options, **options)


class TestSizes:
    @each_image_kernel
    def test_number_of_points(self, kernel):
        image = noise(104, (1, 2, 6, 7), np.float32)
        for points in (*range(1, 10), *range(14, 20), *range(30, 36), 47, 48, 49):
            grid = coordinates(points, (1, points), np.float32, (6, 7), "normalized")
            check_image(image, grid, f"{points} points", **kernel.options)

    @each_image_kernel
    def test_width_and_height(self, kernel):
        least = shortest(kernel)
        for size in (*range(least, 10), 15, 16, 17, 31, 32, 33):
            for sizes in ((least, size), (size, least + 1)):
                image = noise(105, (1, 1, *sizes), np.float32)
                grid = coordinates(size, (1, 21), np.float32, sizes, "normalized")
                check_image(image, grid, sizes, **kernel.options)

    @pytest.mark.compiled
    @pytest.mark.parametrize("points", [1008, 1023, 1024, 1025, 1040, 2047, 2049, 4096, 4097])
    def test_around_a_tile(self, points):
        image = noise(106, (2, 3, 16, 16), np.float32)
        check_image(image, coordinates(107, (2, points), np.float32, (16, 16), "normalized"))

    @pytest.mark.compiled
    def test_square_tiles(self):
        image = noise(108, (1, 1, 40, 50), np.float32)
        for out in ((64, 64), (63, 65), (65, 129), (1, 5000), (5000, 1), (3, 700), (700, 3)):
            grid = coordinates(109, (1, *out), np.float32, (40, 50), "normalized")
            check_image(image, grid, out)

    @pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 7, 8, 9, 17, 130])
    def test_channels(self, channels):
        image = noise(110, (1, channels, 5, 6), np.float32)
        check_image(image, coordinates(111, (1, 5, 7), np.float32, (5, 6), "normalized"), channels)


def rotation(degrees, out, dtype=np.float32, zoom=1.1):
    """A normalised grid (1, *out, 2) that turns the image about its centre."""
    angle = np.deg2rad(degrees)
    y, x = np.meshgrid(*((2 * np.arange(s) + 1) / s - 1 for s in out), indexing="ij")
    turned = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
    return (zoom * np.stack(turned, -1))[None].astype(dtype)


@pytest.mark.compiled
class TestBands:
    """Planes so large that threads may share one: each pixel still gets all its points."""

    @pytest.mark.parametrize("degrees", [6, 45, 90])
    def test_rotations(self, degrees):
        check_image(noise(112, (1, 1, 700, 900), np.float32), rotation(degrees, (400, 500)))

    @pytest.mark.parametrize("mode", MODES)
    def test_other_modes_and_types(self, mode):
        image = noise(113, (1, 1, 500, 600), np.float32)
        check_image(image, rotation(30, (200, 300)), mode=mode, padding_mode="border")

    def test_a_quarter_turn_returns_every_value(self):
        """Pixel centres onto pixel centres: grad_input is grad_output turned back, to the bit."""
        grad = noise(114, (1, 1, 900, 1100), np.float32)
        grid = np.rot90(identity((1100, 900), np.float32), axes=(1, 2))
        image = np.ones((1, 1, 1100, 900), np.float32)
        got, _ = backward(grad, image, grid, coordinates="pixel")
        assert got.tobytes() == np.rot90(grad, -1, (2, 3)).tobytes()

    def test_few_rows(self):
        """Points on the first and last rows alone, and on rows where bands may meet."""
        for rows in ([0, 1023], [511, 512], [255, 256, 767, 768], [340, 341, 682, 683], [1023]):
            x = np.random.default_rng(115).uniform(-1, 600, 3000)
            y = np.resize(rows, 3000) + np.random.default_rng(116).uniform(-0.9, 0.9, 3000)
            grid = np.stack([x, y], -1)[None].astype(np.float32)
            image = noise(117, (1, 1, 1024, 600), np.float32)
            check_image(image, grid, rows, coordinates="pixel")

    @each_kernel
    def test_points_in_order(self, kernel):
        """Row after row: a tile's taps end now before a row where bands meet, now behind it."""
        rng = np.random.default_rng(196)
        for rows, step in ((37, 1), (40, -1), (43, 1)):
            sizes = rows, *(6, 5)[: kernel.ndim - 1]
            others = [rng.uniform(-1, s, 10_000) for s in sizes[:0:-1]]
            first = np.linspace(-2.3, rows + 1.2, 10_000)[::step]
            grid = np.stack([*others, first], -1)[None].astype(kernel.grid)
            image = noise(197, (1, 1, *sizes), kernel.input)
            options = {**kernel.options, "coordinates": "pixel"}
            check(grad_for(image, grid), image, grid, rows, load=10, **options)

    @pytest.mark.parametrize("padding", PADDINGS)
    def test_every_border(self, padding):
        """Wrapped and mirrored points fall on bands far from their neighbours'."""
        image = noise(118, (1, 1, 300, 400), np.float32)
        options = {"padding_mode": padding, "fill_value": FILL}
        check_image(image, rotation(20, (250, 250), zoom=2.3), **options)

    @pytest.mark.parametrize(("n_input", "n_grid"), [(1, 3), (3, 1)])
    def test_a_shared_batch(self, n_input, n_grid):
        image = noise(119, (n_input, 1, 300, 400), np.float32)
        turns = [rotation(degrees, (150, 180)) for degrees in (6, 50, 85)[:n_grid]]
        check_image(image, np.concatenate(turns))

    def test_a_volume(self):
        grid = coordinates(120, (1, 25, 30, 35), np.float32, (40, 50, 60), "normalized")
        check_image(noise(121, (1, 1, 40, 50, 60), np.float32), grid)

    def test_a_long_row(self):
        grid = coordinates(122, (1, 60_000), np.float32, (100_000,), "pixel")
        check_image(noise(123, (1, 1, 100_000), np.float32), grid, coordinates="pixel")


class TestGroups:
    """Eight channels of an image and more, which are summed 16 at a time."""

    @each(lambda kernel: kernel.ndim == 2 and kernel.mode == "bilinear")
    def test_equals_oracle(self, kernel):
        image = noise(220, (2, 19, 7, 9), kernel.input)
        for options in settings_of(kernel):
            check_image(image, grid_for(kernel, options, (2, 5, 11), (7, 9)), options, **options)

    @pytest.mark.parametrize("channels", [7, 8, 9, 15, 16, 17, 31, 32, 33, 70])
    def test_a_channel_is_the_same_in_every_group(self, channels):
        image = noise(221, (2, channels, 5, 6), np.float32)
        grid = coordinates(223, (2, 3, 40), np.float32, (5, 6), "normalized")
        grad = grad_for(image, grid)
        got, _ = backward(grad, image, grid)
        want = oracle.grid_sample_backward(grad, image, grid)[0]
        assert_close(got, want, extent(want))
        first = max(0, channels - 13)
        if channels - first >= 8:
            alone, _ = backward(grad[:, first:], image[:, first:], grid)
            assert alone.tobytes() == got[:, first:].tobytes()

    @pytest.mark.compiled
    @pytest.mark.parametrize("degrees", [6, 45, 90])
    @pytest.mark.parametrize("sizes", [(150, 120), (40, 800), (20, 1000)])
    def test_bands(self, sizes, degrees):
        """Planes whose sums are too many for a thread, and rows too wide for groups."""
        check_image(noise(224, (1, 9, *sizes), np.float32), rotation(degrees, (60, 50)), degrees)

    @pytest.mark.parametrize(("n_input", "n_grid"), [(1, 3), (3, 1)])
    def test_a_shared_batch(self, n_input, n_grid):
        image = noise(225, (n_input, 18, 6, 5), np.float32)
        turns = [rotation(degrees, (8, 9)) for degrees in (6, 50, 85)[:n_grid]]
        check_image(image, np.concatenate(turns))

    @pytest.mark.parametrize("step", [-1, 2])
    def test_gradients_with_strides(self, step):
        image = noise(226, (1, 18, 6, 5), np.float32)
        grid = coordinates(227, (1, 6, 21), np.float32, (6, 5), "normalized")
        grad = noise(228, (1, 18, 6, 21 * abs(step)), np.float32)[..., ::step]
        check(grad, image, grid)
        check(grad.transpose(0, 1, 3, 2), image, grid.transpose(0, 2, 1, 3))

    def test_every_point_counts(self):
        grad, image = np.ones((1, 8, 50), np.float32), noise(229, (1, 8, 7, 8), np.float32)
        grid = np.full((1, 50, 2), 2.5, np.float32)
        got, _ = backward(grad, image, grid, coordinates="pixel")
        want = np.zeros_like(image)
        want[:, :, 2:4, 2:4] = 50 / 4
        np.testing.assert_array_equal(got, want)


class TestPileUp:
    """Many points on one pixel: none is lost, whoever else adds to it."""

    @pytest.mark.parametrize("points", [16, 33, pytest.param(40_000, marks=pytest.mark.compiled)])
    @each_image_kernel
    def test_every_point_counts(self, kernel, points):
        grad = np.ones((1, 2, points), np.float32)
        image = noise(124, (1, 2, 7, 8), np.float32)
        grid = np.full((1, points, 2), 3, np.float32)
        got, _ = backward(grad, image, grid, coordinates="pixel", **kernel.options)
        want = np.zeros_like(image)
        want[:, :, 3, 3] = points
        np.testing.assert_array_equal(got, want)

    @each_image_kernel
    def test_fractions(self, kernel):
        grid = np.full((1, 50, 2), 2.3, np.float32)
        grid[:, ::3] = -0.6
        image = noise(125, (1, 2, 7, 8), np.float32)
        check(grad_for(image, grid), image, grid, load=50, coordinates="pixel", **kernel.options)

    @pytest.mark.compiled
    def test_neighbours_take_turns(self):
        """Points that meet pairwise, in every order within a vector and across tiles."""
        x = np.random.default_rng(126).integers(0, 4, 20_000) + 0.5
        grid = np.stack([x, np.ones_like(x)], -1)[None].astype(np.float32)
        image = noise(127, (1, 3, 3, 6), np.float32)
        check(grad_for(image, grid), image, grid, load=100, coordinates="pixel")

    @pytest.mark.compiled
    def test_on_a_large_plane(self):
        """All threads want the same four pixels."""
        grid = np.full((1, 300, 200, 2), 500.5, np.float32)
        grad = np.ones((1, 1, 300, 200), np.float32)
        image = noise(128, (1, 1, 900, 1000), np.float32)
        got, _ = backward(grad, image, grid, coordinates="pixel")
        want = np.zeros_like(image)
        want[:, :, 500:502, 500:502] = 300 * 200 / 4
        np.testing.assert_array_equal(got, want)


class TestShapes:
    @pytest.mark.parametrize("out", [(), (5,), (3, 4), (2, 3, 4), (2, 1, 3, 2), (1, 2, 1, 3, 2)])
    def test_any_number_of_output_axes(self, out):
        image = noise(129, (2, 3, 6, 5), np.float32)
        check_image(image, coordinates(130, (2, *out), np.float32, (6, 5), "normalized"))

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    @pytest.mark.parametrize(("n_input", "n_grid"), [(1, 3), (3, 1), (3, 3), (1, 1)])
    def test_the_gradient_of_a_shared_batch_is_a_sum(self, n_input, n_grid, ndim):
        sizes = SMALL[ndim]
        image = noise(131, (n_input, 2, *sizes), np.float32)
        grid = coordinates(132, (n_grid, 9), np.float32, sizes, "normalized")
        check_image(image, grid)

    @each(lambda kernel: kernel.grid is not kernel.input)
    def test_a_shared_batch_of_mixed_types(self, kernel):
        for n_input, n_grid in ((1, 3), (3, 1)):
            image = noise(133, (n_input, 2, *SMALL[kernel.ndim]), kernel.input)
            grid = coordinates(134, (n_grid, 9), kernel.grid, SMALL[kernel.ndim], "normalized")
            check_image(image, grid, **kernel.options)

    @pytest.mark.parametrize(
        ("image", "grid"),
        [
            ((0, 3, 4, 5), (0, 6, 7, 2)),
            ((0, 3, 4, 5), (1, 6, 7, 2)),
            ((1, 3, 4, 5), (0, 6, 7, 2)),
            ((2, 0, 4, 5), (2, 6, 7, 2)),
            ((2, 0, 4, 5), (1, 6, 7, 2)),
            ((2, 3, 4, 5), (2, 0, 7, 2)),
            ((2, 3, 4, 5), (2, 6, 0, 2)),
            ((1, 3, 4, 5), (2, 6, 0, 2)),
            ((2, 3, 0, 5), (2, 6, 0, 2)),
            ((0, 3, 0, 5), (0, 6, 7, 2)),
            ((2, 3, 4), (2, 0, 1)),
            ((2, 3, 4, 5, 6), (2, 6, 0, 4, 3)),
        ],
    )
    def test_without_points_or_channels_the_gradients_are_zero(self, image, grid):
        arrays = np.ones(image, np.float32), np.zeros(grid, np.float32)
        for mask in itertools.product((True, False), repeat=2):
            grads = backward(grad_for(*arrays), *arrays, output_mask=mask)
            for asked, got, like in zip(mask, grads, arrays, strict=True):
                assert (got is not None) == asked
                if asked:
                    np.testing.assert_array_equal(got, np.zeros_like(like), strict=True)


class TestOutputMask:
    @each_kernel
    def test_each_gradient_alone_is_the_same(self, kernel):
        image = noise(135, (2, 3, *SMALL[kernel.ndim]), kernel.input)
        for options in settings_of(kernel):
            grid = grid_for(kernel, options, (2, *OUT[kernel.ndim]), SMALL[kernel.ndim])
            args = grad_for(image, grid), image, grid
            both = backward(*args, **options)
            first, nothing = backward(*args, output_mask=(True, False), **options)
            assert nothing is None
            np.testing.assert_array_equal(first, both[0], strict=True)
            nothing, second = backward(*args, output_mask=(False, True), **options)
            assert nothing is None
            np.testing.assert_array_equal(second, both[1], strict=True)

    def test_nothing_asked(self):
        image, grid = noise(136, (1, 2, 6, 7), np.float32), np.zeros((1, 5, 2), np.float32)
        assert backward(grad_for(image, grid), image, grid, output_mask=(False, False)) == (
            None,
            None,
        )

    def test_a_list_will_do(self):
        """As PyTorch's own signature has it."""
        image, grid = noise(137, (1, 2, 6, 7), np.float32), np.zeros((1, 5, 2), np.float32)
        got, nothing = backward(grad_for(image, grid), image, grid, output_mask=[True, False])
        assert got.shape == image.shape
        assert nothing is None


class TestLayouts:
    """Any array in the place of each of the three."""

    @in_three_dimensions
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("place", NAMES)
    def test_one_at_a_time(self, place, layout, mode, ndim):
        image = noise(138, (2, 3, *SMALL[ndim]), np.float32)
        grid = coordinates(139, (2, *OUT[ndim]), np.float32, SMALL[ndim], "normalized")
        arrays = {"grad_output": grad_for(image, grid), "input": image, "grid": grid}
        arrays[place] = dict(variants(arrays[place]))[layout]
        check(**arrays, mode=mode)

    @pytest.mark.compiled
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_beyond_one_tile(self, layout):
        image = noise(140, (2, 3, 40, 41), np.float32)
        grid = coordinates(141, (2, 50, 51), np.float32, (40, 41), "normalized")
        check(*(dict(variants(a))[layout] for a in (grad_for(image, grid), image, grid)))

    @pytest.mark.compiled
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_bands(self, layout):
        image, grid = noise(142, (1, 1, 400, 500), np.float32), rotation(40, (200, 300))
        check(*(dict(variants(a))[layout] for a in (grad_for(image, grid), image, grid)))

    @pytest.mark.compiled
    def test_every_layout_with_every_other(self):
        image = noise(143, (2, 3, 6, 7), np.float32)
        grid = coordinates(144, (2, 5, 7), np.float32, (6, 7), "normalized")
        kinds = (list(variants(a)) for a in (grad_for(image, grid), image, grid))
        for (a, grad), (b, x), (c, g) in itertools.product(*kinds):
            check(grad, x, g, f"{a}, {b}, {c}")

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_shared_batches(self, layout):
        for n_input, n_grid in ((1, 3), (3, 1)):
            image = noise(145, (n_input, 2, 6, 7), np.float32)
            grid = coordinates(146, (n_grid, 5, 7), np.float32, (6, 7), "normalized")
            check(*(dict(variants(a))[layout] for a in (grad_for(image, grid), image, grid)))

    @pytest.mark.parametrize("layout", ["byte-swapped", "unaligned"])
    def test_types_that_differ(self, layout):
        image = noise(147, (2, 2, 6, 7), np.float32)
        grid = coordinates(148, (2, 5, 7), np.float64, (6, 7), "normalized")
        for a, b in itertools.product(("strided", layout), repeat=2):
            check_image(dict(variants(image))[a], dict(variants(grid))[b], (a, b))

    def test_a_broadcast_number_for_grad_output(self):
        """What the gradient of a sum is."""
        image = noise(149, (2, 3, 6, 7), np.float32)
        grid = coordinates(150, (2, 5, 7), np.float32, (6, 7), "normalized")
        check(np.broadcast_to(np.float32(1), (2, 3, 5, 7)), image, grid)

    @pytest.mark.parametrize("axis", [0, 1, 2, 3])
    def test_broadcast_axes(self, axis):
        """The gradient is of the array as passed, not of the memory behind it."""
        image = noise(151, (2, 3, 6, 7), np.float32)
        grid = coordinates(152, (2, 5, 7), np.float32, (6, 7), "normalized")
        grad = grad_for(image, grid)
        for arrays in itertools.product(*((a, slim(a, axis)) for a in (grad, image))):
            check(*arrays, grid)
            check(*arrays, slim(grid, min(axis, 2)))

    @pytest.mark.parametrize("axes", list(itertools.permutations((1, 2, 3))), ids=str)
    def test_output_axes_in_any_order(self, axes):
        """Three axes that cannot be seen as two, in the grid and in grad_output."""
        image = noise(153, (2, 3, 6, 7), np.float32)
        grid = coordinates(154, (2, 6, 8, 10), np.float32, (6, 7), "normalized")[:, ::2, ::2, ::-2]
        grid = grid.transpose(0, *axes, 4)
        check_image(image, grid)
        wide = noise(155, (2, 3, *(2 * s for s in grid.shape[1:-1])), np.float32)
        check(wide[..., ::2, ::2, ::-2], image, grid)
        check(wide[..., ::2, ::2, ::-2], image, np.ascontiguousarray(grid))

    def test_sequences(self):
        """Anything NumPy takes."""
        grad, image, grid = (
            [[[1.0, 2.0]]],
            [[[[1.0, 2.0], [3.0, 5.0]]]],
            [[[0.5, 0.5], [0.0, 0.25]]],
        )
        got = fs.grid_sample_backward(grad, image, grid, coordinates="pixel")
        np.testing.assert_array_equal(got[0], [[[[1.75, 0.25], [0.75, 0.25]]]])
        np.testing.assert_array_equal(got[1], [[[1.5, 2.5], [2.5, 4.0]]])


class TestChannelsLast:
    """(N, *in, C), (N, *out, C): the same numbers in another order of axes."""

    @staticmethod
    def check(image, grid, mask=(True, True)):
        grad, shape = grad_for(image, grid), image.shape
        last = [np.moveaxis(a, 1, -1).copy() for a in (grad, image)]
        grads = backward(*last, grid, channels_last=True, output_mask=mask)
        assert [g is not None for g in grads] == list(mask)
        wants = oracle.grid_sample_backward(grad, image, grid)
        if mask[0]:
            assert grads[0].flags.c_contiguous
            assert_close(np.moveaxis(grads[0], -1, 1), wants[0], 9)
        if mask[1]:
            assert_close(grads[1], wants[1], 9 * np.sqrt(shape[1]) * max(shape[2:]))

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    @pytest.mark.parametrize("mask", [(True, True), (True, False), (False, True)])
    def test_each_gradient(self, ndim, mask):
        image = noise(190, (2, 5, *SMALL[ndim]), np.float32)
        grid = coordinates(191, (2, *OUT[ndim]), np.float32, SMALL[ndim], "normalized")
        self.check(image, grid, mask)

    @pytest.mark.parametrize("channels", [0, 1, 2, 3, 4, 15, 16, 17, 33, 64])
    def test_numbers_of_channels(self, channels):
        grid = coordinates(192, (1, 5, 7), np.float32, (6, 7), "normalized")
        self.check(noise(193, (1, channels, 6, 7), np.float32), grid)

    @pytest.mark.parametrize(("n_input", "n_grid"), [(1, 3), (3, 1)])
    def test_shared_batches(self, n_input, n_grid):
        grid = coordinates(194, (n_grid, 5, 7), np.float32, (6, 7), "normalized")
        self.check(noise(195, (n_input, 5, 6, 7), np.float32), grid)


def slim(array, axis):
    """One slice along an axis, repeated without memory of its own."""
    return np.broadcast_to(array.take([0], axis), array.shape)


class TestKinks:
    """Where the slope jumps: the right-hand cell's, and none at the bounds of a clip."""

    @each(lambda kernel: kernel.mode != "nearest")
    def test_pixel_centres_and_edges(self, kernel):
        sizes = SMALL[kernel.ndim]
        image = noise(156, (1, 2, *sizes), kernel.input)
        ticks = np.arange(-26, 52) / 2
        steps = np.random.default_rng(157).permuted(np.tile(ticks, (kernel.ndim, 1)), axis=1)
        grid = steps.T[None].astype(kernel.grid)
        for align in (False, True):
            options = {**kernel.options, "coordinates": "pixel", "align_corners": align}
            check_image(image, grid, options, **options)

    @each(lambda kernel: kernel.ndim == 2)
    def test_a_rounding_beside_the_folds(self, kernel):
        dtype, size = kernel.grid, 5
        turns = [s * k for s in (size, size - 1, size - 0.5, -0.5) for k in range(-5, 6)]
        turns = np.array([*turns, *np.divide(turns, 2), -1e-9, -1e-30, 1e-30], dtype)
        around = [np.nextafter(turns, dtype(side)) for side in (-np.inf, np.inf)]
        x = np.concatenate([turns, *around])
        grid = np.stack([x, np.full_like(x, 1.25)], -1)[None]
        image = noise(158, (1, 2, 4, size), kernel.input)
        for align in (False, True):
            options = {"align_corners": align, "coordinates": "pixel", **kernel.options}
            check(grad_for(image, grid), image, grid, (size, align), load=x.size, **options)

    @pytest.mark.parametrize("padding", ["border", "reflection"])
    def test_a_clipped_coordinate_does_not_move(self, padding):
        image = noise(159, (1, 1, 4, 6), np.float32)
        x = np.array([-9, -0.5, -0.25, 0, 5, 5.25, 5.5, 40] if padding == "border" else [0, 5])
        grid = np.stack([x, np.full_like(x, 1.5)], -1)[None].astype(np.float32)
        options = {"coordinates": "pixel", "padding_mode": padding}
        _, got = check_image(image, grid, **options)
        np.testing.assert_array_equal(got[..., 0], 0)
        assert got[..., 1].all()

    @each_open_kernel
    def test_far_outside_nothing_moves(self, kernel):
        """Kernels may have stopped such a coordinate near the image: no slope is read there."""
        image = noise(160, (1, 2, *SMALL[kernel.ndim]), kernel.input)
        for value in (-3, -3.5, -4, -40.25, 14, 14.5, 99, 3e9, -3e9):
            grid = np.full((1, 3, kernel.ndim), value, kernel.grid)
            options = {**kernel.options, "coordinates": "pixel"}
            _, got = check_image(image, grid, value, **options)
            if kernel.padding == "zeros":
                np.testing.assert_array_equal(got, 0)


class TestFill:
    def test_constant_zero_is_zeros(self):
        image = noise(161, (1, 2, 6, 7), np.float32)
        grid = coordinates(162, (1, 40), np.float32, (6, 7), "normalized")
        for mode in MODES:
            args = grad_for(image, grid), image, grid, mode
            zeros = backward(*args, "zeros")
            for got, want in zip(backward(*args, "constant", fill_value=0), zeros, strict=True):
                np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("fill", [-3, 250.5, np.float32(0.1), np.float64(0.1)])
    @pytest.mark.parametrize("mode", MODES)
    def test_moves_the_coordinate_and_gets_nothing(self, mode, fill):
        image = noise(163, (1, 2, 6, 7), np.float32)
        grid = coordinates(164, (1, 40), np.float32, (6, 7), "normalized")
        options = {"mode": mode, "padding_mode": "constant"}
        got, _ = check_image(image, grid, fill_value=fill, **options)
        plain, _ = backward(grad_for(image, grid), image, grid, fill_value=0, **options)
        np.testing.assert_array_equal(got, plain)

    @pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("mode", MODES)
    def test_non_finite_fill_stays_outside(self, mode, fill):
        image = noise(165, (1, 2, 8, 9), np.float32)
        inside = np.random.default_rng(166).uniform(2, 5, (1, 40, 2)).astype(np.float32)
        inside[:, ::3] = np.rint(inside[:, ::3])
        options = {"mode": mode, "padding_mode": "constant", "coordinates": "pixel"}
        grad = grad_for(image, inside)
        got = backward(grad, image, inside, fill_value=fill, **options)
        for a, b in zip(got, backward(grad, image, inside, fill_value=0, **options), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_other_paddings_do_not_read_it(self):
        image = noise(167, (1, 2, 4, 4), np.float32)
        grid = coordinates(168, (1, 40), np.float32, (4, 4), "normalized")
        for padding in ("zeros", "border", "reflection", "wrap"):
            args = grad_for(image, grid), image, grid, "bilinear", padding
            for got, want in zip(backward(*args, fill_value=FILL), backward(*args), strict=True):
                np.testing.assert_array_equal(got, want)


class TestWhatIsNotRead:
    """0 * inf would be NaN."""

    @pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
    @each_float32_kernel
    def test_pixels_beyond_the_taps(self, kernel, bad):
        reach = {"nearest": 0, "bilinear": 1, "bicubic": 2}[kernel.mode]
        sizes = (3 + 2 * reach,) * kernel.ndim
        core = (..., *(slice(reach, reach + 3),) * kernel.ndim)
        image = np.full((1, 2, *(s + 4 for s in sizes)), bad, np.float32)
        image[(..., *(slice(2, 2 + s) for s in sizes))] = noise(169, (1, 2, *sizes), np.float32)
        grid = 2 + reach + np.random.default_rng(170).uniform(0, 2, (1, 40, kernel.ndim))
        grid[:, ::3] = np.rint(grid[:, ::3])
        options = {**kernel.options, "coordinates": "pixel"}
        grads = check_image(image, grid.astype(np.float32), core, **options)
        assert all(np.isfinite(g).all() for g in grads)

    @pytest.mark.parametrize("bad", [np.inf, np.nan])
    @each_float32_kernel
    def test_each_axis_drops_alone(self, kernel, bad):
        """On a lattice line of x the slopes of y and z read that line alone."""
        image = noise(171, (1, 1, *(6,) * kernel.ndim), np.float32)
        image[..., 3:] = bad
        grid = coordinates(172, (1, 40), np.float32, (6,) * kernel.ndim, "pixel", spill=0.4)
        grid[..., 0] = 2
        options = {**kernel.options, "coordinates": "pixel"}
        args = grad_for(image, grid), image, grid
        got, want = backward(*args, **options), oracle.grid_sample_backward(*args, **options)
        assert_close(got[0], want[0], extent(want[0]))
        assert np.isfinite(want[1][..., 1:]).all()
        assert_close(got[1][..., 1:], want[1][..., 1:], 9)
        # the slope along x is that of the cell to the right
        assert np.isfinite(got[1][..., 0]).all() == (kernel.mode == "nearest")

    @pytest.mark.parametrize("bad", [np.inf, np.nan])
    @pytest.mark.parametrize("mode", MODES)
    def test_outside_is_not_the_edge(self, mode, bad):
        """Taps outside read the fill value, not the pixel that their offset was clipped to."""
        image = np.full((1, 1, 6, 6), bad, np.float32)
        image[..., 1:-1, 1:-1] = 1
        outside = np.array([-4, -9, -3.5, 6, 7, 8, 9, 8.5, 14], np.float32)
        grid = np.stack(np.meshgrid(outside, outside), -1)[None]
        for padding in ("zeros", "constant"):
            options = {"padding_mode": padding, "fill_value": FILL, "coordinates": "pixel"}
            grads = check_image(image, grid, padding, mode=mode, **options)
            assert all(np.isfinite(g).all() for g in grads)

    @each_float32_kernel
    def test_a_bad_grad_output_reaches_its_taps_alone(self, kernel):
        """NaN and inf where one point reads; at integers that is one pixel."""
        sizes = SMALL[kernel.ndim]
        image = noise(173, (1, 2, *sizes), np.float32)
        grid = coordinates(174, (1, 40), np.float32, sizes, "pixel", spill=0.9)
        grid[:, 7] = 1
        grad = grad_for(image, grid)
        options = {**kernel.options, "coordinates": "pixel"}
        clean = backward(grad, image, grid, **options)
        for bad in (np.nan, np.inf):
            grad[:, 1, 7] = bad
            got = backward(grad, image, grid, **options)
            hit = np.zeros(image.shape, bool)
            hit[(0, 1, *(1,) * kernel.ndim)] = True
            np.testing.assert_array_equal(got[0], np.where(hit, bad, clean[0]))
            kept = np.arange(40) != 7
            np.testing.assert_array_equal(got[1][:, kept], clean[1][:, kept])
            assert np.isfinite(got[1][:, 7]).all() == (kernel.mode == "nearest")

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_bad_grad_output_between_pixels(self, mode, bad):
        """All the taps of its point, and no other pixel."""
        image = noise(175, (1, 1, 9, 9), np.float32)
        grad, grid = np.ones((1, 1, 1), np.float32), np.full((1, 1, 2), 4.25, np.float32)
        options = {"mode": mode, "coordinates": "pixel"}
        taps = backward(grad, image, grid, **options)[0] != 0
        got, _ = backward(grad * np.float32(bad), image, grid, **options)
        np.testing.assert_array_equal(np.isfinite(got), ~taps)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("padding", ["zeros", "constant"])
    @pytest.mark.parametrize("mode", MODES)
    def test_a_bad_grad_output_outside_reaches_no_pixel(self, mode, padding, bad):
        image = noise(176, (1, 2, 6, 7), np.float32)
        grid = np.array([[(-9, 2), (2.5, 30), (3.25, 2.5), (2, -1e30), (99, 99)]], np.float32)
        grad = grad_for(image, grid)
        options = {"mode": mode, "padding_mode": padding, "coordinates": "pixel"}
        options["fill_value"] = FILL
        clean = backward(grad, image, grid, **options)
        grad[..., [0, 1, 3, 4]] = bad
        got = backward(grad, image, grid, **options)
        np.testing.assert_array_equal(got[0], clean[0])
        np.testing.assert_array_equal(got[1][:, 2], clean[1][:, 2])

    def test_a_bad_grad_output_moves_no_clipped_coordinate(self):
        """Where the slope is 0 by rule it stays 0."""
        image = noise(177, (1, 1, 6, 7), np.float32)
        grid = np.array([[(-2, 2.5), (9, 2.5), (2.5, -1), (2.5, 7)]], np.float32)
        grad = np.full((1, 1, 4), np.inf, np.float32)
        options = {"padding_mode": "border", "coordinates": "pixel"}
        _, got = backward(grad, image, grid, **options)
        np.testing.assert_array_equal(got[0, [0, 1], 0], 0)
        np.testing.assert_array_equal(got[0, [2, 3], 1], 0)
        _, got = backward(grad, image, grid, mode="nearest", **options)
        np.testing.assert_array_equal(got, 0)


HUGE = {np.float32: (3e38, 1e30, 1e20), np.float64: (1.7e308, 1e300, 1e30)}
SETTINGS = (("normalized", False), ("normalized", True), ("pixel", False), ("pixel", True))
SIZES = {1: (7,), 2: (6, 7), 3: (4, 5, 7)}


def scenes(kernel, bad):
    """(image, grid, where `bad` is, options): along each axis and in every setting."""
    sizes = SIZES[kernel.ndim]
    image = noise(178, (1, 2, *sizes), kernel.input)
    for kind, align in SETTINGS:
        options = {**kernel.options, "coordinates": kind, "align_corners": align}
        for axis in range(kernel.ndim):
            grid = coordinates(179, (1, 53), kernel.grid, sizes, kind, align, spill=0.9)
            hit = np.arange(grid.shape[1]) % 5 == axis
            grid[0, hit, axis] = bad
            yield image, grid, hit, options


class TestBadCoordinates:
    @each_kernel
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, kernel, bad):
        for image, grid, hit, options in scenes(kernel, bad):
            _, got = check_image(image, grid, options, **options)
            lost = np.isnan(bad) or kernel.padding in FOLDS
            assert np.isnan(got[0, hit]).all() if lost else np.isfinite(got).all(), options
            assert np.isfinite(got[0, ~hit]).all(), options

    @each_open_kernel
    @pytest.mark.parametrize("sign", [1, -1])
    def test_huge(self, kernel, sign):
        for value in HUGE[kernel.grid]:
            for image, grid, _, options in scenes(kernel, sign * value):
                check_image(image, grid, options, **options)

    @each_folding_kernel
    @pytest.mark.parametrize("sign", [1, -1])
    def test_huge_and_folded(self, kernel, sign):
        """Some pixels inside get all of grad_output; the other points do not notice."""
        for value in HUGE[kernel.grid]:
            for image, grid, hit, options in scenes(kernel, sign * value):
                grad = grad_for(image, grid)
                got = backward(grad, image, grid, **options)
                assert all(np.isfinite(g).all() for g in got), options
                sums = [g.astype(np.float64).reshape(2, -1).sum(1) for g in (got[0], grad)]
                near = 100 * ORACLE[got[0].dtype]
                np.testing.assert_allclose(*sums, rtol=near, atol=near, err_msg=str(options))
                rest = check(grad[..., ~hit], image, grid[:, ~hit], options, **options)
                np.testing.assert_array_equal(got[1][:, ~hit], rest[1], err_msg=str(options))

    @each_folding_kernel
    def test_large_but_exact(self, kernel):
        """Folding is exact while the quotient is: the very pixel and the very direction."""
        image = noise(180, (1, 2, *SIZES[kernel.ndim]), kernel.input)
        grid = coordinates(181, (1, 37), kernel.grid, SIZES[kernel.ndim], "pixel")
        grid += np.rint(np.linspace(-1e4, 1e4, 37))[None, :, None].astype(kernel.grid)
        for align in (False, True):
            options = {**kernel.options, "coordinates": "pixel", "align_corners": align}
            check_image(image, grid, options, **options)

    @each(lambda kernel: kernel.ndim == 2)
    def test_nan_along_one_axis_is_nan_along_both(self, kernel):
        image = noise(182, (1, 1, 4, 5), kernel.input)
        pairs = [(np.nan, np.inf), (np.inf, np.nan), (np.nan, 99), (-1e30, np.nan), (1, np.nan)]
        grid = np.array([pairs], kernel.grid)
        grad_input, grad_grid = backward(grad_for(image, grid), image, grid, **kernel.options)
        assert np.isnan(grad_grid).all()
        assert not grad_input.any()

    def test_nan_in_a_shared_grid(self):
        """Its gradient is a sum over samples: NaN too."""
        image = noise(183, (3, 2, 6, 7), np.float32)
        grid = coordinates(184, (1, 40), np.float32, (6, 7), "normalized")
        grid[0, ::4, 1] = np.nan
        _, got = check_image(image, grid)
        assert np.isnan(got[0, ::4]).all()

    @pytest.mark.compiled
    @pytest.mark.parametrize("padding", PADDINGS)
    def test_beyond_one_tile(self, padding):
        grid = rotation(20, (250, 250), zoom=2.3)
        grid.reshape(-1)[::7] = np.nan
        grid.reshape(-1)[3::11] = np.inf
        check_image(noise(185, (1, 1, 300, 400), np.float32), grid, padding_mode=padding)


class TestSignature:
    def test_defaults_are_those_of_grid_sample(self):
        image = noise(186, (1, 2, 6, 7), np.float32)
        grid = coordinates(187, (1, 33), np.float32, (6, 7), "normalized")
        args = grad_for(image, grid), image, grid
        check(*args)  # the oracle has the same defaults
        spelled = backward(*args, "bilinear", "zeros", False, output_mask=(True, True))
        for got, want in zip(backward(*args), spelled, strict=True):
            np.testing.assert_array_equal(got, want)

    def test_the_rest_is_keyword_only(self):
        image, grid = np.ones((1, 1, 2, 2), np.float32), np.zeros((1, 1, 2), np.float32)
        with pytest.raises(TypeError):
            fs.grid_sample_backward(
                image[..., 0, :1], image, grid, "bilinear", "zeros", False, True
            )

    def test_align_corners_is_moot_in_pixels(self):
        image = noise(188, (1, 2, 6, 7), np.float32)
        grid = coordinates(189, (1, 33), np.float32, (6, 7), "pixel")
        for padding in ("zeros", "border", "wrap"):
            args = grad_for(image, grid), image, grid, "bilinear", padding
            plain = backward(*args, False, coordinates="pixel")
            for got, want in zip(backward(*args, True, coordinates="pixel"), plain, strict=True):
                np.testing.assert_array_equal(got, want)
