"""
Image, mask and boxes under one map
===================================

A detector's loader has an image, a mask of labels and a box around each object, and all of them
must move alike. Here one random matrix and one random elastic field do that for each image:
:func:`~fastsample.elastic_sample` samples images and masks of different sizes into one batch, and
:func:`~fastsample.transform_points` moves the boxes.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

import fastsample as fs

SIZES = (300, 420), (360, 260), (240, 340)
OUT = 224, 224
rng = np.random.default_rng(4)

# %%
# Images of discs
# ---------------
# Each image has a size of its own. Its mask says which pixel is of which disc, 0 for none; a box is
# x0, y0, x1, y1 in pixels.


def scene(height, width):
    """An image (H, W, 3) of bytes with its mask (H, W, 1) and its boxes (4, 4)."""
    y, x = np.mgrid[:height, :width]
    checks = (x // 20 + y // 20) % 2
    image = (np.stack([150 + 40 * checks, 160 + 40 * checks, 190 + 30 * checks], -1)).astype(
        np.uint8
    )
    mask, boxes = np.zeros((height, width, 1), np.uint8), []
    for label in range(1, 5):
        radius = rng.uniform(0.08, 0.13) * min(height, width)
        cx = width * (0.3 if label % 2 else 0.7) + rng.uniform(-10, 10)
        cy = height * (0.3 if label < 3 else 0.7) + rng.uniform(-10, 10)
        inside = np.hypot(x - cx, y - cy) <= radius
        image[inside], mask[inside] = rng.integers(0, 256, 3), label
        boxes.append((cx - radius, cy - radius, cx + radius, cy + radius))
    return image, mask, np.array(boxes)


images, masks, boxes = zip(*(scene(*size) for size in SIZES), strict=True)

# %%
# One map an image
# ----------------
# Matrices of a list lead from the *output's* pixels to the image's: about the middle of both, with
# a turn, a scale that fits the shorter side, and a flip. The field has displacements in the image's
# pixels at 5 by 5 knots.


def random_theta(height, width):
    """The matrix (2, 3) of a turn, a scale and a flip."""
    angle, scale = np.radians(rng.uniform(-25, 25)), min(height, width) / OUT[0]
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) @ np.diag([rng.choice([-1, 1]), 1])
    middle, centre = np.array([width - 1, height - 1]) / 2, np.array([OUT[1] - 1, OUT[0] - 1]) / 2
    return np.column_stack([turn, middle - turn @ centre])


theta = np.array([random_theta(*size) for size in SIZES], np.float32)
control = rng.normal(0, 14, (len(SIZES), 2, 5, 5)).astype(np.float32)

# %%
# A batch
# -------
# Images are interpolated, labels are copied; both calls read the same places.

batch = fs.elastic_sample(
    images, control, OUT, theta, padding_mode="reflection", channels_last=True
)
labels = fs.elastic_sample(masks, control, OUT, theta, "nearest", channels_last=True)
assert batch.shape == (3, *OUT, 3)
assert labels.dtype == np.uint8

# %%
# Boxes
# -----
# A box stays no box under such a map. Points along its outline are moved instead, and the new box
# spans where they land. ``transform_points`` inverts the map that sampling reads through.

along, still = np.linspace(0, 1, 9), np.zeros(9)
outline = np.concatenate(
    [
        np.stack(side, -1)
        for side in ((along, still), (along, still + 1), (still, along), (still + 1, along))
    ]
)


def moved(boxes):
    """Boxes (N, K, 4) of the images as boxes of the outputs."""
    low, high = boxes[..., None, :2], boxes[..., None, 2:]
    points = (low + outline * (high - low)).reshape(len(boxes), -1, 2)
    landed = fs.transform_points(points, (control, theta), OUT)
    landed = landed.reshape(len(boxes), -1, len(outline), 2)
    return np.concatenate([np.nanmin(landed, 2), np.nanmax(landed, 2)], -1)


found = moved(np.array(boxes))

# %%
# The new boxes hold what the masks say, and little more.

for n in range(len(SIZES)):
    for label, (x0, y0, x1, y1) in enumerate(found[n], 1):
        y, x = np.nonzero(labels[n, ..., 0] == label)
        assert x.size == 0 or (x0 - 1 < x.min() and x.max() < x1 + 1)
        assert y.size == 0 or (y0 - 1 < y.min() and y.max() < y1 + 1)

figure, axes = plt.subplots(2, 3, figsize=(7.5, 5), layout="constrained")
for n in range(3):
    pairs = (axes[0, n], images[n], masks[n], boxes[n]), (axes[1, n], batch[n], labels[n], found[n])
    for panel, image, mask, corners in pairs:
        panel.imshow(image)
        panel.contour(mask[..., 0], np.arange(4) + 0.5, colors="black", linewidths=0.7)
        for x0, y0, x1, y1 in corners:
            panel.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec="#d55e00"))
        panel.set(xticks=[], yticks=[])
plt.show()
