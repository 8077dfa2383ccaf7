"""Images to shift, and a shift by NumPy's own pad and roll."""

import numpy as np

PADS = {"zeros": "constant", "border": "edge", "reflection": "symmetric", "wrap": "wrap"}
"""NumPy's names of the same borders."""


def numbers(seed, shape, dtype):
    """Every value that fits into eight bits, and both parts of a complex number."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "bu":
        return rng.integers(0, 2 if dtype == "bool" else 256, shape).astype(dtype)
    values = rng.integers(-128, 128, shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.integers(-128, 128, shape)
    return values.astype(dtype)


def pad_roll_crop(input, shifts, padding="border"):
    """As Swin rolls and AS-MLP pads."""
    rows = np.repeat(shifts, input.shape[1] // len(shifts), axis=0)
    by = np.abs(rows).max()
    wide = np.pad(input, [(0, 0), (0, 0), (by, by), (by, by)], PADS[padding])
    for c, row in enumerate(rows):
        wide[:, c] = np.roll(wide[:, c], row, axis=(1, 2))
    return wide[:, :, by:-by, by:-by]
