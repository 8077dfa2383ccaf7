"""
A lens, and a circle unrolled
=============================

:func:`fastsample.remap` takes, for each pixel of the result, the column and the row to read. Here
it distorts a photograph as a lens does, undoes the distortion, then unrolls a circle into a strip
and rolls it up again. The conventions are on the page :doc:`/guide/maps`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image

import fastsample as fs

file = Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg")
photo = np.asarray(file.convert("RGB"))  # (H, W, C), bytes
height, width = photo.shape[:2]
x, y = np.meshgrid(np.arange(width), np.arange(height))


def show(panel, image, title):
    """Draw an image (H, W, C) without ticks."""
    panel.imshow(image)
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, fontsize=10)


# %%
# A lens
# ------
#
# A lens moves a point towards the centre or away from it, the more the farther out it is. With r
# the distance from the centre, in halves of the diagonal, the model that OpenCV's calibration finds
# is a factor 1 + K r² + …, from where a point should be to where the lens puts it. (OpenCV measures
# r in focal lengths, so that its K is another number.)

CENTRE = np.array([width - 1, height - 1]) / 2  # x, y
HALF = np.hypot(*CENTRE)
K = -0.14  # a barrel


def distance(x, y):
    return np.hypot(x - CENTRE[0], y - CENTRE[1]) / HALF


def stretched(x, y, factor):
    return CENTRE[0] + factor * (x - CENTRE[0]), CENTRE[1] + factor * (y - CENTRE[1])


def through_lens(x, y):
    """The pixels (x, y) where the lens puts what should be at these."""
    return stretched(x, y, 1 + K * distance(x, y) ** 2)


def before_lens(x, y):
    """The inverse: the root r of r (1 + K r²) = s, by Newton's steps."""
    s = distance(x, y)
    r = s.copy()
    for _ in range(20):
        r -= (r + K * r**3 - s) / (1 + 3 * K * r**2)
    return stretched(x, y, r / np.maximum(s, 1e-9))


assert np.allclose(through_lens(*before_lens(x, y)), (x, y))

# %%
# A map says where the result *reads*. To simulate the lens, a pixel reads where its light would
# have been without the lens, which takes the model's inverse. To undo the lens, a pixel reads
# where the lens has put it, which is the model itself.

seen = fs.remap(photo, *before_lens(x, y))
undone = fs.remap(seen, *through_lens(x, y))

# %%
# The photograph comes back, apart from the loss of two interpolations. Bytes stay bytes.

assert undone.dtype == np.uint8
middle = np.s_[100:-100, 100:-100]
apart = np.abs(undone[middle].astype(int) - photo[middle])
assert np.median(apart) <= 2

# %%
# The lens bends straight lines, and undoing it straightens them.

rows = np.linspace(25, height - 25, 8, dtype=int)
columns = np.linspace(20, width - 20, 7, dtype=int)
straight = [(x[i], y[i]) for i in rows] + [(x[:, i], y[:, i]) for i in columns]
bent = [through_lens(*line) for line in straight]

figure, panels = plt.subplots(1, 3, figsize=(7.5, 3.3), layout="constrained")
titles = "photograph", "as a lens sees it", "undone"
for panel, image, title in zip(panels, (photo, seen, undone), titles, strict=True):
    show(panel, image, title)
    for line in bent if image is seen else straight:
        panel.plot(*line, color="white", linewidth=0.8)
plt.show()

# %%
# A circle unrolled
# -----------------
#
# Maps need not have the image's shape. Angles along one axis and radii along the other unroll a
# disc, here the cap's badge, from the top and clockwise.

BADGE, RADIUS, ANGLES = (257, 56), 56, 360  # x, y
angles = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
radii = np.arange(RADIUS)[:, None]
polar = BADGE[0] + radii * np.sin(angles), BADGE[1] - radii * np.cos(angles)

unrolled = fs.remap(photo, *polar)
assert unrolled.shape == (RADIUS, ANGLES, 3)

# %%
# To roll it up again, each pixel looks for its radius and angle. The last angle is next to the
# first, which "wrap" handles.

turn = np.arctan2(x - BADGE[0], BADGE[1] - y) / (2 * np.pi) % 1 * ANGLES
radius = np.hypot(x - BADGE[0], y - BADGE[1])
rolled = fs.remap(unrolled, turn, np.minimum(radius, RADIUS - 1), padding_mode="wrap")

near = (radius > 9) & (radius < RADIUS - 1)
assert np.median(np.abs(rolled[near].astype(int) - photo[near])) <= 4

# %%
# Outside the circle the strip's last radius is repeated.

# sphinx_gallery_thumbnail_number = 2
figure, panels = plt.subplot_mosaic(
    "ab;cc", figsize=(7.5, 4.2), height_ratios=[2.1, 1], layout="constrained"
)
show(panels["a"], photo, "a circle")
panels["a"].add_patch(plt.Circle(BADGE, RADIUS, fill=False, color="#f0e442", linewidth=2))
show(panels["b"], rolled, "rolled up again")
show(panels["c"], unrolled, "unrolled")
for name in "ab":
    panels[name].set(xlim=(117, 397), ylim=(180, 0))
plt.show()
