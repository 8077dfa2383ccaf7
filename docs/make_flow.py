"""Draw images/flow.jpg from what flow.md warps: `python docs/make_flow.py`."""

from typing import Any

import numpy as np
from drawing import Array, arrays_of, blank, coloured, save, show

PANEL = 2.6  # inches
LONGEST = 45.0  # pixels, the flow of full colour
APART = 50  # pixels between arrows
BRIGHT = 8.0  # the features' brightness


def main() -> None:
    """Run the page and draw its arrays."""
    page = arrays_of("flow")
    figure = blank(3 * PANEL, 2.5 * PANEL)
    rows = figure.subplots(2, 3)
    show(rows[0, 0], page["key"], "key frame")
    show(rows[0, 1], coloured(page["flow"], LONGEST), "flow: where each pixel reads")
    draw_arrows(rows[0, 1], page["flow"][0])
    show(rows[0, 2], page["current"], "current frame")
    show(rows[1, 0], BRIGHT * page["key_features"], "the key frame's features")
    show(rows[1, 1], BRIGHT * page["brought"], "brought to the current frame")
    show(rows[1, 2], BRIGHT * page["anew"], "found anew")
    save(figure, "flow")


def draw_arrows(axes: Any, flow: Array) -> None:
    """Draw some displacements (2, H, W) in their own length."""
    y, x = np.indices(flow.shape[1:])[:, APART // 2 :: APART, APART // 2 :: APART]
    dx, dy = flow[:, y, x]
    axes.quiver(x, y, dx, dy, angles="xy", scale_units="xy", scale=1, width=0.008)


if __name__ == "__main__":
    main()
