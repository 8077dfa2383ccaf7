"""
A mask refined at points
========================

A segmentation network's masks are coarse, and only their outlines need more detail. PointRend
refines a mask from coarse to fine, and works only where it is uncertain. The mask is doubled in
size; the points where it is nearest to a half are decided again, from features read at just these
points; and so on.

:func:`fastsample.point_sample` reads the features: few points, where they matter, instead of
whole maps. :doc:`/guide/points` has its conventions and pitfalls.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageFilter

import fastsample as fs

file = Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg")
photo = file.crop((0, 344, 512, 600))  # 256 rows, 512 columns

# %%
# Scores and a coarse mask
# ------------------------
#
# There is no network here. Instead, a score says how dark a pixel is, 1 on the uniform and 0
# elsewhere; the coarse mask is made of its means, over squares of 16 × 16 pixels.

smooth = photo.filter(ImageFilter.GaussianBlur(1))
grey = np.asarray(smooth, np.float32).mean(-1) / 255
fine = 1 / (1 + np.exp(25 * (grey - 0.27)))[None, None]  # (N, C, H, W)
coarse = fine.reshape(1, 1, 16, 16, 32, 16).mean((3, 5))  # (1, 1, 16, 32)

# %%
# Doubling
# --------
#
# To double a mask is to sample it with the identity, at twice as many places along both axes.
# Doing only this, four times, is the usual way: a stretched mask with soft outlines.

IDENTITY = np.eye(2, 3, dtype=np.float32)[None]


def doubled(masks):
    """Masks of twice the height and width, bilinear."""
    height, width = masks.shape[2:]
    size = 2 * height, 2 * width
    return fs.affine_sample(masks, IDENTITY, size, padding_mode="border")


stretched = coarse
for _ in range(4):
    stretched = doubled(stretched)

# %%
# Rendering
# ---------
#
# Points are (x, y) from 0 to 1, and the middle of pixel i of S is at (i + ½) / S. So they fit maps
# of any resolution: chosen on a small mask, they read the fine map as they are. A network would
# find new scores from the features at those points; here the fine map holds them.


def most_uncertain(scores, count):
    """Indices (N, count) of those of (N, 1, P) nearest to a half."""
    return np.argpartition(np.abs(scores[:, 0] - 0.5), count)[:, :count]


def centres(indices, height, width):
    """The points (N, P, 2) in the middle of these pixels, x first."""
    y, x = np.divmod(indices, width)
    points = np.stack([(x + 0.5) / width, (y + 0.5) / height], axis=-1)
    return points.astype(np.float32)


mask, steps = coarse, []
for _ in range(4):
    mask = doubled(mask)
    height, width = mask.shape[2:]
    scores = mask.reshape(1, 1, -1)  # no copy: the same memory
    chosen = most_uncertain(scores, min(1600, scores.shape[2] // 4))
    points = centres(chosen, height, width)
    scores[0, :, chosen[0]] = fs.point_sample(fine, points)[0].T
    steps.append((mask, points))

# %%
# With fewer points than a twentieth of the pixels, at most a twentieth of the stretched mask's
# errors remain.

read = np.concatenate([points for _, points in steps], axis=1)
truth = fine > 0.5
wrong_before = np.sum((stretched > 0.5) != truth)
wrong = np.sum((mask > 0.5) != truth)
print(f"{read.shape[1]} points read, for {fine.size} pixels")
print(f"wrong pixels: {wrong_before} stretched, {wrong} rendered")

assert mask.shape == stretched.shape == fine.shape
assert read.shape[1] < fine.size / 20
assert wrong < wrong_before / 20

# %%
# Away from the points the mask stays coarse, which a threshold of a half does not show.


def show_mask(panel, mask, title):
    """A mask (1, 1, H, W), stretched over the photograph's axes."""
    options = {"cmap": "gray", "vmin": 0, "vmax": 1, "extent": EXTENT}
    panel.imshow(mask[0, 0], interpolation="none", **options)
    panel.set(xticks=[], yticks=[], title=title)


def show_points(panel, points, size):
    """Dots where points (1, P, 2) lie."""
    x, y = points[0].T * [[512], [256]]
    panel.scatter(x, y, size, color="#d55e00", linewidths=0)


EXTENT = 0, 512, 256, 0  # left, right, bottom, top
figure, panels = plt.subplots(3, 2, figsize=(9, 7.7), layout="constrained")
panels[0, 0].imshow(photo, extent=EXTENT)
panels[0, 0].set(xticks=[], yticks=[], title="photograph")
show_mask(panels[0, 1], coarse, "coarse mask, 16 × 32")
show_mask(panels[1, 0], stretched, "stretched to 256 × 512")
show_mask(panels[1, 1], stretched, "all points that were read")
show_points(panels[1, 1], read, 1.5)
show_mask(panels[2, 0], mask, "rendered by points")
show_mask(panels[2, 1], fine, "the fine map itself")
plt.show()

# %%
# Step by step, about the name plate: the mask after each step, and the points read in it, in the
# whole image 512 and then 1600 each time. First they lie all about the plate, at last along its
# outline.

# sphinx_gallery_thumbnail_number = 2
figure, panels = plt.subplots(2, 2, figsize=(9, 6.2), layout="constrained")
for i, (mask, points) in enumerate(steps):
    show_mask(panels.flat[i], mask, "{} × {}".format(*mask.shape[2:]))
    show_points(panels.flat[i], points, 60 / 2**i)
    panels.flat[i].set(xlim=(60, 190), ylim=(190, 110))
plt.show()
