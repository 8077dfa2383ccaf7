"""Draw images/maps.jpg from what maps.md samples: `python docs/make_maps.py`."""

import runpy
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
Array = NDArray[Any]
COLOUR = "#ffd23f"
PANEL = 3.0  # inches
RATIOS = [2.5, 1]  # of the rows


def main() -> None:
    """Run the page and draw its arrays."""
    page = runpy.run_path(str(ROOT / "tests" / "test_docs.py"))["run"]("docs/maps.md")
    figure = Figure(figsize=(3 * PANEL, 1.8 * PANEL), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 3, height_ratios=RATIOS)
    panels = [figure.add_subplot(grid[0, i]) for i in range(3)]
    show(panels[0], page["photo"], "photograph")
    panels[0].add_patch(Circle(page["BADGE"], page["RADIUS"], fill=False, color=COLOUR, lw=2))
    show(panels[1], page["seen"], "as a lens sees it")
    show(panels[2], page["undone"], "the lens undone")
    show(figure.add_subplot(grid[1, :]), page["unrolled"], "the circle unrolled, from the top")
    quality = {"quality": 85, "optimize": True}
    figure.savefig(ROOT / "docs" / "images" / "maps.jpg", pil_kwargs=quality)


def show(axes: Any, image: Array, title: str) -> None:
    """Put an image (H, W, 3) of bytes into a panel without ticks."""
    axes.imshow(image)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)


if __name__ == "__main__":
    main()
