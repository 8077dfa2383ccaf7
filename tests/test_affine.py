"""affine_grid, affine_sample and their gradients, against the oracle and against each other."""

import itertools

import numpy as np
import oracle
import pytest
from cases import EVERY, KERNELS, Kernel, noise
from sampling import LAYOUTS, variants
from tolerances import ORACLE, assert_close, of_the_coarser

import fastsample as fs

SMALL = {1: (11,), 2: (7, 10), 3: (4, 5, 6)}
OUT = {1: (37,), 2: (5, 9), 3: (3, 2, 7)}
SIZES = [
    *((n,) for n in (1, 2, 3, 15, 16, 17, 18, 33, 1025)),
    *((1, 1), (1, 5), (5, 1), (2, 3), (4, 17), (33, 35), (3, 700)),
    *((1, 1, 1), (1, 4, 5), (3, 1, 5), (3, 4, 1), (2, 3, 17), (11, 12, 13)),
]
F32, F64 = np.float32, np.float64
SOME = (
    *(Kernel("bilinear", "zeros", ndim) for ndim in (1, 2, 3)),
    Kernel("bilinear", "zeros", 2, F64, F64),
    Kernel("nearest", "zeros", 2),
    Kernel("bilinear", "constant", 2, F32, F64),
    Kernel("bicubic", "wrap", 2, F64, F32),
)
VISITED = KERNELS if EVERY else SOME
"""These take machine code of their own once more, so they are few."""

each_kernel = pytest.mark.parametrize("kernel", VISITED, ids=str)
each_size = pytest.mark.parametrize("out", SIZES, ids=str)
each_setting = pytest.mark.parametrize("align", [False, True], ids=["edges", "centres"])
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f4", "f8"])

TURN = np.array([[[0.9, -0.45, 0.1], [0.4, 0.85, -0.2]]], np.float64)


def matrices(seed, batch, ndim, dtype=np.float32, spread=0.5):
    """Affine maps (N, D, D + 1) near the identity."""
    rng = np.random.default_rng(seed)
    eye = np.eye(ndim, ndim + 1)
    return (eye + rng.normal(0, spread, (batch, ndim, ndim + 1))).astype(dtype)


def watched(function, *arrays, **options):
    """The result; fails if an array was written to."""
    before = [np.array(a) for a in arrays]
    result = getattr(fs, function)(*arrays, **options)
    for old, new in zip(before, arrays, strict=True):
        assert old.tobytes() == np.array(new).tobytes(), f"{function} wrote to an argument"
    return result


def check_grid(theta, size, align, context=""):
    """affine_grid, within a few roundings of the oracle."""
    got = watched("affine_grid", theta, size=size, align_corners=align)
    want = oracle.affine_grid(theta, size, align)
    assert type(got) is np.ndarray
    assert got.dtype == theta.dtype.newbyteorder("=")
    assert got.flags.c_contiguous
    few = {d: 8 * np.finfo(d).eps for d in ORACLE}
    assert_close(got, want, max(1, np.abs(theta).max(initial=0)), few, context)
    return got


def check_grid_backward(grad, size, align, context=""):
    """affine_grid_backward against the oracle."""
    got = watched("affine_grid_backward", grad, size=size, align_corners=align)
    assert type(got) is np.ndarray
    assert got.dtype == grad.dtype.newbyteorder("=")
    want = oracle.affine_grid_backward(grad, size, align)
    # all the points of a sample are added up, and few of them cancel
    points = max(1, int(np.prod(size[2:])))
    scale = np.sqrt(points) * max(1.0, np.abs(grad).max(initial=0))
    assert_close(got, want, scale, context=context)
    return got


