"""Calls that waited for a thread which others kept from its core: the next ones work alone."""

import numpy as np
import pytest

import fastsample as fs
from fastsample._kernels import crowd, threads

MS = 1_000_000


class Clocks:
    """The time of day and this thread's own, which stand still between regions."""

    def __init__(self):
        self.now = self.worked = 0

    def region(self, worked, waited=0):
        def work():
            self.now += worked + waited
            self.worked += worked

        return work


@pytest.fixture
def clocks(monkeypatch):
    """The clocks of a process that has not waited yet."""
    made = Clocks()
    monkeypatch.setattr(crowd, "_clock", lambda: made.now)
    monkeypatch.setattr(crowd, "_worked", lambda: made.worked)
    for name, value in (("alone", 0), ("times", crowd.FIRST), ("good", 0)):
        monkeypatch.setattr(crowd._State, name, value)
    return made


def until_together(clocks, worked=MS):
    """How many calls work alone until one is over threads again."""
    calls = 0
    while crowd.is_here():
        crowd.alone(clocks.region(worked), ())
        calls += 1
    return calls


def test_after_a_wait_the_next_calls_work_alone(clocks):
    crowd.together(clocks.region(MS, 4 * MS), (), 2)
    assert until_together(clocks) == 4 * crowd.FIRST


@pytest.mark.parametrize("number", [2, 3, 16])
def test_it_took_twice_as_long_as_one_thread_would(clocks, number):
    alone = number * MS
    for worked, waited in ((MS, 0), (MS, 2 * alone - MS), (MS // 100, crowd.LITTLE_NS)):
        crowd.together(clocks.region(worked, waited), (), number)
        assert not crowd.is_here()
    crowd.together(clocks.region(MS, 2 * alone), (), number)
    assert crowd.is_here()


def test_long_calls_stay_together(clocks):
    crowd.together(clocks.region(crowd.SHORT_NS, 4 * crowd.SHORT_NS), (), 2)
    assert not crowd.is_here()


def test_the_more_waits_the_longer_alone(clocks):
    found = []
    for _ in range(8):
        crowd.together(clocks.region(MS, 4 * MS), (), 2)
        found.append(until_together(clocks) // 4)
    assert found == [16, 32, 64, 128, 256, 512, 1024, 1024]


def test_many_calls_without_a_wait_make_it_quiet_again(clocks):
    for _ in range(3):
        crowd.together(clocks.region(MS, 4 * MS), (), 2)
        until_together(clocks)
    for _ in range(crowd.GOOD - 1):
        crowd.together(clocks.region(MS), (), 2)
    assert crowd._State.times > crowd.FIRST
    crowd.together(clocks.region(MS), (), 2)
    assert crowd._State.times == crowd.FIRST


def test_a_region_that_fails_is_no_wait(clocks):
    def fails():
        clocks.now += 9 * MS
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        crowd.together(fails, (), 2)
    assert not crowd.is_here()


@pytest.mark.compiled
@pytest.mark.skipif(threads.MOST_THREADS == 1, reason="one thread has nobody to wait for")
def test_a_call_asks_and_its_result_is_the_same(monkeypatch):
    image = np.random.default_rng(0).random((1, 3, 128, 128), np.float32)
    grid = fs.affine_grid(
        np.array([[[0.9, 0.2, 0.0], [-0.2, 0.9, 0.1]]], np.float32), (1, 3, 128, 128)
    )
    monkeypatch.setattr(threads._State, "gomp_parallel", 0)  # PyTorch may have been imported
    monkeypatch.setattr(crowd._State, "alone", 0)
    want = fs.grid_sample(image, grid)
    monkeypatch.setattr(crowd._State, "alone", 10**12)
    before = threads.in_use()
    assert np.array_equal(fs.grid_sample(image, grid), want)
    assert crowd._State.alone < 10**12
    assert threads.in_use() == before
