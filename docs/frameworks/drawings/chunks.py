"""Which parts of an image the chunks of a rotated one read."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

import fastsample.dask as fd

SIZE, CHUNK = 600, 200
SHOWN = {0: "#0072b2", 4: "#c04f00", 8: "#009e73"}


class Noted:
    """An image that notes what is read of it."""

    shape, dtype = (1, 1, SIZE, SIZE), np.dtype(np.float32)

    def __init__(self):
        self.read = []

    def __getitem__(self, part):
        self.read.append(part[2:])
        y, x = (np.arange(s.start, s.stop) for s in part[2:])
        return np.float32(np.sin(y[:, None] / 25) * np.sin(x / 40))[None, None]


def box(axes, part, color, width):
    """Draw a frame around some rows and columns."""
    y, x = part
    corner, sides = (x.start, y.start), (x.stop - x.start, y.stop - y.start)
    axes.add_patch(Rectangle(corner, *sides, fill=False, edgecolor=color, lw=width))


def rotation():
    """Draw the source with the slices that three chunks read, and the result with its chunks."""
    image, angle = Noted(), np.deg2rad(20)
    c, s = np.cos(angle), np.sin(angle)
    theta = np.array([[[c, -s, 0], [s, c, 0]]])
    made = fd.affine_sample(image, theta, (SIZE, SIZE), chunks=(1, 1, CHUNK, CHUNK))
    _, (left, right) = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
    result = made.compute(scheduler="synchronous")[0, 0]
    image.read.clear()
    for k, color in SHOWN.items():
        i, j = divmod(k, SIZE // CHUNK)
        made.blocks[0, 0, i, j].compute(scheduler="synchronous")
        box(left, image.read.pop(), color, 2.5)
        place = (slice(n * CHUNK, (n + 1) * CHUNK) for n in (i, j))
        box(right, tuple(place), color, 2.5)
    left.imshow(image[0:1, 0:1, 0:SIZE, 0:SIZE][0, 0], cmap="gray")
    right.imshow(result, cmap="gray")
    left.set_title("the source: what three tasks read")
    right.set_title("the result: their chunks")
    plt.show()
