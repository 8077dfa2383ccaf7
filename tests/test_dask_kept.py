"""fastsample.dask: chunks of a source that are decoded once for all that read them."""

import asyncio
import pickle
import random
import threading
import time

import numpy as np
import pytest
from cases import noise

import fastsample as fs

da = pytest.importorskip("dask.array", reason="Dask is not installed")
import dask  # noqa: E402

import fastsample.dask as fd  # noqa: E402
from fastsample import ndimage  # noqa: E402
from fastsample._calls.kept import Store  # noqa: E402
from fastsample.dask import _kept, _sources  # noqa: E402

IMAGE = noise(0, (120, 130), np.float32)
TURN = np.array([[0.9945, -0.1045], [0.1045, 0.9945]])
CHUNKS = (20, 20)
EVERY = 6 * 7  # chunks of the image
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def _small_chunks_are_large(monkeypatch):
    monkeypatch.setattr(_sources, "LARGE", 1)


class Chunked:
    """An array that is in chunks, and notes who reads which of them."""

    def __init__(self, array, chunks, pause=0.0):
        self.array, self.shape, self.dtype, self.chunks = array, array.shape, array.dtype, chunks
        self.pause, self.read, self.at_once, self.failing = pause, [], set(), 0
        self.twice = 0
        self.lock = threading.Lock()

    def __getitem__(self, part):
        chunk = tuple(s.start // n for s, n in zip(part, self.chunks, strict=True))
        with self.lock:
            self.twice += chunk in self.at_once
            self.at_once.add(chunk)
            self.read.append(chunk)
            self.failing -= 1
            fails = self.failing == 0
        time.sleep(self.pause)
        with self.lock:
            self.at_once.discard(chunk)
        if fails:
            raise OSError("the disk is gone")
        return self.array[part].copy()


def turned(source, **options):
    return fd.affine_transform(source, TURN, (5.0, -4.0), mode="nearest", **options)


WHOLE = ndimage.affine_transform(IMAGE, TURN, (5.0, -4.0), order=1, mode="nearest")


@pytest.mark.parametrize("workers", [1, 2])
def test_each_chunk_is_read_once(workers):
    source = Chunked(IMAGE, CHUNKS)
    made = turned(source)
    assert len(made.__dask_graph__()) == EVERY + 1
    assert not source.read
    found = made.compute(scheduler="threads", num_workers=workers)
    np.testing.assert_array_equal(found, WHOLE)
    first = 4 * workers  # before a second task comes, nothing is kept
    assert len(source.read) <= EVERY + first
    made.compute(scheduler="threads", num_workers=workers)
    assert len(source.read) <= 2 * (EVERY + first)


def test_nothing_is_kept_if_none_may_be():
    source = Chunked(IMAGE, CHUNKS)
    np.testing.assert_array_equal(
        turned(source, keep_bytes=0).compute(scheduler="synchronous"), WHOLE
    )
    assert len(source.read) > 2 * EVERY
    with pytest.raises(ValueError, match="keep_bytes must be a non-negative int; got -1"):
        turned(source, keep_bytes=-1)


@pytest.mark.parametrize("order", ["forth", "back", "at random"])
def test_no_more_is_kept_than_may_be(order):
    source, most = Chunked(IMAGE, CHUNKS), 4 * 20 * 20 * 4
    made = turned(source, keep_bytes=most)
    keeper = keeper_of(made)
    indices = list(np.ndindex(made.numblocks))
    indices = indices[::-1] if order == "back" else indices
    if order == "at random":
        random.Random(1).shuffle(indices)
    for index in indices:
        found = keeper(index, None)
        i, j = index
        np.testing.assert_array_equal(found, WHOLE[20 * i : 20 * i + 20, 20 * j : 20 * j + 20])
        held = [part.array.nbytes for part in keeper.parts.values()]
        assert keeper.size == sum(held) <= most
    assert not keeper.parts
    assert not any(box for left in keeper.left.values() for box in left.values())
    alone = sum(len(keeper.boxes(index)) for index in indices)
    assert len(source.read) < (1 if order == "at random" else 0.6) * alone


def keeper_of(made):
    """What the node that all chunks share would be."""
    (node,) = [x for k, x in dict(made.__dask_graph__()).items() if isinstance(k, str)]
    keeper = node()
    keeper.started = _kept.ALONE
    return keeper


def test_a_source_that_changes_is_read_anew():
    source = Chunked(IMAGE.copy(), CHUNKS)
    made = turned(source)
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(made.compute(), WHOLE)
        source.array *= 2
        np.testing.assert_array_equal(made.compute(), WHOLE * 2)
        np.testing.assert_array_equal(made[:20].compute(), WHOLE[:20] * 2)


def test_two_tasks_that_want_one_chunk_read_it_once():
    source = Chunked(IMAGE, CHUNKS, pause=0.002)
    made = turned(source)
    keeper, found = keeper_of(made), {}
    indices = list(np.ndindex(made.numblocks))

    def work(mine):
        for index in mine:
            found[index] = keeper(index, None)

    threads = [threading.Thread(target=work, args=(indices[k::4],)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == EVERY == len(source.read)
    assert not source.twice
    rows = [np.concatenate([found[i, j] for j in range(7)], 1) for i in range(6)]
    np.testing.assert_array_equal(np.concatenate(rows), WHOLE)


def test_what_another_task_is_reading_is_taken_last():
    source = Chunked(IMAGE, CHUNKS)
    keeper = keeper_of(turned(source))
    boxes = keeper.boxes((2, 2))
    assert len(boxes) > 2
    assert list(keeper.turns(boxes)) == boxes
    chunk = keeper.chunk_of(boxes[0])
    keeper.reading[chunk] = threading.Event()
    assert list(keeper.turns(boxes)) == [*boxes[1:], boxes[0]]
    turns = keeper.turns(boxes)
    assert next(turns) == boxes[1]
    keeper.reading.pop(chunk).set()
    assert list(turns) == [boxes[0], *boxes[2:]]


def test_who_waits_for_a_read_that_fails_reads_for_himself():
    source = Chunked(IMAGE, CHUNKS, pause=0.002)
    made = turned(source)
    source.failing = 30
    with pytest.raises(OSError, match="the disk is gone"):
        made.compute(scheduler="threads", num_workers=2)
    np.testing.assert_array_equal(made.compute(scheduler="threads", num_workers=2), WHOLE)
    keeper = keeper_of(made)
    source.failing = 1
    with pytest.raises(OSError, match="the disk is gone"):
        keeper((2, 2), None)
    assert not keeper.reading
    for _ in range(2):  # tasks are done again where their results were lost
        np.testing.assert_array_equal(keeper((2, 2), None), WHOLE[40:60, 40:60])


def test_what_is_kept_does_not_travel():
    keeper = keeper_of(turned(Travelling(IMAGE)))
    for index in ((0, 0), (0, 1), (0, 2)):
        keeper(index, None)
    assert keeper.parts
    sent = pickle.loads(pickle.dumps(keeper))
    assert not sent.parts
    assert not sent.left
    np.testing.assert_array_equal(sent((3, 3), None), WHOLE[60:80, 60:80])


class Travelling:
    """An array in chunks that can be sent."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.chunks = array, array.shape, array.dtype, CHUNKS

    def __getitem__(self, part):
        return self.array[part]


def test_slices_are_read_into_memory_of_earlier_ones():
    made = turned(Chunked(IMAGE, CHUNKS), keep_bytes=2**15)
    keeper, seen = keeper_of(made), set()
    for index in np.ndindex(made.numblocks):
        keeper(index, None)
        (spare,) = keeper.spare
        seen.add(spare.ctypes.data)
        assert spare.nbytes <= 2**13
    assert len(seen) < EVERY / 2
    large = keeper_of(turned(Chunked(IMAGE, CHUNKS), chunks=60, keep_bytes=2**13))
    large((0, 0), None)
    assert not large.spare


LAYOUTS = {
    "compressed": {},
    "as it is": {"compressors": None},
    "by Blosc": {"compressors": "blosc"},
    "of version 2": {"zarr_format": 2},
    "in a group": {"name": "a/b"},
    "by gzip": {"compressors": "gzip"},
    "of version 2, in Fortran's order": {"zarr_format": 2, "order": "F"},
    "of the other byte order": {"dtype": ">f4"},
    "transposed": {"filters": "transpose"},
    "in shards": {"shards": (60, 40)},
}
HERE = ["compressed", "as it is", "by Blosc", "of version 2", "in a group"]  # decoded without zarr


def stored(layout, where):
    """The image as an array of zarr, of whose first chunks nothing is stored."""
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    codecs = {
        "transpose": lambda: zarr.codecs.TransposeCodec(order=(1, 0)),
        "blosc": zarr.codecs.BloscCodec,
        "gzip": zarr.codecs.GzipCodec,
    }
    options = {"dtype": "f4", **LAYOUTS[layout]}
    for name in ("filters", "compressors"):
        if options.get(name):
            options[name] = codecs[options[name]]()
    source = zarr.create_array(where, shape=IMAGE.shape, chunks=CHUNKS, fill_value=7, **options)
    source[:, 20:] = IMAGE[:, 20:]
    return source


@pytest.mark.parametrize("layout", LAYOUTS)
def test_parts_of_chunks_of_zarr(layout, tmp_path):
    source = stored(layout, tmp_path)
    from fastsample.dask import _zarr

    assert _zarr._is_plain(source) == (layout in HERE)
    whole = [np.s_[20 * i : 20 * i + 20, 20 * j : 20 * j + 20] for i, j in ((0, 0), (1, 1), (4, 2))]
    for part in (*whole, np.s_[25:31, 20:40], np.s_[40:60, 43:44], np.s_[100:120, 120:130]):
        found = _zarr.inside(source, part, _sources.NEW)
        np.testing.assert_array_equal(found, source[part])
        assert found.dtype == source.dtype
        assert found.flags.c_contiguous
        if layout in HERE and part[1].start:  # what was read, and no copy, if it is whole
            assert found.flags.owndata == (part not in whole)
    source[:, :20] = IMAGE[:, :20]
    found = turned(source).compute(scheduler="threads", num_workers=2)
    np.testing.assert_array_equal(found, WHOLE)


def test_a_chunk_of_zarr_of_bytes(tmp_path):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    from fastsample.dask import _zarr

    source = zarr.create_array(tmp_path, shape=(40, 40), chunks=CHUNKS, dtype="u1")
    source[:] = values = np.arange(1600).reshape(40, 40).astype(np.uint8)
    assert _zarr._is_plain(source)
    found = _sources.read(source, ((20, 40), (0, 20)))
    np.testing.assert_array_equal(found, values[20:, :20])
    assert found.dtype == np.uint8


def test_chunks_of_zarr_share_memory_one_after_the_other(tmp_path):
    source, seen = stored("compressed", tmp_path), set()
    memory = Store(3 * 20 * 20 * 4)
    for i, j in np.ndindex(5, 5):
        box = (20 * i, 20 * i + 20), (20 * j + 20, 20 * j + 40)
        found = _sources.read(source, box, memory)
        np.testing.assert_array_equal(found, IMAGE[box[0][0] : box[0][1], box[1][0] : box[1][1]])
        seen.add(found.ctypes.data)
        held = found
    assert len(seen) < 5
    assert sum(raw.nbytes for raw in memory.free) <= memory.most
    np.testing.assert_array_equal(held, IMAGE[80:100, 100:120])


@pytest.mark.parametrize("layout", HERE)
@pytest.mark.parametrize("more", [-4, 1, 4])
def test_a_chunk_of_zarr_of_another_length(layout, more, tmp_path):
    source = stored(layout, tmp_path)
    (path,) = [p for p in tmp_path.rglob("*") if p.as_posix().endswith(("/c/1/2", "/1.2"))]
    values = (IMAGE[20:40, 40:60].tobytes() + bytes(4))[: 20 * 20 * 4 + more]
    from fastsample.dask._zarr import DECODERS

    for codec in source.compressors:
        values = DECODERS[type(codec)].encode(values)
    path.write_bytes(values)
    with pytest.raises(ValueError, match=r"reshape|larger dtype"):
        _sources.read(source, ((20, 40), (40, 60)))


@pytest.mark.parametrize("store", ["files", "memory"])
def test_who_wants_a_chunk_of_zarr_reads_it(store, tmp_path, monkeypatch):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    from zarr.core.codec_pipeline import BatchedCodecPipeline as Pipeline

    source = stored("by gzip", tmp_path if store == "files" else zarr.storage.MemoryStore())
    found, read = [], Pipeline.read_batch

    async def noted(*args, **options):
        found.append(threading.current_thread())
        await read(*args, **options)

    monkeypatch.setattr(Pipeline, "read_batch", noted)
    box = (20, 40), (40, 60)
    np.testing.assert_array_equal(_sources.read(source, box), IMAGE[20:40, 40:60])
    assert found == [threading.current_thread()]

    async def amid_a_loop():
        return _sources.read(source, box)

    np.testing.assert_array_equal(asyncio.run(amid_a_loop()), IMAGE[20:40, 40:60])
    assert found[1] is not found[0]
    plain = stored("compressed", tmp_path / "plain")
    np.testing.assert_array_equal(_sources.read(plain, box), IMAGE[20:40, 40:60])
    assert len(found) == 2


def test_a_chunk_of_zarr_that_cannot_be_decoded(tmp_path):
    source = stored("compressed", tmp_path)
    (tmp_path / "c" / "1" / "2").write_bytes(b"no zstd")
    with pytest.raises(Exception, match=r"(?i)zstd|decompress"):
        _sources.read(source, ((20, 40), (40, 60)))


@pytest.mark.parametrize("padding", ["zeros", "border", "wrap", "reflection"])
@pytest.mark.parametrize("most", [2**20, 3000])
def test_borders_and_chunks_made_in_parts(padding, most):
    x = noise(3, (2, 2, 60, 70), np.float32)
    theta = np.array([[[1.3, 0.4, 0.5], [-0.3, 1.6, -0.2]]])
    source = Chunked(x, (1, 1, 16, 20))
    made = fd.affine_sample(
        source, theta, (50, 64), "bilinear", padding, chunks=(1, 2, 16, 15), max_read_bytes=most
    )
    found = made.compute(scheduler="threads", num_workers=2)
    whole = fs.affine_sample(x, theta, (50, 64), "bilinear", padding)
    np.testing.assert_array_equal(found, whole)


def test_a_zoomed_volume_of_labels():
    x = np.random.default_rng(4).integers(0, 99, (20, 24, 28)).astype(np.uint8)
    source = Chunked(x, (8, 8, 8))
    made = fd.zoom(source, 2.5, order=0, mode="grid-constant", grid_mode=True, chunks=10)
    wanted = ndimage.zoom(x, 2.5, order=0, mode="grid-constant", grid_mode=True)
    np.testing.assert_array_equal(made.compute(scheduler="synchronous"), wanted)
    assert len(source.read) <= 2 * 3 * 3 * 4


def test_where_nothing_helps_nothing_is_shared():
    y, x = np.mgrid[:120, :130].astype(np.float32)
    source = Chunked(IMAGE, CHUNKS)
    lazy = fd.remap(source, x, y, chunks=40)
    np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), IMAGE)
    one = turned(source, chunks=-1)
    for made in (lazy, one, turned(IMAGE, chunks=40), turned(da.from_array(IMAGE, chunks=40))):
        assert not any(isinstance(x, _kept.Keeper) for x in values(made))
    assert any(isinstance(x, _kept.Keeper) for x in values(turned(source)))


def values(made):
    """What the nodes that are not chunks give."""
    graph = dict(made.__dask_graph__())
    return [node() for key, node in graph.items() if isinstance(key, str) and "-task" in key]
