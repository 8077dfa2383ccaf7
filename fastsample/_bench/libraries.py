"""How each library samples by grids and matrices.

Each entry of `LIBRARIES` takes (job, *arrays), the arrays that the job's function takes, and
answers with a call that allocates and returns its result, or None where the library is missing or
cannot do the job. Whatever a library wants laid out differently is laid out before the clock
starts, and so is what a backward keeps from its forward.
"""

import numpy as np

from fastsample._kernels import threads

from .case import CV2, OURS, SCIPY, SKIMAGE, TORCH, module

SCIPY_MODES = {"zeros": "grid-constant", "border": "nearest", "reflection": "reflect"}
SCIPY_ORDERS = {"nearest": 0, "bilinear": 1, "bicubic": 3}
TORCH_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
TORCH_PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


def fastsample(job, *arrays):
    import fastsample as fs

    function, how = getattr(fs, job.function), (job.mode, job.padding)
    rest = {
        "grid_sample": how,
        "affine_sample": (job.shape[2:], *how),
        "affine_grid": (job.shape,),
    }[job.function.removesuffix("_backward")]
    if job.function.endswith("sample_backward"):
        return lambda: function(*arrays, *rest, output_mask=job.output_mask)
    return lambda: function(*arrays, *rest)


def torch(job, *arrays):
    lib = module(TORCH)
    if lib is None or (len(job.shape) == 5 and job.mode == "bicubic"):
        return None
    lib.set_num_threads(threads.in_use())
    return TORCH_CALLS[job.function](lib, job, *map(lib.from_numpy, arrays))


def torch_grid_sample(lib, job, x, grid):
    sample = lib.nn.functional.grid_sample
    return lambda: sample(x, grid, job.mode, job.padding, align_corners=False)


def torch_grid_sample_backward(lib, job, gradient, x, grid):
    back = getattr(lib.ops.aten, f"grid_sampler_{x.ndim - 2}d_backward").default
    how = TORCH_MODES[job.mode], TORCH_PADDINGS[job.padding], False, job.output_mask
    return lambda: back(gradient, x, grid, *how)


def torch_affine_grid(lib, job, theta):
    make = lib.nn.functional.affine_grid
    return lambda: make(theta, job.shape, align_corners=False)


def torch_affine_grid_backward(lib, job, gradient):
    back = lib.ops.aten.affine_grid_generator_backward.default
    return lambda: back(gradient, job.shape, False)


def torch_affine_sample(lib, job, x, theta):
    grid = torch_affine_grid(lib, job, theta)
    return lambda: torch_grid_sample(lib, job, x, grid())()


def torch_affine_sample_backward(lib, job, gradient, x, theta):
    grid = torch_affine_grid(lib, job, theta)()
    back = torch_grid_sample_backward(lib, job, gradient, x, grid)

    def call():
        grad_input, grad_grid = back()
        return grad_input, torch_affine_grid_backward(lib, job, grad_grid)()

    return call


def cv2(job, *arrays):
    """A loop over contiguous (H, W, C) images."""
    lib = module(CV2)
    make = CV2_CALLS.get(job.function)
    if lib is None or make is None or len(job.shape) != 4 or job.shape[1] > 4:
        return None
    lib.setNumThreads(threads.in_use())
    how = {"nearest": lib.INTER_NEAREST, "bilinear": lib.INTER_LINEAR, "bicubic": lib.INTER_CUBIC}
    border = {
        "zeros": lib.BORDER_CONSTANT,
        "border": lib.BORDER_REPLICATE,
        "reflection": lib.BORDER_REFLECT,
    }
    x, places = arrays
    images = [np.ascontiguousarray(np.moveaxis(image, 0, -1)) for image in x]
    rule = {"borderMode": border[job.padding], "borderValue": 0}
    return make(lib, images, places, how[job.mode], rule)


def cv2_remap(lib, images, grid, flags, rule):
    """`cv2.remap` with float32 maps."""
    maps = np.ascontiguousarray(np.moveaxis(to_pixels(grid, images[0].shape[:2]), -1, 1))
    pairs = list(zip(images, maps, strict=True))
    return lambda: [lib.remap(image, mx, my, flags, **rule) for image, (mx, my) in pairs]


def cv2_warp_affine(lib, images, theta, flags, rule):
    """`cv2.warpAffine` with double matrices."""
    height, width = images[0].shape[:2]
    pairs = list(zip(images, to_pixel_maps(theta, (height, width)), strict=True))
    rule["flags"] = flags | lib.WARP_INVERSE_MAP
    return lambda: [lib.warpAffine(image, m, (width, height), **rule) for image, m in pairs]


