"""Random configurations against PyTorch, and some against OpenCV.

    python tests/differential.py [--count 600] [--seed 0] [--only forward|backward]

Ends with `N passed, M failed` on a line of its own; exit status 1 on a failure. Every point of
every case is compared, `nearest` for equality: none had to be left out in 3600 cases, since both
libraries compute the coordinate in the same order of operations.

Of the gradients, those coordinates are left out that lie within a few roundings of a kink, where
the slope jumps: in 3-D PyTorch's way back computes the coordinate in another order. They are
counted, and more than one in a hundred is a failure.
"""

import argparse
import itertools
import sys
import warnings

import cv2
import numpy as np
import torch
from cases import KERNELS, TAPS
from tolerances import PUBLISHED
from torch.nn.functional import affine_grid, grid_sample

import fastsample as fs

MODES = {2: ("nearest", "bilinear", "bicubic"), 3: ("nearest", "bilinear")}
PADDINGS = ("zeros", "border", "reflection")
LIMIT = {2: 48, 3: 14}
CV2_STEP = 1 / 32
"""OpenCV may round coordinates to this part of a pixel."""


EVERY = tuple(
    (kernel.ndim, kernel.input, kernel.mode, kernel.padding)
    for kernel in KERNELS
    if kernel.padding in PADDINGS
    and kernel.input is kernel.grid
    and kernel.mode in MODES.get(kernel.ndim, ())
)
"""The tests' own kernels, as far as PyTorch has them."""
SOME = (
    *((2, np.float32, mode, padding) for mode, padding in itertools.product(MODES[2], PADDINGS)),
    *((2, np.float64, "bilinear", "zeros"), (2, np.float64, "bicubic", "border")),
    *((3, np.float32, "bilinear", "zeros"), (3, np.float64, "bilinear", "reflection")),
    (3, np.float32, "nearest", "border"),
)
"""Those that gradients go back through: each takes up to ten seconds to compile."""


def random_case(rng, choices=EVERY):
    """(image, grid, mode, padding_mode, align_corners).

    Axes shorter than a row of taps and pixels apart in memory take kernels of their own: only
    float32 images of two axes have them.
    """
    ndim, dtype, *how = choices[rng.integers(len(choices))]
    any_kernel = ndim == 2 and dtype is np.float32
    batch = int(rng.integers(1, 4))
    sizes = random_sizes(rng, LIMIT[ndim], ndim)
    out = random_sizes(rng, LIMIT[ndim], ndim)
    if not any_kernel:
        sizes = tuple(max(size, TAPS[how[0]]) for size in sizes)
    image = random_image(rng, (batch, int(rng.integers(1, 6)), *sizes), dtype)
    grid = maybe_strided(rng, random_grid(rng, batch, out).astype(dtype))
    if any_kernel:
        image = maybe_strided(rng, image)
    return image, grid, *how, bool(rng.integers(2))


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


GRADIENT = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}
"""Of a gradient's scale: the largest of all its terms."""

ROUNDINGS = 8
"""How near to a kink a coordinate may fall on either side of it."""


class Left:
    """Coordinates that were left out, and all."""

    out = 0
    all = 0


def near_kinks(grid, sizes, align_corners):
    """Which coordinates another order of operations may bring to the other side of a pixel."""
    sizes = np.array(sizes[::-1], np.float64)
    wide = grid.astype(np.float64)
    pixel = (wide + 1) / 2 * (sizes - 1) if align_corners else ((wide + 1) * sizes - 1) / 2
    slack = ROUNDINGS * np.finfo(grid.dtype).eps * (np.abs(wide) + 1) * sizes
    near = np.abs(pixel - np.rint(pixel)) <= slack
    near &= ~(align_corners & (sizes == 1))  # always pixel 0, without a rounding
    Left.out, Left.all = Left.out + near.sum(), Left.all + near.size
    return near


def tensors_of(*arrays):
    """Copies that record what is done with them."""
    return [torch.from_numpy(np.ascontiguousarray(a)).requires_grad_() for a in arrays]


def pixels_a_unit(sizes, align_corners):
    """By this a coordinate's gradient is larger than a pixel's."""
    return np.maximum(np.array(sizes[::-1]) - bool(align_corners), 1) / 2


def largest(array):
    return np.abs(array).max(initial=0).astype(np.float64)


def excess(got, want, scale):
    """The largest error, where 1 is all that is allowed."""
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    error = np.abs(got.astype(np.float64) - want).max(initial=0)
    return error / (GRADIENT[got.dtype] * scale) if scale else float(error > 0)


