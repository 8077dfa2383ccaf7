"""Which stages a call has, compiled when it is first made; and pieces of work over threads."""

import os
from typing import NamedTuple

import numpy as np

from . import recall, threads
from .compiler.builtin import without_the_lock
from .compiler.flat import memory_of
from .compiler.jit import STAGE, call, jit, made_address
from .compiler.once import once
from .compiler.settings import INTERPRETED
from .compiler.team import LAYER, team
from .kind import (
    AFFINE,
    AFFINE_GRID,
    AFFINE_SUM,
    BITS,
    BOTH,
    ELASTIC,
    GROUPS,
    JOINT,
    PAIRED,
    PERSPECTIVE,
    REACH,
    SAMPLE,
    SCATTER,
    SLOPE,
    SQUARES,
    copies,
    family_of,
    form_of,
    item_bytes,
)
from .loops import shares_loop, tiles_loop
from .stages.affine import affine_grid_of, affine_sum_of
from .stages.field import put_field_of
from .stages.groups import groups_of, put_groups_of
from .stages.maps import put_homography_of
from .stages.pick import pick_of, pick_pixels_of
from .stages.pixels import pixels_of
from .stages.plan import plan_of
from .stages.reach import reach_of
from .stages.sample import sample_of
from .stages.scatter import scatter_of
from .stages.slope import (
    nearest_slope_of,
    put_matrix_of,
    put_slopes_of,
    slope_of,
    take_slopes_of,
)
from .stages.slope_pixels import slope_pixels_of
from .stages.squares import squares_of

NOTHING = np.zeros(0, np.uint8)  # for an array that a call does not have
NOTHING.flags.writeable = False

MAKERS = {
    "plan": plan_of,
    "sample": sample_of,
    "pixels": pixels_of,
    "pick": pick_of,
    "pick_pixels": pick_pixels_of,
    "slope": slope_of,
    "slope_pixels": slope_pixels_of,
    "nearest_slope": nearest_slope_of,
    "take_slopes": take_slopes_of,
    "put_slopes": put_slopes_of,
    "put_matrix": put_matrix_of,
    "put_homography": put_homography_of,
    "put_field": put_field_of,
    "scatter": scatter_of,
    "squares": squares_of,
    "reach": reach_of,
    "groups": groups_of,
    "put_groups": put_groups_of,
    "affine_grid": affine_grid_of,
    "affine_sum": affine_sum_of,
}


ENDS = {AFFINE: "put_matrix", PERSPECTIVE: "put_homography", ELASTIC: "put_field"}


class Stages(NamedTuple):
    """The stages of a call, each as its name and what it is compiled for; or None."""

    plan: tuple | None = None
    apply: tuple | None = None
    end: tuple | None = None
    begin: tuple | None = None  # where a gradient of coordinates is added to what is there


def slopes_from(kind):
    """The stage that finds slopes, and what it is compiled for."""
    if kind.taps == 1:
        return "nearest_slope", form_of(kind)
    if kind.last:
        return "slope_pixels", form_of(kind), kind.last
    if kind.role == SQUARES:
        return "squares", form_of(kind), 0, int(kind.layout == PAIRED)
    return "slope", form_of(kind), int(kind.layout == PAIRED), kind.value


def stages_of(kind):
    """What the stages of a call are compiled for, and nothing else."""
    form, paired = form_of(kind), int(kind.layout == PAIRED)
    plan = "plan", form, family_of(kind), kind.real, kind.source, kind.along
    sums = kind.axes, form.work, kind.real
    if copies(kind):
        bits, last = BITS[item_bytes(kind)], (kind.last, kind.planar)
        return Stages(plan, ("pick_pixels", form, bits, *last) if last[0] else ("pick", form, bits))
    if kind.role == SAMPLE and kind.last:
        return Stages(plan, ("pixels", form, paired, kind.value, kind.last, kind.planar))
    if kind.role == SAMPLE:
        return Stages(plan, ("sample", form, paired, kind.value))
    if kind.role in (SLOPE, SQUARES):
        apply = slopes_from(kind)
        if kind.source in ENDS:
            return Stages(plan, apply, (ENDS[kind.source], *sums))
        return Stages(plan, apply, ("put_slopes", *sums), ("take_slopes", *sums))
    return {
        SCATTER: Stages(plan, ("scatter", form)),
        JOINT: Stages(apply=("scatter", form)),
        BOTH: Stages(apply=("squares", form, 1, paired)),
        GROUPS: Stages(plan, ("groups", form), ("put_groups", form)),
        REACH: Stages(apply=("reach", kind.axes, kind.real, kind.source)),
        AFFINE_GRID: Stages(apply=("affine_grid", kind.axes, kind.real)),
        AFFINE_SUM: Stages(apply=("affine_sum", kind.axes, kind.real)),
    }[kind.role]


@once
def stage(name, *made_from):
    """The address of a stage."""
    return made_address(MAKERS[name], (name, *made_from), STAGE)


@once
def made_stage(maker, *made_from):
    """The address of a stage that is not among a call's in `stages_of`: (its name, ...)."""
    return made_address(maker, made_from, STAGE)


def ready(kind, job):
    """Enter the addresses of its stages into the job of a call; the address of its loop."""
    stages = stages_of(kind)
    for field in ("plan", "apply", "end"):
        made_from = getattr(stages, field)
        if made_from:
            job[field] = stage(*made_from)
    if stages.begin and job["add"] and kind.taps > 1:
        job["begin"] = stage(*stages.begin)
    owns_input = kind.role in (SCATTER, GROUPS) and not job["period"]
    return shares_loop() if owns_input else tiles_loop()


def drive(work, job, axes, image, grid, other, out, pieces):
    """All pieces of a job, on six arrays that come as `memory_of` takes them."""
    for piece in range(pieces):
        call(
            work,
            memory_of(job),
            memory_of(axes),
            memory_of(image),
            memory_of(grid),
            memory_of(other),
            memory_of(out),
            piece,
        )


_drive = jit(drive)


@jit
def drive_numbers(numbers):
    """`drive` where all that it takes is in an array."""
    job, axes, image = numbers[1], numbers[2], numbers[3]
    _drive(numbers[0], job, axes, image, numbers[4], numbers[5], numbers[6], numbers[7])


@once
def driver():
    """`drive`, compiled."""
    return drive if INTERPRETED else without_the_lock(drive_numbers, 8, "drive")


@once
def _load_before_forks():
    """Have the serial driver loaded before a process forks that has opened a region.

    A child that may open none needs it. To load it there LLVM takes locks of the C library's, and a
    thread that was about to end when the process forked holds them for good.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=driver)
        os.register_at_fork(before=_load_recall)


def _load_recall():
    """What finds calls made before is loaded in the child by its eighth such call, and so here."""
    if not INTERPRETED:
        recall.method()


def over_threads():
    """Its twin over threads, compiled."""
    return None if INTERPRETED else team(LAYER)


def run(work, parallel, arrays, pieces):
    """Run a loop at an address on (job, axes, image, grid, other, out), from their first bytes on.

    Over threads where that pays and may be.
    """
    run_on(work, parallel, arrays if INTERPRETED else map(id, arrays), pieces)


def run_on(work, parallel, six, pieces):
    """`run` of arrays that come as `memory_of` takes them."""
    if parallel and pieces > 1 and not INTERPRETED:
        _load_before_forks()
        threads.run(driver, (work, *six, pieces))
    else:
        driver()(work, *six, pieces)
