"""Calls of the main thread run on PyTorch's threads: the same bits, settings, forks."""

import os
import sys

import child
import pytest

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(sys.platform != "linux", reason="PyTorch's OpenMP is GNU's on Linux alone"),
]

START = """
import hashlib, os, signal, threading
import numba, numpy as np, torch
import fastsample as fs, fastsample.torch as fst
from fastsample._kernels import threads as ours

made = torch.Generator().manual_seed(0)
image = torch.randn(2, 3, 200, 300, generator=made).requires_grad_()
grid = (torch.rand(2, 150, 160, 2, generator=made) * 2.6 - 1.3).requires_grad_()

def digest():
    result = fst.grid_sample(image, grid)
    grads = torch.autograd.grad(result, (image, grid), torch.ones_like(result))
    data = b"".join(x.detach().numpy().tobytes() for x in (result, *grads))
    return hashlib.sha256(data).hexdigest()

team, regions = ours.team, []
def counting(is_layer, start, share, threads, *args):
    if not is_layer:
        regions.append(threads)
    team(is_layer)[0](is_layer, start, share, threads, *args)
ours.team = lambda is_layer: (counting, team(is_layer)[1])
"""

SETTINGS = """
want = digest()
assert regions == [2] * len(regions) and len(regions) >= 3, regions
for number in (1, 2):
    regions.clear()
    torch.set_num_threads(number)
    assert digest() == want and regions
torch.set_num_threads(2)
numba.set_num_threads(1)
regions.clear()
assert digest() == want and not regions
numba.set_num_threads(2)
assert digest() == want and regions
print(digest())
"""

OTHERS = """
want = digest()
regions.clear()
found = []
threads = [threading.Thread(target=lambda: found.append(digest())) for _ in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
assert found == [want] * 3 and not regions, "each would start threads of its own"
torch.randn(1000, 1000).exp().sum()  # PyTorch's own work goes on
assert digest() == want and regions
print(digest())
"""

FORK = """
want = digest()
for generation in range(2):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        regions.clear()
        torch.set_num_threads(1)  # as a loader's worker does: PyTorch's threads did not follow
        ok = digest() == want and not regions
        os._exit(0 if ok else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "the child failed"
    assert digest() == want, "the parent is hurt"
print(digest())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_settings_other_threads_and_children():
    """In one process: to start it takes longer than all that it does."""
    found = child.script(START + SETTINGS + OTHERS + FORK, NUMBA_NUM_THREADS="2").split()
    assert len(found) == 3, "a part has not come to its end"
    assert len(set(found)) == 1


def test_a_layer_that_a_user_has_chosen_stays():
    source = START + "print(digest(), regions)"
    found = child.script(source, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER="tbb")
    bits, regions = found.split(maxsplit=1)
    assert len(bits) == 64
    assert regions.strip() == "[]", "calls ran on PyTorch's threads"
