"""Where compiled kernels are kept: the first folder that can be written, in Numba's order.

Numba's own choice asks for a source file, which archives and executables do not have, and takes
`~` for a folder where nobody knows the user's home.
"""

import os
import sys

from numba import config
from numba.core.caching import CompileResultCacheImpl, _CacheLocator
from numba.misc.appdirs import AppDirs

from .. import home
from .sources import DIGEST, FOLDER


class _Locator(_CacheLocator):
    """A folder, and the kernels' digest in the place of a file's time."""

    def __init__(self, path, file):
        self._path, self._py_file = path, file

    @staticmethod
    def folder():
        """The folder, or None; it need not exist."""
        raise NotImplementedError

    @classmethod
    def from_function(cls, py_func, py_file):
        path = cls.folder()
        if path is None:
            return None
        locator = cls(path, py_file)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator

    def get_cache_path(self):
        return self._path

    def get_source_stamp(self):
        return DIGEST

    def get_disambiguator(self):
        return ""


class _AsAsked(_Locator):
    @staticmethod
    def folder():
        given = os.path.expanduser(config.CACHE_DIR)  # an image's recipe knows no shell
        return _within(given) if given and not given.startswith("~") else None


class _Beside(_Locator):
    @staticmethod
    def folder():
        return str(FOLDER / "__pycache__") if FOLDER.is_dir() else None


class _Users(_Locator):
    @staticmethod
    def folder():
        given = AppDirs(appname="numba", appauthor=False).user_cache_dir
        return _within(given) if os.path.isabs(given) else None


def _within(folder):
    """A folder for this installation; an executable may unpack itself elsewhere each time."""
    frozen = getattr(sys, "frozen", False)
    installed = os.path.join(sys.executable, "fastsample") if frozen else FOLDER
    return os.path.join(
        folder, _CacheLocator.get_suitable_cache_subpath(os.path.join(installed, "a file"))
    )


class Impl(CompileResultCacheImpl):
    """Numba's way to keep a kernel, in a place of ours."""

    _locator_classes = (_AsAsked, _Beside, _Users)

    def __init__(self, py_func):
        if DIGEST is None:
            raise RuntimeError("what they are made from can't be read")
        super().__init__(py_func)


def folder():
    """Where kernels are kept; a RuntimeError if no folder can be written."""
    return Impl(home).locator.get_cache_path()
