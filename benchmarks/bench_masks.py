"""Masks into an image."""

from .systems import benchmark, paste_masks

Masks = benchmark(paste_masks)
Masks.__name__ = "Masks"
