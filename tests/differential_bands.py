"""Random spline filters, shifts, zooms and points that go by bands, beside SciPy's.

    python tests/differential_bands.py [--count N] [--seed S] [--first K]

Arrays of two and three axes, of every length from 2 to 300: here the smallest go by bands, too.
Most lie between pages that can't be read, so that one byte too far ends the process. It fails as
`differential_ndimage` does, and where not a third of the calls went by bands.
"""

import argparse
import sys
import warnings

import numpy as np
import splines
from differential_ndimage import SHORT, check, layout, pick, said
from guarded import SIDES, guarded

from fastsample._calls.splines import band_steps, band_taps

TYPES = ("f8", "f8", "f8", "f4", "u1", "i2", ">f4", ">f8")


def lower_limits():
    """Let all planes go by bands that can; the list of calls that do."""
    went = []

    def watched(run):
        return lambda *args: went.append(args) or run(*args)

    band_steps.LEAST_PIECES = 1
    band_steps.LEAST_PIECES = 1
    for module in (band_steps, band_taps):
        module.LEAST, module.LARGE = (2, 2), 0
        module.run = watched(module.run)
    return went


def image(rng):
    """An array, some of them with a NaN. (Of infinities filters make NaNs, each in its own way.)"""
    most = 300 if rng.random() < 0.7 else 50
    shape = tuple(int(n) for n in rng.integers(SHORT, most, 2 + (most == 50), endpoint=True))
    if rng.random() < 0.1:
        shape = (*shape[:-1], int(rng.integers(2, SHORT)))
    x = rng.normal(size=shape) * 100
    dtype = np.dtype(pick(rng, *TYPES))
    x = (np.abs(x) if dtype.kind == "u" else x).astype(dtype)
    if dtype.kind == "f" and rng.random() < 0.05:
        x[tuple(int(rng.integers(n)) for n in shape)] = np.nan
    return layout(rng, x) if rng.random() < 0.2 else guarded(x, pick(rng, *SIDES))


def call(rng):
    """A function's name and its arguments."""
    x, name = image(rng), pick(rng, "spline_filter", "shift", "zoom", "map_coordinates")
    options = {"order": int(rng.integers(2, 6)), "mode": pick(rng, *splines.MODES)}
    if name == "spline_filter":
        return name, (x,), options
    options |= {"cval": 2.5, "output": np.float64}
    if name == "map_coordinates":  # a few points, for their filter
        last = np.array(x.shape)[:, None] - 1.0
        return name, (x, rng.uniform(-0.1, 1.1, (x.ndim, 40)) * last), options
    if name == "shift":
        by = rng.uniform(-0.4, 0.4, x.ndim) * x.shape * pick(rng, 0.05, 0.3, 1)
        return name, (x, by), options
    options["grid_mode"] = bool(rng.random() < 0.3)
    zoom = rng.uniform(0.8, 2.5, x.ndim) * pick(rng, 1, 0.6)
    if (np.round(zoom * x.shape) == x.shape).any():
        x = np.nan_to_num(x)  # an axis that keeps its length is left alone, and spreads no NaN
    return name, (x, zoom), options


def main(count, seed, first=0):
    """Make so many calls; the number of those that fail."""
    warnings.simplefilter("ignore")
    went, failed = lower_limits(), 0
    for k in range(first, first + count):
        name, args, options = call(np.random.default_rng([seed, k]))
        wrong = check(name, args, options)
        if wrong:
            failed += 1
            print(f"call {k}: {said(name, args, options)}: {wrong}", flush=True)
    print(f"{count - failed} passed, {failed} failed, {len(went)} by bands")
    return failed + (3 * len(went) < count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first call")
    asked = parser.parse_args()
    sys.exit(1 if main(asked.count, asked.seed, asked.first) else 0)
