"""point_sample and its gradients: points in [0, 1]."""

import numpy as np
import pytest
import systems
from cases import FILL, noise
from systems import (
    GRADIENT,
    LAYOUTS,
    assert_refused,
    assert_written_and_returned,
    layouts,
    off_the_kinks,
    slopes,
    watched,
)
from tolerances import assert_close, of_the_coarser

import fastsample as fs

F32, F64 = np.float32, np.float64
SIZES = {1: (9,), 2: (6, 7), 3: (4, 5, 6)}
NEAR = of_the_coarser(F32, factor=10)
"""2 p - 1 rounds once more than a grid."""

FORWARD = [
    ("bilinear", "zeros", 1, F32),
    ("bilinear", "zeros", 2, F32),
    ("bilinear", "zeros", 3, F32),
    ("bilinear", "reflection", 2, F64),
    ("bicubic", "border", 2, F32),
    ("nearest", "constant", 2, F32),
]
BACKWARD = [("zeros", 2), ("border", 3)]
"""Few, since a kernel takes seconds to compile both ways; grid_sample's tests visit the others."""


def scene(seed, shape, sizes, dtype, align_corners=False, batch=2, channels=3):
    """(input, points) off the kinks and two pixels outside."""
    pixels = off_the_kinks(seed, shape, sizes)
    extent = np.array(sizes[::-1])
    points = pixels / (extent - 1) if align_corners else (pixels + 0.5) / extent
    return noise(seed, (batch, channels, *sizes), dtype), points.astype(dtype)


def options_of(mode, padding, align_corners=False):
    """Keyword arguments; a fill value where one is read."""
    fill = {"fill_value": FILL} if padding == "constant" else {}
    return {"mode": mode, "padding_mode": padding, "align_corners": align_corners, **fill}


def check(input, points, **options):
    """The result, after a comparison with the oracle."""
    got = watched(fs.point_sample, input, points, **options)
    assert got.dtype == input.dtype.newbyteorder("=")
    assert got.flags.c_contiguous
    want = systems.point_sample(input, points, **options)
    assert_close(got, want, scale=np.abs(want).max(initial=1), table=NEAR, context=str(options))
    return got


class TestForward:
    @pytest.mark.parametrize("align_corners", [False, True])
    @pytest.mark.parametrize(("mode", "padding", "ndim", "dtype"), FORWARD)
    def test_equals_oracle(self, mode, padding, ndim, dtype, align_corners):
        arrays = scene(1, (2, 50), SIZES[ndim], dtype, align_corners)
        check(*arrays, **options_of(mode, padding, align_corners))

    def test_0_and_1_are_the_outer_edges(self):
        row = np.array([[[0, 10, 20, 30]]], F32)
        points = np.array([[[0], [0.125], [0.5], [0.875], [1]]], F32)
        np.testing.assert_array_equal(fs.point_sample(row, points), [[[0, 0, 15, 30, 15]]])

    def test_0_and_1_are_the_outer_centres_of_aligned_corners(self):
        row = np.array([[[0, 10, 20, 30]]], F32)
        points = np.array([[[0], [0.5], [1]]], F32)
        got = fs.point_sample(row, points, align_corners=True)
        np.testing.assert_allclose(got, [[[0, 15, 30]]], rtol=1e-5)

    def test_x_comes_first(self):
        image = np.arange(4 * 8, dtype=F32).reshape(1, 1, 4, 8)
        x, y = (5 + 0.5) / 8, (2 + 0.5) / 4
        assert fs.point_sample(image, np.array([[[x, y]]], F32)) == image[0, 0, 2, 5]

    @pytest.mark.parametrize("out", [(), (5,), (3, 4), (2, 3, 4)])
    def test_points_of_any_shape(self, out):
        assert check(*scene(2, (2, *out), (6, 7), F32)).shape == (2, 3, *out)

    @pytest.mark.parametrize(("n_input", "n_points"), [(1, 3), (3, 1)])
    def test_batch_of_one_is_shared(self, n_input, n_points):
        got = check(*scene(3, (n_points, 9), (6, 7), F32, batch=n_input))
        assert got.shape == (3, 3, 9)

    def test_many_channels_few_points(self):
        check(*scene(4, (1, 12), (6, 7), F32, batch=1, channels=260))

    @pytest.mark.compiled
    def test_many_points(self):
        check(*scene(5, (2, 5000), (20, 31), F32))

    @pytest.mark.parametrize(
        ("input", "points", "result"),
        [
            ((0, 3, 4, 5), (0, 6, 2), (0, 3, 6)),
            ((2, 0, 4, 5), (2, 6, 2), (2, 0, 6)),
            ((2, 3, 4, 5), (2, 0, 2), (2, 3, 0)),
            ((2, 3, 0, 5), (2, 0, 2), (2, 3, 0)),
            ((1, 3, 4), (0, 6, 1), (0, 3, 6)),
        ],
    )
    def test_empty(self, input, points, result):
        assert fs.point_sample(np.ones(input, F32), np.zeros(points, F32)).shape == result

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        input, points = scene(6, (2, 5, 7), (6, 7), F32)
        check(dict(layouts(input))[layout], points)
        check(input, dict(layouts(points))[layout])

    def test_out(self):
        assert_written_and_returned(fs.point_sample, *scene(7, (2, 5, 7), (6, 7), F32))

    def test_channels_last(self):
        input, points = scene(8, (2, 9), (6, 7), F32)
        got = fs.point_sample(systems.last(input), points, channels_last=True)
        want = systems.last(fs.point_sample(input, points))
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


