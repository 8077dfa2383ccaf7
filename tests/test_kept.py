"""Memory of dropped results is used again, and never while anything shows it."""

import sys
import threading

import numpy as np
import pytest

import fastsample as fs
from fastsample._calls.buffers import empty
from fastsample._calls.kept import STORE, WASTE, Store
from fastsample._calls.schedule import STREAM
from fastsample._kernels.compiler.flat import address
from fastsample._kernels.vectors.memory import CACHE_LINE

SIZE = 4096
F32 = np.dtype(np.float32)


def sizes(store):
    return [x.nbytes - CACHE_LINE for x in store.free]


def test_what_was_dropped_is_used_again():
    store = Store()
    first = store.lined(SIZE)
    where = address(first)
    del first
    assert sizes(store) == [SIZE]
    again = store.lined(SIZE)
    assert address(again) == where
    assert not store.free
    assert again.nbytes == SIZE
    assert again.flags.writeable


def test_it_starts_on_a_cache_line():
    store = Store()
    held = [store.lined(SIZE + k) for k in range(8)]
    assert {address(x) % CACHE_LINE for x in held} == {0}


@pytest.mark.parametrize(
    "show", [lambda x: x[5:9], lambda x: x.view(F32).reshape(2, -1).T, memoryview]
)
def test_a_view_holds_it(show):
    store = Store()
    whole = store.lined(SIZE)
    whole[...] = 7
    seen = show(whole)
    del whole
    assert not store.free
    store.lined(SIZE)[...] = 0
    assert np.frombuffer(np.ascontiguousarray(seen), np.uint8).min() == 7
    del seen
    assert sizes(store) == [SIZE, SIZE]


def test_another_size_has_memory_of_its_own():
    store = Store()
    store.lined(SIZE)  # and dropped
    for size in (SIZE + CACHE_LINE + 1, SIZE - SIZE // WASTE):
        held = store.lined(size)
        assert held.nbytes == size
        assert sizes(store) == [SIZE]
        del held
        store.free.pop(0)
    held = store.lined(SIZE - SIZE // (2 * WASTE))
    assert not store.free
    del held


def test_no_more_is_kept_than_the_most():
    store = Store(most=4 * SIZE)
    held = [store.lined(SIZE + 16 * k) for k in range(6)]
    while held:
        del held[0]
    assert sizes(store) == [SIZE + 16 * k for k in (5, 4, 3)]
    store.lined(8 * SIZE)  # more than that by itself
    assert len(store.free) == 3


def test_who_finds_the_store_in_use_does_without():
    store = Store()
    held, kept = store.lined(SIZE), store.lined(SIZE)
    del kept
    with store.lock:
        other = store.lined(SIZE)
        assert address(other) not in (address(held), 0)
        del held
    assert sizes(store) == [SIZE]


def test_threads_at_once_share_no_memory():
    store, found = Store(), []

    def work(number):
        for _ in range(300):
            mine = store.lined(SIZE)
            mine[...] = number
            found.append(mine.min() == mine.max() == number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == 1200
    assert all(found)


def test_small_results_are_numpys():
    assert empty((STREAM // 4 - 1,), F32).base is None
    assert empty((STREAM // 4,), F32).base is not None


@pytest.mark.compiled
def test_results_of_calls():
    image = np.random.default_rng(0).random((1, 1, 1024, 1024), np.float32)
    turn = np.array([[[0.9, 0.2, 0.0], [-0.2, 0.9, 0.1]]], np.float32)
    first = fs.affine_sample(image, turn, (1024, 1024))
    want, where = first.copy(), address(first)
    held = fs.affine_sample(image, turn, (1024, 1024))
    assert address(held) != where
    del first
    assert any(where - CACHE_LINE <= address(x) <= where for x in STORE.free)
    third = fs.affine_sample(image, turn, (1024, 1024))
    assert address(third) == where
    assert np.array_equal(third, want)
    assert np.array_equal(held, want)
