"""Workers of pools and loaders: the same bits, no hang, no kill."""

import multiprocessing

import child
import pytest

pytestmark = pytest.mark.compiled
LIMIT = 180
METHODS = multiprocessing.get_all_start_methods()

POOL = """
import multiprocessing, sys
from worker import digest

if __name__ == "__main__":
    want = [digest(k) for k in range(6)]  # in parallel, before any worker starts
    multiprocessing.set_forkserver_preload(["numba"])
    for method in METHODS:
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map_async(digest, range(6)).get(120) == want, method
        assert [digest(k) for k in range(6)] == want, method
"""

SIXTEEN = """
import threading
from worker import digest
want = [digest(k) for k in range(4)]
start, wrong = threading.Barrier(16), []

def work(k):
    start.wait()
    for _ in range(6):
        try:
            if digest(k % 4) != want[k % 4]:
                wrong.append(k)
        except BaseException as error:
            wrong.append(repr(error))

threads = [threading.Thread(target=work, args=(k,)) for k in range(16)]
[t.start() for t in threads]
[t.join() for t in threads]
assert not wrong, wrong
"""

LOADER = """
import multiprocessing
import numpy as np
import torch
from torch.utils.data import DataLoader
from worker import Dataset, digest

if __name__ == "__main__":
    digest(0)
    want = [Dataset()[k] for k in range(8)]
    torch.ones(1000, 1000) @ torch.ones(1000, 1000)  # its own threads, too
    multiprocessing.set_forkserver_preload(["torch"])
    for method in METHODS:
        loader = DataLoader(Dataset(), 2, num_workers=2, multiprocessing_context=method, timeout=90)
        got = [image.numpy() for batch in loader for image in batch]
        for one, other in zip(got, want, strict=True):
            np.testing.assert_array_equal(one, other)
"""


def run(source, folder, **variables):
    """Run a script from a file, as spawned workers need it, and its exit."""
    path = folder / "script.py"
    path.write_text(source)
    done = child.run([path], LIMIT, **variables)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("layer", child.LAYERS)
def test_pools(layer, tmp_path):
    source = POOL.replace("METHODS", repr(METHODS))
    run(source, tmp_path, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")


def test_pools_of_one_thread_each(tmp_path):
    run(POOL.replace("METHODS", repr(METHODS)), tmp_path, NUMBA_NUM_THREADS="1")


@pytest.mark.parametrize("layer", child.LAYERS)
def test_sixteen_threads_at_once(layer, tmp_path):
    run(SIXTEEN, tmp_path, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")


@pytest.mark.parametrize("layer", child.LAYERS)
def test_a_loader_of_pytorch(layer, tmp_path):
    pytest.importorskip("torch")
    source = LOADER.replace("METHODS", repr(METHODS))
    run(source, tmp_path, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")
