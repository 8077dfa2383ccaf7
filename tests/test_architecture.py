"""The house: who may import whom."""

import ast
from pathlib import Path
from types import ModuleType

import pytest

import fastsample

PACKAGE = Path(fastsample.__file__).parent
FLOORS = {
    "_kernels": 0,
    "_axis": 1,
    "_job": 1,
    "_run": 2,
    "_sampled": 2,
    "_back": 2,
    "_copy": 2,
    "_slide": 2,
    "_gradients": 2,
    "_paste": 2,
    "_arrays": 2,
    "_check": 2,
    "_dlpack": 2,
    "_warm": 2,
}
PUBLIC = 3
MODULES = {"shifts"}  # are public as such
COMPILERS = {"numba", "llvmlite"}
OUTSIDE = {"_bench", "_cli"}  # above the public floor
HOUSE = sorted(p for p in PACKAGE.rglob("*.py") if not OUTSIDE & set(p.parts))
ROOMS = [p for p in HOUSE if p.parent != PACKAGE or not p.stem.startswith("__")]


def room(path):
    """The name of a module's room: its folder or itself, below the package."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def floor(name):
    """The floor that a room stands on; rooms with a plain name are public."""
    return FLOORS.get(name, PUBLIC)


def imports(path):
    """Every module that a file imports, in full, wherever in the file."""
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


def rooms_imported(path):
    """The rooms of the package that a file imports from."""
    parts = (name.split(".") for name in imports(path))
    return {p[1] for p in parts if p[0] == "fastsample" and len(p) > 1}


def label(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", ROOMS, ids=label)
def test_nothing_imports_a_higher_floor(path):
    own = floor(room(path))
    assert not {r for r in rooms_imported(path) if floor(r) > own}


@pytest.mark.parametrize("path", ROOMS, ids=label)
def test_public_rooms_do_not_import_each_other(path):
    if floor(room(path)) == PUBLIC:
        assert not {r for r in rooms_imported(path) - {room(path)} if floor(r) == PUBLIC}


@pytest.mark.parametrize("path", ROOMS, ids=label)
def test_nothing_imports_the_package_itself(path):
    assert "fastsample" not in set(imports(path))


@pytest.mark.parametrize("path", HOUSE, ids=label)
def test_the_library_needs_no_command_and_no_race(path):
    assert not rooms_imported(path) & OUTSIDE or path.name == "__main__.py"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=label)
def test_only_the_kernels_import_the_compiler(path):
    compilers = {name for name in imports(path) if name.split(".")[0] in COMPILERS}
    assert not compilers or room(path) == "_kernels", compilers


@pytest.mark.parametrize("path", ROOMS, ids=label)
def test_private_rooms_are_known(path):
    """A new room below the public floor is given a floor here."""
    assert not room(path).startswith("_") or room(path) in FLOORS


def test_all_is_what_is_public():
    known = {n: thing for n, thing in vars(fastsample).items() if not n.startswith("_")}
    public = {n for n, thing in known.items() if not isinstance(thing, ModuleType)}
    assert set(fastsample.__all__) - {"__version__"} == public | MODULES
    assert sorted(set(fastsample.__all__)) == sorted(fastsample.__all__)


def test_all_names_exist():
    for name in fastsample.__all__:
        assert getattr(fastsample, name).__doc__ or name == "__version__"
