"""Masks and boxes to paste them into."""

import numpy as np

SIZE = 17, 23
"""Of the image."""


def noise_masks(seed, count, size, dtype=np.float32):
    """Random masks; whole numbers where the type has no others."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.random((count, *size)).astype(dtype)
    return rng.integers(0, 2, (count, *size)).astype(dtype)


def random_boxes(seed, count, dtype=np.float32):
    """Boxes that reach outside now and then."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, SIZE[::-1], (count, 2))
    halves = rng.uniform(0.2, 9, (count, 2))
    return np.concatenate([centres - halves, centres + halves], 1).astype(dtype)
