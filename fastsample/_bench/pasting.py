"""`paste_masks`, and the usual loop, which samples one mask after the other with PyTorch."""

import numpy as np

from fastsample._kernels import threads

from .case import TORCH, module

COUNT, MASK, IMAGE = 100, 28, (800, 1333)


def make_masks():
    """Noise (K, h, w), float32."""
    return np.random.default_rng(0).random((COUNT, MASK, MASK), dtype=np.float32)


def make_boxes(shortest=20, longest=400):
    """Boxes (K, 4) of all sizes, alike in logarithm, cut off where they reach outside; float32."""
    rng, size = np.random.default_rng(1), np.array(IMAGE[::-1])
    centres = rng.uniform(0, size, (COUNT, 2))
    halves = np.exp(rng.uniform(np.log(shortest), np.log(longest), (COUNT, 2))) / 2
    corners = np.stack([centres - halves, centres + halves], axis=1)
    return np.clip(corners, 0, size).reshape(COUNT, 4).astype(np.float32)


def paste_fastsample(masks, boxes, threshold):
    import fastsample as fs

    return lambda: fs.paste_masks(masks, boxes, IMAGE, threshold)


def paste_torch(masks, boxes, threshold):
    """A grid for each box's pixels, and what it samples put where the box lies."""
    lib = module(TORCH)
    if lib is None:
        return None
    lib.set_num_threads(threads.in_use())
    masks, boxes = lib.from_numpy(masks), lib.from_numpy(boxes).tolist()

    def call():
        out = lib.zeros((COUNT, *IMAGE), dtype=lib.float32 if threshold is None else lib.bool)
        for mask, box, target in zip(masks, boxes, out, strict=True):
            (left, top, right, bottom), value = torch_box(lib, mask, box)
            target[top:bottom, left:right] = value if threshold is None else value >= threshold
        return out

    return call


def torch_box(lib, mask, box):
    """The pixels of one box, and the mask there."""
    x0, y0, x1, y1 = box
    low, high = np.floor([x0, y0]).astype(int), np.ceil([x1, y1]).astype(int)
    x = (lib.arange(low[0], high[0]) + 0.5 - x0) / (x1 - x0) * 2 - 1
    y = (lib.arange(low[1], high[1]) + 0.5 - y0) / (y1 - y0) * 2 - 1
    grid = lib.stack(lib.meshgrid(x, y, indexing="xy"), dim=-1)[None]
    value = lib.nn.functional.grid_sample(mask[None, None], grid, align_corners=False)
    return (*low, *high), value[0, 0]
