"""On how many threads the calls of a thread run, for the modules above."""

from contextlib import AbstractContextManager, nullcontext

from .._kernels import threads
from .._kernels.threads import join as join


def of_threads(number: int | None) -> AbstractContextManager[None]:
    """Let this thread's calls have so many, at most all; None leaves the number as it is."""
    if number is None:
        return nullcontext()
    return threads.of_threads(min(number, threads.MOST_THREADS))
