"""elastic_sample: against the field written out by other means, and its gradients."""

import mapping
import numba
import numpy as np
import pytest

import fastsample as fs

IN = {1: (23,), 2: (12, 15), 3: (6, 7, 8)}
OUT = {1: (37,), 2: (11, 38), 3: (5, 6, 19)}
KNOTS = {1: (4,), 2: (3, 5), 3: (2, 3, 4)}
ALL = [(d, order) for d in (1, 2, 3) for order in (1, 3)]


def scene(axes, seed=0, dtype=np.float64, n=2):
    """(image, control, theta)"""
    rng = np.random.default_rng(seed)
    image = rng.random((n, 2, *IN[axes])).astype(dtype)
    control = rng.normal(0, 2, (n, axes, *KNOTS[axes])).astype(dtype)
    theta = np.eye(axes, axes + 1) + rng.normal(0, 0.1, (n, axes, axes + 1))
    return image, control, theta.astype(dtype)


def positions(control, theta, size, order):
    return mapping.through_matrices(theta, size) + mapping.displacements(control, size, order)


@pytest.mark.parametrize(("axes", "order"), ALL)
def test_equals_the_oracle(axes, order):
    image, control, theta = scene(axes)
    for rule in ("zeros", "border"):
        got = fs.elastic_sample(image, control, OUT[axes], theta, padding_mode=rule, order=order)
        want = mapping.sampled(image, positions(control, theta, OUT[axes], order), "bilinear", rule)
        np.testing.assert_allclose(got, want, atol=1e-11)


@pytest.mark.parametrize("knots", [(2, 2), (7, 40), (12, 15), (30, 90)])
def test_few_knots_and_more_than_pixels(knots):
    image, _, theta = scene(2)
    control = np.random.default_rng(1).normal(0, 2, (2, 2, *knots))
    for order in (1, 3):
        got = fs.elastic_sample(image, control, OUT[2], theta, order=order)
        want = mapping.sampled(image, positions(control, theta, OUT[2], order))
        np.testing.assert_allclose(got, want, atol=1e-11)


@pytest.mark.parametrize("axes", [2, 3])
def test_is_flow_warp_of_the_field_written_out(axes):
    image, control, _ = scene(axes)
    for order in (1, 3):
        field = mapping.displacements(control, IN[axes], order)
        flow = np.moveaxis(field, -1, 1)
        got = fs.elastic_sample(image, control, IN[axes], padding_mode="border", order=order)
        want = fs.flow_warp(image, flow, padding_mode="border")
        np.testing.assert_allclose(got, want, atol=1e-11)


def test_whole_displacements_copy():
    image = np.random.default_rng(2).integers(0, 255, (1, 30, 40, 3), np.uint8)
    control = np.full((1, 2, 4, 4), 3.0, np.float32)
    for order in (1, 3):
        got = fs.elastic_sample(
            image, control, (30, 40), mode="nearest", order=order, channels_last=True
        )
        np.testing.assert_array_equal(got[:, :-3, :-3], image[:, 3:, 3:])
    single = fs.elastic_sample(image, control, (1, 1), channels_last=True)
    np.testing.assert_array_equal(single[0, 0, 0], image[0, 3, 3])


def test_theta_may_be_normalised():
    image, control, theta = scene(2)
    scale = np.array(IN[2][::-1])
    base = [np.diag([2 / n for n in OUT[2][::-1]]), [[1 / n - 1] for n in OUT[2][::-1]]]
    full = np.block([[base[0], np.array(base[1])], [np.zeros((1, 2)), np.ones((1, 1))]])
    pixels = (theta @ full) * (scale / 2)[:, None]
    pixels[..., -1] += scale / 2 - 0.5
    got = fs.elastic_sample(image, control, OUT[2], theta, coordinates="normalized")
    want = fs.elastic_sample(image, control, OUT[2], pixels)
    np.testing.assert_allclose(got, want, atol=1e-11)
    ones = np.ones_like(got)
    a = fs.elastic_sample_backward(ones, image, control, OUT[2], theta, coordinates="normalized")
    b = fs.elastic_sample_backward(ones, image, control, OUT[2], pixels)
    np.testing.assert_allclose(a[1], b[1], atol=1e-10)
    b_theta = (b[2] * (scale / 2)[:, None]) @ full.T
    np.testing.assert_allclose(a[2], b_theta, atol=1e-9)


