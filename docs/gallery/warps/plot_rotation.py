"""
A rotation in three modes
=========================

A test chart is turned by 15 degrees, 24 times in a row, and so comes back to where it was. What
is lost on the way is what interpolation costs. :func:`~fastsample.affine_sample` reads the image
through a matrix.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastsample as fs

# %%
# A chart with detail of every size: a star whose rays come closer together towards its centre.

SIZE = 240
y, x = (np.indices((SIZE, SIZE)) - (SIZE - 1) / 2).astype(np.float32)
radius, angle = np.hypot(x, y), np.arctan2(y, x)
star = 0.5 + 0.5 * np.sin(24 * angle) * np.clip((radius - 6) / 10, 0, 1)
chart = np.where(radius < 0.42 * SIZE, star, 1).astype(np.float32)[None, None]  # (N, C, H, W)

# %%
# The matrix leads from the result's pixels to the image's. The image is square, so a plain
# rotation matrix will do; for other shapes see :doc:`/start/recipes`.

cos, sin = np.cos(np.radians(15)), np.sin(np.radians(15))
theta = np.array([[[cos, -sin, 0], [sin, cos, 0]]], np.float32)


def turned_round(mode):
    """The chart after 24 turns by 15 degrees."""
    image = chart
    for _ in range(24):
        image = fs.affine_sample(image, theta, (SIZE, SIZE), mode, "border")
    return image


results = {mode: turned_round(mode) for mode in ("nearest", "bilinear", "bicubic")}

# %%
# ``nearest`` keeps every grey value, but in the wrong places; ``bilinear`` blurs; ``bicubic``
# blurs least.

figure, panels = plt.subplots(1, 4, figsize=(9, 2.7), layout="constrained")
for panel, (title, image) in zip(panels, {"chart": chart, **results}.items(), strict=True):
    panel.imshow(image[0, 0], "gray", vmin=0, vmax=1)
    panel.set(xticks=[], yticks=[], title=title)
plt.show()
