"""Draw images/flow.jpg from what flow.md warps: `python docs/make_flow.py`."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
Array = NDArray[Any]
PANEL = 2.6  # inches
LONGEST = 45.0  # pixels, the flow of full colour
APART = 50  # pixels between arrows
BRIGHT = 8.0  # the features' brightness


def main() -> None:
    """Run the page and draw its arrays."""
    page = runpy.run_path(str(ROOT / "tests" / "test_docs.py"))["run"]("docs/flow.md")
    figure = Figure(figsize=(3 * PANEL, 2.5 * PANEL), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(2, 3)
    show(rows[0, 0], page["key"], "key frame")
    show(rows[0, 1], coloured(page["flow"]), "flow: where each pixel reads")
    draw_arrows(rows[0, 1], page["flow"][0])
    show(rows[0, 2], page["current"], "current frame")
    show(rows[1, 0], BRIGHT * page["key_features"], "the key frame's features")
    show(rows[1, 1], BRIGHT * page["brought"], "brought to the current frame")
    show(rows[1, 2], BRIGHT * page["anew"], "found anew")
    quality = {"quality": 85, "optimize": True}
    figure.savefig(ROOT / "docs" / "images" / "flow.jpg", pil_kwargs=quality)


def draw_arrows(axes: Any, flow: Array) -> None:
    """Draw some displacements (2, H, W) in their own length."""
    y, x = np.indices(flow.shape[1:])[:, APART // 2 :: APART, APART // 2 :: APART]
    dx, dy = flow[:, y, x]
    axes.quiver(x, y, dx, dy, angles="xy", scale_units="xy", scale=1, width=0.008)


def coloured(flow: Array) -> Array:
    """Colour a flow (1, 2, H, W): the hue says where to, the depth how far."""
    x, y = flow[0]
    depth = np.minimum(np.hypot(x, y) / LONGEST, 1)
    hue = np.arctan2(y, x) / (2 * np.pi) % 1
    return np.moveaxis(hsv_to_rgb(np.stack([hue, depth, np.ones_like(hue)], axis=-1)), -1, 0)[None]


def show(axes: Any, image: Array, title: str) -> None:
    """Put an image (1, 3, H, W) into a panel without ticks."""
    axes.imshow(np.clip(np.moveaxis(image[0], 0, -1), 0, 1))
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)


if __name__ == "__main__":
    main()
