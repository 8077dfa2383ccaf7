"""Draw images/deformable.jpg from what deformable.md reads: `python docs/make_deformable.py`."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
Array = NDArray[Any]
COLOUR, MIDDLE = "#ffd23f", "#ff4f79"
PANEL = 3.2  # inches
POINTS = (60, 130), (60, 400), (190, 60), (170, 200), (290, 330), (330, 130), (420, 450), (500, 260)


def main() -> None:
    """Run the page and draw its arrays."""
    page = runpy.run_path(str(ROOT / "tests" / "test_docs.py"))["run"]("docs/deformable.md")
    figure = Figure(figsize=(3 * PANEL, 1.25 * PANEL), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    show(panels[0], page["photo"], "nine taps in a row")
    show(panels[1], page["photo"], "moved by their offsets")
    for place in POINTS:
        mark(panels[0], page["lattice"], place)
        mark(panels[1], page["targets"], place)
    show(panels[2], page["spun"], "the mean of what these read")
    quality = {"quality": 85, "optimize": True}
    figure.savefig(ROOT / "docs" / "images" / "deformable.jpg", pil_kwargs=quality)


def mark(axes: Any, taps: Array, place: tuple[int, int]) -> None:
    """Draw where the taps (taps, (y, x), H, W) of one point lie."""
    y, x = taps[:, :, place[0], place[1]].T
    axes.scatter(x, y, s=9, color=COLOUR, linewidths=0)
    axes.scatter(place[1], place[0], s=16, color=MIDDLE, linewidths=0)


def show(axes: Any, image: Array, title: str) -> None:
    """Put an image (1, 3, H, W) into a panel without ticks."""
    axes.imshow(np.clip(np.moveaxis(image[0], 0, -1), 0, 1))
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)


if __name__ == "__main__":
    main()
