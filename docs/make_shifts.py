"""Draw images/shifts.jpg from what shifts.md moves: `python docs/make_shifts.py`."""

import numpy as np
from drawing import arrays_of, blank, save, show

PANEL = 2.1  # inches
GROUPS = "down", "up", "right", "left"


def main() -> None:
    """Run the page and draw its arrays."""
    page = arrays_of("shifts")
    figure = blank(5 * PANEL, 2.6 * PANEL)
    rows = figure.subplots(2, 5)
    show(rows[0, 0], page["photo"], "photograph")
    for axes, (padding, moved) in zip(rows[0, 1:], page["shown"].items(), strict=True):
        show(axes, moved, padding)
    show(rows[1, 0], page["colours"], "red, green, blue")
    for axes, group, name in zip(rows[1, 1:], page["groups"][0], GROUPS, strict=True):
        show(axes, np.stack([group] * 3, axis=-1), f"a group moved {name}")
    save(figure, "shifts")


if __name__ == "__main__":
    main()
