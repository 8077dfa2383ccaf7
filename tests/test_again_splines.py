"""Calls of `fastsample.ndimage` made again: what they answer is what a first call answers."""

import warnings

import numpy as np
import pytest

from fastsample import ndimage
from fastsample._calls import again

pytestmark = pytest.mark.compiled  # without the JIT no call is made again

RNG = np.random.default_rng(6)
OFTEN = again.FIRST + 2  # calls of which the last one is found without a key
TURN = np.array([[0.9, 0.3], [-0.3, 0.9]])


def image(*shape, dtype=np.float64):
    return RNG.uniform(0, 9, shape).astype(dtype)


def places():
    return RNG.uniform(-2, 9, (2, 6, 7))


# name -> the function, how to make arguments (with other numbers each time), options, and whether
# its second call is made again
CALLS = {
    "points": (ndimage.map_coordinates, lambda: (image(8, 8), places()), {"order": 1}, True),
    "cubic": (ndimage.map_coordinates, lambda: (image(8, 8), places()), {}, True),
    "padded": (ndimage.map_coordinates, lambda: (image(8, 8), places()), {"mode": "nearest"}, True),
    "rows of points": (
        ndimage.map_coordinates,
        lambda: (image(8, 8), places()[:, ::2]),
        {},
        False,
    ),
    "matrix": (ndimage.affine_transform, lambda: (image(8, 8), TURN + 0, 0.3), {}, True),
    "lists": (
        ndimage.affine_transform,
        lambda: (image(8, 8), [[0.9, 0.3], [0, 1]], [1.0, 2]),
        {},
        True,
    ),
    "turn": (ndimage.rotate, lambda: (image(8, 8), 33.3), {"reshape": False}, True),
    "right angle": (ndimage.rotate, lambda: (image(8, 9), 90), {}, True),
    "right angle into itself": (
        ndimage.rotate,
        lambda: (image(8, 9), 90, (1, 0), False),
        {},
        True,
    ),
    "zoom": (ndimage.zoom, lambda: (image(8, 8), 1.25), {}, True),
    "zoom of one axis": (ndimage.zoom, lambda: (image(8, 8), (1.25, 1)), {"order": 1}, True),
    "zoom by 1": (ndimage.zoom, lambda: (image(8, 8), 1), {}, True),
    "zoom that warns": (
        ndimage.zoom,
        lambda: (image(8, 8), 1.25),
        {"mode": "constant", "grid_mode": True},
        False,
    ),
    "shift": (ndimage.shift, lambda: (image(8, 8), 0.3), {"cval": 7.5}, True),
    "shift to integers": (
        ndimage.shift,
        lambda: (image(8, 8), [0.3, -1.2]),
        {"cval": 7.5, "output": np.float32},
        True,
    ),
    "whole shift": (ndimage.shift, lambda: (image(8, 8), (3, -2)), {"cval": 2.0}, True),
    "whole shift of what repeats": (
        ndimage.shift,
        lambda: (image(8, 8), 3),
        {"mode": "wrap"},
        False,
    ),
    "shift to other pixels": (
        ndimage.shift,
        lambda: (image(8, 9), (3.3, -1.6)),
        {"order": 0},
        True,
    ),
    "shift to other pixels, large": (
        ndimage.shift,
        lambda: (image(725, 730), (3.3, -1.6)),
        {"order": 0, "cval": 2.0},
        True,
    ),
    "matrix, large": (ndimage.affine_transform, lambda: (image(725, 730), TURN + 0, 0.3), {}, True),
    "shift of all": (ndimage.shift, lambda: (image(8, 8), 99.5), {}, False),
    "filter": (ndimage.spline_filter, lambda: (image(8, 8),), {}, True),
    "filter of a row": (ndimage.spline_filter1d, lambda: (image(8, 8),), {"axis": 0}, True),
    "order 1 of a filter": (ndimage.spline_filter1d, lambda: (image(8, 8), 1), {}, False),
    "complex": (ndimage.shift, lambda: (image(8, 8) + 1j * image(8, 8), 0.3), {}, False),
    "swapped result": (ndimage.shift, lambda: (image(8, 8), 0.3), {"output": ">f8"}, False),
    "mixed": (ndimage.spline_filter, lambda: (image(8, 8),), {"output": "i4"}, False),
    "strides": (ndimage.shift, lambda: (image(8, 16)[:, ::2], 0.3), {"order": 1}, True),
}


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(OFTEN):
            args = arguments()
            kept.append(args)  # so that no array lies where another one lay
            want = function.__wrapped__(*args, **options)
            found = function(*args, **options)
            assert (found.dtype, found.strides) == (want.dtype, want.strides)
            assert found.tobytes() == want.tobytes()
    assert len(firsts) == (1 if is_again else OFTEN)


def test_output_is_written(firsts):
    ndimage.shift.calls.forget()
    for _ in range(3):
        x, out = image(8, 8), np.full((8, 8), np.nan)
        want = ndimage.shift.__wrapped__(x, 0.3)
        assert ndimage.shift(x, 0.3, output=out) is out
        assert out.tobytes() == want.tobytes()
    assert len(firsts) == 1
    out.flags.writeable = False
    with pytest.raises(ValueError, match="output must be writable"):
        ndimage.shift(x, 0.3, output=out)


def test_output_may_be_the_input():
    x, out = image(8, 8), image(8, 8)
    ndimage.shift(x, 0.3, output=out)
    want = ndimage.shift(x, 0.3)
    assert ndimage.shift(x, 0.3, output=x) is x
    assert x.tobytes() == want.tobytes()


def test_a_matrix_is_told_apart_by_its_numbers(firsts):
    ndimage.affine_transform.calls.forget()
    x = image(8, 8)
    for angle in (0.1, 0.2, 0.1):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        want = ndimage.affine_transform.__wrapped__(x, turn)
        assert ndimage.affine_transform(x, turn).tobytes() == want.tobytes()
    assert len(firsts) == 2


def test_zoom_warns_each_time():
    x, found = image(8, 8), []
    for _ in range(3):
        with pytest.warns(UserWarning, match="recommended") as told:
            found.append(ndimage.zoom(x, 1.25, grid_mode=True).tobytes())
        assert len(told) == 1
    assert len(set(found)) == 1


def test_filters_are_found_without_a_key(monkeypatch):
    """One kernel that reads a table, and two kernels: what is kept holds both."""
    for function in (ndimage.spline_filter1d, ndimage.map_coordinates):
        function.calls.forget()
        more = (places(),) if function is ndimage.map_coordinates else ()
        for _ in range(OFTEN - 1):
            function(image(8, 8), *more)
        x = image(8, 8)
        want = function.__wrapped__(x, *more)
        with monkeypatch.context() as patch:
            patch.setattr(function.calls, "key", lambda *args: pytest.fail("asked for a key"))
            assert function(x, *more).tobytes() == want.tobytes()


def test_a_mapping_goes_through_calls_made_again(firsts):
    x = image(8, 8)
    want = ndimage.map_coordinates(x, np.mgrid[:8, :8] + [[[0.5]], [[-0.25]]])
    firsts.clear()
    for _ in range(3):
        found = ndimage.geometric_transform(x, lambda i: (i[0] + 0.5, i[1] - 0.25))
        assert found.tobytes() == want.tobytes()
    assert len(firsts) <= 1
