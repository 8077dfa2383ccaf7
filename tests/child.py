"""Run a script in a process of its own, with a time limit."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

LAYERS = ("tbb", "omp", "workqueue")
HERE = Path(__file__).parent
LIMIT = 240


def environment(**variables):
    """This process's environment with the package and the tests importable; None removes."""
    paths = [str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")]
    paths = os.pathsep.join(p for p in paths if p)
    env = {**os.environ, **_bytecode(), "PYTHONPATH": paths, **variables}
    return {name: value for name, value in env.items() if value is not None}


def _bytecode():
    """Elsewhere, if none is to lie beside the sources: compiling them is a quarter of an import."""
    place = os.environ.get("FASTSAMPLE_TESTS_BYTECODE")
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": place} if place else {}


def run(arguments, limit=LIMIT, cwd=None, **variables):
    """The finished process, its output as text."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment(**variables),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


def script(source, limit=LIMIT, cwd=None, **variables):
    """The output of a script, which must end well."""
    return output(run(["-c", textwrap.dedent(source)], limit, cwd, **variables))


def output(done):
    """What a process said that must have ended well."""
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
