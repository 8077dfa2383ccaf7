"""
Elastic deformation of a volume
===============================

If there are few medical images, each is shown to a network in many shapes. A smooth random flow
deforms a volume like soft tissue, and the labels of its organs must follow exactly.
:func:`~fastsample.flow_warp` does both, in three dimensions.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter

import fastsample as fs

rng = np.random.default_rng(3)
SHAPE = 64, 80, 80  # slices, rows, columns: z, y, x

# %%
# A phantom
# ---------
# A head of nested ellipsoids, each with a label, a brightness, a centre and half axes. Later ones
# lie over earlier ones. Labels are numbers from a table, as in a segmentation, and not
# consecutive.

ELLIPSOIDS = (  # label, brightness, centre and half axes (z, y, x) in voxels
    (1, 0.9, (32, 40, 40), (28, 36, 30)),  # skull
    (2, 0.4, (32, 40, 40), (25, 32, 26)),  # brain
    (11, 0.1, (29, 36, 33), (9, 14, 4)),  # ventricles
    (12, 0.1, (29, 36, 47), (9, 14, 4)),
    (40, 0.7, (38, 56, 40), (8, 7, 9)),  # cerebellum
    (77, 1.0, (32, 20, 30), (4, 4, 5)),  # a lesion
)
z, y, x = np.indices(SHAPE, np.float32)

labels = np.zeros(SHAPE, np.uint8)
volume = np.zeros(SHAPE, np.float32)
for label, brightness, (cz, cy, cx), (az, ay, ax) in ELLIPSOIDS:
    inside = ((z - cz) / az) ** 2 + ((y - cy) / ay) ** 2 + ((x - cx) / ax) ** 2 <= 1
    labels[inside], volume[inside] = label, brightness
volume = gaussian_filter(volume, 0.7) + rng.normal(0, 0.03, SHAPE).astype(np.float32)

# %%
# A smooth random flow
# --------------------
# The flow is (N, 3, D, H, W): three maps, **dx first, then dy and dz**, though the axes of the
# volume are z, y, x. It is in voxels, and says where to read: the result at (z, y, x) is the
# input at (z + dz, y + dy, x + dx). If voxels are longer along one axis, divide a displacement in
# millimetres by their length along that axis.
#
# Noise that is smoothed by ``SMOOTH`` voxels bends smoothly, by ``LONGEST`` voxels where it bends
# the most.

SMOOTH, LONGEST = 9, 6

noise = rng.uniform(-1, 1, (3, *SHAPE)).astype(np.float32)
flow = gaussian_filter(noise, (0, SMOOTH, SMOOTH, SMOOTH), mode="constant")[None]
flow *= LONGEST / np.abs(flow).max()

# %%
# A flow that is too strong folds the volume over itself. It does not if the determinant of the
# map's Jacobian is positive everywhere.

dx, dy, dz = flow[0]
jacobian = np.array([np.gradient(m) for m in (z + dz, y + dy, x + dx)])  # (3, 3, *SHAPE)
volumes = np.linalg.det(np.moveaxis(jacobian, (0, 1), (-2, -1)))
assert volumes.min() > 0
print(f"a voxel of the result takes the room of {volumes.min():.2f} to {volumes.max():.2f} voxels")

# %%
# Volume and labels
# -----------------
# Brightness is interpolated between eight voxels. Labels are not quantities: there is no 21
# halfway between 2 and 40. With ``"nearest"`` each voxel of the result has the label of one voxel
# of the input, of the same type.

bent = fs.flow_warp(volume[None, None], flow)[0, 0]
bent_labels = fs.flow_warp(labels[None, None], flow, "nearest")[0, 0]

assert bent_labels.dtype == labels.dtype
assert np.array_equal(np.unique(bent_labels), np.unique(labels))

blurred_labels = fs.flow_warp(labels[None, None], flow)[0, 0]
assert len(np.unique(blurred_labels)) > 50  # what not to do

# %%
# Both were read in the same places, so what a label covers is nearly as bright as before.

for label in np.unique(labels):
    before, after = volume[labels == label].mean(), bent[bent_labels == label].mean()
    assert abs(before - after) < 0.05

# %%
# Three slices
# ------------
# A plane of the input, x = 8 say, comes to lie where x + dx is 8: a contour of the map. So the
# lines drawn over the slices were straight before.

CUTS = (  # how to cut, the two axes of the slice, its name
    (np.s_[32], (1, 2), "axial"),
    (np.s_[:, 36], (0, 2), "coronal"),
    (np.s_[:, :, 31], (0, 1), "sagittal"),
)


def show(panel, image, maps):
    """A slice with the lines where its maps are multiples of 8."""
    panel.imshow(image, cmap="gray", vmin=0, vmax=1)
    for places in maps:
        panel.contour(places, range(0, 80, 8), colors="tab:orange", linewidths=0.7)
    panel.set(xticks=[], yticks=[])


figure, axes = plt.subplots(
    2, 3, figsize=(7.5, 4.2), layout="constrained", width_ratios=(64, 80, 80)
)
at_rest, moved = (z, y, x), (z + dz, y + dy, x + dx)
for column, (cut, kept, name) in zip(axes.T, CUTS, strict=True):
    show(column[0], volume[cut], [at_rest[axis][cut] for axis in kept])
    show(column[1], bent[cut], [moved[axis][cut] for axis in kept])
    column[0].set_title(name)
axes[0, 0].set_ylabel("before")
axes[1, 0].set_ylabel("after")
plt.show()

# %%
# The labels of the axial slice, a colour each.


def coloured(labels):
    """Labels as their places among all labels."""
    return np.searchsorted(np.unique(labels), labels)


figure, panels = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
for panel, image, name in zip(panels, (labels, bent_labels), ("before", "after"), strict=True):
    panel.imshow(coloured(image)[32], cmap="viridis")
    panel.set(xticks=[], yticks=[], title=name)
plt.show()
