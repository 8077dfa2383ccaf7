"""The sampling systems, types and layouts: one row a case, and what each library does there.

A case's `calls` make, library by library, a call without arguments that allocates and returns its
result; None where the library is missing. All results of a case are laid out alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from .cases import CV2, TORCH
from .implementations import module, threads
from .pasting import make_boxes, make_masks, paste_fastsample, paste_torch

OURS, NUMPY, FLOAT32 = "fastsample", "numpy", "fastsample, float32"
Maker = Callable[[], Callable[[], Any] | None]


@dataclass(frozen=True)
class System:
    """A function in a case of its own, and how many times faster than whom it should be."""

    name: str
    function: str
    calls: dict[str, Maker]
    targets: dict[str, float] = field(default_factory=dict)


def noise(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def picture(shape, dtype):
    """An image (H, W, C) of numbers from 0 to 255."""
    return (255 * np.random.default_rng(0).random(shape)).astype(dtype)


def maps(height, width, degrees=6.0):
    """A rotation about the centre with a ripple, in pixels: map_x and map_y, float32."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y = x - width / 2, y - height / 2
    map_x = cos * x - sin * y + width / 2 + 10 * np.sin(y / 50)
    return map_x.astype(np.float32), (sin * x + cos * y + height / 2).astype(np.float32)


def grid(batch, height, width):
    """The same in normalised coordinates: (N, H, W, 2)."""
    both = [(2 * m + 1) / n - 1 for m, n in zip(maps(height, width), (width, height), strict=True)]
    return np.repeat(np.stack(both, -1)[None], batch, axis=0).astype(np.float32)


def on_torch(function, *arrays):
    """A call of function(torch, tensors...), or None where PyTorch is missing."""
    lib = module(TORCH)
    if lib is None:
        return None
    lib.set_num_threads(threads())
    tensors = [lib.from_numpy(array) for array in arrays]
    return lambda: function(lib, *tensors)


def ours(name, *arguments, **options):
    """A call of one of our functions."""
    import fastsample as fs

    return lambda: getattr(fs, name)(*arguments, **options)


def sampled(lib, x, places, *how):
    return lib.nn.functional.grid_sample(x, places, *how, align_corners=False)


def point_sample():
    """Points as PointRend has them."""
    features = noise(0, (1, 256, 200, 304))
    points = np.random.default_rng(1).random((1, 12544, 2), np.float32)

    def torch(lib, x, p):
        return sampled(lib, x, (2 * p - 1)[:, :, None])[..., 0]

    calls = {
        OURS: partial(ours, "point_sample", features, points),
        TORCH: partial(on_torch, torch, features, points),
    }
    yield System("points 1x256x200x304, 12544", "point_sample", calls, {TORCH: 3})


def flow_warp():
    """Features by a smooth flow; PyTorch builds the grid for it."""
    features, (y, x) = noise(0, (1, 64, 256, 256)), np.mgrid[:256, :256]
    flow = np.stack([5 * np.sin(y / 20), 4 * np.cos(x / 25)])[None].astype(np.float32)

    def torch(lib, x, flow):
        along = lib.arange(256.0)
        rows, cols = lib.meshgrid(along, along, indexing="ij")
        places = lib.stack([cols + flow[:, 0], rows + flow[:, 1]], -1) * (2 / 255) - 1
        return lib.nn.functional.grid_sample(x, places, align_corners=True)

    calls = {
        OURS: partial(ours, "flow_warp", features, flow),
        TORCH: partial(on_torch, torch, features, flow),
    }
    yield System("flow 1x64x256x256", "flow_warp", calls, {TORCH: 4})


def remap():
    """OpenCV's own call."""
    for shape, dtype, mode, target in (
        ((1080, 1920, 3), "float32", "bilinear", 2),
        ((1080, 1920, 3), "uint8", "bilinear", 2),
        ((1024, 1024), "uint8", "bilinear", 1.3),
        ((720, 1280, 3), "uint8", "bicubic", 1.5),
        ((1080, 1920, 4), "float32", "bilinear", None),
        ((1080, 1920), "float32", "bilinear", None),
        ((1080, 1920, 3), "uint16", "bilinear", None),
        ((1080, 1920, 3), "uint8", "nearest", None),
    ):
        image, places = picture(shape, dtype), maps(*shape[:2])

        def cv2(image=image, places=places, mode=mode):
            lib = module(CV2)
            if lib is None:
                return None
            lib.setNumThreads(threads())
            flags = {"nearest": 0, "bilinear": lib.INTER_LINEAR, "bicubic": lib.INTER_CUBIC}
            return lambda: lib.remap(image, *places, flags[mode])

        name = f"remap {dtype} {'x'.join(map(str, shape))} {mode}"
        calls = {OURS: partial(ours, "remap", image, *places, mode), CV2: cv2}
        yield System(name, "remap", calls, {} if target is None else {CV2: target})


def channels_last():
    """Beside PyTorch's tensors in its own memory format of that name."""

    def torch(lib, x, places):
        return sampled(lib, x.permute(0, 3, 1, 2), places).permute(0, 2, 3, 1)

    for shape, target in (((4, 256, 256, 32), 2), ((1, 64, 64, 3), 0.8)):
        x, places = noise(0, shape), grid(*shape[:3])
        calls = {
            OURS: partial(ours, "grid_sample", x, places, channels_last=True),
            TORCH: partial(on_torch, torch, x, places),
        }
        name = f"channels last {'x'.join(map(str, shape))}"
        yield System(name, "channels_last", calls, {TORCH: target})


