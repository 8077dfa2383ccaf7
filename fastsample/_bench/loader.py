"""What a worker of a loader does on one thread, with another image each call."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import threads
from .case import CV2, OURS, Case, module

Array = NDArray[Any]
Call = Callable[[], Any]
SEVERAL, BYTES = 8, 2**24  # images that take turns, fewer of large ones
SCIPY_CV2, CV2_ALONE = "scipy and cv2", "cv2 on one thread"
SIZES = 32, 64, 224, 512
OUT = (224, 224)
# How many times OpenCV's speed is wanted, by mode and size.
LINEAR = {32: 0.7, 64: 1.1, 224: 1.6, 512: 2}
NEAREST = {64: 0.8, 224: 1.1, 512: 1.3}


def pictures(sizes: Sequence[tuple[int, int]]) -> list[Array]:
    """Make images (H, W, 3) of bytes."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def turned(height: int, width: int, degrees: float = 10.0, scale: float = 0.9) -> Array:
    """Make the matrix (2, 3) of a turn about the middle, from pixels to pixels."""
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    turn, middle = np.array([[cos, -sin], [sin, cos]]), np.array([width - 1, height - 1]) / 2
    return np.column_stack([turn, middle - turn @ middle])


def tilted(height: int, width: int) -> Array:
    """Make the same turn as a homography, whose far side shrinks by a tenth."""
    return np.vstack([turned(height, width), [0.1 / width, 0.05 / height, 1.0]])