class TestGrid:
    @each_dtype
    @each_setting
    @each_size
    def test_equals_oracle(self, out, align, dtype):
        theta = matrices(200, 2, len(out), dtype)
        got = check_grid(theta, (2, 3, *out), align)
        assert got.shape == (2, *out, len(out))

    @each_setting
    @each_size
    def test_identity_is_every_pixel(self, out, align):
        """So that sampling there returns the image."""
        theta = np.eye(len(out), len(out) + 1, dtype=np.float64)[None]
        grid = fs.affine_grid(theta, (1, 1, *out), align)
        pixels = [(grid[0, ..., -1 - a] + 1) * s / 2 - 0.5 for a, s in enumerate(out)]
        if align:
            pixels = [(grid[0, ..., -1 - a] + 1) * (s - 1) / 2 for a, s in enumerate(out)]
        for a, s in enumerate(out):
            want = np.broadcast_to(np.arange(s).reshape(-1, *(1,) * (len(out) - 1 - a)), out)
            np.testing.assert_allclose(pixels[a], want, atol=1e-9)

    def test_a_single_pixel_is_at_the_centre(self):
        """In both settings: PyTorch, too, since 1.3."""
        theta = np.array([[[3, 5, 0.25], [7, 9, -0.5]]], np.float32)
        for align in (False, True):
            got = fs.affine_grid(theta, (1, 1, 1, 1), align)
            np.testing.assert_array_equal(got, [[[[0.25, -0.5]]]])

    def test_a_worked_example(self):
        theta = np.array([[[0.0, 2.0, 1.0], [1.0, 0.0, -1.0]]], np.float32)
        got = fs.affine_grid(theta, (1, 1, 2, 3), align_corners=True)
        want = [[[-1, -2], [-1, -1], [-1, 0]], [[3, -2], [3, -1], [3, 0]]]
        np.testing.assert_array_equal(got, [want])
        got = fs.affine_grid(theta, (1, 1, 2, 4))
        want = [[(0, -1.75), (0, -1.25), (0, -0.75), (0, -0.25)]]
        want += [[(2, -1.75), (2, -1.25), (2, -0.75), (2, -0.25)]]
        np.testing.assert_array_equal(got, [want])

    def test_default_is_align_corners_false(self):
        theta = matrices(201, 1, 2)
        got = fs.affine_grid(theta, (1, 1, 4, 5))
        np.testing.assert_array_equal(got, fs.affine_grid(theta, (1, 1, 4, 5), False))

    @each_setting
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout, align):
        for ndim in (1, 2, 3):
            theta = dict(variants(matrices(202, 3, ndim)))[layout]
            check_grid(theta, (3, 2, *OUT[ndim]), align, ndim)

    @pytest.mark.parametrize("kind", [tuple, list, np.array, lambda s: [np.int64(n) for n in s]])
    def test_kinds_of_sizes(self, kind):
        theta = matrices(203, 2, 2)
        np.testing.assert_array_equal(
            fs.affine_grid(theta, kind((2, 3, 4, 5))), fs.affine_grid(theta, (2, 3, 4, 5))
        )

    @pytest.mark.parametrize("size", [(0, 3, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0), (2, 3, 0, 0)])
    @each_setting
    def test_empty(self, size, align):
        theta = matrices(204, size[0], 2)
        got = fs.affine_grid(theta, size, align)
        assert got.shape == (size[0], *size[2:], 2)
        assert got.dtype == np.float32
        grad = fs.affine_grid_backward(got, size, align)
        np.testing.assert_array_equal(grad, np.zeros_like(theta), strict=True)

    def test_channels_do_not_matter(self):
        theta = matrices(205, 2, 2)
        for channels in (0, 1, 300):
            got = fs.affine_grid(theta, (2, channels, 4, 5))
            np.testing.assert_array_equal(got, fs.affine_grid(theta, (2, 3, 4, 5)))

    @pytest.mark.compiled
    def test_large(self):
        check_grid(matrices(206, 1, 2), (1, 1, 150, 217), False)
        check_grid(matrices(207, 1, 3), (1, 1, 30, 31, 32), True)

    def test_special_numbers(self):
        """A sample with NaN or infinity in its matrix does not spoil the others."""
        theta = matrices(208, 3, 2)
        theta[1, 0, 2], theta[1, 1, 2] = np.nan, np.inf
        got = fs.affine_grid(theta, (3, 1, 4, 5))
        assert np.isnan(got[1, ..., 0]).all()
        assert np.isposinf(got[1, ..., 1]).all()
        np.testing.assert_array_equal(got[::2], fs.affine_grid(theta[::2], (2, 1, 4, 5)))


