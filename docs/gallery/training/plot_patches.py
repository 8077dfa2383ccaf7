"""
Patches turned in place
=======================

:func:`fastsample.patch_affine` cuts the box of each object out of its image, warps its content by
the object's own matrix, and puts it back, for all objects in one call. Here four parts of one
photograph are turned. The conventions are on the page :doc:`/guide/patches`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image

import fastsample as fs

file = Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg").convert("RGB")
planes = np.moveaxis(np.asarray(file, np.float32) / 255, -1, 0)
photo = np.ascontiguousarray(planes[None])  # (N, C, H, W)

# %%
# A box is x0, y0, x1, y1 in whole pixels, and ends before x1 and y1. The cap's and the face's
# overlap.

names = "cap", "face", "name tag", "ribbons"
boxes = np.array(
    [
        [142, 14, 378, 150],
        [158, 122, 372, 340],
        [72, 478, 174, 522],
        [290, 464, 512, 548],
    ]
)
box_to_image = np.zeros(4, int)  # all in the first image, and only one is there

# %%
# A matrix for each box
# ---------------------
#
# A matrix works on coordinates that run from -1 to 1 across its box, whatever the box's shape. A
# plain rotation matrix would shear the content of a long box, so it is placed between a
# conversion to pixels and one back. theta takes the *result's* coordinates to the original's: to
# turn an object one way, turn theta the other way.


def turn(degrees, box):
    """The matrix (2, 3) that turns what a box shows clockwise."""
    x0, y0, x1, y1 = box
    to_pixels = np.diag([(x1 - x0) / 2, (y1 - y0) / 2])
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = np.linalg.inv(to_pixels) @ [[cos, sin], [-sin, cos]] @ to_pixels
    return np.column_stack([turned, [0, 0]])


angles = 180, 25, 180, -8
theta = np.stack([turn(*each) for each in zip(angles, boxes, strict=True)]).astype(np.float32)
result = fs.patch_affine(photo, theta, boxes, box_to_image, padding_mode="border")

# %%
# Half a turn is the box backwards:

x0, y0, x1, y1 = boxes[names.index("name tag")]
tag, turned = (images[0, :, y0:y1, x0:x1] for images in (photo, result))
assert np.allclose(turned, tag[:, ::-1, ::-1], atol=1e-4)

# %%
# Where boxes overlap
# -------------------
#
# Each box reads the *original* image, so no object sees another one's patch, and where boxes
# overlap the later object wins. The face comes after the cap: its box is as if the cap's were not
# there.

one = slice(1, 2)
alone = fs.patch_affine(photo, theta[one], boxes[one], box_to_image[one], padding_mode="border")
x0, y0, x1, y1 = boxes[names.index("face")]
assert np.array_equal(result[..., y0:y1, x0:x1], alone[..., y0:y1, x0:x1])

# %%
# The picture
# -----------
#
# The face's corners lie outside its box before the turn; "border" repeats the box's outer pixels
# there, although the photograph continues.

COLOURS = "#f0e442", "#d55e00", "#56b4e9", "#cc79a7"


def show(panel, image, title):
    """Draw an image (C, H, W) without ticks."""
    panel.imshow(np.clip(np.moveaxis(image, 0, -1), 0, 1))
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, fontsize=10)


def lay(panel, box, name, colour, **options):
    """Lay a box over a panel, with its name; a pixel reaches half a pixel to each side."""
    x0, y0, x1, y1 = box
    panel.add_patch(plt.Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, **options))
    label = {"boxstyle": "square,pad=0.1", "facecolor": colour, "edgecolor": "none"}
    panel.text(x0 + 2, y1 + 6, name, fontsize=7, va="top", bbox=label)


figure, panels = plt.subplots(1, 3, figsize=(7.5, 3.3), layout="constrained")
show(panels[0], photo[0], "boxes")
show(panels[1], result[0], "what they show, turned")
show(panels[2], result[0], "which box each pixel is from")
for box, name, colour in zip(boxes, names, COLOURS, strict=True):
    lay(panels[0], box, name, colour, fill=False, edgecolor=colour, linewidth=2)
    lay(panels[2], box, name, colour, facecolor=colour, alpha=0.7)
plt.show()
