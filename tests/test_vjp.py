"""vjp: the result of a function, and the way back from a gradient of it."""

import functools

import numpy as np
import pytest
from cases import coordinates, noise

import fastsample as fs

IMAGE = noise(300, (2, 3, 6, 7), np.float32)
GRID = coordinates(301, (2, 4, 5), np.float32, (6, 7), "normalized")
THETA = (np.eye(2, 3) + noise(302, (2, 2, 3), np.float64) / 3).astype(np.float32)
SIZE = (2, 3, 4, 5)
GRAD = noise(303, SIZE, np.float32)
GRAD_GRID = noise(304, GRID.shape, np.float32)
CALLS = {
    "grid_sample": (fs.grid_sample, fs.grid_sample_backward, (IMAGE, GRID), GRAD),
    "affine_sample": (fs.affine_sample, fs.affine_sample_backward, (IMAGE, THETA, (4, 5)), GRAD),
    "affine_grid": (fs.affine_grid, fs.affine_grid_backward, (THETA, SIZE), GRAD_GRID),
}
OPTIONS = {
    "grid_sample": {"padding_mode": "border", "coordinates": "pixel"},
    "affine_sample": {"align_corners": True},
    "affine_grid": {"align_corners": True},
}
each_call = pytest.mark.parametrize("name", CALLS)
both_ways = pytest.mark.parametrize("spelled", [False, True], ids=["plain", "with options"])


def as_tuple(gradients):
    """A function of one array returns its gradient bare."""
    return gradients if isinstance(gradients, tuple) else (gradients,)


def wanted(name, options):
    """The result, and the gradients of the backward."""
    function, backward, arguments, grad = CALLS[name]
    skip = len(arguments) - 1 if name == "affine_grid" else 0
    last = backward(grad, *arguments[skip:], **options)
    return function(*arguments, **options), as_tuple(last)


def assert_all_equal(got, want):
    """The same tuples of arrays, to the bit."""
    assert type(got) is tuple
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


class TestPullback:
    @both_ways
    @each_call
    def test_is_the_backward(self, name, spelled):
        function, _, arguments, grad = CALLS[name]
        options = OPTIONS[name] if spelled else {}
        result, pullback = fs.vjp(function, *arguments, **options)
        want, gradients = wanted(name, options)
        np.testing.assert_array_equal(result, want, strict=True)
        assert_all_equal(pullback(grad), gradients)

    def test_options_by_position(self):
        _, pullback = fs.vjp(fs.grid_sample, IMAGE, GRID, "bilinear", "border", True)
        want = fs.grid_sample_backward(GRAD, IMAGE, GRID, "bilinear", "border", True)
        assert_all_equal(pullback(GRAD), want)
        _, pullback = fs.vjp(fs.affine_grid, THETA, SIZE, True)
        assert_all_equal(pullback(GRAD_GRID), (fs.affine_grid_backward(GRAD_GRID, SIZE, True),))

    def test_arrays_by_name(self):
        result, pullback = fs.vjp(fs.grid_sample, grid=GRID, input=IMAGE)
        np.testing.assert_array_equal(result, fs.grid_sample(IMAGE, GRID))
        assert_all_equal(pullback(GRAD), fs.grid_sample_backward(GRAD, IMAGE, GRID))

    @pytest.mark.parametrize("name", ["grid_sample", "affine_sample"])
    @pytest.mark.parametrize("mask", [(True, False), (False, True), (False, False)])
    def test_takes_a_mask(self, name, mask):
        function, _, arguments, grad = CALLS[name]
        _, pullback = fs.vjp(function, *arguments)
        whole = pullback(grad)
        got = pullback(grad, output_mask=mask)
        assert [g is not None for g in got] == list(mask)
        assert_all_equal(
            tuple(g for g in got if g is not None),
            tuple(g for g, asked in zip(whole, mask, strict=True) if asked),
        )

    @each_call
    def test_can_be_used_again(self, name):
        function, _, arguments, grad = CALLS[name]
        _, pullback = fs.vjp(function, *arguments)
        first = pullback(grad)
        pullback(grad * 2)
        assert_all_equal(pullback(grad), first)

    @each_call
    def test_is_linear(self, name):
        function, _, arguments, grad = CALLS[name]
        _, pullback = fs.vjp(function, *arguments)
        for once, twice in zip(pullback(grad), pullback(2 * grad), strict=True):
            np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)

    def test_each_keeps_its_own(self):
        """Pullbacks of several calls may be used in any order, as a chain rule does."""
        grid, through_grid = fs.vjp(fs.affine_grid, THETA, SIZE)
        result, through_image = fs.vjp(fs.grid_sample, IMAGE, grid)
        np.testing.assert_array_equal(result, fs.grid_sample(IMAGE, fs.affine_grid(THETA, SIZE)))
        grad_image, grad_grid = through_image(GRAD)
        (grad_theta,) = through_grid(grad_grid)
        both = fs.vjp(fs.affine_sample, IMAGE, THETA, (4, 5))[1](GRAD)
        np.testing.assert_allclose(grad_image, both[0], atol=1e-4)
        np.testing.assert_allclose(grad_theta, both[1], rtol=1e-4, atol=1e-3)


class TestErrors:
    @pytest.mark.parametrize(
        "function",
        [
            *(np.sin, len, print, None, "grid_sample", 3, [], np.zeros(2), lambda x: x),
            *(fs.vjp, fs.grid_sample_backward, fs.affine_grid_backward, functools.partial(len)),
        ],
        ids=lambda function: getattr(function, "__name__", str(function)),
    )
    def test_functions_without_a_backward(self, function):
        with pytest.raises(TypeError) as caught:
            fs.vjp(function, IMAGE, GRID)
        message = str(caught.value)
        assert message.startswith("vjp: function must be one of")
        for name in CALLS:
            assert name in message

    def test_the_message_names_what_came(self):
        with pytest.raises(TypeError, match="got grid_sample_backward"):
            fs.vjp(fs.grid_sample_backward, GRAD, IMAGE, GRID)

    def test_out_has_no_place(self):
        with pytest.raises(TypeError, match="vjp: out"):
            fs.vjp(fs.grid_sample, IMAGE, GRID, out=np.empty(SIZE, np.float32))

    def test_errors_of_the_function_are_its_own(self):
        with pytest.raises(ValueError, match="grid_sample: grid"):
            fs.vjp(fs.grid_sample, IMAGE, GRID[..., :1])

    def test_errors_of_the_pullback_are_the_backwards(self):
        _, pullback = fs.vjp(fs.grid_sample, IMAGE, GRID)
        with pytest.raises(ValueError, match="grid_sample_backward: grad_output"):
            pullback(GRAD[:1])
        with pytest.raises(TypeError, match="grid_sample_backward: output_mask"):
            pullback(GRAD, output_mask=3)
        with pytest.raises(TypeError):
            pullback(GRAD, mask=(True, True))

    def test_missing_arguments(self):
        with pytest.raises(TypeError):
            fs.vjp(fs.grid_sample, IMAGE)
        with pytest.raises(TypeError):
            fs.vjp()
