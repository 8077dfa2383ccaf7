"""Arrays that say more than their numbers do: it counts, or one line says that it would not."""

from collections import deque

import numpy as np
import pytest
from interop import CALLS, EVERY, GRID, IMAGE, Foreign, each_array, refusal, with_one

import fastsample as fs

PLACES = each_array(EVERY)
MAPS = GRID[0, ..., 0], GRID[0, ..., 1]


class Metres(np.ndarray):
    """One that NumPy's functions ask what to do."""

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return NotImplemented


class Named(np.ndarray):
    """One that has a name besides."""


class Thing:
    """What NumPy takes to be an array, if it can be made one."""

    def __init__(self, made):
        self.made = made

    def __array__(self, dtype=None, copy=None):
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


class Unit(Thing):
    """Numbers of a unit."""

    units, ndim = "m", 2


class Blocks(Thing):
    """Computed when asked, and masked then; what NumPy is given is not."""

    @property
    def _meta(self):
        return np.ma.zeros((0, 0))


class Sparse:
    """Of no use before it is dense."""

    def toarray(self):
        return np.zeros((2, 2))


class Trained(Thing):
    """What a gradient is wanted of."""

    requires_grad = True


class Tracer(Foreign):
    """A class that has a protocol whose instances have not."""

    def __dlpack__(self, **options):
        raise AttributeError("no attribute __dlpack__\nand a page of advice")

    def __dlpack_device__(self):
        raise AttributeError("no attribute __dlpack_device__\nand a page of advice")


class Lazy(Foreign):
    """Its device is known; its memory is not."""

    def __dlpack__(self, **options):
        raise ZeroDivisionError("in the graph")


class Copying(Foreign):
    """One whose memory is a copy, and that says so when asked not to."""

    def __dlpack__(self, copy=None, **options):
        if copy is False:
            raise BufferError("a copy is needed")
        return self.array.copy().__dlpack__(**options)


class Poor(Foreign):
    """Of a framework that takes no array of NumPy's."""

    def __array_namespace__(self):
        return Poorhouse


class Poorhouse:
    @staticmethod
    def from_dlpack(thing):
        raise BufferError("no such type")


REFUSED = {  # what an array is made into, and what the message says to do
    "masked": (np.ma.masked_array, ".filled(value), and sample numpy.ma.getmaskarray"),
    "masked in a list": (lambda a: [np.ma.masked_array(part) for part in a], "[0].filled(value)"),
    "masked in a deque": (lambda a: deque([np.ma.masked_array(a)]), "[0].filled(value)"),
    "masked when asked": (lambda a: Thing(np.ma.masked_array(a)), "numpy.asanyarray("),
    "masked in blocks": (Blocks, ".compute().filled(value)"),
    "matrix": (lambda a: a.reshape(1, -1).view(np.matrix), "numpy.asarray("),
    "unit": (lambda a: a.view(Metres), "if its numbers alone are meant"),
    "unit of an object": (Unit, "if its numbers alone are meant"),
    "unit in a list": (lambda a: [Unit(part) for part in a], "numpy.asarray("),
    "records": (lambda a: np.rec.fromarrays([a, a], names="red,green"), "['red'] say"),
    "fields": (lambda a: np.asarray(np.rec.fromarrays([a, a], names="red,green")), "['red'] say"),
    "sparse": (lambda a: Sparse(), ".toarray()"),
    "trained": (Trained, ".detach(), and take gradients from fastsample.vjp"),
    "trained, in a list": (lambda a: [Trained(part) for part in a], "[0].detach()"),
    "tracer": (Tracer, "outside of jit, grad and vmap"),
    "tracers in a list": (lambda a: [Tracer(part) for part in a], "[0] must be"),
    "lazy": (Lazy, "(in the graph)"),
    "objects": (lambda a: Thing(np.array([None])), "must be an array"),
    **{
        f"{type(error).__name__}": (lambda a, error=error: Thing(error), "must be an array")
        for error in (
            AttributeError("x"),
            KeyError(1),
            AssertionError(),
            StopIteration(),
            OSError(),
        )
    },
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_in_every_argument(kind):
    make, advice = REFUSED[kind]
    for name, k in PLACES:
        assert advice in refusal(name, k, make)


@pytest.mark.parametrize(
    "make", [np.ma.masked_array, lambda a: a.view(np.matrix), lambda a: a.view(Metres)]
)
def test_refused_as_out(make):
    out = make(np.zeros((4, 7), np.float32))
    with pytest.raises(TypeError, match=r"^remap: out must be an array .*; got .*: pass "):
        fs.remap(IMAGE[0, 0], *MAPS, out=out)


def test_an_out_that_would_be_copied():
    """What is written to a copy is lost."""
    with pytest.raises(TypeError, match=r"grid_sample: out must be .*\(a copy is needed\)"):
        fs.grid_sample(IMAGE, GRID, out=Copying(np.zeros((2, 3, 4, 7), np.float32)))


@pytest.mark.compiled
class TestTaken:
    @pytest.mark.parametrize(
        "make",
        [
            lambda a: a.view(Named),
            Thing,
            Copying,
            lambda a: list(map(Thing, a)),
            lambda a: tuple(map(Foreign, a)),
            lambda a: deque(a),
        ],
    )
    def test_whose_memory_is_all(self, make):
        for name, k in each_array(CALLS):
            if (name, k) == ("affine_sample", 0) and isinstance(make(IMAGE), list | tuple):
                continue  # a list of images, whose matrices are in pixels
            got, want = with_one(name, k, make), with_one(name, k, np.copy)
            if not isinstance(want, tuple):
                want, got = (want,), (got,)
            for one, other in zip(got, want, strict=True):
                np.testing.assert_array_equal(getattr(one, "array", one), other)

    def test_a_file_in_memory(self, tmp_path):
        file = np.memmap(tmp_path / "image", np.float32, "w+", shape=IMAGE.shape)
        file[...] = IMAGE
        np.testing.assert_array_equal(fs.grid_sample(file, GRID), fs.grid_sample(IMAGE, GRID))

    def test_sizes_and_flags_of_numpy(self):
        size = np.int64(4), np.int64(5)
        got = fs.affine_grid(np.eye(2, 3)[None], (np.int64(1), 1, *size), np.bool_(False))
        assert got.shape == (1, 4, 5, 2)

    def test_the_mask_by_hand(self):
        """What the message advises: the share of the weights that were valid."""
        raster = np.ma.masked_equal(np.where(np.eye(6), -9999.0, 10.0), -9999)
        at = np.array([1.5, 2.25, 4.0]), np.array([1.0, 2.25, 3.5])
        share = 1 - fs.remap(np.ma.getmaskarray(raster).astype(np.float32), *at)
        np.testing.assert_allclose(fs.remap(raster.filled(0), *at) / share, 10, rtol=1e-6)

    def test_a_result_that_its_framework_has_not(self):
        with pytest.raises(
            TypeError, match=r"grid_sample: the result must be .*no such type.*: pass"
        ):
            fs.grid_sample(Poor(IMAGE), GRID)


def test_lists_that_hold_themselves():
    nest = []
    nest.append(nest)
    with pytest.raises(TypeError, match="grid_sample: input must be an array; got list"):
        fs.grid_sample(nest, GRID)


def test_too_many_arguments_are_pythons_to_refuse():
    with pytest.raises(TypeError, match="positional argument"):
        fs.grid_sample(Foreign(IMAGE), GRID, "bilinear", "zeros", False, 7)
