"""Modules for frameworks, where the framework is missing: one line that says what to install."""

import importlib
import sys

import pytest

MODULES = {"jax": "jax", "onnx": "onnx.reference.op_run"}


@pytest.mark.parametrize(("module", "needs"), MODULES.items())
def test_what_to_install_is_named(module, needs, monkeypatch):
    for name in [n for n in sys.modules if n.startswith(f"fastsample.{module}")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, needs, None)
    with pytest.raises(ImportError, match=f"pip install '{module}>="):
        importlib.import_module(f"fastsample.{module}")
