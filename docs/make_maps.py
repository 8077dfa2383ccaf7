"""Draw images/maps.jpg from what maps.md samples: `python docs/make_maps.py`."""

from drawing import arrays_of, blank, save, show
from matplotlib.patches import Circle

COLOUR = "#ffd23f"
PANEL = 3.0  # inches
RATIOS = [2.5, 1]  # of the rows


def main() -> None:
    """Run the page and draw its arrays."""
    page = arrays_of("maps")
    figure = blank(3 * PANEL, 1.8 * PANEL)
    grid = figure.add_gridspec(2, 3, height_ratios=RATIOS)
    panels = [figure.add_subplot(grid[0, i]) for i in range(3)]
    show(panels[0], page["photo"], "photograph")
    panels[0].add_patch(Circle(page["BADGE"], page["RADIUS"], fill=False, color=COLOUR, lw=2))
    show(panels[1], page["seen"], "as a lens sees it")
    show(panels[2], page["undone"], "the lens undone")
    show(figure.add_subplot(grid[1, :]), page["unrolled"], "the circle unrolled, from the top")
    save(figure, "maps")


if __name__ == "__main__":
    main()
