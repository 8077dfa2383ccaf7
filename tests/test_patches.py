"""patch_affine and its gradients: boxes of images, warped in place."""

import numpy as np
import pytest
import systems
from cases import noise
from systems import (
    GRADIENT,
    LAYOUTS,
    assert_names_the_first,
    assert_refused,
    assert_written_and_returned,
    layouts,
    slopes,
    watched,
)
from tolerances import assert_close, of_the_coarser

import fastsample as fs

F32, F64 = np.float32, np.float64
NEAR = of_the_coarser(F32, factor=10)
IDENTITY = np.array([[1, 0, 0], [0, 1, 0]])
BOXES = np.array([[1, 2, 8, 9], [4, 0, 10, 6], [0, 0, 10, 9], [3, 5, 4, 9], [2, 3, 9, 4]])
"""On images 9 by 10: overlaps, a whole image, a column and a row."""
OWNERS = np.array([0, 0, 1, 1, 1])

KERNELS = [("bilinear", "zeros", F64), ("bilinear", "border", F32), ("nearest", "reflection", F32)]


def scene(seed, dtype=F64, sizes=(9, 10), boxes=BOXES, owners=OWNERS):
    """(images, theta, boxes, box_to_image); each theta turns, stretches and moves a little."""
    rng = np.random.default_rng(seed)
    theta = IDENTITY + rng.normal(0, 0.3, (len(boxes), 2, 3))
    return noise(seed, (2, 3, *sizes), dtype), theta.astype(dtype), boxes, owners


def check(images, *arrays, **options):
    """The result, after a comparison with the oracle."""
    got = watched(fs.patch_affine, images, *arrays, **options)
    assert got.dtype == images.dtype.newbyteorder("=")
    assert got.flags.c_contiguous
    assert not np.shares_memory(got, images)
    assert_close(got, systems.patch_affine(images, *arrays, **options), 4, NEAR, str(options))
    return got


