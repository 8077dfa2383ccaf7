"""
Features carried along a flow
=============================

Video networks find the optical flow between two frames and carry features over from the first.
Deep Feature Flow runs its large network on key frames only; for each frame in between, a small
network finds the flow, and the key frame's features are warped by it. Accel then corrects the
warped features with features of the frame itself.

The warp is :func:`fastsample.flow_warp`: an image or a feature map is read at displacements in
pixels, one for each pixel. :doc:`/guide/flow` has its conventions and pitfalls.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image

import fastsample as fs

file = Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg")
planes = np.moveaxis(np.asarray(file, np.float32) / 255, -1, 0)
key = np.ascontiguousarray(planes[None])  # (N, C, H, W), the key frame
height, width = key.shape[2:]

# %%
# Two frames
# ----------
#
# There is no network here. The second frame is made by a flow, so the flow is known: the face
# leans to one side, and the camera turns a little. A flow is (N, 2, H, W), a map of dx and a map
# of dy, and says where to read: the result at (y, x) is the input at (y + dy, x + dx). The
# content moves the other way, so the face, with its positive dx, moves to the left.

y, x = np.indices((height, width), np.float32)
FACE = 262, 226  # x, y
squared = (x - FACE[0]) ** 2 + (y - FACE[1]) ** 2
near = np.exp(-squared / (2 * 90**2))
dx = 48 * near - 0.08 * (y - 300)
dy = 0.08 * (x - 256) - 16 * near
flow = np.stack([dx, dy])[None]

current = fs.flow_warp(key, flow, "bicubic", "border")

# %%
# Features
# --------
#
# In place of a network's features: how steep the image is along each of three directions, as means
# of 8 × 8 pixels. These are features of stride 8, an eighth of the frame high and wide.

STRIDE = 8


def pooled(planes):
    """Means of 8 x 8 pixels of planes (N, C, H, W)."""
    n, c, _, columns = planes.shape
    blocks = planes.reshape(n, c, -1, STRIDE, columns // STRIDE, STRIDE)
    return blocks.mean((3, 5))


def features_of(frame):
    """The slope along three directions, (1, 3, H / 8, W / 8)."""
    down, right = np.gradient(frame.mean(1), axis=(1, 2))
    angles = np.radians([[[0]], [[60]], [[120]]]).astype(np.float32)
    slopes = np.cos(angles) * right[:, None] + np.sin(angles) * down[:, None]
    return pooled(np.abs(slopes))


key_features, anew = features_of(key), features_of(current)

# %%
# Brought to the current frame
# ----------------------------
#
# A flow has the size **and the unit** of what it warps. At the features' size its values are
# divided by the stride as well: one of their pixels is eight of the frame's.

small_flow = pooled(flow) / STRIDE
brought = fs.flow_warp(key_features, small_flow, padding_mode="border")


def distance(one, other):
    """The mean absolute difference."""
    return np.abs(one - other).mean()


# %%
# The carried features are much nearer to those of the current frame than the key frame's are
# without warping. A flow in the wrong direction is not an error, but worse than no flow.

astray = fs.flow_warp(key_features, -small_flow, padding_mode="border")
print(f"brought {distance(brought, anew):.4f}")
print(f"left    {distance(key_features, anew):.4f}")
print(f"astray  {distance(astray, anew):.4f}")

assert distance(brought, anew) < distance(key_features, anew) / 2
assert distance(astray, anew) > distance(key_features, anew)

# %%
# The arrows are some of the displacements in their own length, each from a pixel to the place
# that it reads; the darker the blue, the further off. Red, green and blue are the features' three
# directions. The carried features are a little softer, since they were interpolated once more.


def show(panel, image, title):
    """An image (1, 3, H, W) without ticks."""
    panel.imshow(np.moveaxis(image[0], 0, -1).clip(0, 1))
    panel.set(xticks=[], yticks=[], title=title)


def show_flow(panel, flow):
    """How far off each pixel reads, as a shade, and some arrows."""
    lengths = np.hypot(*flow[0])
    panel.imshow(lengths, cmap="Blues")
    rows, columns = np.mgrid[25:height:50, 25:width:50]
    dx, dy = flow[0][:, rows, columns]
    own_length = {"angles": "xy", "scale_units": "xy", "scale": 1}
    panel.quiver(columns, rows, dx, dy, **own_length)
    title = f"the flow, up to {lengths.max():.0f} pixels long"
    panel.set(xticks=[], yticks=[], title=title)


figure, panels = plt.subplots(2, 3, figsize=(8.4, 7), layout="constrained")
show(panels[0, 0], key, "key frame")
show_flow(panels[0, 1], flow)
show(panels[0, 2], current, "current frame")
show(panels[1, 0], 8 * key_features, "the key frame's features")
show(panels[1, 1], 8 * brought, "brought to the current frame")
show(panels[1, 2], 8 * anew, "found anew")
plt.show()