class TestNonFinite:
    """The table of the reference."""

    @pytest.mark.parametrize(
        ("mode", "padding"), [("bilinear", "zeros"), ("nearest", "constant"), ("bicubic", "border")]
    )
    def test_nan_gives_nan_and_spoils_no_neighbour(self, mode, padding):
        input, points = scene(9, (1, 40), (6, 7), F32, batch=1)
        points[0, ::5, 0] = np.nan
        got = fs.point_sample(input, points, **options_of(mode, padding))
        np.testing.assert_array_equal(np.isnan(got[0, 0]), np.arange(40) % 5 == 0)

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38, -3e38])
    def test_far_outside_zeros_reads_zero(self, value):
        input, points = scene(10, (1, 20), (6, 7), F32, batch=1)
        points[0, ::2, 1] = value
        assert (fs.point_sample(input, points)[..., ::2] == 0).all()

    @pytest.mark.parametrize(("value", "edge"), [(np.inf, -1), (3e38, -1), (-np.inf, 0)])
    def test_far_outside_border_reads_the_edge(self, value, edge):
        image = noise(11, (1, 2, 5, 9), F32)
        points = np.array([[[value, 0.5], [0.5, value]]], F32)  # 0.5 is the centre of a pixel
        got = fs.point_sample(image, points, "bicubic", "border")
        want = np.stack([image[0, :, 2, edge], image[0, :, edge, 4]], -1)
        np.testing.assert_allclose(got[0], want, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("value", [1.7e308, -1.7e308, 1e30])
    def test_huge_folds_to_some_pixel(self, value):
        """Twice a huge point is infinite in its own type, and infinity has no fold."""
        image = noise(12, (1, 2, 5, 9), F64)
        got = fs.point_sample(image, np.full((1, 3, 2), value), padding_mode="reflection")
        assert (got >= image.min()).all()
        assert (got <= image.max()).all()


class TestBackward:
    @pytest.mark.parametrize("align_corners", [False, True])
    @pytest.mark.parametrize(("padding", "ndim"), BACKWARD)
    def test_equals_finite_differences(self, padding, ndim, align_corners):
        options = {"padding_mode": padding, "align_corners": align_corners}
        input, points = scene(13, (2, 11), SIZES[ndim], F64, align_corners, channels=2)
        check_gradients(input, points, noise(14, (2, 2, 11), F64), **options)

    @pytest.mark.parametrize(("n_input", "n_points"), [(1, 3), (3, 1)])
    def test_a_shared_batch_sums(self, n_input, n_points):
        arrays = scene(15, (n_points, 7), (4, 5), F64, batch=n_input, channels=2)
        check_gradients(*arrays, noise(16, (3, 2, 7), F64))

    def test_is_the_adjoint(self):
        input, points = scene(19, (2, 300), (6, 7), F64)
        grad = noise(20, (2, 3, 300), F64)
        back, _ = fs.point_sample_backward(grad, input, points)
        want = np.vdot(fs.point_sample(input, points), grad)
        assert np.vdot(input, back) == pytest.approx(want, rel=1e-10, abs=1e-10)

    @pytest.mark.parametrize("output_mask", [(True, False), (False, True), (False, False)])
    def test_output_mask(self, output_mask):
        input, points = scene(21, (2, 9), (6, 7), F64)
        grad = noise(22, (2, 3, 9), F64)
        both = fs.point_sample_backward(grad, input, points)
        got = fs.point_sample_backward(grad, input, points, output_mask=output_mask)
        for one, full, asked in zip(got, both, output_mask, strict=True):
            if asked:
                np.testing.assert_array_equal(one, full)
            else:
                assert one is None

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        arrays = noise(23, (2, 3, 9), F64), *scene(24, (2, 9), (6, 7), F64)
        want = fs.point_sample_backward(*arrays)
        got = watched(fs.point_sample_backward, *(dict(layouts(a))[layout] for a in arrays))
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)

    def test_vjp(self):
        input, points = scene(25, (2, 9), (6, 7), F64)
        grad = noise(26, (2, 3, 9), F64)
        result, pullback = fs.vjp(fs.point_sample, input, points, align_corners=True)
        want = fs.point_sample(input, points, align_corners=True)
        np.testing.assert_array_equal(result, want)
        want = fs.point_sample_backward(grad, input, points, align_corners=True)
        for one, other in zip(pullback(grad), want, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_no_points_move_nothing(self):
        input, points = np.ones((2, 3, 4, 5), F64), np.zeros((2, 0, 2), F64)
        grad_input, grad_points = fs.point_sample_backward(np.ones((2, 3, 0)), input, points)
        assert grad_points.shape == points.shape
        np.testing.assert_array_equal(grad_input, np.zeros_like(input))


def check_gradients(input, points, grad, **options):
    """Both gradients against finite differences of the oracle."""
    got = watched(fs.point_sample_backward, grad, input, points, **options)
    wide, where = input.astype(F64), points.astype(F64)
    weights = grad.astype(F64)
    want = (
        slopes(lambda x: systems.point_sample(x, where, **options), wide, weights),
        slopes(lambda p: systems.point_sample(wide, p, **options), where, weights),
    )
    for name, one, other in zip(("grad_input", "grad_points"), got, want, strict=True):
        assert one.dtype == input.dtype, name
        assert_close(one, other, np.abs(other).max(initial=1), GRADIENT, f"{name} {options}")


class TestErrors:
    GOOD = np.ones((4, 3, 6, 7), F32), np.zeros((4, 8, 2), F32)

    def test_the_message_says_what_it_wants_and_what_came(self):
        with pytest.raises(ValueError, match="point_sample: points") as caught:
            fs.point_sample(self.GOOD[0], np.zeros((3, 8, 2), F32))
        assert str(caught.value) == (
            "point_sample: points must have shape (N, *out, 2) with N = 4 or 1; got (3, 8, 2)"
        )

    @pytest.mark.parametrize("shape", [(4, 8, 3), (4, 8, 1), (3, 8, 2), (2,), ()])
    def test_points(self, shape):
        assert_refused(fs.point_sample, "points", shape, of=(self.GOOD[0], np.zeros(shape, F32)))

    @pytest.mark.parametrize("shape", [(4, 3), (1, 2, 3, 4, 5, 6), (4, 3, 0, 7)])
    def test_input(self, shape):
        assert_refused(fs.point_sample, "input", shape, of=(np.ones(shape, F32), self.GOOD[1]))

    @pytest.mark.parametrize("dtype", [bool, np.int64, object])
    def test_types(self, dtype):
        input, points = self.GOOD
        assert_refused(fs.point_sample, "input", of=(input.astype(dtype), points), error=TypeError)
        assert_refused(fs.point_sample, "points", of=(input, points.astype(dtype)), error=TypeError)

    @pytest.mark.parametrize("option", ["mode", "padding_mode"])
    def test_words(self, option):
        assert_refused(fs.point_sample, option, "'edge'", of=self.GOOD, **{option: "edge"})

    def test_out(self):
        assert_refused(fs.point_sample, "out", (4, 3, 8), of=self.GOOD, out=np.ones((4, 3, 9), F32))
        input = np.ones((1, 3, 4, 4), F32)
        points, out = np.zeros((1, 4, 4, 2), F32), input[..., ::-1]
        assert_refused(fs.point_sample, "out", "input", of=(input, points), out=out)

    def test_what_goes_beyond_pytorch_is_keyword_only(self):
        with pytest.raises(TypeError):
            fs.point_sample(*self.GOOD, "bilinear", "zeros", False, 0)

    def test_grad_output(self):
        wrong = np.ones((4, 3, 9), F32)
        assert_refused(fs.point_sample_backward, "grad_output", wrong.shape, of=(wrong, *self.GOOD))

    def test_gradients_of_integers(self):
        of = np.ones((4, 3, 8), np.uint8), self.GOOD[0].astype(np.uint8), self.GOOD[1]
        assert_refused(fs.point_sample_backward, "input", "uint8", of=of, error=TypeError)
