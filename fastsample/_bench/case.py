"""A case: one job that several libraries can do, on the same arrays."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .._kernels import threads

OURS, TORCH, CV2, SCIPY, SKIMAGE = "fastsample", "torch", "cv2", "scipy", "skimage"
NUMPY = "numpy"
LABELS = {
    TORCH: "PyTorch",
    CV2: "OpenCV",
    SCIPY: "SciPy",
    SKIMAGE: "scikit-image",
    NUMPY: "NumPy",
}

Maker = Callable[[], Callable[[], Any] | None]


@dataclass(frozen=True)
class Case:
    """What each library does in a case, and how many times faster than whom we want to be.

    `calls` make, library by library, a call without arguments that allocates and returns its
    result, laid out alike in all; None where the library is missing or cannot do the case.
    Whatever a library wants laid out differently is laid out before the clock starts.
    """

    name: str
    group: str
    calls: dict[str, Maker]
    targets: dict[str, float] = field(default_factory=dict)
    within: float | None = None  # seconds that our own call may take
    headline: bool = False  # whether a short table has it
    threads: int | None = None  # how many it may use, where it is not all that a race has


def module(name: str) -> Any:
    """Import a library; None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


@contextmanager
def threads_of(case: Case) -> Iterator[None]:
    """Let the calls of a case be made and run on as many threads as it may use."""
    with threads.of_threads(min(case.threads or threads.in_use(), threads.in_use())):
        yield


def contestants(case: Case) -> dict[str, Callable[[], Any]]:
    """List the libraries that are installed and can do a case, each with its call."""
    calls = {name: make() for name, make in case.calls.items()}
    return {name: call for name, call in calls.items() if call is not None}
