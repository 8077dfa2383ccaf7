"""Random configurations against PyTorch, and some against OpenCV.

    python tests/differential.py [--count 600] [--seed 0]

Ends with `N passed, M failed` on a line of its own; exit status 1 on a failure. Every point of
every case is compared, `nearest` for equality: none had to be left out in 3600 cases, since both
libraries compute the coordinate in the same order of operations.
"""

import argparse
import sys
import warnings

import cv2
import numpy as np
import torch
from tolerances import PUBLISHED
from torch.nn.functional import grid_sample

import fastsample as fs

MODES = {2: ("nearest", "bilinear", "bicubic"), 3: ("nearest", "bilinear")}
PADDINGS = ("zeros", "border", "reflection")
LIMIT = {2: 48, 3: 14}
CV2_STEP = 1 / 32
"""OpenCV may round coordinates to this part of a pixel."""


def random_case(rng):
    """(image, grid, mode, padding_mode, align_corners)."""
    ndim = 2 if rng.random() < 0.65 else 3
    dtype = rng.choice([np.float32, np.float64])
    batch = int(rng.integers(1, 4))
    sizes = random_sizes(rng, LIMIT[ndim], ndim)
    out = random_sizes(rng, LIMIT[ndim], ndim)
    image = random_image(rng, (batch, int(rng.integers(1, 6)), *sizes), dtype)
    grid = maybe_strided(rng, random_grid(rng, batch, out).astype(dtype))
    options = rng.choice(MODES[ndim]), rng.choice(PADDINGS), bool(rng.integers(2))
    return maybe_strided(rng, image), grid, *map(plain, options)


def plain(value):
    """A str instead of NumPy's."""
    return value if isinstance(value, bool) else str(value)


def random_sizes(rng, limit, ndim):
    """Sizes from 1 to limit, one in six of them 1."""
    sizes = rng.integers(1, limit + 1, ndim)
    return tuple(np.where(rng.random(ndim) < 1 / 6, 1, sizes).tolist())


def random_image(rng, shape, dtype):
    """Noise of a random scale and offset."""
    return (rng.normal(rng.normal(), 10 ** rng.uniform(-2, 3), shape)).astype(dtype)


def random_grid(rng, batch, out):
    """An affine map of the output's pixel centres, with noise, spilling outside."""
    ndim = len(out)
    axes = [(2 * np.arange(s) + 1) / s - 1 for s in out]
    base = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], -1)
    theta = np.eye(ndim) + rng.normal(0, 0.6, (batch, ndim, ndim))
    shift = rng.normal(0, 0.4, (batch, *(1,) * ndim, ndim))
    noise = rng.normal(0, rng.choice([0, 0.02, 1.0]), (batch, *out, ndim))
    return np.einsum("...i,nji->n...j", base, theta) + shift + noise


def maybe_strided(rng, array):
    """The same values, now and then with axes reversed, spread out or transposed."""
    kind = rng.integers(6)
    if kind == 0:
        return np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    if kind == 1:
        return np.repeat(array, 2, axis=-2)[..., ::2, :]
    if kind == 2:
        return np.asfortranarray(array)
    return array


def against_torch(rng):
    """(what was compared, largest error, largest allowed)."""
    image, grid, *options = random_case(rng)
    got = fs.grid_sample(image, grid, *options)
    tensors = [torch.from_numpy(np.ascontiguousarray(a)) for a in (image, grid)]
    want = grid_sample(*tensors, *options).numpy()
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    label = f"torch {image.dtype} {image.shape} at {grid.shape} {options}"
    bound = 0 if options[0] == "nearest" else PUBLISHED[got.dtype] * np.abs(want).max()
    return label, np.abs(got - want).max(), bound


def against_cv2(rng):
    """Bilinear, zeros outside, in pixels."""
    height, width, ho, wo = (int(v) for v in rng.integers(2, 60, 4))
    image = rng.random((height, width), dtype=np.float32)
    spread = [rng.uniform(-3, s + 2, (ho, wo)).astype(np.float32) for s in (width, height)]
    want = cv2.remap(image, *spread, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    got = fs.grid_sample(image[None, None], np.stack(spread, -1)[None], coordinates="pixel")[0, 0]
    # a coordinate off by a step moves the value by a step of the slope, which is at most 1 an axis
    return f"cv2 {image.shape} at {want.shape}", np.abs(got - want).max(), 2 * CV2_STEP


def show_progress(done, total):
    """A line that is rewritten, or one line in a hundred where nobody watches."""
    if sys.stdout.isatty():
        print(f"\r{done}/{total}", end="\n" if done == total else "", flush=True)
    elif done % 100 == 0 or done == total:
        print(f"{done}/{total}", flush=True)


def main():
    """Run all cases; each has a seed of its own, printed with a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=600, help="cases against PyTorch")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("error")
    jobs = [against_torch] * args.count + [against_cv2] * (args.count // 12)
    failed = 0
    for k, job in enumerate(jobs):
        label, error, bound = job(np.random.default_rng((args.seed, k)))
        if not error <= bound:
            failed += 1
            print(f"case {k}: {label}: off by {error:.3g}, allowed {bound:.3g}", flush=True)
        show_progress(k + 1, len(jobs))
    print(f"{len(jobs) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
