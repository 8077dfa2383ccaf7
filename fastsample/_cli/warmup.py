"""``warmup``: kernels compiled before they are needed."""

import argparse
import sys
import time

import fastsample as fs
from fastsample._cli.progress import progress
from fastsample._kernels.compiler import machine


def run(args: argparse.Namespace) -> None:
    """Compile, and say how far it is; then say how many kernels are ready and where."""
    begin = time.perf_counter()
    folder = machine.cache_folder()
    if not sys.stderr.isatty():
        print(f"compiling kernels into {folder}; some minutes", file=sys.stderr, flush=True)
    ready = compile_all(args.every)
    seconds = time.perf_counter() - begin
    print(f"{ready} kernels ready after {seconds:.0f} s in {folder}")


def compile_all(every: bool) -> int:
    """Let the bar follow, or the log."""
    with progress(log=True) as show:
        return fs.warmup(every, lambda done, total: show(f"{done} of {total} kernels", total))
