"""`flow_warp`."""

from fastsample._bench import systems

from .suite import by_name, measured


class Flow(measured(by_name(systems.flow_warp()))):
    """Beside PyTorch, which makes a grid of the flow first."""
