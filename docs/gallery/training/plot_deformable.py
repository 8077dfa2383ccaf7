"""
Taps moved onto arcs
====================

In a deformable convolution every tap is moved by an offset of its own at every point. Usually a
network computes the offsets; those here are easy to follow. A kernel of one row and nine taps,
whose taps are moved from the row onto an arc around the face, smears the photograph as if it had
been spun. The conventions are on the page :doc:`/guide/deformable`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image

import fastsample as fs

file = Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg").convert("RGB")
planes = np.moveaxis(np.asarray(file, np.float32) / 255, -1, 0)
photo = np.ascontiguousarray(planes[None])  # (N, C, H, W)
height, width = photo.shape[2:]

# %%
# Offsets
# -------
#
# The lattice is where a plain kernel's taps lie: the point itself and four pixels to each side.
# The targets are the point turned about the centre by up to eight degrees each way; the tap in
# the middle stays where it is. An offset leads from the lattice to the target, in pixels, y
# before x.

TAPS = 9
CENTRE = np.array([218, 264])  # y, x: between the eyes and the mouth
y_x = np.stack(np.indices((height, width)))


def on_the_arc(degrees):
    """The place (y, x) that each pixel comes to when it is turned about the centre."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    y, x = y_x - CENTRE[:, None, None]
    return np.stack([y * cos + x * sin, x * cos - y * sin]) + CENTRE[:, None, None]


lattice = np.stack([y_x + np.reshape([0, k - TAPS // 2], (2, 1, 1)) for k in range(TAPS)])
targets = np.stack([on_the_arc(angle) for angle in np.linspace(-8, 8, TAPS)])
assert np.allclose(targets[TAPS // 2], y_x)

offset = (targets - lattice).reshape(1, 2 * TAPS, height, width).astype(np.float32)

# %%
# The mean of what the taps read
# ------------------------------
#
# All weights are one ninth. The weight's second axis has length 1, so each of the photograph's 3
# channels is a group of its own.

weight = np.full((3, 1, 1, TAPS), 1 / TAPS, np.float32)
spun = fs.deform_conv2d(photo, offset, weight, padding=(0, TAPS // 2))
assert spun.shape == photo.shape

# %%
# Nine grids give the same. Grids are (x, y), so the targets are reversed.

grids = np.moveaxis(targets[:, ::-1], 1, -1).astype(np.float32)  # (taps, H, W, (x, y))
assert np.allclose(spun, fs.grid_sample(photo, grids, coordinates="pixel").mean(0), atol=1e-4)

# %%
# The picture
# -----------
#
# On the left one point, just above the glasses, and its nine offsets as arrows. In the middle the
# taps of several points: the farther out, the longer the arc. Outside the photograph the taps read
# zeros, hence the dark rim.

POINT = 170, 200
POINTS = (60, 130), (60, 400), (190, 60), POINT, (290, 330), (330, 130), (420, 450), (500, 260)


def show(panel, image, title):
    """Draw an image (C, H, W) without ticks."""
    panel.imshow(np.clip(np.moveaxis(image, 0, -1), 0, 1))
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, fontsize=10)


def dots(panel, taps, y, x, colour, size):
    """Draw where the taps (taps, (y, x), H, W) of one point lie."""
    rows, columns = taps[:, :, y, x].T
    panel.scatter(columns, rows, s=size, color=colour, edgecolors="black", linewidths=0.5, zorder=3)
    return columns, rows


figure, panels = plt.subplots(1, 3, figsize=(7.5, 3.3), layout="constrained")
show(panels[0], photo[0], "one point's taps, and offsets")
from_x, from_y = dots(panels[0], lattice, *POINT, "white", 30)
to_x, to_y = dots(panels[0], targets, *POINT, "#f0e442", 50)
arrows = from_x, from_y, to_x - from_x, to_y - from_y
panels[0].quiver(*arrows, angles="xy", scale_units="xy", scale=1, color="white")
panels[0].set(xlim=(POINT[1] - 14, POINT[1] + 14), ylim=(POINT[0] + 16.5, POINT[0] - 16.5))
show(panels[1], photo[0], "moved onto arcs")
for point in POINTS:
    dots(panels[1], targets, *point, "#f0e442", 14)
show(panels[2], spun[0], "the mean of what they read")
plt.show()
