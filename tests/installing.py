"""Copies of the package as it may be installed, for processes of their own."""

import compileall
import py_compile
import shutil
import zipfile
from pathlib import Path

import nursery

import fastsample
from fastsample._kernels.compiler.disk import SUFFIX

PACKAGE = Path(fastsample.__file__).parent
LIMIT = 120

CALL = """
import warnings
import numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastsample as fs
    image = np.arange(12.0, dtype=np.float32).reshape(1, 2, 2, 3)
    got = fs.region_shift(image, [[0, 1], [1, 0]])
    np.testing.assert_array_equal(got.ravel(), np.float32([0, 0, 1, 3, 3, 4, 6, 7, 8, 6, 7, 8]))
print(fs.__file__)
for w in caught:
    print(w.category.__name__, w.message)
"""


def install(folder):
    """A copy of the package without its cache."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "fastsample", ignore=ignore)
    return folder


def bytecode_alone(folder, of=None):
    """The same, or what is installed elsewhere, with nothing but bytecode."""
    shutil.copytree(of, folder) if of else install(folder)
    # No times, as whoever ships bytecode alone has it.
    way = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(folder, quiet=1, legacy=True, ddir="elsewhere", invalidation_mode=way)
    for source in folder.rglob("*.py"):
        source.unlink()
    return folder


def archive(folder, path):
    """What is installed in a folder, as an archive."""
    with zipfile.ZipFile(path, "w") as file:
        for one in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".pyc")):
            file.write(one, one.relative_to(folder))
    return path


def call(place, **variables):
    """Import the copy and call what compiles quickest, in a new process; warnings, one a line."""
    variables = {"NUMBA_CACHE_DIR": None, **variables, "PYTHONPATH": str(place)}
    file, *warnings = nursery.script(CALL, LIMIT, cwd=place.parent, **variables).splitlines()
    assert Path(file).parent.parent == place, "the copy was not the one imported"
    return warnings


def cache_files(folder):
    """{file: time of its last change} of compiled kernels."""
    return {p: p.stat().st_mtime_ns for p in folder.rglob(f"*{SUFFIX}")}


def unwritable(folder):
    """Root may write to any folder, so files stand where the folders would be."""
    for place in [p for p in folder.rglob("*") if p.is_dir()]:
        (place / "__pycache__").write_text("not a folder")
    return folder
