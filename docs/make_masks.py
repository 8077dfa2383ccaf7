"""Draw images/masks.jpg from what masks.md pastes: `python docs/make_masks.py`."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
Array = NDArray[Any]
COLOURS = "#ffd23f", "#ff4f79", "#3ddc97", "#4cc9f0"
PANEL = 3.2  # inches
DEPTH = 0.65  # of the colours


def main() -> None:
    """Run the page and draw its arrays."""
    page = runpy.run_path(str(ROOT / "tests" / "test_docs.py"))["run"]("docs/masks.md")
    figure = Figure(figsize=(3 * PANEL, 1.25 * PANEL), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    show(panels[0], page["photo"], "boxes")
    for box, colour in zip(page["boxes"], COLOURS, strict=True):
        panels[0].add_patch(frame(box, colour))
    show(panels[1], tinted(page["photo"], page["soft"]), "soft masks")
    show(panels[2], tinted(page["photo"], page["hard"]), "where they reach a half")
    quality = {"quality": 85, "optimize": True}
    figure.savefig(ROOT / "docs" / "images" / "masks.jpg", pil_kwargs=quality)


def frame(box: Array, colour: str) -> Rectangle:
    """Outline a box; a panel's 0 is the centre of the first pixel, a box's its edge."""
    x0, y0, x1, y1 = box - 0.5
    return Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, color=colour, linewidth=2)


def tinted(photo: Array, masks: Array) -> Array:
    """Lay each mask over the photograph in its colour."""
    for mask, colour in zip(masks, COLOURS, strict=True):
        share = DEPTH * mask[..., None]
        photo = photo * (1 - share) + share * np.array(to_rgb(colour))
    return photo


def show(axes: Any, image: Array, title: str) -> None:
    """Put an image (H, W, 3) into a panel without ticks."""
    axes.imshow(np.clip(image, 0, 1))
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)


if __name__ == "__main__":
    main()
