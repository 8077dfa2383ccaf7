"""Every benchmark once, in one process: that all of them run, not how long they take.

    python -m benchmarks.once

asv's own quick run starts a process for each and calls each several times. Here the libraries are
imported once, each call is made once, on small arrays where others would take seconds, and what
measures a cold start shares one folder of kernels.
Ends with `N passed, M failed`; exit status 1 on a failure.
"""

import contextlib
import io
import math
import os
import sys
import traceback
from functools import partial
from tempfile import TemporaryDirectory

from asv_runner.discovery import disc_benchmarks

from . import fresh, suite


def main():
    done = []
    with TemporaryDirectory() as folder:
        quickly(os.environ.get("NUMBA_CACHE_DIR", folder))
        for benchmark in disc_benchmarks(__package__):
            combinations = math.prod(map(len, benchmark.params))
            done += [runs(benchmark, index) for index in range(combinations)]
    print(f"{done.count(True)} passed, {done.count(False)} failed")
    return 0 if done and all(done) else 1


def quickly(kernels):
    """Nothing is called to find out how long it takes, nothing is compiled twice."""
    suite.QUICK = True  # before any benchmark is imported
    suite.prepare = lambda case, library: (suite.ready(case, library), 1)
    suite.in_a_fork = lambda call: None  # a fork after PyTorch's threads have worked may hang
    fresh.cold = partial(fresh.seconds, cache=kernels)
    fresh.warm = lambda script, times: fresh.seconds(script, kernels)


def runs(benchmark, index):
    """Whether one combination of a benchmark's parameters runs, or is left out on purpose."""
    benchmark.set_param_idx(index)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # says what a library does not have
            left_out = benchmark.do_setup()
        if not left_out:
            benchmark.func(*benchmark._current_params)
        benchmark.do_teardown()
    except Exception:
        print(f"\n{benchmark.name}{benchmark._current_params}")
        traceback.print_exc(file=sys.stdout)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
