"""A row and a plane of pixels, and where normalized coordinates put -1 and 1."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

BLUE, ORANGE, GREY = "#0072b2", "#c04f00", "#444444"
SHADES = [0.93, 0.80, 0.88, 0.75]
ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1}


def pixels(axes, rows):
    """Draw square pixels of rows of shades, with a dot in each centre."""
    for y, row in enumerate(rows):
        for x, shade in enumerate(row):
            corner = x - 0.5, y - 0.5
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=str(shade), edgecolor="white", lw=2))
            axes.plot(x, y, "o", color="black", markersize=4)


def ruler(axes, y, marks, colour, title):
    """Draw a line at height y with marks, each a place and its name, and a title above it."""
    ends = min(marks), max(marks)
    axes.plot(ends, [y, y], color=colour, lw=2.5)
    axes.text(1.5, y - 0.09, title, color=colour, va="bottom", ha="center", bbox=ON_WHITE)
    for x, label in marks.items():
        axes.plot(x, y, "|", color=colour, markersize=12, mew=2.5 if x in ends else 1.5)
        axes.text(x, y + 0.15, label, color=colour, va="top", ha="center", bbox=ON_WHITE)


def row_of_pixels(axes):
    """Draw four pixels above the three ways to say where."""
    pixels(axes, [SHADES])
    for x, name in enumerate("abcd"):
        axes.text(x, -0.13, name, ha="center", va="bottom")
    for x, bottom, colour in (-0.5, 2, BLUE), (3.5, 2, BLUE), (0, 3, ORANGE), (3, 3, ORANGE):
        axes.plot([x, x], [0.5, bottom], ":", color=colour, lw=1.5, zorder=0.5)
    numbers = {-0.5: "−½", 0: "0", 1: "1", 2: "2", 3: "3", 3.5: "3½"}
    ruler(axes, 1, numbers, GREY, "pixels")
    edges = {-0.5: "−1", 0: "−¾", 1: "−¼", 2: "¼", 3: "¾", 3.5: "1"}
    ruler(axes, 2, edges, BLUE, "normalized, align_corners=False")
    centres = {0: "−1", 1: "−⅓", 2: "⅓", 3: "1"}
    ruler(axes, 3, centres, ORANGE, "normalized, align_corners=True")
    axes.set(xlim=(-1, 4), ylim=(3.5, -0.6))


def plane_of_pixels(axes):
    """Draw three rows of four pixels, and the two rectangles whose corners are at -1 and 1."""
    pixels(axes, np.tile(SHADES, (3, 1)) - [[0], [0.08], [0.02]])
    for low, high, colour, dashes in (-0.5, 0.5, BLUE, "-"), (0, 0, ORANGE, "--"):
        size = 3 + 2 * high, 2 + 2 * high
        frame = Rectangle((low, low), *size, fill=False, edgecolor=colour, lw=2.5, ls=dashes)
        axes.add_patch(frame)
    corners = {(-0.5, -0.72): "(−1, −1)", (3.5, -0.72): "(1, −1)"}
    corners |= {(-0.5, 2.72): "(−1, 1)", (3.5, 2.72): "(1, 1)"}
    for (x, y), label in corners.items():
        axes.text(x, y, label, color=BLUE, ha="center", va="center")
    axes.text(0.1, 0.1, "(−1, −1)", color=ORANGE, va="top")
    axes.text(2.9, 1.9, "(1, 1)", color=ORANGE, va="bottom", ha="right")
    arrow = {"arrowstyle": "->", "color": GREY}
    axes.annotate("x", (2.1, 2.75), (1.1, 2.75), arrowprops=arrow, va="center", color=GREY)
    axes.annotate("y", (-0.8, 1.6), (-0.8, 0.6), arrowprops=arrow, ha="center", color=GREY)
    axes.set(xlim=(-1, 4), ylim=(3, -1))


_, panels = plt.subplots(2, 1, figsize=(5.2, 7.2), height_ratios=(4.1, 4), layout="constrained")
for axes, draw in zip(panels, (row_of_pixels, plane_of_pixels), strict=True):
    draw(axes)
    axes.set_aspect("equal")
    axes.axis("off")
plt.show()
