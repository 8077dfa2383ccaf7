"""The sampling systems, types and layouts: one row a case, and what each library does there."""

from functools import cache, lru_cache, partial

import numpy as np

from fastsample._kernels import threads

from .case import CV2, NUMPY, OURS, SCIPY, SKIMAGE, TORCH, Case, module
from .grids import Job
from .libraries import LIBRARIES
from .pasting import make_boxes, make_masks, paste_fastsample, paste_torch

FLOAT32 = "fastsample, float32"
PRODUCT = "the product alone"
PLANAR = SCIPY, SKIMAGE


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
    """The same in normalized coordinates: (N, H, W, 2)."""
    both = [(2 * m + 1) / n - 1 for m, n in zip(maps(height, width), (width, height), strict=True)]
    return np.repeat(np.stack(both, -1)[None], batch, axis=0).astype(np.float32)


@lru_cache(maxsize=1)  # all libraries get the same ones
def made(make):
    """The arrays of a case, made when its first library is asked."""
    return make()


def on_torch(function, make):
    """A call of function(torch, tensors...), or None where PyTorch is missing."""
    lib = module(TORCH)
    if lib is None:
        return None
    lib.set_num_threads(threads.in_use())
    tensors = [lib.from_numpy(array) for array in made(make)]
    return lambda: function(lib, *tensors)


def ours(name, make, *rest, **options):
    """A call of one of our functions on a case's arrays."""
    import fastsample as fs

    function, arrays = getattr(fs, name), made(make)
    return lambda: function(*arrays, *rest, **options)


def plane_by_plane(library, make):
    """What a library of single planes does with images (N, C, H, W) and their grid (N, *out, 2)."""
    x, places = make()
    return LIBRARIES[library](Job("grid_sample", x.shape, out=places.shape[1:-1]), x, places)


def sampled(lib, x, places, *how):
    return lib.nn.functional.grid_sample(x, places, *how, align_corners=False)


def point_sample():
    """Points as PointRend has them."""
    calls = points((1, 256, 200, 304), 12544)
    yield Case("points 1x256x200x304, 12544", "point_sample", calls, {TORCH: 3}, headline=True)


def points(shape, count):
    """What each library does with so many points, in no order, on one image."""

    def make():
        return noise(0, shape), np.random.default_rng(1).random((1, count, 2), np.float32)

    def torch(lib, x, p):
        return sampled(lib, x, (2 * p - 1)[:, :, None])[..., 0]

    def normalized():
        x, p = made(make)
        return x, 2 * p - 1

    return {
        OURS: partial(ours, "point_sample", make),
        TORCH: partial(on_torch, torch, make),
        SCIPY: partial(plane_by_plane, SCIPY, normalized),
    }


def flow_warp():
    """Features by a smooth flow; PyTorch builds the grid for it."""

    def make():
        y, x = np.mgrid[:256, :256]
        flow = np.stack([5 * np.sin(y / 20), 4 * np.cos(x / 25)])[None].astype(np.float32)
        return noise(0, (1, 64, 256, 256)), flow

    def torch(lib, x, flow):
        along = lib.arange(256.0)
        rows, cols = lib.meshgrid(along, along, indexing="ij")
        places = lib.stack([cols + flow[:, 0], rows + flow[:, 1]], -1) * (2 / 255) - 1
        return lib.nn.functional.grid_sample(x, places, align_corners=True)

    calls = {
        OURS: partial(ours, "flow_warp", make),
        TORCH: partial(on_torch, torch, make),
    }
    yield Case("flow 1x64x256x256", "flow_warp", calls, {TORCH: 4}, headline=True)


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
        make = partial(picture_and_maps, shape, dtype)
        calls = {OURS: partial(ours, "remap", make, mode), CV2: partial(cv2_remap, make, mode)}
        if dtype == "float32" and shape[2:] == (3,):  # integers they do not round alike
            planes = partial(as_planes, make)
            calls |= {library: partial(plane_by_plane, library, planes) for library in PLANAR}
        name = f"remap {dtype} {'x'.join(map(str, shape))} {mode}"
        targets = {} if target is None else {CV2: target}
        yield Case(
            name, "remap", calls, targets, headline=name == "remap uint8 1080x1920x3 bilinear"
        )


def picture_and_maps(shape, dtype):
    return picture(shape, dtype), *maps(*shape[:2])


def as_planes(make):
    """The same image as planes, and its grid."""
    image = made(make)[0]
    return np.ascontiguousarray(np.moveaxis(image, -1, 0)[None]), grid(1, *image.shape[:2])


