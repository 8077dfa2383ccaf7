"""What stops a command, told to the user in one line."""

import importlib

PACKAGES = {"PIL": "pillow"}  # where a module is called otherwise than what is installed


class Problem(Exception):
    """A line for stderr; the command ends with status 2."""


def reason(error: BaseException) -> str:
    """Put an exception's message on one line, without the file name it may repeat."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def require(*modules: str, extra: str) -> None:
    """Look for what a command needs beyond the library, or say how to install it."""
    missing = [PACKAGES.get(name, name) for name in modules if not is_installed(name)]
    if missing:
        names = " ".join(missing)
        raise Problem(f"this command needs {names}: pip install {names} (the extra {extra!r})")


def is_installed(module: str) -> bool:
    """Tell whether a module can be imported."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
