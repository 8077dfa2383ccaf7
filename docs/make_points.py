"""Draw images/points.jpg from what points.md samples: `python docs/make_points.py`."""

from typing import Any

from drawing import Array, arrays_of, blank, save, show

COLOURS = "#ffd23f", "#ff4f79", "#3ddc97", "#4cc9f0"
PANEL = 4.6  # inches
SIZES = 9, 5, 2.5, 1.2  # of the dots, as the pixels shrink


def main() -> None:
    """Run the page and draw its arrays."""
    page = arrays_of("points")
    figure = blank(2 * PANEL, 1.7 * PANEL)
    panels = figure.subplots(3, 2)
    show(panels[0, 0], page["photo"], "photograph")
    show_mask(panels[0, 1], page["coarse"], "coarse mask, 16 × 32")
    show_mask(panels[1, 0], page["stretched"], "stretched to 256 × 512")
    show_mask(panels[1, 1], page["stretched"], "the points chosen, step by step")
    for points, colour, size in zip(page["visited"], COLOURS, SIZES, strict=True):
        x, y = (points[0] * (512, 256) - 0.5).T
        panels[1, 1].scatter(x, y, s=size, color=colour, linewidths=0)
    show_mask(panels[2, 0], page["mask"], "rendered by points")
    show_mask(panels[2, 1], page["fine"], "the fine map itself")
    save(figure, "points")


def show_mask(axes: Any, mask: Array, title: str) -> None:
    """Put a mask (1, 1, H, W) into a panel, its pixels as squares."""
    show(axes, mask[0, 0], title, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


if __name__ == "__main__":
    main()