class TestGridOut:
    @staticmethod
    def outs(shape):
        """(name, an array to write to)."""
        yield "contiguous", np.full(shape, np.nan, np.float32)
        yield (
            "strided",
            np.full([2 * s for s in shape], -1, np.float32)[(slice(None, None, 2),) * len(shape)],
        )
        yield (
            "negative strides",
            np.full(shape, -1, np.float32)[(slice(None, None, -1),) * len(shape)],
        )
        yield "fortran", np.full(shape, -1, np.float32, order="F")
        yield "planes", np.moveaxis(np.full((shape[-1], *shape[:-1]), -1, np.float32), 0, -1)
        odd = np.zeros(int(np.prod(shape)) * 4 + 1, np.uint8)[1:].view(np.float32)
        yield "unaligned", odd.reshape(shape)

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    def test_is_written_and_returned(self, ndim):
        theta, size = matrices(209, 2, ndim), (2, 1, *OUT[ndim])
        want = fs.affine_grid(theta, size)
        for name, out in self.outs(want.shape):
            assert fs.affine_grid(theta, size, out=out) is out, name
            np.testing.assert_array_equal(out, want, err_msg=name)

    def test_nothing_around_it_is_touched(self):
        theta = matrices(210, 2, 2)
        for name, out in self.outs((2, 5, 9, 2)):
            base = out if out.base is None else out.base
            fs.affine_grid(theta, (2, 1, 5, 9), out=out)
            out[...] = -1
            if base.dtype == np.float32:
                assert (base == -1).all(), name


class TestGridBackward:
    @each_dtype
    @each_setting
    @each_size
    def test_equals_oracle(self, out, align, dtype):
        grad = noise(211, (2, *out, len(out)), dtype)
        got = check_grid_backward(grad, (2, 3, *out), align)
        assert got.shape == (2, len(out), len(out) + 1)

    @each_setting
    @each_size
    def test_is_the_adjoint(self, out, align):
        theta, size = matrices(212, 2, len(out), np.float64), (2, 1, *out)
        grad = noise(213, (2, *out, len(out)), np.float64)
        forward = (fs.affine_grid(theta, size, align) * grad).sum()
        backward = (theta * fs.affine_grid_backward(grad, size, align)).sum()
        assert abs(forward - backward) <= 1e-12 * np.abs(grad).sum()

    @each_setting
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout, align):
        for ndim in (1, 2, 3):
            grad = noise(214, (3, *OUT[ndim], ndim), np.float32)
            check_grid_backward(dict(variants(grad))[layout], (3, 2, *OUT[ndim]), align, ndim)

    def test_a_broadcast_number(self):
        grad = np.broadcast_to(np.float32(1), (2, 5, 9, 2))
        got = check_grid_backward(grad, (2, 1, 5, 9), False)
        np.testing.assert_allclose(got, np.tile([0, 0, 45.0], (2, 2, 1)), atol=1e-4)

    @pytest.mark.compiled
    def test_large(self):
        check_grid_backward(noise(215, (1, 150, 217, 2), np.float32), (1, 1, 150, 217), False)
        check_grid_backward(noise(216, (2, 20, 31, 32, 3), np.float32), (2, 1, 20, 31, 32), True)


def scenes(kernel, seed=220, batches=((2, 2),)):
    """(image, theta, size of the output, options)."""
    sizes, out = SMALL[kernel.ndim], OUT[kernel.ndim]
    for (n, m), align in itertools.product(batches, (False, True)):
        image = noise(seed, (n, 3, *sizes), kernel.input)
        theta = matrices(seed + 1, m, kernel.ndim, kernel.grid)
        yield image, theta, out, {**kernel.options, "align_corners": align}


def composed(image, theta, out, **options):
    """grid_sample at affine_grid."""
    grid = fs.affine_grid(theta, (len(theta), 1, *out), options.get("align_corners", False))
    return fs.grid_sample(image, grid, **options)


def composed_backward(grad, image, theta, out, **options):
    """The gradients, through the grid."""
    size, align = (len(theta), 1, *out), options.get("align_corners", False)
    grid = fs.affine_grid(theta, size, align)
    grad_input, grad_grid = fs.grid_sample_backward(grad, image, grid, **options)
    return grad_input, fs.affine_grid_backward(grad_grid, size, align), grad_grid


