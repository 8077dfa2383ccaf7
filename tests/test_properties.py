"""What holds for every image and every grid."""

from typing import NamedTuple

import numpy as np
from cases import FILL, KERNELS, Kernel, coordinates, identity
from gradients import GRADIENTS, shortest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import ORACLE, assert_close, of_the_coarser

import fastsample as fs

DOUBLE = tuple(k for k in GRADIENTS if k.input is k.grid is np.float64 and k.mode != "nearest")
"""Kernels whose slopes can be told from differences."""

WHOLE = ("border", "reflection", "wrap")
"""Borders that read pixels alone."""


class Scene(NamedTuple):
    """A kernel, and the seed and sizes of the arrays to try it on."""

    kernel: Kernel
    seed: int
    sizes: tuple
    points: int
    align: bool

    def image(self, batch=1, channels=2, salt=0):
        """Uniform in [-1, 1]."""
        rng = np.random.default_rng((self.seed, salt))
        return rng.uniform(-1, 1, (batch, channels, *self.sizes)).astype(self.kernel.input)

    def grid(self, batch=1, spill=1.6):
        """Points that spill outside."""
        shape, real = (batch, self.points), self.kernel.grid
        return coordinates(self.seed, shape, real, self.sizes, "normalized", self.align, spill)

    def sample(self, image, grid, **options):
        """grid_sample with the kernel's options."""
        options = {**self.kernel.options, "align_corners": self.align, **options}
        return fs.grid_sample(image, grid, **options)

    def backward(self, grad, image, grid, **options):
        """grid_sample_backward with the kernel's options."""
        options = {**self.kernel.options, "align_corners": self.align, **options}
        return fs.grid_sample_backward(grad, image, grid, **options)

    def off_the_kinks(self, coordinates):
        """Points (1, points, D) away from pixel centres and from the edges between pixels."""
        rng = np.random.default_rng((self.seed, 9))
        sizes, shape = np.array(self.sizes[::-1]), (1, self.points, len(self.sizes))
        pixel = rng.integers(-2 * sizes, 3 * sizes, shape) + rng.choice(
            [0.15, 0.3, 0.65, 0.9], shape
        )
        if coordinates == "pixel":
            return pixel
        if self.align:
            return pixel / np.maximum(sizes - 1, 1) * 2 - 1
        return (pixel + 0.5) / sizes * 2 - 1


@st.composite
def scenes(draw, keep=lambda kernel: True, kernels=KERNELS, least=lambda kernel: kernel.shortest):
    """Any of the kernels that the tests visit, but with axes that need no other machine code."""
    kernel = draw(st.sampled_from([k for k in kernels if keep(k)]))
    size = st.integers(least(kernel), 9)
    sizes = tuple(draw(st.lists(size, min_size=kernel.ndim, max_size=kernel.ndim)))
    seed, points = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 40))
    return Scene(kernel, seed, sizes, points, draw(st.booleans()))


def ways_back(kernels=GRADIENTS):
    """Scenes for the kernels that the tests go back through."""
    return scenes(kernels=kernels, least=shortest)


@given(scenes())
def test_identity(scene):
    """Pixel coordinates of every pixel return the image to the last bit."""
    image = scene.image(batch=2)
    got = scene.sample(image, identity(scene.sizes, scene.kernel.grid), coordinates="pixel")
    assert got.tobytes() == image.tobytes()


@given(scenes())
def test_integer_coordinates_copy_pixels(scene):
    """In any order and any number, inside the image."""
    rng, image = np.random.default_rng(scene.seed), scene.image()
    index = [rng.integers(0, s, scene.points) for s in scene.sizes]
    grid = np.stack(index[::-1], -1)[None].astype(scene.kernel.grid)
    got = scene.sample(image, grid, coordinates="pixel")
    np.testing.assert_array_equal(got, image[(slice(None), slice(None), *index)])


@given(scenes())
def test_linear_in_the_image(scene):
    a, b, grid = scene.image(), scene.image(salt=1), scene.grid()
    mixed = scene.sample(scene.kernel.input(2) * a - b, grid)
    want = 2 * scene.sample(a, grid).astype(np.float64) - scene.sample(b, grid)
    assert_close(mixed, want, scale=4)


