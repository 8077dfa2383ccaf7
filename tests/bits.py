"""Results by their bits: whether two environments compute the same.

    python tests/bits.py --write oldest.json      # in one environment
    python tests/bits.py --compare oldest.json    # in another one; status 1 if any result differs

Inputs are fractions of powers of two, which no library rounds: any difference is the kernels.
"""

import argparse
import hashlib
import json
import platform
import sys
from itertools import product
from pathlib import Path

import numba
import numpy as np

import fastsample as fs
from fastsample import ndimage

BORDERS = "zeros", "border", "reflection", "wrap", "constant"
MODES = "nearest", "bilinear", "bicubic"
THETA = np.array([[[0.9375, -0.3125, 0.0625], [0.28125, 0.84375, -0.125]]], np.float32)
PIXELS = np.array([[[0.9375, -0.3125, 2.5], [0.28125, 0.84375, -1.25]]], np.float32)


def numbers(seed, shape, low=-64, high=64, scale=32, dtype=np.float32):
    """Multiples of 1 / scale."""
    return (np.random.default_rng(seed).integers(low, high, shape) / scale).astype(dtype)


IMAGE = numbers(0, (2, 3, 21, 34))
GRID = numbers(1, (2, 17, 25, 2), -150, 150, 128)
PHOTO = np.random.default_rng(2).integers(0, 256, (1, 30, 40, 3), np.uint8)
UP = numbers(3, (2, 3, 17, 25))


def of_grids():
    """Modes, borders, types, layouts, axes."""
    for mode, border in product(MODES, BORDERS):
        fill = {"fill_value": 1.5} if border == "constant" else {}
        yield f"{mode} {border}", fs.grid_sample(IMAGE, GRID, mode, border, **fill)
    for mode in MODES:
        yield f"uint8 last {mode}", fs.grid_sample(PHOTO, GRID, mode, channels_last=True)
    for dtype in np.float16, np.float64, np.int32, np.complex64, np.uint16:
        image = (
            (64 * IMAGE).astype(dtype) if dtype != np.uint16 else (64 * abs(IMAGE)).astype(dtype)
        )
        yield f"{np.dtype(dtype)}", fs.grid_sample(image, GRID)
    yield "1-D", fs.grid_sample(IMAGE[:, :, 0], GRID[:, :, 0, :1])
    yield "3-D", fs.grid_sample(IMAGE[:, :1, None].repeat(4, 2), numbers(4, (2, 50, 3), -40, 40))
    yield "pixels", fs.grid_sample(IMAGE, 20 * GRID, coordinates="pixel", padding_mode="mirror")
    yield "corners", fs.grid_sample(IMAGE, GRID.astype(np.float64), align_corners=True)


def of_systems():
    """The other functions that sample."""
    yield "affine_grid", fs.affine_grid(THETA, (1, 1, 19, 23))
    for mode in MODES:
        yield f"affine_sample {mode}", fs.affine_sample(IMAGE, THETA, (19, 23), mode)
        yield (
            f"affine bytes {mode}",
            fs.affine_sample(PHOTO, THETA, (9, 9), mode, channels_last=True),
        )
    yield "point_sample", fs.point_sample(IMAGE, abs(GRID))
    yield "flow_warp", fs.flow_warp(IMAGE, numbers(5, (2, 2, 21, 34)))
    maps = numbers(6, (2, 15, 18), -64, 1400)
    yield "remap", fs.remap(PHOTO[0], *maps, "bicubic", "reflection")
    tilt = np.array([[[1, 0.125, 0], [0, 1, 0.5], [0.0078125, 0, 1]]], np.float32)
    yield "perspective_sample", fs.perspective_sample(IMAGE, tilt, (19, 23))
    knots = numbers(7, (2, 2, 5, 5))
    yield "elastic_sample", fs.elastic_sample(IMAGE, knots, (19, 23), PIXELS)
    yield "transform_points", fs.transform_points(numbers(8, (1, 9, 2)), PIXELS, (19, 23))
    yield "region_shift whole", fs.region_shift(IMAGE, [[2, -3]])
    yield "region_shift part", fs.region_shift(IMAGE, [[0.25, -1.5]])
    boxes = np.array([[1, 2, 18.5, 21.25], [-4, 3, 9, 40]], np.float32)
    yield "paste_masks", fs.paste_masks(abs(numbers(9, (2, 7, 7))), boxes, (30, 32), None)
    yield "patch_affine", fs.patch_affine(IMAGE, THETA, [[2, 3, 20, 19]], [1])
    weight = numbers(10, (4, 3, 3, 3), -4, 4, 4)
    offset = numbers(11, (2, 18, 21, 34), -8, 8, 4)
    yield "deform_conv2d", fs.deform_conv2d(IMAGE, offset, weight, padding=1)


def of_gradients():
    """Both gradients, first and second."""
    for mode in "bilinear", "bicubic":
        gradients = fs.grid_sample_backward(UP, IMAGE, GRID, mode)
        yield f"{mode} gradient of the image", gradients[0]
        yield f"{mode} gradient of the grid", gradients[1]
    second = fs.grid_sample_double_backward(IMAGE, None, UP, IMAGE, GRID)
    yield "second, of the gradient", second[0]
    theta = fs.affine_sample_backward(UP, IMAGE, THETA, (17, 25), output_mask=(False, True))
    yield "gradient of theta", theta[1]


def of_splines():
    """scipy.ndimage's functions."""
    plane, places = IMAGE[0, 0].astype(np.float64), 10 * abs(numbers(12, (2, 60), dtype=np.float64))
    for order in 0, 1, 3, 5:
        yield f"map_coordinates {order}", ndimage.map_coordinates(plane, places, order=order)
    yield "zoom", ndimage.zoom(plane, 1.5)
    yield "spline_filter", ndimage.spline_filter(plane)


def digests():
    """Each result's name, with a digest of its type, shape and bits."""
    found = {}
    for results in of_grids, of_systems, of_gradients, of_splines:
        for name, result in results():
            head = f"{result.dtype.str} {result.shape}".encode()
            found[name] = hashlib.sha256(head + np.ascontiguousarray(result).tobytes()).hexdigest()[
                :16
            ]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--compare", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = digests()
    environment = (
        f"Python {platform.python_version()}, NumPy {np.__version__}, Numba {numba.__version__}"
    )
    print(f"{environment}: {len(found)} results")
    if options.write:
        options.write.write_text(
            json.dumps({"environment": environment, "results": found}, indent=1)
        )
    if not options.compare:
        return 0
    other = json.loads(options.compare.read_text())
    differ = [name for name in found if other["results"].get(name) != found[name]]
    print(f"{len(found) - len(differ)} of {len(found)} have the bits of {other['environment']}")
    print(*differ, sep="\n")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())
