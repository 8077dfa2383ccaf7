"""patch_affine: each object's box of its image, warped in place; and its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._calls import buffers, checks, gradients, run
from ._calls.formula import affine_axis
from ._calls.quiet import cast
from ._calls.registry import has_backward
from ._calls.typed import Array, Border, Mode, like_images, two_like_gradient
from ._kernels.kind import AFFINE

_NAME, _BACK = "patch_affine", "patch_affine_backward"


class _Scene(NamedTuple):
    """The arrays of a call, checked."""

    images: NDArray[Any]
    theta: NDArray[Any]
    boxes: NDArray[Any]
    box_to_image: NDArray[Any]


class _Patch(NamedTuple):
    """An object, how it is sampled, and where: its box, an index of all channels at once."""

    number: int
    sampling: run.Sampling
    image: int
    rows: slice
    cols: slice

    @property
    def box(self) -> tuple[slice, slice, slice, slice]:
        """Of arrays (N, C, H, W)."""
        return slice(self.image, self.image + 1), slice(None), self.rows, self.cols


@like_images
def patch_affine(
    images: ArrayLike,
    theta: ArrayLike,
    boxes: ArrayLike,
    box_to_image: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = False,
    *,
    out: Array | None = None,
) -> NDArray[Any]:
    """Warp boxes of images, each by its own affine map, and put them back.

    Parameters
    ----------
    images : array_like, shape (N, C, H, W)
        Of any type that `grid_sample` takes. Any strides and byte order.
    theta : array_like, shape (K, 2, 3)
        float32 or float64. The matrix of each object, as for `affine_sample`, on coordinates in
        which its box runs from -1 to 1.
    boxes : array_like of integers, shape (K, 4)
        x0 y0 x1 y1 in pixels, x along the width: columns x0 to x1 - 1 and rows y0 to y1 - 1. A box
        may be empty; it must lie within its image.
    box_to_image : array_like of integers, shape (K,)
        The image that each box belongs to.
    mode, padding_mode, align_corners
        As for `grid_sample`. What lies outside of a box is padding, even inside the image.
    out : ndarray, shape (N, C, H, W), optional
        Where to write the result: of the images' type, with any strides.

    Returns
    -------
    ndarray, shape (N, C, H, W)
        A copy of the images with each object's patch in its box; `out` itself, where given.

    Raises
    ------
    ValueError, TypeError
        As `affine_sample`; and a box outside its image, or an index of no image; the message names
        the first.

    See Also
    --------
    affine_sample : The whole image.
    paste_masks : Masks stretched over boxes.
    patch_affine_backward : The gradients.

    Notes
    -----
    Each box is read from the original images, so that objects do not see each other's patches.
    Where boxes overlap, the later object wins.

    References
    ----------
    PyTorch 2.13, `torch.nn.functional.affine_grid` and `grid_sample` on slices of the images.
    M. Jaderberg et al., "Spatial Transformer Networks", 2015.

    Convention
    ----------
    theta maps the result's coordinates (x, y) to the original's, both -1 to 1 across the box: to
    turn an object one way, turn theta the other way. In a box that is not square, a rotation matrix
    also shears; see ``docs/guide/patches.md``.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> image = np.arange(12.0).reshape(1, 1, 3, 4)
    >>> mirror = np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> fs.patch_affine(image, mirror, [[1, 0, 4, 2]], [0])
    array([[[[ 0.,  3.,  2.,  1.],
             [ 4.,  7.,  6.,  5.],
             [ 8.,  9., 10., 11.]]]])
    """
    checks.words(_NAME, mode=mode)
    checks.border(_NAME, padding_mode)
    scene = _take(_NAME, images, theta, boxes, box_to_image, mode)
    align_corners = checks.aligned(_NAME, align_corners)
    if out is None:
        target = buffers.empty(scene.images.shape, scene.images.dtype.newbyteorder("="))
    else:
        target = checks.writable(_NAME, out)
        checks.result(_NAME, target, scene.images.shape, scene.images.dtype.newbyteorder("="))
        checks.apart(_NAME, target, **scene._asdict())
    target[...] = scene.images
    for patch in _patches(scene, mode, padding_mode, align_corners):
        matrix = _matrix(scene, patch)
        run.sample(patch.sampling, scene.images[patch.box], matrix, target[patch.box])
    return target


@has_backward(patch_affine, "images", "theta")
@two_like_gradient
def patch_affine_backward(
    grad_output: ArrayLike,
    images: ArrayLike,
    theta: ArrayLike,
    boxes: ArrayLike,
    box_to_image: ArrayLike,
    mode: Mode = "bilinear",
    padding_mode: Border = "zeros",
    align_corners: bool | None = False,
    *,
    output_mask: tuple[bool, bool] = (True, True),
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Gradients of `patch_affine` with respect to its images and theta.

    Parameters
    ----------
    grad_output : array_like, shape (N, C, H, W)
        The gradient of a scalar with respect to the result; of the images' type.
    images, theta, boxes, box_to_image, mode, padding_mode, align_corners
        As they were passed to `patch_affine`.
    output_mask : (bool, bool)
        Which gradients to compute, the images' and theta's. The other one costs nothing.

    Returns
    -------
    grad_images : ndarray, of the images' shape and type, or None
    grad_theta : ndarray, of theta's shape and type, or None
        0 for an object that owns no pixel of the result.

    Raises
    ------
    ValueError, TypeError
        As `patch_affine`, and where `grad_output` is not of the result's shape or the images' type.

    See Also
    --------
    patch_affine : The function itself.
    vjp : A result together with its pullback.

    Notes
    -----
    The gradient of a pixel belongs to the object that wrote it last, and to the image itself where
    there is none. See `grid_sample_backward` for the slopes at borders. The bits are the same for
    any number of threads.

    References
    ----------
    PyTorch 2.13, autograd through slices, `affine_grid` and `grid_sample`.

    Convention
    ----------
    grad_theta is per unit of theta's elements, whose coordinates run from -1 to 1 across the box.

    Examples
    --------
    >>> import numpy as np, fastsample as fs
    >>> image = np.arange(4.0).reshape(1, 1, 1, 4)
    >>> theta = np.array([[[0.5, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> ones = np.ones((1, 1, 1, 4))
    >>> rule = {"padding_mode": "border"}
    >>> fs.patch_affine_backward(ones, image, theta, [[0, 0, 2, 1]], [0], **rule)
    (array([[[[1., 1., 1., 1.]]]]), array([[[0., 0., 2.],
            [0., 0., 0.]]]))
    """
    checks.words(_BACK, mode=mode)
    checks.border(_BACK, padding_mode)
    scene = _take(_BACK, images, theta, boxes, box_to_image, mode)
    gradient = checks.array(_BACK, "grad_output", grad_output)
    align_corners = checks.aligned(_BACK, align_corners)
    to_images, to_theta = checks.mask(_BACK, output_mask)
    shape, dtype = scene.images.shape, scene.images.dtype.newbyteorder("=")
    checks.dtype(_BACK, "images", dtype, checks.DIFFERENTIABLE)
    checks.gradient(_BACK, "grad_output", gradient, shape, dtype)
    patches = list(_patches(scene, mode, padding_mode, align_corners))
    winners = _winners(shape, patches)
    grad_images = _passed_by(gradient, winners) if to_images else None
    grad_theta = np.zeros(scene.theta.shape) if to_theta else None  # in double, rounded once
    for patch, share in _shares(gradient, patches, winners):
        _add(patch, share, scene, grad_images, grad_theta)
    if grad_theta is not None:
        grad_theta = cast(grad_theta, scene.theta.dtype)
    return grad_images, grad_theta


