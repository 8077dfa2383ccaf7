"""Arrays of other frameworks: their own kind comes back, over the same memory."""

import child
import numpy as np
import pytest

import fastsample as fs

F32 = np.float32
IMAGE = np.random.default_rng(0).standard_normal((2, 3, 5, 6), F32)
GRID = np.random.default_rng(1).uniform(-1, 1, (2, 4, 7, 2)).astype(F32)
THETA = np.array([[[0.9, 0.2, 0.1], [-0.2, 0.8, 0]]] * 2, F32)
FLOW = np.random.default_rng(2).uniform(-2, 2, (2, 2, 5, 6)).astype(F32)


class Foreign:
    """An array of a framework that is none: NumPy's memory behind DLPack."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.where = array, device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.where

    def __array_namespace__(self):
        return Framework

    @property
    def dtype(self):
        return self.array.dtype


class Framework:
    """What makes one of its arrays from another's."""

    @staticmethod
    def from_dlpack(thing):
        return Foreign(np.from_dlpack(thing))


CALLS = {
    "grid_sample": (fs.grid_sample, (IMAGE, GRID), {}),
    "grid_sample_backward": (
        fs.grid_sample_backward,
        (np.ones((2, 3, 4, 7), F32), IMAGE, GRID),
        {},
    ),
    "affine_grid": (fs.affine_grid, (THETA, (2, 1, 4, 5)), {}),
    "affine_sample": (fs.affine_sample, (IMAGE, THETA, (4, 5)), {}),
    "point_sample": (fs.point_sample, (IMAGE, abs(GRID)), {}),
    "flow_warp": (fs.flow_warp, (IMAGE, FLOW), {}),
    "remap": (fs.remap, (IMAGE[0, 0], GRID[0, ..., 0], GRID[0, ..., 1]), {}),
    "region_shift": (fs.region_shift, (IMAGE, np.array([[1, -2]])), {}),
    "paste_masks": (fs.paste_masks, (abs(IMAGE[0]), np.eye(3, 4, 2, F32) * 4, (6, 7)), {}),
    "deform_conv2d": (
        fs.deform_conv2d,
        (IMAGE, np.zeros((2, 2, 5, 6), F32), np.ones((2, 3, 1, 1), F32)),
        {},
    ),
    "patch_affine": (fs.patch_affine, (IMAGE, THETA, np.array([[0, 0, 3, 4]] * 2), [0, 1]), {}),
    "channels_last": (
        fs.grid_sample,
        (np.moveaxis(IMAGE, 1, -1).copy(), GRID),
        {"channels_last": True},
    ),
}


def foreign(arguments):
    """Every array as the framework's."""
    return [Foreign(a) if isinstance(a, np.ndarray) else a for a in arguments]


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


@pytest.mark.compiled
class TestTorch:
    """With the real one, where it is installed."""

    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch")

    @pytest.mark.parametrize("name", CALLS)
    def test_tensors_come_back(self, torch, name):
        function, arguments, options = CALLS[name]
        tensors = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in arguments]
        got, want = function(*tensors, **options), function(*arguments, **options)
        if not isinstance(want, tuple):
            want, got = (want,), (got,)
        for one, other in zip(got, want, strict=True):
            assert type(one) is torch.Tensor
            np.testing.assert_array_equal(one.numpy(), other)

    def test_nothing_is_copied(self, torch):
        out = torch.zeros(2, 3, 4, 7)
        assert fs.grid_sample(torch.from_numpy(IMAGE), torch.from_numpy(GRID), out=out) is out
        np.testing.assert_array_equal(out.numpy(), fs.grid_sample(IMAGE, GRID))

    def test_channels_last_memory(self, torch):
        tensor = torch.from_numpy(IMAGE).contiguous(memory_format=torch.channels_last)
        got = fs.grid_sample(tensor, torch.from_numpy(GRID))
        np.testing.assert_array_equal(got.numpy(), fs.grid_sample(IMAGE, GRID))

    def test_what_requires_a_gradient(self, torch):
        with pytest.raises(TypeError, match=r"input.detach\(\)"):
            fs.grid_sample(torch.zeros(1, 1, 3, 3, requires_grad=True), torch.zeros(1, 1, 2))

    def test_bfloat16(self, torch):
        with pytest.raises(TypeError, match=r"input must be .*bfloat16.*convert it to float32"):
            fs.grid_sample(torch.zeros(1, 1, 3, 3, dtype=torch.bfloat16), torch.zeros(1, 1, 2))

    def test_another_device(self, torch):
        with pytest.raises(TypeError, match=r"input must be on the CPU; got torch.Tensor on meta"):
            fs.grid_sample(torch.zeros(1, 1, 3, 3, device="meta"), torch.zeros(1, 1, 2))


def test_no_framework_is_imported():
    """Not even where its name could be found: only one that is there already is looked at."""
    child.script(
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
