"""The sampling systems against compositions of PyTorch, and against NumPy, OpenCV and SciPy.

    python tests/differential_systems.py [--count 30] [--seed 0]

Ends with `N passed, M failed` on a line of its own; exit status 1 on a failure. Gradients are held
against autograd in float64. What PyTorch samples goes through normalised coordinates, as its users
have to; that costs a rounding, which is what the bounds in float32 allow for.
"""

import argparse
import sys
import warnings

import cv2
import numpy as np
import torch
from differential import CV2_STEP, maybe_strided, random_image, random_sizes, show_progress
from scipy import ndimage
from tolerances import PUBLISHED
from torch.nn.functional import affine_grid, grid_sample

import fastsample as fs

F32, F64 = np.float32, np.float64
PADDINGS = ("zeros", "border", "reflection")
BOUND = {np.dtype(F32): 10 * PUBLISHED[np.dtype(F32)], np.dtype(F64): 1e-9}
"""Allowed, relative to the scale of what is compared."""


def error_of(got, want):
    """The largest error relative to the scale; the worst, where there are several of both."""
    if isinstance(got, tuple):
        return np.max([error_of(*pair) for pair in zip(got, want, strict=True)])  # keeps a NaN
    want = want.detach().numpy() if isinstance(want, torch.Tensor) else want
    assert got.shape == want.shape, f"{got.shape}, not {want.shape}"
    assert got.dtype == want.dtype, f"{got.dtype}, not {want.dtype}"
    if not want.size:
        return 0
    return np.abs(got - want).max() / max(1, np.abs(want).max())


def tensors(*arrays, dtype=torch.float64):
    """Leaves that ask for their gradients."""
    return [torch.tensor(np.ascontiguousarray(a), dtype=dtype, requires_grad=True) for a in arrays]


def choose(rng, options):
    """One of them, as it is."""
    return options[rng.integers(len(options))]


def scene(rng, ndim, dtype, limit=24):
    """(image, pixel coordinates (N, *out, D) that spill outside, x first).

    Short axes and strides as in `differential.random_case`.
    """
    any_kernel, batch = ndim == 2 and dtype is F32, int(rng.integers(1, 4))
    sizes = random_sizes(rng, limit, ndim)
    if not any_kernel:
        sizes = tuple(max(size, 4) for size in sizes)
    image = random_image(rng, (batch, int(rng.integers(1, 6)), *sizes), dtype)
    reach = np.array(sizes[::-1])
    out = random_sizes(rng, limit, ndim)
    pixels = rng.uniform(-0.3, 1.3, (batch, *out, ndim)) * (reach + 1) - 1
    return maybe_strided(rng, image) if any_kernel else image, pixels


def normalised(pixels, sizes):
    """Pixels as PyTorch's coordinates, align_corners=False; sizes in the order of the array."""
    return (2 * pixels + 1) / torch.tensor(sizes[::-1], dtype=pixels.dtype) - 1


def points(rng):
    """point_sample against grid_sample at 2 p - 1."""
    ndim, dtype = choose(rng, (2, 2, 3)), choose(rng, (F32, F64))
    mode, padding = choose(rng, ("nearest", "bilinear")), choose(rng, PADDINGS)
    image, pixels = scene(rng, ndim, dtype)
    at = maybe_strided(rng, ((pixels + 0.5) / image.shape[:1:-1]).astype(dtype))
    align = bool(rng.integers(2))
    got = fs.point_sample(image, at, mode, padding, align)
    want = grid_sample(
        *(torch.tensor(np.ascontiguousarray(a)) for a in (image, 2 * at - 1)), mode, padding, align
    )
    want = want.numpy()
    if mode == "nearest":  # 2 p - 1 may round across a tie
        sure = off_ties(at, image.shape[2:], align)
        got, want = np.where(sure, got, 0), np.where(sure, want, 0)
    label = f"point_sample {image.dtype} {image.shape} at {at.shape} {mode} {padding} {align}"
    return label, error_of(got, want), 0 if mode == "nearest" else BOUND[got.dtype]


