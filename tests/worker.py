"""What workers of a pool do; a module of its own, so that spawned ones can import it."""

import hashlib

import numpy as np

import fastsample as fs

SHAPE = 1, 3, 300, 400


def scene(k):
    """An image of some type and a grid, well past what one thread is left alone with."""
    rng = np.random.default_rng(k)
    image = 255 * rng.random(SHAPE)
    grid = rng.uniform(-1.1, 1.1, (1, 400, 500, 2)).astype(np.float32)
    return image.astype((np.float32, np.uint8)[k % 2]), grid


def digest(k):
    """The bits of result k."""
    return hashlib.sha256(fs.grid_sample(*scene(k))).hexdigest()


class Dataset:
    """Warped images, as a loader's workers make them."""

    def __len__(self):
        return 8

    def __getitem__(self, k):
        return fs.grid_sample(*scene(k))[0]
