"""perspective_sample: homographies against the oracle, where w is not positive, and gradients."""

import mapping
import numba
import numpy as np
import pytest

import fastsample as fs

TILTED = np.array(
    [
        [[1.1037, 0.1071, -1.0213], [0.0517, 0.9119, 0.3071], [0.0203, -0.0311, 1.0]],
        [
            [2.7131, -0.3117, 3.0713],
            [0.1571, 3.3013, 0.9131],
            [-0.5, 0.0, 4.23],
        ],
    ]
)
SIZE = (9, 21)
RULES = ["zeros", "border", "reflection", "wrap", "constant", "mirror"]


def picture(dtype=np.float64, seed=0, n=2):
    x = np.random.default_rng(seed).random((n, 3, 11, 13))
    return (x * 255).astype(dtype) if np.dtype(dtype).kind == "u" else x.astype(dtype)


def wanted(x, h, mode, rule, fill):
    """By the oracle, and the fill value where there is no place; 0 under zeros."""
    positions, before = mapping.through_homographies(h, SIZE)
    found = mapping.sampled(x, positions, mode, rule, fill)
    return np.where(before[:, None], found, 0 if rule == "zeros" else fill)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_equals_the_oracle(mode, rule):
    # What is copied needs no more than single numbers.
    x, h = picture(), TILTED.astype(np.float32 if mode == "nearest" else np.float64)
    got = fs.perspective_sample(x, h, SIZE, mode, rule, fill_value=7)
    want = wanted(x, h, mode, rule, 7)
    np.testing.assert_allclose(got, want, atol=1e-11)
    assert (got == 7).any() == (rule != "zeros")


@pytest.mark.parametrize("rule", ["zeros", "border", "reflection", "constant"])
def test_bytes_with_channels_last(rule):
    x, h = picture(np.uint8), TILTED.astype(np.float32)
    last = np.moveaxis(x, 1, -1).copy()
    got = fs.perspective_sample(last, h, SIZE, "bilinear", rule, fill_value=7, channels_last=True)
    want = wanted(x, h, "bilinear", rule, 7)
    assert np.abs(np.moveaxis(got, -1, 1) - want).max() <= 0.51


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_every_number_but_finite_positive_w_is_outside(mode):
    h = np.repeat(np.eye(3, dtype=np.float32)[None], 5, 0)
    h[:, 2, 2] = [0, -1, np.nan, np.inf, 1]
    x = np.ones((1, 1, 4, 4), np.uint8)
    for rule in RULES:
        got = fs.perspective_sample(x, h, (4, 4), mode, rule, fill_value=9)
        assert (got[:4] == (0 if rule == "zeros" else 9)).all(), rule
        assert (got[4] == 1).all(), rule
    real = fs.perspective_sample(x.astype(np.float32), h, (4, 4), mode, "border", fill_value=9)
    assert (real[:4] == 9).all()


def test_a_place_that_is_nan_is_nan():
    h = np.eye(3)[None].copy()
    h[0, 0, 2] = np.nan
    assert np.isnan(fs.perspective_sample(picture(n=1), h, (4, 4))).all()


def test_the_identity_copies_and_scales_do_not_matter():
    x = picture(np.float32)
    for scale in (1, 3, 0.7):
        h = np.eye(3, dtype=np.float32)[None] * np.float32(scale)
        np.testing.assert_allclose(
            fs.perspective_sample(x, h, (11, 13), padding_mode="border"), x, atol=2e-6
        )
    np.testing.assert_array_equal(fs.perspective_sample(x, np.eye(3)[None], (11, 13)), x)


def test_a_float32_homography_is_exact_to_some_ulp():
    """At the end of a long row: u, v and w are rounded once each, and so are the quotients."""
    ramp = np.arange(1920.0).reshape(1, 1, 1, -1)
    h = np.array([[[0.987, -0.1, 9.3], [0.0, 0.0, 0.0], [1e-4, 1e-5, 1.0]]], np.float32)
    got = fs.perspective_sample(ramp, h, (8, 1900), padding_mode="border")
    positions, _ = mapping.through_homographies(h, (8, 1900))
    assert np.abs(got[0, 0] - positions[0, ..., 0]).max() < 2 * np.spacing(np.float32(1600))


@pytest.mark.parametrize("rule", ["zeros", "border", "reflection", "constant"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_gradients_are_those_of_differences(mode, rule):
    x, grad = picture(), np.random.default_rng(1).normal(size=(2, 3, *SIZE))
    options = {"mode": mode, "padding_mode": rule, "fill_value": 0.3}

    def of(image, h):
        return (fs.perspective_sample(image, h, SIZE, **options) * grad).sum()

    to_image, to_h = fs.perspective_sample_backward(grad, x, TILTED, SIZE, **options)
    want = mapping.slope_by_differences(lambda h: of(x, h), TILTED)
    np.testing.assert_allclose(to_h, want, rtol=2e-4, atol=2e-4)
    still = of(np.zeros_like(x), TILTED)
    probe = picture(seed=2)
    np.testing.assert_allclose((to_image * probe).sum(), of(probe, TILTED) - still, rtol=1e-10)


def test_shared_batches_layouts_and_vjp():
    x, h = picture(), TILTED
    one = fs.perspective_sample(x[:1], h, SIZE)
    np.testing.assert_array_equal(one[1], fs.perspective_sample(x[:1], h[1:], SIZE)[0])
    strided = np.zeros((2, 3, 6))[..., ::2]
    strided[...] = h
    np.testing.assert_array_equal(fs.perspective_sample(x, strided, SIZE)[0], one[0])
    out = np.zeros((2, 3, *SIZE))
    assert fs.perspective_sample(x, h, SIZE, out=out) is out
    result, pullback = fs.vjp(fs.perspective_sample, x, h, SIZE)
    np.testing.assert_array_equal(result, out)
    both = pullback(np.ones_like(result))
    straight = fs.perspective_sample_backward(np.ones_like(result), x, h, SIZE)
    for a, b in zip(both, straight, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.compiled
def test_the_same_bits_on_any_number_of_threads():
    x, h = np.random.default_rng(3).random((1, 2, 200, 300)), TILTED[:1] * [1, 1, 40]
    grad, found = np.ones((1, 2, 150, 310)), []
    for threads in {1, numba.config.NUMBA_NUM_THREADS}:
        numba.set_num_threads(threads)
        result = fs.perspective_sample(x, h, (150, 310))
        found.append((result, *fs.perspective_sample_backward(grad, x, h, (150, 310))))
    for arrays in zip(*found, strict=True):
        assert all(np.array_equal(a, arrays[0]) for a in arrays)


def test_refusals_name_the_rule():
    x = picture()
    for h, message in (
        (TILTED[0], r"homography must have shape \(N, 3, 3\) with N = 2 or 1; got \(3, 3\)"),
        (np.ones((3, 3, 3)), "N = 2 or 1"),
    ):
        with pytest.raises(ValueError, match=message):
            fs.perspective_sample(x, h, SIZE)
    with pytest.raises(ValueError, match=r"input must have shape \(N, C, H, W\)"):
        fs.perspective_sample(x[..., None], TILTED, SIZE)
    with pytest.raises(ValueError, match=r"size must be the result's \(H, W\)"):
        fs.perspective_sample(x, TILTED, (3,))
    with pytest.raises(TypeError, match="homography must be"):
        fs.perspective_sample(x, TILTED.astype(int), SIZE)
