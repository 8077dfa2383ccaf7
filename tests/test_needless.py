"""What Numba does of which nothing comes is left out; what something comes of is not."""

from collections import Counter

import numba
import pytest
from numba.core import ssa, typeinfer

from fastsample._kernels.compiler import making, shortcuts

pytestmark = pytest.mark.compiled
assert making.njit  # what is taken comes with it


def straight(x):
    y = abs(x)
    return abs(y) + 1


def grown(n):
    """Its sum is an int before a second round of types."""
    total = 0
    for k in range(n):
        total = total + k / 2 if k > 1 else total
    return total


def chosen(n):
    """Two that change places."""
    found = -0.5
    if n > 3:
        found = n
    again = found
    for _ in range(2):
        again, found = found, again + found
    return again


def pairs(n):
    both = (n, n / 4)
    first = both[0]
    both = (both[1], both[0] + 2)
    if True:
        first += both[0]
    while first > 7:
        first -= both[1]
    return first


@pytest.mark.parametrize("function", [straight, grown, chosen, pairs])
@pytest.mark.parametrize("n", [0, 3, 40])
def test_results_are_pythons(function, n):
    compiled = numba.njit(function)
    with shortcuts.taken():
        compiled.compile("(i8,)")
    assert compiled(n) == function(n)


@pytest.mark.parametrize("function", [straight, grown, chosen, pairs])
def test_types_are_numbas(function):
    usual, ours = numba.njit(function), numba.njit(function)
    usual.compile("(i8,)")
    with shortcuts.taken():
        ours.compile("(i8,)")
    assert ours.nopython_signatures == usual.nopython_signatures


def test_a_call_is_resolved_once(monkeypatch):
    resolved = Counter()
    usual = typeinfer.CallConstraint.resolve

    def counted(self, *args, **named):
        resolved[self.target] += 1
        usual(self, *args, **named)

    monkeypatch.setattr(typeinfer.CallConstraint, "resolve", counted)
    with shortcuts.taken():
        numba.njit(straight).compile("(f8,)")
    assert len(resolved) == 3  # the sum is a call, too
    assert set(resolved.values()) == {1}


def test_errors_of_the_last_round_are_told():
    def wrong(n):
        total = 0
        for k in range(n):
            total = total + k / 2
        return total + "text"

    with shortcuts.taken(), pytest.raises(numba.TypingError, match="unicode_type"):
        numba.njit(wrong).compile("(i8,)")


def test_no_versions_are_made_of_variables_that_have_one(monkeypatch):
    monkeypatch.setattr(ssa, "_iterated_domfronts", None)
    with shortcuts.taken():
        numba.njit(straight).compile("(f8,)")
        with pytest.raises(TypeError):
            numba.njit(grown).compile("(i8,)")
