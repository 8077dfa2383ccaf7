"""Write the golden files from PyTorch: `python tests/golden/make_golden.py`.

Each file holds one image, one grid and PyTorch's answers for every mode, border and align_corners,
named `mode/padding_mode/align_corners`, besides the versions that made it.
"""

import itertools
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import grid_sample

HERE = Path(__file__).parent
PADDINGS = ("zeros", "border", "reflection")
MODES = {2: ("nearest", "bilinear", "bicubic"), 3: ("nearest", "bilinear")}
SHAPES = {2: ((2, 3, 9, 13), (2, 11, 7)), 3: ((2, 2, 5, 6, 7), (2, 4, 5, 3))}


def arrays(ndim, dtype):
    """An image and a grid that spills outside, with corners, centres and borders in it."""
    rng = np.random.default_rng(ndim)
    image_shape, out_shape = SHAPES[ndim]
    image = rng.standard_normal(image_shape).astype(dtype)
    grid = rng.uniform(-1.7, 1.7, (*out_shape, ndim))
    special = list(itertools.product((-1.0, 0.0, 1.0), repeat=ndim))
    grid.reshape(-1, ndim)[: len(special)] = special
    return image, grid.astype(dtype)


def answers(image, grid):
    """{mode/padding/align: result}."""
    image, grid = torch.from_numpy(image), torch.from_numpy(grid)
    names = itertools.product(MODES[image.ndim - 2], PADDINGS, (False, True))
    return {
        f"{mode}/{padding}/{align}": grid_sample(image, grid, mode, padding, align).numpy()
        for mode, padding, align in names
    }


def main():
    """Two and three axes, two precisions."""
    versions = {"torch": torch.__version__, "numpy": np.__version__}
    for ndim, dtype in itertools.product((2, 3), ("float32", "float64")):
        image, grid = arrays(ndim, dtype)
        np.savez_compressed(
            HERE / f"grid_sample_{ndim}d_{dtype}.npz",
            image=image,
            grid=grid,
            versions=np.array([f"{name} {version}" for name, version in versions.items()]),
            **answers(image, grid),
        )


if __name__ == "__main__":
    main()
