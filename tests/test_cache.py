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
    got = fs.grid_sample(image, grid, coordinates="pixel")
    np.testing.assert_array_equal(got.ravel(), np.float32([2.5, 11.0, 2.0]))
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
    """Import the copy and sample in a new process; the warnings, one a line."""
    variables = {"NUMBA_CACHE_DIR": None, **variables, "PYTHONPATH": str(folder)}
    file, *warnings = child.script(CALL, LIMIT, cwd=folder, **variables).splitlines()
    assert Path(file).parent.parent == folder, "the copy was not the one imported"
    return warnings


def cache_files(folder):
    """{file: time of its last change} of Numba's cache."""
    files = [p for p in folder.rglob("*") if p.suffix in (".nbc", ".nbi")]
    return {p: p.stat().st_mtime_ns for p in files}


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """An installed copy and the cache of its first call."""
    place = tmp_path_factory.mktemp("warm")
    assert call(install(place / "site"), NUMBA_CACHE_DIR=str(place / "cache"), HOME=None) == []
    return place


@pytest.fixture
def copy(warm, tmp_path):
    """The installed copy, a cache to spoil, and the files in it."""
    shutil.copytree(warm / "cache", tmp_path / "cache")
    files = cache_files(tmp_path / "cache")
    assert files
    return warm / "site", tmp_path / "cache", files


@pytest.mark.compiled
class TestCache:
    def test_unwritable_everywhere(self, tmp_path):
        """Root may write to any folder, so files stand where the folders would be."""
        folder = install(tmp_path)
        for place in [p for p in folder.rglob("*") if p.is_dir()]:
            (place / "__pycache__").write_text("not a folder")
        nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), "/dev/null/x")
        warnings = call(folder, **nowhere, PYTHONDONTWRITEBYTECODE="1")
        assert len(warnings) <= 1, warnings
        assert all("fastsample" in w for w in warnings), warnings
        assert not cache_files(folder)

    def test_cache_folder_is_a_file(self, warm, tmp_path):
        """NUMBA_CACHE_DIR that can't be made."""
        (tmp_path / "file").write_text("")
        warnings = call(warm / "site", NUMBA_CACHE_DIR=str(tmp_path / "file"))
        assert len(warnings) <= 1, warnings

    def test_a_second_process_compiles_nothing(self, copy):
        folder, cache, files = copy
        assert call(folder, NUMBA_CACHE_DIR=str(cache)) == []
        assert cache_files(cache) == files

    def test_truncated_files(self, copy):
        folder, cache, files = copy
        for k, path in enumerate(sorted(files)):
            path.write_bytes(path.read_bytes()[: (0, 7, 1000)[k % 3]])
        assert len(call(folder, NUMBA_CACHE_DIR=str(cache))) <= 1

    @pytest.mark.parametrize("suffix", [".nbc", ".nbi"])
    def test_garbage(self, copy, suffix):
        """Code that is no code, then an index that is no index."""
        folder, cache, files = copy
        for path in files:
            if path.suffix == suffix:
                path.write_bytes(b"\x07" * path.stat().st_size)
        assert len(call(folder, NUMBA_CACHE_DIR=str(cache))) <= 1
        mended = cache_files(cache)
        assert call(folder, NUMBA_CACHE_DIR=str(cache)) == []
        assert cache_files(cache) == mended, "the cache was not mended"

    def test_an_edit_of_another_kernel_file_compiles_anew(self, tmp_path):
        """Numba itself looks only at the file that a kernel stands in."""
        folder, cache = install(tmp_path / "site"), tmp_path / "cache"
        call(folder, NUMBA_CACHE_DIR=str(cache))
        before = cache_files(cache)
        edited = folder / "fastsample" / "_kernels" / "gather.py"
        edited.write_text(edited.read_text() + "\n# an edit\n")
        call(folder, NUMBA_CACHE_DIR=str(cache))
        assert cache_files(cache) != before


class TestImport:
    def test_brings_no_framework(self):
        out = child.script(
            """
            import sys
            import numba  # brings scipy, where that is installed
            before = {name.partition(".")[0] for name in sys.modules}
            import fastsample
            brought = {name.partition(".")[0] for name in sys.modules} - before
            for name in ("torch", "jax", "cv2", "scipy", "matplotlib", "PIL", "rich"):
                assert name not in brought, name
            """
        )
        assert out == ""

    @pytest.mark.compiled
    def test_compiles_nothing(self, tmp_path):
        child.script("import fastsample", NUMBA_CACHE_DIR=str(tmp_path))
        assert not cache_files(tmp_path)
