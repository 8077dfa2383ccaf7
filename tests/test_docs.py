"""The pages' code runs: every Python block of a page, in order, in one namespace.

A block that is not to run says why where it begins: ```python not run: needs a camera
One that needs more than the tests install names the modules: ```python needs torch cv2
The gallery's scripts run too, and the reference has every public name.
"""

import ast
import re
import runpy
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = (
    "README.md",
    *sorted(
        str(path.relative_to(ROOT))
        for path in DOCS.rglob("*.md")
        if not {"_build", "auto_examples"} & set(path.parts)
    ),
)
GALLERY = DOCS / "gallery"
SCRIPTS = sorted(path.relative_to(GALLERY).as_posix() for path in GALLERY.rglob("plot_*.py"))
BLOCK = re.compile(r"^```python(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
each_page = pytest.mark.parametrize("page", PAGES)


def blocks(page):
    """Each Python block: the line before its code, what stands beside its language, its code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield text.count("\n", 0, found.start(2)), found[1], found[2]


def needed(beside):
    """The modules that a block needs beyond what the tests install."""
    return beside.split()[1:] if beside.startswith(" needs ") else []


@cache
def run(page):
    """Run a page and return its names; a traceback shows the page's own lines."""
    names = {}
    for line, beside, code in blocks(page):
        for module in needed(beside):
            pytest.importorskip(module)
        if not beside.startswith(" not run"):
            exec(compile("\n" * line + code, str(ROOT / page), "exec"), names)
    return names


@each_page
def test_a_block_that_does_not_run_says_why(page):
    for line, beside, _ in blocks(page):
        assert not beside or re.match(r" (not run:|needs) \w", beside), f"{page}:{line}"


@pytest.mark.compiled
@each_page
def test_runs(page):
    run(page)


@pytest.mark.compiled
@pytest.mark.parametrize("script", SCRIPTS)
def test_gallery_runs(script, monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setattr(pyplot, "show", lambda: None)
    pyplot.switch_backend("agg")
    pyplot.close("all")
    runpy.run_path(str(GALLERY / script))
    drawn = [pyplot.figure(number) for number in pyplot.get_fignums()]
    pyplot.close("all")
    assert any(axes.has_data() for figure in drawn for axes in figure.axes)


def public_names(path):
    """The names in a module's `__all__`, whether or not its framework is installed."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


def in_the_reference():
    """The names that the reference lists, in full."""
    text = (DOCS / "reference" / "index.rst").read_text(encoding="utf-8")
    module = ""
    for line in text.split("\n"):
        module = line.split(":: ")[1] if line.startswith(".. currentmodule::") else module
        named = re.fullmatch(
            r"(?:   |\.\. py:function:: |\.\. autoclass:: )(\w[\w.]*)(\(.*\))?", line
        )
        if named:
            yield f"{module}.{named[1]}"


def test_every_public_name_is_in_the_reference():
    package = ROOT / "fastsample"
    files = *package.glob("[!_]*.py"), *package.glob("[!_]*/__init__.py")
    modules = {file.stem if file.parent == package else file.parent.name: file for file in files}
    names = {
        f"fastsample.{module}.{name}"
        for module in modules
        for name in public_names(modules[module])
    }
    names |= {f"fastsample.{name}" for name in public_names(package / "__init__.py")}
    names -= {"fastsample.__version__", "fastsample.shifts"}
    assert names == set(in_the_reference())