def off_ties(at, sizes, align_corners):
    """(N, 1, *out): which points are a thousandth of a pixel off every half."""
    sizes = np.array(sizes[::-1])
    pixels = at * (sizes - 1) if align_corners else at * sizes - 0.5
    return (np.abs(pixels - np.floor(pixels) - 0.5) > 1e-3).all(-1)[:, None]


def point_gradients(rng):
    """point_sample_backward against autograd."""
    ndim, padding, align = choose(rng, (2, 2, 3)), choose(rng, PADDINGS), bool(rng.integers(2))
    image, pixels = scene(rng, ndim, F64, limit=12)
    at = (pixels + 0.5) / image.shape[:1:-1]
    x, p = tensors(image, at)
    value = grid_sample(x, 2 * p - 1, "bilinear", padding, align)
    grad = rng.standard_normal(value.shape)
    value.backward(torch.from_numpy(grad))
    got = fs.point_sample_backward(maybe_strided(rng, grad), image, at, "bilinear", padding, align)
    label = f"point_sample_backward {image.shape} at {at.shape} {padding} {align}"
    return label, error_of(got, (x.grad, p.grad)), BOUND[np.dtype(F64)]


def flow_scene(rng, dtype, limit=24):
    """(image, flow (N, 2, H, W)); the flow's targets spill outside."""
    image, _ = scene(rng, 2, dtype, limit)
    height, width = image.shape[2:]
    spread = rng.uniform(0.1, 6)
    return image, rng.normal(0, spread, (len(image), 2, height, width)).astype(dtype)


def warped(x, flow, padding):
    """What PyTorch's users write: add the pixel grid, normalise, sample."""
    y_x = torch.meshgrid(*(torch.arange(n, dtype=x.dtype) for n in x.shape[2:]), indexing="ij")
    pixels = torch.stack([y_x[1] + flow[:, 0], y_x[0] + flow[:, 1]], -1)
    return grid_sample(x, normalised(pixels, x.shape[2:]), "bilinear", padding, align_corners=False)


def flow(rng):
    """flow_warp against a normalised grid."""
    dtype, padding = choose(rng, (F32, F64)), choose(rng, PADDINGS)
    image, field = flow_scene(rng, dtype)
    want = warped(*(torch.tensor(np.ascontiguousarray(a)) for a in (image, field)), padding)
    got = fs.flow_warp(image, maybe_strided(rng, field), padding_mode=padding)
    return (
        f"flow_warp {dtype.__name__} {image.shape} {padding}",
        error_of(got, want),
        BOUND[got.dtype],
    )


def integer_flow(rng):
    """flow_warp against NumPy's copies: equal."""
    image, field = flow_scene(rng, choose(rng, (F32, F64)))
    field = np.rint(field)
    n, c, y, x = np.indices(image.shape)
    to_y = y + field[:, 1:].astype(int)
    to_x = x + field[:, :1].astype(int)
    height, width = image.shape[2:]
    want = image[n, c, np.clip(to_y, 0, height - 1), np.clip(to_x, 0, width - 1)]
    border = fs.flow_warp(image, field, padding_mode="border")
    inside = (to_y >= 0) & (to_y < height) & (to_x >= 0) & (to_x < width)
    zeros = fs.flow_warp(image, field)
    label = f"flow_warp by whole pixels {image.dtype} {image.shape}"
    return label, error_of((border, zeros), (want, np.where(inside, want, 0).astype(want.dtype))), 0


def flow_gradients(rng):
    """flow_warp_backward against autograd."""
    padding = choose(rng, PADDINGS)
    image, field = flow_scene(rng, F64, limit=12)
    x, f = tensors(image, field)
    value = warped(x, f, padding)
    grad = rng.standard_normal(value.shape)
    value.backward(torch.from_numpy(grad))
    got = fs.flow_warp_backward(maybe_strided(rng, grad), image, field, "bilinear", padding)
    label = f"flow_warp_backward {image.shape} {padding}"
    return label, error_of(got, (x.grad, f.grad)), BOUND[np.dtype(F64)]


