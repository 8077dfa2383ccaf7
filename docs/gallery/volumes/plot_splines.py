"""
Splines of a rotated volume
===========================

A stack as from a microscope, few slices of many pixels, rotated with :mod:`fastsample.ndimage`.
The higher the order, the sharper the result, and the farther an edge rings.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastsample import ndimage

# %%
# Bright beads and a thin shell in a volume of 24 slices, blurred along z as by a lens.

rng = np.random.default_rng(3)
z, y, x = np.mgrid[-1:1:24j, -1:1:96j, -1:1:96j]
volume = np.exp(-(((np.sqrt((1.2 * z) ** 2 + y**2 + x**2) - 0.7) / 0.06) ** 2))
for _ in range(60):
    a, b, c = rng.uniform(-0.6, 0.6, 3)
    volume += 1.5 * np.exp(-(((z - a) / 0.09) ** 2 + ((y - b) ** 2 + (x - c) ** 2) / 0.0009))

# %%
# The same turn at four orders, 20 times in a row: each resampling loses a little.

cos, sin = np.cos(np.radians(18)), np.sin(np.radians(18))
turn = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
middle = (np.array(volume.shape) - 1) / 2
figure, axes = plt.subplots(1, 5, figsize=(12, 2.9), layout="constrained")
axes[0].imshow(volume[12], cmap="magma", vmax=1.5)
axes[0].set_title("as it was")
for panel, order in zip(axes[1:], (0, 1, 3, 5), strict=True):
    turned = volume
    for _ in range(20):  # 360 degrees
        turned = ndimage.affine_transform(turned, turn, middle - turn @ middle, order=order)
    panel.imshow(turned[12], cmap="magma", vmax=1.5)
    panel.set_title(f"order {order}")
for panel in axes:
    panel.set(xticks=[], yticks=[])
plt.show()

# %%
# An edge between two pixels, and what lies beyond the last one.

edge = np.repeat([0.0, 1, 0.3], [8, 8, 2])
places = np.linspace(-7, 24, 1500)
figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 5.5), layout="constrained")
for order in 0, 1, 3, 5:
    top.plot(places, ndimage.map_coordinates(edge, [places], order=order, mode="nearest"))
top.legend([f"order {order}" for order in (0, 1, 3, 5)], loc="lower left", ncols=4)
for step, mode in enumerate(("constant", "grid-constant", "nearest", "mirror", "reflect", "wrap")):
    line = ndimage.map_coordinates(edge, [places], mode=mode) - 1.6 * step
    bottom.plot(places, line, label=mode)
bottom.legend(loc="upper left", bbox_to_anchor=(1, 1))
bottom.axvspan(0, len(edge) - 1, color="0.93")
bottom.set(yticks=[])
plt.show()
