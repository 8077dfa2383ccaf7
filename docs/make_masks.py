"""Draw images/masks.jpg from what masks.md pastes: `python docs/make_masks.py`."""

import numpy as np
from drawing import Array, arrays_of, blank, save, show
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

COLOURS = "#ffd23f", "#ff4f79", "#3ddc97", "#4cc9f0"
PANEL = 3.2  # inches
DEPTH = 0.65  # of the colours


def main() -> None:
    """Run the page and draw its arrays."""
    page = arrays_of("masks")
    figure = blank(3 * PANEL, 1.25 * PANEL)
    panels = figure.subplots(1, 3)
    show(panels[0], page["photo"], "boxes")
    for box, colour in zip(page["boxes"], COLOURS, strict=True):
        panels[0].add_patch(frame(box, colour))
    show(panels[1], tinted(page["photo"], page["soft"]), "soft masks")
    show(panels[2], tinted(page["photo"], page["hard"]), "where they reach a half")
    save(figure, "masks")


def frame(box: Array, colour: str) -> Rectangle:
    """Outline a box; a panel's 0 is the centre of the first pixel, a box's its edge."""
    x0, y0, x1, y1 = box - 0.5
    return Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, color=colour, linewidth=2)


def tinted(photo: Array, masks: Array) -> Array:
    """Lay each mask over the photograph in its colour."""
    for mask, colour in zip(masks, COLOURS, strict=True):
        share = DEPTH * mask[..., None]
        photo = photo * (1 - share) + share * np.array(to_rgb(colour))
    return photo


if __name__ == "__main__":
    main()
