"""fastsample.dask on a cluster of processes, one of which is killed half way."""

import os
import signal

import numpy as np
import pytest

import fastsample as fs

distributed = pytest.importorskip("distributed", reason="Dask's distributed is not installed")
zarr = pytest.importorskip("zarr", reason="zarr is not installed")
import dask.array as da  # noqa: E402

import fastsample.dask as fd  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_worker_that_is_killed_half_way(tmp_path):
    rng = np.random.default_rng(0)
    image = rng.standard_normal((1, 1, 1200, 1200)).astype(np.float32)
    source = zarr.create_array(
        tmp_path / "in", shape=image.shape, chunks=(1, 1, 100, 100), dtype="f4"
    )
    source[...] = image
    target = zarr.create_array(
        tmp_path / "out", shape=image.shape, chunks=(1, 1, 100, 100), dtype="f4"
    )
    theta = np.array([[[0.9945, -0.1045, 0.0], [0.1045, 0.9945, 0.0]]])
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        client.register_plugin(fd.WarmUp("float32"))
        made = fd.affine_sample(source, theta, image.shape[2:], padding_mode="wrap")
        assert len(made.__dask_graph__()) == 144 + 1
        stored = client.compute(da.store(made, target, lock=False, compute=False))
        victim = next(iter(client.run(os.getpid).values()))
        os.kill(victim, signal.SIGKILL)
        stored.result()
    whole = fs.affine_sample(image, theta, image.shape[2:], padding_mode="wrap")
    np.testing.assert_array_equal(target[...], whole)


class Generated:
    """160,000 x 160,000 float32, 95 GiB, of which nothing exists before it is asked for."""

    shape, dtype = (1, 1, 160_000, 160_000), np.dtype(np.float32)

    def __getitem__(self, part):
        y, x = (np.arange(s.start, s.stop, dtype=np.float64) for s in part[2:])
        return np.float32(y[:, None] % 1009 + x % 1013)[None, None]


def test_an_image_larger_than_memory():
    turned = np.array([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]])
    size = Generated.shape[2:]
    made = fd.affine_sample(Generated(), turned, size, chunks=(1, 1, 4000, 4000))
    assert len(made.__dask_graph__()) == 1600 + 1
    n, few = size[0], np.arange(4)
    for rows, cols in ((slice(0, 4), slice(0, 4)), (slice(n - 4, n), slice(n - 4, n))):
        y, x = few + rows.start, few + cols.start
        wanted = x[None] % 1009 + (n - 1 - y[:, None]) % 1013
        found = made[0, 0, rows, cols].compute(scheduler="synchronous")
        np.testing.assert_allclose(found, wanted, atol=0.01)
