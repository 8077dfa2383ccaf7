"""Which stages are compiled before they are needed."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

from .._kernels import drive, recall
from .._kernels.kind import (
    AFFINE,
    AFFINE_GRID,
    AFFINE_SUM,
    BOTH,
    ELASTIC,
    FLOW,
    GRID,
    JOINT,
    MODES,
    PAIRED,
    PERSPECTIVE,
    REACH,
    RULES,
    SAMPLE,
    SCATTER,
    SLOPE,
    VALUES,
    ZEROS,
    Kind,
    groups_of_channels,
    squares_of_taps,
)
from .._kernels.loops import list_loop, samples_loop, shares_loop, tiles_loop
from .._kernels.stages.copy import copier
from .._kernels.stages.paste import paster
from . import schedule

FLOAT32, UINT8 = 4, 11
EDGE = 64  # of an image that is neither tiny nor huge: these take other kernels


def jobs(all_stages: bool) -> list[Callable[[], Any]]:
    """What to call, one for each stage or loop."""
    kinds = dict.fromkeys((*common(), *(every() if all_stages else ())))
    calls = (drive.stages_of(kind) for kind in kinds)
    stages = dict.fromkeys(s for call in calls for s in (call.plan, call.apply, call.end) if s)
    shared = copier, partial(paster, False), partial(paster, True)
    return [*loops(), *shared, *(partial(drive.stage, *stage) for stage in stages)]


def loops() -> Iterator[Callable[[], Any]]:
    """What all calls share: the loops over pieces of work, and what finds a call made before."""
    yield from (drive.driver, drive.over_threads)
    yield from (tiles_loop, shares_loop, samples_loop, list_loop, recall.method)


def planes(mode: str, padding: str, axes: int, value: int, role: int, source: int) -> Kind:
    """A call for images as planes."""
    steps = tuple(EDGE**k for k in range(axes - 1, -1, -1))
    kind: Kind = schedule.kind_of(
        mode, padding, (EDGE,) * axes, steps, value, FLOAT32, role, source
    )
    return kind


def pixels(mode: str, padding: str, channels: int, value: int, source: int) -> Kind:
    """A call for images (H, W, C)."""
    kind: Kind = schedule.pixels(
        planes(mode, padding, 2, value, SAMPLE, source), channels, channels
    )
    return kind


def back(mode: str, padding: str, axes: int, source: int) -> Iterator[Kind]:
    """Calls for both gradients."""
    slope = planes(mode, padding, axes, FLOAT32, SLOPE, source)
    scatter = planes(mode, padding, axes, FLOAT32, SCATTER, source)
    yield slope
    if squares := squares_of_taps(slope, 3):
        yield from (squares, squares._replace(role=BOTH))
    yield from (scatter._replace(role=role) for role in (SCATTER, REACH, JOINT))
    yield from (kind for kind in [groups_of_channels(scatter)] if kind)


def common() -> Iterator[Kind]:
    """What most people need; the table in docs/concepts/startup.md.

    What serves `zeros` serves `border`, too.
    """
    for mode, value in product(MODES, (FLOAT32, UINT8)):
        yield planes(mode, "zeros", 2, value, SAMPLE, GRID)
        yield pixels(mode, "zeros", 3, value, GRID)
    for mode, source in product(MODES, (AFFINE, FLOW)):
        yield planes(mode, "zeros", 2, FLOAT32, SAMPLE, source)
    for mode, source in product(("nearest", "bilinear"), (PERSPECTIVE, ELASTIC)):
        yield planes(mode, "zeros", 2, FLOAT32, SAMPLE, source)
    for mode, source in product(MODES, (GRID, AFFINE)):
        yield planes(mode, "reflection", 2, FLOAT32, SAMPLE, source)
    yield planes("bilinear", "zeros", 3, FLOAT32, SAMPLE, GRID)
    yield from back("bilinear", "zeros", 2, GRID)
    yield from (of_grids(AFFINE_GRID), of_grids(AFFINE_SUM))


def of_grids(role: int) -> Kind:
    """A call that makes a grid, or the gradient of its matrix."""
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
