"""
Find a flow
===========

Given two frames, find the flow between them: how far from each pixel of the first the second
shows the same. :func:`~fastsample.flow_warp` brings the second frame back along a flow, and the
gradient of the flow says how to bend it so that the frames fit better. For small motions this
needs no network; networks that learn without labels use the same gradient.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image
from scipy.ndimage import laplace

import fastsample as fs

rng = np.random.default_rng(0)
IDENTITY = np.eye(2, 3, dtype=np.float32)[None]


def resized(images, size):
    """Images sampled with the identity; at half the size, the means of 2 x 2 pixels."""
    return fs.affine_sample(images, IDENTITY, size, padding_mode="border")


photo = np.asarray(Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg"), np.float32) / 255
second = resized(np.moveaxis(photo, -1, 0)[None], (300, 256))  # (1, 3, 300, 256)

# %%
# The frames
# ----------
# The true flow is a swirl and a shift, together about five pixels at most. A flow (1, 2, H, W)
# holds dx and dy, and says where to read: the first frame at (y, x) is the second at (y + dy, x +
# dx), which is the convention of :doc:`/guide/flow`. The first frame is bicubic and noisy, while
# the search is bilinear, so the search does not just invert it.

y, x = np.mgrid[-1:1:300j, -1:1:256j].astype(np.float32)
swirl = 10 * np.exp(-2 * (x**2 + y**2))
true_flow = np.stack([2 - swirl * y, swirl * x - 1])[None]

first = fs.flow_warp(second, true_flow, "bicubic", "border")
first += rng.normal(0, 0.01, first.shape).astype(np.float32)

# %%
# The descent
# -----------
# The loss is half the squared difference of the frames, plus ``SMOOTH`` / 2 times the squared
# differences of neighbours in the flow. The second part carries the flow across areas without
# detail; its gradient is minus ``SMOOTH`` times the Laplacian.
#
# The more the loss may bend at a pixel, the shorter is the step there; and most of the last step
# is taken again, which is momentum. The gradient of the second frame is not needed:
# ``output_mask`` leaves it out, so it costs nothing.

SMOOTH, ROLL = 0.1, 0.95


def laplacian(flow):
    """How far the four neighbours are off in sum; beyond the edge lies the pixel's equal."""
    return np.stack([laplace(part, mode="nearest") for part in flow[0]])[None]


def steepness(frame):
    """Squared slopes (1, 1, H, W), summed over the channels."""
    down, right = np.gradient(frame, axis=(2, 3))
    return np.sum(down**2 + right**2, axis=1, keepdims=True)


def bend(flow, first, second, steps=70):
    """Descend from a flow."""
    rate = 1 / (steepness(second) + 8 * SMOOTH)
    step = np.zeros_like(flow)
    for _ in range(steps):
        seen, pullback = fs.vjp(fs.flow_warp, second, flow, padding_mode="border")
        _, grad_flow = pullback(seen - first, output_mask=(False, True))
        step = ROLL * step - rate * (grad_flow - SMOOTH * laplacian(flow))
        flow = flow + step
    return flow


# %%
# From coarse to fine
# -------------------
# A motion of five pixels is one of little more than one at a quarter of the size, where slopes
# still lead the right way. From level to level the flow is doubled in size, and in length, too:
# its unit is the pixel, and that has shrunk.

levels = [(first, second)]
for half in (150, 128), (75, 64):
    levels.append(tuple(resized(frame, half) for frame in levels[-1]))

flow = np.zeros((1, 2, 75, 64), np.float32)
for small_first, small_second in reversed(levels):
    flow = 2 * resized(flow, small_first.shape[2:])
    flow = bend(flow, small_first, small_second)

# %%
# The mean distance from the true flow is less than a tenth of what it is without a flow.


def endpoint_error(flow):
    """How far each pixel's displacement is from the true one, (H, W)."""
    return np.sqrt(np.sum((flow - true_flow) ** 2, axis=1))[0]


initial, final = endpoint_error(0).mean(), endpoint_error(flow).mean()
assert final < initial / 10
print(f"mean endpoint error: {initial:.2f} pixels without a flow, {final:.2f} with the one found")

# %%
# Where the frames differ, before and after the second is brought back. What remains is noise, and
# at edges the difference between bilinear and bicubic.

back = fs.flow_warp(second, flow, padding_mode="border")
figure, axes = plt.subplots(1, 3, figsize=(7.5, 3.2), layout="constrained")
axes[0].imshow(np.moveaxis(first[0], 0, -1).clip(0, 1))
axes[0].set_title("first")
for panel, frame, title in zip(axes[1:], (second, back), ("second", "brought back"), strict=True):
    panel.imshow((frame - first)[0].mean(0), cmap="PuOr", vmin=-0.3, vmax=0.3)
    panel.set_title(f"{title} - first")
for panel in axes:
    panel.set(xticks=[], yticks=[])
plt.show()

# %%
# Each arrow begins at a pixel and is three times as long as the flow there. The error is largest
# at the border, beyond which nothing is seen, and where the image has no detail to tell one
# displacement from another, as in the sky and the uniform.

figure, axes = plt.subplots(1, 3, figsize=(7.5, 3.2), layout="constrained")
rows, columns = np.mgrid[12:300:25, 12:256:25]
for panel, field, title in zip(axes, (true_flow, flow), ("true flow", "flow found"), strict=False):
    panel.imshow(second[0].mean(0), cmap="gray", vmin=-1.5)  # pale
    arrows = {"angles": "xy", "scale_units": "xy", "scale": 1 / 3, "width": 0.01}
    panel.quiver(columns, rows, *field[0][:, rows, columns], color="tab:blue", **arrows)
    panel.set(xticks=[], yticks=[], title=title)
error = axes[2].imshow(endpoint_error(flow), vmin=0, vmax=1)
axes[2].set(xticks=[], yticks=[], title="error in pixels")
figure.colorbar(error, ax=axes[2], shrink=0.8)
plt.show()
