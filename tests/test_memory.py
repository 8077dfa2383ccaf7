"""Nothing is copied that need not be."""

import tracemalloc
import weakref

import numpy as np
import pytest
from cases import noise

import fastsample as fs
from fastsample._calls.buffers import as_bytes, read_bytes
from fastsample._calls.kept import STORE
from fastsample._kernels.threads import MOST_THREADS

pytestmark = pytest.mark.compiled
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def image():
    """Four planes of four megabytes."""
    return noise(0, (1, 4, 1024, 1024), np.float32)


@pytest.fixture(scope="module")
def grid():
    """Four samples of a megabyte."""
    return np.random.default_rng(1).uniform(-1, 1, (4, 512, 256, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def grad():
    """Of the result of `image` at one sample of `grid`."""
    return noise(2, (1, 4, 512, 256), np.float32)


def peak(image, grid, **options):
    """The most that NumPy and Python held during a call, beyond what was there."""
    batch = max(len(image), len(grid))
    out = np.empty((batch, image.shape[1], *grid.shape[1:-1]), image.dtype.newbyteorder("="))
    fs.grid_sample(image, grid, out=out, **options)  # loads the kernel
    STORE.free.clear()  # memory that is kept is memory
    tracemalloc.start()
    fs.grid_sample(image, grid, out=out, **options)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def frozen(array):
    """A read-only copy."""
    array = array.copy()
    array.flags.writeable = False
    return array


def swapped(array):
    return array.astype(array.dtype.newbyteorder())


def unaligned(array):
    copy = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


VIEWS = {
    "as it is": np.s_[:, :],
    "every other column": np.s_[:, ::2],
    "every other row": np.s_[::2, :],
    "a crop": np.s_[7:, :-9],
    "upside down": np.s_[::-1, :],
    "mirrored": np.s_[:, ::-1],
}
"""Rows and columns."""

CHANGES = {
    "read-only": frozen,
    "transposed": lambda a: a.swapaxes(1, 2) if a.shape[-1] == 2 else a.swapaxes(2, 3),
    "a broadcast batch": lambda a: np.broadcast_to(a[:1], (4, *a.shape[1:])),
}
each_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


@each_view
def test_views_of_an_image_are_sampled_in_place(image, grid, view):
    assert peak(image[(slice(None), slice(None), *view)], grid[:1]) < MEGABYTE / 4


@each_view
def test_views_of_a_grid_are_read_in_place(image, grid, view):
    assert peak(image[:, :1], grid[(slice(None), *view)]) < MEGABYTE / 4


@each_change
def test_other_images_are_sampled_in_place(image, grid, change):
    assert peak(change(image), grid[:1]) < MEGABYTE / 4


@each_change
def test_other_grids_are_read_in_place(image, grid, change):
    assert peak(image[:, :1], change(grid)) < MEGABYTE / 4


@pytest.mark.parametrize("change", [swapped, unaligned])
def test_an_unavoidable_copy_is_of_one_plane(image, grid, change):
    assert peak(change(image), grid[:1]) < 5 * MEGABYTE


@pytest.mark.parametrize("change", [swapped, unaligned])
def test_an_unavoidable_copy_is_of_one_sample_of_the_grid(image, grid, change):
    assert peak(image[:, :1], change(grid)) < 2 * MEGABYTE


def test_a_strided_out_is_written_in_place(image, grid):
    out = np.empty((1, 4, 512, 512), np.float32)[..., ::2]
    fs.grid_sample(image, grid[:1], out=out)
    STORE.free.clear()  # memory that is kept is memory
    tracemalloc.start()
    fs.grid_sample(image, grid[:1], out=out)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < MEGABYTE / 4


def peak_of(function, *args, **options):
    """The most that a call held beyond the arrays it returned, at its second time."""
    call = getattr(fs, function)
    call(*args, **options)
    STORE.free.clear()  # memory that is kept is memory
    tracemalloc.start()
    results = call(*args, **options)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    results = results if isinstance(results, tuple) else (results,)
    return most - sum(r.nbytes for r in results if r is not None)


class TestGradients:
    """Beyond the gradients asked for: less than a plane a thread and a megabyte."""

    PLANE = 4 * MEGABYTE

    @pytest.mark.parametrize("mask", [(True, True), (True, False), (False, True)])
    def test_of_an_image(self, image, grid, grad, mask):
        most = peak_of("grid_sample_backward", grad, image, grid[:1], output_mask=mask)
        assert most < MOST_THREADS * self.PLANE + MEGABYTE

    def test_of_one_plane(self, image, grid, grad):
        """Threads that share a plane need not each have one."""
        most = peak_of("grid_sample_backward", grad[:, :1], image[:, :1], grid[:1])
        assert most < MOST_THREADS * self.PLANE + MEGABYTE

    def test_of_the_grid_alone_takes_nothing_of_the_inputs_size(self, image, grid, grad):
        most = peak_of("grid_sample_backward", grad, image, grid[:1], output_mask=(False, True))
        assert most < MEGABYTE / 4

    def test_of_the_input_alone_takes_nothing_of_the_grids_size(self, image, grid):
        few, grad = image[:, :1, :64, :64], noise(3, (4, 1, 512, 256), np.float32)
        mask = (True, False)
        most = peak_of("grid_sample_backward", grad, few, grid, output_mask=mask)
        assert most < MEGABYTE / 2

    @each_view
    def test_views_are_read_in_place(self, image, grid, grad, view):
        part = image[(slice(None), slice(None), *view)]
        most = peak_of("grid_sample_backward", grad, part, grid[:1], output_mask=(False, True))
        assert most < MEGABYTE / 4
        spread = noise(4, (1, 4, 1024, 512), np.float32)[:, :, ::2, ::2]
        most = peak_of("grid_sample_backward", spread, part, grid[:1], output_mask=(False, True))
        assert most < MEGABYTE / 4

    @pytest.mark.parametrize("change", [swapped, unaligned])
    def test_an_unavoidable_copy_is_of_one_plane(self, image, grid, grad, change):
        most = peak_of("grid_sample_backward", grad, change(image), grid[:1])
        assert most < (1 + MOST_THREADS) * self.PLANE + 2 * MEGABYTE

    def test_of_a_shared_image_take_one_sum(self, image, grid):
        """Not one for each sample."""
        grad = noise(5, (4, 1, 512, 256), np.float32)
        most = peak_of("grid_sample_backward", grad, image[:, :1], grid)
        assert most < MOST_THREADS * self.PLANE + MEGABYTE


class TestAffine:
    """No grid is made, nor its gradient."""

    THETA = np.array([[[0.9, -0.4, 0.1], [0.4, 0.9, -0.2]]], np.float32)
    SIZE = 1000, 1000

    def test_sample(self, image):
        assert peak_of("affine_sample", image[:, :1], self.THETA, self.SIZE) < MEGABYTE / 4

    def test_gradients(self, image):
        grad = noise(6, (1, 1, *self.SIZE), np.float32)
        few = image[:, :1, :100, :100]
        assert peak_of("affine_sample_backward", grad, few, self.THETA, self.SIZE) < MEGABYTE

    def test_grid_and_its_gradient(self):
        size = (1, 1, *self.SIZE)
        assert peak_of("affine_grid", self.THETA, size) < MEGABYTE / 4
        grid = fs.affine_grid(self.THETA, size)
        assert peak_of("affine_grid_backward", grid, size) < MEGABYTE


@pytest.mark.parametrize(
    "part", [np.s_[:, 2:5, 1:4], np.s_[1:, ::-1, ::-2], np.s_[..., 3], np.s_[::-1, 5]]
)
def test_bytes_of_a_part(part):
    """From the first byte of any element to the last one's last, and of the array's own memory."""
    whole = np.zeros((5, 6, 7), np.float32)
    places = np.arange(whole.size).reshape(whole.shape)[part]
    first, last = int(places.min()), int(places.max())
    flat = as_bytes(whole[part])
    assert flat.ctypes.data == whole.ctypes.data + 4 * first
    assert flat.nbytes == 4 * (last - first + 1)
    flat[-4:].view(np.float32)[0] = 1
    assert whole.ravel()[last] == 1
    assert not read_bytes(whole[part]).flags.writeable
    whole.setflags(write=False)
    assert not as_bytes(whole[part]).flags.writeable


def test_bytes_keep_their_array():
    whole = np.zeros((5, 6), np.float32)
    known, flat = weakref.ref(whole), as_bytes(whole[:, 2:4])
    del whole
    assert known() is not None
    del flat
    assert known() is None
