"""The demo's picture: one row for each warp, one column for each mode."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[Any]

PANEL = 3.0  # inches
LINES = 13  # of the mesh that shows where a warp reads
SHARE = 0.44  # of a panel's width, for the enlarged detail
COLOUR = "#ffd23f"


@dataclass(frozen=True)
class Shot:
    """One panel: the warped photograph (C, H, W) and how long each library took, in seconds."""

    warp: str
    mode: str
    planes: Array
    ours: float
    theirs: float
    apart: float = 1.0  # the median of our times over the best


def writable_suffixes() -> set[str]:
    """List the suffixes matplotlib can write."""
    return {f".{name}" for name in FigureCanvasAgg.get_supported_filetypes()}


def draw(photo: Array, grids: dict[str, Array], shots: list[Shot]) -> Figure:
    """Lay out the original with each warp's mesh, then the modes."""
    modes = list(dict.fromkeys(shot.mode for shot in shots))
    _, height, width = photo.shape
    tall = PANEL * min(max(height / width, 0.5), 2)
    size = (PANEL * (1 + len(modes)), tall * len(grids))
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    rows = figure.subplots(len(grids), 1 + len(modes), squeeze=False)
    by_name = {(shot.warp, shot.mode): shot.planes for shot in shots}
    for row, (warp, grid) in zip(rows, grids.items(), strict=True):
        show(row[0], photo)
        mesh(row[0], grid)
        row[0].set_ylabel(warp, fontsize=13)
        corner = detail(by_name[warp, modes[-1]])
        for axes, mode in zip(row[1:], modes, strict=True):
            show(axes, by_name[warp, mode])
            magnify(axes, by_name[warp, mode], *corner)
    for axes, title in zip(rows[0], ["original, and where it is read", *modes], strict=True):
        axes.set_title(title, fontsize=13)
    return figure


def show(axes: "Axes", planes: Array) -> None:
    """Put a photograph into a panel without ticks."""
    axes.imshow(np.clip(np.moveaxis(planes, 0, -1) / 255, 0, 1))
    axes.set(xticks=[], yticks=[])


def mesh(axes: "Axes", grid: Array) -> None:
    """Draw the places that evenly spaced rows and columns of the result are read from."""
    height, width, _ = grid.shape
    limits = axes.get_xlim(), axes.get_ylim()
    for y in np.linspace(0, height - 1, LINES).astype(int):
        axes.plot(*grid[y].T, color=COLOUR, linewidth=0.8, alpha=0.9)
    for x in np.linspace(0, width - 1, LINES).astype(int):
        axes.plot(*grid[:, x].T, color=COLOUR, linewidth=0.8, alpha=0.9)
    axes.set(xlim=limits[0], ylim=limits[1])


def detail(planes: Array) -> tuple[int, int, int]:
    """Find a small square full of edges, away from rim and inset: its left, top and side."""
    grey = planes.mean(axis=0)
    side = min(grey.shape) // 16
    edges = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    rows, columns = (n // side for n in edges.shape)
    blocks = edges[: rows * side, : columns * side].reshape(rows, side, columns, side)
    energy = blocks.sum(axis=(1, 3))
    top, left = rows // 5, columns // 5
    inner = energy[top : rows * 3 // 5, left : columns - left]
    row, column = np.unravel_index(inner.argmax(), inner.shape)
    return (int(column) + left) * side, (int(row) + top) * side, side


def magnify(axes: "Axes", planes: Array, left: int, top: int, side: int) -> None:
    """Mark a square and show it enlarged in the corner, pixel by pixel."""
    height, width = planes.shape[1:]
    inset = axes.inset_axes((1 - SHARE, 0, SHARE, SHARE * width / height))
    show(inset, planes)
    inset.get_images()[0].set_interpolation("nearest")
    inset.set(xlim=(left - 0.5, left + side - 0.5), ylim=(top + side - 0.5, top - 0.5))
    inset.spines[:].set(color=COLOUR, linewidth=1.5)
    axes.add_patch(Rectangle((left, top), side, side, fill=False, color=COLOUR, linewidth=1.5))
