"""Calls made again without their checks: what they answer is what a first call answers."""

import numpy as np
import pytest

import fastsample as fs
from fastsample._calls import again
from fastsample._kernels.compiler.flat import address

pytestmark = pytest.mark.compiled  # without the JIT no call is made again

RNG = np.random.default_rng(5)
THETA = np.array([[[0.8, 0.3, 0.1], [-0.2, 0.9, 0.0]]], np.float32)


def numbers(*shape, dtype=np.float32, low=-1.0, high=1.0):
    if np.dtype(dtype).kind == "u":
        return RNG.integers(0, 255, shape, dtype)
    if np.dtype(dtype).kind == "c":
        return (RNG.uniform(low, high, shape) + 1j * RNG.uniform(low, high, shape)).astype(dtype)
    return RNG.uniform(low, high, shape).astype(dtype)


def image(*shape, **options):
    return numbers(*shape, **options)


def last(x):
    """The same axes, channels last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def result():
    return numbers(2, 3, 5, 4)


GRID = (2, 5, 4, 2)
# name -> the function, how to make arguments (with other numbers each time), options, and whether
# its second call is made again
CALLS = {
    "grid": (fs.grid_sample, lambda: (image(2, 3, 6, 7), numbers(*GRID)), {}, True),
    "shared image": (fs.grid_sample, lambda: (image(1, 3, 6, 7), numbers(*GRID)), {}, True),
    "options": (
        fs.grid_sample,
        lambda: (image(2, 3, 6, 7), numbers(*GRID), "bicubic", "reflection", True),
        {},
        True,
    ),
    "fill": (
        fs.grid_sample,
        lambda: (image(2, 3, 6, 7), numbers(*GRID, low=-2, high=2), "nearest", "constant"),
        {"fill_value": 0.25},
        True,
    ),
    "fills": (
        fs.grid_sample,
        lambda: (image(2, 3, 6, 7), numbers(*GRID, low=-2, high=2), "nearest", "constant"),
        {"fill_value": (1.0, 2.0, 3.0)},
        True,
    ),
    "channels last": (
        fs.grid_sample,
        lambda: (image(2, 6, 7, 3, dtype=np.uint8), numbers(*GRID)),
        {"channels_last": True},
        True,
    ),
    "planar of last": (fs.grid_sample, lambda: (last(image(2, 3, 6, 7)), numbers(*GRID)), {}, True),
    "strides": (
        fs.grid_sample,
        lambda: (image(2, 3, 6, 14)[..., ::2], numbers(2, 5, 8, 2)[:, :, ::2]),
        {},
        True,
    ),
    "backwards": (
        fs.grid_sample,
        lambda: (image(2, 3, 6, 7)[:, :, ::-1], numbers(*GRID)),
        {},
        False,
    ),
    "complex": (
        fs.grid_sample,
        lambda: (image(2, 3, 6, 7, dtype=np.complex64), numbers(*GRID)),
        {},
        False,
    ),
    "half grid": (
        fs.grid_sample,
        lambda: (image(2, 3, 6, 7), numbers(*GRID, dtype=np.float16)),
        {},
        False,
    ),
    "swapped": (
        fs.grid_sample,
        lambda: (image(2, 3, 6, 7).astype(">f4"), numbers(*GRID)),
        {},
        False,
    ),
    "empty": (fs.grid_sample, lambda: (image(2, 3, 6, 7), numbers(2, 0, 4, 2)), {}, False),
    "grid's gradients": (
        fs.grid_sample_backward,
        lambda: (result(), image(2, 3, 6, 7), numbers(*GRID)),
        {},
        True,
    ),
    "one gradient": (
        fs.grid_sample_backward,
        lambda: (result(), image(2, 3, 6, 7), numbers(*GRID)),
        {"output_mask": (False, True)},
        True,
    ),
    "sums of a shared image": (
        fs.grid_sample_backward,
        lambda: (result(), image(1, 3, 6, 7), numbers(*GRID)),
        {},
        True,
    ),
    "many channels' gradients": (
        fs.grid_sample_backward,
        lambda: (numbers(1, 32, 64, 64), image(1, 32, 64, 64), numbers(1, 64, 64, 2)),
        {"output_mask": (True, False)},
        True,
    ),
    "matrix": (fs.affine_sample, lambda: (image(1, 3, 6, 7), THETA + 0, (5, 4)), {}, True),
    "matrix's gradients": (
        fs.affine_sample_backward,
        lambda: (numbers(1, 3, 5, 4), image(1, 3, 6, 7), THETA + 0, (5, 4)),
        {},
        False,
    ),
    "matrix's grid": (fs.affine_grid, lambda: (numbers(2, 2, 3), (2, 3, 5, 4)), {}, False),
    "points": (
        fs.point_sample,
        lambda: (image(2, 3, 6, 7), numbers(2, 9, 2, low=0)),
        {"mode": "bilinear"},
        True,
    ),
    "flow": (fs.flow_warp, lambda: (image(2, 3, 6, 7), numbers(2, 2, 6, 7)), {}, True),
    "flow last": (
        fs.flow_warp,
        lambda: (image(2, 6, 7, 3), numbers(2, 6, 7, 2)),
        {"channels_last": True},
        True,
    ),
    "flow's gradients": (
        fs.flow_warp_backward,
        lambda: (numbers(2, 3, 6, 7), image(2, 3, 6, 7), numbers(2, 2, 6, 7)),
        {},
        True,
    ),
    "maps": (
        fs.remap,
        lambda: (
            image(6, 7, 3, dtype=np.uint8),
            numbers(5, 4, low=-1, high=7),
            numbers(5, 4, low=-1, high=7),
        ),
        {},
        True,
    ),
    "gray": (
        fs.remap,
        lambda: (image(6, 7), numbers(5, 4, low=-1, high=7), numbers(5, 4, low=-1, high=7)),
        {},
        True,
    ),
    "one map": (
        fs.remap,
        lambda: (image(6, 7, 3), numbers(5, 4, 2, low=-1, high=7)),
        {},
        True,
    ),
    "maps of two layouts": (
        fs.remap,
        lambda: (image(6, 7), numbers(5, 4), numbers(4, 5).T),
        {},
        False,
    ),
}


def same(a, b):
    """The same bits, of results or tuples of them."""
    a, b = (x if isinstance(x, tuple) else (x,) for x in (a, b))
    return len(a) == len(b) and all(
        (x is None and y is None)
        or (x.dtype == y.dtype and x.strides == y.strides and x.tobytes() == y.tobytes())
        for x, y in zip(a, b, strict=True)
    )


@pytest.fixture
def counted(monkeypatch):
    """How often a call was made again."""
    counts = []
    original = again.again
    monkeypatch.setattr(
        "fastsample._calls.dlpack.again", lambda *args: counts.append(1) or original(*args)
    )
    return counts


@pytest.mark.parametrize("name", CALLS)
def test_the_next_call_answers_as_a_first_one(name, counted):
    function, arguments, options, is_again = CALLS[name]
    function.calls.known.clear()
    kept = []
    for _ in range(4):
        args = arguments()
        kept.append(args)  # so that no array lies where another one lay
        want = function.__wrapped__(*args, **options)
        assert same(function(*args, **options), want)
    assert len(counted) == (3 if is_again else 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_out_is_written(dtype, counted):
    fs.grid_sample.calls.known.clear()
    for _ in range(3):
        x, grid, out = (
            image(2, 3, 6, 7, dtype=dtype),
            numbers(*GRID),
            image(2, 3, 5, 4).astype(dtype),
        )
        want = fs.grid_sample.__wrapped__(x, grid)
        assert fs.grid_sample(x, grid, out=out) is out
        assert same(out, want)
    assert len(counted) == 2


def test_what_an_out_must_be_holds_for_each_call():
    memory = image(4, 3, 6, 7)
    x, grid = memory[:2], numbers(2, 6, 7, 2)
    fs.grid_sample(x, grid, out=memory[2:])
    with pytest.raises(ValueError, match="out must not overlap input"):
        fs.grid_sample(x, grid, out=memory[1:3])
    with pytest.raises(ValueError, match="out must not overlap input"):
        fs.grid_sample(x, grid, out=x)
    memory.flags.writeable = False
    with pytest.raises(ValueError, match="out must be writeable"):
        fs.grid_sample(x, grid, out=memory[2:])


def test_equal_options_of_other_types_are_not_the_same():
    x, grid = image(1, 3, 6, 7), numbers(1, 5, 4, 2, low=-3, high=3)
    fs.affine_sample(x, THETA, (5, 4))
    with pytest.raises(TypeError, match="size must be"):
        fs.affine_sample(x, THETA, (5.0, 4))
    fs.grid_sample(x, grid, align_corners=True)
    with pytest.raises(TypeError, match="align_corners"):
        fs.grid_sample(x, grid, align_corners=1)


def test_zero_is_one_fill_value():
    x, grid = image(1, 3, 6, 7), np.full((1, 5, 4, 2), 9, np.float32)
    for zero in (0.0, -0.0, 0, [0.0, -0.0, 0.0]):
        made = fs.grid_sample(x, grid, "nearest", "constant", fill_value=zero)
        assert not np.signbit(made).any()


def test_an_array_that_is_two_arguments_says_nothing_of_the_next_call():
    fs.grid_sample.calls.known.clear()
    both = numbers(1, 2, 2, 2)
    fs.grid_sample(both, both)
    x, grid = numbers(1, 2, 2, 2), numbers(1, 2, 2, 2)
    assert same(fs.grid_sample(x, grid), fs.grid_sample.__wrapped__(x, grid))


@pytest.mark.parametrize("distance", [-400, -48, 80, 84, 2000, 2002, 81])
def test_maps_at_any_distance(distance):
    x = image(6, 7)
    fs.remap(x, numbers(5, 4, low=0, high=6), numbers(5, 4, low=0, high=6))
    memory = np.zeros(8000, np.uint8)
    first = memory[4000:4080].view(np.float32).reshape(5, 4)
    second = memory[4000 + distance : 4080 + distance].view(np.float32).reshape(5, 4)
    second[...] = numbers(5, 4, low=0, high=6)
    first[...] = numbers(5, 4, low=0, high=6)
    want = fs.remap(x, first.copy(), second.copy())
    assert same(fs.remap(x, first, second), want)


def test_only_so_many_calls_are_kept(monkeypatch):
    monkeypatch.setattr(again, "MOST", 3)
    x = image(1, 1, 6, 7)
    for n in range(1, 9):
        fs.grid_sample(x, numbers(1, n, 2))
        assert len(fs.grid_sample.calls.known) <= max(3, n)
    fs.grid_sample.calls.known.clear()
    for n in range(1, 9):
        fs.grid_sample(x, numbers(1, n, 2))
        assert len(fs.grid_sample.calls.known) <= 3


def test_an_error_is_one_again():
    x = image(1, 1, 6, 7)
    for _ in range(3):
        with pytest.raises(ValueError, match="grid must have shape"):
            fs.grid_sample(x, numbers(1, 4, 3))


def test_the_address_is_that_of_the_first_element():
    x = image(6, 7)
    for view in (x, x[2:], x[::-1], x[:, ::-2], x[:0], x.T, x[0, 0]):
        view = np.asarray(view)
        assert address(view) == view.ctypes.data
