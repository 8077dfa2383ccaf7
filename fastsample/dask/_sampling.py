"""affine_sample, remap and flow_warp on arrays larger than memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike

from .._calls import checks
from .._calls.formula import affine_axes
from .._calls.places import Options
from . import _graph, _sources
from ._geometry import Flow, Maps, Matrices
from ._job import Layout, Task

READ_BYTES, KEEP_BYTES = 2**28, 2**27
_AFFINE, _REMAP, _FLOW = "affine_sample", "remap", "flow_warp"


def affine_sample(
    input: Any,
    theta: ArrayLike,
    size: tuple[int, ...],
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = False,
    *,
    fill_value: float | Sequence[float] = 0,
    channels_last: bool = False,
    chunks: Any = None,
    threads: int | None = 1,
    max_read_bytes: int = READ_BYTES,
    keep_bytes: int = KEEP_BYTES,
) -> da.Array:
    """Sample images larger than memory through affine maps, chunk by chunk.

    Parameters
    ----------
    input : dask.array.Array, or anything with a shape, a dtype and slices, shape (N, C, *in)
        An array of zarr, h5py or TensorStore, or a `numpy.memmap`: each task reads its own slice,
        and none of the data is in the graph. From a Dask array each task takes the blocks that it
        reads.
    theta : array_like, shape (N, D, D + 1)
        As for `fastsample.affine_sample`; positions are always computed in double.
    size, mode, padding_mode, align_corners, fill_value, channels_last
        As for `fastsample.affine_sample`.
    chunks : tuple or int, optional
        The result's chunks, as Dask takes them; by default those of the input's sizes.
    threads : int or None
        How many threads a task uses; None: as many as Numba is set to.
    max_read_bytes : int
        A chunk that would read more bytes of the input at once is computed in parts.
    keep_bytes : int
        How many bytes of the input's chunks, once decoded, a process keeps for other tasks that
        need them; 0: none. Concerns inputs that tell their chunks (zarr, h5py) of 1 MiB or more.

    Returns
    -------
    dask.array.Array, shape (N, C, *size)
        Of the input's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.affine_sample`, and where chunks do not add up: before a graph is made.

    Notes
    -----
    The result equals, to the bit, that of `fastsample.affine_sample` on the whole array with a
    theta of float64.

    References
    ----------
    M. Rocklin, "Dask: Parallel Computation with Blocked Algorithms and Task Scheduling", 2015.

    Convention
    ----------
    theta maps the output's normalized coordinates (x, y, z) to the input's, those of the whole
    arrays; x runs along the last axis.

    Examples
    --------
    >>> import numpy as np, fastsample.dask as fd
    >>> image = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> mirror = np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> fd.affine_sample(image, mirror, (4, 4), chunks=(1, 1, 2, 2)).compute()[0, 0, 0]
    array([3., 2., 1., 0.])
    """
    source = _sources.sliceable(_AFFINE, "input", input)
    matrices = checks.array(_AFFINE, "theta", theta)
    checks.dtype(_AFFINE, "theta", matrices.dtype, checks.GRID_TYPES)
    aligned, last = _flags(_AFFINE, align_corners, channels_last)
    size = checks.sizes(_AFFINE, size, (1, 2, 3), checks.SPATIAL_SIZES)
    options, shape = _checked(_AFFINE, source, mode, padding_mode, fill_value, last, False)
    checks.matrices(_AFFINE, matrices.shape, shape[0], len(shape) - 2)
    checks.spatial(_AFFINE, size, len(shape) - 2)
    result = (max(shape[0], len(matrices)) if shape[0] else 0, shape[1], *size)
    checks.something_to_sample(_AFFINE, shape, result)
    geometry = Matrices(matrices.astype(np.float64), affine_axes(shape[2:], size, aligned))
    layout = Layout(True, "last" if last else "second")
    limits = threads, max_read_bytes, keep_bytes
    return _made(_AFFINE, source, geometry, options, layout, result, chunks, limits, [])


def remap(
    image: Any,
    map_x: Any,
    map_y: Any = None,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    *,
    fill_value: float | Sequence[float] = 0,
    chunks: Any = None,
    threads: int | None = 1,
    max_read_bytes: int = READ_BYTES,
) -> da.Array:
    """Sample an image larger than memory at maps of pixel coordinates, which may be as large.

    Parameters
    ----------
    image : dask.array.Array, or anything with a shape, a dtype and slices, (H, W) or (H, W, C)
        See `fastsample.dask.affine_sample`.
    map_x, map_y : the same, shape (H, W)
        As for `fastsample.remap`. Without map_y, map_x is one map of both, (H, W, 2).
    mode, padding_mode, fill_value
        As for `fastsample.remap`.
    chunks, threads, max_read_bytes
        See `fastsample.dask.affine_sample`; by default the result has the maps' chunks.

    Returns
    -------
    dask.array.Array, shape (H, W) or (H, W, C)
        Of the image's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.remap`, and where chunks do not add up: before a graph is made. A chunk whose
        maps spread so far over the image that it cannot be split raises a ValueError that names it.

    Notes
    -----
    The result equals, to the bit, that of `fastsample.remap` on the whole array. Where image and
    maps are Dask arrays, the maps are computed twice: first to find which blocks each chunk reads.

    References
    ----------
    OpenCV 5.0, `cv2.remap`.

    Convention
    ----------
    Maps are in pixels of the whole image, x along the width; a pixel's channels come last.

    Examples
    --------
    >>> import numpy as np, fastsample.dask as fd
    >>> image = np.arange(16.0).reshape(4, 4)
    >>> y, x = np.mgrid[:4, :4] + 0.5
    >>> fd.remap(image, x, y, padding_mode="border", chunks=2).compute()[0]
    array([2.5, 3.5, 4.5, 5. ])
    """
    source = _sources.sliceable(_REMAP, "image", image)
    given = {"map_x": _sources.sliceable(_REMAP, "map_x", map_x)}
    if map_y is not None:
        given["map_y"] = _sources.sliceable(_REMAP, "map_y", map_y)
    if len(source.shape) not in (2, 3):
        raise ValueError(f"remap: image must have shape (H, W) or (H, W, C); got {source.shape}")
    channels = tuple(source.shape[2:])
    layout = Layout(False, "last" if channels else "")
    sizes = _maps(given)
    result = (*sizes, *channels)
    options, shape = _checked(
        _REMAP,
        source,
        mode,
        padding_mode,
        fill_value,
        True,
        True,
        (1, *source.shape[:2], *(channels or (1,))),
    )
    checks.something_to_sample(_REMAP, source.shape, result, "image", source.shape[:2])
    maps = tuple(given.values())
    usual = (*_graph.usual_chunks(maps[0])[:2], *_graph.usual_chunks(source)[2:])
    made = _graph.chunks_of(_REMAP, chunks, result, _sources.type_of(source), usual)
    if any(isinstance(m, da.Array) for m in maps):
        lazy = [_aligned(m, (*made[:2], *[(n,) for n in m.shape[2:]])) for m in maps]
        geometry, wheres = Maps(None, shape[2:]), [_block_of_map(m.ndim) for m in lazy]
        coordinates = list(zip(lazy, wheres, strict=True))
    else:
        geometry, coordinates = Maps(maps, shape[2:]), []
    limits = threads, max_read_bytes
    return _made(_REMAP, source, geometry, options, layout, result, made, limits, coordinates)


def flow_warp(
    input: Any,
    flow: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    *,
    fill_value: float | Sequence[float] = 0,
    channels_last: bool = False,
    reach: float | None = None,
    chunks: Any = None,
    threads: int | None = 1,
    max_read_bytes: int = READ_BYTES,
) -> da.Array:
    """Warp images larger than memory by a flow, which may be as large.

    Parameters
    ----------
    input : dask.array.Array, or anything with a shape, a dtype and slices, shape (N, C, *in)
        See `fastsample.dask.affine_sample`.
    flow : the same, shape (N, D, *in), or (N, *in, D) with `channels_last`
        As for `fastsample.flow_warp`.
    mode, padding_mode, fill_value, channels_last
        As for `fastsample.flow_warp`.
    reach : float, optional
        The largest displacement along any axis, in pixels. With it, where input and flow are Dask
        arrays, the flow is not computed in advance to find which blocks each chunk reads.
    chunks, threads, max_read_bytes
        See `fastsample.dask.affine_sample`.

    Returns
    -------
    dask.array.Array, of the input's shape
        Of the input's type.

    Raises
    ------
    ValueError, TypeError
        As `fastsample.flow_warp`, and where chunks do not add up: before a graph is made. A flow
        beyond `reach` raises a ValueError when its chunk is computed.

    Notes
    -----
    The result equals, to the bit, that of `fastsample.flow_warp` on the whole array.

    References
    ----------
    X. Zhu et al., "Deep Feature Flow for Video Recognition", 2017.

    Convention
    ----------
    The flow is ordered (dx, dy, dz), in pixels, x along the last spatial axis.

    Examples
    --------
    >>> import numpy as np, fastsample.dask as fd
    >>> row = np.array([[[0.0, 10.0, 20.0, 30.0]]])
    >>> fd.flow_warp(row, np.array([[[1.0, 1.0, 0.5, 0.0]]]), chunks=(1, 1, 2)).compute()
    array([[[10., 20., 25., 30.]]])
    """
    source = _sources.sliceable(_FLOW, "input", input)
    steps = _sources.sliceable(_FLOW, "flow", flow)
    _, last = _flags(_FLOW, False, channels_last)
    options, shape = _checked(_FLOW, source, mode, padding_mode, fill_value, last, True)
    checks.dtype(_FLOW, "flow", _sources.type_of(steps), checks.GRID_TYPES)
    check, seen = checks.flow_last, tuple(steps.shape)
    if not last:
        if len(seen) < 3:
            raise ValueError(f"flow_warp: flow must have shape (N, D, *in); got {seen}")
        check, seen = checks.flow, (seen[0], *seen[2:], seen[1])
    check(_FLOW, "flow", seen, shape)
    if reach is not None:
        reach = checks.real(_FLOW, "reach", reach)
    result = max(shape[0], seen[0]) if shape[0] and seen[0] else 0, *shape[1:]
    checks.something_to_sample(_FLOW, shape, result)
    layout = Layout(True, "last" if last else "second")
    usual = _usual(source, layout)
    made = _graph.chunks_of(_FLOW, chunks, _as_seen(result, last), _sources.type_of(source), usual)
    geometry, coordinates = Flow(steps, shape[2:], last, reach), []
    if isinstance(steps, da.Array):
        geometry.flow = None
        batch = made[0] if seen[0] > 1 else (1,)
        spatial = made[1:-1] if last else made[2:]
        count = (len(spatial),)
        wanted = (batch, *spatial, count) if last else (batch, count, *spatial)
        coordinates = [(_aligned(steps, wanted), _block_of_flow(last, seen[0] > 1))]
    limits = threads, max_read_bytes
    return _made(_FLOW, source, geometry, options, layout, result, made, limits, coordinates)


def _flags(function: str, align_corners: Any, channels_last: Any) -> tuple[bool, bool]:
    """Both flags, checked."""
    last = checks.flag(function, "channels_last", channels_last)
    return checks.aligned(function, align_corners), last


def _checked(
    function: str, source: Any, mode: str, padding_mode: str, fill_value: Any, last: bool,
    pixels: bool, shape: tuple[int, ...] | None = None,
) -> tuple[Options, tuple[int, ...]]:  # fmt: skip
    """Check a source and options: how to sample, and its shape as (N, C, *in)."""
    dtype = _sources.type_of(source).newbyteorder("=")
    shape = tuple(source.shape) if shape is None else shape
    checks.image(function, shape)
    shape = (shape[0], shape[-1], *shape[1:-1]) if last else shape
    fill = checks.fill(function, "fill_value", fill_value)
    checks.words(function, mode=mode)
    checks.border(function, padding_mode, pixels)
    checks.sampled(function, "input", dtype, mode)
    checks.fills(function, "fill_value", fill, dtype, shape[1])
    checks.fill_is_read(function, fill, padding_mode, dtype)
    return Options(mode, padding_mode, fill), shape


def _made(
    function: str, source: Any, geometry: Any, options: Any, layout: Layout,
    result: tuple[int, ...], chunks: Any, limits: tuple[Any, ...], lazy: list[Any],
) -> da.Array:  # fmt: skip
    """The Dask array of a checked call; `result` as (N, C, *out), or as it is without a batch."""
    dtype = _sources.type_of(source).newbyteorder("=")
    shape = _as_seen(result, layout.tail > 0) if layout.batch else result
    made = _graph.chunks_of(function, chunks, shape, dtype, _usual(source, layout, shape))
    blocks = isinstance(source, da.Array)
    task = Task(
        function, geometry, options, layout, made, dtype, None if blocks else source,
        tuple(source.shape), *checked_limits(function, *limits),
    )  # fmt: skip
    return _graph.result(task, source if blocks else None, lazy)


def checked_limits(
    function: str, threads: Any, most: Any, keep: Any = 0
) -> tuple[int, int | None, int]:
    """How many bytes a task reads at once, on how many threads it works, what a process keeps."""
    if threads is not None:
        threads = checks.count(function, "threads", threads)
        if threads < 1:
            raise ValueError(f"{function}: threads must be at least 1 or None; got {threads}")
    most = checks.count(function, "max_read_bytes", most)
    return most, threads, checks.count(function, "keep_bytes", keep)


def _as_seen(shape: tuple[int, ...], last: bool) -> tuple[int, ...]:
    """(N, C, *out) as the user has it."""
    return (shape[0], *shape[2:], shape[1]) if last else shape


def _usual(source: Any, layout: Layout, shape: Any = None) -> tuple[Any, ...]:
    """A source's chunks for a result; a sample at a time where nothing says more."""
    usual = _graph.usual_chunks(source)
    return (usual[0] or 1, *usual[1:]) if layout.batch else usual


