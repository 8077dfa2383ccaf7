"""fastsample.dask's functions of scipy.ndimage, against SciPy's on the whole array."""

import numpy as np
import pytest

da = pytest.importorskip("dask.array", reason="Dask is not installed")
ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
import dask  # noqa: E402
from cases import noise  # noqa: E402

import fastsample.dask as fd  # noqa: E402
from fastsample._calls.spline_checks import MODES  # noqa: E402

IMAGE = noise(0, (23, 29), np.float64)
WHOLE = np.arange(-40, 60)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def _one_after_the_other():
    with dask.config.set(scheduler="synchronous"):
        yield


def both(x, chunks):
    return x, da.from_array(x, chunks=chunks)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1])
def test_coordinates(mode, order):
    rng = np.random.default_rng(1)
    points = rng.uniform(-60, 80, (2, 31, 17))
    points[:, ::3] = np.rint(points[:, ::3] * 2) / 2  # centres, edges and ties
    wanted = ndimage.map_coordinates(IMAGE, points, order=order, mode=mode, cval=2.5)
    for x in both(IMAGE, 9):
        for given in both(points, (2, 8, 8)):
            found = fd.map_coordinates(x, given, order=order, mode=mode, cval=2.5, chunks=(8, 8))
            np.testing.assert_allclose(found.compute(), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1])
def test_matrices(mode, order):
    rng = np.random.default_rng(2)
    options = {"order": order, "mode": mode, "cval": -1.5}
    for matrix in (
        np.eye(2) + rng.uniform(-0.4, 0.4, (2, 2)),
        np.array([[0.0, 1], [-1, 0]]),
        [0.5, 2],
    ):
        offset = rng.uniform(-20, 20, 2).round(1)
        wanted = ndimage.affine_transform(IMAGE, matrix, offset, (27, 25), **options)
        if np.ndim(matrix) == 1:  # SciPy adds in another order there
            wanted = ndimage.affine_transform(IMAGE, np.diag(matrix), offset, (27, 25), **options)
        for x in both(IMAGE, 10):
            found = fd.affine_transform(x, matrix, offset, (27, 25), chunks=6, **options)
            np.testing.assert_allclose(found.compute(), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("grid_mode", [False, True])
def test_zooms(mode, grid_mode):
    for factor in ((1.7, 0.4), (4.1, 1.0)):
        for order in (0, 1):
            options = {"order": order, "mode": mode, "grid_mode": grid_mode}
            wanted = ndimage.zoom(IMAGE, factor, **options)
            found = fd.zoom(IMAGE, factor, chunks=7, **options).compute()
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.float32, np.bool_])
def test_types(dtype):
    x = (IMAGE * 50 + 99).astype(np.int64).astype(dtype) if dtype != np.bool_ else IMAGE > 0
    matrix = np.array([[0.9, 0.3], [-0.2, 1.1]])
    for order in (0, 1) if dtype != np.bool_ else (0,):
        wanted = ndimage.affine_transform(x, matrix, 1.5, order=order, mode="reflect")
        found = fd.affine_transform(x, matrix, 1.5, order=order, mode="reflect", chunks=8).compute()
        # An integer may be its neighbour where a value lies within rounding of a half.
        tolerance = 2e-5 if dtype == np.float32 else order
        assert dtype == np.float32 or np.mean(found != wanted) < 0.02
        np.testing.assert_allclose(
            found.astype(float), wanted.astype(float), rtol=0, atol=tolerance
        )
        assert found.dtype == dtype


def test_a_volume_with_its_output_in_another_type():
    x = noise(3, (11, 12, 13), np.float64)
    matrix = np.linalg.qr(noise(4, (3, 3), np.float64))[0]
    wanted = ndimage.affine_transform(x, matrix, 4.0, output=np.float32, order=1)
    found = fd.affine_transform(x, matrix, 4.0, output=np.float32, chunks=5).compute()
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    assert found.dtype == np.float32


def test_a_chunk_at_a_corner_reads_its_own_slice():
    class Noted:
        shape, dtype, read = (400, 400), np.dtype(np.float64), []

        def __getitem__(self, part):
            found = IMAGE_OF_400[part]
            self.read.append(found.nbytes)
            return found

    matrix, offset = np.array([[0.9945, 0.1045], [-0.1045, 0.9945]]), np.array([-20.0, 22.0])
    wanted = ndimage.affine_transform(IMAGE_OF_400, matrix, offset, order=1, cval=7.5)
    found = fd.affine_transform(Noted(), matrix, offset, order=1, cval=7.5, chunks=40).compute()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11)
    assert max(Noted.read) <= 52 * 52 * 8


IMAGE_OF_400 = noise(5, (400, 400), np.float64)
