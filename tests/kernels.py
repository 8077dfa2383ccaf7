"""Small functions compiled as kernels are, for tests of what kernels are made of."""

import numba
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from fastsample._kernels.compiler import garbage, lean, shortcuts


def compiled(function):
    """Function as a kernel; compiled afresh, since names of the package may be patched."""
    options = {"error_model": "numpy", "no_cfunc_wrapper": True}
    made = numba.njit(pipeline_class=lean.KERNEL, **options)(function)
    if made is function:
        return function
    compile_for = made.compile
    rtsys.initialize(cpu_target.target_context)  # which takes arrays in; kernels have none

    def as_kernels_are(signature):
        with garbage.resting(), shortcuts.taken():
            return compile_for(signature)

    made.compile = as_kernels_are
    return made