CV2_BORDERS = {
    "zeros": cv2.BORDER_CONSTANT,
    "border": cv2.BORDER_REPLICATE,
    "reflection": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
}
SCIPY_BORDERS = {
    "zeros": "grid-constant",
    "border": "nearest",
    "reflection": "reflect",
    "wrap": "grid-wrap",
}


def remap_scene(rng, dtype, channels):
    """(image (H, W) or (H, W, C), map_x, map_y)."""
    height, width, *out = (int(v) for v in rng.integers(3, 40, 4))
    shape = (height, width, *(() if channels == 0 else (channels,)))
    image = rng.random(shape).astype(dtype)
    maps = (rng.uniform(-0.3 * n, 1.3 * n, out).astype(dtype) for n in (width, height))
    return maybe_strided(rng, image), *(maybe_strided(rng, m) for m in maps)


def remap_cv2(rng):
    """remap against cv2.remap; a coordinate may be off by a step of its tables, on both axes."""
    padding = choose(rng, tuple(CV2_BORDERS))
    image, map_x, map_y = remap_scene(rng, F32, int(rng.integers(0, 5)))
    theirs = (np.ascontiguousarray(a) for a in (image, map_x, map_y))
    want = cv2.remap(*theirs, cv2.INTER_LINEAR, borderMode=CV2_BORDERS[padding])
    got = fs.remap(image, map_x, map_y, padding_mode=padding)
    return (
        f"remap cv2 {image.shape} {padding}",
        error_of(got, want.reshape(got.shape)),
        2 * CV2_STEP,
    )


def remap_scipy(rng):
    """remap against map_coordinates, channel by channel."""
    padding = choose(rng, tuple(SCIPY_BORDERS))
    image, map_x, map_y = remap_scene(rng, F64, int(rng.integers(1, 9)))
    options = {"order": 1, "mode": SCIPY_BORDERS[padding]}
    planes = np.moveaxis(image, -1, 0)
    want = [ndimage.map_coordinates(plane, [map_y, map_x], **options) for plane in planes]
    got = fs.remap(image, map_x, map_y, padding_mode=padding)
    label = f"remap scipy {image.shape} {padding}"
    return label, error_of(got, np.stack(want, -1)), BOUND[np.dtype(F64)]