def _maps(given: dict[str, Any]) -> tuple[int, ...]:
    """Check maps: the result's spatial sizes."""
    for name, came in given.items():
        checks.dtype(_REMAP, name, _sources.type_of(came), checks.GRID_TYPES)
    first = tuple(given["map_x"].shape)
    if len(given) == 1:
        if len(first) != 3 or first[2] != 2:
            raise ValueError(
                f"remap: map_x must have shape (H, W, 2) where map_y is None; got {first}"
            )
        return first[:2]
    second = tuple(given["map_y"].shape)
    if len(first) != 2:
        raise ValueError(f"remap: map_x must have shape (H, W); got {first}")
    if second != first:
        raise ValueError(f"remap: map_y must have map_x's shape {first}; got {second}")
    one, other = (_sources.type_of(m) for m in given.values())
    if one != other:
        raise TypeError(f"remap: map_y must have map_x's type {one}; got {other}")
    return first


def _aligned(thing: Any, chunks: tuple[Any, ...]) -> da.Array:
    """Coordinates as a Dask array in a result's chunks."""
    if not isinstance(thing, da.Array):
        return da.from_array(thing, chunks=chunks)
    return thing.rechunk(chunks)


def _block_of_map(axes: int) -> Any:
    """The block of a map that belongs to a chunk."""
    return lambda index: (*index[:2], *[0] * (axes - 2))


def _block_of_flow(last: bool, batch: bool) -> Any:
    """The block of a flow that belongs to a chunk."""

    def where(index: tuple[int, ...]) -> tuple[int, ...]:
        n = index[0] if batch else 0
        return (n, *index[1:-1], 0) if last else (n, 0, *index[2:])

    return where
