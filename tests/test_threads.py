"""Threads, forks and threading layers, each in a process of its own."""

import functools
import os
import sys

import child
import pytest

pytestmark = pytest.mark.compiled
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
LIMIT = 120

SCENES = """
import hashlib, sys
import numba, numpy as np
import fastsample as fs
from cases import coordinates, noise

def scene(shape, out, dtype="float32"):
    image = noise(0, shape, dtype)
    return image, coordinates(1, (shape[0], *out), dtype, shape[2:], "normalized")

def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()

LARGE = scene((1, 3, 300, 400), (500, 400))  # well past what one thread is left alone with
"""

DIGESTS = """
shapes = [((1, 1, 8, 8), (4,)), ((2, 3, 31, 17), (33, 35)), ((1, 64, 40, 40), (70, 70)),
          ((5, 7, 16, 16), (64, 65)), ((9000, 1, 4, 4), (4,)), ((1, 2, 2000), (100_000,)),
          ((1, 2, 20, 21, 9), (30, 31, 32))]
for image, grid in [LARGE, *(scene(*s) for s in shapes)]:
    for mode in ("nearest", "bilinear", "bicubic") if image.ndim == 4 else ("bilinear",):
        print(digest(fs.grid_sample(image, grid, mode)))
"""

GRADIENTS = """
def grad_of(image, grid):
    shape = max(len(image), len(grid)), image.shape[1], *grid.shape[1:-1]
    return noise(2, shape, image.dtype)

def digests(image, grid, **options):
    both = fs.grid_sample_backward(grad_of(image, grid), image, grid, **options)
    return " ".join(digest(g) for g in both)

PLANE = scene((1, 1, 900, 1000), (600, 700))  # one plane, which threads have to share
"""

BACK_DIGESTS = """
one, few = scene((1, 2, 300, 200), (150, 150)), scene((3, 2, 300, 200), (150, 150))
jobs = [LARGE, PLANE, (one[0], few[1]), (few[0], one[1])]
jobs += [scene((1, 64, 40, 40), (70, 70)), scene((5, 7, 16, 16), (64, 65))]
jobs += [scene((9000, 1, 4, 4), (4,)), scene((9000, 3, 4, 4), (2, 2))]
jobs += [scene((1, 20, 300, 200), (150, 150))]  # in groups, whose sums are bands
jobs += [scene((1, 1, 200_000), (100_000,)), scene((1, 1, 60, 61, 70), (40, 41, 42))]
for job in jobs:
    print(digests(*job))
for mode in ("nearest", "bicubic"):
    print(digests(*PLANE, mode=mode))
    print(digests(*LARGE, mode=mode))
pile = scene((1, 1, 900, 1000), (300, 300))
pile[1][:, ::2] = 0.25  # half of the points on four pixels
print(digests(*pile))
print(digests(*PLANE, padding_mode="reflection"))

image, theta = LARGE[0], np.eye(2, 3, dtype="f4")[None] * np.float32(0.8)
grad = noise(3, (1, 3, 500, 600), "f4")
print(*map(digest, fs.affine_sample_backward(grad, image, theta, (500, 600))))
print(digest(fs.affine_grid_backward(noise(4, (2, 700, 500, 2), "f4"), (2, 1, 700, 500))))
"""


def available_threads():
    """Numba can't be asked for more threads than it started with."""
    return max(2, os.cpu_count() or 1)


def assert_same_after_setting(numbers, before, result):
    """The same results after each of these settings, which are the user's and stay."""
    source = f"""
print(numba.get_num_threads(), {result})
for threads in {numbers}:
    numba.set_num_threads(threads)
    found = {result}
    print(numba.get_num_threads(), found)
"""
    most = max(numbers)
    said = child.script(SCENES + before + source, LIMIT, NUMBA_NUM_THREADS=str(most))
    settings, results = zip(*(line.split(" ", 1) for line in said.splitlines()), strict=True)
    assert settings == tuple(map(str, (most, *numbers)))
    assert len(set(results)) == 1