@given(scenes(lambda kernel: kernel.padding not in ("zeros", "constant")))
def test_a_constant_image_stays_constant(scene):
    """The weights sum to one."""
    image = np.full_like(scene.image(), 0.7)
    got = scene.sample(image, scene.grid(spill=4))
    assert_close(got, np.full(got.shape, image.flat[0], np.float64))


@given(scenes(lambda kernel: kernel.padding == "constant"))
def test_a_fill_of_the_images_value_is_constant(scene):
    image = np.full_like(scene.image(), 0.7)
    got = scene.sample(image, scene.grid(spill=4), fill_value=image.flat[0])
    assert_close(got, np.full(got.shape, image.flat[0], np.float64))


@given(scenes(), st.integers(0, 2))
def test_flips_commute(scene, which):
    """Image and coordinate flipped along one axis give the same result."""
    axis = which % scene.kernel.ndim
    # off the ties of `nearest`, where half to even is not symmetric, and off the borders of wrap
    grid = scene.grid(spill=0.9) + scene.kernel.grid(np.pi / 1e3)
    flipped = np.flip(scene.image(), 2 + axis).copy()
    mirrored = grid.copy()
    mirrored[..., -1 - axis] *= -1
    got, want = scene.sample(flipped, mirrored), scene.sample(scene.image(), grid)
    # a coordinate and its mirror image are rounded differently
    near = of_the_coarser(scene.kernel.input, scene.kernel.grid, factor=10)
    assert_close(got, want.astype(np.float64), scale=2, table=near)


@given(scenes(), st.integers(1, 4), st.booleans())
def test_sharing_a_batch_is_broadcasting_it(scene, n, shared):
    image = scene.image(batch=1 if shared else n)
    grid = scene.grid(batch=n if shared else 1)
    full_image = np.broadcast_to(image, (n, *image.shape[1:])).copy()
    full_grid = np.broadcast_to(grid, (n, *grid.shape[1:])).copy()
    got = scene.sample(image, grid)
    np.testing.assert_array_equal(got, scene.sample(full_image, full_grid))


@given(scenes())
def test_points_and_channels_are_independent(scene):
    """A point's value depends neither on its place in the grid nor on the other channels."""
    image, grid = scene.image(channels=3), scene.grid()
    order = np.random.default_rng(scene.seed).permutation(scene.points)
    whole = scene.sample(image, grid)
    got = scene.sample(image[:, 1:2], grid[:, order])
    np.testing.assert_array_equal(got, whole[:, 1:2, order])


@given(scenes(lambda kernel: kernel.mode == "bilinear"))
def test_bilinear_stays_within_what_it_reads(scene):
    image = scene.image()
    got = scene.sample(image, scene.grid(spill=3))
    read = image if scene.kernel.padding in WHOLE else [*image.flat, 0, FILL]
    slack = 2 * ORACLE[got.dtype]
    assert got.min() >= np.min(read) - slack
    assert got.max() <= np.max(read) + slack


@given(scenes(lambda kernel: kernel.mode == "bilinear"))
def test_bilinear_reproduces_a_ramp(scene):
    """Inside, a linear function of x. (Keys' kernel does so for a = -1/2 alone.)"""
    image = identity(scene.sizes, scene.kernel.input)[..., 0][None].copy()
    rng = np.random.default_rng(scene.seed)
    points = [rng.uniform(0, s - 1, scene.points) for s in scene.sizes[::-1]]
    grid = np.stack(points, -1)[None].astype(scene.kernel.grid)
    got = scene.sample(image, grid, coordinates="pixel")
    # reflection rounds the coordinate on its way to the mirror and back
    near = of_the_coarser(scene.kernel.input, scene.kernel.grid)
    assert_close(got[0], grid[..., 0].astype(np.float64), max(scene.sizes), near)


