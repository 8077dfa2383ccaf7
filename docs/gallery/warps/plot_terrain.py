"""
Terrain seen from the side
==========================

An elevation model is an image of heights. Two calls show it in other ways:
:func:`~fastsample.remap` reads the heights along a line, and
:func:`~fastsample.perspective_sample` tilts the map.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from matplotlib.colors import LightSource

import fastsample as fs

with np.load(f"{get_data_path()}/sample_data/jacksboro_fault_dem.npz") as file:
    heights = file["elevation"].astype(np.float32)  # (344, 403), metres
height, width = heights.shape
shaded = LightSource(azdeg=315, altdeg=45).shade(heights, plt.cm.gist_earth, vert_exag=0.05)
shaded = shaded[..., :3].astype(np.float32)  # (H, W, C)

# %%
# A profile
# ---------
# 500 points between two places. Maps are in pixels, x (the column) first, and may have any shape:
# here a line.

start, end = (20, 330), (390, 40)  # x, y
x, y = np.linspace(start, end, 500, dtype=np.float32).T
profile = fs.remap(heights, x, y, "bicubic")
assert profile.shape == (500,)

# %%
# A tilt
# ------
# A homography leads from the result's pixels (x, y, 1) to the map's; dividing by w makes rows
# near the top, which are far away, shrink. Where w is not positive nothing can be seen, and
# ``fill_value`` is read.

# Four pairs of points determine it: the corners of the map, and where they are to be seen.

SIZE = 260, 560  # height, width of the result
seen = np.array([[0, 259], [559, 259], [400, 30], [160, 30]])  # x, y
corners = np.array([[0, height - 1], [width - 1, height - 1], [width - 1, 0], [0, 0]])
rows = [
    row
    for (p, q), (u, v) in zip(seen, corners, strict=True)
    for row in ([p, q, 1, 0, 0, 0, -u * p, -u * q], [0, 0, 0, p, q, 1, -v * p, -v * q])
]
homography = np.append(np.linalg.solve(rows, corners.ravel()), 1).reshape(3, 3)
tilted = fs.perspective_sample(
    shaded[None],
    homography[None].astype(np.float32),
    SIZE,
    padding_mode="constant",
    fill_value=(0.75, 0.85, 0.95),
    channels_last=True,
)[0]

# %%
# The map with the line, the heights along it, and the map tilted.

figure = plt.figure(figsize=(9, 4.6), layout="constrained")
panels = figure.subplot_mosaic([["map", "tilted"], ["map", "profile"]], height_ratios=[1.4, 1])
panels["map"].imshow(shaded)
panels["map"].plot(x, y, "r-", lw=1.5)
panels["map"].set_title("map")
panels["tilted"].imshow(np.clip(tilted, 0, 1))
panels["tilted"].set_title("tilted")
panels["profile"].fill_between(np.arange(500), profile, profile.min() - 20, color="0.6")
panels["profile"].set(xticks=[], title="along the line", ylabel="metres", xlim=(0, 499))
for name in "map", "tilted":
    panels[name].set(xticks=[], yticks=[])
plt.show()