class TestSameBits:
    def test_for_any_number_of_threads(self):
        one = child.script(SCENES + DIGESTS, LIMIT, NUMBA_NUM_THREADS="1")
        many = child.script(SCENES + DIGESTS, LIMIT, NUMBA_NUM_THREADS=str(available_threads()))
        assert one == many
        assert len(one.split()) == 20

    @pytest.mark.parametrize("layer", ["tbb", "workqueue"])
    def test_of_gradients_for_any_number_of_threads(self, layer):
        """A pixel's sum has one order, whoever adds; so has a matrix's."""
        options = {"NUMBA_THREADING_LAYER": layer}
        source = SCENES + GRADIENTS + BACK_DIGESTS
        one, *others = (
            child.script(source, LIMIT, NUMBA_NUM_THREADS=threads, **options)
            for threads in (("1", "2", "8") if layer == "tbb" else ("1", "2"))
        )
        for other in others:
            assert other == one
        assert len(one.split()) == 17 * 2 + 2 + 1

    def test_of_gradients_after_set_num_threads(self):
        assert_same_after_setting((1, 2, 3, 2), GRADIENTS, "digests(*PLANE)")

    def test_after_set_num_threads(self):
        assert_same_after_setting((1, 2), "", "digest(fs.grid_sample(*LARGE))")


AT_ONCE = """
import threading
jobs = [scene((1, 1 + k % 3, 200 + k, 300), (300, 200 + 40 * k)) for k in range(8)]
wants = [digest(fs.grid_sample(*job)) for job in jobs]
start, wrong = threading.Barrier(8), []

def work(k):
    start.wait()
    for _ in range(25):
        try:
            if digest(fs.grid_sample(*jobs[k])) != wants[k]:
                wrong.append(k)
        except BaseException as error:
            wrong.append(repr(error))

threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
assert not wrong, wrong
"""

FIRST_CALLS = """
import threading
start, results = threading.Barrier(8), []

def work():
    start.wait()
    results.append(digest(fs.grid_sample(*LARGE)))

threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
assert len(results) == 8 and len(set(results)) == 1, results
"""

AT_ONCE_BACK = """
import threading
jobs = [scene((1, 1 + k % 3, 500 + k, 400), (300, 200 + 40 * k)) for k in range(4)]
wants = [digests(*job) for job in jobs]
start, wrong = threading.Barrier(4), []

def work(k):
    start.wait()
    for _ in range(8):
        try:
            if digests(*jobs[k]) != wants[k]:
                wrong.append(k)
        except BaseException as error:
            wrong.append(repr(error))

threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
assert not wrong, wrong
"""


