"""The graph of a result: a task for each chunk, and one that holds what all of them need."""

import uuid
from itertools import product
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask._task_spec import DataNode, TaskRef
from dask._task_spec import Task as Node
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from . import _kept, _sources
from ._job import Task

CHUNK_BYTES = "32 MiB"  # where neither the user nor a source says how large chunks are


def result(task: Task, array: da.Array | None, lazy: list[tuple[da.Array, Any]]) -> da.Array:
    """The Dask array whose chunks a task makes.

    `array` is the source where that is a Dask array. Each of the `lazy` coordinates comes with a
    function of a chunk's index that gives the index of its block.
    """
    name = f"{task.function}-{uuid.uuid4().hex}"
    held = f"{name}-task"
    layer: dict[Any, Any] = {
        held: Node(held, _kept.Keeper, task) if _kept.helps(task) else DataNode(held, task)
    }
    arrays = [coordinates for coordinates, _ in lazy]
    indices = list(product(*(range(len(sizes)) for sizes in task.chunks)))
    needs = None if array is None else _needs(task, array, lazy, indices)
    for at, index in enumerate(indices):
        blocks = [TaskRef((x.name, *where(index))) for x, where in lazy]
        if array is None:
            layer[(name, *index)] = Node((name, *index), _chunk, TaskRef(held), index, *blocks)
        else:
            read = [TaskRef((array.name, *block)) for block in needs[at]]
            about = (len(blocks), needs[at], f"{held}-source")
            layer[(name, *index)] = Node(
                (name, *index), _chunk_of_blocks, TaskRef(held), index, TaskRef(about[2]),
                needs[at], *blocks, *read,
            )  # fmt: skip
    if array is not None:
        empty = da.Array({}, "none", array.chunks, dtype=array.dtype, meta=array._meta)
        layer[f"{held}-source"] = DataNode(f"{held}-source", _Shape(empty))
        arrays.append(array)
    graph = HighLevelGraph.from_collections(name, layer, dependencies=arrays)
    return da.Array(
        graph,
        name,
        task.chunks,
        dtype=task.dtype,
        meta=np.empty((0,) * len(task.chunks), task.dtype),
    )


class _Shape:
    """What `Blocks` asks of a Dask array, without its graph."""

    def __init__(self, array: da.Array) -> None:
        self.shape, self.dtype, self.chunks = array.shape, array.dtype, array.chunks


def _chunk(task: Any, index: tuple[int, ...], *arrays: Any) -> Any:
    return task(index, None, *arrays)


def _chunk_of_blocks(
    task: Task, index: tuple[int, ...], array: Any, needed: list[Any], *arrays: Any
) -> Any:
    count = len(arrays) - len(needed)
    blocks = dict(zip(needed, arrays[count:], strict=True))
    return task(index, _sources.Blocks(array, blocks), *arrays[:count])


def _needs(task: Task, array: da.Array, lazy: Any, indices: list[Any]) -> list[list[Any]]:
    """The source's blocks that each chunk reads: a pass over lazy coordinates, where there are."""
    edges = _sources.edges_of(array.chunks)
    if not lazy or task.geometry.is_bounded:
        return [task.blocks(edges, index) for index in indices]
    name = f"{task.function}-blocks-{uuid.uuid4().hex}"
    layer = {}
    for index in indices:
        blocks = [TaskRef((x.name, *where(index))) for x, where in lazy]
        key = name, *index
        layer[key] = Node(key, task.blocks, edges, index, *blocks)
    graph = HighLevelGraph.from_collections(name, layer, dependencies=[x for x, _ in lazy])
    return list(dask.compute(*(Delayed((name, *index), graph, layer=name) for index in indices)))


def chunks_of(
    function: str, chunks: Any, shape: tuple[int, ...], dtype: Any, usual: tuple[Any, ...]
) -> tuple[tuple[int, ...], ...]:
    """The chunks of a result: as the user says, or of the usual sizes (None: as Dask chooses)."""
    if chunks is None:
        chunks = tuple("auto" if n is None else n for n in usual)
    try:
        with dask.config.set({"array.chunk-size": CHUNK_BYTES}):
            made = da.core.normalize_chunks(chunks, shape, dtype=dtype)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ValueError(
            f"{function}: chunks must be sizes that add up to the result's shape {shape}; got "
            f"{chunks!r}: {error}"
        ) from None
    if tuple(sum(sizes) for sizes in made) != shape:
        raise ValueError(
            f"{function}: chunks must be sizes that add up to the result's shape {shape}; got "
            f"{chunks!r}"
        )
    return made


def usual_chunks(thing: Any) -> tuple[Any, ...]:
    """The sizes of a source's own chunks along each axis, where it has such."""
    if isinstance(thing, da.Array):
        return tuple(max(sizes, default=1) for sizes in thing.chunks)
    chunks = getattr(thing, "chunks", None)
    known = isinstance(chunks, tuple) and len(chunks) == len(thing.shape)
    return chunks if known else (None,) * len(thing.shape)
