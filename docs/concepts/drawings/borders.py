"""What each border rule puts around a crop of a photograph, and around four values."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import get_data_path
from matplotlib.patches import Rectangle
from PIL import Image

import fastsample as fs

FRAME, BLUE, ORANGE = "#ffd400", "#0072b2", "#c04f00"
RULES = {
    "zeros": {"padding_mode": "zeros"},
    "constant, fill_value=160": {"padding_mode": "constant", "fill_value": 160},
    "border": {"padding_mode": "border"},
    "wrap": {"padding_mode": "wrap"},
    "reflection": {"padding_mode": "reflection"},
    "mirror": {"padding_mode": "mirror"},
}


def crop(size):
    """Cut out the head, (1, size, size, 3) bytes; each pixel is the mean of several."""
    photo = Image.open(f"{get_data_path()}/sample_data/grace_hopper.jpg")
    head = photo.convert("RGB").crop((80, 10, 410, 340))
    return np.asarray(head.resize((size, size), Image.Resampling.BOX))[None]


def around(image, margin, rule):
    """Read the image and so many pixels beyond its edges."""
    size = image.shape[1]
    x, y = np.meshgrid(*2 * [np.arange(-margin, size + margin, dtype=np.float32)])
    grid = np.stack([x, y], axis=-1)[None]
    options = {"coordinates": "pixel", "channels_last": True, **rule}
    return fs.grid_sample(image, grid, **options)[0]


def show(axes, image, margin, rule):
    """Draw the image in a frame, with what lies around it."""
    size = image.shape[1]
    extent = np.array([-margin, size + margin, size + margin, -margin]) - 0.5
    axes.imshow(around(image, margin, rule), extent=extent, interpolation="nearest")
    axes.add_patch(Rectangle((-0.5, -0.5), size, size, fill=False, edgecolor=FRAME, lw=1.8))
    axes.set(xticks=[], yticks=[])


def photograph():
    """Draw six panels, one for each rule."""
    image = crop(66)
    _, panels = plt.subplots(3, 2, figsize=(5.6, 8.7), layout="constrained")
    for axes, (name, rule) in zip(panels.flat, RULES.items(), strict=True):
        show(axes, image, 44, rule)
        axes.set_title(name, fontsize=11)
    plt.show()


def mirrors():
    """Draw the lower left corner under both mirrors, near enough to count pixels."""
    image = crop(33)
    bottom = image.shape[1] - 1
    _, panels = plt.subplots(1, 2, figsize=(5.6, 3.2), layout="constrained")
    names = "reflection", "mirror"
    for axes, name, away in zip(panels, names, (0.5, 0), strict=True):
        show(axes, image, 5, RULES[name])
        axes.axhline(bottom + away, color="white", lw=2.5, ls="--")
        axes.axvline(-away, color="white", lw=2.5, ls="--")
        axes.set(xlim=(-5.5, 5.5), ylim=(bottom + 5.5, bottom - 5.5))
        axes.set_title(name, fontsize=11)
    plt.show()


def curves():
    """Draw four values, and what is read between and beyond them."""
    values = np.array([[[2.0, 5, 3, 6]]], np.float32)
    places = np.linspace(-2.6, 5.6, 411, dtype=np.float32)
    names = "zeros", "border", "wrap", "reflection"
    _, panels = plt.subplots(4, 1, figsize=(5.6, 7.6), sharex=True, layout="constrained")
    for axes, name in zip(panels, names, strict=True):
        for mode, colour, line in ("bilinear", BLUE, "-"), ("bicubic", ORANGE, "--"):
            options = {"coordinates": "pixel", **RULES[name]}
            read = fs.grid_sample(values, places[None, :, None], mode, **options)
            axes.plot(places, read[0, 0], line, color=colour, lw=2, label=mode)
        axes.plot(range(4), values[0, 0], "o", color="black", zorder=3)
        axes.axvspan(-0.5, 3.5, color="0.93", zorder=0)
        axes.set(ylim=(-1.2, 7.4), ylabel=name)
    panels[0].legend(loc="upper right", fontsize=9)
    panels[-1].set(xlim=(-2.6, 5.6), xticks=range(-2, 6), xlabel="pixel coordinate")
    plt.show()