def shift(rng):
    """region_shift and its gradients against a grid for each channel."""
    padding = choose(rng, ("border", "zeros"))
    image, _ = scene(rng, 2, F64, limit=12)
    groups = choose(rng, [g for g in range(1, image.shape[1] + 1) if image.shape[1] % g == 0])
    table = rng.normal(0, 3, (groups, 2))
    x, s = tensors(image, table)
    flows = -s.flip(1).repeat_interleave(image.shape[1] // groups, 0)[:, :, None, None]
    flows = flows.expand(-1, -1, *image.shape[2:])
    value = torch.cat(
        [
            warped(x[:, c : c + 1], flows[c : c + 1].expand(len(x), -1, -1, -1), padding)
            for c in range(x.shape[1])
        ],
        1,
    )
    grad = rng.standard_normal(value.shape)
    value.backward(torch.from_numpy(grad))
    got = (
        fs.region_shift(image, table, padding),
        *fs.region_shift_backward(grad, image, table, padding),
    )
    label = f"region_shift {image.shape} by {groups} {padding}"
    return label, error_of(got, (value, x.grad, s.grad)), BOUND[np.dtype(F64)]


def integer_shift(rng):
    """region_shift against np.roll: equal, in any type."""
    dtype = choose(rng, ("bool", "uint8", "int64", "float16", "float32", "complex64"))
    image = (rng.integers(0, 200, (2, 6, *random_sizes(rng, 40, 2))) % 7).astype(dtype)
    table = rng.integers(-50, 51, (choose(rng, (1, 2, 3, 6)), 2))
    rows = np.repeat(table, 6 // len(table), 0)
    want = np.stack([np.roll(image[:, c], row, (1, 2)) for c, row in enumerate(rows)], 1)
    got = fs.region_shift(maybe_strided(rng, image), table, "wrap")
    assert got.dtype == want.dtype
    return f"region_shift as roll {dtype} {image.shape}", float((got != want).sum()), 0


def masks(rng):
    """paste_masks against a loop over masks, soft values and hard ones."""
    count, (height, width) = int(rng.integers(1, 8)), random_sizes(rng, 60, 2)
    small = random_sizes(rng, 30, 2)
    stack = rng.random((count, *small), dtype=F32)
    centres = rng.uniform(-0.1, 1.1, (count, 2)) * (width, height)
    halves = rng.uniform(0.01, 0.8, (count, 2)) * (width, height)
    boxes = np.concatenate([centres - halves, centres + halves], 1).astype(F32)
    threshold = rng.uniform(0.05, 0.95)
    values = np.stack([one_mask(*pair, (height, width)) for pair in zip(stack, boxes, strict=True)])
    hard = fs.paste_masks(maybe_strided(rng, stack), boxes, (height, width), threshold)
    soft = fs.paste_masks(stack, boxes, (height, width), None)
    sure = np.abs(values - threshold) > 1e-3
    wrong = (hard != (values >= threshold)) & sure
    soft_error = error_of(soft, values)
    label = f"paste_masks {stack.shape} into {(height, width)}"
    return label, np.max([soft_error, wrong.any()]), BOUND[np.dtype(F32)]


def one_mask(mask, box, size):
    """The whole image by grid_sample, where any of the box lies in it."""
    (x0, y0, x1, y1), (height, width) = box.tolist(), size
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        return np.zeros(size, F32)
    x = (torch.arange(width) + 0.5 - x0) / (x1 - x0) * 2 - 1
    y = (torch.arange(height) + 0.5 - y0) / (y1 - y0) * 2 - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None]
    return grid_sample(torch.tensor(mask)[None, None], grid, align_corners=False)[0, 0].numpy()


def patches(rng):
    """patch_affine and both gradients against a loop over objects."""
    padding, align = choose(rng, PADDINGS), bool(rng.integers(2))
    count, sizes = int(rng.integers(0, 7)), random_sizes(rng, 16, 2)
    images = rng.standard_normal((int(rng.integers(1, 4)), int(rng.integers(1, 4)), *sizes))
    theta = np.eye(2, 3) + rng.normal(0, 0.4, (count, 2, 3))
    corners = [np.sort(rng.integers(0, n + 1, (count, 2)), 1) for n in sizes[::-1]]
    boxes = np.stack([*(c[:, 0] for c in corners), *(c[:, 1] for c in corners)], 1)
    owners = rng.integers(0, len(images), count)
    x, t = tensors(images, theta)
    value = patched(x, t, boxes.tolist(), owners.tolist(), padding, align)
    grad = rng.standard_normal(value.shape)
    slopes = torch.autograd.grad(value, (x, t), torch.from_numpy(grad), allow_unused=True)
    slopes = [
        torch.zeros_like(of) if g is None else g for g, of in zip(slopes, (x, t), strict=True)
    ]
    arrays = maybe_strided(rng, images), theta, boxes, owners, "bilinear", padding, align
    got = fs.patch_affine(*arrays), *fs.patch_affine_backward(grad, *arrays)
    label = f"patch_affine {images.shape} with {count} {padding} {align}"
    return label, error_of(got, (value, *slopes)), BOUND[np.dtype(F64)]


def patched(images, theta, boxes, owners, padding, align):
    """Each object cut from its original image, warped and written back, in turn."""
    out = images.clone()
    for t, (x0, y0, x1, y1), n in zip(theta, boxes, owners, strict=True):
        patch = images[n : n + 1, :, y0:y1, x0:x1]
        if patch.numel():
            grid = affine_grid(t[None], patch.shape, align)
            out[n, :, y0:y1, x0:x1] = grid_sample(patch, grid, "bilinear", padding, align)[0]
    return out


def deform(rng):
    """deform_conv2d and all five gradients against columns from grid_sample and a product."""
    groups, offset_groups = (int(choose(rng, (1, 2, 4))) for _ in range(2))
    channels = max(groups, offset_groups) * int(rng.integers(1, 3))
    kernel, stride, dilation = (tuple(rng.integers(1, 4, 2).tolist()) for _ in range(3))
    padding, sizes = tuple(rng.integers(0, 4, 2).tolist()), rng.integers(7, 12, 2)
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(sizes, padding, dilation, kernel, stride, strict=True)
    ]
    batch, taps = int(rng.integers(1, 4)), offset_groups * kernel[0] * kernel[1]
    arrays = [
        rng.standard_normal((batch, channels, *sizes)),
        rng.normal(0, 2, (batch, 2 * taps, *out)),
        rng.standard_normal((groups * int(rng.integers(1, 4)), channels // groups, *kernel)),
    ]
    bias = rng.standard_normal(len(arrays[2])) if rng.integers(2) else None
    mask = rng.random((batch, taps, *out)) if rng.integers(2) else None
    leaves = [None if a is None else tensors(a)[0] for a in (*arrays, bias, mask)]
    value = deformed(*leaves, stride, padding, dilation)
    grad = rng.standard_normal(value.shape)
    value.backward(torch.from_numpy(grad))
    arguments = *(maybe_strided(rng, a) for a in arrays), bias, stride, padding, dilation, mask
    got = fs.deform_conv2d(*arguments), *fs.deform_conv2d_backward(grad, *arguments)
    want = value, *(None if leaf is None else leaf.grad for leaf in leaves)
    assert [g is None for g in got] == [w is None for w in want]
    given = [(g, w) for g, w in zip(got, want, strict=True) if w is not None]
    label = f"deform_conv2d {[a.shape for a in arrays]} {stride} {padding} {dilation}"
    return label, error_of(*map(tuple, zip(*given, strict=True))), BOUND[np.dtype(F64)]


def deformed(x, offset, weight, bias, mask, stride, padding, dilation):
    """The columns of each tap by grid_sample, then a product for each group."""
    kh, kw = weight.shape[2:]
    offset = offset.unflatten(1, (-1, kh * kw, 2))  # (N, G, K, (y, x), Ho, Wo)
    ho, wo = offset.shape[-2:]
    y = torch.arange(ho, dtype=x.dtype)[:, None] * stride[0] - padding[0]
    x_ = torch.arange(wo, dtype=x.dtype)[None] * stride[1] - padding[1]
    parts = x.chunk(offset.shape[1], 1)
    columns = []
    for g, part in enumerate(parts):
        for k in range(kh * kw):
            at_y = y + k // kw * dilation[0] + offset[:, g, k, 0]
            at_x = x_ + k % kw * dilation[1] + offset[:, g, k, 1]
            grid = normalised(torch.stack([at_x, at_y], -1), x.shape[2:])
            column = grid_sample(part, grid, "bilinear", "zeros", align_corners=False)
            scale = 1 if mask is None else mask.unflatten(1, (-1, kh * kw))[:, g, k, None]
            columns.append(scale * column)
    columns = torch.stack(columns, 1).unflatten(1, (len(parts), kh * kw)).transpose(2, 3)
    columns = columns.flatten(1, 2).flatten(3)  # (N, Cin, K, Ho · Wo)
    groups = x.shape[1] // weight.shape[1]
    columns = columns.unflatten(1, (groups, -1)).flatten(2, 3)
    kernels = weight.flatten(1).unflatten(0, (groups, -1))
    out = (kernels @ columns).flatten(1, 2).unflatten(-1, (ho, wo))
    return out if bias is None else out + bias[:, None, None]


COMPARISONS = (
    points,
    point_gradients,
    flow,
    integer_flow,
    flow_gradients,
    remap_cv2,
    remap_scipy,
    shift,
    integer_shift,
    masks,
    patches,
    deform,
)


def main():
    """Run all cases; each has a seed of its own, printed with a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=30, help="cases of each comparison")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "Since version 1.3.0, affine_grid")  # a box one pixel wide
    jobs = [job for job in COMPARISONS for _ in range(args.count)]
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
