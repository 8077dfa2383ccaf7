"""Shifts of groups of channels."""

from .systems import benchmark, region_shift

Shift = benchmark(region_shift)
Shift.__name__ = "Shift"
