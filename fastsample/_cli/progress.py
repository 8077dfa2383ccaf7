"""How far a command is: a bar on a terminal, lines where somebody reads a log, or nothing."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from fastsample._cli.problem import is_installed

SILENCE = 15.0  # seconds between two lines of a log


@contextmanager
def progress(total: int | None = None, log: bool = False) -> Iterator[Callable[..., None]]:
    """Show `total` steps; calling the value that comes out ends a step and names the next.

    Such a call may also say for the first time how many there are. Without a terminal, or without
    rich, nothing is shown, or with `log` a line now and then.
    """
    if not sys.stderr.isatty() or not is_installed("rich"):
        yield _lines() if log else _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, done = bar.add_task("starting", total=total), count()

        def step(label: str, steps: int | None = total) -> None:
            bar.update(task, completed=next(done), total=steps, description=label)

        yield step


@contextmanager
def busy(label: str) -> Iterator[None]:
    """Show one step of unknown length."""
    with progress(1) as step:
        step(label)
        yield


def _nothing(label: str, steps: int | None = None) -> None:
    """Show nothing."""


def _lines() -> Callable[..., None]:
    """Write a line at first, and then one when nothing has been written for some time."""
    begin = time.perf_counter()
    last = -SILENCE

    def step(label: str, steps: int | None = None) -> None:
        nonlocal last
        passed = time.perf_counter() - begin
        if passed - last >= SILENCE:
            print(f"{label} after {passed:.0f} s", file=sys.stderr, flush=True)
            last = passed

    return step