class TestForward:
    @pytest.mark.parametrize("align_corners", [False, True])
    @pytest.mark.parametrize(("mode", "padding", "dtype"), KERNELS)
    def test_equals_oracle(self, mode, padding, dtype, align_corners):
        options = {"mode": mode, "padding_mode": padding, "align_corners": align_corners}
        check(*scene(1, dtype), **options)

    def test_the_case_to_serve(self):
        rng = np.random.default_rng(2)
        low, size = rng.integers(0, 40, (10, 2)), rng.integers(1, 25, (10, 2))
        boxes = np.concatenate([low, low + size], 1)
        arrays = scene(3, F32, (64, 64), boxes, rng.integers(0, 2, 10))
        check(*arrays, padding_mode="border")

    @pytest.mark.parametrize("align_corners", [False, True])
    def test_no_change(self, align_corners):
        images, _, boxes, owners = scene(4)
        theta = np.tile(IDENTITY, (5, 1, 1)).astype(F64)
        got = fs.patch_affine(images, theta, boxes, owners, align_corners=align_corners)
        np.testing.assert_allclose(got, images, atol=1e-12)

    @pytest.mark.parametrize("align_corners", [False, True])
    def test_half_a_turn(self, align_corners):
        images = noise(5, (1, 2, 6, 7), F64)
        theta, box, owner = -IDENTITY[None].astype(F64), np.array([[1, 2, 5, 6]]), np.array([0])
        got = fs.patch_affine(images, theta, box, owner, align_corners=align_corners)
        want = images.copy()
        want[:, :, 2:6, 1:5] = want[:, :, 2:6, 1:5][:, :, ::-1, ::-1].copy()
        np.testing.assert_allclose(got, want, atol=1e-12)

    def test_a_patch_ends_at_its_box(self):
        """What lies beside the box is not read: zeros are outside of the patch."""
        images = np.ones((1, 1, 6, 6))
        away = np.array([[[1.0, 0, 9], [0, 1, 0]]])
        got = fs.patch_affine(images, away, np.array([[1, 1, 4, 5]]), np.array([0]))
        want = images.copy()
        want[:, :, 1:5, 1:4] = 0
        np.testing.assert_array_equal(got, want)

    def test_the_later_object_wins(self):
        images, theta, _, _ = scene(6)
        twice = np.array([[1, 2, 8, 9], [1, 2, 8, 9]])
        got = fs.patch_affine(images, theta[:2], twice, np.array([0, 0]))
        alone = fs.patch_affine(images, theta[1:2], twice[1:], np.array([0]))
        np.testing.assert_array_equal(got, alone)

    def test_nan_spoils_its_box_alone(self):
        images, theta, boxes, owners = scene(7)
        theta[1, 0, 2] = np.nan
        spoilt = np.isnan(fs.patch_affine(images, theta, boxes, owners))
        want = np.zeros_like(spoilt)
        want[0, :, 0:6, 4:10] = True
        np.testing.assert_array_equal(spoilt, want)

    def test_no_objects(self):
        images = noise(8, (2, 3, 4, 5), F32)
        none = np.empty((0, 2, 3), F32), np.empty((0, 4), int), np.empty(0, int)
        got = fs.patch_affine(images, *none)
        np.testing.assert_array_equal(got, images)
        assert not np.shares_memory(got, images)

    @pytest.mark.parametrize("box", [(3, 3, 3, 7), (2, 5, 6, 5), (10, 9, 10, 9), (0, 0, 0, 0)])
    def test_a_box_without_pixels(self, box):
        images, theta, _, _ = scene(9)
        got = fs.patch_affine(images, theta[:1], np.array([box]), np.array([0]))
        np.testing.assert_array_equal(got, images)

    @pytest.mark.parametrize("shape", [(2, 0, 9, 10), (0, 3, 9, 10), (2, 3, 0, 10)])
    def test_empty(self, shape):
        none = np.empty((0, 2, 3), F32), np.empty((0, 4), int), np.empty(0, int)
        assert fs.patch_affine(np.ones(shape, F32), *none).shape == shape

    def test_no_channels(self):
        _, *arrays = scene(10)
        assert fs.patch_affine(np.ones((2, 0, 9, 10), F32), *arrays).shape == (2, 0, 9, 10)

    @pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "uint64"])
    def test_any_integer_may_tell_a_place(self, dtype):
        images, theta, boxes, owners = scene(11)
        got = fs.patch_affine(images, theta, boxes.astype(dtype), owners.astype(dtype))
        np.testing.assert_array_equal(got, fs.patch_affine(images, theta, boxes, owners))

    def test_lists(self):
        images, theta, boxes, owners = scene(12)
        got = fs.patch_affine(images, theta, boxes.tolist(), owners.tolist())
        np.testing.assert_array_equal(got, fs.patch_affine(images, theta, boxes, owners))

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        check(*(dict(layouts(a))[layout] for a in scene(13)))

    def test_out(self):
        assert_written_and_returned(fs.patch_affine, *scene(14))


def check_gradients(images, theta, boxes, owners, **options):
    """Both gradients against finite differences of the oracle."""
    grad = noise(15, images.shape, images.dtype)
    got = watched(fs.patch_affine_backward, grad, images, theta, boxes, owners, **options)
    wide, angles, weights = (x.astype(F64) for x in (images, theta, grad))

    def warp(x, t):
        return systems.patch_affine(x, t, boxes, owners, **options)

    want = (
        slopes(lambda x: warp(x, angles), wide, weights),
        slopes(lambda t: warp(wide, t), angles, weights, step=1e-6),  # kinks lie thick in theta
    )
    for name, one, other in zip(("grad_images", "grad_theta"), got, want, strict=True):
        assert one.dtype == images.dtype, name
        assert_close(one, other, np.abs(other).max(initial=1), GRADIENT, f"{name} {options}")


