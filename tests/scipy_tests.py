"""SciPy's own tests of interpolation and splines, run on `fastsample.ndimage`.

    python tests/scipy_tests.py [what follows goes to pytest]

The functions of `scipy.ndimage` are replaced in each test, and what SciPy has compiled for them
raises, so that no call can be answered by SciPy itself. Ends with the number of tests that pass;
the status is 1 where one fails, or where fewer than `LEAST` called a function of ours.
"""

import sys
from collections import Counter
from pathlib import Path

import pytest
import scipy.ndimage
from scipy.ndimage import _interpolation

from fastsample import ndimage

FILES = ("test_interpolation.py", "test_splines.py")
COMPILED = ("geometric_transform", "zoom_shift", "spline_filter1d")
TOO_LARGE = "large_data"  # a test that reserves 3.6 GB
LEAST = 1000  # tests


class Closed:
    """A module without some of its functions."""

    def __init__(self, module, names):
        self._module, self._names = module, names

    def __getattr__(self, name):
        if name in self._names:
            raise AssertionError(f"scipy.ndimage's own {name} was asked for")
        return getattr(self._module, name)


class Replaced:
    """The plugin: our functions in place of SciPy's."""

    def __init__(self):
        self.calls = Counter()

    @pytest.fixture(autouse=True)
    def _functions(self, monkeypatch, request):
        for name in ndimage.__all__:
            function = getattr(ndimage, name)
            monkeypatch.setattr(scipy.ndimage, name, self.noted(function, request.node.nodeid))
        core = Closed(_interpolation._nd_image, COMPILED)
        monkeypatch.setattr(_interpolation, "_nd_image", core)

    def noted(self, function, test):
        """The function, whose calls are counted by test."""

        def call(*args, **kwargs):
            self.calls[test] += 1
            return function(*args, **kwargs)

        return call

    def pytest_collection_modifyitems(self, config, items):
        large = [item for item in items if TOO_LARGE in item.name]
        items[:] = [item for item in items if TOO_LARGE not in item.name]
        config.hook.pytest_deselected(items=large)


def main(arguments):
    """Run them; the status."""
    folder = Path(scipy.ndimage.__file__).parent / "tests"
    if not folder.is_dir():
        print(f"SciPy {scipy.__version__} came without its tests: nothing to run")
        return 0
    plugin = Replaced()
    options = ["-q", "-p", "no:cacheprovider", "--tb=short", f"--rootdir={folder.parent.parent}"]
    options.append(f"--confcutdir={folder.parent.parent}")
    status = pytest.main([*options, *arguments, *(str(folder / f) for f in FILES)], [plugin])
    print(f"{len(plugin.calls)} tests made {sum(plugin.calls.values())} calls")
    return int(status) or int(not arguments and len(plugin.calls) < LEAST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