def planes():
    """uint8 beside float32."""
    for shape in ((8, 3, 256, 256), (1, 3, 1080, 1920), (16, 64, 64, 64)):
        x, places = picture(shape, np.uint8), grid(shape[0], *shape[2:])
        calls = {
            OURS: partial(ours, "grid_sample", x, places),
            FLOAT32: partial(ours, "grid_sample", x.astype(np.float32), places),
        }
        name = f"uint8 planes {'x'.join(map(str, shape))}"
        yield System(name, "types", calls, {FLOAT32: 1})


def region_shift():
    """A quarter of the channels each way, by slices out of place."""
    x = noise(0, (8, 64, 56, 56))
    table = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])
    calls = {
        OURS: partial(ours, "region_shift", x, table),
        NUMPY: lambda: lambda: by_slices(np.empty_like(x), x),
        TORCH: partial(on_torch, lambda lib, x: by_slices(lib.empty_like(x), x), x),
    }
    yield System("shift 8x64x56x56", "region_shift", calls, {NUMPY: 2, TORCH: 2})
    slides = (table * 0.75 + 0.1).astype(np.float32)
    calls = {OURS: partial(ours, "region_shift", x, slides)}
    yield System("shift by fractions 8x64x56x56", "region_shift", calls)


def by_slices(out, x):
    """The pixels that move, and the edge that stays."""
    each = x.shape[1] // 4
    quarters = [np.s_[:, k : k + each] for k in range(0, x.shape[1], each)]
    (down, up, right, left), (to_down, to_up, to_right, to_left) = (
        [array[quarter] for quarter in quarters] for array in (x, out)
    )
    to_down[:, :, 1:], to_down[:, :, :1] = down[:, :, :-1], down[:, :, :1]
    to_up[:, :, :-1], to_up[:, :, -1:] = up[:, :, 1:], up[:, :, -1:]
    to_right[..., 1:], to_right[..., :1] = right[..., :-1], right[..., :1]
    to_left[..., :-1], to_left[..., -1:] = left[..., 1:], left[..., -1:]
    return out


def paste_masks():
    """100 masks of 28 x 28 into 800 x 1333."""
    for name, threshold in (("hard", 0.5), ("soft", None)):
        arguments = make_masks(), make_boxes(), threshold
        calls = {
            OURS: partial(paste_fastsample, *arguments),
            TORCH: partial(paste_torch, *arguments),
        }
        yield System(f"masks 100x28x28, {name}", "paste_masks", calls, {TORCH: 6})


def patch_affine():
    """Ten boxes of two images, each by its own matrix."""
    rng, images = np.random.default_rng(1), noise(0, (2, 3, 64, 64))
    low = rng.integers(0, 40, (10, 2))
    boxes = np.concatenate([low, low + rng.integers(8, 24, (10, 2))], 1)
    theta = (np.eye(2, 3) + rng.normal(0, 0.2, (10, 2, 3))).astype(np.float32)
    owners = np.arange(10) % 2

    def torch(lib, images, theta):
        out, functional = images.clone(), lib.nn.functional
        for k, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
            place = np.s_[owners[k] : owners[k] + 1, :, y0:y1, x0:x1]
            patch = images[place]
            places = functional.affine_grid(theta[k : k + 1], patch.shape, align_corners=False)
            out[place] = sampled(lib, patch, places)
        return out

    calls = {
        OURS: partial(ours, "patch_affine", images, theta, boxes, owners),
        TORCH: partial(on_torch, torch, images, theta),
    }
    yield System("patches 2x3x64x64, 10", "patch_affine", calls)


def deform_conv2d():
    """The usual layer; the product alone stands beside it."""
    x, weight = noise(0, (2, 64, 56, 56)), noise(1, (64, 64, 3, 3))
    offset, columns = noise(2, (2, 18, 56, 56)), noise(3, (64 * 9, 2 * 56 * 56))
    calls = {
        OURS: partial(ours, "deform_conv2d", x, offset, weight, padding=1),
        "the product alone": lambda: lambda: weight.reshape(64, -1) @ columns,
    }
    yield System("deformable 2x64x56x56, 3x3", "deform_conv2d", calls)


MAKERS = (
    *(point_sample, flow_warp, remap, channels_last, planes),
    *(region_shift, paste_masks, patch_affine, deform_conv2d),
)


def systems(*makers):
    """The cases of some makers, or of all, by name."""
    return {system.name: system for make in makers or MAKERS for system in make()}


def benchmark(*makers):
    """A class for asv: time and peak memory of each case in each library."""
    cases = systems(*makers)
    libraries = dict.fromkeys(library for case in cases.values() for library in case.calls)

    class Benchmark:
        params = (list(cases), list(libraries))
        param_names = ("case", "library")
        warmup_time = 0.1

        def setup(self, case, library):
            make = systems(*makers)[case].calls.get(library)
            self.call = None if make is None else make()
            if self.call is None:
                raise NotImplementedError(f"{library} cannot do {case} here")
            self.call()  # compiles, or reads the cache

        def time_call(self, case, library):
            self.call()

        def peakmem_call(self, case, library):
            self.call()

    return Benchmark
