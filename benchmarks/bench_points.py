"""Points on feature maps."""

from .systems import benchmark, point_sample

Points = benchmark(point_sample)
Points.__name__ = "Points"
