"""Output files: refused early, written whole or not at all."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastsample._cli.problem import Problem, reason


def check_target(path: Path, suffixes: Collection[str]) -> None:
    """Refuse a file that could not be written, before any work is done for it."""
    if path.suffix.lower() not in suffixes:
        raise Problem(f"cannot write {path}: {_suffix(path)} ({_known(suffixes)})")
    target = path.resolve()
    if not target.parent.is_dir():
        raise Problem(f"cannot write {path}: there is no folder {target.parent}")
    if target.exists() and not target.is_file():
        raise Problem(f"cannot write {path}: it is not a regular file")


def _suffix(path: Path) -> str:
    return f"unknown suffix {path.suffix}" if path.suffix else "the name has no suffix"


def _known(suffixes: Collection[str]) -> str:
    pictures = [s for s in (".png", ".jpg", ".tif", ".webp") if s in suffixes]
    return f"known are {' '.join(pictures)} and others" if pictures else f"not {' '.join(suffixes)}"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; what was written there takes its place at the end."""
    target = path.resolve()
    temporary = target.with_name(f".fastsample-{os.getpid()}{target.suffix}")
    try:
        yield temporary
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except Exception as error:  # encoders raise nearly every kind
        raise Problem(f"cannot write {path}: {reason(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)
