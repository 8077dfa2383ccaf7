"""Python's garbage collector rests while kernels are compiled."""

import gc
import itertools

import pytest

from fastsample._kernels.compiler import garbage


@pytest.fixture(autouse=True)
def _from_one(monkeypatch):
    monkeypatch.setattr(garbage, "_compiled", itertools.count(1))


class Thing:
    """That may lie in a circle."""


def is_young(thing):
    return any(thing is one for k in (0, 1) for one in gc.get_objects(k))


def test_it_rests_meanwhile():
    assert gc.isenabled()
    with garbage.resting():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_begins_again_after_an_error():
    with pytest.raises(ZeroDivisionError), garbage.resting():
        _ = 1 / 0
    assert gc.isenabled()


def test_what_was_made_is_not_looked_through():
    with garbage.resting():
        thing = Thing()
        assert is_young(thing)
    assert not is_young(thing)
    assert gc.is_tracked(thing)
    assert gc.get_freeze_count() == 0


def test_circles_are_collected_after_some_kernels():
    left = []
    for _ in range(garbage.COLLECTED):
        with garbage.resting():
            circle = Thing()
            circle.itself = circle
            left.append(id(circle))
            del circle
    alive = {id(one) for one in gc.get_objects() if type(one) is Thing}
    assert not alive & set(left)


def test_who_has_no_collections_gets_none(monkeypatch):
    gc.disable()
    try:
        with garbage.resting():
            thing = Thing()
        assert not gc.isenabled()
        assert is_young(thing)
    finally:
        gc.enable()


def test_what_somebody_froze_stays_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        assert frozen
        with garbage.resting():
            thing = Thing()
        assert gc.get_freeze_count() >= frozen - 100  # frozen objects may still be freed
        assert gc.is_tracked(thing)
    finally:
        gc.unfreeze()
