"""OpenCV's call, on several types."""

from .systems import benchmark, remap

Remap = benchmark(remap)
Remap.__name__ = "Remap"
