"""The pictures of the page "Ten minutes to the first warp", drawn from what its code makes."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

PAGE = Path("../first_warp.md").read_text(encoding="utf-8")  # Sphinx runs a drawing in its folder
made = {}
for code in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
    exec(code, made)


def show(size, **images) -> None:
    """Draw images (H, W, C) in a row, a title above each."""
    _, panels = plt.subplots(1, len(images), figsize=size, layout="constrained")
    for axes, (title, image) in zip(panels, images.items(), strict=True):
        axes.imshow(image)
        axes.set(xticks=[], yticks=[])
        axes.set_title(title, fontsize=13)
    plt.show()


def turned() -> None:
    """Draw the photograph, turned, and turned once more with a border of mirrors."""
    call = made["images"], made["theta"], made["photo"].shape[:2]
    sample = made["fs"].affine_sample
    mirrored = sample(*call, padding_mode="reflection", channels_last=True)[0]
    show((7, 3), photo=made["photo"], turned=made["turned"], reflection=mirrored)


def warped() -> None:
    """Draw the two warps by maps."""
    show((6, 3.8), waves=made["waves"], glass=made["glass"])


def batched() -> None:
    """Draw the four results with ripples."""
    four = np.clip(np.moveaxis(made["ripples"], 1, -1), 0, 1)  # 1 + 1e-7 by rounding
    names = [f"ripples[{i}]" for i in range(4)]
    show((7, 2.5), **dict(zip(names, four, strict=True)))


def read() -> None:
    """Draw how often each pixel was read."""
    _, axes = plt.subplots(figsize=(5.6, 5), layout="constrained")
    shades = axes.imshow(made["reads"][0, 0], "viridis", vmin=0, vmax=5)
    axes.set(xticks=[], yticks=[])
    plt.colorbar(shades, label="times read")
    plt.show()
