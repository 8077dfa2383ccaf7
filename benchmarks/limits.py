"""How far the kernels are from what memory and loads allow: `python -m benchmarks.limits --help`.

A case must move the bytes of its arrays and of its result, each once; the limit is a copy of as
many bytes, which takes turns with the case. Where taps are gathered, loads are the other limit:
those of the kernel alone, on a plane that the first-level cache holds, on as many threads.
"""

import argparse
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np

import fastsample as fs
from fastsample._bench import grids, systems
from fastsample._bench.case import OURS
from fastsample._bench.race import timed
from fastsample._bench.report import Report, about, sentence, shown
from fastsample._kernels.compiler.cpu import PERMUTE
from fastsample._kernels.compiler.jit import inline
from fastsample._kernels.vectors.gathers import gather, gather_pairs, gather_quads
from fastsample._kernels.vectors.simd import LANES, load, permuted, store

SIDE = 64  # pixels of the cached plane's side: 16 KB
VALUES = 1 << 14  # of a pass over it
PASSES = 256
MARKED = re.compile(r"(<!-- limits -->\n).*?(<!-- end of limits -->)", re.DOTALL)

# How the taps of 16 values are read, and how many rows of taps there are; None where not by taps.
CASES = {
    "photo 1x3x1080x1920": ("stretches", 4),
    "photo nearest": ("singles", 1),
    "photo bicubic": ("quads", 4),
    "batch 8x3x256x256": ("stretches", 4),
    "features 1x64x128x128": ("stretches", 4),
    "features 16x256x32x32": ("stretches", 4),
    "plane 1x1x1024x1024": ("stretches", 4),
    "volume 1x1x128x128x128": ("pairs", 4),
    "affine_sample 8x3x224x224": ("stretches", 4),
    "points 1x256x200x304, 12544": ("pairs", 2),
    "flow 1x64x256x256": ("stretches", 4),
    "remap float32 1080x1920x3 bilinear": None,
    "remap uint8 1080x1920x3 bilinear": None,
    "backward photo, grid alone": ("pairs", 2),
    "backward photo, input alone": None,
    "backward features 16x256x32x32": None,
    "affine_grid 16x256x256": None,
    "shift 8x64x56x56": None,
    "masks 100x28x28, hard": None,
}


@dataclass(frozen=True)
class Found:
    """A case's bytes, and seconds: its own best, a copy's, the loads'."""

    case: str
    moved: int
    time: float
    copy: float
    loads: float | None


def main(argv=None):
    """Measure, print, and write the table where it is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", metavar="WORD", default="", help="cases with it in their name")
    parser.add_argument("--page", type=Path, help="a Markdown page with <!-- limits --> in it")
    args = parser.parse_args(argv)
    every = {case.name: case for case in (*grids.cases(), *systems.cases())}
    found = [measured(every[name], args.rounds) for name in CASES if args.only in name]
    text = (
        f"{sentence(Report(about(numba.get_num_threads(), args.rounds), []))}\n\n{table(found)}\n"
    )
    print(text)
    if args.page:
        page = args.page.read_text(encoding="utf-8")
        args.page.write_text(MARKED.sub(rf"\g<1>{text}\g<2>", page), encoding="utf-8")


def measured(case, rounds):
    """One case beside its limits."""
    make = case.calls[OURS]
    call = make()
    arrays, results = arrays_of(make), call()
    moved = sum(array.nbytes for array in (*arrays, *listed(results)))
    values = sum(array.size for array in listed(results))
    calls = {OURS: call, "copy": copy_of(moved)}
    if CASES[case.name]:
        calls["loads"] = loads_of(*CASES[case.name])
    times = {name: min(taken) for name, taken in timed(calls, rounds).items()}
    loads = times.get("loads")
    if loads is not None:
        if case.group == "grid_sample_backward":
            values = arrays[0].size  # of the result whose gradient came
        loads *= values / (VALUES * PASSES)
    return Found(case.name, moved, times[OURS], times["copy"], loads)


def arrays_of(make):
    """The arrays that a case reads."""
    if make.func is systems.ours:
        return systems.made(make.args[1])
    if make.func is not grids.call:
        return [array for array in make.args if isinstance(array, np.ndarray)]
    job, arrays = make.args[1], grids.make_arrays(make.args[1])
    if job.function == "grid_sample_backward" and not job.output_mask[1]:
        return [arrays[0], arrays[2]]  # the input's gradient doesn't need the input
    return arrays


def listed(results):
    """A call's results as a list."""
    several = results if isinstance(results, tuple) else (results,)
    return [array for array in several if array is not None]


