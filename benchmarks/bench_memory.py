"""The most memory that a process holds, a case in each."""

from multiprocessing import get_all_start_methods

from fastsample._bench import grids, systems
from fastsample._bench.case import CV2, OURS, TORCH

from . import suite
from .suite import by_name, ready

CASES = by_name(case for case in (*grids.cases(), *systems.cases()) if case.headline)
LIBRARIES = OURS, TORCH, CV2


class Memory:
    """All of the process: Python, the libraries, the arrays of the case and what the call takes."""

    params = (list(CASES), LIBRARIES)
    param_names = ("case", "library")
    skip_params = tuple(
        (name, library)
        for name, case in CASES.items()
        for library in LIBRARIES
        if library not in case.calls
    )
    timeout = 300

    def setup(self, case, library):
        if "fork" not in get_all_start_methods():
            raise NotImplementedError("a compiler would count")
        self.call = ready(CASES[case], library)
        suite.in_a_fork(self.call)

    def peakmem_call(self, case, library):
        self.call()
