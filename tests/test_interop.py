"""Arrays of other frameworks: their own kind comes back, over the same memory."""

import numpy as np
import nursery
import pytest
from interop import CALLS, F32, GRID, IMAGE, Foreign, foreign

import fastsample as fs


@pytest.mark.compiled
class TestForeign:
    @pytest.mark.parametrize("name", CALLS)
    def test_results_are_of_the_same_kind(self, name):
        function, arguments, options = CALLS[name]
        want = function(*arguments, **options)
        got = function(*foreign(arguments), **options)
        if not isinstance(want, tuple):
            want, got = (want,), (got,)
        for one, other in zip(got, want, strict=True):
            assert type(one) is Foreign
            np.testing.assert_array_equal(one.array, other)

    def test_the_first_array_rules(self):
        assert type(fs.grid_sample(IMAGE, Foreign(GRID))) is np.ndarray
        assert type(fs.grid_sample(Foreign(IMAGE), GRID)) is Foreign
        assert type(fs.grid_sample(grid=GRID, input=Foreign(IMAGE))) is Foreign

    def test_out_is_written_in_place(self):
        memory = np.zeros((2, 3, 4, 7), F32)
        out = Foreign(memory)
        assert fs.grid_sample(Foreign(IMAGE), Foreign(GRID), out=out) is out
        np.testing.assert_array_equal(memory, fs.grid_sample(IMAGE, GRID))

    def test_a_read_only_input_is_taken(self):
        image = IMAGE.copy()
        image.flags.writeable = False
        got = fs.grid_sample(Foreign(image), Foreign(GRID))
        np.testing.assert_array_equal(got.array, fs.grid_sample(IMAGE, GRID))

    def test_a_read_only_out_is_not(self):
        memory = np.zeros((2, 3, 4, 7), F32)
        memory.flags.writeable = False
        with pytest.raises(ValueError, match="grid_sample: out must be writeable"):
            fs.grid_sample(Foreign(IMAGE), Foreign(GRID), out=Foreign(memory))

    def test_an_out_that_overlaps(self):
        memory = np.zeros((2, 3, 4, 7), F32)
        with pytest.raises(ValueError, match="out must not overlap input"):
            fs.grid_sample(Foreign(memory), Foreign(GRID), out=Foreign(memory))

    def test_no_gradient_is_asked_for(self):
        grads = fs.grid_sample_backward(
            *foreign([np.ones((2, 3, 4, 7), F32), IMAGE, GRID]), output_mask=(False, True)
        )
        assert grads[0] is None
        assert type(grads[1]) is Foreign

    def test_vjp(self):
        result, pullback = fs.vjp(fs.grid_sample, Foreign(IMAGE), Foreign(GRID))
        assert type(result) is Foreign
        want = fs.grid_sample_backward(np.ones((2, 3, 4, 7), F32), IMAGE, GRID)
        for got, array in zip(pullback(Foreign(np.ones((2, 3, 4, 7), F32))), want, strict=True):
            np.testing.assert_array_equal(got.array, array)


class TestErrors:
    def test_another_device(self):
        with pytest.raises(TypeError, match=r"grid must be on the CPU; got .*Foreign on"):
            fs.grid_sample(IMAGE, Foreign(GRID, device=(2, 0)))

    def test_a_type_that_numpy_has_not(self):
        class Bfloat16(Foreign):
            dtype = "bfloat16"

            def __dlpack__(self, **options):
                raise BufferError("no such type")

        with pytest.raises(TypeError, match=r"input must be .*bfloat16 \(no such type\): convert"):
            fs.grid_sample(Bfloat16(IMAGE), GRID)

    def test_a_gradient_that_would_be_lost(self):
        thing = Foreign(IMAGE)
        thing.requires_grad = True
        with pytest.raises(TypeError, match=r"input.detach\(\).*fastsample.vjp"):
            fs.grid_sample(thing, GRID)


def test_no_framework_is_imported():
    """Not even where its name could be found: only one that is there already is looked at."""
    nursery.script(
        """
        import sys
        import numpy as np
        before = set(sys.modules)
        import fastsample as fs
        fs.grid_sample(np.ones((1, 1, 3, 3), "f4"), np.zeros((1, 2, 2), "f4"))
        for name in ("torch", "jax", "tensorflow", "cupy", "mlx", "dlpack", "paddle"):
            assert name not in set(sys.modules) - before, name
        """
    )