@given(ways_back(), st.sampled_from([(1, 1), (2, 2), (1, 3), (3, 1)]))
def test_backward_is_the_adjoint(scene, batches):
    """<forward(x), y> = <x, backward(y)>, whatever the fill value adds to forward(x)."""
    image, grid = scene.image(batch=batches[0]), scene.grid(batch=batches[1])
    forward = scene.sample(image, grid).astype(np.float64)
    without = scene.sample(np.zeros_like(image), grid)
    y = np.random.default_rng((scene.seed, 2)).uniform(-1, 1, forward.shape).astype(image.dtype)
    back, _ = scene.backward(y, image, grid, output_mask=(True, False))
    lefts, rights = (forward - without) * y, image.astype(np.float64) * back
    slack = ORACLE[image.dtype] * (np.abs(lefts).sum() + np.abs(rights).sum() + 1)
    assert abs(lefts.sum() - rights.sum()) <= slack


@given(ways_back(DOUBLE), st.sampled_from(["normalized", "pixel"]), st.integers(0, 2))
def test_backward_is_the_slope(scene, kind, which):
    """Finite differences of the forward pass, along one axis."""
    axis = which % scene.kernel.ndim
    image, grid = scene.image(), scene.off_the_kinks(kind)
    step = np.zeros(scene.kernel.ndim)
    step[axis] = 1e-6
    ends = (scene.sample(image, grid + s, coordinates=kind) for s in (step, -step))
    ahead, behind = ends
    y = np.random.default_rng((scene.seed, 2)).uniform(-1, 1, ahead.shape)
    _, slope = scene.backward(y, image, grid, coordinates=kind, output_mask=(False, True))
    want = ((ahead - behind) * y).sum(1) / 2e-6
    np.testing.assert_allclose(slope[..., axis], want, rtol=1e-6, atol=1e-6 * max(scene.sizes))


@given(ways_back())
def test_backward_is_linear_in_grad_output(scene):
    image, grid = scene.image(), scene.grid()
    shape = (1, 2, scene.points)
    rng = np.random.default_rng((scene.seed, 3))
    a, b = (rng.uniform(-1, 1, shape).astype(image.dtype) for _ in range(2))
    mixed = scene.backward(2 * a - b, image, grid)
    near = of_the_coarser(scene.kernel.input, scene.kernel.grid)
    for got, x, y in zip(mixed, *(scene.backward(g, image, grid) for g in (a, b)), strict=True):
        want = 2 * x.astype(np.float64) - y
        assert_close(got, want, scale=4 * max(*scene.sizes, scene.points), table=near)


@given(ways_back(), st.integers(1, 4), st.booleans())
def test_the_gradient_of_what_is_shared_is_a_sum(scene, n, shared):
    """Of the gradients with a copy for each sample."""
    image, grid = scene.image(batch=1 if shared else n), scene.grid(batch=n if shared else 1)
    both = [np.broadcast_to(x, (n, *x.shape[1:])).copy() for x in (image, grid)]
    y = np.random.default_rng((scene.seed, 4)).uniform(-1, 1, (n, 2, scene.points))
    y = y.astype(image.dtype)
    near = of_the_coarser(scene.kernel.input, scene.kernel.grid, factor=4)
    grads, wants = scene.backward(y, image, grid), scene.backward(y, *both)
    for got, want, like in zip(grads, wants, (image, grid), strict=True):
        whole = want.astype(np.float64)
        if len(like) == 1:
            whole = whole.sum(axis=0, keepdims=True)
        assert_close(got, whole, scale=max(*scene.sizes, scene.points), table=near)


@given(ways_back())
def test_gradients_of_channels_are_independent(scene):
    """A channel's gradient depends on no other one; the coordinates' is a sum over them."""
    image, grid = scene.image(channels=3), scene.grid()
    y = np.random.default_rng((scene.seed, 5)).uniform(-1, 1, (1, 3, scene.points))
    y = y.astype(image.dtype)
    whole = scene.backward(y, image, grid)
    apart = [scene.backward(y[:, c : c + 1], image[:, c : c + 1], grid) for c in range(3)]
    np.testing.assert_array_equal(whole[0], np.concatenate([a for a, _ in apart], axis=1))
    near = of_the_coarser(scene.kernel.input, scene.kernel.grid)
    want = np.sum([b for _, b in apart], axis=0, dtype=np.float64)
    assert_close(whole[1], want, scale=3 * max(scene.sizes), table=near)
