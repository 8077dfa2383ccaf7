"""Draw images/shifts.jpg from what shifts.md moves: `python docs/make_shifts.py`."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
Array = NDArray[Any]
PANEL = 2.1  # inches
GROUPS = "down", "up", "right", "left"


def main() -> None:
    """Run the page and draw its arrays."""
    page = runpy.run_path(str(ROOT / "tests" / "test_docs.py"))["run"]("docs/shifts.md")
    figure = Figure(figsize=(5 * PANEL, 2.6 * PANEL), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(2, 5)
    show(rows[0, 0], page["photo"][0], "photograph")
    for axes, (padding, moved) in zip(rows[0, 1:], page["shown"].items(), strict=True):
        show(axes, moved[0], padding)
    show(rows[1, 0], page["colours"][0], "red, green, blue")
    for axes, group, name in zip(rows[1, 1:], page["groups"][0], GROUPS, strict=True):
        show(axes, np.stack([group] * 3), f"a group moved {name}")
    quality = {"quality": 85, "optimize": True}
    figure.savefig(ROOT / "docs" / "images" / "shifts.jpg", pil_kwargs=quality)


def show(axes: Any, image: Array, title: str) -> None:
    """Put an image (3, H, W) of bytes into a panel without ticks."""
    axes.imshow(np.moveaxis(image, 0, -1))
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)


if __name__ == "__main__":
    main()
