"""One way to sample a case for each library, as a call without arguments.

Each entry of `IMPLEMENTATIONS` takes (case, input, grid) and answers with a call that allocates
and returns its result, or None where the library is missing or cannot do the case. Whatever a
library wants laid out differently is laid out before the clock starts.
"""

import importlib
import os

import numpy as np

from .cases import to_pixels

SCIPY_MODES = {"zeros": "grid-constant", "border": "nearest", "reflection": "reflect"}
SCIPY_ORDERS = {"nearest": 0, "bilinear": 1, "bicubic": 3}


def module(name):
    """The module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def threads():
    """How many threads every library may use."""
    return int(os.environ.get("NUMBA_NUM_THREADS") or os.cpu_count() or 1)


def fastsample(case, x, grid):
    import fastsample as fs

    return lambda: fs.grid_sample(x, grid, case.mode, case.padding)


def torch(case, x, grid):
    lib = module("torch")
    if lib is None or (x.ndim == 5 and case.mode == "bicubic"):
        return None
    lib.set_num_threads(threads())
    sample = lib.nn.functional.grid_sample
    x, grid = lib.from_numpy(x), lib.from_numpy(grid)
    return lambda: sample(x, grid, case.mode, case.padding, align_corners=False)


def cv2(case, x, grid):
    """`cv2.remap` on contiguous (H, W, C) images and float32 maps; a batch is a loop."""
    lib = module("cv2")
    if lib is None or x.ndim != 4 or x.shape[1] > 4:
        return None
    lib.setNumThreads(threads())
    how = {"nearest": lib.INTER_NEAREST, "bilinear": lib.INTER_LINEAR, "bicubic": lib.INTER_CUBIC}
    border = {
        "zeros": lib.BORDER_CONSTANT,
        "border": lib.BORDER_REPLICATE,
        "reflection": lib.BORDER_REFLECT,
    }
    images = [np.ascontiguousarray(np.moveaxis(image, 0, -1)) for image in x]
    maps = np.ascontiguousarray(np.moveaxis(to_pixels(grid, x.shape[2:]), -1, 1))
    rule = {"borderMode": border[case.padding], "borderValue": 0}

    def call():
        pairs = zip(images, maps, strict=True)
        return [lib.remap(image, mx, my, how[case.mode], **rule) for image, (mx, my) in pairs]

    return call


def scipy(case, x, grid):
    """`scipy.ndimage.map_coordinates`, a plane at a time; its order 3 is a B-spline, not Keys."""
    lib = module("scipy.ndimage")
    if lib is None:
        return None
    order, mode = SCIPY_ORDERS[case.mode], SCIPY_MODES[case.padding]
    places = np.moveaxis(to_pixels(grid, x.shape[2:])[..., ::-1], -1, 1)
    places = np.ascontiguousarray(places)
    shape = x.shape[:2] + grid.shape[1:-1]

    def call():
        out = np.empty(shape, x.dtype)
        for n, c in np.ndindex(shape[:2]):
            lib.map_coordinates(x[n, c], places[n], out[n, c], order, mode=mode)
        return out

    return call


IMPLEMENTATIONS = {"fastsample": fastsample, "torch": torch, "cv2": cv2, "scipy": scipy}


def as_array(name, result):
    """Any implementation's result as (N, C, *out)."""
    if name != "cv2":
        return np.asarray(result)
    images = np.stack(result)
    return np.moveaxis(images if images.ndim == 4 else images[..., None], -1, 1)