def copy_of(moved):
    """A call that reads half of so many bytes and writes the other half, on all threads."""
    source = np.ones((1, 8, 1, max(1, moved // 2 // 8)), np.uint8)
    return lambda: fs.region_shift(source, [(0, 0)])


def loads_of(kind, rows):
    """A call that reads the taps of VALUES * PASSES values and adds them up, on all threads."""
    run, threads = sums(LOADS[kind], rows), numba.get_num_threads()
    pool = ThreadPoolExecutor(threads)
    plane = np.ones(SIDE * SIDE, np.float32)
    # Neighbours lie a pixel apart along a row that falls by one in ten.
    along = np.arange(VALUES) % (SIDE // 2)
    down = (along // 10 + np.arange(VALUES) // (SIDE // 2)) % (SIDE - 8)
    offsets = (down * SIDE + along).astype(np.int32)
    places = np.arange(LANES, dtype=np.int32)
    outs = [np.empty(VALUES, np.float32) for _ in range(threads)]
    passes = PASSES // threads

    def call():
        list(pool.map(lambda out: run(plane, offsets, places, out, passes), outs))

    return call


@inline
def singles(plane, first, offsets, places, j):
    """One pixel for each of 16 values."""
    return gather(plane, first, offsets, j)


@inline
def pairs(plane, first, offsets, places, j):
    """Two neighbours."""
    left, right = gather_pairs(plane, first, offsets, j)
    return left + right


@inline
def quads(plane, first, offsets, places, j):
    """Four neighbours."""
    a, b, c, d = gather_quads(plane, first, offsets, j)
    return (a + b) + (c + d)


@inline
def stretches(plane, first, offsets, places, j):
    """32 pixels, of which two permutations find two neighbours of 16 points near each other."""
    begin, at = first + offsets[j], load(places, 0)
    low, high = load(plane, begin), load(plane, begin + LANES)
    return permuted(low, high, at) + permuted(low, high, at + 1)


def sums(read, rows):
    """A kernel that reads all rows of taps of 16 values after the other, and adds them up."""

    @numba.njit(nogil=True)
    def run(plane, offsets, places, out, passes):
        for _ in range(passes):
            for j in range(0, offsets.size, LANES):
                total = read(plane, 0, offsets, places, j)
                for row in range(1, rows):
                    total = total + read(plane, row * SIDE, offsets, places, j)
                store(out, j, total)

    return run


LOADS = {"singles": singles, "pairs": pairs, "quads": quads}
LOADS["stretches"] = stretches if PERMUTE else pairs  # as the kernels read without AVX-512


def table(found):
    """Bytes and times side by side, as Markdown."""
    head = "case", "ms", "MB", "GB/s", "copy, ms", "of memory's limit", "loads, ms", "of the loads'"
    lines = [head, ("---", *["---:"] * 7)]
    for row in found:
        loads = ("", "") if row.loads is None else (shown(row.loads), share(row.loads / row.time))
        size, rate = f"{row.moved / 1e6:.3g}", f"{row.moved / row.time / 1e9:.1f}"
        memory = shown(row.copy), share(row.copy / row.time)
        lines.append((row.case, shown(row.time), size, rate, *memory, *loads))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def share(part):
    """A part of 1."""
    return f"{100 * part:.0f} %"


if __name__ == "__main__":
    main()
