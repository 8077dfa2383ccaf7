"""Processes that have imported Numba and nothing else: forks of one that did no more.

Numba's import is most of what a short script takes: 0.8 of 1 s on Zen 1. For tests of the package
as it is imported, compiled and kept on disk. Where threads, forks or a CPU's features are what is
tested, `child` starts Python: a fork is known as one, and Numba has read by then how many threads
there may be.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import textwrap
import types
from pathlib import Path

import child

METHOD = "forkserver"
BROUGHT = (  # what compilation brings as well
    *("numba", "numba.core.caching", "numba.core.ccallback", "numba.core.target_extension"),
    *("numba.np.arraymath", "numba.np.linalg", "numba.np.random.random_methods"),
)


def run(source, *arguments, limit=child.LIMIT, cwd=None, **variables):
    """The finished process of a script, its output as text; as `child.run(["-c", source])`."""
    if METHOD not in multiprocessing.get_all_start_methods():
        return child.run(["-c", source, *arguments], limit, cwd, **variables)
    context = multiprocessing.get_context(METHOD)
    context.set_forkserver_preload(list(BROUGHT))
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("out", "err")]
        order = source, [str(a) for a in arguments], cwd, child.environment(**variables), said
        process = context.Process(target=_begin, args=order)
        process.start()
        process.join(limit)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(source, limit)
        out, err = (file.read_text() for file in said)
    return subprocess.CompletedProcess(source, process.exitcode, out, err)


def script(source, limit=child.LIMIT, cwd=None, **variables):
    """The output of a script, which must end well."""
    return child.output(run(textwrap.dedent(source), limit=limit, cwd=cwd, **variables))


def _begin(source, arguments, cwd, variables, said):
    """Be what `python -c` would be by now."""
    from numba.core import config

    for stream, file in zip((1, 2), said, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(cwd or os.getcwd())
    os.environ.clear()
    os.environ.update(variables)
    config.reload_config()
    sys.dont_write_bytecode = bool(variables.get("PYTHONDONTWRITEBYTECODE"))
    sys.pycache_prefix = variables.get("PYTHONPYCACHEPREFIX")
    paths = [p for p in variables.get("PYTHONPATH", "").split(os.pathsep) if p]
    sys.path[:] = ["", *paths, *(p for p in sys.path if p not in ("", *paths))]
    sys.argv[:] = ["-c", *arguments]
    for name in ("nursery", "child"):  # the tests' own, from another place than the script's
        sys.modules.pop(name, None)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(compile(source, "<string>", "exec"), vars(main))
