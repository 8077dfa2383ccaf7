"""Features by a flow."""

from .systems import benchmark, flow_warp

Flow = benchmark(flow_warp)
Flow.__name__ = "Flow"
