"""What the scripts that draw the pages' pictures share."""

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


def arrays_of(page: str) -> dict[str, Any]:
    """Run a page, and return the names it defines."""
    (path,) = ROOT.glob(f"docs/*/{page}.md")
    tests = runpy.run_path(str(ROOT / "tests" / "test_docs.py"))
    names: dict[str, Any] = tests["run"](str(path.relative_to(ROOT)))
    return names


def blank(width: float, height: float) -> Figure:
    """Make a figure of so many inches."""
    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, page: str) -> None:
    """Write the picture of a page."""
    quality = {"quality": 85, "optimize": True}
    figure.savefig(ROOT / "docs" / "images" / f"{page}.jpg", pil_kwargs=quality)


def show(axes: Any, image: Array, title: str, **options: Any) -> None:
    """Put an image, (1, 3, H, W) or as imshow takes it, into a panel without ticks."""
    if image.ndim == 4:
        image = np.moveaxis(image[0], 0, -1)
    if image.dtype.kind == "f":
        image = np.clip(image, 0, 1)
    axes.imshow(image, **options)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)


def coloured(flow: Array, longest: float) -> Array:
    """Colour a flow (1, 2, H, W): the hue says where to, the depth how far, up to `longest`."""
    x, y = flow[0]
    depth = np.minimum(np.hypot(x, y) / longest, 1)
    hue = np.arctan2(y, x) / (2 * np.pi) % 1
    return np.moveaxis(hsv_to_rgb(np.stack([hue, depth, np.ones_like(hue)], axis=-1)), -1, 0)[None]
