"""Processes that are not alone: forks that Python does not see, other libraries' threads."""

import os
import sys
from importlib import metadata

import child
import pytest

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="GNU's OpenMP is Linux's")
LIMIT = 120

START = """
import ctypes, os, signal, sys, threading
import numpy as np

def forked(work, fork=os.fork):
    pid = fork()
    if pid == 0:
        signal.alarm(60)
        os._exit(0 if work() else 3)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print({0: "right", 3: "wrong"}.get(code, f"ended by {-code}"), flush=True)
"""

SCENE = """
import numba, fastsample as fs
rng = np.random.default_rng(0)
image = rng.random((1, 3, 300, 400), np.float32)
grid = rng.uniform(-1, 1, (1, 300, 400, 2)).astype(np.float32)

def is_sampled():
    return np.array_equal(fs.grid_sample(image, grid), want)
"""

OPENMP = """
# Another library's threads: a region of two of GNU's OpenMP.
gomp = ctypes.CDLL("libgomp.so.1")
body, seen = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: seen.append(1)), []
gomp.GOMP_parallel(body, None, 2, 0)
assert len(seen) == 2
"""


def has_tbb():
    """Is the wheel there? (It is a dependency where there is one.)"""
    try:
        return bool(metadata.version("tbb"))
    except metadata.PackageNotFoundError:
        return False


def layers():
    """Numba's, as far as they are here."""
    return [layer for layer in child.LAYERS if layer != "tbb" or has_tbb()]


def children(source, **variables):
    """How the script's forked children fared: each "right", if it found what was to be found."""
    return child.script(START + source, LIMIT, NUMBA_NUM_THREADS="2", **variables).split()


class TestForksWithoutHooks:
    @pytest.mark.parametrize("layer", layers())
    @pytest.mark.parametrize("hook", ["none", "the one after it alone"])
    def test_a_child_samples(self, hook, layer):
        script = f"""
want = fs.grid_sample(image, grid)
api = ctypes.PyDLL(None)

def work():
    if {hook != "none"}:
        api.PyOS_AfterFork_Child()
    return is_sampled()

for _ in range(2):
    forked(work, api.fork)
assert is_sampled(), "the parent is hurt"
"""
        assert children(SCENE + script, NUMBA_THREADING_LAYER=layer) == ["right"] * 2

    def test_a_child_compiles_though_a_thread_of_its_parent_did(self):
        script = """
from fastsample._kernels.compiler import once
api = ctypes.PyDLL(None)
inside, go = threading.Event(), threading.Event()

@once.once
def slow(k):
    inside.set()
    go.wait()
    return k

@once.once
def other(k):
    return k

thread = threading.Thread(target=slow, args=(1,))
thread.start()
inside.wait()
forked(lambda: other(2) == 2, api.fork)
go.set()
thread.join()
"""
        assert children(script) == ["right"]

    @pytest.mark.parametrize("fork", ["os.fork", "api.fork"])
    def test_its_kernels_have_names_of_their_own(self, fork):
        """Code from disk shares one space of names, in which the first of a name stands for all."""
        script = """
from fastsample._kernels.compiler import making, once
from numba.core.bytecode import FunctionIdentity
api = ctypes.PyDLL(None)
first = next(FunctionIdentity._unique_ids)

@once.once
def number(k):
    return next(FunctionIdentity._unique_ids)

forked(lambda: abs(number(1) - first) > 1000, FORK)
""".replace("FORK", fork)
        assert children(script) == ["right"]


@pytest.mark.parametrize("lock", ["compiler_lock.global_compiler_lock", "ffi.lib._lock"])
def test_a_fork_waits_for_who_compiles(lock):
    script = """
import time
from llvmlite.binding import ffi
from numba.core import compiler_lock
import fastsample._kernels.compiler.jit
inside = threading.Event()

def compile():
    with LOCK:
        inside.set()
        time.sleep(0.5)

thread = threading.Thread(target=compile)
thread.start()
inside.wait()
forked(lambda: compile() is None)
thread.join()
compile()  # nor does the parent hold it
""".replace("LOCK", lock)
    assert children(script) == ["right"]


