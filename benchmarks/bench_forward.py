"""`grid_sample` forward beside the same job in other libraries."""

from .cases import BY_NAME, make_arrays, names
from .implementations import IMPLEMENTATIONS, ready


class Forward:
    """Time and peak memory of each case in each library."""

    params = (names("grid_sample"), list(IMPLEMENTATIONS))
    param_names = ("case", "implementation")
    warmup_time = 0.1

    def setup(self, case, implementation):
        self.call = ready(implementation, BY_NAME[case], make_arrays(BY_NAME[case]))

    def time_forward(self, case, implementation):
        self.call()

    def peakmem_forward(self, case, implementation):
        self.call()
