"""`grid_sample` forward beside the same job in other libraries."""

from .cases import BY_NAME, make_grid, make_input
from .implementations import IMPLEMENTATIONS


class Forward:
    """Time and peak memory of each case in each library."""

    params = (list(BY_NAME), list(IMPLEMENTATIONS))
    param_names = ("case", "implementation")
    warmup_time = 0.1

    def setup(self, case, implementation):
        row = BY_NAME[case]
        self.call = IMPLEMENTATIONS[implementation](row, make_input(row), make_grid(row))
        if self.call is None:
            raise NotImplementedError(f"{implementation} cannot do {case} here")
        self.call()  # compiles, or reads the cache

    def time_forward(self, case, implementation):
        self.call()

    def peakmem_forward(self, case, implementation):
        self.call()
