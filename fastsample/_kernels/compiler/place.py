"""Where compiled kernels are kept: the first folder that can be written, in Numba's order.

A folder asked for by NUMBA_CACHE_DIR; `__pycache__` beside the kernels' sources; the user's own.
Numba's own choice asks for a source file, which archives and executables do not have, and takes
`~` for a folder where nobody knows the user's home.
"""

import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from .settings import setting
from .sources import DIGEST, FOLDER


def _as_asked():
    given = os.path.expanduser(setting("CACHE_DIR"))  # an image's recipe knows no shell
    return _within(given) if given and not given.startswith("~") else None


def _beside():
    return FOLDER / "__pycache__" if FOLDER.is_dir() else None


def _users():
    given = os.path.expanduser(_users_caches())
    return _within(os.path.join(given, "numba")) if os.path.isabs(given) else None


def _users_caches():
    """Where a user's programs keep what they can make again."""
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA", "")
    if sys.platform == "darwin":
        return "~/Library/Caches"
    return os.environ.get("XDG_CACHE_HOME") or "~/.cache"


def _within(folder):
    """A folder for this installation; an executable may unpack itself elsewhere each time."""
    frozen = getattr(sys, "frozen", False)
    installed = os.path.join(sys.executable, "fastsample") if frozen else FOLDER
    own = hashlib.sha1(os.path.abspath(installed).encode()).hexdigest()
    return Path(folder) / f"{os.path.basename(installed)}_{own}"


@functools.cache
def folders():
    """Where kernels may be found: those that can't be written, up to the first that can.

    So an installation may be made read-only once it is warm, and who asks for a folder of their own
    finds nothing of other folders in it.
    """
    found = []
    for path in filter(None, (_as_asked(), _beside(), _users())) if DIGEST else ():
        found.append(path)
        if _can_be_written(path):
            break
    return found


def _can_be_written(path):
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError:
        return False
    return True


def folder():
    """Where kernels are kept; a RuntimeError if no folder can be written."""
    if DIGEST is None:
        raise RuntimeError("what they are made from can't be read")
    if not folders() or not _can_be_written(folders()[-1]):
        raise RuntimeError("no folder can be written: set NUMBA_CACHE_DIR to one")
    return folders()[-1]
