"""Shapes of images: batches, single ones and lists."""

from .arrays import named, sampled


def image(function, shape):
    """(N, C, *in) with one to three spatial axes."""
    if not 3 <= len(shape) <= 5:
        raise ValueError(
            f"{function}: input must have shape (N, C, *in) with 1, 2 or 3 axes in *in; got {shape}"
            + (": a gray image (H, W) is input[None, None]" if len(shape) == 2 else "")
        )


def images(function, name, shape):
    """(N, C, H, W)."""
    if len(shape) != 4:
        raise ValueError(
            f"{function}: {name} must have shape (N, C, H, W); got {shape}{_add_batch(name, shape)}"
        )


def _add_batch(name, shape):
    """What to do about one image."""
    return f": one image (C, H, W) is {name}[None]" if len(shape) == 3 else ""


def picture(function, image, mode):
    """(H, W) or (H, W, C)."""
    if image.ndim not in (2, 3):
        raise ValueError(
            f"{function}: image must have shape (H, W) or (H, W, C); got {image.shape}: "
            "grid_sample takes batches"
        )
    sampled(function, "image", image.dtype, mode)
    return image


def pictures(function, shape):
    """A batch of images, of two spatial axes."""
    if len(shape) != 4:
        raise ValueError(
            f"{function}: input must have shape (N, C, H, W); got {shape}"
            f"{_add_batch('input', shape)}"
        )


def listed(function, images, axes, last):
    """Images of one type and as many channels, of any sizes; the message names the first."""
    form = ("(*in, C)" if last else "(C, *in)") + f" with {axes} axes in *in"
    channel = -1 if last else 0
    for k, x in enumerate(images):
        if x.ndim != axes + 1:
            raise ValueError(f"{function}: input[{k}] must have shape {form}; got {x.shape}")
        if x.shape[channel] != images[0].shape[channel]:
            raise ValueError(
                f"{function}: input[{k}] must have as many channels as input[0], "
                f"{images[0].shape[channel]}; got shape {x.shape}"
            )
        if x.dtype.newbyteorder("=") != images[0].dtype.newbyteorder("="):
            raise ValueError(
                f"{function}: input[{k}] must have input[0]'s type {named(images[0].dtype)}; got "
                f"{named(x.dtype)}"
            )


def something_to_sample(function, shape, result, name="input", sizes=None):
    """An input axis of size 0 has no pixel for a point to read."""
    if 0 in (shape[2:] if sizes is None else sizes) and 0 not in result:
        raise ValueError(f"{function}: {name} must have no spatial axis of size 0; got {shape}")


def each_has_pixels(function, images, result, last):
    """No image of a list has an axis of size 0; the message names the first."""
    for k, x in enumerate(images):
        if 0 in x.shape:
            something_to_sample(
                function, x.shape, result, f"input[{k}]", x.shape[:-1] if last else x.shape[1:]
            )
