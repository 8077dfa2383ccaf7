"""Libraries raced in one process, turn by turn."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .case import OURS, TORCH, Case, contestants, threads_of

TURN = 0.002  # seconds: quicker calls are timed in batches at least this long
REST = 0.005  # seconds: the last library's threads stop spinning
LONG = 0.05  # seconds: a call of this length is timed once a turn, others three times

Call = Callable[[], Any]
Arrays = list[NDArray[Any] | None]


@dataclass(frozen=True)
class Row:
    """One library in one case; times in seconds, `difference` as the function of that name."""

    case: str
    group: str
    library: str
    best: float
    median: float
    ratio: float  # this library's best over ours
    target: float | None  # what the ratio should be at least
    within: float | None  # seconds that the best should take at most
    difference: float | None
    headline: bool

    @property
    def short(self) -> bool:
        """Whether it falls short of what we want."""
        late = self.within is not None and self.best > self.within
        return late or (self.target is not None and self.ratio < self.target)


def race(
    cases: Sequence[Case], rounds: int, passes: int = 1, step: Callable[[str], None] = print
) -> list[Row]:
    """Let every library of a case take its turn in each round, and tell `step` which case it is.

    All cases are gone through several times, so that a slow minute of the machine spoils the
    rounds of one pass only.
    """
    times: dict[str, dict[str, list[float]]] = {case.name: {} for case in cases}
    apart: dict[str, dict[str, float | None]] = {}
    for k in range(passes):
        for case in cases:
            step(case.name)
            with threads_of(case):
                calls = contestants(case)
                if k == 0:
                    results = {name: as_arrays(call()) for name, call in calls.items()}
                    apart[case.name] = {name: difference(results, name) for name in calls}
                    del results
                for name, taken in timed(calls, -(-rounds // passes)).items():
                    times[case.name].setdefault(name, []).extend(taken)
    return [row for case in cases for row in rows_of(case, times[case.name], apart[case.name])]


def rows_of(
    case: Case, times: dict[str, list[float]], apart: dict[str, float | None]
) -> Iterator[Row]:
    """List what became of each library."""
    ours = min(times[OURS])
    for name, taken in times.items():
        yield Row(
            case=case.name,
            group=case.group,
            library=name,
            best=min(taken),
            median=statistics.median(taken),
            ratio=min(taken) / ours,
            target=case.targets.get(name),
            within=case.within if name == OURS else None,
            difference=apart[name],
            headline=case.headline,
        )


def timed(calls: dict[str, Call], rounds: int) -> dict[str, list[float]]:
    """Time every call in each round: seconds a call."""
    batches = {name: batch(call) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(turn(call, batches[name]))
    return times


def batch(call: Call) -> int:
    """Find how many calls fill a turn."""
    return max(1, int(TURN / min(seconds(call, 1) for _ in range(3))))


def turn(call: Call, number: int) -> float:
    """Take the best of a few timings of `number` calls, after one that warms the caches."""
    time.sleep(REST)
    first = seconds(call, 1)
    return min(seconds(call, number) for _ in range(1 if first > LONG else 3)) / number


def seconds(call: Call, number: int) -> float:
    """Time some calls, all together."""
    start = time.perf_counter()
    for _ in range(number):
        call()
    return time.perf_counter() - start


def as_arrays(result: Any) -> Arrays:
    """Bring a library's result into one form; a list is images, one by one, channels last."""
    if isinstance(result, list):
        images = np.stack(result)
        return [np.moveaxis(images if images.ndim == 4 else images[..., None], -1, 1)]
    several = result if isinstance(result, tuple) else [result]
    return [None if array is None else np.asarray(array) for array in several]


def difference(results: dict[str, Arrays], name: str) -> float | None:
    """Find the largest difference from PyTorch's arrays, in parts of each one's largest element."""
    if TORCH not in results or name == TORCH:
        return None
    pairs = zip(results[name], results[TORCH], strict=True)
    return max(apart(found, wanted) for found, wanted in both(pairs))


def both(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Leave out what one of two did not make."""
    return ((found, wanted) for found, wanted in pairs if found is not None and wanted is not None)


def apart(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Find the largest difference, in parts of the largest element."""
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    return float(np.abs(found - wanted).max() / (np.abs(wanted).max() or 1))