@pytest.mark.parametrize("layer", child.LAYERS)
def test_python_threads_at_once(layer):
    """Eight load or compile the kernel at the same time; then results, then gradients."""
    source = SCENES + FIRST_CALLS + AT_ONCE + GRADIENTS + AT_ONCE_BACK
    source += "print(numba.threading_layer())"
    told = child.script(source, LIMIT, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")
    assert told.split() == [layer]


FORK = """
import os, signal
want = digest(fs.grid_sample(*LARGE))
for generation in range(2):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        ok = digest(fs.grid_sample(*LARGE)) == want
        small = scene((1, 1, 8, 8), (4,))
        fs.grid_sample(*small)
        os._exit(0 if ok else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "the child failed"
    assert digest(fs.grid_sample(*LARGE)) == want, "the parent is hurt"
"""

GRANDCHILD = """
import os, signal
want = digest(fs.grid_sample(*LARGE))

def down(levels):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        ok = digest(fs.grid_sample(*LARGE)) == want
        os._exit(0 if ok and (levels == 0 or down(levels - 1) == 0) else 3)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

assert down(1) == 0
"""

POOL = """
import multiprocessing

def work(k):
    image, grid = LARGE
    return digest(fs.grid_sample(image + np.float32(k), grid))

if __name__ == "__main__":
    want = [work(k) for k in range(6)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(work, range(6)).get(60) == want
"""

NUMBA_FIRST = """
import os, signal

@numba.njit(parallel=True)
def total(x):
    s = 0.0
    for i in numba.prange(x.size):
        s += x[i]
    return s

total(np.ones(100_000))  # the threads are started by code that is not ours
want = digest(fs.grid_sample(*scene((1, 1, 8, 8), (4,))))
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    fs.grid_sample(*LARGE)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""

AMID = """
import os, signal, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of just this
job = scene((1, 1, 64, 64), (100, 100))
want, busy = digest(fs.grid_sample(*job)), True

def work():
    while busy:
        fs.grid_sample(*job)

threads = [threading.Thread(target=work) for _ in range(2)]
[t.start() for t in threads]
failed = 0
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        os._exit(0 if digest(fs.grid_sample(*job)) == want else 3)
    failed += os.waitpid(pid, 0)[1] != 0
busy = False
[t.join() for t in threads]
assert not failed, failed
"""


FORK_BACK = """
import os, signal
want = digests(*PLANE), digests(*LARGE)
for generation in range(2):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        os._exit(0 if (digests(*PLANE), digests(*LARGE)) == want else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "the child failed"
    assert (digests(*PLANE), digests(*LARGE)) == want, "the parent is hurt"
"""

STORIES = {
    "child, grandchild, pool": FORK + GRANDCHILD + POOL,
    "threads of others": NUMBA_FIRST,
    "amid sampling threads": AMID,
}


@functools.cache
def of_a_large_scene():
    """Its digest, by another process."""
    return child.script(SCENES + "print(digest(fs.grid_sample(*LARGE)), end='')", LIMIT)


def ends_well(source, layer):
    """Does a story come to its end? What is wrong in it, in a child or not, ends it before."""
    options = {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"}
    return child.script(f"{SCENES}{source}\nprint('the end')", LIMIT, **options) == "the end\n"


@posix
class TestFork:
    @pytest.mark.parametrize("layer", child.LAYERS)
    @pytest.mark.parametrize("story", STORIES)
    def test_child_of_a_parallel_parent(self, story, layer):
        assert ends_well(STORIES[story], layer)

    @pytest.mark.parametrize("layer", child.LAYERS)
    def test_gradients(self, layer):
        assert ends_well(GRADIENTS + FORK_BACK, layer)

    @pytest.mark.parametrize("layer", child.LAYERS)
    def test_child_of_a_quiet_parent(self, layer):
        """The parent never sampled: the child is free to start threads of its own."""
        story = FORK.replace("want = digest(fs.grid_sample(*LARGE))\n", "want = sys.argv[-1]\n", 1)
        want = repr(of_a_large_scene())
        story = story.replace("sys.argv[-1]", want).replace("range(2)", "range(1)")
        assert ends_well(story, layer)


def test_the_threading_layer_stays_the_users():
    """Importing and sampling change neither the layer nor the number of threads."""
    source = """
def settings():
    config = numba.config
    return config.THREADING_LAYER, config.NUMBA_NUM_THREADS, numba.get_num_threads()

print(settings())
fs.grid_sample(*LARGE)
print(settings())
print(numba.threading_layer())
"""
    variables = {"NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "2"}
    before, after, layer = child.script(SCENES + source, LIMIT, **variables).splitlines()
    assert before == after == "('workqueue', 2, 2)"
    assert layer == "workqueue"


def test_a_layer_that_cannot_be_loaded_is_one_clear_error():
    """Before the kernel that would run on it is compiled."""
    script = """
        import fastsample as fs, numpy as np
        from fastsample._kernels import threads
        assert threads.layer() == "nonesuch, which is not available"
        assert "pip install tbb" in threads._why_none("tbb")
        for _ in range(2):
            try:
                fs.region_shift(np.ones((4, 4, 500, 500), np.uint8), [[1, 2]])
            except RuntimeError as error:
                print(error)
    """
    said = child.script(script, NUMBA_THREADING_LAYER="nonesuch", NUMBA_NUM_THREADS="2")
    rule = "NUMBA_THREADING_LAYER must name a layer that Numba can load; got 'nonesuch'"
    assert said.splitlines() == [f"fastsample: {rule}: unset the variable"] * 2


def test_scripts_run_on_this_python():
    assert child.script("import sys; print(sys.version)").strip() == sys.version
