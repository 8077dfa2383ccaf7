"""Gradients beside PyTorch's: of `grid_sample`, `affine_sample` and `affine_grid`."""

from .cases import BY_NAME, make_arrays, names
from .implementations import ready


class Backward:
    """Time and peak memory of each case in both libraries."""

    params = (
        names("grid_sample_backward", "affine_sample_backward", "affine_grid_backward"),
        ["fastsample", "torch"],
    )
    param_names = ("case", "implementation")
    warmup_time = 0.1

    def setup(self, case, implementation):
        self.call = ready(implementation, BY_NAME[case], make_arrays(BY_NAME[case]))

    def time_backward(self, case, implementation):
        self.call()

    def peakmem_backward(self, case, implementation):
        self.call()
