"""Copies whose rows are columns of what is read."""

import itertools

import numpy as np
import pytest
from guarded import SIDES, guarded

from fastsample import ndimage
from fastsample._calls.splines import copies, turned_copy

pytestmark = pytest.mark.compiled  # large arrays
RNG = np.random.default_rng(11)
# Sizes that squares of 16 by a cache line do not fill, those that they do (large enough to be
# streamed), and the least; planes along one axis or two of them.
SHAPES = ((513, 301), (1024, 768), (16, 8200), (8200, 16), (7, 130, 311), (3, 65, 2, 701))
DTYPES = ("f4", "f8", "i4", "u8", "c8")


def views(x):
    """All that transposing and flipping makes of an array."""
    flips = list(itertools.product((1, -1), repeat=x.ndim))
    for k, order in enumerate(itertools.permutations(range(x.ndim))):
        for flip in flips if x.ndim < 3 else flips[k % len(flips) :: 5]:
            yield x.transpose(order)[tuple(slice(None, None, step) for step in flip)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_any_order_of_axes(shape, dtype):
    x = RNG.integers(0, 255, (*shape, np.dtype(dtype).itemsize), np.uint8).view(dtype)[..., 0]
    turned = 0
    for view in views(x):
        frame = np.zeros((*view.shape[:-1], view.shape[-1] + 3), dtype)
        for out in (np.empty(view.shape, dtype), frame[..., 1:-2]):
            if turned_copy.suits(view, out):
                turned_copy.copy(view, out)
                turned += 1
                assert out.tobytes() == view.tobytes()
        assert not frame[..., 0].any()
        assert not frame[..., -2:].any()
    assert turned


def test_what_is_left_to_others():
    x, out = np.zeros((600, 600)), np.zeros((600, 600))
    assert turned_copy.suits(x.T, out)
    assert not turned_copy.suits(x, out)  # rows of both
    assert not turned_copy.suits(x.T, out.T)
    assert not turned_copy.suits(x[:90, :90].T, out[:90, :90])  # few
    assert not turned_copy.suits(x[:, :7].T, out[:7])  # no square
    assert not turned_copy.suits(x[:15].T, out[:, :15])
    assert not turned_copy.suits(x.astype(np.uint8).T, out.astype(np.uint8))
    raw = np.zeros(x.nbytes + 4, np.uint8)[4:].view(np.float64).reshape(x.shape)
    assert turned_copy.suits(raw.T, out) == raw.flags.aligned


@pytest.mark.parametrize("sides", list(itertools.product(SIDES, SIDES)))
def test_reads_and_writes_nothing_beyond(sides):
    shape = (203, 179)
    x, out = (
        guarded(RNG.normal(size=n), side)
        for n, side in zip((shape, shape[::-1]), sides, strict=True)
    )
    for view in (x.T, x.T[::-1], x.T[:, ::-1]):
        out[...] = 0
        turned_copy.copy(view, out)
        np.testing.assert_array_equal(out, view)


def test_large_copies_are_made_again(monkeypatch):
    """One that was made before goes straight to its copies; what it reads and writes is its own."""
    x = RNG.normal(size=(800, 704))
    calls = {
        "turn": lambda x: ndimage.rotate(x, 90),
        "shift": lambda x: ndimage.shift(x, (3, -2), cval=7.0),
    }
    wanted = {name: call(x) for name, call in calls.items()}
    moved = []
    move = copies.move
    monkeypatch.setattr(copies, "move", lambda *args: moved.append(args) or move(*args))
    for name, call in calls.items():
        np.testing.assert_array_equal(call(-x), wanted[name] * np.where(wanted[name] == 7, 1, -1))
    assert not moved
