"""fastsample.dask: chunks against the array sampled whole."""

import itertools

import numpy as np
import pytest
from cases import MODES, PADDINGS, fill_of, noise

import fastsample as fs

da = pytest.importorskip("dask.array", reason="Dask is not installed")
import dask  # noqa: E402

import fastsample.dask as fd  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
IMAGE = noise(0, (2, 3, 37, 41), np.float32)
SIZE = (29, 33)
RULES = list(itertools.product(MODES, PADDINGS))


@pytest.fixture(autouse=True)
def _one_after_the_other():
    with dask.config.set(scheduler="synchronous"):
        yield


class Counted:
    """A source that can be sliced and nothing else, and counts what is read."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, []

    def __getitem__(self, part):
        found = self.array[part]
        self.read.append(found.nbytes)
        return found


def sources(x, chunks):
    return Counted(x), da.from_array(x, chunks=chunks)


def matrices(seed, count=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 2, 3)) * rng.choice([0.3, 1.0, 3.0], (count, 1, 1))


@pytest.mark.parametrize(("mode", "padding"), RULES)
def test_matrices_at_every_border(mode, padding):
    theta = matrices(RULES.index((mode, padding)))
    options = {"mode": mode, "padding_mode": padding, **fill_of(padding, (1, 2, 3))}
    whole = fs.affine_sample(IMAGE, theta, SIZE, **options)
    for source in sources(IMAGE, (1, 2, 10, 16)):
        for chunks in ((1, 2, 7, 12), (2, 3, 29, 5)):
            made = fd.affine_sample(source, theta, SIZE, chunks=chunks, **options)
            np.testing.assert_array_equal(made.compute(), whole)


@pytest.mark.parametrize("padding", [*PADDINGS, "mirror"])
def test_flows_and_maps_at_every_border(padding):
    flow = noise(1, (1, 2, 37, 41), np.float32) * 5
    flow[0, 0, 3, 4], flow[0, 1, 30, 4], flow[0, 0, 9, 9] = np.nan, np.inf, 1e9
    whole = fs.flow_warp(IMAGE, flow, "bilinear", padding)
    last = np.ascontiguousarray(IMAGE[0].transpose(1, 2, 0))
    x, y = noise(2, (2, 20, 22), np.float32) * 15 + 20
    y[2, 3], x[19, 0] = np.nan, -np.inf
    mapped = fs.remap(last, x, y, "bilinear", padding)
    for source, pixels in zip(sources(IMAGE, (1, 2, 10, 16)), sources(last, 12), strict=True):
        for steps in (flow, da.from_array(flow, chunks=(1, 1, 9, 41))):
            made = fd.flow_warp(source, steps, "bilinear", padding, chunks=(2, 2, 8, 9))
            np.testing.assert_array_equal(made.compute(), whole)
        for maps in ((x, y), (da.from_array(x, chunks=7), da.from_array(y, chunks=7))):
            made = fd.remap(pixels, *maps, "bilinear", padding)
            np.testing.assert_array_equal(made.compute(), mapped)


def test_a_flow_within_its_reach_is_computed_once():
    calls = []

    def counted(block):
        calls.append(block.shape)
        return block

    flow = np.clip(noise(3, (2, 2, 37, 41), np.float32) * 5, -9, 9)
    lazy = da.from_array(flow, chunks=(1, 2, 20, 20)).map_blocks(counted, meta=flow[:0])
    made = fd.flow_warp(da.from_array(IMAGE, chunks=(1, 3, 20, 20)), lazy, reach=9)
    assert not calls
    np.testing.assert_array_equal(made.compute(), fs.flow_warp(IMAGE, flow))
    assert len(calls) == 12
    with pytest.raises(ValueError, match=r"reach must be no less than any displacement; got"):
        fd.flow_warp(IMAGE, lazy, reach=2).compute()


def test_chunks_of_one_pixel_and_singular_matrices():
    theta = np.array([[[0.0, 0.0, 0.3], [0.0, 0.0, -0.2]], [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]])
    whole = fs.affine_sample(IMAGE, theta, (5, 6), "bilinear", "border")
    made = fd.affine_sample(Counted(IMAGE), theta, (5, 6), "bilinear", "border", chunks=1)
    np.testing.assert_array_equal(made.compute(), whole)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("padding", ["zeros", "border", "wrap"])
def test_matrices_that_are_not_finite(value, padding):
    theta = matrices(7)
    theta[1, 0, 2] = theta[0, 1, 0] = value
    whole = fs.affine_sample(IMAGE, theta, SIZE, "bilinear", padding)
    made = fd.affine_sample(Counted(IMAGE), theta, SIZE, "bilinear", padding, chunks=(1, 3, 9, 9))
    if value == 1e300 and padding == "wrap":  # which pixel that is, nobody can say
        assert made.compute().shape == whole.shape
    else:
        np.testing.assert_array_equal(made.compute(), whole)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float64, np.complex64])
def test_types_with_channels_last(dtype):
    x = (noise(4, (1, 37, 41, 3), np.float64) * 40 + 90).astype(dtype)
    theta = matrices(8, 1)
    for mode in ("nearest", "bilinear"):
        whole = fs.affine_sample(x, theta, SIZE, mode, channels_last=True)
        made = fd.affine_sample(
            Counted(x), theta, SIZE, mode, channels_last=True, chunks=(1, 9, 9, 3)
        )
        np.testing.assert_array_equal(made.compute(), whole)


def test_volumes_of_labels():
    x = np.random.default_rng(5).integers(0, 2**40, (1, 1, 17, 19, 23))
    theta = np.linalg.qr(noise(6, (4, 4), np.float64))[0][None, :3]
    whole = fs.affine_sample(x, theta, (15, 16, 18), "nearest")
    for source in sources(x, (1, 1, 8, 8, 8)):
        made = fd.affine_sample(source, theta, (15, 16, 18), "nearest", chunks=(1, 1, 7, 8, 9))
        np.testing.assert_array_equal(made.compute(), whole)


def test_a_chunk_reads_its_own_slice():
    x = noise(9, (1, 1, 400, 400), np.float32)
    source, theta = Counted(x), np.array([[[0.995, -0.105, 0.0], [0.105, 0.995, 0.0]]])
    made = fd.affine_sample(source, theta, (400, 400), padding_mode="border", chunks=(1, 1, 50, 50))
    assert len(made.__dask_graph__()) <= 64 + 1
    assert not source.read
    made.compute()
    assert len(source.read) <= 64
    assert max(source.read) <= 65 * 65 * 4


def test_a_wild_point_is_read_by_itself():
    y, x = np.mgrid[:256, :256].astype(np.float32)
    x[100, 30], y[100, 30] = 255, 255
    image, most = noise(10, (256, 256), np.float32), 40 * 40 * 4
    source = Counted(image)
    made = fd.remap(source, x, y, chunks=32, max_read_bytes=most)
    np.testing.assert_array_equal(made.compute(), fs.remap(image, x, y))
    assert max(source.read) <= most


def test_points_all_over_the_image_are_refused():
    x, y = np.random.default_rng(11).uniform(0, 2000, (2, 100, 100)).astype(np.float32)
    made = fd.remap(np.zeros((2000, 2000), np.uint8), x, y, chunks=100, max_read_bytes=8)
    with pytest.raises(ValueError, match=r"chunk \(0, 0\) of the result, \[0:100, 0:100\], must"):
        made.compute()


def test_seams_of_a_repeated_image_are_not_read_across():
    image = noise(12, (300, 300), np.float32)
    y, x = (np.mgrid[:300, :300] - 20).astype(np.float32)
    source = Counted(image)
    made = fd.remap(source, x, y, padding_mode="wrap", chunks=50)
    np.testing.assert_array_equal(made.compute(), fs.remap(image, x, y, padding_mode="wrap"))
    assert max(source.read) <= 56 * 56 * 4


BAD = {
    "input must be a Dask array, or have a shape": lambda: fd.affine_sample(
        object(), matrices(0), SIZE
    ),
    "chunks must be sizes that add up": lambda: fd.affine_sample(
        IMAGE, matrices(0), SIZE, chunks=((2,), (3,), (20, 4), (33,))
    ),
    r"theta must have shape \(N, 2, 3\)": lambda: fd.affine_sample(IMAGE, np.eye(3)[None], SIZE),
    "map_y must have map_x's shape": lambda: fd.remap(
        IMAGE[0, 0], np.zeros((3, 4)), np.zeros((4, 4))
    ),
    r"coordinates must have shape \(2, \*out\)": lambda: fd.map_coordinates(
        IMAGE[0, 0], np.zeros((3, 9))
    ),
    "threads must be at least 1": lambda: fd.affine_sample(IMAGE, matrices(0), SIZE, threads=0),
    "order must be one of 0 to 5": lambda: fd.zoom(IMAGE[0, 0], 2, order=6),
    "mode must be one of": lambda: fd.affine_transform(IMAGE[0, 0], np.eye(2), mode="edge"),
    r"flow must have shape \(N, 37, 41\)|flow must have shape": lambda: fd.flow_warp(
        IMAGE, np.zeros((2, 2, 3, 3), np.float32)
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused_before_a_graph_is_made(message):
    with pytest.raises((ValueError, TypeError), match=message):
        BAD[message]()


def test_large_chunks_of_a_source_are_read_one_by_one():
    image = noise(13, (700, 900), np.float32)
    source = Counted(image)
    source.chunks = (512, 512)
    y, x = np.mgrid[:700, :900].astype(np.float32)
    made = fd.remap(source, x, y, chunks=(700, 900))
    np.testing.assert_array_equal(made.compute(), image)
    assert sorted(source.read) == [4 * 188 * 388, 4 * 188 * 512, 4 * 512 * 388, 4 * 512 * 512]


def test_names_of_a_source_mean_what_they_mean_there():
    image = noise(14, (700, 900), np.float32)
    source = Counted(image)
    source.chunks = (512, 512)
    source.memory = source.turns = source.result = None
    y, x = np.mgrid[:700, :900].astype(np.float32)
    made = fd.remap(source, x, y, chunks=(700, 900))
    np.testing.assert_array_equal(made.compute(), image)
