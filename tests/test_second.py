"""Second derivatives against formulas written out and against differences of first ones."""

import itertools

import numpy as np
import oracle_second
import pytest
from cases import EVERY, KERNELS, Kernel, coordinates, noise
from gradients import extent, grad_for, pixels_a_unit
from sampling import OUT, SMALL, grid_for, settings_of, variants
from tolerances import assert_close, of_the_coarser

import fastsample as fs

F32, F64 = np.float32, np.float64
SECOND = (
    KERNELS
    if EVERY
    else (
        Kernel("nearest", "zeros", 2),
        Kernel("bilinear", "zeros", 2),
        Kernel("bilinear", "reflection", 2),
        Kernel("bilinear", "constant", 2),
        Kernel("bicubic", "border", 2),
        Kernel("bicubic", "constant", 3, F64, F64),
        Kernel("bilinear", "zeros", 3),
        Kernel("bicubic", "wrap", 1, F64, F64),
    )
)
"""Kernels to differentiate twice; each compiles two plans more than its gradients do."""
each_kernel = pytest.mark.parametrize("kernel", SECOND, ids=str)
NAMES = "grad_grad_output", "grad_input", "grad_grid"


def problem(sizes=(7, 10), batch=2, points=(37,), dtype=F32, grid_dtype=F32, seed=0):
    """(grad_grad_input, grad_grad_grid, grad_output, input, grid)."""
    image = noise(seed, (batch, 3, *sizes), dtype)
    grid = coordinates(seed + 1, (batch, *points), grid_dtype, sizes, "normalized")
    along = noise(seed + 2, image.shape, dtype), noise(seed + 3, grid.shape, grid_dtype)
    return *along, grad_for(image, grid), image, grid


def check(arrays, context="", load=1, **options):
    """The second derivatives, after a comparison with the oracle."""
    before = [x.tobytes() for x in arrays]
    found = fs.grid_sample_double_backward(*arrays, **options)
    assert before == [x.tobytes() for x in arrays]
    wants = oracle_second.grid_sample_double_backward(*arrays, **options)
    _, _, grad, image, grid = arrays
    near = of_the_coarser(image.dtype, grid.dtype, factor=4 if options["mode"] == "bicubic" else 1)
    pixels = pixels_a_unit(image.shape[2:], options)
    step = pixels.max() * extent(arrays[1])  # a direction in pixels
    values = extent(np.append(image, options.get("fill_value", 0)))
    scales = extent(arrays[0]) + step * values, step * load, (1 + step) * values
    for got, want, like, name in zip(found, wants, (grad, image, grid), NAMES, strict=True):
        assert got.dtype == like.dtype.newbyteorder("=")
        assert got.flags.c_contiguous
        scale = dict(zip(NAMES, scales, strict=True))[name] * extent(grad)
        if name == "grad_grid":
            got, want = got / pixels.astype(got.dtype), want / pixels
        assert_close(got, want, scale, near, f"{name}: {context}")
    return found


class TestKernels:
    @each_kernel
    def test_equals_the_formulas(self, kernel):
        sizes, out = SMALL[kernel.ndim], OUT[kernel.ndim]
        image = noise(501, (2, 3, *sizes), kernel.input)
        for options in settings_of(kernel):
            grid = grid_for(kernel, options, (2, *out), sizes)
            along = noise(502, image.shape, kernel.input), noise(503, grid.shape, kernel.grid)
            check((*along, grad_for(image, grid), image, grid), options, **options)

    @pytest.mark.compiled
    @each_kernel
    def test_is_the_derivative_of_the_gradients(self, kernel):
        """Along random directions; off the integers, where slopes jump."""
        sizes, options = SMALL[kernel.ndim], kernel.options
        image = noise(504, (1, 2, *sizes), F64).astype(kernel.input)
        pixels = np.random.default_rng(505).uniform(-1, max(sizes), (1, 29, kernel.ndim))
        off = np.abs(pixels - np.rint(pixels * 2) / 2) < 1e-2  # a mirror lies at a half
        grid = np.where(off, pixels + 0.03, pixels).astype(kernel.grid)
        grad, options = grad_for(image, grid), {**options, "coordinates": "pixel"}
        along = noise(506, image.shape, kernel.input), noise(507, grid.shape, kernel.grid)
        found = fs.grid_sample_double_backward(*along, grad, image, grid, **options)

        def paired(*arrays):
            first = fs.grid_sample_backward(*arrays, **options)
            return sum((a.astype(F64) * b).sum() for a, b in zip(first, along, strict=True))

        arrays, exact = [grad, image, grid], kernel.input is kernel.grid is F64
        for k, got in enumerate(found):
            move, step = noise(508 + k, got.shape, got.dtype), 1e-6 if exact else 1 / 512
            there, back = ([*arrays] for _ in range(2))
            there[k], back[k] = arrays[k] + step * move, arrays[k] - step * move
            want = (paired(*there) - paired(*back)) / (2 * step)
            near = 1e-6 if exact else 2e-2
            assert (got.astype(F64) * move).sum() == pytest.approx(want, rel=near, abs=near)

    @pytest.mark.compiled
    def test_beyond_a_tile_and_in_bands(self):
        arrays = problem((150, 160), 1, (70, 90))
        check(arrays, "bands", load=16, mode="bilinear")
        check(problem((31, 45), 2, (70, 70)), "tiles", load=16, mode="bilinear")


