"""All that imports Numba."""
