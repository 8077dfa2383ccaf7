"""Which kernels are compiled before they are needed."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from . import _job
from ._kernels import drive
from ._kernels.copy import COPY, copier
from ._kernels.kind import (
    AFFINE,
    AFFINE_GRID,
    AFFINE_SUM,
    AXES,
    FLOW,
    GRID,
    JOB,
    MODES,
    PAIRED,
    REACH,
    RULES,
    SAMPLE,
    SCATTER,
    SLOPE,
    VALUES,
    ZEROS,
    Kind,
)
from ._kernels.paste import kernel as paster

COMMON = "zeros", "border", "reflection"
FLOAT32, UINT8 = 4, 11
EDGE = 64  # of an image that is neither tiny nor huge: these take other kernels


def jobs(all_kinds: bool) -> list[Callable[[], Any]]:
    """What to call, one for each kernel or loop."""
    kinds = dict.fromkeys((*common(), *(every() if all_kinds else ())))
    shared = copier, partial(paster, False), partial(paster, True)
    return [*loops(), *shared, *(partial(drive.kernel, kind) for kind in kinds)]


def loops() -> Iterator[Callable[[], Any]]:
    """The loops over pieces of work, on one thread and on several."""
    tables = *((JOB, axes) for axes in AXES.values()), (COPY, np.dtype(np.int64))
    for parallel, (job, axes) in product((False, True), tables):
        yield partial(drive.compile_loop, parallel, job, axes)


def planes(mode: str, padding: str, axes: int, value: int, role: int, source: int) -> Kind:
    """The kernel for images as planes."""
    steps = tuple(EDGE**k for k in range(axes - 1, -1, -1))
    kind: Kind = _job.kind_of(mode, padding, (EDGE,) * axes, steps, value, FLOAT32, role, source)
    return kind


def pixels(mode: str, padding: str, channels: int, value: int, source: int) -> Kind:
    """The kernel for images (H, W, C)."""
    kind: Kind = _job.pixels(planes(mode, padding, 2, value, SAMPLE, source), channels, channels)
    return kind


def back(mode: str, padding: str, axes: int, source: int) -> Iterator[Kind]:
    """The kernels of both gradients."""
    yield planes(mode, padding, axes, FLOAT32, SLOPE, source)
    scatter = planes(mode, padding, axes, FLOAT32, SCATTER, source)
    yield from (scatter, scatter._replace(role=REACH))


def common() -> Iterator[Kind]:
    """What most people need; the table in docs/concepts/startup.md."""
    for mode, padding in product(MODES, COMMON):
        yield planes(mode, padding, 2, FLOAT32, SAMPLE, GRID)
        yield pixels(mode, padding, 3, UINT8, GRID)
    for value, padding in product((FLOAT32, UINT8), COMMON):
        yield pixels("bilinear", padding, 3, value, GRID)
        yield planes("bilinear", padding, 2, value, SAMPLE, GRID)
        yield planes("bilinear", padding, 2, value, SAMPLE, AFFINE)
    yield planes("bilinear", "border", 2, FLOAT32, SAMPLE, FLOW)
    yield planes("bilinear", "zeros", 2, FLOAT32, SAMPLE, FLOW)
    yield planes("bilinear", "zeros", 3, FLOAT32, SAMPLE, GRID)
    yield from back("bilinear", "zeros", 2, GRID)
    yield from (of_grids(AFFINE_GRID), of_grids(AFFINE_SUM))


def of_grids(role: int) -> Kind:
    """The kernel that makes a grid, or the gradient of its matrix."""
    source = AFFINE if role == AFFINE_GRID else GRID
    return Kind(ZEROS, 1, 2, PAIRED, 0, FLOAT32, FLOAT32, role, source)


def every() -> Iterator[Kind]:
    """All modes and borders."""
    for mode, padding, axes in product(MODES, RULES, (1, 2, 3)):
        for value in (*VALUES, UINT8):
            yield planes(mode, padding, axes, value, SAMPLE, GRID)
        yield from back(mode, padding, axes, GRID)
    for mode, padding, source in product(MODES, RULES, (AFFINE, FLOW)):
        yield planes(mode, padding, 2, FLOAT32, SAMPLE, source)
        yield from back(mode, padding, 2, source)
    for mode, padding, source, value in product(MODES, RULES, (GRID, AFFINE), (FLOAT32, UINT8)):
        for channels in (2, 3, 4, 16):
            yield pixels(mode, padding, channels, value, source)
