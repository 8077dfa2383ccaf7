"""fastsample.dask's functions of scipy.ndimage, against SciPy's on the whole array."""

import numpy as np
import pytest

da = pytest.importorskip("dask.array", reason="Dask is not installed")
ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
import dask  # noqa: E402
from cases import noise  # noqa: E402

import fastsample.dask as fd  # noqa: E402
from fastsample import ndimage as ours  # noqa: E402
from fastsample._calls.splines.arguments import MODES  # noqa: E402

IMAGE = noise(0, (23, 29), np.float64)
WHOLE = np.arange(-40, 60)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def _one_after_the_other():
    with dask.config.set(scheduler="synchronous"):
        yield


class Noted:
    """A source that can be sliced and nothing else, and notes how many bytes are read."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, []

    def __getitem__(self, part):
        found = self.array[part]
        self.read.append(found.nbytes)
        return found


def both(x, chunks):
    return x, da.from_array(x, chunks=chunks)


def points_of_all_kinds():
    """Inside and far outside: centres, edges and ties; some are not finite."""
    points = np.random.default_rng(1).uniform(-60, 80, (2, 31, 17))
    points[:, ::3] = np.rint(points[:, ::3] * 2) / 2
    points[0, 3, 4], points[1, 9, 9], points[0, 20, 2], points[:, 30, 16] = np.nan, np.inf, -1e9, 3
    return points


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1, 3])
def test_coordinates(mode, order):
    points, options = points_of_all_kinds(), {"order": order, "mode": mode, "cval": 2.5}
    whole = ours.map_coordinates(IMAGE, points, **options)
    known = np.isfinite(points).all(0)
    wanted = ndimage.map_coordinates(IMAGE, points[:, known], **options)
    np.testing.assert_allclose(whole[known], wanted, rtol=0, atol=1e-12)
    for x in both(IMAGE, 9):
        for given in both(points, (2, 8, 8)):
            found = fd.map_coordinates(x, given, chunks=(8, 8), **options).compute()
            assert_same(found, whole, order < 2)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1, 3])
def test_matrices(mode, order):
    rng = np.random.default_rng(2)
    options = {"order": order, "mode": mode, "cval": -1.5}
    for exact, matrix in (
        (True, np.eye(2) + rng.uniform(-0.4, 0.4, (2, 2))),
        (True, 3 * rng.standard_normal((2, 2))),
        (True, np.array([[1.0, 2.0], [0.5, 1.0]])),  # singular
        (False, np.array([[0.0, 1], [-1, 0]])),  # `ndimage` copies, or goes axis by axis
        (False, [0.5, 2]),
    ):
        offset = rng.uniform(-20, 20, 2).round(1)
        wanted = ndimage.affine_transform(IMAGE, matrix, offset, (27, 25), **options)
        whole = ours.affine_transform(IMAGE, matrix, offset, (27, 25), **options)
        for x in both(IMAGE, 10):
            found = fd.affine_transform(x, matrix, offset, (27, 25), chunks=6, **options).compute()
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
            assert_same(found, whole, exact and order < 2)


def assert_same(found, whole, exact):
    """Equal to the bit, or within rounding where each chunk filters for itself."""
    if exact:
        np.testing.assert_array_equal(found, whole)
    else:
        np.testing.assert_allclose(found, whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_splines_whose_parts_are_filtered_by_themselves(mode):
    """An image so long that no chunk reads all of it."""
    x, matrix = noise(6, (300, 20), np.float64), np.array([[1.1, 0.05], [0.02, 0.9]])
    for order in (2, 3, 4, 5):
        options = {"order": order, "mode": mode, "cval": 1.25, "offset": (-12.3, 0.4)}
        for prefilter in (True, False):
            wanted = ndimage.affine_transform(x, matrix, prefilter=prefilter, **options)
            source = Noted(x)
            made = fd.affine_transform(
                source, matrix, prefilter=prefilter, chunks=(30, 20), **options
            )
            np.testing.assert_allclose(made.compute(), wanted, rtol=0, atol=2e-13)
            assert mode in ("wrap", "grid-wrap") or max(source.read) < x.nbytes / 1.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1])
def test_chunks_of_one_pixel_and_axes_of_few(mode, order):
    matrix, offset = np.array([[0.7, -0.4], [0.3, 0.6]]), (-0.8, 0.1)
    options = {"order": order, "mode": mode, "cval": 0.75, "output_shape": (5, 6)}
    for shape in ((1, 1), (1, 4), (2, 3), (3, 1)):
        x = noise(7, shape, np.float64)
        whole = ours.affine_transform(x, matrix, offset, **options)
        for source in both(x, 1):
            made = fd.affine_transform(source, matrix, offset, chunks=1, **options)
            np.testing.assert_array_equal(made.compute(), whole)


@pytest.mark.parametrize("mode", MODES)
def test_maps_that_are_far_off_or_not_finite(mode):
    for matrix, offset in (
        (np.array([[1.0, 0.25], [0.5, 1.0]]), (2.0**33, -(2.0**35))),
        (np.array([[np.nan, 0.0], [0.0, 1.0]]), (0.0, 0.0)),
        (np.array([[1.0, 0.0], [np.inf, 1.0]]), (0.0, 3.5)),
        (np.zeros((2, 2)), (2.25, np.inf)),
    ):
        for order in (0, 1):
            options = {"order": order, "mode": mode, "cval": 3}
            whole = ours.affine_transform(IMAGE, matrix, offset, **options)
            made = fd.affine_transform(Noted(IMAGE), matrix, offset, chunks=8, **options)
            np.testing.assert_array_equal(made.compute(), whole)


def test_a_wild_point_is_read_by_itself():
    x, points = noise(8, (256, 256), np.float64), np.mgrid[:256, :256] + 0.25
    points[:, 100, 30], most = 254.5, 40 * 40 * 8
    source = Noted(x)
    made = fd.map_coordinates(source, points, chunks=32, mode="mirror", max_read_bytes=most)
    np.testing.assert_array_equal(
        made.compute(), ours.map_coordinates(x, points, order=1, mode="mirror")
    )
    assert max(source.read) <= most
    everywhere = np.random.default_rng(9).uniform(0, 255, (2, 70, 70))
    made = fd.map_coordinates(x, everywhere, chunks=70, max_read_bytes=8)
    with pytest.raises(
        ValueError, match=r"chunk \(0, 0\) of the result, \[0:70, 0:70\], must read"
    ):
        made.compute()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("grid_mode", [False, True])
def test_zooms(mode, grid_mode):
    for factor in ((1.7, 0.4), (4.1, 1.0)):
        for order in (0, 1):
            options = {"order": order, "mode": mode, "grid_mode": grid_mode}
            wanted = ndimage.zoom(IMAGE, factor, **options)
            found = fd.zoom(IMAGE, factor, chunks=7, **options).compute()
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["u1", ">i2", "u4", "f4", "?"])
def test_types(dtype):
    x = (IMAGE > 0) if dtype == "?" else (IMAGE * 50 + 200).astype(dtype)
    matrix = np.array([[0.9, 0.3], [-0.2, 1.1]])
    for order in (0, 1):
        options = {"order": order, "mode": "reflect"}
        whole = ours.affine_transform(x, matrix, 1.5, **options)
        found = fd.affine_transform(Noted(x), matrix, 1.5, chunks=8, **options).compute()
        np.testing.assert_array_equal(found, whole)
        assert found.dtype == x.dtype.newbyteorder("=")


def test_a_volume_with_its_output_in_another_type():
    x = noise(3, (11, 12, 13), np.float64)
    matrix = np.linalg.qr(noise(4, (3, 3), np.float64))[0]
    wanted = ndimage.affine_transform(x, matrix, 4.0, output=np.float32, order=1)
    found = fd.affine_transform(x, matrix, 4.0, output=np.float32, chunks=5).compute()
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    assert found.dtype == np.float32


def test_a_chunk_at_a_corner_reads_its_own_slice():
    source = Noted(noise(5, (400, 400), np.float64))
    matrix, offset = np.array([[0.9945, 0.1045], [-0.1045, 0.9945]]), np.array([-20.0, 22.0])
    wanted = ndimage.affine_transform(source.array, matrix, offset, order=1, cval=7.5)
    found = fd.affine_transform(source, matrix, offset, order=1, cval=7.5, chunks=40).compute()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11)
    assert max(source.read) <= 52 * 52 * 8


POINTS = np.zeros((2, 4))
BAD = {
    "map_coordinates: coordinates must have shape": lambda: fd.map_coordinates(IMAGE, POINTS[0]),
    "coordinates must be real": lambda: fd.map_coordinates(IMAGE, POINTS * 1j),
    "input must have one axis or more": lambda: fd.zoom(np.float64(3), 2),
    "input must not be empty": lambda: fd.map_coordinates(IMAGE[:0], POINTS),
    "input must be of bool, an integer": lambda: fd.zoom(IMAGE.astype(np.float16), 2),
    "output must be of bool, an integer": lambda: fd.zoom(IMAGE, 2, output=complex),
    "order must be one of 0 to 5": lambda: fd.zoom(IMAGE, 2, order=6),
    "mode must be one of": lambda: fd.affine_transform(IMAGE, np.eye(2), mode="edge"),
    "matrix must have shape": lambda: fd.affine_transform(IMAGE, np.eye(4)),
    "matrix must have the last row": lambda: fd.affine_transform(IMAGE, np.ones((3, 3))),
    "offset must be a number, or one for": lambda: fd.affine_transform(IMAGE, np.eye(2), (1, 2, 3)),
    "zoom must be finite numbers": lambda: fd.zoom(IMAGE, np.inf),
    "cval must be a real number": lambda: fd.zoom(IMAGE, 2, cval="0"),
    "threads must be at least 1": lambda: fd.zoom(IMAGE, 2, threads=0),
    "chunks must be sizes that add up": lambda: fd.zoom(IMAGE, 2, chunks=((9,), (9,))),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused_before_a_graph_is_made(message):
    with pytest.raises((ValueError, TypeError), match=message):
        BAD[message]()
