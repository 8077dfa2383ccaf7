"""Lists of images of different sizes: one batch, equal to a loop over the images."""

import mapping
import numba
import numpy as np
import pytest
from cases import fill_of

import fastsample as fs

SIZES = [(11, 13), (30, 7), (5, 40), (9, 9), (1, 6), (12, 1)]
RNG = np.random.default_rng(0)
THETA = (np.eye(2, 3) + RNG.normal(0, 0.2, (6, 2, 3))).astype(np.float32)
TILT = np.concatenate([THETA, [[[1e-3, -2e-3, 1.0]]] * 6], 1).astype(np.float32)
CONTROL = RNG.normal(0, 2, (6, 2, 3, 4)).astype(np.float32)
OUT = (8, 20)


def images(dtype=np.float32, last=False, channels=3, sizes=SIZES):
    rng = np.random.default_rng(1)
    made = [rng.random((*s, channels) if last else (channels, *s)) for s in sizes]
    return [
        (x * 255).astype(dtype) if np.dtype(dtype).kind == "u" else x.astype(dtype) for x in made
    ]


CALLS = {
    "affine": lambda x, n, **options: fs.affine_sample(
        x, THETA[n], OUT, coordinates="pixel", **options
    ),
    "perspective": lambda x, n, **options: fs.perspective_sample(x, TILT[n], OUT, **options),
    "elastic": lambda x, n, **options: fs.elastic_sample(x, CONTROL[n], OUT, THETA[n], **options),
}


def check(call, listed, **options):
    got = CALLS[call](listed, slice(None), **options)
    each = [CALLS[call](x[None], slice(k, k + 1), **options) for k, x in enumerate(listed)]
    np.testing.assert_array_equal(got, np.concatenate(each))
    assert got.any()
    return got


@pytest.mark.parametrize("rule", ["zeros", "reflection", "constant"])
@pytest.mark.parametrize("call", CALLS)
def test_is_a_loop(call, rule):
    # Axes of one pixel take other plans: under these rules by matrices alone.
    sizes = SIZES if call == "affine" else [(max(h, 2), max(w, 2)) for h, w in SIZES]
    planes, pixels = images(sizes=sizes), images(np.uint8, True, sizes=sizes)
    check(call, planes, padding_mode=rule, **fill_of(rule, 3))
    check(call, pixels, padding_mode=rule, fill_value=3, channels_last=True)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_layouts_and_channels(mode, channels):
    for last in (False, True):
        listed = images(np.uint8, last, channels)
        check("affine", listed, mode=mode, channels_last=last)
        check("affine", [x[::-1, :, ::-1] for x in listed], mode=mode, channels_last=last)


def random_view(rng, last):
    """An image of any size, now and then turned about or between other elements."""
    h, w = rng.integers(1, 40, 2)
    shape = (h, w, 3) if last else (3, h, w)
    x = rng.integers(0, 255, shape).astype(np.uint8 if last else np.float32)
    way = rng.integers(3)
    if way == 1:
        axis = int(rng.integers(3))
        return np.flip(np.flip(x, axis).copy(), axis)
    return np.repeat(x, 2, 1)[:, ::2] if way == 2 else x


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("last", [False, True])
def test_random_lists(call, last):
    rng = np.random.default_rng(3 + last)
    for _ in range(12):
        listed = [random_view(rng, last) for _ in range(rng.integers(1, 7))]
        got = CALLS[call](listed, slice(len(listed)), channels_last=last)
        for k, x in enumerate(listed):
            one = CALLS[call](x[None], slice(k, k + 1), channels_last=last)
            np.testing.assert_array_equal(got[k], one[0])


def test_equals_the_oracle():
    theta = THETA.astype(np.float64)
    options = {"coordinates": "pixel", "padding_mode": "border"}
    got = fs.affine_sample(images(np.float64), theta, OUT, **options)
    for k, x in enumerate(images(np.float64)):
        positions = mapping.through_matrices(theta[k : k + 1], OUT)
        want = mapping.sampled(x[None], positions, "bilinear", "border")
        np.testing.assert_allclose(got[k], want[0], atol=1e-12)


