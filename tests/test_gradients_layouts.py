"""grid_sample_backward with arrays of every layout."""

import itertools

import numpy as np
import oracle
import pytest
from cases import coordinates, noise
from gradients import NAMES, backward, check, check_image, grad_for, rotation
from sampling import LAYOUTS, OUT, SMALL, in_three_dimensions, variants
from tolerances import assert_close

import fastsample as fs


def slim(array, axis):
    """One slice along an axis, repeated without memory of its own."""
    return np.broadcast_to(array.take([0], axis), array.shape)


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

    @pytest.mark.parametrize("channels", [1, 3, 5, 7, 8, 17])
    def test_no_layout_changes_a_bit(self, channels):
        """Neighbours in memory may be columns, channels, rows, or none."""
        image = noise(170, (2, channels, 6, 7), np.float32)
        grid = coordinates(171, (2, 5, 9), np.float32, (6, 7), "normalized")
        grad = grad_for(image, grid)
        layouts = {
            axis: np.moveaxis(np.moveaxis(image, axis, -1).copy(), -1, axis) for axis in (1, 2)
        }
        gaps = np.repeat(np.repeat(image, 3, axis=-1), 2, axis=1)[:, ::2, :, ::3]
        for padding in ({}, {"padding_mode": "constant", "fill_value": 0.5}):
            want = fs.grid_sample_backward(grad, image, grid, **padding)
            for x in (*layouts.values(), gaps, image[..., ::-1].copy()[..., ::-1]):
                for got, plain in zip(
                    fs.grid_sample_backward(grad, x, grid, **padding), want, strict=True
                ):
                    np.testing.assert_array_equal(got, plain)

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