class TestOtherLibrariesThreads:
    @linux
    @pytest.mark.parametrize("layer", layers())
    @pytest.mark.parametrize("imported", ["before", "in the child"])
    def test_a_parent_that_used_openmp(self, imported, layer):
        early = SCENE if imported == "before" else ""
        late = "" if early else SCENE.replace("\n", "\n    ")
        script = f"""
def work():
    {late}
    found = fs.grid_sample(image, grid)
    numba.set_num_threads(1)
    return np.array_equal(found, fs.grid_sample(image, grid))

forked(work)
"""
        assert children(early + OPENMP + script, NUMBA_THREADING_LAYER=layer) == ["right"]

    @linux
    def test_a_program_that_was_started_is_no_fork(self):
        """It may use OpenMP's threads, whatever is loaded; its child may not."""
        script = """
from fastsample._kernels import threads
assert threads._may_open()
forked(lambda: not threads._may_open())
"""
        assert children(OPENMP + script, NUMBA_THREADING_LAYER="omp") == ["right"]

    @pytest.mark.parametrize("layer", layers())
    def test_forked_by_another_thread_than_the_one_that_sampled(self, layer):
        script = """
results = []
thread = threading.Thread(target=lambda: results.append(fs.grid_sample(image, grid)))
thread.start()
thread.join()
want = results[0]
forked(is_sampled)
forked(is_sampled)
assert is_sampled(), "the parent is hurt"
"""
        assert children(SCENE + script, NUMBA_THREADING_LAYER=layer) == ["right"] * 2

    @pytest.mark.parametrize("layer", layers())
    def test_a_child_has_loaded_what_calls_share(self, layer):
        script = """
from fastsample._kernels import recall
from fastsample._kernels.compiler import builtin
from fastsample._kernels.drive import driver
fs.grid_sample(image, grid)
def drives():
    builtin.compiled_address = None
    return callable(driver())
def finds_calls():
    recall.compiled_address = None
    return recall.is_usable()
forked(drives)
forked(finds_calls)
"""
        assert children(SCENE + script, NUMBA_THREADING_LAYER=layer) == ["right"] * 2

    @pytest.mark.skipif(not has_tbb(), reason="no wheel of TBB for this system")
    def test_a_thread_that_forks_before_anybody_sampled_costs_nothing(self):
        script = """
from fastsample._kernels import threads
thread = threading.Thread(target=lambda: forked(threads._may_open))
thread.start()
thread.join()
"""
        assert children(script, NUMBA_THREADING_LAYER="tbb") == ["right"]


class TestSettings:
    LAYER = (
        SCENE.replace("import numba", "import numpy as np, numba")
        + """
fs.grid_sample(image, grid)
print(numba.threading_layer())
"""
    )

    @pytest.mark.skipif(not has_tbb(), reason="no wheel of TBB for this system")
    def test_tbb_is_chosen_where_nothing_is(self):
        said = child.script(self.LAYER, NUMBA_THREADING_LAYER=None, NUMBA_NUM_THREADS="2")
        assert said.strip() == "tbb"

    @pytest.mark.parametrize("layer", layers())
    def test_a_users_choice_stands(self, layer):
        said = child.script(self.LAYER, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")
        assert said.strip() == layer

    def test_a_choice_in_the_program_stands(self):
        source = "import numba; numba.config.THREADING_LAYER = 'workqueue'\n" + self.LAYER
        said = child.script(source, NUMBA_THREADING_LAYER=None, NUMBA_NUM_THREADS="2")
        assert said.strip() == "workqueue"

    @pytest.mark.parametrize(
        ("variables", "most"),
        [
            ({"OMP_NUM_THREADS": "1"}, 1),
            ({"OMP_NUM_THREADS": "1,4"}, 1),
            ({"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}, 2),
            ({"OMP_NUM_THREADS": "99", "NUMBA_NUM_THREADS": "2"}, 2),
            ({"OMP_NUM_THREADS": "few", "NUMBA_NUM_THREADS": "3"}, 3),
        ],
    )
    def test_how_many_threads(self, variables, most):
        source = "from fastsample._kernels import threads; print(threads.MOST_THREADS)"
        none = {"OMP_NUM_THREADS": None, "NUMBA_NUM_THREADS": None}
        assert child.script(source, **{**none, **variables}).strip() == str(most)

    def test_the_limit_holds_for_our_calls_alone(self):
        said = child.script(
            SCENE.replace("import numba", "import numpy as np, numba")
            + """
from fastsample._kernels import threads
threads.MOST_THREADS = 2  # what OMP_NUM_THREADS=2 says on a machine of three
def count():
    print(numba.get_num_threads(), end=" ")
def told(is_layer, start, share, number):
    print(number, end=" ")
threads.team = lambda is_layer: (told, 0)
def run():
    threads.run(lambda: count, ())
run()
count()
numba.set_num_threads(1)
run()
""",
            NUMBA_NUM_THREADS="3",
        )
        assert said.split() == ["2", "3", "1"]


def test_a_handler_of_signals_forks_amid_a_call():
    """It waits for no call of its own thread."""
    script = """
from fastsample._kernels import crowd, threads
crowd.is_here = lambda: False  # other programs may keep this one to one thread
want, usual, pids = fs.grid_sample(image, grid), threads.team, []

def fork(number, frame):
    pids.append(os.fork())
    if pids[-1] == 0:
        signal.alarm(60)
        threads.team = usual
        os._exit(0 if is_sampled() else 3)

def team(way):
    os.kill(os.getpid(), signal.SIGUSR1)
    return usual(way)

signal.signal(signal.SIGUSR1, fork)
signal.alarm(60)
threads.team = team
assert is_sampled()
threads.team = usual
assert is_sampled()
print(*(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids))
"""
    assert child.script(START + SCENE + script, NUMBA_NUM_THREADS="2").split() == ["0"]
