"""
A swirl
=======

Any map from points of the result to points of the image is a warp. Here it is given in pixels, as
two arrays, one of columns and one of rows, as in OpenCV: :func:`~fastsample.remap`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image

import fastsample as fs

photo = np.asarray(Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg"))

# %%
# The nearer a point is to the centre, the further it is turned before it is read.

height, width = photo.shape[:2]
y, x = np.mgrid[:height, :width].astype(np.float32)
dx, dy = x - 262, y - 226
turn = 1.8 * np.exp(-np.hypot(dx, dy) / 110)
map_x = 262 + np.cos(turn) * dx - np.sin(turn) * dy
map_y = 226 + np.sin(turn) * dx + np.cos(turn) * dy

swirled = fs.remap(photo, map_x, map_y, "bicubic", "reflection")

# %%
# Bytes in, bytes out, rounded and saturated; the channels are last, as Pillow has them.

figure, axes = plt.subplots(1, 2, figsize=(8, 4.8), layout="constrained")
for panel, image, title in zip(axes, (photo, swirled), ("photograph", "swirled"), strict=True):
    panel.imshow(image)
    panel.set(xticks=[], yticks=[], title=title)
plt.show()
