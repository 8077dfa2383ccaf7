"""All that imports Numba."""


def home():
    """Compiled kernels are kept where Numba keeps functions of this file."""
