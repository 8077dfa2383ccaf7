"""Deformable convolution."""

from .systems import benchmark, deform_conv2d

Deform = benchmark(deform_conv2d)
Deform.__name__ = "Deform"
