"""The cache on disk: absent, unwritable, broken, warm; and what an import brings along."""

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import child
import nursery
import pytest
from installing import LIMIT, cache_files, call, install, unwritable

CALLS = """
import sys
import numpy as np
import fastsample as fs
image = np.random.default_rng(0).random((1, 2, 9, 11), dtype=np.float32)
theta = np.random.default_rng(1).random((1, 2, 3), dtype=np.float32)
calls = {
    "shift": lambda: fs.region_shift(image, [[1, 2], [-3, 0]]),
    "grid": lambda: fs.affine_grid(theta, (1, 1, 5, 7)),
}
for name in sys.argv[1:] or calls:
    print(name, calls[name]().tobytes().hex())
"""


def results(cache, *which):
    """What a process says of each of these calls, or of all, with this cache or the tests' own."""
    own = {"NUMBA_CACHE_DIR": str(cache)} if cache else {}
    said = child.output(nursery.run(CALLS, *which, limit=LIMIT, **own))
    return dict(line.split() for line in said.splitlines())


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
        folder = unwritable(install(tmp_path))
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

    @pytest.mark.parametrize("damage", ["all", "one bit", "behind the end"])
    def test_garbage(self, copy, damage):
        """Code that is no code; that differs by a bit anywhere; that goes on."""
        folder, cache, files = copy
        for k, path in enumerate(files):
            content = bytearray(path.read_bytes())
            if damage == "all":
                content[:] = b"\x07" * len(content)
            elif damage == "one bit":
                content[(k + 1) * len(content) // (len(files) + 1)] ^= 1
            else:
                content.append(0)
            path.write_bytes(content)
        damaged = cache_files(cache)
        assert len(call(folder, NUMBA_CACHE_DIR=str(cache))) <= 1
        mended = cache_files(cache)
        assert damaged.items().isdisjoint(mended.items()), "damaged code was used"
        assert call(folder, NUMBA_CACHE_DIR=str(cache)) == []
        assert cache_files(cache) == mended, "the cache was not mended"

    def test_times_of_a_copy(self, copy):
        """As the layers of an image keep them: whole seconds, and the same or others."""
        folder, cache, _ = copy
        for path in (p for place in (folder, cache) for p in place.rglob("*")):
            os.utime(path, (1, int(path.stat().st_mtime)))
        files = cache_files(cache)
        assert call(folder, NUMBA_CACHE_DIR=str(cache)) == []
        assert cache_files(cache) == files
        for path in folder.rglob("*"):
            os.utime(path, (1, 2))
        assert call(folder, NUMBA_CACHE_DIR=str(cache)) == []
        assert cache_files(cache) == files

    def test_beside_the_package_it_is_copied_with_it(self, tmp_path):
        call(install(tmp_path / "built"))
        shutil.copytree(tmp_path / "built", tmp_path / "run", copy_function=shutil.copyfile)
        files = cache_files(tmp_path / "run")
        assert files
        assert call(tmp_path / "run") == []
        assert cache_files(tmp_path / "run") == files

    def test_an_edit_of_another_kernel_file_compiles_anew(self, copy):
        """Numba itself looks only at the file that a kernel stands in."""
        folder, cache, before = copy
        edited = folder / "fastsample" / "_kernels" / "stages" / "gather.py"
        text = edited.read_text()
        try:
            edited.write_text(text + "\n# an edit\n")
            call(folder, NUMBA_CACHE_DIR=str(cache))
        finally:
            edited.write_text(text)
        assert cache_files(cache) != before


@pytest.mark.compiled
class TestProcesses:
    def test_eight_start_at_once_on_a_cold_cache(self, tmp_path):
        """And what they leave there serves one that needs all of it."""
        which = [("shift",), ("grid",), (), ()] * 2
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda some: results(tmp_path, *some), which))
        want = results(None)
        assert len(want) == 2
        for got in (*found, results(tmp_path)):
            assert got == {name: want[name] for name in got}

    def test_what_two_compile_has_no_name_in_common(self, warm, tmp_path):
        """Code from disk shares one space of names, in which the first of a name stands for all."""
        results(tmp_path, "shift")
        names = []
        for cache in (warm / "cache", tmp_path):
            code = b"".join(p.read_bytes() for p in cache_files(cache))
            names.append(set(re.findall(rb"_ZN10fastsample[A-Za-z0-9_]+", code)))
        assert all(names)
        assert not names[0] & names[1]


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
