"""
Register a view
===============

A camera looks at a part of a photograph, turned and shifted. By how much? As in a spatial
transformer network, gradients find out: :func:`~fastsample.affine_sample` makes the view of a
matrix theta, its backward says how the loss changes with theta, and a step is made against it.
There is no network here; theta is made from three numbers, an angle and two shifts, which the
search finds.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from PIL import Image

import fastsample as fs

rng = np.random.default_rng(0)
pixels = np.asarray(Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg"), np.float32) / 255
photo = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)[None])  # (1, 3, 600, 512)

# %%
# From a motion to theta
# ----------------------
# theta maps the *view's* coordinates to the photograph's. Both are normalized and stretch with
# the width and the height (:doc:`/concepts/coordinates`), while a rotation is one in pixels only.
# So theta is a product of three: from the view's coordinates to pixels about its centre, the
# motion in pixels, from pixels to the photograph's coordinates.

VIEW = 384, 320  # rows and columns of the view
TO_PIXELS = np.diag([VIEW[1] / 2, VIEW[0] / 2, 1])
TO_PHOTO = np.diag([2 / photo.shape[3], 2 / photo.shape[2]])


def theta_of(angle, right, down):
    """The matrix (1, 2, 3) of a motion in radians and pixels."""
    cos, sin = np.cos(angle), np.sin(angle)
    motion = np.array([[cos, -sin, right], [sin, cos, down]])
    return (TO_PHOTO @ motion @ TO_PIXELS)[None].astype(np.float32)


# %%
# The chain rule goes back through the product: the motion's gradient is theta's between the two
# outer matrices, transposed.


def back_through_theta(grad_theta, angle):
    """The gradient of angle, right and down from theta's."""
    grad_motion = TO_PHOTO.T @ grad_theta[0] @ TO_PIXELS.T
    cos, sin = np.cos(angle), np.sin(angle)
    grad_angle = np.sum(grad_motion * [[-sin, -cos, 0], [cos, -sin, 0]])
    return np.array([grad_angle, *grad_motion[:, 2]])


# %%
# The view is bicubic and noisy, while the search is bilinear, so the search does not just invert
# it.

truth = np.array([np.radians(11.3), 14.2, -9.7])
view = fs.affine_sample(photo, theta_of(*truth), VIEW, "bicubic")
view += rng.normal(0, 0.01, view.shape).astype(np.float32)

# %%
# From coarse to fine
# -------------------
# Far from the solution, the slopes of fine detail point anywhere; those of a small image still
# lead the right way. To halve an image is to sample it with the identity: each point lies in the
# middle of four pixels and reads their mean. theta stays as it is, since normalized coordinates
# do not depend on pixels.

IDENTITY = np.eye(2, 3, dtype=np.float32)[None]


def halved(images):
    """Means of 2 x 2 pixels."""
    return fs.affine_sample(images, IDENTITY, (images.shape[2] // 2, images.shape[3] // 2))


levels = [(photo, view)]
for _ in range(3):
    levels.append(tuple(halved(image) for image in levels[-1]))

# %%
# The descent
# -----------
# The loss is half the squared difference, summed over the channels, its mean over the pixels. How
# it bends as the image shifts by a pixel is the mean of the squared slopes; one over this is the
# length of a step. A turn by 0.01 moves much of the view by one or two pixels, so 0.01 is the
# angle's unit.
#
# The gradient of the photograph is not needed: ``output_mask`` leaves it out, so it costs
# nothing.

UNITS = np.array([0.01, 1, 1])


def steepness(image):
    """The mean squared slope, summed over the channels."""
    down, right = np.gradient(image[0], axis=(1, 2))
    return np.sum(down**2 + right**2, axis=0).mean()


def improve(found, photo, view, steps=20):
    """Descend from angle, right and down."""
    pixel = VIEW[1] / view.shape[3]  # of this level, in pixels of the finest
    rate = pixel**2 / steepness(photo)
    for _ in range(steps):
        theta = theta_of(*found)
        seen, pullback = fs.vjp(fs.affine_sample, photo, theta, view.shape[2:])
        grad_seen = (seen - view) / view[0, 0].size
        _, grad_theta = pullback(grad_seen, output_mask=(False, True))
        found = found - rate * UNITS**2 * back_through_theta(grad_theta, found[0])
    return found


path = [np.zeros(3)]
for small_photo, small_view in reversed(levels):
    path.append(improve(path[-1], small_photo, small_view))
found = path[-1]

# %%
# The angle is right to a twentieth of a degree, the shifts to a twentieth of a pixel.

assert abs(np.degrees(found[0] - truth[0])) < 0.05
assert np.abs(found - truth)[1:].max() < 0.05
print(f"{np.degrees(found[0]):.3f} degrees, {found[1]:.3f} and {found[2]:.3f} pixels")

# %%
# Where the view was looked for at first, and where it was found.


def outline(theta):
    """The corners of the view in the photograph's pixels, x and y, the first one twice."""
    corners = np.array([[-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1], [1, 1, 1, 1, 1]])
    return (theta[0] @ corners + 1) * np.array([[512 / 2], [600 / 2]]) - 0.5


figure, axes = plt.subplots(1, 2, figsize=(7.5, 4.5), layout="constrained")
axes[0].imshow(pixels)
axes[0].plot(*outline(theta_of(0, 0, 0)), "--", color="white", linewidth=2, label="start")
axes[0].plot(*outline(theta_of(*found)), color="gold", linewidth=2, label="found")
axes[0].legend(loc="lower right")
axes[0].set(xticks=[], yticks=[], title="photograph")
axes[1].imshow(np.moveaxis(view[0], 0, -1).clip(0, 1))
axes[1].set(xticks=[], yticks=[], title="view")
plt.show()

# %%
# The difference from the view: at the start, after the coarsest level, at the end. What remains
# is noise, and at edges the difference between bilinear and bicubic.

figure, axes = plt.subplots(1, 3, figsize=(7.5, 3.3), layout="constrained")
names = "start", "coarsest level", "finest level"
for panel, motion, name in zip(axes, (path[0], path[1], found), names, strict=True):
    seen = fs.affine_sample(photo, theta_of(*motion), VIEW)
    panel.imshow((seen - view)[0].mean(0), cmap="PuOr", vmin=-0.2, vmax=0.2)
    panel.set(xticks=[], yticks=[], title=name)
plt.show()