@pytest.mark.parametrize(("axes", "order"), ALL)
def test_gradients_are_those_of_differences(axes, order):
    image, control, theta = scene(axes, seed=4 + order)
    size = OUT[axes]
    grad = np.random.default_rng(5).normal(size=(2, 2, *size))
    options = {"padding_mode": "border", "order": order}

    def of(x, knots, matrix):
        return (fs.elastic_sample(x, knots, size, matrix, **options) * grad).sum()

    found = fs.elastic_sample_backward(grad, image, control, size, theta, **options)
    by_control = mapping.slope_by_differences(lambda k: of(image, k, theta), control, 1e-8)
    np.testing.assert_allclose(found[1], by_control, atol=1e-4)
    by_theta = mapping.slope_by_differences(lambda t: of(image, control, t), theta, 1e-8)
    np.testing.assert_allclose(found[2], by_theta, atol=1e-3, rtol=1e-5)
    probe = np.random.default_rng(6).random(image.shape)
    np.testing.assert_allclose((found[0] * probe).sum(), of(probe, control, theta), rtol=1e-9)


def test_gradients_of_what_is_shared_are_sums():
    image, control, theta = scene(2)
    grad = np.random.default_rng(7).normal(size=(2, 2, *OUT[2]))
    got = fs.elastic_sample_backward(grad, image, control[:1], OUT[2], theta)
    twice = np.repeat(control[:1], 2, 0)
    want = fs.elastic_sample_backward(grad, image, twice, OUT[2], theta)
    np.testing.assert_allclose(got[1], want[1].sum(0, keepdims=True), atol=1e-12)
    np.testing.assert_array_equal(got[2], want[2])
    shared = fs.elastic_sample_backward(grad, image, control[:1], OUT[2], theta[:1])
    each = [
        fs.elastic_sample_backward(
            grad[k : k + 1], image[k : k + 1], control[:1], OUT[2], theta[:1]
        )
        for k in range(2)
    ]
    for g in (1, 2):
        np.testing.assert_allclose(shared[g], each[0][g] + each[1][g], atol=1e-10)
    alone = fs.elastic_sample_backward(
        grad, image, control, OUT[2], output_mask=(False, True, True)
    )
    assert alone[0] is None
    assert alone[2] is None


def test_a_knot_that_is_nan_spoils_its_neighbourhood_alone():
    image, control, theta = np.ones((1, 1, 8, 100)), np.zeros((1, 2, 3, 11)), np.eye(2, 3)[None]
    control[0, 0, :, 9] = np.nan
    got = fs.elastic_sample(image, control, (8, 100), theta)
    assert np.isnan(got[..., 85:95]).all()
    assert (got[..., :69] == 1).all()


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_an_infinite_matrix_is_outside(bad):
    image, control, theta = scene(2)
    theta[0, 0, 2] = bad
    got = fs.elastic_sample(image, control, OUT[2], theta)
    assert not got[0].any()
    assert np.isfinite(got[1]).all()
    assert got[1].any()


@pytest.mark.compiled
def test_the_same_bits_on_any_number_of_threads():
    rng = np.random.default_rng(8)
    image, control = rng.random((1, 2, 150, 300)), rng.normal(0, 5, (1, 2, 5, 6))
    grad, found = np.ones((1, 2, 150, 300)), []
    for threads in {1, numba.config.NUMBA_NUM_THREADS}:
        numba.set_num_threads(threads)
        result = fs.elastic_sample(image, control, (150, 300))
        found.append((result, *fs.elastic_sample_backward(grad, image, control, (150, 300))[:2]))
    for arrays in zip(*found, strict=True):
        assert all(np.array_equal(a, arrays[0]) for a in arrays)


def test_refusals_name_the_rule():
    image, control, theta = scene(2)
    for arguments, message in (
        ((image, control[..., :1], OUT[2]), "control must have shape .* two knots or more"),
        ((image, control[0], OUT[2]), "control must have shape"),
        ((image, control[:, :1], OUT[2]), "control must have shape"),
        ((image, np.concatenate([control, control]), OUT[2]), "control must be of N = 2"),
        ((image, control, OUT[2], theta[:, :1]), "theta must have shape"),
        ((image, control, (3,)), "control must have shape"),
    ):
        with pytest.raises(ValueError, match=message):
            fs.elastic_sample(*arguments)
    with pytest.raises(ValueError, match="order must be 3 or 1; got 2"):
        fs.elastic_sample(image, control, OUT[2], order=2)
    with pytest.raises(TypeError, match="control must be float32"):
        fs.elastic_sample(image, control.astype(int), OUT[2])
