"""The package as it may lie: in a folder, in an archive, in an executable; as bytecode alone.

Kernels on disk are for the code that they were made from, wherever that lies.
"""

import child
import nursery
import pytest
from installing import archive, bytecode_alone, cache_files, call, install, unwritable

NUMBER = """
from fastsample._kernels.compiler.sources import DIGEST
print(DIGEST)
"""

# Modules that come as code and have no file, as in an executable; listed by a hook of their path.
EXECUTABLE = """
import importlib.abc, importlib.util, pathlib, sys
source, listed = pathlib.Path(sys.argv[1]), sys.argv[2] == "listed"
class Loader(importlib.abc.InspectLoader):
    def _path(self, name):
        path = source.joinpath(*name.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    def is_package(self, name):
        return self._path(name).name == "__init__.py"
    def get_source(self, name):
        return None
    def get_code(self, name):
        return compile(self._path(name).read_bytes(), name.replace(".", "/") + ".py", "exec")
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "fastsample":
            return None
        file = f"/executable/{name}.pyc"
        spec = importlib.util.spec_from_loader(name, Loader(), origin=file)
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations = ["/executable/" + name.replace(".", "/")]
        return spec
class Entries:
    def __init__(self, path):
        if not listed or not path.startswith("/executable/"):
            raise ImportError
        self.folder = source / path.removeprefix("/executable/")
    def find_spec(self, name, target=None):
        return None
    def iter_modules(self, prefix=""):
        for path in self.folder.iterdir():
            if path.name != "__pycache__" and not path.name.startswith("__init__"):
                yield prefix + path.stem, path.is_dir()
sys.meta_path.insert(0, Finder())
sys.path_hooks.insert(0, Entries)
sys.frozen = True
"""


def number(place, *arguments, before="", **variables):
    """The kernels' digest in a process of its own."""
    variables["PYTHONPATH"] = str(place)
    if "PYTHONHASHSEED" in variables:  # which Python reads as it starts
        done = child.run(["-c", before + NUMBER, *arguments], cwd=place.parent, **variables)
    else:
        done = nursery.run(before + NUMBER, *arguments, cwd=place.parent, **variables)
    return child.output(done).strip()


def edit(folder):
    """Another constant in a kernel."""
    source = folder / "fastsample" / "_kernels" / "stages" / "taps.py"
    text = source.read_text()
    assert "KEYS = -0.75" in text
    source.write_text(text.replace("KEYS = -0.75", "KEYS = -0.5"))


def of_folder(folder, place):
    return number(folder)


def of_archive(folder, place):
    return number(archive(folder, place / "app.zip"))


def of_bytecode(folder, place):
    return number(bytecode_alone(place / "bytecode", folder))


def of_archived_bytecode(folder, place):
    return number(archive(bytecode_alone(place / "bytecode", folder), place / "app.zip"))


def of_executable(folder, place):
    """From code, whose sets are in another order in the process that comes again."""
    seed = "1" if place.name == "first" else "2"
    return number(place, str(folder), "listed", before=EXECUTABLE, PYTHONHASHSEED=seed)


@pytest.mark.parametrize(
    "of", [of_folder, of_archive, of_bytecode, of_archived_bytecode, of_executable]
)
def test_another_version_has_another_number(of, tmp_path):
    folder = install(tmp_path / "site")
    numbers = []
    for k in ("first", "again", "edited"):
        (tmp_path / k).mkdir()
        if k == "edited":
            edit(folder)
        numbers.append(of(folder, tmp_path / k))
    assert "None" not in numbers
    assert numbers[0] == numbers[1]
    assert numbers[2] != numbers[0]


@pytest.mark.compiled
def test_archive_replaced_by_a_new_version(tmp_path):
    folder, cache = install(tmp_path / "site"), tmp_path / "cache"
    app = archive(folder, tmp_path / "app.egg")  # Numba itself knows .zip alone
    assert call(app, NUMBA_CACHE_DIR=str(cache)) == []
    first = cache_files(cache)
    assert first
    assert call(app, NUMBA_CACHE_DIR=str(cache)) == []
    assert cache_files(cache) == first, "what was on disk was not used"
    edit(folder)
    archive(folder, app)
    assert call(app, NUMBA_CACHE_DIR=str(cache)) == []
    assert cache_files(cache).items().isdisjoint(first.items())


@pytest.mark.compiled
def test_bytecode_alone(tmp_path):
    """Its code names a file that is not there."""
    site = bytecode_alone(tmp_path / "site")
    assert call(site) == []
    files = cache_files(site)
    assert files
    assert call(site) == []
    assert cache_files(site) == files


@pytest.mark.compiled
def test_code_that_can_not_be_read_is_not_kept(tmp_path):
    """Kernels of another version could not be told from its own."""
    site, cache = install(tmp_path / "site"), str(tmp_path / "cache")
    variables = {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": ""}
    said = child.output(nursery.run(EXECUTABLE + CALLED, site, "unlisted", **variables))
    assert "can't be read" in said
    assert said.count("fastsample") == 1, said
    assert not cache_files(tmp_path)


CALLED = """
import warnings
import numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastsample as fs
    for image in np.zeros((1, 1, 3, 4), np.float32), np.zeros((1, 1, 3, 4), np.uint8):
        fs.grid_sample(image, np.zeros((1, 2, 2), np.float32), "nearest")
print(*(w.message for w in caught))
"""

NOBODY = """
import os
import pwd
def unknown(user):
    raise KeyError(user)
pwd.getpwuid = unknown
from fastsample._kernels.compiler import machine
print(machine.cache_folder())
"""


@pytest.mark.parametrize("given", [{}, {"NUMBA_CACHE_DIR": "~/cache"}, {"XDG_CACHE_HOME": "cache"}])
def test_a_user_without_a_home(given, tmp_path):
    """As in a container under a number that no user has: no folder is named `~`."""
    pytest.importorskip("pwd", reason="Windows knows its users otherwise")
    site = unwritable(install(tmp_path / "site"))
    (tmp_path / "here").mkdir()
    none = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"))
    said = nursery.script(NOBODY, cwd=tmp_path / "here", PYTHONPATH=str(site), **{**none, **given})
    assert said.startswith("none: ")
    assert not list((tmp_path / "here").iterdir())


def test_a_home_that_is_spelt(tmp_path):
    """No shell replaces the ~ of an image's recipe."""
    given = {"HOME": str(tmp_path), "NUMBA_CACHE_DIR": "~/kept"}
    source = "from fastsample._kernels.compiler import machine; print(machine.cache_folder())"
    assert nursery.script(source, cwd=tmp_path, **given).startswith(str(tmp_path / "kept"))
