"""warmup: after it the common calls compile nothing."""

import numpy as np
import pytest

import fastsample as fs
from fastsample._calls import warm
from fastsample._kernels import drive
from fastsample._kernels.compiler import disk

F32 = np.float32
IMAGE = np.random.default_rng(0).random((1, 2, 64, 64), F32)
PHOTO = (255 * np.random.default_rng(1).random((64, 64, 3))).astype(np.uint8)
GRID = np.random.default_rng(2).uniform(-1, 1, (1, 64, 64, 2)).astype(F32)
THETA = np.eye(2, 3, dtype=F32)[None]
MAPS = 64 * GRID[0, ..., 0], 64 * GRID[0, ..., 1]
CALLS = {
    "grid_sample": lambda: fs.grid_sample(IMAGE, GRID),
    "bicubic": lambda: fs.grid_sample(IMAGE, GRID, "bicubic", "border"),
    "volume": lambda: fs.grid_sample(IMAGE[:, None], np.zeros((1, 5, 3), F32)),
    "backward": lambda: fs.grid_sample_backward(IMAGE, IMAGE, GRID),
    "affine_sample": lambda: fs.affine_sample(IMAGE, THETA, (64, 64), padding_mode="border"),
    "perspective_sample": lambda: fs.perspective_sample(
        PHOTO[None], np.eye(3, dtype=F32)[None], (64, 64), channels_last=True
    ),
    "elastic_sample": lambda: fs.elastic_sample(
        PHOTO[None, ..., :1],
        np.zeros((1, 2, 3, 3), F32),
        (64, 64),
        THETA,
        "nearest",
        channels_last=True,
    ),
    "a list": lambda: fs.affine_sample([PHOTO, PHOTO[:40]], THETA, (64, 64), channels_last=True),
    "affine_grid": lambda: fs.affine_grid_backward(
        fs.affine_grid(THETA, (1, 2, 64, 64)), (1, 2, 64, 64)
    ),
    "point_sample": lambda: fs.point_sample(IMAGE, abs(GRID), padding_mode="border"),
    "flow_warp": lambda: fs.flow_warp(IMAGE, np.moveaxis(GRID, -1, 1)),
    "remap": lambda: fs.remap(PHOTO, *MAPS, "nearest", "reflection"),
    "remap float32": lambda: fs.remap(PHOTO.astype(F32), *MAPS),
    "remap gray": lambda: fs.remap(PHOTO[..., 0].copy(), *MAPS),
    "region_shift": lambda: fs.region_shift(IMAGE, fs.shifts.s2_mlp(2)),
    "paste_masks": lambda: fs.paste_masks(IMAGE[0], np.eye(2, 4, 2, F32) * 9, (64, 64)),
}


@pytest.mark.compiled
@pytest.mark.parametrize("name", CALLS)
def test_common_calls_find_their_kernels(name, monkeypatch):
    """None is compiled, nor read from disk."""
    fs.warmup()
    asked = []
    monkeypatch.setattr(disk, "read", lambda *what: asked.append(what))
    CALLS[name]()
    assert not asked


def test_every_stage_is_counted_once(monkeypatch):
    """And each of the common ones is among them."""
    asked, steps = [], []
    monkeypatch.setattr(drive, "stage", lambda *made_from: asked.append(made_from))
    for name in ("driver", "over_threads"):
        monkeypatch.setattr(drive, name, lambda name=name: asked.append(name))
    for name in ("copier", "tiles_loop", "shares_loop", "samples_loop", "list_loop"):
        monkeypatch.setattr(warm, name, lambda name=name: asked.append(name))
    monkeypatch.setattr(warm.recall, "method", lambda: asked.append("recall"))
    monkeypatch.setattr(warm, "paster", lambda soft: asked.append(("paste", soft)))
    count = fs.warmup(True, lambda done, total: steps.append((done, total)))
    assert count == len(asked) == len(set(asked))
    assert steps == [(k, count) for k in range(count + 1)]
    everything = set(asked)
    asked.clear()
    fs.warmup()
    assert set(asked) < everything


@pytest.mark.parametrize("every", [1, None, "all"])
def test_every_is_a_flag(every):
    with pytest.raises(TypeError, match="warmup: every must be True or False; got"):
        fs.warmup(every)


def test_progress_is_a_function():
    with pytest.raises(TypeError, match="warmup: progress must be a function; got 3"):
        fs.warmup(progress=3)