def cv2_remap(make, mode):
    lib = module(CV2)
    if lib is None:
        return None
    lib.setNumThreads(threads.in_use())
    flags = {"nearest": 0, "bilinear": lib.INTER_LINEAR, "bicubic": lib.INTER_CUBIC}
    arrays = made(make)
    return lambda: lib.remap(*arrays, flags[mode])


def channels_last():
    """Beside PyTorch's tensors in its own memory format of that name."""

    def torch(lib, x, places):
        return sampled(lib, x.permute(0, 3, 1, 2), places).permute(0, 2, 3, 1)

    for shape, target in (((4, 256, 256, 32), 2), ((1, 64, 64, 3), 0.8)):
        make = partial(noise_and_grid, shape)
        calls = {
            OURS: partial(ours, "grid_sample", make, channels_last=True),
            TORCH: partial(on_torch, torch, make),
        }
        name = f"channels last {'x'.join(map(str, shape))}"
        yield Case(name, "channels_last", calls, {TORCH: target})


def noise_and_grid(shape):
    return noise(0, shape), grid(*shape[:3])


def planes():
    """uint8 beside float32."""
    for shape in ((8, 3, 256, 256), (1, 3, 1080, 1920), (16, 64, 64, 64)):
        calls = {
            OURS: partial(ours, "grid_sample", partial(picture_and_grid, shape, "uint8")),
            FLOAT32: partial(ours, "grid_sample", partial(picture_and_grid, shape, "float32")),
        }
        name = f"uint8 planes {'x'.join(map(str, shape))}"
        yield Case(name, "types", calls, {FLOAT32: 1})


def picture_and_grid(shape, dtype):
    """Planes of whole numbers, whichever type they have."""
    return picture(shape, np.uint8).astype(dtype), grid(shape[0], *shape[2:])


def region_shift():
    """A quarter of the channels each way, by slices out of place; and by fractions of pixels."""
    table = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])
    slides = (table * 0.75 + 0.1).astype(np.float32)

    def make(shifts):
        return noise(0, (8, 64, 56, 56)), shifts

    def numpy():
        x, _ = made(whole)
        return lambda: by_slices(np.empty_like(x), x)

    whole, parts = partial(make, table), partial(make, slides)
    calls = {
        OURS: partial(ours, "region_shift", whole),
        NUMPY: numpy,
        TORCH: partial(on_torch, lambda lib, x, _: by_slices(lib.empty_like(x), x), whole),
    }
    yield Case("shift 8x64x56x56", "region_shift", calls, {NUMPY: 2, TORCH: 2})
    calls = {OURS: partial(ours, "region_shift", parts), SCIPY: partial(scipy_shift, parts)}
    yield Case("shift by fractions 8x64x56x56", "region_shift", calls)


def scipy_shift(make):
    """`scipy.ndimage.shift`, a plane at a time."""
    lib = module("scipy.ndimage")
    if lib is None:
        return None
    x, shifts = made(make)
    shifts = np.repeat(shifts, x.shape[1] // len(shifts), axis=0)

    def call():
        out = np.empty_like(x)
        for n, c in np.ndindex(x.shape[:2]):
            lib.shift(x[n, c], shifts[c], out[n, c], order=1, mode="nearest")
        return out

    return call


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
        yield Case(
            f"masks 100x28x28, {name}",
            "paste_masks",
            calls,
            {TORCH: 6},
            headline=threshold is not None,
        )


def patch_affine():
    """Ten boxes of two images, each by its own matrix."""
    rng, images = np.random.default_rng(1), noise(0, (2, 3, 64, 64))  # all of it small
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

    def make():
        return images, theta

    calls = {
        OURS: partial(ours, "patch_affine", make, boxes, owners),
        TORCH: partial(on_torch, torch, make),
    }
    yield Case("patches 2x3x64x64, 10", "patch_affine", calls)


def deform_conv2d():
    """The usual layer; the product alone stands beside it."""

    def make():
        x, offset, weight = (2, 64, 56, 56), (2, 18, 56, 56), (64, 64, 3, 3)
        return noise(0, x), noise(2, offset), noise(1, weight)

    def product():
        weight, columns = made(make)[2].reshape(64, -1), noise(3, (64 * 9, 2 * 56 * 56))
        return lambda: weight @ columns

    calls = {OURS: partial(ours, "deform_conv2d", make, padding=1), PRODUCT: product}
    yield Case("deformable 2x64x56x56, 3x3", "deform_conv2d", calls)


MAKERS = (
    *(point_sample, flow_warp, remap, channels_last, planes),
    *(region_shift, paste_masks, patch_affine, deform_conv2d),
)


@cache
def cases():
    """Every case."""
    return tuple(case for make in MAKERS for case in make())
