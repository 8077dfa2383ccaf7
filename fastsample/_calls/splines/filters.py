"""B-splines as data for the kernels: the recursions that give their coefficients, and their taps.

Unser, Aldroubi & Eden, B-spline signal processing (IEEE Trans. Signal Processing 41, 1993): the
coefficients are the samples times a gain, filtered up and down the line once for each pole.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._kernels.stages.splines.lines import CHUNK, POLE, TERM

Array = NDArray[Any]
# The roots of the sampled spline's polynomial that lie in the unit circle.
POLES = {
    2: (math.sqrt(8) - 3,),
    3: (math.sqrt(3) - 2,),
    4: (-0.361341225900220177092, -0.013725429297339121360),
    5: (-0.430575347099973791851, -0.043096288203264653823),
}
SMALL = 1e-17  # of what a sum's first term has; a double ends there


class Filter(NamedTuple):
    """The recursions of a line, as tables for the kernel."""

    gain: float
    poles: Array
    terms: Array
    needed: int  # rows before the first of them begins


NO_FILTER = Filter(1.0, np.zeros(0, POLE), np.zeros(0, TERM), 0)


@lru_cache(maxsize=512)
def filter_of(order: int, size: int, symmetry: str) -> Filter:
    """The filter of a line of so many samples; one sample is its own coefficient."""
    zs = POLES.get(order, ()) if size > 1 else ()
    if not zs:
        return NO_FILTER
    poles, terms = np.zeros(len(zs), POLE), []
    for pole, z in zip(poles, zs, strict=True):
        start, end = start_terms(z, size, symmetry), end_terms(z, size, symmetry)
        pole["z"], pole["start"], pole["starts"] = z, len(terms), len(start)
        pole["end"], pole["ends"] = len(terms) + len(start), len(end)
        terms += [*start.items(), *end.items()]
    needed = 1 + max(row for row, _ in terms[: int(poles[0]["starts"])])
    gain = math.prod((1 - z) * (1 - 1 / z) for z in zs)
    return Filter(gain, poles, np.array(terms, TERM), needed)


@lru_cache(maxsize=512)
def filter_at_once(order: int, size: int, symmetry: str, pad: int = 0) -> Filter:
    """The filter of a line whose recursions, c[i] = s[i] + z c[i - 1], go up at once, then down.

    Those of a long line begin while it comes in, and end with sums over what has come up. Other
    lines, and those to which samples are added, are there as a whole before they begin, and all
    sums are over samples.
    """
    zs = POLES[order]
    reach = 1 + int(math.log(SMALL) / math.log(max(map(abs, zs))))
    starts = _states(np.eye(reach), zs)[-1]
    up = _states(np.eye(3 * reach), zs)[:, -1]
    ends = _states(up[: 2 * reach - 1 : -1], zs)[-1]
    before, around = np.arange(1 - reach, 1), size - 1 + np.arange(-2 * reach, reach)
    whole = size < 2 * CHUNK or symmetry == "wrap" or pad > 0
    poles, terms = np.zeros(2, POLE), []
    for pole, z, start, end in zip(poles, zs, starts, ends, strict=False):
        first = collected(brought_in(before, size, symmetry), start)
        last = collected(brought_in(around, size, symmetry), end)
        last = last if whole else _of_states(last, zs)
        pole["z"], pole["start"], pole["starts"] = z, len(terms), len(first)
        pole["end"], pole["ends"] = len(terms) + len(first), len(last)
        terms += [*first.items(), *last.items()]
    gain = math.prod((1 - z) * (1 - 1 / z) * -z for z in zs)
    return Filter(gain, poles, np.array(terms, TERM), size if whole else reach)


def _states(rows, zs):
    """What recursions are after each of some rows."""
    found, states = [], np.zeros((len(zs), rows.shape[1]))
    for row in rows:
        for k, z in enumerate(zs):
            states[k] = z * states[k] + (row if k == 0 else states[k - 1])
        found.append(states.copy())
    return np.array(found)


def _of_states(terms, zs):
    """A sum over samples as one over what recursions have made of them."""
    weights = np.zeros(max(terms) + 1 + len(zs))
    weights[list(terms)] = list(terms.values())
    found = np.convolve(weights, np.poly(zs)[::-1])[len(zs) :]
    matter = np.abs(found) > SMALL * np.abs(found).max()
    return {int(k): float(found[k]) for k in np.flatnonzero(matter)}


def period_of(size: int, symmetry: str) -> int:
    """After so many samples a line that is continued repeats itself."""
    return {"mirror": max(2 * size - 2, 1), "reflect": 2 * size, "wrap": size}[symmetry]


def brought_in(index: Any, size: int, symmetry: str) -> Any:
    """The sample at an index before, in or after a line that is continued."""
    place = index % period_of(size, symmetry)
    if symmetry == "mirror":
        return np.where(place < size, place, 2 * size - 2 - place)
    if symmetry == "reflect":
        return np.where(place < size, place, 2 * size - 1 - place)
    return place


def series(z: float, count: int) -> Array:
    """z^k for k < count, as far as that matters."""
    return z ** np.arange(min(count, 1 + int(math.log(SMALL) / math.log(abs(z)))), dtype=float)


def collected(rows: Array, weights: Array) -> dict[int, float]:
    """The weight of each row, which may have come more than once."""
    terms: dict[int, float] = {}
    for row, weight in zip(rows.tolist(), weights.tolist(), strict=True):
        terms[row] = terms.get(row, 0.0) + weight
    return terms


def start_terms(z: float, size: int, symmetry: str) -> dict[int, float]:
    """The first value upwards: the sum of z^k c[-k] over all that lies before the line."""
    period = period_of(size, symmetry)
    powers = series(z, period)
    rows = brought_in(-np.arange(len(powers)), size, symmetry)
    return collected(rows, powers / (1 - z**period))


def end_terms(z: float, size: int, symmetry: str) -> dict[int, float]:
    """The last value downwards."""
    last = size - 1
    if symmetry == "mirror":
        factor = z / (z * z - 1)
        return {last - 1: z * factor, last: factor}
    if symmetry == "reflect":
        return {last: z / (z - 1)}
    powers = series(z, size)
    rows = (last + np.arange(len(powers))) % size
    return collected(rows, powers * (z / (z**size - 1)))


def terms_behind(z: float, size: int, symmetry: str) -> dict[int, float]:
    """The value behind the last one downwards, c[n] of c[i] = z (c[i + 1] - s[i])."""
    terms = {row: weight / z for row, weight in end_terms(z, size, symmetry).items()}
    terms[size - 1] = terms.get(size - 1, 0.0) + 1
    return terms


def tap_weights(t: Array, order: int) -> Array:
    """The weights of order + 1 taps, for places `t` after the middle one: de Boor's recursion."""
    u = t if order % 2 else t + 0.5
    weights = [np.ones_like(t)]
    for k in range(1, order + 1):
        zero = np.zeros_like(t)
        left, right = [zero, *weights], [*weights, zero]
        weights = [((u + k - j) * left[j] + (1 - u + j) * right[j]) / k for j in range(k + 1)]
    return np.stack(weights, -1)
