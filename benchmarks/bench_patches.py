"""Boxes warped in place."""

from .systems import benchmark, patch_affine

Patches = benchmark(patch_affine)
Patches.__name__ = "Patches"