def check_sample(image, theta, out, context="", **options):
    """affine_sample, up to a coordinate that was rounded another way."""
    got = watched("affine_sample", image, theta, size=out, **options)
    want = composed(image, theta, out, **options)
    assert type(got) is np.ndarray
    assert got.dtype == want.dtype
    assert got.flags.c_contiguous
    few = of_the_coarser(image.dtype.newbyteorder("="), theta.dtype.newbyteorder("="))
    scale = max(1.0, np.abs(image).max()) * max(image.shape[2:])
    assert_close(got, want.astype(np.float64), scale, few, context)
    return got


def check_sample_backward(image, theta, out, context="", grad=None, **options):
    """affine_sample_backward against the gradients through the grid."""
    batch = len(theta) if len(image) == 1 else len(image)
    if grad is None:
        grad = noise(221, (batch, image.shape[1], *out), image.dtype.newbyteorder("="))
    got = fs.affine_sample_backward(grad, image, theta, out, **options)
    *wants, grad_grid = composed_backward(grad, image, theta, out, **options)
    assert type(got) is tuple
    for a, like in zip(got, (image, theta), strict=True):
        assert type(a) is np.ndarray
        assert a.shape == like.shape
        assert a.dtype == like.dtype.newbyteorder("=")
    near = of_the_coarser(*(a.dtype for a in got), factor=4)
    for a, want, parts in zip(got, wants, (grad, grad_grid), strict=True):
        # a sum over points: what rounds is as large as they are together
        scale = np.sqrt(parts.size) * max(1.0, np.abs(parts).max(initial=0))
        assert_close(a, want.astype(np.float64), scale, near, context)
    return got


