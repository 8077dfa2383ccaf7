"""Nothing is copied that need not be."""

import tracemalloc

import numpy as np
import pytest
from cases import noise

import fastsample as fs

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


def peak(image, grid, **options):
    """The most that NumPy and Python held during a call, beyond what was there."""
    batch = max(len(image), len(grid))
    out = np.empty((batch, image.shape[1], *grid.shape[1:-1]), image.dtype.newbyteorder("="))
    fs.grid_sample(image, grid, out=out, **options)  # loads the kernel
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
    tracemalloc.start()
    fs.grid_sample(image, grid[:1], out=out)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < MEGABYTE / 4
