"""Every kind of kernel, compiled for lesser CPUs than this one, against those for this one.

    python tests/lesser_cpus.py

Each configuration of Numba's has a process of its own, so that an instruction which it forbids ends
that one alone. Ends with `N passed, M failed` on a line of its own; exit status 1 on a failure.
"""

import ast
import itertools
import os
import platform
import sys
import tempfile
from functools import partial
from pathlib import Path

import child
import numpy as np

LIMIT = 900
ALONE = {"NUMBA_CPU_FEATURES": ""}  # none beyond those of the name
LESSER = {
    "generic": {"NUMBA_CPU_NAME": "generic"},
    "no AVX": {"NUMBA_ENABLE_AVX": "0"},
    "x86-64-v2 alone": {"NUMBA_CPU_NAME": "x86-64-v2", **ALONE},
    "x86-64-v3 alone": {"NUMBA_CPU_NAME": "x86-64-v3", **ALONE},
}
if platform.machine().lower() not in ("x86_64", "amd64"):
    LESSER = {"generic": LESSER["generic"]}
# These two have the same instructions, SSE4.2's, under two names: one compiles `grid_sample`, the
# other the rest, 36 stages together where every second kind of call came to 42.
ALL, HALF = slice(0, None), 11
PARTS = {"no AVX": slice(0, HALF), "x86-64-v2 alone": slice(HALF, None)}
# Without a fused multiply-add a product is rounded for itself: a unit in the last place of a
# coordinate, some 1e-6 pixels here, and as much of a value between 0 and 1.
BOUNDS = {"float32": 4e-6, "float16": 1e-3, "uint8": 1, "bool": 0}


def calls():
    """(name, a call of one kind of kernel), for each."""
    import fastsample as fs

    rng = np.random.default_rng(0)
    image = rng.random((2, 3, 19, 22), dtype=np.float32)
    grid = rng.uniform(-1.2, 1.2, (2, 13, 17, 2)).astype(np.float32)
    typed = {"float32": image, "float16": image.astype(np.float16)}
    typed["uint8"] = (image * 255).astype(np.uint8)
    last = {name: np.moveaxis(one, 1, -1).copy() for name, one in typed.items()}
    pixels = partial(fs.grid_sample, channels_last=True)
    for name in typed:
        yield name, partial(fs.grid_sample, typed[name], grid)
        yield f"{name} last", partial(pixels, last[name], grid)
    for mode in ("nearest", "bicubic"):
        yield mode, partial(fs.grid_sample, image, grid, mode)
        yield f"{mode} last", partial(pixels, last["uint8"], grid, mode)
    volume = rng.random((1, 2, 7, 8, 9), dtype=np.float32)
    points = rng.uniform(-1.2, 1.2, (1, 40, 3)).astype(np.float32)
    yield "3-D", partial(fs.grid_sample, volume, points, padding_mode="reflection")

    slope = rng.random((2, 3, 13, 17), dtype=np.float32)
    back = partial(fs.grid_sample_backward, slope, image, grid)
    yield "gradient of the image", lambda: back()[0]
    yield "gradient of the grid", lambda: back()[1]
    many = rng.random((1, 16, 13, 17), dtype=np.float32)
    image16 = rng.random((1, 16, 19, 22), dtype=np.float32)
    back16 = partial(fs.grid_sample_backward, many, image16, grid[:1])
    yield "gradient of many channels", lambda: back16()[0]
    yield from systems(fs, rng, image, slope, last["uint8"][0])


def systems(fs, rng, image, slope, pixels):
    """The same of what is not `grid_sample`."""
    theta = np.float32([[[0.9, -0.2, 0.1], [0.2, 0.8, -0.05]]] * 2)
    back = partial(fs.affine_sample_backward, slope, image, theta, (13, 17))
    yield "matrix", partial(fs.affine_sample, image, theta, (13, 17))
    yield "matrix's gradient", lambda: back()[1]
    yield "affine_grid", partial(fs.affine_grid, theta, (2, 3, 13, 17))
    y, x = np.mgrid[:19, :22].astype(np.float32)
    yield "remap", partial(fs.remap, pixels, x * 0.9 + 0.3, y * 0.8 + 0.4)
    whole, part = [[1, -2], [0, 3], [-1, 0]], [[0.5, -1.3], [0, 2.2], [-0.7, 0]]
    yield "region_shift", partial(fs.region_shift, image, np.array(whole))
    yield "fractions", partial(fs.region_shift, image, np.float32(part))
    masks = rng.random((3, 14, 14), dtype=np.float32)
    boxes = np.float32([[1, 2, 15, 17], [-3, 4, 9, 30], [0.5, 0.5, 20.5, 12.25]])
    yield "masks", partial(fs.paste_masks, masks, boxes, (24, 26), None)
    yield "masks, a threshold", partial(fs.paste_masks, masks, boxes, (24, 26))
    offset = rng.uniform(-1, 1, (2, 18, 17, 20)).astype(np.float32)
    weight = rng.standard_normal((4, 3, 3, 3), dtype=np.float32) / np.float32(108)
    yield "deform_conv2d", partial(fs.deform_conv2d, image, offset, weight)


def ask(name, folder, part, **variables):
    """The results of a process with these variables, or None and what it said."""
    file = folder / f"{name}.npz"
    none = dict.fromkeys(("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX"))
    done = child.run([__file__, file, part.start, part.stop], LIMIT, **{**none, **variables})
    if done.returncode:
        return None, f"exit status {done.returncode}: {done.stderr.strip()[-500:]}"
    return dict(np.load(file)), ""


def differing(got, want):
    """What is further from what this CPU says than rounding goes."""
    for name in got:
        expected = want[name]
        bound = BOUNDS[expected.dtype.name]
        scale = max(1, np.abs(expected.astype(float)).max()) if expected.dtype.kind == "f" else 1
        far = np.abs(got[name].astype(float) - expected.astype(float)).max() / scale
        if got[name].dtype != expected.dtype or not far <= bound:
            yield f"{name}: {far:.3g}, more than {bound:.3g}"


def main():
    """Compare all; the exit status."""
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        want, said = ask("this CPU", Path(folder), ALL)
        if want is None:
            print(f"this CPU: {said}\n0 passed, 1 failed")
            return 1
        for name, variables in LESSER.items():
            got, said = ask(name, Path(folder), PARTS.get(name, ALL), **variables)
            wrong = [said] if got is None else list(differing(got, want))
            print(f"{name}: {'; '.join(wrong) or f'{len(got)} results are the same to rounding'}")
            failed, passed = failed + bool(wrong), passed + (not wrong)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    if sys.argv[1:]:
        file, *part = sys.argv[1:]
        some = itertools.islice(calls(), *map(ast.literal_eval, part))
        np.savez(file, **{name: call() for name, call in some})
    else:
        os.environ.pop("NUMBA_DISABLE_JIT", None)
        sys.exit(main())