class TestSample:
    @each_kernel
    def test_is_grid_sample_at_affine_grid(self, kernel):
        for image, theta, out, options in scenes(kernel):
            check_sample(image, theta, out, options, **options)

    @each_kernel
    def test_the_identity_returns_the_image(self, kernel):
        """All its pixels, in either setting."""
        image = noise(222, (2, 3, *SMALL[kernel.ndim]), kernel.input)
        theta = np.eye(kernel.ndim, kernel.ndim + 1, dtype=kernel.grid)[None]
        options, sizes = kernel.options, SMALL[kernel.ndim]
        for align in (False, True):
            got = fs.affine_sample(image, theta, sizes, align_corners=align, **options)
            np.testing.assert_allclose(got, image, atol=0 if kernel.mode == "nearest" else 3e-5)

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    @pytest.mark.parametrize(("n_input", "n_theta"), [(1, 3), (3, 1), (3, 3), (1, 1)])
    def test_batch_of_one_is_shared(self, n_input, n_theta, ndim):
        kernel = Kernel("bilinear", "zeros", ndim)
        for image, theta, out, options in scenes(kernel, batches=[(n_input, n_theta)]):
            got = check_sample(image, theta, out, options, **options)
            assert got.shape == (max(n_input, n_theta), 3, *out)

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    def test_axes_of_size_one(self, ndim):
        for sizes in [(4,) * ndim, *[(1,)] * (ndim == 1)]:
            for out in itertools.product((1, 3), repeat=ndim):
                image, theta = noise(223, (1, 2, *sizes), np.float32), matrices(224, 1, ndim)
                for align in (False, True):
                    check_sample(image, theta, out, (sizes, out), align_corners=align)

    @pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 31, 32, 33, 257, 1025])
    def test_widths(self, width):
        image, theta = noise(225, (1, 2, 6, 7), np.float32), matrices(226, 1, 2)
        for height in (1, 3):
            check_sample(image, theta, (height, width), (height, width))

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        image, theta = noise(227, (2, 3, 7, 10), np.float32), matrices(228, 2, 2)
        check_sample(dict(variants(image))[layout], theta, (5, 9))
        check_sample(image, dict(variants(theta))[layout], (5, 9))

    @pytest.mark.compiled
    def test_beyond_one_tile(self):
        check_sample(noise(229, (1, 2, 300, 400), np.float64), TURN, (350, 270))

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    def test_out(self, ndim):
        image, theta = noise(230, (2, 3, *SMALL[ndim]), np.float32), matrices(231, 2, ndim)
        want = fs.affine_sample(image, theta, OUT[ndim])
        for name, out in TestGridOut.outs(want.shape):
            assert fs.affine_sample(image, theta, OUT[ndim], out=out) is out, name
            np.testing.assert_array_equal(out, want, err_msg=name)

    @pytest.mark.parametrize(
        ("image", "theta", "out"),
        [
            ((0, 3, 4, 5), 0, (6, 7)),
            ((0, 3, 4, 5), 1, (6, 7)),
            ((2, 0, 4, 5), 2, (6, 7)),
            ((2, 3, 4, 5), 2, (0, 7)),
            ((2, 3, 4, 5), 1, (6, 0)),
            ((2, 3, 0, 5), 2, (6, 0)),
        ],
    )
    def test_empty(self, image, theta, out):
        x, matrix = np.ones(image, np.float32), matrices(232, theta, 2)
        got = fs.affine_sample(x, matrix, out)
        assert got.shape == (image[0], image[1], *out)
        grads = fs.affine_sample_backward(got, x, matrix, out)
        for grad, like in zip(grads, (x, matrix), strict=True):
            np.testing.assert_array_equal(grad, np.zeros_like(like), strict=True)

    def test_nan_and_infinity_in_a_matrix(self):
        """The table of non-finite coordinates; other samples do not notice."""
        image, theta = noise(233, (3, 2, 6, 7), np.float32), matrices(234, 3, 2)
        theta[1, 0, 2] = np.nan
        got = check_sample(image, theta, (4, 5))
        assert np.isnan(got[1]).all()
        theta[1, 0, 2] = np.inf
        assert not check_sample(image, theta, (4, 5))[1].any()

    def test_defaults_are_those_of_grid_sample(self):
        image, theta = noise(235, (1, 2, 6, 7), np.float32), matrices(236, 1, 2)
        spelled = fs.affine_sample(image, theta, (4, 5), "bilinear", "zeros", False)
        np.testing.assert_array_equal(fs.affine_sample(image, theta, (4, 5)), spelled)
        check_sample(image, theta, (4, 5))
        check_sample_backward(image, theta, (4, 5))

    @pytest.mark.parametrize("kind", [tuple, list, np.array, lambda s: [np.int64(n) for n in s]])
    def test_kinds_of_sizes(self, kind):
        image, theta = noise(237, (1, 2, 6, 7), np.float32), matrices(238, 1, 2)
        got = fs.affine_sample(image, theta, kind((4, 5)))
        np.testing.assert_array_equal(got, fs.affine_sample(image, theta, (4, 5)))


class TestChannelsLast:
    """(N, *in, C), (N, *size, C): the same numbers in another order of axes."""

    def test_is_the_same_elsewhere(self):
        image, theta = noise(270, (2, 5, 7, 10), np.float32), matrices(271, 2, 2)
        grad = noise(272, (2, 5, 5, 9), np.float32)
        last = [np.moveaxis(a, 1, -1).copy() for a in (grad, image)]
        got = fs.affine_sample(last[1], theta, (5, 9), channels_last=True)
        want = fs.affine_sample(image, theta, (5, 9)).astype(np.float64)
        assert_close(np.moveaxis(got, -1, 1), want, 3)
        grads = fs.affine_sample_backward(*last, theta, (5, 9), channels_last=True)
        wants = fs.affine_sample_backward(grad, image, theta, (5, 9))
        assert_close(np.moveaxis(grads[0], -1, 1), wants[0].astype(np.float64), 9)
        assert_close(grads[1], wants[1].astype(np.float64), 1000)


