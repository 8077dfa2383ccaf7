"""Spline interpolation as SciPy defines it: from a checked call to kernels, and back."""
