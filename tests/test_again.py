"""Calls made again without their checks: what they answer is what a first call answers."""

import sys
from functools import partial

import numpy as np
import pytest

import fastsample as fs
from fastsample._calls import again
from fastsample._kernels import recall
from fastsample._kernels.compiler.flat import address
from fastsample._kernels.recall import Memory

pytestmark = pytest.mark.compiled  # without the JIT no call is made again

RNG = np.random.default_rng(5)
OFTEN = again.FIRST + 2  # calls of which the last one is found without a key
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
        True,
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
def firsts(monkeypatch):
    """The calls that were not made again."""
    counts, first = [], again.Calls.first
    monkeypatch.setattr(again.Calls, "first", lambda *args: counts.append(args) or first(*args))
    return counts


@pytest.mark.parametrize("name", CALLS)
def test_the_next_call_answers_as_a_first_one(name, firsts):
    function, arguments, options, is_again = CALLS[name]
    function.calls.forget()
    kept = []
    for _ in range(OFTEN):
        args = arguments()
        kept.append(args)  # so that no array lies where another one lay
        want = function.__wrapped__(*args, **options)
        assert same(function(*args, **options), want)
    assert len(firsts) == (1 if is_again else OFTEN)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_out_is_written(dtype, firsts):
    fs.grid_sample.calls.forget()
    for _ in range(3):
        x, grid, out = (
            image(2, 3, 6, 7, dtype=dtype),
            numbers(*GRID, dtype=np.float64 if dtype == np.float64 else np.float32),
            image(2, 3, 5, 4).astype(dtype),
        )
        want = fs.grid_sample.__wrapped__(x, grid)
        assert fs.grid_sample(x, grid, out=out) is out
        assert same(out, want)
    assert len(firsts) == 1


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
    fs.grid_sample.calls.forget()
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
    fs.grid_sample.calls.forget()
    for n in range(1, 9):
        fs.grid_sample(x, numbers(1, n, 2))
        assert len(fs.grid_sample.calls.known) <= 3


def test_only_so_many_bytes_of_tables_are_kept(monkeypatch):
    calls, grid = fs.grid_sample.calls, numbers(*GRID)
    calls.forget()
    fs.grid_sample(image(2, 3, 6, 7), grid)
    one = calls.held
    assert one > 0
    monkeypatch.setattr(again, "HELD", 2 * one)
    fs.grid_sample(image(2, 3, 6, 8), grid)
    assert (len(calls.known), calls.held) == (2, 2 * one)
    fs.grid_sample(image(2, 3, 6, 9), grid)
    assert (len(calls.known), calls.held) == (1, one)


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


def test_arrays_of_other_layouts_are_not_found():
    memory, x = Memory(), np.zeros((2, 3), np.uint8)
    words = "a word", True, 0.5, None, (3, 4), (), 0
    memory.remember((x, *words), answer := object())
    assert memory.find((np.ones((2, 3), np.uint8), *words)) is answer
    others = (
        np.zeros((2, 3), np.int8),
        np.zeros((3, 2), np.uint8).T,
        np.zeros((4, 3), np.uint8)[::2],
        np.zeros((1, 2, 3), np.uint8),
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 3), np.uint8).view(type("Sub", (np.ndarray,), {})),
        (2, 3),
        None,
    )
    assert [memory.find((other, *words)) for other in others] == [None] * len(others)


def test_other_words_are_not_found():
    memory, x = Memory(), np.zeros((2, 3), np.uint8)
    words = "a word", True, 0.5, None, (3, 4), (), 0
    memory.remember((x, *words), "found")
    for k, other in enumerate(("b", 1, 0.25, False, (3, 5), (3,), 1)):
        assert memory.find((x, *words[:k], other, *words[k + 1 :])) is None
    for few in ((), (x,), (x, *words[:-1]), (x, *words, 0)):
        assert memory.find(few) is None
    assert memory.find((x, *words)) == "found"


def test_the_calls_remembered_last_are_found():
    memory = Memory()
    for k in range(20):
        memory.remember((k,), f"answer {k}")
        found = [memory.find((j,)) for j in range(k + 1)]
        kept = min(k + 1, recall.SLOTS)
        assert found == [None] * (k + 1 - kept) + [
            f"answer {j}" for j in range(k + 1 - kept, k + 1)
        ]
    memory.remember((tuple(range(200)),), "too long")
    assert memory.find((tuple(range(200)),)) is None


def test_references_are_counted():
    memory, answer = Memory(), object()
    memory.remember((1,), answer)
    before = sys.getrefcount(answer), sys.getrefcount(memory.table)
    for _ in range(1000):
        memory.find((1,))
        memory.find((2,))
    assert (sys.getrefcount(answer), sys.getrefcount(memory.table)) == before


def test_what_may_change_is_not_remembered():
    fs.grid_sample.calls.forget()
    x, fills = image(1, 2, 6, 7), [0.5, 0.25]
    call = partial(fs.grid_sample, mode="nearest", padding_mode="constant", fill_value=fills)
    for value in (0.5, 4.0, 5.0, 6.0):
        fills[0] = value
        for _ in range(OFTEN):
            assert call(x, np.full((1, 5, 4, 2), 9, np.float32))[0, 0, 0, 0] == value


def test_a_usual_call_is_found_without_a_key(monkeypatch):
    fs.affine_sample.calls.forget()
    words = {"channels_last": True, "coordinates": "pixel"}
    for _ in range(OFTEN - 1):
        fs.affine_sample(image(1, 6, 7, 3), THETA, (5, 4), **words)
    monkeypatch.setattr(fs.affine_sample.calls, "key", lambda *args: pytest.fail("asked for a key"))
    x, theta = image(1, 6, 7, 3), THETA + np.float32(0.1)
    found = fs.affine_sample(x, theta, (5, 4), **words)
    assert same(found, fs.affine_sample.__wrapped__(x, theta, (5, 4), **words))


def test_objects_that_are_not_understood_are_not_looked_at(monkeypatch):
    monkeypatch.setattr(again, "is_usable", lambda: False)
    fs.grid_sample.calls.forget()
    for _ in range(OFTEN + 1):
        fs.grid_sample(image(2, 3, 6, 7), numbers(*GRID))
    assert fs.grid_sample.calls.memory is None
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert not recall.is_usable.__wrapped__()