class TestBackward:
    @pytest.mark.parametrize("align_corners", [False, True])
    def test_equals_finite_differences(self, align_corners):
        boxes = np.array([[1, 0, 5, 4], [2, 2, 6, 5], [0, 0, 6, 5], [3, 1, 4, 5]])
        images, theta, *_ = scene(16, F64, (5, 6), boxes)
        owners = np.array([0, 0, 1, 1])
        check_gradients(images[:, :2], theta, boxes, owners, align_corners=align_corners)

    def test_who_lost_every_pixel_has_no_gradient(self):
        images, theta, _, _ = scene(17)
        boxes = np.array([[2, 3, 6, 7], [1, 2, 8, 9]])
        grad = noise(18, images.shape, F64)
        _, slope = fs.patch_affine_backward(grad, images, theta[:2], boxes, np.array([1, 1]))
        assert not slope[0].any()
        assert slope[1].any()

    def test_who_lost_still_lends_its_pixels(self):
        """Every box reads the original, whoever owns the pixels now."""
        images, theta, boxes, owners = scene(19)
        grad = noise(20, images.shape, F64)
        back, _ = fs.patch_affine_backward(grad, images, theta, boxes, owners)
        want = np.vdot(fs.patch_affine(images, theta, boxes, owners), grad)
        assert np.vdot(images, back) == pytest.approx(want, rel=1e-10)

    def test_around_the_boxes_the_gradient_passes(self):
        images, theta, boxes, owners = scene(21)
        grad = noise(22, images.shape, F64)
        back, _ = fs.patch_affine_backward(grad, images, theta[:1], boxes[:1], owners[:1])
        free = np.ones_like(images, bool)
        free[0, :, 2:9, 1:8] = False
        np.testing.assert_array_equal(back[free], grad[free])

    def test_no_objects(self):
        images = noise(23, (2, 3, 4, 5), F64)
        none = np.empty((0, 2, 3)), np.empty((0, 4), int), np.empty(0, int)
        back, slope = fs.patch_affine_backward(2 * images, images, *none)
        np.testing.assert_array_equal(back, 2 * images)
        assert slope.shape == (0, 2, 3)

    @pytest.mark.parametrize("output_mask", [(True, False), (False, True)])
    def test_output_mask(self, output_mask):
        arrays = scene(24)
        grad = noise(25, arrays[0].shape, F64)
        both = fs.patch_affine_backward(grad, *arrays)
        got = fs.patch_affine_backward(grad, *arrays, output_mask=output_mask)
        for one, full, asked in zip(got, both, output_mask, strict=True):
            np.testing.assert_array_equal(one, full if asked else None)

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        arrays = noise(26, (2, 3, 9, 10), F64), *scene(27)
        want = fs.patch_affine_backward(*arrays)
        got = watched(fs.patch_affine_backward, *(dict(layouts(a))[layout] for a in arrays))
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)

    def test_vjp(self):
        images, theta, boxes, owners = scene(28)
        grad = noise(29, images.shape, F64)
        result, pullback = fs.vjp(fs.patch_affine, images, theta, boxes, owners)
        np.testing.assert_array_equal(result, fs.patch_affine(images, theta, boxes, owners))
        want = fs.patch_affine_backward(grad, images, theta, boxes, owners)
        for one, other in zip(pullback(grad)[:2], want, strict=True):
            np.testing.assert_array_equal(one, other)


