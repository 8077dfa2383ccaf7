"""The cache on disk: absent, unwritable, broken, warm; and what an import brings along."""

import shutil
from pathlib import Path

import child
import pytest

import fastsample

PACKAGE = Path(fastsample.__file__).parent
LIMIT = 120

CALL = """
import warnings
import numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastsample as fs
    image = np.arange(12.0, dtype=np.float32).reshape(1, 1, 3, 4)
    grid = np.array([[[0.5, 0.5], [3.0, 2.0], [1.0, 0.25]]], np.float32)
    for mode in ("bilinear", "nearest"):
        got = fs.grid_sample(image, grid, mode, coordinates="pixel")
        want = [2.5, 11.0, 2.0] if mode == "bilinear" else [0.0, 11.0, 1.0]
        np.testing.assert_array_equal(got.ravel(), np.float32(want))
print(fs.__file__)
for w in caught:
    print(w.category.__name__, w.message)
"""


def install(folder):
    """A copy of the package without its cache."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "fastsample", ignore=ignore)
    return folder


def call(folder, **variables):
    """Import the copy and sample; the warnings, one a line."""
    variables = {"NUMBA_CACHE_DIR": None, **variables, "PYTHONPATH": str(folder)}
    file, *warnings = child.script(CALL, LIMIT, cwd=folder, **variables).splitlines()
    assert Path(file).parent.parent == folder, "the copy was not the one imported"
    return warnings


def cache_files(folder):
    """{file: time of its last change} of Numba's cache."""
    files = [p for p in folder.rglob("*") if p.suffix in (".nbc", ".nbi")]
    return {p: p.stat().st_mtime_ns for p in files}


@pytest.mark.compiled
class TestCache:
    def test_unwritable_everywhere(self, tmp_path):
        """Root may write to any folder, so files stand where the folders would be."""
        folder = install(tmp_path)
        for place in (folder / "fastsample", *(folder / "fastsample").rglob("*/")):
            if place.is_dir():
                (place / "__pycache__").write_text("not a folder")
        nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), "/dev/null/x")
        warnings = call(folder, **nowhere, PYTHONDONTWRITEBYTECODE="1")
        assert len(warnings) <= 1, warnings
        assert all("cache" in w for w in warnings), warnings
        assert not cache_files(folder)

    def test_cache_folder_is_a_file(self, tmp_path):
        """NUMBA_CACHE_DIR that can't be made."""
        (tmp_path / "file").write_text("")
        folder = install(tmp_path / "site")
        warnings = call(folder, NUMBA_CACHE_DIR=str(tmp_path / "file"))
        assert len(warnings) <= 1, warnings

    def test_no_home(self, tmp_path):
        assert call(install(tmp_path), HOME=None) == []

    @pytest.mark.parametrize("length", [0, 7, 100])
    def test_truncated_files(self, tmp_path, length):
        folder, cache = install(tmp_path / "site"), tmp_path / "cache"
        call(folder, NUMBA_CACHE_DIR=str(cache))
        files = cache_files(cache)
        assert files
        for path in files:
            path.write_bytes(path.read_bytes()[:length])
        assert len(call(folder, NUMBA_CACHE_DIR=str(cache))) <= 1
        call(folder, NUMBA_CACHE_DIR=str(cache))

    def test_garbage_of_the_right_length(self, tmp_path):
        folder, cache = install(tmp_path / "site"), tmp_path / "cache"
        call(folder, NUMBA_CACHE_DIR=str(cache))
        for path in cache_files(cache):
            path.write_bytes(b"\x07" * path.stat().st_size)
        assert len(call(folder, NUMBA_CACHE_DIR=str(cache))) <= 1

    def test_a_second_process_compiles_nothing(self, tmp_path):
        folder, cache = install(tmp_path / "site"), tmp_path / "cache"
        assert call(folder, NUMBA_CACHE_DIR=str(cache)) == []
        before = cache_files(cache)
        assert before
        assert call(folder, NUMBA_CACHE_DIR=str(cache)) == []
        assert cache_files(cache) == before

    def test_an_edit_of_any_kernel_file_compiles_anew(self, tmp_path):
        """Numba itself looks only at the file that a kernel stands in."""
        folder, cache = install(tmp_path / "site"), tmp_path / "cache"
        call(folder, NUMBA_CACHE_DIR=str(cache))
        for path in sorted((folder / "fastsample" / "_kernels").glob("*.py")):
            before = cache_files(cache)
            path.write_text(path.read_text() + "\n# an edit\n")
            call(folder, NUMBA_CACHE_DIR=str(cache))
            assert cache_files(cache) != before, path.name


class TestImport:
    def test_brings_no_framework(self):
        out = child.script(
            """
            import sys
            import fastsample
            for name in ("torch", "jax", "cv2", "scipy", "matplotlib", "PIL", "rich"):
                assert name not in sys.modules, name
            """
        )
        assert out == ""

    @pytest.mark.compiled
    def test_compiles_nothing(self, tmp_path):
        child.script("import fastsample", NUMBA_CACHE_DIR=str(tmp_path))
        assert not cache_files(tmp_path)
