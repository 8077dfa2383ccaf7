"""The layers: who may import whom. The folders are the layers, and no table repeats them."""

import ast
import functools
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import fastsample

PACKAGE = Path(fastsample.__file__).parent
# From the top down; a module imports from its own layer's folder and from those below.
LAYERS = ("frameworks", "", "_calls", "_kernels")
FRAMEWORKS = {"torch", "jax", "onnx", "dask"}  # public modules over the public functions
KERNELS = ("", "stages", "vectors", "compiler")  # the same within `_kernels`
BELOW = {"kind": "vectors"}  # the words of all stages, of which the vectors know nothing
MODULES = {"shifts"}  # are public as such, and imported with the package
COMPILERS = {"numba", "llvmlite"}
OUTSIDE = {"_bench", "_cli"}  # above the public layer
LIBRARY = sorted(p for p in PACKAGE.rglob("*.py") if not OUTSIDE & set(p.parts))
FILES = [p for p in LIBRARY if p.parent != PACKAGE or not p.stem.startswith("__")]


def parts_of(path):
    """The folders and the name of a module, below the package."""
    return path.relative_to(PACKAGE).with_suffix("").parts


def layer(parts):
    """The number of a module's layer, counted from the top."""
    if parts[0] in FRAMEWORKS:
        return LAYERS.index("frameworks")
    return LAYERS.index(parts[0] if parts[0] in LAYERS else "")


def kernels_layer(parts):
    """The same within `_kernels`."""
    name = BELOW.get(parts[1], parts[1] if parts[1] in KERNELS else "")
    return KERNELS.index(name)


@functools.cache
def imports(path):
    """Every module that a file imports, in full, wherever in the file; six tests ask of each."""
    return tuple(_imports(path))


def _imports(path):
    package = ("fastsample", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            names = [alias.name for alias in node.names]
            # `from . import plan` imports a module, `from .plan import locate` a name
            yield from (f"{module}.{n}" if module_exists(module, n) else module for n in names)


def module_exists(package, name):
    """Whether package.name is a module of ours."""
    place = PACKAGE.joinpath(*package.split(".")[1:], name)
    return package.startswith("fastsample") and (
        place.is_dir() or place.with_suffix(".py").exists()
    )


def imported(path):
    """The modules of the package that a file imports, each as its parts."""
    split = (name.split(".") for name in imports(path))
    return [tuple(p[1:]) for p in split if p[0] == "fastsample" and len(p) > 1]


def label(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_imports_a_higher_layer(path):
    own = layer(parts_of(path))
    assert not [p for p in imported(path) if layer(p) < own]


@pytest.mark.parametrize("path", [p for p in FILES if parts_of(p)[0] == "_kernels"], ids=label)
def test_within_the_kernels_neither(path):
    own = parts_of(path)
    inside = [p for p in imported(path) if p[0] == "_kernels" and len(p) > 1]
    assert not [p for p in inside if kernels_layer(p) < kernels_layer(own)]


@pytest.mark.parametrize("path", FILES, ids=label)
def test_public_modules_do_not_import_each_other(path):
    own = parts_of(path)
    if own[0] in FRAMEWORKS or layer(own) == LAYERS.index(""):
        aside = [p for p in imported(path) if layer(p) == layer(own) and p[0] != own[0]]
        assert not aside


@pytest.mark.parametrize("folder", ["_calls", "_kernels", "_cli", "_bench"])
def test_no_module_imports_itself_by_way_of_others(folder):
    """The graph of a folder's modules has no circle."""
    files = [p for p in PACKAGE.rglob("*.py") if parts_of(p)[0] == folder]
    graph = {parts_of(p): set(imported(p)) for p in files}
    while graph:
        done = [name for name, needs in graph.items() if not needs & set(graph) - {name}]
        assert done, f"a circle among {sorted(graph)}"
        for name in done:
            del graph[name]


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_imports_the_package_itself(path):
    above = parts_of(path)[0] in FRAMEWORKS  # which call public functions as users do
    assert above or "fastsample" not in set(imports(path))


@pytest.mark.parametrize("path", LIBRARY, ids=label)
def test_the_library_needs_no_command_and_no_race(path):
    assert not {p[0] for p in imported(path)} & OUTSIDE or path.name == "__main__.py"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=label)
def test_only_the_kernels_import_the_compiler(path):
    compilers = {name for name in imports(path) if name.split(".")[0] in COMPILERS}
    assert not compilers or parts_of(path)[0] == "_kernels", compilers


def test_all_is_what_is_public():
    known = {n: thing for n, thing in vars(fastsample).items() if not n.startswith("_")}
    public = {n for n, thing in known.items() if not isinstance(thing, ModuleType)}
    assert set(fastsample.__all__) - {"__version__"} == public | MODULES
    assert sorted(set(fastsample.__all__)) == sorted(fastsample.__all__)


def test_every_other_module_is_private_by_name():
    """So that `fs.warp` is an AttributeError, not a module that nobody can call."""
    names = {p.relative_to(PACKAGE).parts[0].removesuffix(".py") for p in PACKAGE.rglob("*.py")}
    assert {n for n in names if not n.startswith("_")} == FRAMEWORKS | MODULES | {"ndimage"}


def test_signatures_are_short_enough_to_read():
    """Annotations as they are written: evaluated, NumPy's take thousands of characters."""
    functions = [getattr(fastsample, name) for name in fastsample.__all__]
    functions = [f for f in functions if inspect.isfunction(f)]
    assert functions
    for function in functions:
        assert len(str(inspect.signature(function))) < 500, function.__name__


def test_all_names_exist():
    for name in fastsample.__all__:
        assert getattr(fastsample, name).__doc__ or name == "__version__"


@pytest.mark.parametrize("folder", ["_calls", "_calls/splines"])
def test_the_design_page_names_each_module_of_a_folder(folder):
    """And none that is not there."""
    page = (Path(__file__).parents[1] / "docs" / "project" / "design.md").read_text()
    rows = page.split(f"| module of `{folder}/` |")[1].split("\n\n")[0].splitlines()[2:]
    named = [name for row in rows for name in re.findall("`(\\w+)`", row.split("|")[1])]
    there = {p.stem for p in (PACKAGE / folder).iterdir() if p.name[0] not in "_."}
    assert sorted(named) == sorted(there)
