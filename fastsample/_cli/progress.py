"""A bar on stderr while something takes its time; nothing where stderr is not a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count


@contextmanager
def progress(total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show `total` steps; calling the value that comes out ends a step and names the next.

    Such a call may also say for the first time how many there are.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
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
