"""
A loader with augmentation
==========================

Images for training are turned, scaled, shifted and mirrored at random. All of that is one matrix
per image, and :func:`~fastsample.affine_sample` samples a batch through its matrices in one call:
bytes in, bytes out, channels last, without a grid.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import matplotlib.pyplot as plt
import numba
import numpy as np
from matplotlib import get_data_path
from PIL import Image

import fastsample as fs

SEED, BATCH = 7, 6
HEIGHT, WIDTH = 300, 240

# %%
# The images to load are crops of one photograph, (N, H, W, C).

photo = np.asarray(Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg").convert("RGB"))
corners = [(y, x) for y in (20, 80, 220) for x in (90, 120, 150, 180)]
images = np.stack([photo[y : y + HEIGHT, x : x + WIDTH] for y, x in corners])

# %%
# One matrix per image
# --------------------
# A matrix theta maps the *result's* coordinates to the image's, so that a scale of 2 shows twice
# as much, half as large. Turns are turns in pixels, while theta's coordinates are normalized;
# hence the outer two of the three factors (:doc:`/concepts/coordinates`). Before that, x is
# mirrored or not.

TO_PIXELS = np.diag([WIDTH / 2, HEIGHT / 2, 1])
TO_IMAGE = np.diag([2 / WIDTH, 2 / HEIGHT])


def random_theta(rng):
    """A matrix (2, 3): a turn by up to 25 degrees, a scale, a shift and a flip."""
    angle, scale = np.radians(rng.uniform(-25, 25)), 2 ** rng.uniform(-0.6, 0.4)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    right, down = rng.uniform(-20, 20, 2)
    flip = np.diag([rng.choice([-1, 1]), 1, 1])
    return TO_IMAGE @ np.array([[cos, -sin, right], [sin, cos, down]]) @ flip @ TO_PIXELS


# %%
# A batch
# -------
# Each image has its own generator, seeded by the run, the epoch and the image's number. So its
# augmentation depends neither on the worker nor on what was made before.


def augmented(numbers, epoch):
    """The images of these numbers, (BATCH, H, W, C), as the epoch has them."""
    thetas = [random_theta(np.random.default_rng((SEED, epoch, n))) for n in numbers]
    return fs.affine_sample(
        images[numbers],
        np.array(thetas, np.float32),
        (HEIGHT, WIDTH),
        padding_mode="reflection",
        channels_last=True,
    )


# %%
# Workers
# -------
# The kernels release the interpreter's lock, so workers can be threads. With as many workers as
# cores, one Numba thread is enough for each. The executor's ``map`` keeps the order.


def batches(epoch, workers):
    """All images in a random order, in batches."""
    order = np.random.default_rng((SEED, epoch)).permutation(len(images))
    make = partial(augmented, epoch=epoch)
    with ThreadPoolExecutor(workers, initializer=numba.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(make, order.reshape(-1, BATCH))


# %%
# The first call compiles a kernel, or loads it from the cache on disk. One call before the
# workers start saves them the wait; :func:`fastsample.warmup` does this for the common kernels,
# once per machine (:doc:`/concepts/startup`).

augmented([0], epoch=0)
loaded = list(batches(epoch=0, workers=2))
assert [batch.shape for batch in loaded] == 2 * [(BATCH, HEIGHT, WIDTH, 3)]
assert loaded[0].dtype == np.uint8

# %%
# The same seed gives the same bytes, whatever the number of workers and of Numba's threads: the
# second assertion uses no pool and all of Numba's threads. Another epoch gives other bytes.

assert np.array_equal(loaded, list(batches(epoch=0, workers=4)))
order = np.random.default_rng((SEED, 0)).permutation(len(images))
assert np.array_equal(np.concatenate(loaded), augmented(order, epoch=0))
assert not np.array_equal(loaded, list(batches(epoch=1, workers=2)))

# %%
# Processes work as well, and decoding in plain Python needs them: forked or spawned, from
# ``concurrent.futures`` or PyTorch's ``DataLoader``, they may call fastsample whatever their
# parent has called before (:doc:`/project/reliability`).
#
# One epoch, one batch per row. Outside a crop its reflection is read.

figure, axes = plt.subplots(2, 6, figsize=(7.5, 3.6), layout="constrained")
for panel, image in zip(axes.flat, np.concatenate(loaded), strict=True):
    panel.imshow(image)
    panel.set(xticks=[], yticks=[])
plt.show()
