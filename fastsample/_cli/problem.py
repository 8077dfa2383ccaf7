"""What stops a command, told to the user in one line."""

import importlib


class Problem(Exception):
    """A line for stderr; the command ends with status 2."""


def reason(error: BaseException) -> str:
    """Put an exception's message on one line, without the file name it may repeat."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def require(*modules: str) -> None:
    """Import what the commands need beyond the library, or say how to install it."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise Problem(
                f'this command needs {name}; install it with: pip install "fastsample[demo]"'
            ) from error