class TestSampleBackward:
    @each_kernel
    def test_is_the_gradient_through_the_grid(self, kernel):
        for image, theta, out, options in scenes(kernel, seed=240):
            check_sample_backward(image, theta, out, options, **options)

    def test_nearest_moves_no_matrix(self):
        for image, theta, out, options in scenes(Kernel("nearest", "zeros", 2), seed=240):
            _, got = check_sample_backward(image, theta, out, options, **options)
            assert not got.any()

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    @pytest.mark.parametrize(("n_input", "n_theta"), [(1, 3), (3, 1), (3, 3), (1, 1)])
    def test_the_gradient_of_a_shared_batch_is_a_sum(self, n_input, n_theta, ndim):
        kernel = Kernel("bilinear", "zeros", ndim)
        for image, theta, out, options in scenes(kernel, 250, [(n_input, n_theta)]):
            check_sample_backward(image, theta, out, options, **options)

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    def test_axes_of_size_one(self, ndim):
        for sizes in [(4,) * ndim, *[(1,)] * (ndim == 1)]:
            for out in itertools.product((1, 3), repeat=ndim):
                image, theta = noise(251, (1, 2, *sizes), np.float32), matrices(252, 1, ndim)
                for align in (False, True):
                    check_sample_backward(image, theta, out, (sizes, out), align_corners=align)

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        image, theta = noise(253, (2, 3, 7, 10), np.float32), matrices(254, 2, 2)
        grad = noise(255, (2, 3, 5, 9), np.float32)
        wants = fs.affine_sample_backward(grad, image, theta, (5, 9))
        for place in range(3):
            arrays = [grad, image, theta]
            arrays[place] = dict(variants(arrays[place]))[layout]
            grads = watched("affine_sample_backward", *arrays, size=(5, 9))
            for got, want in zip(grads, wants, strict=True):
                assert_close(got, want.astype(np.float64), 10, context=place)

    @each_kernel
    def test_each_gradient_alone_is_the_same(self, kernel):
        for image, theta, out, options in scenes(kernel, seed=256):
            grad = noise(257, (2, 3, *out), kernel.input)
            both = fs.affine_sample_backward(grad, image, theta, out, **options)
            for which, mask in enumerate([(True, False), (False, True)]):
                options["output_mask"] = mask
                got = fs.affine_sample_backward(grad, image, theta, out, **options)
                assert got[1 - which] is None
                np.testing.assert_array_equal(got[which], both[which], strict=True)

    def test_is_the_slope_of_affine_sample(self):
        """Finite differences of a smooth image, whose kinks are small."""
        y, x = np.meshgrid(np.linspace(0, 2, 60), np.linspace(0, 2, 50), indexing="ij")
        image, grad = np.sin(x + 2 * y)[None, None], noise(259, (1, 1, 5, 9), np.float64)
        theta = matrices(258, 1, 2, np.float64, spread=0.1) * 0.5
        _, got = fs.affine_sample_backward(grad, image, theta, (5, 9))
        for place in np.ndindex(theta.shape):
            step = np.zeros_like(theta)
            step[place] = 1e-7
            ahead, behind = (fs.affine_sample(image, theta + s, (5, 9)) for s in (step, -step))
            assert abs(((ahead - behind) * grad).sum() / 2e-7 - got[place]) < 1e-5

    @pytest.mark.compiled
    def test_beyond_one_tile(self):
        check_sample_backward(noise(260, (1, 2, 300, 400), np.float64), TURN, (350, 270))

    @pytest.mark.compiled
    def test_bands(self):
        """One plane, large enough for threads to share it."""
        image = noise(261, (1, 1, 700, 900), np.float64)
        check_sample_backward(image, TURN, (400, 500))

    def test_a_matrix_that_makes_nan(self):
        image, theta = noise(262, (3, 2, 6, 7), np.float32), matrices(263, 3, 2)
        clean, grad = theta.copy(), noise(264, (3, 2, 4, 5), np.float32)
        theta[1, 0, 2] = np.nan
        got = fs.affine_sample_backward(grad, image, theta, (4, 5))
        want = fs.affine_sample_backward(grad, image, clean, (4, 5))
        assert np.isnan(got[1][1]).all()
        assert not got[0][1].any()
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a[::2], b[::2])

    def test_a_broadcast_number_for_grad_output(self):
        image, theta = noise(265, (2, 3, 6, 7), np.float32), matrices(266, 2, 2)
        grad = np.broadcast_to(np.float32(1), (2, 3, 4, 5))
        check_sample_backward(image, theta, (4, 5), grad=grad)