def on_pictures(size: tuple[int, int], function: Callable[[Array], Any]) -> Call:
    """Call a function on one image after the other."""
    number = max(2, min(SEVERAL, BYTES // (3 * size[0] * size[1])))
    images = cycle(pictures([size] * number))
    return lambda: function(next(images))


def cv2_flags(mode: str) -> int:
    """Say the mode as OpenCV does, where a matrix leads from the output to the input."""
    lib = module(CV2)
    linear = lib.INTER_LINEAR if mode == "bilinear" else lib.INTER_NEAREST
    return int(linear | lib.WARP_INVERSE_MAP)


def with_cv2(make: Callable[..., Call], *args: Any) -> Call | None:
    """Make a call of OpenCV's on as many threads as ours has, or None where it is missing."""
    lib = module(CV2)
    if lib is None:
        return None
    lib.setNumThreads(threads.in_use())
    return make(lib, *args)


def affine_ours(size: tuple[int, int], mode: str) -> Call:
    """Sample one image through one matrix."""
    import fastsample as fs

    theta, how = turned(*size).astype(np.float32)[None], {"coordinates": "pixel"}
    return on_pictures(
        size,
        lambda x: fs.affine_sample(x[None], theta, size, mode, channels_last=True, **how),
    )


def affine_cv2(lib: Any, size: tuple[int, int], mode: str) -> Call:
    """Do the same with OpenCV."""
    theta, flags = turned(*size), cv2_flags(mode)
    return on_pictures(size, lambda x: lib.warpAffine(x, theta, size[::-1], flags=flags))


def maps_of(size: tuple[int, int]) -> tuple[Array, Array]:
    """Write the turn out as maps of x and y."""
    y, x = np.mgrid[: size[0], : size[1]]
    theta = turned(*size)
    found = theta[:, :2] @ np.stack([x.ravel(), y.ravel()]) + theta[:, 2:]
    map_x, map_y = found.astype(np.float32).reshape(2, *size)
    return map_x, map_y


def remap_ours(size: tuple[int, int], mode: str) -> Call:
    """Sample one image at maps."""
    import fastsample as fs

    maps = maps_of(size)
    return on_pictures(size, lambda x: fs.remap(x, *maps, mode))


def remap_cv2(lib: Any, size: tuple[int, int], mode: str) -> Call:
    """Do the same with OpenCV."""
    maps = maps_of(size)
    flag = lib.INTER_LINEAR if mode == "bilinear" else lib.INTER_NEAREST
    return on_pictures(size, lambda x: lib.remap(x, *maps, flag))


def perspective_ours(size: tuple[int, int]) -> Call:
    """Sample one image through a homography."""
    import fastsample as fs

    matrix = tilted(*size).astype(np.float32)[None]
    return on_pictures(
        size, lambda x: fs.perspective_sample(x[None], matrix, size, channels_last=True)
    )


def perspective_cv2(lib: Any, size: tuple[int, int]) -> Call:
    """Do the same with OpenCV."""
    matrix, flags = tilted(*size), cv2_flags("bilinear")
    return on_pictures(size, lambda x: lib.warpPerspective(x, matrix, size[::-1], flags=flags))


def knots() -> Array:
    """Make displacements at 7 by 7 knots, in pixels."""
    return np.random.default_rng(1).normal(0, 8, (1, 2, 7, 7)).astype(np.float32)


def elastic_ours(size: tuple[int, int]) -> Call:
    """Deform one image by a field of few knots."""
    import fastsample as fs

    control = knots()
    return on_pictures(
        size, lambda x: fs.elastic_sample(x[None], control, size, channels_last=True)
    )


def elastic_dense(lib: Any, size: tuple[int, int]) -> Call | None:
    """Zoom each component of the field to the image's size with SciPy, and remap with OpenCV."""
    ndimage, control = module("scipy.ndimage"), knots()[0]
    if ndimage is None:
        return None
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    zooms = [n / k for n, k in zip(size, control.shape[1:], strict=True)]

    def call(image: Array) -> Any:
        dx, dy = (ndimage.zoom(part, zooms, order=3) for part in control)
        return lib.remap(image, x + dx, y + dy, lib.INTER_LINEAR)

    return on_pictures(size, call)


@cache
def batch() -> tuple[list[Array], Array]:
    """Make 32 images of 200 to 700 pixels a side, and the matrices that crop, turn and scale."""
    rng = np.random.default_rng(2)
    sizes = [(int(h), int(w)) for h, w in rng.integers(200, 701, (32, 2))]
    middle, found = (np.array(OUT[::-1]) - 1) / 2, []
    for height, width in sizes:
        scale = min(height, width) / OUT[0] * rng.uniform(0.7, 1)
        turn = turned(height, width, rng.uniform(-20, 20), scale)[:, :2]
        shift = (np.array([width, height]) - 1) / 2 - turn @ middle
        found.append(np.column_stack([turn, shift]))
    return pictures(sizes), np.array(found)


def list_ours() -> Call:
    """Bring all of them into one batch."""
    import fastsample as fs

    images, theta = batch()
    exact = theta.astype(np.float32)
    return lambda: fs.affine_sample(images, exact, OUT, channels_last=True)


def list_cv2(lib: Any, alone: bool = False) -> Call:
    """Do it one by one, `alone` on one thread."""
    (images, theta), flags = batch(), cv2_flags("bilinear")
    number = 1 if alone else lib.getNumThreads()

    def call() -> list[Array]:
        lib.setNumThreads(number)  # two loops of one race differ
        both = zip(images, theta, strict=True)
        return [lib.warpAffine(x, t, OUT[::-1], flags=flags) for x, t in both]

    return call


def small_calls() -> Iterator[Case]:
    """Give the sizes of usual images and their label masks."""
    for name, ours, others in (
        ("affine", affine_ours, affine_cv2),
        ("remap", remap_ours, remap_cv2),
    ):
        for mode, wanted in (("bilinear", LINEAR), ("nearest", NEAREST)):
            for n in SIZES:
                of = (n, n), mode
                yield Case(
                    f"loader {name} uint8 {n}x{n}x3 {mode}, one thread",
                    "loader",
                    {OURS: partial(ours, *of), CV2: partial(with_cv2, others, *of)},
                    {CV2: wanted[n]} if n in wanted else {},
                    threads=1,
                )


def maps() -> Iterator[Case]:
    """Give homographies, fields and lists."""
    for size, wanted, alone in (((224, 224), 1.4, 1), ((1080, 1920), 1.8, None)):
        calls = {
            OURS: partial(perspective_ours, size),
            CV2: partial(with_cv2, perspective_cv2, size),
        }
        name = f"loader perspective uint8 {size[0]}x{size[1]}x3" + ", one thread" * bool(alone)
        yield Case(name, "loader", calls, {CV2: wanted}, threads=alone)
    field = {
        OURS: partial(elastic_ours, (512, 512)),
        SCIPY_CV2: partial(with_cv2, elastic_dense, (512, 512)),
    }
    yield Case("loader elastic uint8 512x512x3", "loader", field, {SCIPY_CV2: 3})
    loop = partial(with_cv2, list_cv2)
    name, calls = "loader list of 32 to 224x224", {OURS: list_ours, CV2: loop}
    yield Case(f"{name}, one thread", "loader", calls, {CV2: 1.5}, threads=1)
    calls = {**calls, CV2_ALONE: partial(with_cv2, list_cv2, True)}
    yield Case(name, "loader", calls, {CV2_ALONE: 2.5})


@cache
def cases() -> tuple[Case, ...]:
    """Every case."""
    return *small_calls(), *maps()
