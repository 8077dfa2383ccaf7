"""``warmup``: kernels compiled before they are needed."""

import argparse
import time

import fastsample as fs
from fastsample._cli.progress import progress
from fastsample._kernels.compiler import machine


def run(args: argparse.Namespace) -> None:
    """Compile, with a bar; then say how many and where."""
    begin = time.perf_counter()
    ready = compile_all(args.every)
    seconds = time.perf_counter() - begin
    print(f"{ready} kernels ready after {seconds:.0f} s in {machine.cache_folder()}")


def compile_all(every: bool) -> int:
    """Let the bar follow."""
    with progress() as bar:
        return fs.warmup(every, lambda done, total: bar(f"{done} of {total} kernels", total))
