"""Race the libraries in one process, turn by turn: `python -m benchmarks.race --help`."""

import argparse
import json
import os
import statistics
import time
from dataclasses import asdict, dataclass

import numpy as np

from .bench_small import SMALLEST, small_arrays
from .cases import CASES, make_arrays
from .implementations import IMPLEMENTATIONS, as_arrays
from .systems import System, systems

OURS = "fastsample"
SMALLEST_MICROSECONDS = 8
TURN = 0.002  # seconds: quicker calls are timed in batches at least this long
REST = 0.005  # seconds: the last library's threads stop spinning


@dataclass(frozen=True)
class Row:
    """One library in one case; times in seconds, `difference` as the function of that name."""

    case: str
    library: str
    best: float
    median: float
    ratio: float  # this library's best over ours
    target: float | None
    difference: float | None


def main(argv=None):
    """Race what was asked for and print it."""
    args = parse(argv)
    os.environ["NUMBA_NUM_THREADS"] = str(args.threads)  # before Numba is imported
    print(f"{args.threads} threads, {args.rounds} rounds, float32 unless it says otherwise")
    rows = []
    for case in (*CASES, *systems().values(), SMALLEST):
        if args.only is None or args.only in case.name:
            rows += race(case, args.rounds)
            print_rows(rows, case.name)
    if args.json:
        with open(args.json, "w") as file:
            json.dump([asdict(row) for row in rows], file, indent=1)


def parse(argv):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.race", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="cases whose name contains this")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2, help="for every library")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    return parser.parse_args(argv)


def race(case, rounds):
    """Every library of a case takes its turn in each round."""
    calls = contestants(case)
    results = {name: found(case, name, call()) for name, call in calls.items()}
    batches = {name: batch(call) for name, call in calls.items()}
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(turn(call, batches[name]))
    ours = min(times[OURS])
    return [
        Row(
            case.name,
            name,
            min(taken),
            statistics.median(taken),
            min(taken) / ours,
            case.targets.get(name),
            difference(results, name),
        )
        for name, taken in times.items()
    ]


def contestants(case):
    """The libraries that are installed, can do the case and are asked about it."""
    if isinstance(case, System):
        calls = {name: make() for name, make in case.calls.items()}
        return {name: call for name, call in calls.items() if call is not None}
    arrays = small_arrays() if case is SMALLEST else make_arrays(case)
    calls = {name: IMPLEMENTATIONS[name](case, *arrays) for name in (OURS, *case.others)}
    return {name: call for name, call in calls.items() if call is not None}


def found(case, name, result):
    """A library's result as arrays."""
    return [np.asarray(result)] if isinstance(case, System) else as_arrays(name, result)


def batch(call):
    """How many calls fill a turn."""
    return max(1, int(TURN / min(seconds(call, 1) for _ in range(3))))


def turn(call, number):
    """The best of a few timings of `number` calls, after one that warms the caches."""
    time.sleep(REST)
    first = seconds(call, 1)
    return min(seconds(call, number) for _ in range(1 if first > 0.05 else 3)) / number


def seconds(call, number):
    start = time.perf_counter()
    for _ in range(number):
        call()
    return time.perf_counter() - start


def difference(results, name):
    """The largest difference from torch's arrays, in parts of each array's largest element."""
    if "torch" not in results or name == "torch":
        return None
    pairs = zip(results[name], results["torch"], strict=True)
    return max(apart(found, wanted) for found, wanted in pairs if found is not None)


def apart(found, wanted):
    """The largest difference, in parts of the largest element."""
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def print_rows(rows, case):
    """Print a case: best and median, how many times ours, the target, the difference."""
    head = f"{'best':>10}{'median':>10}{'ratio':>9}{'target':>16}{'off torch':>11}"
    print(f"\n{case:<40}{head}")
    for row in rows:
        if row.case == case:
            ratio = "" if row.library == OURS else f"{row.ratio:.2f}x"
            off = "" if row.difference is None else f"{row.difference:.1e}"
            times = f"{shown(row.best):>10}{shown(row.median):>10}"
            print(f"  {row.library:<38}{times}{ratio:>9}{verdict(row):>16}{off:>11}", flush=True)


def shown(value):
    """A time in the unit that suits it."""
    return f"{value * 1e6:.2f} us" if value < 1e-4 else f"{value * 1e3:.2f} ms"


def verdict(row):
    """The target and whether it was met."""
    if row.case == SMALLEST.name and row.library == OURS:
        text, met = f"< {SMALLEST_MICROSECONDS} us", row.best * 1e6 < SMALLEST_MICROSECONDS
    elif row.target is not None:
        text, met = f"> {row.target:g}x", row.ratio > row.target
    else:
        return ""
    return f"{text} {'met' if met else 'MISSED'}"


if __name__ == "__main__":
    main()
