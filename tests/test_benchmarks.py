"""asv's classes: that they come of the cases, and leave out what a library does not have."""

import importlib
from inspect import getmembers, isclass
from pathlib import Path

import pytest

from fastsample._bench import grids, loader, systems
from fastsample._bench.case import OURS, Case

ROOT = Path(__file__).parent.parent
FILES = sorted(path.stem for path in (ROOT / "benchmarks").glob("bench_*.py"))
CASES = *grids.cases(), *systems.cases(), *loader.cases()


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def classes(name):
    """What asv finds in a file."""
    module = importlib.import_module(f"benchmarks.{name}")
    return [kind for _, kind in getmembers(module, isclass) if kind.__module__ == module.__name__]


@pytest.mark.parametrize("name", FILES)
def test_every_file_measures_something(name):
    assert classes(name)
    for kind in classes(name):
        assert any(method.startswith(("time_", "peakmem_", "track_")) for method in dir(kind))
        assert all(len(set(values)) == len(values) > 0 for values in getattr(kind, "params", ()))


def test_every_case_is_measured():
    measured = [
        kind.params[0] for name in FILES for kind in classes(name) if hasattr(kind, "params")
    ]
    assert {case.name for case in CASES} <= {value for values in measured for value in values}


def test_every_case_can_be_made():
    for case in CASES:
        assert callable(case.calls[OURS]()), case.name


def test_a_case_runs_as_often_as_a_sample_wants():
    suite, runs = importlib.import_module("benchmarks.suite"), []
    cases = {
        "a": Case("a", "group", {OURS: lambda: lambda: runs.append(1), "missing": lambda: None}),
        "b": Case("b", "group", {OURS: None}),
    }
    kind = suite.measured(cases)
    assert kind.params == (["a", "b"], [OURS, "missing"])
    assert kind.skip_params == (("b", "missing"),)
    one = kind()
    with pytest.raises(NotImplementedError, match="missing"):
        one.setup("a", "missing")
    one.setup("a", OURS)
    before = len(runs)
    one.time_call("a", OURS)
    assert len(runs) - before == one.times > 1