def gradients_against_torch(rng):
    """Both gradients of grid_sample; an axis shorter than its taps is rare, since it compiles."""
    image, grid, mode, padding, align = random_case(rng, SOME)
    if min(image.shape[2:]) < 4 and mode != "nearest":
        repeats = [4 if s < 4 else 1 for s in image.shape[2:]]
        image = np.tile(image, (1, 1, *repeats)) + image.dtype.type(0)
    options = mode, padding, align
    tensors = tensors_of(image, grid)
    out = grid_sample(*tensors, *options)
    grad = rng.normal(0, 10 ** rng.uniform(-2, 2), out.shape).astype(image.dtype)
    out.backward(torch.from_numpy(grad))
    want_input, want_grid = (t.grad.numpy() for t in tensors)
    got_input, got_grid = fs.grid_sample_backward(maybe_strided(rng, grad), image, grid, *options)
    pixels = pixels_a_unit(image.shape[2:], align).astype(grid.dtype)
    keep = ~near_kinks(grid, image.shape[2:], align)
    worst = max(
        excess(got_input, want_input, max(largest(grad), largest(want_input))),
        excess(
            np.where(keep, got_grid / pixels, 0),
            np.where(keep, want_grid / pixels, 0),
            0 if mode == "nearest" else largest(grad) * largest(image),
        ),
    )
    return f"gradients {image.dtype} {image.shape} at {grid.shape} {list(options)}", worst, 1


def affine_against_torch(rng):
    """affine_grid, affine_sample and the gradients of both; grad_output is 0 beside kinks."""
    ndim, dtype = [(2, np.float32), (3, np.float64)][rng.integers(2)]
    batch, align = int(rng.integers(1, 4)), bool(rng.integers(2))
    sizes = tuple(rng.integers(4, LIMIT[ndim], ndim).tolist())
    size = (batch, int(rng.integers(1, 4)), *random_sizes(rng, LIMIT[ndim], ndim))
    image = random_image(rng, (*size[:2], *sizes), dtype)
    theta = (np.eye(ndim, ndim + 1) + rng.normal(0, 0.4, (batch, ndim, ndim + 1))).astype(dtype)
    tensors = tensors_of(image, theta)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of sizes of 1, ten years after the change
        grid = affine_grid(tensors[1], size, align)
    want = grid_sample(tensors[0], grid, align_corners=align)
    grid.retain_grad()
    near = near_kinks(grid.detach().numpy(), sizes, align).any(-1)[:, None]
    grad = np.where(near, 0, rng.normal(0, 1, size)).astype(dtype)
    want.backward(torch.from_numpy(grad))
    worst = affine_excess(image, theta, size, align, grad, tensors, grid, want)
    return f"affine {np.dtype(dtype)} {image.shape} to {size} align_corners {align}", worst, 1


def affine_excess(image, theta, size, align, grad, tensors, grid, want):
    """The worst of the five results."""
    reach = max(1, largest(theta))
    # a coordinate off by some roundings moves a value by so many pixels' differences
    moved = reach * max(image.shape[2:])
    got_input, got_theta = fs.affine_sample_backward(
        grad, image, theta, size[2:], align_corners=align
    )
    flow, points = grid.grad.numpy(), np.prod(size[2:])
    got_flow = fs.affine_grid_backward(flow, size, align)
    want_input, want_theta = (t.grad.numpy() for t in tensors)
    steep = largest(grad) * largest(image) * moved
    return max(
        excess(fs.affine_grid(theta, size, align), grid.detach().numpy(), reach),
        excess(
            fs.affine_sample(image, theta, size[2:], align_corners=align),
            want.detach().numpy(),
            largest(image) * moved,
        ),
        excess(got_input, want_input, max(largest(grad), largest(want_input)) * moved),
        excess(got_theta, want_theta, steep * np.sqrt(points) + largest(want_theta)),
        excess(got_flow, want_theta, largest(flow) * np.sqrt(points) + largest(want_theta)),
    )


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
    parser.add_argument("--only", choices=("forward", "backward"), help="half of them")
    args = parser.parse_args()
    warnings.simplefilter("error")
    jobs = []
    if args.only != "backward":
        jobs += [against_torch] * args.count + [against_cv2] * (args.count // 12)
    if args.only != "forward":
        jobs += [gradients_against_torch] * (args.count * 5 // 6)
        jobs += [affine_against_torch] * (args.count // 6)
    failed = 0
    for k, job in enumerate(jobs):
        label, error, bound = job(np.random.default_rng((args.seed, k)))
        if not error <= bound:
            failed += 1
            print(f"case {k}: {label}: off by {error:.3g}, allowed {bound:.3g}", flush=True)
        show_progress(k + 1, len(jobs))
    if Left.out > Left.all / 100:
        failed += 1
    print(f"{Left.out} of {Left.all} coordinates lay at a kink and were left out")
    print(f"{len(jobs) + 1 - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
