"""
A planet from a flat map
========================

A map of longitude and latitude, wrapped round a sphere. For each pixel of the picture the rule
says where the map is read; :func:`~fastsample.remap` does the rest. The right edge of the map
continues at the left, which is ``padding_mode="wrap"``.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastsample as fs

# %%
# A map made of noise
# -------------------
# Waves in the three coordinates of the unit sphere have no seam. Heights below 0 are sea.

rng = np.random.default_rng(11)
ROWS, COLUMNS = 360, 720  # half a degree a pixel
latitude = np.radians(90 - (np.arange(ROWS)[:, None] + 0.5) / 2)
longitude = np.radians((np.arange(COLUMNS) + 0.5) / 2 - 180)
sphere = np.stack(
    np.broadcast_arrays(
        np.cos(latitude) * np.sin(longitude),
        np.sin(latitude),
        np.cos(latitude) * np.cos(longitude),
    )
)
height = np.zeros((ROWS, COLUMNS))
for size in 2, 3, 5, 8, 13, 21:
    for _ in range(6):
        direction, phase = rng.normal(size=3), rng.uniform(0, 2 * np.pi)
        height += np.sin(size * np.tensordot(direction, sphere, 1) + phase) / size

colours = np.stack([0.15 + 0.3 * height, 0.45 + 0.15 * height, 0.15 + 0.2 * height], axis=-1)
sea = np.array([0.05, 0.2, 0.45]) + 0.04 * height[..., None]
ice = np.abs(np.degrees(latitude))[..., None] > 68 + 8 * height[..., None]
planet = np.where(height[..., None] > 0, colours, sea)
planet = np.where(ice, 0.93, planet).clip(0, 1).astype(np.float32)  # (H, W, C)

# %%
# The globe
# ---------
# A pixel at (x, y) within the circle of radius 1 shows the point (x, y, z) of the sphere that
# faces us. Tilting the axis is a rotation of these points; longitude and latitude are read off,
# and are the map's column and row.

SIZE, TILT = 320, np.radians(23)
x, y = np.meshgrid(np.linspace(-1.05, 1.05, SIZE), np.linspace(1.05, -1.05, SIZE))
inside = x**2 + y**2 < 1
z = np.sqrt(np.where(inside, 1 - x**2 - y**2, 0))
north, ahead = y * np.cos(TILT) + z * np.sin(TILT), z * np.cos(TILT) - y * np.sin(TILT)


def globe(turn):
    """The planet, turned about its axis by some degrees."""
    east = np.degrees(np.arctan2(x, ahead)) + turn
    column = (east + 180) * 2 - 0.5
    row = (90 - np.degrees(np.arcsin(north.clip(-1, 1)))) * 2 - 0.5
    seen = fs.remap(planet, *np.float32([column, row]), "bicubic", "wrap")
    light = (0.35 + 0.65 * z)[..., None]
    return np.where(inside[..., None], (seen * light).clip(0, 1), 0)


figure = plt.figure(figsize=(9, 5.2), layout="constrained")
panels = figure.subplot_mosaic([["map"] * 3, ["0", "120", "240"]])
panels["map"].imshow(planet, extent=(-180, 180, -90, 90))
panels["map"].set(title="map", yticks=(-90, 0, 90), xticks=(-180, 0, 180))
for turn in "0", "120", "240":
    panels[turn].imshow(globe(float(turn)))
    panels[turn].set(xticks=[], yticks=[], title=f"{turn} degrees")
plt.show()
