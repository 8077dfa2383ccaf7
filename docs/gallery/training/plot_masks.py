"""
A detector's masks, pasted
==========================

A detector such as Mask R-CNN finds objects as boxes, and for each box a small mask of scores,
usually 28 × 28. The last step is to stretch each mask over its box, in an image of its own, and
to find where it reaches a half. :func:`fastsample.paste_masks` does both; :doc:`/guide/masks` has
its conventions and pitfalls.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from PIL import Image

import fastsample as fs

file = Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg")
photo = np.asarray(file, np.float32) / 255
height, width = photo.shape[:2]

# %%
# Masks and boxes
# ---------------
#
# There is no detector here. In its place: soft round masks, near 1 in the middle and near 0 in the
# corners, over four boxes found by eye. Boxes are x0 y0 x1 y1 in pixels of the image, x along its
# width. They need not lie inside; the last one doesn't.

along = (np.arange(28) + 0.5) / 14 - 1
radius = np.hypot(along, along[:, None])
round_mask = 1 / (1 + np.exp(15 * (radius - 0.85)))
masks = np.tile(round_mask.astype(np.float32), (4, 1, 1))  # (K, h, w)

NAMES = "cap", "face", "name", "ribbons"
boxes = np.array(
    [
        [142, 14, 378, 180],
        [158, 122, 372, 340],
        [72, 478, 174, 522],
        [290, 464, 600, 548],
    ],
    np.float32,
)

# %%
# Pasting
# -------
#
# The result has an image for each object. With a threshold, 0.5 by default, these are boolean;
# without one they are the scores themselves, bilinear between the mask's pixels.

hard = fs.paste_masks(masks, boxes, (height, width))
soft = fs.paste_masks(masks, boxes, (height, width), None)

assert hard.shape == soft.shape == (4, height, width)
assert hard.dtype == bool
assert soft.dtype == np.float32
assert np.array_equal(hard, soft >= 0.5)

# %%
# Objects are independent. The masks of the cap and the face overlap, and a pixel there is in
# both; the caller decides which is in front.

cap, face, name, ribbons = hard
assert (cap & face).any()

# %%
# Outside its box an object has no pixel, and of the ribbons' box only the part inside the image
# is there. The result is indexed like an image, rows first.

x0, y0, x1, y1 = boxes[2].astype(int)
assert name.sum() == name[y0:y1, x0:x1].sum() > 0
assert ribbons[:, -1].any()
for label, mask in zip(NAMES, hard, strict=True):
    print(f"{label:8} {mask.sum():6} pixels")

# %%
# A panel's 0 is the centre of the first pixel and a box's 0 its edge, so that the boxes are drawn
# half a pixel further up and to the left.

COLOURS = "#f0e442", "#cc79a7", "#009e73", "#56b4e9"


def outline(panel, box, name, colour):
    """Draw a box with its name above."""
    x0, y0, x1, y1 = box - 0.5
    line = {"fill": False, "color": colour, "linewidth": 2}
    panel.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, **line))
    label = {"facecolor": colour, "edgecolor": "none", "pad": 2}
    panel.text(x0 + 2, y0, name, fontsize=8, va="bottom", bbox=label)


def tinted(photo, masks):
    """Lay each mask over the photograph in its colour."""
    for mask, colour in zip(masks, COLOURS, strict=True):
        share = 0.65 * mask[..., None]
        photo = photo * (1 - share) + share * np.array(to_rgb(colour))
    return photo


figure, panels = plt.subplots(1, 3, figsize=(9.6, 4.1), layout="constrained")
panels[0].imshow(photo)
for box, label, colour in zip(boxes, NAMES, COLOURS, strict=True):
    outline(panels[0], box, label, colour)
panels[1].imshow(tinted(photo, soft))
panels[2].imshow(tinted(photo, hard))
titles = "boxes", "soft masks", "where they reach a half"
for panel, title in zip(panels, titles, strict=True):
    panel.set(xticks=[], yticks=[], title=title)
plt.show()
