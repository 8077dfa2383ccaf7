"""Channels last, and uint8 as planes."""

from .systems import benchmark, channels_last, planes

Layouts = benchmark(channels_last, planes)
Layouts.__name__ = "Layouts"