def scipy(job, *arrays):
    """A plane at a time; its order 3 is a B-spline, not Keys."""
    lib = module("scipy.ndimage")
    make = SCIPY_CALLS.get(job.function)
    if lib is None or make is None:
        return None
    x, places = arrays
    sample = make(lib, places, x.shape[2:], SCIPY_ORDERS[job.mode], SCIPY_MODES[job.padding])
    return plane_by_plane(job, x, sample)


def plane_by_plane(job, x, sample):
    """A call of sample(plane, n, out) for each plane of the samples n."""
    shape = (*x.shape[:2], *(job.out or x.shape[2:]))

    def call():
        out = np.empty(shape, x.dtype)
        for n, c in np.ndindex(shape[:2]):
            sample(x[n, c], n, out[n, c])
        return out

    return call


def scipy_map_coordinates(lib, grid, sizes, order, mode):
    places = np.ascontiguousarray(np.moveaxis(to_pixels(grid, sizes)[..., ::-1], -1, 1))
    return lambda x, n, out: lib.map_coordinates(x, places[n], out, order, mode=mode)


def scipy_affine_transform(lib, theta, sizes, order, mode):
    maps = to_pixel_maps(theta, sizes)[:, ::-1]
    linear, shift = np.ascontiguousarray(maps[..., -2::-1]), maps[..., -1]
    return lambda x, n, out: lib.affine_transform(
        x, linear[n], shift[n], output=out, order=order, mode=mode
    )


TORCH_CALLS = {
    "grid_sample": torch_grid_sample,
    "grid_sample_backward": torch_grid_sample_backward,
    "affine_sample": torch_affine_sample,
    "affine_sample_backward": torch_affine_sample_backward,
    "affine_grid": torch_affine_grid,
    "affine_grid_backward": torch_affine_grid_backward,
}
CV2_CALLS = {"grid_sample": cv2_remap, "affine_sample": cv2_warp_affine}
SCIPY_CALLS = {"grid_sample": scipy_map_coordinates, "affine_sample": scipy_affine_transform}


def skimage(job, *arrays):
    """A plane at a time, by a matrix or by coordinates; its order 3 is a B-spline, not Keys."""
    lib = module("skimage.transform")
    make = SKIMAGE_CALLS.get(job.function)
    if lib is None or make is None:
        return None
    x, places = arrays
    how = {"order": SCIPY_ORDERS[job.mode], "mode": SKIMAGE_MODES[job.padding]}
    maps = make(lib, places, x.shape[2:])

    def sample(plane, n, out):
        out[...] = lib.warp(plane, maps[n], clip=False, preserve_range=True, **how)

    return plane_by_plane(job, x, sample)


def skimage_coordinates(lib, grid, sizes):
    """Planes of rows and columns for each image."""
    return np.ascontiguousarray(np.moveaxis(to_pixels(grid, sizes)[..., ::-1], -1, 1))


def skimage_matrices(lib, theta, sizes):
    """Matrices where it has them, in two dimensions; else coordinates."""
    maps = to_pixel_maps(theta, sizes)
    if len(sizes) == 2:
        return [lib.AffineTransform(np.vstack([m, [0, 0, 1]])) for m in maps]
    places = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"))[::-1]
    linear, shift = maps[..., :-1], maps[..., -1]
    found = np.einsum("nij,j...->ni...", linear, places)
    return (found + shift.reshape(*shift.shape, *(1,) * len(sizes)))[:, ::-1].astype(np.float32)


def to_pixels(grid, sizes):
    """The same places in pixels, float32; x runs along the last of `sizes`."""
    half = np.asarray(sizes[::-1], np.float64) / 2
    return ((grid + 1.0) * half - 0.5).astype(np.float32)


def to_pixel_maps(theta, sizes):
    """The same maps (N, D, D + 1), of an output of the input's sizes, from pixels to pixels."""
    half = np.asarray(sizes[::-1], np.float64) / 2
    linear = theta[..., :-1] * half[:, None] / half
    centre = half - 0.5  # which the map without a shift keeps
    shift = theta[..., -1] * half + centre - linear @ centre
    return np.concatenate([linear, shift[..., None]], axis=-1)


SKIMAGE_MODES = {"zeros": "constant", "border": "edge", "reflection": "symmetric"}
SKIMAGE_CALLS = {"grid_sample": skimage_coordinates, "affine_sample": skimage_matrices}
LIBRARIES = {OURS: fastsample, TORCH: torch, CV2: cv2, SCIPY: scipy, SKIMAGE: skimage}
