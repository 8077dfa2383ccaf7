"""Pieces of work on threads: each once, by whoever is free; threads on cores of their own."""

import ctypes
import os
import sys
import threading

import numba
import pytest

from fastsample._kernels import crowd, drive, threads
from fastsample._kernels.compiler import cores
from fastsample._kernels.compiler.team import LAYER, TASKS

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(threads.MOST_THREADS == 1, reason="one thread makes no team"),
]
PIECES = 12
PATIENCE = 20  # seconds, for a thread that others keep from its core


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No call has waited, and no library's threads were joined."""
    monkeypatch.setattr(crowd._State, "alone", 0)
    monkeypatch.setattr(threads._State, "gomp_parallel", 0)


def run(work, pieces=PIECES):
    """Run a function of a piece's number, which holds Python's lock, on all threads."""
    loop = ctypes.CFUNCTYPE(None, *(ctypes.c_void_p,) * 6, ctypes.c_ssize_t)
    called = loop(lambda *args: work(args[-1]))
    address = ctypes.cast(called, ctypes.c_void_p).value
    drive.run_on(address, True, (-64,) * 6, pieces)


@pytest.mark.parametrize("pieces", [2, 3, 7, 100])
def test_each_piece_is_done_once(pieces):
    done = []
    run(done.append, pieces)
    assert sorted(done) == list(range(pieces))


def test_tasks_of_tbb_serve_one_call_at_a_time(monkeypatch):
    ways, alone = [], threads.team
    monkeypatch.setattr(threads, "team", lambda way: ways.append(way) or alone(way))
    done = []
    run(lambda piece: piece == 0 and run(done.append))  # a call within a call
    assert sorted(done) == list(range(PIECES))
    first = TASKS if threads.layer() == "tbb" else LAYER
    assert ways == ([first] if threads.layer() == "workqueue" else [first, LAYER])
    with threads._State.one_region:
        run(done.append)
    assert sorted(done) == sorted(2 * list(range(PIECES)))
    assert TASKS not in ways[1:]


def test_calls_after_a_rest_and_after_another_call(monkeypatch):
    if threads.layer() != "tbb":
        pytest.skip("tasks are TBB's")
    run(abs)
    tasks = threads._State.tasks
    for last in (0, 2**62, 0):  # long ago; just now
        monkeypatch.setattr(crowd._State, "alone", 0)
        tasks[2] = last
        done = []
        run(done.append)
        assert sorted(done) == list(range(PIECES))
        assert 0 < tasks[2] < 2**62  # when it was done


def test_calls_of_several_threads_at_once():
    def call(numbers):
        for _ in range(20):
            run(numbers.append)

    done = [[] for _ in range(4)]
    callers = [threading.Thread(target=call, args=(numbers,)) for numbers in done]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(PATIENCE)
    for numbers in done:
        assert sorted(numbers) == sorted(20 * list(range(PIECES)))


def test_who_is_free_takes_the_pieces_of_who_is_not():
    others, waited = threading.Event(), []
    done = []

    def work(piece):
        if piece == 0:
            waited.append(others.wait(PATIENCE))
        done.append(piece)
        if len(done) == PIECES - 1:
            others.set()

    run(work)
    assert waited == [True]
    assert done[-1] == 0


def test_no_more_threads_than_asked_for():
    seen = set()
    with threads.of_threads(1):
        run(lambda piece: seen.add(threading.get_native_id()))
    assert seen == {threading.get_native_id()}
    assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS


@pytest.mark.skipif(sys.platform != "linux", reason="cores are Linux's")
class TestCores:
    """Threads move once, and may run afterwards where they might before."""

    def test_a_thread_leaves_its_core(self):
        before = os.sched_getaffinity(0)
        leaves = numba.njit(lambda taken: cores.leave(taken))
        at = numba.njit(lambda: cores.here())
        leaves(0)
        for _ in range(20):
            core = at()
            leaves(1 << core)
            assert os.sched_getaffinity(0) == before
        left = at()
        try:
            os.sched_setaffinity(0, {left})
            leaves(1 << left)  # there is no other
            assert os.sched_getaffinity(0) == {left}
            assert at() == left
        finally:
            os.sched_setaffinity(0, before)

    @pytest.mark.parametrize("bound", [False, True])
    def test_where_a_team_may_run_is_not_changed(self, bound):
        here, seen = threading.get_native_id(), {}
        before = os.sched_getaffinity(0)
        wanted = {min(before)} if bound else before
        for _ in range(20):
            run(lambda piece: seen.setdefault(threading.get_native_id(), piece))
        try:
            for thread in seen:
                os.sched_setaffinity(thread, wanted)
            for _ in range(20):
                run(lambda piece: seen.setdefault(threading.get_native_id(), piece))
            assert here in seen
            assert all(os.sched_getaffinity(thread) == wanted for thread in seen)
        finally:
            for thread in seen:
                os.sched_setaffinity(thread, before)
