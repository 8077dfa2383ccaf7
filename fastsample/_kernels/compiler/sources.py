"""What kernels are made from, as one number; Numba itself watches a kernel's own file only.

The package may lie in a folder, in an archive or in an executable, as sources or as bytecode.
"""

import hashlib
import os
import sys
from importlib import machinery, util
from pathlib import Path
from types import CodeType

PACKAGE = __package__.rpartition(".")[0]
FOLDER = Path(__file__).parents[1]

_SUFFIXES = tuple(machinery.all_suffixes())
_FROM_FILES = (
    machinery.SourceFileLoader,
    machinery.SourcelessFileLoader,
    machinery.ExtensionFileLoader,
)


def digest():
    """All modules of the kernels as one int, or None where they can't be read."""
    from_files = isinstance(__spec__.loader, _FROM_FILES)
    try:
        modules = sorted(_of_folder(FOLDER) if from_files else _of_loaders())
    except Exception:  # whatever a foreign loader may raise
        return None
    text = b"".join(content for _, content in modules)
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "little")


def _of_folder(folder):
    """(path, content) of each file that Python would import."""
    for entry in os.scandir(folder):
        if entry.name.endswith(_SUFFIXES):
            yield entry.path, Path(entry.path).read_bytes()
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _of_folder(entry.path)


def _of_loaders():
    """(name, content) of each module, from whatever imports them."""
    package = sys.modules[PACKAGE]
    specs = {package.__spec__.name: package.__spec__, **_listed(package.__path__, f"{PACKAGE}.")}
    missing = {name for name in sys.modules if name.startswith(f"{PACKAGE}.")} - set(specs)
    if missing:
        raise ImportError(f"a list of modules lacks {missing}")
    return [(name, _content(spec)) for name, spec in specs.items()]


def _listed(path, prefix):
    """{name: spec} of a package's modules, and of those of the packages below."""
    import pkgutil  # a folder, as which nearly all are installed, does without

    found = {}
    for _, name, is_package in pkgutil.iter_modules(path, prefix):
        found[name] = util.find_spec(name)
        if is_package:
            found |= _listed(found[name].submodule_search_locations, f"{name}.")
    return found


def _content(spec):
    try:
        return spec.loader.get_data(spec.origin)
    except Exception:  # no file of its own: an executable holds modules as code
        return repr(_facts(spec.loader.get_code(spec.name))).encode()


def _facts(code):
    """All that code does, and nothing of where it lies; the same in every process."""
    return (
        *(code.co_name, code.co_flags, code.co_code, getattr(code, "co_exceptiontable", b"")),
        *(code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount),
        *(code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        [_constant(value) for value in code.co_consts],
    )


def _constant(value):
    if isinstance(value, CodeType):
        return _facts(value)
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


DIGEST = digest()
