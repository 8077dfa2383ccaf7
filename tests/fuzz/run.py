"""All calls of a run, in processes of their own, and the command line."""

import argparse
import collections
import contextlib
import faulthandler
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import child

from .calls import described, make, outcome
from .makers import MAKERS
from .pools import POOLS

FOLDER = Path(__file__).parent
LIMIT = 900
"""Seconds that a process has, with kernels to compile."""


def work(seed, first, last, pool, journal):
    """Calls first to last - 1; the journal tells each before it is made and after."""
    faulthandler.enable()
    with open(journal, "ab", buffering=0) as file:
        for k in range(first, last):
            file.write(b"%d\n" % k)
            file.write(json.dumps([k, *outcome(seed, k, pool)]).encode() + b"\n")


def read_journal(path):
    """(outcomes, the call that was begun and not ended or None)."""
    found, begun = [], None
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if isinstance(entry, list):
            found.append(entry)
            begun = None
        else:
            begun = entry
    return found, begun


class Run:
    """All calls of a run, in batches, on some processes."""

    def __init__(self, args):
        self.args, self.started = args, time.monotonic()
        self.counts = {name: collections.Counter() for name in MAKERS}
        self.failures, self.done = [], 0
        self.lock, self.batches = threading.Lock(), queue.SimpleQueue()
        for first in range(args.first, args.first + args.count, args.batch):
            self.batches.put((first, min(first + args.batch, args.first + args.count)))

    def go(self):
        """Every batch, however many processes it takes."""
        with tempfile.TemporaryDirectory() as folder:
            workers = [
                threading.Thread(target=self.take, args=(Path(folder) / f"journal-{k}",))
                for k in range(self.args.processes)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

    def take(self, journal):
        """Batch after batch, one process at a time."""
        with contextlib.suppress(queue.Empty):
            while True:
                first, last = self.batches.get_nowait()
                while first < last:
                    first = self.batch(first, last, journal)

    def batch(self, first, last, journal):
        """A process; the call to go on with."""
        journal.write_bytes(b"")
        numbers = map(str, (self.args.seed, first, last))
        command = [sys.executable, FOLDER, "--worker", *numbers, self.args.pool, str(journal)]
        errors = journal.with_suffix(".err")
        with open(errors, "wb") as file:
            try:
                env = child.environment()
                done = subprocess.run(command, env=env, stderr=file, timeout=LIMIT, check=False)
                end = f"exit status {done.returncode}"
            except subprocess.TimeoutExpired:
                done, end = None, f"nothing after {LIMIT} s"
        found, begun = read_journal(journal)
        with self.lock:
            for entry in found:
                self.note(*entry)
            reached = found[-1][0] + 1 if found else first
            if reached < last or done is None or done.returncode:
                k = first if begun is None and not found else begun
                said = errors.read_text(errors="replace")[-3000:]
                name = "?" if k is None else list(MAKERS)[k % len(MAKERS)]
                self.note(k, name, "died", f"{end}\n{said}")
                reached = last if k is None else k + 1
        return reached

    def note(self, k, name, how, said):
        """One outcome."""
        self.done += 1
        if name in self.counts:
            self.counts[name][how] += 1
        if said is not None:
            self.failures.append((k, name, how, said))
            if len(self.failures) <= self.args.show:
                again = f"--seed {self.args.seed} --pool {self.args.pool} --only {k}"
                print(f"\ncall {k}: {how}\n{said}\nAgain: {again}", flush=True)
        if sys.stderr.isatty():
            end = "\n" if self.done == self.args.count else ""
            print(f"\r{self.done}/{self.args.count}", end=end, file=sys.stderr, flush=True)

    def report(self):
        """The table and the last line."""
        print(f"\n{'function':<26}{'valid':>9}{'refused':>9}{'failed':>9}")
        total = collections.Counter()
        for name, counts in self.counts.items():
            row = {k: counts[k] for k in ("valid", "refused")}
            row["failed"] = counts.total() - sum(row.values())
            total.update(row)
            print(f"{name:<26}{row['valid']:>9}{row['refused']:>9}{row['failed']:>9}")
        print("{:<26}{valid:>9}{refused:>9}{failed:>9}".format("in all", **total))
        print(f"{time.monotonic() - self.started:.0f} s")
        failed = len(self.failures)
        print(f"{self.done - failed} passed, {failed} failed")
        return int(failed > 0 or self.done == 0)


def main():
    """Run the calls, or one of them, or a batch as a worker."""
    parser = argparse.ArgumentParser(description="Random calls of every public function.")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first call")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=500, help="calls a process")
    parser.add_argument("--pool", choices=POOLS, default="full")
    parser.add_argument("--show", type=int, default=20, help="failures to print")
    parser.add_argument("--only", type=int, help="make this call alone, here")
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        seed, first, last, pool, journal = args.worker
        return work(int(seed), int(first), int(last), pool, journal)
    if args.only is not None:
        faulthandler.enable()
        print(described(make(args.seed, args.only, args.pool)[1]), flush=True)
        name, how, said = outcome(args.seed, args.only, args.pool)
        print(f"{name}: {how}", said or "", sep="\n")
        return int(said is not None)
    run = Run(args)
    run.go()
    return run.report()