def _take(name, images, theta, boxes, box_to_image, mode):
    """Take the arrays in and check them: the message names the first object that does not fit."""
    scene = _Scene(
        checks.array(name, "images", images),
        checks.array(name, "theta", theta),
        checks.integers(name, "boxes", boxes),
        checks.integers(name, "box_to_image", box_to_image),
    )
    checks.sampled(name, "images", scene.images.dtype, mode)
    checks.dtype(name, "theta", scene.theta.dtype, checks.GRID_TYPES)
    checks.images(name, "images", scene.images.shape)
    checks.thetas(name, scene.theta.shape)
    count = len(scene.theta)
    checks.shaped(name, "boxes", scene.boxes.shape, (count, 4), "(K, 4) for K matrices theta")
    form = "(K,) for K matrices theta"
    checks.shaped(name, "box_to_image", scene.box_to_image.shape, (count,), form)
    checks.boxes(name, scene.boxes, scene.images.shape[2:])
    checks.indices(name, "box_to_image", scene.box_to_image, len(scene.images))
    return scene


def _patches(scene: _Scene, mode: str, padding_mode: str, align_corners: bool) -> Iterator[_Patch]:
    """All objects whose boxes have pixels, in their order."""
    owners = scene.box_to_image.tolist()
    for k, (x0, y0, x1, y1) in enumerate(scene.boxes.tolist()):
        if x0 < x1 and y0 < y1:
            sizes = y1 - y0, x1 - x0
            axes = tuple(affine_axis(size, size, align_corners) for size in sizes)
            sampling = run.Sampling(mode, padding_mode, axes, 0.0, AFFINE)
            yield _Patch(k, sampling, owners[k], slice(y0, y1), slice(x0, x1))


def _matrix(scene, patch):
    """Copy a patch's matrix (1, 2, 3)."""
    return buffers.widened(buffers.native(scene.theta[patch.number : patch.number + 1]))


def _winners(shape, patches):
    """Find the object that wrote each pixel last (N, 1, H, W), -1 where none did."""
    winners = np.full((shape[0], 1, *shape[2:]), -1)
    for patch in patches:
        winners[patch.box] = patch.number
    return winners


def _passed_by(gradient, winners):
    """Copy the gradient where the result is the image itself; 0 elsewhere."""
    return _kept(gradient, winners < 0)


def _kept(gradient, where):
    """Copy the gradient of some pixels; 0 elsewhere."""
    found = np.zeros(gradient.shape, gradient.dtype.newbyteorder("="))
    np.copyto(found, gradient, where=where)
    return found


def _shares(gradient, patches, winners):
    """Each object that owns a pixel, and its box's gradient: 0 where a later object won."""
    for patch in patches:
        own = winners[patch.box] == patch.number
        if own.any():
            yield patch, _kept(gradient[patch.box], own)


def _add(patch, share, scene, grad_images, grad_theta):
    """Take an object's share of the gradient back to its pixels and its matrix."""
    matrix = _matrix(scene, patch)
    if grad_images is not None:
        gradients.scatter(patch.sampling, share, matrix, grad_images[patch.box], add=True)
    if grad_theta is not None:
        image = scene.images[patch.box]
        gradients.slope(patch.sampling, share, image, matrix, grad_theta[patch.number :][:1])
