"""One way to do a case for each library, as a call without arguments.

Each entry of `IMPLEMENTATIONS` takes (case, *arrays), the arrays that the case's function takes,
and answers with a call that allocates and returns its result, or None where the library is missing
or cannot do the case. Whatever a library wants laid out differently is laid out before the clock
starts, and so is what a backward keeps from its forward.
"""

import importlib
import os

import numpy as np

from .cases import to_pixel_maps, to_pixels

SCIPY_MODES = {"zeros": "grid-constant", "border": "nearest", "reflection": "reflect"}
SCIPY_ORDERS = {"nearest": 0, "bilinear": 1, "bicubic": 3}
TORCH_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
TORCH_PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


def module(name):
    """The module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def threads():
    """How many threads every library may use."""
    return int(os.environ.get("NUMBA_NUM_THREADS") or os.cpu_count() or 1)


def ready(implementation, case, arrays):
    """A library's call for a case after its first one, which compiles or reads the cache."""
    call = IMPLEMENTATIONS[implementation](case, *arrays)
    if call is None:
        raise NotImplementedError(
            f"{implementation} cannot do {case.name} here"
        )  # asv leaves it out
    call()
    return call


def fastsample(case, *arrays):
    import fastsample as fs

    function, how = getattr(fs, case.function), (case.mode, case.padding)
    rest = {
        "grid_sample": how,
        "affine_sample": (case.shape[2:], *how),
        "affine_grid": (case.shape,),
    }[case.function.removesuffix("_backward")]
    if case.function.endswith("sample_backward"):
        return lambda: function(*arrays, *rest, output_mask=case.output_mask)
    return lambda: function(*arrays, *rest)


def torch(case, *arrays):
    lib = module("torch")
    if lib is None or (len(case.shape) == 5 and case.mode == "bicubic"):
        return None
    lib.set_num_threads(threads())
    return TORCH_CALLS[case.function](lib, case, *map(lib.from_numpy, arrays))


def torch_grid_sample(lib, case, x, grid):
    sample = lib.nn.functional.grid_sample
    return lambda: sample(x, grid, case.mode, case.padding, align_corners=False)


def torch_grid_sample_backward(lib, case, gradient, x, grid):
    back = getattr(lib.ops.aten, f"grid_sampler_{x.ndim - 2}d_backward").default
    how = TORCH_MODES[case.mode], TORCH_PADDINGS[case.padding], False, case.output_mask
    return lambda: back(gradient, x, grid, *how)


def torch_affine_grid(lib, case, theta):
    make = lib.nn.functional.affine_grid
    return lambda: make(theta, case.shape, align_corners=False)


def torch_affine_grid_backward(lib, case, gradient):
    back = lib.ops.aten.affine_grid_generator_backward.default
    return lambda: back(gradient, case.shape, False)


def torch_affine_sample(lib, case, x, theta):
    grid = torch_affine_grid(lib, case, theta)
    return lambda: torch_grid_sample(lib, case, x, grid())()


def torch_affine_sample_backward(lib, case, gradient, x, theta):
    grid = torch_affine_grid(lib, case, theta)()
    back = torch_grid_sample_backward(lib, case, gradient, x, grid)

    def call():
        grad_input, grad_grid = back()
        return grad_input, torch_affine_grid_backward(lib, case, grad_grid)()

    return call


def cv2(case, *arrays):
    """A loop over contiguous (H, W, C) images."""
    lib = module("cv2")
    make = CV2_CALLS.get(case.function)
    if lib is None or make is None or len(case.shape) != 4 or case.shape[1] > 4:
        return None
    lib.setNumThreads(threads())
    how = {"nearest": lib.INTER_NEAREST, "bilinear": lib.INTER_LINEAR, "bicubic": lib.INTER_CUBIC}
    border = {
        "zeros": lib.BORDER_CONSTANT,
        "border": lib.BORDER_REPLICATE,
        "reflection": lib.BORDER_REFLECT,
    }
    x, places = arrays
    images = [np.ascontiguousarray(np.moveaxis(image, 0, -1)) for image in x]
    rule = {"borderMode": border[case.padding], "borderValue": 0}
    return make(lib, images, places, how[case.mode], rule)


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


def scipy(case, *arrays):
    """A plane at a time; its order 3 is a B-spline, not Keys."""
    lib = module("scipy.ndimage")
    make = SCIPY_CALLS.get(case.function)
    if lib is None or make is None:
        return None
    x, places = arrays
    sample = make(lib, places, x.shape[2:], SCIPY_ORDERS[case.mode], SCIPY_MODES[case.padding])
    shape = x.shape if case.function == "affine_sample" else x.shape[:2] + places.shape[1:-1]

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
IMPLEMENTATIONS = {"fastsample": fastsample, "torch": torch, "cv2": cv2, "scipy": scipy}


def as_arrays(name, result):
    """A library's result as arrays, images as (N, C, *out); None for what was not made."""
    if name == "cv2":
        images = np.stack(result)
        return [np.moveaxis(images if images.ndim == 4 else images[..., None], -1, 1)]
    several = result if isinstance(result, tuple) else [result]
    return [None if array is None else np.asarray(array) for array in several]
