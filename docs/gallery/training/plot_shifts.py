"""
Five ways to shift
==================

Networks of the S2-MLP and ShiftNet families move groups of channels by a pixel or more, each in
its own direction. :func:`fastsample.region_shift` does that. Papers and their code write it in
five other ways, which are compared here, on small numbers and on a photograph. The conventions
are on the page :doc:`/guide/shifts`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image

import fastsample as fs

file = Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg").convert("RGB")
photo, small = (np.moveaxis(np.asarray(f), -1, 0)[None] for f in (file, file.reduce(4)))


def show(panel, image, title, **options):
    """Draw an image (C, H, W) without ticks; one plane alone is grey."""
    panel.imshow(np.moveaxis(image, 0, -1), cmap="gray", **options)
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, fontsize=10)


# %%
# What moves in from outside
# --------------------------
#
# First all channels alike: 150 pixels down and 120 to the left. A shift is (dy, dx), and positive
# moves the content to larger indices. The padding decides what comes in behind it.

figure, panels = plt.subplots(2, 3, figsize=(7.5, 6.2), layout="constrained")
show(panels[0, 0], photo[0], "photograph")
borders = "border", "zeros", "constant", "reflection", "wrap"
for panel, padding in zip(panels.flat[1:], borders, strict=True):
    fill = 200 if padding == "constant" else 0
    moved = fs.region_shift(photo, [(150, -120)], padding, fill_value=fill)
    show(panel, moved[0], padding)
plt.show()

# %%
# Four groups, four ways
# ----------------------
#
# S2-MLP moves a quarter of the channels down, one up, one right and one left, and the edge keeps
# its value, which is "border". Here are planes of the numbers 0 to 15, moved by one pixel, and four
# channels of a smaller photograph (red, green, blue and red again), moved by twelve.

index = np.tile(np.arange(16), 8).reshape(1, 8, 4, 4)  # two channels a group
colours = small[:, [0, 1, 2, 0]]
cases = (index, 1), (colours, 12)
truth = [fs.region_shift(x, step * fs.shifts.s2_mlp(x.shape[1])) for x, step in cases]

figure, panels = plt.subplots(2, 5, figsize=(7.5, 3.9), layout="constrained")
numbers = [index[0, 0], *truth[0][0, ::2]]
planes = [colours[0, 0], *truth[1][0]]
for i, title in enumerate(("before", "down", "up", "right", "left")):
    show(panels[0, i], numbers[i][None], title, vmin=-20, vmax=15)
    for (y, x), number in np.ndenumerate(numbers[i]):
        panels[0, i].text(x, y, number, ha="center", va="center")
    show(panels[1, i], planes[i][None], title)
plt.show()

# %%
# The five
# --------
#
# **Slice indexing**, a pixel at a time and out of place. In place, ``x[:, :, 1:] = x[:, :,
# :-1]``, each row would be read after it was written in frameworks that do not check for overlap,
# and the first row would smear over the whole image.


def slices(x, step):
    for _ in range(step):
        old, x = np.split(x, 4, axis=1), x.copy()  # edges keep their value
        down, up, right, left = np.split(x, 4, axis=1)  # views
        down[:, :, 1:] = old[0][:, :, :-1]
        up[:, :, :-1] = old[1][:, :, 1:]
        right[..., 1:] = old[2][..., :-1]
        left[..., :-1] = old[3][..., 1:]
    return x


# %%
# **Pad, roll, crop.** The padding is as wide as the longest shift.


def pad(x, step):
    return np.pad(x, [(0, 0), (0, 0), (step, step), (step, step)], "edge")


def pad_roll_crop(x, step):
    table = step * fs.shifts.s2_mlp(x.shape[1])
    wide = pad(x, step)
    rolled = [np.roll(wide[:, c], row, axis=(1, 2)) for c, row in enumerate(table)]
    return np.stack(rolled, axis=1)[..., step:-step, step:-step]


# %%
# **A depthwise convolution** whose kernels hold a single one. What networks call a convolution is
# a correlation: a one to the *left* of the centre reads the left neighbour, and moves the content
# right.


def convolution(x, step):
    dy, dx = step * fs.shifts.s2_mlp(x.shape[1]).T
    size = 2 * step + 1
    kernels = np.zeros((x.shape[1], size, size), int)
    kernels[range(x.shape[1]), step - dy, step - dx] = 1
    windows = np.lib.stride_tricks.sliding_window_view(pad(x, step), (size, size), axis=(2, 3))
    return np.einsum("nchwij,cij->nchw", windows, kernels)


# %%
# **Sampling at clamped coordinates**, the channels as a batch, each with its grid, x before y.


def sampling(x, step):
    table = step * fs.shifts.s2_mlp(x.shape[1])
    height, width = x.shape[2:]
    y_x = np.stack(np.indices((height, width)), axis=-1) - table[:, None, None]  # (C, H, W, 2)
    grid = np.clip(y_x, 0, [height - 1, width - 1])[..., ::-1].astype(np.float32)
    batch = x[0, :, None].astype(np.float32)
    return fs.grid_sample(batch, grid, coordinates="pixel")[None, :, 0]


# %%
# **A deformable convolution** with constant offsets, (dy, dx) that say where to *read*, so the
# table is negated, and an identity as weight. Outside it reads zeros: the edge is padded first.


def deformable(x, step):
    table = step * fs.shifts.s2_mlp(x.shape[1])
    wide = pad(x, step).astype(np.float32)
    offset = np.broadcast_to(-table.reshape(1, -1, 1, 1), (1, table.size, *wide.shape[2:]))
    identity = np.eye(len(table), dtype=np.float32)[..., None, None]  # (Cout, Cin, 1, 1)
    deformed = fs.deform_conv2d(wide, offset.astype(np.float32), identity)
    return deformed[..., step:-step, step:-step]


# %%
# All five give what region_shift gives, to the last bit. Red went down, green up and blue right.

# sphinx_gallery_thumbnail_number = 3
ways = slices, pad_roll_crop, convolution, sampling, deformable
figure, panels = plt.subplots(2, 3, figsize=(7.5, 6.2), layout="constrained")
show(panels[0, 0], truth[1][0, :3], "region_shift")
for panel, way in zip(panels.flat[1:], ways, strict=True):
    for (x, step), moved in zip(cases, truth, strict=True):
        assert np.array_equal(way(x, step), moved)
    show(panel, way(colours, 12)[0, :3].astype(np.uint8), way.__name__)
plt.show()