class TestErrors:
    COUNT = 7
    GOOD = (
        np.ones((2, 4, 30, 40), F32),
        np.tile(IDENTITY, (COUNT, 1, 1)).astype(F32),
        np.tile([10, 11, 25, 28], (COUNT, 1)),
        np.zeros(COUNT, int),
    )

    @pytest.mark.parametrize("first", [3, 4])
    @pytest.mark.parametrize(
        "box",
        [
            (-1, 11, 25, 28),
            (10, -1, 25, 28),
            (10, 11, 41, 28),
            (10, 11, 25, 31),
            (50, 60, 70, 80),
            (25, 11, 10, 28),
            (10, 28, 25, 11),
            (np.iinfo(np.int64).min, 11, 25, np.iinfo(np.int64).max),
        ],
    )
    def test_the_first_box_that_runs_outside(self, box, first):
        images, theta, boxes, owners = self.GOOD
        boxes = boxes.copy()
        boxes[first], boxes[5] = box, -9
        assert_names_the_first(
            fs.patch_affine, "boxes", first, [5], of=(images, theta, boxes, owners)
        )

    @pytest.mark.parametrize("owner", [2, -1, -2, 99, np.iinfo(np.int64).max])
    def test_the_first_image_that_is_not_there(self, owner):
        images, theta, boxes, owners = self.GOOD
        owners = owners.copy()
        owners[3], owners[5] = owner, owner
        of = images, theta, boxes, owners
        assert_names_the_first(fs.patch_affine, "box_to_image", 3, [5], of=of)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_boxes_of_floats(self, bad):
        images, theta, boxes, owners = self.GOOD
        boxes = boxes.astype(F32)
        boxes[3, 0] = bad
        of, error = (images, theta, boxes, owners), (TypeError, ValueError)
        assert_refused(fs.patch_affine, "boxes", of=of, error=error)

    def test_images_of_floats(self):
        images, theta, boxes, owners = self.GOOD
        of = images, theta, boxes, owners.astype(F32)
        assert_refused(fs.patch_affine, "box_to_image", of=of, error=TypeError)

    @pytest.mark.parametrize("shape", [(7, 3), (6, 4), (28,), (7, 4, 1)])
    def test_boxes(self, shape):
        images, theta, _, owners = self.GOOD
        of = images, theta, np.zeros(shape, int), owners
        assert_refused(fs.patch_affine, "boxes", shape, of=of)

    @pytest.mark.parametrize("shape", [(6,), (7, 1)])
    def test_box_to_image(self, shape):
        of = *self.GOOD[:3], np.zeros(shape, int)
        assert_refused(fs.patch_affine, "box_to_image", shape, of=of)

    @pytest.mark.parametrize("shape", [(7, 2, 2), (7, 3, 3), (2, 3), (7, 6)])
    def test_theta(self, shape):
        images, _, boxes, owners = self.GOOD
        of = images, np.zeros(shape, F32), boxes, owners
        assert_refused(fs.patch_affine, "theta", shape, of=of)

    @pytest.mark.parametrize("shape", [(2, 30, 40), (2, 4, 30), (2, 4, 5, 30, 40)])
    def test_images(self, shape):
        assert_refused(fs.patch_affine, "images", shape, of=(np.ones(shape, F32), *self.GOOD[1:]))

    @pytest.mark.parametrize("dtype", [bool, np.int64, object])
    def test_types(self, dtype):
        images, theta, boxes, owners = self.GOOD
        of = images.astype(dtype), theta, boxes, owners
        assert_refused(fs.patch_affine, "images", of=of, error=TypeError)
        of = images, theta.astype(dtype), boxes, owners
        assert_refused(fs.patch_affine, "theta", of=of, error=TypeError)

    @pytest.mark.parametrize("option", ["mode", "padding_mode"])
    def test_words(self, option):
        assert_refused(fs.patch_affine, option, "'edge'", of=self.GOOD, **{option: "edge"})

    def test_out(self):
        images = self.GOOD[0]
        assert_refused(fs.patch_affine, "out", "images", of=self.GOOD, out=images)
        assert_refused(
            fs.patch_affine, "out", images.shape, of=self.GOOD, out=images[..., 1:].copy()
        )

    def test_backward_checks_too(self):
        images, theta, boxes, owners = self.GOOD
        wrong = np.ones((2, 4, 30, 41), F32)
        assert_refused(fs.patch_affine_backward, "grad_output", wrong.shape, of=(wrong, *self.GOOD))
        boxes = boxes.copy()
        boxes[3], boxes[5] = (10, 11, 41, 28), -9
        of = images, images, theta, boxes, owners
        assert_names_the_first(fs.patch_affine_backward, "boxes", 3, [5], of=of)
