"""paste_masks: the masks of objects, stretched over their boxes in an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._calls import checks, mask_paste
from ._calls.typed import Array, Size, like_masks

_NAME = "paste_masks"


@like_masks
def paste_masks(
    masks: ArrayLike,
    boxes: ArrayLike,
    image_size: Size,
    threshold: float | None = 0.5,
    *,
    out: Array | None = None,
) -> NDArray[Any]:
    """Paste each object's mask into an image of its own, stretched over the object's box.

    The last step of detectors such as Mask R-CNN: small masks of scores, each relative to its box,
    become masks of the image.

    Parameters
    ----------
    masks : array_like, shape (K, h, w)
        float32, float64, uint8 or bool, each read as float32. Masks of any size.
    boxes : array_like, shape (K, 4)
        float32 or float64: x0, y0, x1, y1 of each box in pixels of the image. They may reach
        outside. One without area, or all outside, gives an empty mask, even where its fade would
        have reached inside.
    image_size : (H, W)
        Height and width of the image.
    threshold : float or None
        What a pixel must reach to belong to the object, on the masks' own scale: 127.5, for
        example, for masks from 0 to 255. None returns the values themselves.
    out : ndarray, shape (K, H, W), optional
        Where to write the result: of the result's type, with any strides. All of it is overwritten.

    Returns
    -------
    ndarray, shape (K, H, W)
        bool, or float32 where `threshold` is None; `out` itself, where given.

    Raises
    ------
    ValueError
        Shapes that do not fit, masks without pixels, a box that is not finite, or an `out` that is
        read-only or shares memory with an input or with itself.
    TypeError
        An argument of a type that is not supported; the message says what to convert to.

    See Also
    --------
    grid_sample : What each pixel of a box reads.
    patch_affine : Boxes warped in place.

    Notes
    -----
    A pixel in column i reads column (i + 1/2 - x0) w / (x1 - x0) - 1/2 of the mask, where 0 is the
    centre of the first; rows in the same way. These are the places that `grid_sample` reads at
    2 (i + 1/2 - x0) / (x1 - x0) - 1 without `align_corners`, and values are what it makes of the
    whole image: bilinear with zeros outside. A mask fades to 0 from the centres of its outer pixels
    on, and so reaches half of one of its pixels, (x1 - x0) / (2 w), beyond its box. On the box's
    edge half of the outer pixel is left: a threshold of half the scale or more is reached within
    the box alone, one below it beyond the edge, too.

    A tap without weight is not read: a NaN spreads to no pixel but those that it has a share in,
    and these do not reach any threshold.

    Pixels that no mask reaches are zero even where `threshold` is not above 0. Nothing is computed
    there; without `out`, memory that no mask needs is not even touched.

    The result is the same to the bit for any number of threads. Numba controls the threads:
    `NUMBA_NUM_THREADS` and `numba.set_num_threads`.

    References
    ----------
    K. He, G. Gkioxari, P. Dollár, R. Girshick, "Mask R-CNN", 2017. PyTorch 2.13,
    `torch.nn.functional.grid_sample`.

    Convention
    ----------
    Boxes are x0 y0 x1 y1, with x along the image's width; image_size is (H, W), and array axes are
    (K, H, W). Pixel i reaches from i to i + 1: a box that covers all pixels is (0, 0, W, H).

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> mask = np.array([[[1.0, 0.5]]], dtype=np.float32)
    >>> box = np.array([[1.0, 0.0, 5.0, 1.0]])
    >>> fs.paste_masks(mask, box, (2, 6), None)
    array([[[0.25 , 0.75 , 0.875, 0.625, 0.375, 0.125],
            [0.   , 0.   , 0.   , 0.   , 0.   , 0.   ]]], dtype=float32)
    >>> fs.paste_masks(mask, box, (2, 6)).astype(int)
    array([[[0, 1, 1, 1, 0, 0],
            [0, 0, 0, 0, 0, 0]]])
    """
    stack, corners = checks.array(_NAME, "masks", masks), checks.array(_NAME, "boxes", boxes)
    size = checks.sizes(_NAME, image_size, (2,), "(H, W)", "image_size")
    level = None if threshold is None else checks.real(_NAME, "threshold", threshold)
    checks.dtype(_NAME, "masks", stack.dtype, checks.MASK_TYPES)
    checks.dtype(_NAME, "boxes", corners.dtype, checks.FLOATS)
    checks.masks(_NAME, stack.shape)
    checks.shaped(_NAME, "boxes", corners.shape, (len(stack), 4), "(K, 4)")
    checks.finite(_NAME, "boxes", corners)
    shape, dtype = (len(stack), *size), np.dtype(np.float32 if level is None else np.bool_)
    if out is None:
        result = np.zeros(shape, dtype)  # pages that nobody touches are never made
    else:
        result = checks.writable(_NAME, out)
        checks.result(_NAME, result, shape, dtype)
        checks.apart(_NAME, result, masks=stack, boxes=corners)
        result[...] = 0
    mask_paste.paste(stack, corners, level, result, fresh=out is None)
    return result