class TestDirections:
    def test_one_of_them(self):
        u, v, *rest = problem()
        both = fs.grid_sample_double_backward(u, v, *rest)
        parts = [fs.grid_sample_double_backward(*along, *rest) for along in ((u, None), (None, v))]
        for k, name in enumerate(NAMES):
            np.testing.assert_allclose(parts[0][k] + parts[1][k], both[k], 1e-4, 1e-4, err_msg=name)
        np.testing.assert_array_equal(parts[0][1], 0)

    def test_none_of_them(self):
        *_, grad, image, grid = problem()
        for found, like in zip(
            fs.grid_sample_double_backward(None, None, grad, image, grid),
            (grad, image, grid),
            strict=True,
        ):
            np.testing.assert_array_equal(found, np.zeros_like(like))

    def test_what_is_asked_for(self):
        arrays = problem()
        whole = fs.grid_sample_double_backward(*arrays)
        for mask in itertools.product((False, True), repeat=3):
            found = fs.grid_sample_double_backward(*arrays, output_mask=mask)
            for wanted, got, all_of in zip(mask, found, whole, strict=True):
                assert (got is not None) == wanted
                if wanted:
                    np.testing.assert_array_equal(got, all_of)


class TestArrays:
    def test_shared_batches(self):
        u, v, grad, image, grid = problem(batch=3)
        check((u[:1], v, grad, image[:1], grid), "input", load=3, mode="bilinear")
        check((u, v[:1], grad, image, grid[:1]), "grid", load=3, mode="bilinear")

    @pytest.mark.parametrize("k", range(5))
    def test_layouts(self, k):
        arrays = problem(points=(5, 7))
        plain = fs.grid_sample_double_backward(*arrays)
        for name, array in variants(arrays[k]):
            found = fs.grid_sample_double_backward(*arrays[:k], array, *arrays[k + 1 :])
            for got, want in zip(found, plain, strict=True):
                np.testing.assert_allclose(got, want, 1e-4, 1e-4, err_msg=name)

    def test_channels_last(self):
        u, v, grad, image, grid = problem(points=(5, 7))
        want = fs.grid_sample_double_backward(u, v, grad, image, grid)
        u, grad, image = (np.moveaxis(x, 1, -1).copy() for x in (u, grad, image))
        found = fs.grid_sample_double_backward(u, v, grad, image, grid, channels_last=True)
        for k in (0, 1):
            assert found[k].flags.c_contiguous
            np.testing.assert_allclose(np.moveaxis(found[k], -1, 1), want[k], 1e-4, 1e-4)
        np.testing.assert_allclose(found[2], want[2], 1e-4, 1e-4)

    @pytest.mark.parametrize("dtype", [np.float16, "bfloat16"])
    def test_sixteen_bits_are_rounded_once(self, dtype):
        if dtype == "bfloat16":
            dtype = pytest.importorskip("ml_dtypes").bfloat16
        arrays = problem()
        short = [x.astype(dtype) if k in (0, 2, 3) else x for k, x in enumerate(arrays)]
        wide = [x.astype(F32) for x in short]
        found, want = (fs.grid_sample_double_backward(*a) for a in (short, wide))
        for got, exact, like in zip(found, want, short[2:], strict=True):
            assert got.dtype == like.dtype
            np.testing.assert_array_equal(got.astype(F32), exact.astype(like.dtype).astype(F32))

    def test_half_grids(self):
        u, v, grad, image, grid = problem()
        v, grid = v.astype(np.float16), grid.astype(np.float16)
        found = fs.grid_sample_double_backward(u, v, grad, image, grid)
        want = fs.grid_sample_double_backward(u, v.astype(F32), grad, image, grid.astype(F32))
        np.testing.assert_array_equal(found[0], want[0])
        np.testing.assert_array_equal(found[2], want[2].astype(np.float16))

    def test_complex_numbers_part_by_part(self):
        options = {"padding_mode": "constant", "fill_value": 1.5}
        (u, v, *real), (w, _, *imag) = problem(), problem(seed=20)
        grid = real[2]
        pairs = [
            (a + 1j * b).astype(np.complex64)
            for a, b in zip((u, *real[:2]), (w, *imag[:2]), strict=True)
        ]
        found = fs.grid_sample_double_backward(pairs[0], v, *pairs[1:], grid, **options)
        first = fs.grid_sample_double_backward(u, v, *real[:2], grid, **options)
        second = fs.grid_sample_double_backward(w, v, *imag[:2], grid, padding_mode="zeros")
        for k in (0, 1):
            np.testing.assert_allclose(found[k].real, first[k], 1e-4, 1e-4)
            np.testing.assert_allclose(found[k].imag, second[k], 1e-4, 1e-4)
        np.testing.assert_allclose(found[2], first[2] + second[2], 1e-3, 1e-3)

    def test_nothing(self):
        for sizes, points in (((7, 10), (0,)), ((7, 10), (3, 0))):
            for got in fs.grid_sample_double_backward(*problem(sizes, points=points)):
                np.testing.assert_array_equal(got, np.zeros_like(got))

    @pytest.mark.compiled
    def test_an_axis_that_single_floats_cannot_count(self):
        """Positions are computed in double there, and with them their directions."""
        size = 2**22 + 5
        image = np.zeros((1, 1, size), F32)
        image[..., -4:] = [1, 2, 4, 8]
        where = np.array([[[size - 2.5], [size - 1.5]]], F32)
        along, ones = np.array([[[1], [2]]], F32), np.ones((1, 1, 2), F32)
        found = fs.grid_sample_double_backward(
            None, along, ones, image, where, coordinates="pixel", padding_mode="border"
        )
        np.testing.assert_array_equal(found[0], [[[2, 8]]])
        np.testing.assert_array_equal(found[1][..., -3:], [[[-1, -1, 2]]])


