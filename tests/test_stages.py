"""What the stages of a call are compiled for: what is new costs what it needs, and no product."""

import itertools

import nursery
import pytest

from fastsample._kernels.drive import MAKERS, stages_of
from fastsample._kernels.kind import (
    AFFINE,
    CONSTANT,
    FLOW,
    GRID,
    MODES,
    PAIRED,
    REACH,
    RULES,
    SAMPLE,
    SCATTER,
    SCATTERED,
    SLOPE,
    WINDOW,
    Kind,
    form_of,
    is_near,
)
from fastsample._kernels.stages.scratch import (
    behind,
    pitch_of,
    plan_layout,
    plan_points,
    scratch_bytes,
    tile_points,
)

LIMIT = 300
ROLES = SAMPLE, SLOPE, SCATTER, REACH
KINDS = [
    Kind(RULES["zeros"], taps, axes, layout, wide, 4, 4, role, source)
    for taps, axes, layout, wide, role, source in itertools.product(
        MODES.values(), (1, 2, 3), (PAIRED, WINDOW, SCATTERED), (0, 1), ROLES, (GRID, AFFINE, FLOW)
    )
]
each_kind = pytest.mark.parametrize("kind", KINDS[::23], ids=str)


@each_kind
def test_plans_alone_depend_on_the_border_and_on_its_family(kind):
    found = [stages_of(kind._replace(rule=RULES[name])) for name in RULES]
    assert len({stages[1:] for stages in found}) == 1
    plans = dict(zip(RULES, (stages.plan for stages in found), strict=True))
    assert plans["zeros"] == plans["border"]
    assert plans["reflection"] == plans["mirror"] == plans["wrap"]


@each_kind
def test_plans_do_not_depend_on_what_is_sampled(kind):
    plans = {stages_of(kind._replace(value=value)).plan for value in (2, 4, 11, 12, 21, 22)}
    if kind.role == SAMPLE:
        plans |= {stages_of(kind._replace(last=last)).plan for last in (0, 3, 16)}
    assert len(plans) == 1


@each_kind
def test_what_is_sampled_does_not_depend_on_coordinates(kind):
    if kind.role in (SLOPE, REACH):  # whose results are of the coordinates
        return
    kinds = itertools.product((GRID, AFFINE, FLOW), (4, 8))
    applies = {stages_of(kind._replace(source=source, real=real))[1:] for source, real in kinds}
    assert len(applies) == 1


@each_kind
def test_the_roles_share_their_plans(kind):
    """A result and a gradient of the input read one plan."""
    if kind.role not in (SLOPE, REACH):
        assert stages_of(kind).plan == stages_of(kind._replace(role=SAMPLE)).plan


@each_kind
def test_every_stage_has_a_maker(kind):
    assert {stage[0] for stage in stages_of(kind) if stage} <= set(MAKERS)


@each_kind
def test_a_plan_has_room_for_every_tile(kind):
    """Both tiles of a plan, the one at work and the one ahead; and arrays do not overlap."""
    form = form_of(kind)
    assert tile_points(kind) <= plan_points(form)
    assert 2 * plan_points(form) <= pitch_of(form)
    arrays, end = plan_layout(form)
    starts = [start for start, _, _ in arrays]
    assert starts == sorted(starts)
    for (start, size, dtype), after in zip(arrays, [*starts[1:], end], strict=True):
        assert start + size * dtype(0).itemsize <= after
    assert behind(form) <= scratch_bytes(kind, 0)


def test_near_points_are_told_by_planes_alone():
    """Channels last and gradients read the same plan, without its places."""
    planar = Kind(CONSTANT, 2, 2, PAIRED, 0, 4, 4)
    for other in (planar._replace(last=3), planar._replace(role=SCATTER)):
        assert not is_near(other)


SCRIPT = """
import numpy as np
import fastsample as fs
from fastsample._kernels import drive

address, made = drive.made_address, []

def made_address(maker, made_from, signature):
    made.append(made_from[0])
    return address(maker, made_from, signature)

drive.made_address = made_address
image = np.random.default_rng(0).random((1, 2, 9, 11), dtype=np.float32)
grid = np.random.default_rng(1).uniform(-1.2, 1.2, (1, 5, 7, 2)).astype(np.float32)
theta = np.eye(2, 3, dtype=np.float32)[None]
large, dense = np.zeros((1, 2, 300, 300), np.float32), np.zeros((1, 300, 300, 2), np.float32)

def said(call):
    made.clear()
    call()
    print(" ".join(made) or "nothing")

"""
CALLS = {
    "fs.grid_sample(image, grid)": "plan sample",
    "fs.grid_sample(image, grid, padding_mode='border')": "nothing",
    "fs.grid_sample(image, grid, padding_mode='constant', fill_value=2)": "plan",
    "fs.grid_sample((255 * image).astype(np.uint8), grid)": "sample",
    "fs.affine_sample(image, theta, (5, 7))": "plan",
    "fs.affine_sample((255 * image).astype(np.uint8), theta, (5, 7))": "nothing",
    "fs.grid_sample_backward(image[..., :5, :7], image, grid, output_mask=(True, False))": (
        "scatter"
    ),
    "fs.grid_sample_backward(large, large, dense, output_mask=(True, False))": "reach",
    "fs.grid_sample(image, grid, padding_mode='reflection')": "plan",
    "fs.grid_sample(image, grid, 'bicubic', 'reflection')": "plan sample",
    "fs.grid_sample(image, grid, padding_mode='wrap')": "plan sample",  # scattered taps
}


@pytest.mark.compiled
def test_what_a_call_compiles_after_others():
    lines = nursery.script(SCRIPT + "".join(f"said(lambda: {c})\n" for c in CALLS), LIMIT)
    assert dict(zip(CALLS, lines.splitlines(), strict=True)) == CALLS
