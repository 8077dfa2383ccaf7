"""Draw images/patches.jpg from what patches.md turns: `python docs/make_patches.py`."""

import numpy as np
from drawing import Array, arrays_of, blank, save, show
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

COLOURS = "#ffd23f", "#ff4f79", "#3ddc97", "#4cc9f0"
PANEL = 3.2  # inches
DEPTH = 0.6  # of the colours


def main() -> None:
    """Run the page and draw its arrays."""
    page = arrays_of("patches")
    figure = blank(3 * PANEL, 1.25 * PANEL)
    panels = figure.subplots(1, 3)
    show(panels[0], page["photo"], "boxes")
    for box, colour in zip(page["boxes"], COLOURS, strict=True):
        panels[0].add_patch(frame(box, colour))
    show(panels[1], page["result"], "what they show, turned")
    show(panels[2], owned(page["result"], page["boxes"]), "which box each pixel is from")
    save(figure, "patches")


def frame(box: Array, colour: str) -> Rectangle:
    """Outline a box; imshow's pixels are centred on whole numbers."""
    x0, y0, x1, y1 = box - 0.5
    return Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, color=colour, linewidth=2)


def owned(image: Array, boxes: Array) -> Array:
    """Lay the colour of each pixel's owner over an image, the later box over the earlier."""
    found = image.copy()
    for (x0, y0, x1, y1), colour in zip(boxes, COLOURS, strict=True):
        tint = DEPTH * np.reshape(to_rgb(colour), (3, 1, 1))
        found[0, :, y0:y1, x0:x1] = (1 - DEPTH) * image[0, :, y0:y1, x0:x1] + tint
    return found


if __name__ == "__main__":
    main()