class TestCoordinates:
    """What matrices, points and flows add: coordinates are linear in them."""

    def test_matrices(self):
        u, _, grad, image, _ = problem(points=(5, 7))
        theta, along = noise(511, (2, 2, 3), F32) / 2, noise(512, (2, 2, 3), F32)
        size = (2, 3, 5, 7)
        grids = fs.affine_grid(along, size), grad, image, fs.affine_grid(theta, size)
        want = fs.grid_sample_double_backward(u, *grids)
        found = fs.affine_sample_double_backward(u, along, grad, image, theta, (5, 7))
        for k in (0, 1):
            np.testing.assert_allclose(found[k], want[k], 1e-3, 1e-3)
        exact = fs.affine_grid_backward(want[2], size)
        np.testing.assert_allclose(found[2], exact, 1e-3, 1e-2)

    def test_points(self):
        u, v, grad, image, grid = problem()
        found = fs.point_sample_double_backward(u, v / 2, grad, image, (grid + 1) / 2)
        want = fs.grid_sample_double_backward(u, v, grad, image, grid)
        for got, exact in zip(found, (*want[:2], 2 * want[2]), strict=True):
            np.testing.assert_allclose(got, exact, 1e-3, 1e-3)

    @pytest.mark.parametrize("last", [False, True])
    def test_flows(self, last):
        u, v, grad, image, flow = problem(points=(7, 10))
        x, y = np.meshgrid(np.arange(10), np.arange(7))
        places = flow + np.stack([x, y], -1).astype(F32)
        want = fs.grid_sample_double_backward(u, v, grad, image, places, coordinates="pixel")
        arrays = [x if last else np.moveaxis(x, -1, 1).copy() for x in (v, flow)]
        v, flow = arrays
        if last:
            u, grad, image = (np.moveaxis(x, 1, -1).copy() for x in (u, grad, image))
        found = fs.flow_warp_double_backward(u, v, grad, image, flow, channels_last=last)
        for k, (got, exact) in enumerate(zip(found, want, strict=True)):
            assert got.flags.c_contiguous
            if k < 2:
                exact = np.moveaxis(exact, 1, -1) if last else exact
            else:
                exact = exact if last else np.moveaxis(exact, -1, 1)
            np.testing.assert_allclose(got, exact, 1e-3, 1e-3)


class TestErrors:
    @pytest.mark.parametrize(
        ("k", "name", "other"), [(0, "grad_grad_input", "input"), (1, "grad_grad_grid", "grid")]
    )
    def test_shapes_and_types(self, k, name, other):
        arrays = list(problem())
        good = arrays[k]
        rule = f"grid_sample_double_backward: {name} must have {other}'s"
        arrays[k] = good[..., :1]
        with pytest.raises(ValueError, match=rf"{rule} shape"):
            fs.grid_sample_double_backward(*arrays)
        arrays[k] = good.astype(F64)
        with pytest.raises(TypeError, match=rf"{rule} type float32; got float64"):
            fs.grid_sample_double_backward(*arrays)

    def test_flows(self):
        u, v, grad, image, flow = problem(points=(7, 10))
        flow = np.moveaxis(flow, -1, 1)
        with pytest.raises(ValueError, match="grad_grad_flow must have flow's shape"):
            fs.flow_warp_double_backward(u, v, grad, image, flow)

    def test_masks(self):
        with pytest.raises(TypeError, match="output_mask must be a tuple of three bools"):
            fs.grid_sample_double_backward(*problem(), output_mask=(True, True))

    def test_integers(self):
        _, v, grad, image, grid = problem()
        image = image.astype(np.uint8)
        with pytest.raises(TypeError, match="input must be float32"):
            fs.grid_sample_double_backward(None, v, grad, image, grid)
