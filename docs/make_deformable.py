"""Draw images/deformable.jpg from what deformable.md reads: `python docs/make_deformable.py`."""

from typing import Any

from drawing import Array, arrays_of, blank, save, show

COLOUR, MIDDLE = "#ffd23f", "#ff4f79"
PANEL = 3.2  # inches
POINTS = (60, 130), (60, 400), (190, 60), (170, 200), (290, 330), (330, 130), (420, 450), (500, 260)


def main() -> None:
    """Run the page and draw its arrays."""
    page = arrays_of("deformable")
    figure = blank(3 * PANEL, 1.25 * PANEL)
    panels = figure.subplots(1, 3)
    show(panels[0], page["photo"], "nine taps in a row")
    show(panels[1], page["photo"], "moved by their offsets")
    for place in POINTS:
        mark(panels[0], page["lattice"], place)
        mark(panels[1], page["targets"], place)
    show(panels[2], page["spun"], "the mean of what these read")
    save(figure, "deformable")


def mark(axes: Any, taps: Array, place: tuple[int, int]) -> None:
    """Draw where the taps (taps, (y, x), H, W) of one point lie."""
    y, x = taps[:, :, place[0], place[1]].T
    axes.scatter(x, y, s=9, color=COLOUR, linewidths=0)
    axes.scatter(place[1], place[0], s=16, color=MIDDLE, linewidths=0)


if __name__ == "__main__":
    main()