@pytest.mark.parametrize("dtype", [">f4", np.complex64, np.float16])
def test_other_types_and_orders(dtype):
    listed = images()
    if np.dtype(dtype).kind == "c":
        listed = [x + 1j * x[::-1] for x in listed]
    check("affine", [x.astype(dtype) for x in listed], padding_mode="constant", fill_value=2)


def test_per_channel_fills_labels_and_one_matrix_for_all():
    check("affine", images(), padding_mode="constant", fill_value=[1, 2, 3])
    check("affine", [x > 0.5 for x in images()], mode="nearest")
    got = fs.affine_sample(images(), THETA[:1], OUT)
    want = fs.affine_sample(images()[3:4], THETA[:1], OUT)
    np.testing.assert_array_equal(got[3], want[0])


def test_signals_and_volumes():
    theta = np.array([[[0.7, 1.0]]], np.float32)
    signals = [np.arange(n, dtype=np.float32)[None] for n in (5, 50)]
    got = fs.affine_sample(signals, theta, (4,), padding_mode="border")
    np.testing.assert_allclose(got[1, 0], 0.7 * np.arange(4) + 1, atol=1e-6)
    volumes = images(sizes=[(4, 5, 6), (7, 3, 9)])
    got = fs.affine_sample(volumes, np.eye(3, 4, dtype=np.float32)[None], (3, 3, 6))
    np.testing.assert_array_equal(got[1], volumes[1][:, :3, :3, :6])


def test_out_of_any_strides():
    want = CALLS["affine"](images(), slice(None))
    room = np.zeros((6, 3, OUT[0], 2 * OUT[1]), np.float32)
    for out in (np.empty_like(want), room[..., ::2]):
        assert CALLS["affine"](images(), slice(None), out=out) is out
        np.testing.assert_array_equal(out, want)
    assert not room[..., 1::2].any()


def test_a_matrix_that_is_not_finite_spoils_its_image_alone():
    theta = THETA.copy()
    theta[2] = np.nan
    got = fs.affine_sample(images(), theta, OUT)
    assert np.isnan(got[2]).all()
    assert np.isfinite(got[[0, 1, 3, 4, 5]]).all()


@pytest.mark.compiled
def test_the_same_bits_on_any_number_of_threads():
    listed = images(np.uint8, True, sizes=[(200, 300), (310, 120), (90, 500)])
    found = []
    for threads in {1, numba.config.NUMBA_NUM_THREADS}:
        numba.set_num_threads(threads)
        found.append(fs.affine_sample(listed, THETA[:3], (180, 190), channels_last=True))
    assert all(np.array_equal(x, found[0]) for x in found)


def test_refusals_name_the_first():
    listed = images()
    for bad, message in (
        (listed[3][:2], r"input\[3\] must have as many channels as input\[0\], 3; got shape"),
        (
            listed[3].astype(np.float64),
            r"input\[3\] must have input\[0\]'s type float32; got float64",
        ),
        (listed[3][0], r"input\[3\] must have shape \(C, \*in\)"),
        (listed[3][:, :0], r"input\[3\] must have no spatial axis of size 0"),
    ):
        came = [*listed[:3], bad, *listed[4:]]
        for call in CALLS:
            with pytest.raises(ValueError, match=message):
                CALLS[call](came, slice(None))
    with pytest.raises(ValueError, match=r"theta must have shape \(N, 2, 3\) with N = 6 or 1"):
        CALLS["affine"](listed, slice(4))
    square = np.zeros((6, 3, *OUT), np.float32)
    with pytest.raises(ValueError, match="out must not overlap"):
        CALLS["affine"]([*square], slice(None), out=square)
