"""Compiled code as functions of Python's own."""

import sys
import threading

import numpy as np
import pytest

from fastsample._kernels.compiler import disk
from fastsample._kernels.compiler.builtin import without_the_lock
from fastsample._kernels.compiler.cores import mark
from fastsample._kernels.compiler.flat import array_at, memory_of
from fastsample._kernels.compiler.jit import jit

pytestmark = pytest.mark.compiled
TURNS = 2 * 10**9  # some seconds


@jit
def copied(numbers):
    out = array_at(memory_of(numbers[0]), np.int64, 0)
    for k in range(1, 3):
        out[k] = numbers[k]


@jit
def wait(numbers):
    """Until another thread, which needs Python's lock, sets a flag; or for so many turns."""
    memory, turns = memory_of(numbers[0]), 0
    mark(memory, 0, 1)
    while mark(memory, 1, 0) == 0 and turns < numbers[1]:
        turns += 1
    array_at(memory, np.int64, 0)[2] = turns


@pytest.fixture(autouse=True, scope="module")
def _nothing_on_disk():
    """A kernel there is known by its name and by the package's sources, not by a test's."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(disk, "read", lambda *what: None)
        patched.setattr(disk, "write", lambda *what: None)
        yield


@pytest.fixture(scope="module")
def function():
    return without_the_lock(copied, 3, "test_copied")


@pytest.mark.parametrize("numbers", [(1, 2), (-(2**63), 2**63 - 1), (True, np.int64(7))])
def test_numbers_arrive(function, numbers):
    out = np.zeros(3, np.int64)
    assert function(id(out), *numbers) is None
    np.testing.assert_array_equal(out[1:], numbers)


@pytest.mark.parametrize("numbers", [(), (1,), (1, 2, 3)])
def test_there_are_as_many_as_there_should_be(function, numbers):
    out = np.zeros(3, np.int64)
    with pytest.raises(TypeError):
        function(id(out), *numbers)
    assert not out.any()


@pytest.mark.parametrize(
    ("wrong", "error"), [(1.0, TypeError), (None, TypeError), (2**63, OverflowError)]
)
def test_what_is_no_number_ends_in_pythons_error(function, wrong, error):
    out = np.zeros(3, np.int64)
    with pytest.raises(error):
        function(id(out), 1, wrong)
    assert not out.any()


def test_none_is_counted(function):
    """Each call returns a reference to None; no number of calls uses them up."""
    out = np.zeros(3, np.int64)
    before = sys.getrefcount(None)
    for _ in range(10_000):
        function(id(out), 1, 2)
    assert abs(sys.getrefcount(None) - before) < 1000


def test_other_threads_run_meanwhile():
    function, flags = without_the_lock(wait, 2, "test_wait"), np.zeros(3, np.int64)

    def answer():
        while flags[0] == 0:
            pass
        flags[1] = 1

    other = threading.Thread(target=answer)
    other.start()
    function(id(flags), TURNS)
    other.join()
    assert flags[2] < TURNS
