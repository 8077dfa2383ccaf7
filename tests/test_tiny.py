"""Many small samples in one call: several of them share a tile, and no bit depends on that."""

import sys

import numpy as np
import nursery
import pytest
from cases import coordinates, noise

import fastsample as fs
from fastsample._calls import gradients, run
from fastsample._calls.formula import grid_axes

# Samples, channels, pixels a side, points. Points that follow each other without a gap from sample
# to sample, or rows of them; as many as a tile has or one more; too many for two samples a tile.
SHAPES = [
    (1000, 1, 2, 1),
    (100, 1, 4, 4),
    (130, 3, 4, 5),
    (70, 3, 2, 1),
    (33, 1, 8, 81),
    (9, 2, 8, 81),
    (20, 9, 3, 6),
    (3, 1, 6, 600),
]
RULES = [("bilinear", "zeros"), ("bilinear", "wrap"), ("nearest", "border")]


def scene(samples, channels, side, points):
    """(image, grid, the result's gradient)."""
    image = noise(0, (samples, channels, side, side), np.float32)
    grid = coordinates(1, (samples, points, 1), np.float32, (side, side), "normalized")
    return image, grid, noise(2, (samples, channels, points, 1), np.float32)


def bits(*arrays):
    return [np.ascontiguousarray(array).tobytes() for array in arrays]


def one_by_one(function, *arrays):
    """A function of single samples, their results put together again."""
    found = [function(*(a[k : k + 1] for a in arrays)) for k in range(len(arrays[0]))]
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("mode", "padding"), RULES)
class TestABatchIsItsSamples:
    def test_result(self, shape, mode, padding):
        image, grid, _ = scene(*shape)
        (wanted,) = one_by_one(lambda x, g: (fs.grid_sample(x, g, mode, padding),), image, grid)
        assert bits(fs.grid_sample(image, grid, mode, padding)) == bits(wanted)
        last = np.ascontiguousarray(np.moveaxis(image, 1, -1))
        found = fs.grid_sample(last, grid, mode, padding, channels_last=True)
        assert bits(np.moveaxis(found, -1, 1)) == bits(wanted)

    def test_gradients(self, shape, mode, padding):
        def back(gradient, x, g):
            return fs.grid_sample_backward(gradient, x, g, mode, padding)

        image, grid, gradient = scene(*shape)
        wanted = one_by_one(back, gradient, image, grid)
        assert bits(*back(gradient, image, grid)) == bits(*wanted)


@pytest.mark.parametrize("shared", [0, 1])
def test_what_all_samples_share(shared):
    """One image, or one grid: its gradient is a sum over the samples, in their order."""
    arrays = list(scene(100, 1, 4, 4)[:2])
    gradient = scene(100, 1, 4, 4)[2]
    arrays[shared] = arrays[shared][:1]
    several = [np.repeat(x, 100 // len(x), axis=0) for x in arrays]
    assert bits(fs.grid_sample(*arrays)) == bits(fs.grid_sample(*several))
    found, wanted = (fs.grid_sample_backward(gradient, *x) for x in (arrays, several))
    assert bits(found[1 - shared]) == bits(wanted[1 - shared])
    total = wanted[shared].astype(np.float64).sum(0, keepdims=True)
    np.testing.assert_allclose(found[shared], total, rtol=1e-4, atol=1e-4)


def test_samples_with_gaps_between_them():
    image, grid, gradient = scene(100, 1, 4, 4)
    wanted = fs.grid_sample(image, grid), *fs.grid_sample_backward(gradient, image, grid)
    wide = [np.repeat(x, 3, axis=0)[::3] for x in (image, grid, gradient)]
    turned = [np.ascontiguousarray(x[::-1])[::-1] for x in (image, grid, gradient)]
    for x, g, back in (wide, turned):
        out = np.full((200, 1, 4, 1), -9, np.float32)
        fs.grid_sample(x, g, out=out[::2])
        assert bits(out[::2]) == bits(wanted[0])
        assert (out[1::2] == -9).all()
        assert bits(*fs.grid_sample_backward(back, x, g)) == bits(*wanted[1:])


def test_a_gradient_is_added_to_what_is_there():
    """As complex images ask for, whose coordinates have the sum of both parts' gradients."""
    image, grid, gradient = scene(100, 1, 4, 4)
    both = [fs.grid_sample_backward(gradient, x, grid)[1] for x in (image, image[::-1])]
    found = fs.grid_sample_backward(gradient * (1 + 1j), image + 1j * image[::-1], grid)[1]
    np.testing.assert_allclose(found, both[0] + both[1], rtol=1e-5, atol=1e-5)


def test_nonfinite_coordinates_stay_in_their_samples():
    image, grid, gradient = scene(50, 1, 4, 4)
    grid[::7, 1, 0] = np.nan, np.inf
    grid[3::7, 2, 0, 1] = np.float32(1e38)
    wanted = one_by_one(fs.grid_sample_backward, gradient, image, grid)
    assert bits(*fs.grid_sample_backward(gradient, image, grid)) == bits(*wanted)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_one_piece_of_work_for_many_samples(channels):
    """Else each takes as long as some hundred points, and all the tests above pass, too."""
    image, grid, gradient = scene(4000, channels, 4, 4)
    out, slopes = np.empty_like(gradient), np.empty_like(grid)
    sampling = run.Sampling("bilinear", "zeros", grid_axes((4, 4), False, "normalized"), 0.0)
    image, grid, out, slopes = (run.Spec(*run.spec(x)) for x in (image, grid, out, slopes))
    calls = [
        run.prepare(sampling, image, grid, out),
        gradients.prepare_scatter(sampling, out, grid, image, False)[1],
        gradients.prepare_slope(sampling, out, image, grid, slopes, False),
    ]
    assert all(call.pieces <= 4000 // 8 for call in calls)


@pytest.mark.compiled
@pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect")
def test_no_byte_too_far():
    nursery.script("""
        import numpy as np, fastsample as fs
        from guarded import SIDES, fenced, guarded, hostile
        from test_tiny import SHAPES, scene

        for shape in SHAPES:
            image, grid, gradient = scene(*shape)
            for side in SIDES:
                x, g, back = (guarded(a, side) for a in (image, hostile(grid), gradient))
                last = guarded(np.moveaxis(image, 1, -1), side)
                with fenced(side):
                    fs.grid_sample(x, g)
                    fs.grid_sample(last, g, channels_last=True)
                    fs.grid_sample_backward(back, x, g)
    """)
