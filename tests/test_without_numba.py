"""Processes that find their kernels on disk: they run without Numba, until somebody imports it."""

import os
from ast import literal_eval

import child
import pytest
from test_company import layers

pytestmark = pytest.mark.compiled

SCENE = """
import os, signal, sys, threading
import numpy as np
import fastsample as fs
from fastsample._kernels import layer, threads
rng = np.random.default_rng(0)
image = rng.random((1, 3, 300, 400), np.float32)
grid = rng.uniform(-1, 1, (1, 300, 400, 2)).astype(np.float32)

def sampled():
    return fs.grid_sample(image, grid)

def numba_is_there():
    return "numba" in sys.modules
"""
PLAIN = {"NUMBA_NUM_THREADS": "2", "NUMBA_THREADING_LAYER": None, "OMP_NUM_THREADS": None}


@pytest.fixture(scope="module", autouse=True)
def _on_disk():
    """The kernels of the scene, and those that are loaded before a fork."""
    child.script(SCENE + "sampled(); sampled(); getattr(os, 'fork', int)() or os._exit(0)", **PLAIN)
    child.script(SCENE + "sampled(); sampled()", NUMBA_THREADING_LAYER="tbb")


def said(script, **variables):
    return child.script(SCENE + script, **{**PLAIN, **variables}).split()


def test_a_warm_process_needs_none():
    assert said("sampled(); print(numba_is_there(), threads.in_use())") == ["False", "2"]


def test_the_first_kernel_that_is_not_there_brings_it(tmp_path):
    script = "print(numba_is_there()); sampled(); print(numba_is_there())"
    assert said(script, NUMBA_CACHE_DIR=str(tmp_path)) == ["False", "True"]


@pytest.mark.parametrize("layer", layers())
def test_a_layer_is_started_alone(layer):
    script = "sampled(); print(numba_is_there(), layer.name(), bool(threads._State.serial_only))"
    assert said(script, NUMBA_THREADING_LAYER=layer) == ["False", layer, "False"]


@pytest.mark.parametrize("layer", layers())
def test_numba_finds_the_layer_that_was_started(layer):
    """Its settings of threads are of one and the same layer."""
    script = """
sampled()
import numba
print(threads.in_use(), numba.get_num_threads(), end=" ")
numba.set_num_threads(1)
print(numba.threading_layer(), threads.in_use())
assert np.array_equal(sampled(), sampled())

@numba.njit(parallel=True)
def count(n):
    total = 0
    for k in numba.prange(n):
        total += k
    return total

assert count(1000) == 499500
"""
    assert said(script, NUMBA_THREADING_LAYER=layer) == ["2", "2", layer, "1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("layer", layers())
def test_a_child_samples(layer):
    script = """
want = sampled()
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    os._exit(0 if np.array_equal(sampled(), want) and not numba_is_there() else 3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert said(script, NUMBA_THREADING_LAYER=layer) == ["0"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_waits_for_numbas_import(tmp_path):
    """A module that another thread imports stays half imported in the child."""
    script = """
import builtins
from fastsample._kernels.compiler import forks
usual, inside = builtins.__import__, threading.Event()

def slow(name, *args, **kwargs):
    if name == "numba":
        inside.set()
        threading.Event().wait(0.3)
    return usual(name, *args, **kwargs)

builtins.__import__ = slow
thread = threading.Thread(target=sampled)
thread.start()
inside.wait(60)
pid = os.fork()
if pid == 0:
    signal.alarm(100)
    sampled()
    os._exit(0)
thread.join()
print(inside.is_set(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert said(script, NUMBA_CACHE_DIR=str(tmp_path)) == ["True", "0"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NUMBA_CPU_NAME", "generic"),
        ("NUMBA_ENABLE_AVX", "0"),
        ("NUMBA_NUM_THREADS", "2 "),
        ("NUMBA_THREADING_LAYER", "safe"),
        ("NUMBA_DEBUG_CACHE", "0"),
    ],
)
def test_what_is_not_plain_is_numbas_to_read(name, value):
    script = "import fastsample, sys; print('numba' in sys.modules)"
    assert child.script(script, **{**PLAIN, name: value}).strip() == "True"


def test_a_file_of_settings_is_numbas_to_read(tmp_path):
    (tmp_path / ".numba_config.yaml").write_text("num_threads: 1")
    script = "import fastsample, sys; print('numba' in sys.modules)"
    assert child.script(script, cwd=tmp_path, **PLAIN).strip() == "True"


def test_settings_are_read_as_numba_reads_them():
    script = """
import sys
from fastsample._kernels.compiler import cpu, settings
names = [*settings.DEFAULTS, "CACHE_DIR", "NUMBA_NUM_THREADS", "THREADING_LAYER"]
here, target = [settings.setting(name) for name in names], cpu.target()
print("numba" in sys.modules)
from numba.core import codegen, config
print((here, target))
print(([getattr(config, name) for name in names],
       (codegen.ll.get_host_cpu_name(), codegen.get_host_cpu_features())))
"""
    for given in ({}, {"NUMBA_NUM_THREADS": None, "NUMBA_CACHE_DIR": "somewhere"}):
        brought, here, numbas = child.script(script, **{**PLAIN, **given}).splitlines()
        assert brought == "False"
        assert literal_eval(here) == literal_eval(numbas)


def test_kernels_are_the_same_with_numba_and_without(tmp_path):
    """What a process with Numba leaves on disk serves one without, and the other way round."""
    for first, second in (("import numba", ""), ("", "import numba")):
        place = {"NUMBA_CACHE_DIR": str(tmp_path / f"{len(first)}")}
        before = child.script(f"{first}\n{SCENE}\nsampled()", **PLAIN, **place)
        script = (
            f"{second}\n{SCENE}\n"
            + """
from fastsample._kernels.compiler import jit
def _compiled(*args):
    raise AssertionError("it was not found")
jit._compiled = _compiled
sampled()
"""
        )
        assert child.script(script, **PLAIN, **place) == before == ""
