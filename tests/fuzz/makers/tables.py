"""Calls of the tables of `shifts`."""

import itertools

import numpy as np

from ..case import Case
from ..judge import is_a_result


def table_case(name, arguments, kinds, want):
    """A case of one of the papers' shifts."""

    def judge(got):
        is_a_result(got, (arguments["channels"], 2), np.dtype(np.int64), {})
        assert got.tolist() == want, f"{got.tolist()}, not {want}"

    return Case("shifts." + name, arguments, judge, kinds)


def make_s2_mlp(d):
    c = d.number(0, 23)
    cuts = c // 4, c // 2, 3 * c // 4
    rows = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    want = [rows[sum(k >= cut for cut in cuts)] for k in range(c)]
    return table_case("s2_mlp", {"channels": c}, {"channels": "count"}, want)


def make_as_mlp(d):
    c, size, axis = d.number(0, 23), d.one([1, 3, 5, 7]), d.number(0, 1)
    each = max(1, -(-c // size))
    want = [[(k // each - size // 2) * (axis == a) for a in (0, 1)] for k in range(c)]
    arguments = {"channels": c, "size": size, "axis": axis}
    return table_case(
        "as_mlp", arguments, {"channels": "count", "size": "odd", "axis": "axis"}, want
    )


def make_cycle_fc(d):
    c, taps, axis = d.number(0, 23), d.number(2, 7), d.number(0, 1)
    kernel = d.one([tuple, list, np.array])((1, taps) if axis else (taps, 1))
    steps = [-((k + taps // 2) % taps - taps // 2) for k in range(c)]
    want = [[s * (axis == a) for a in (0, 1)] for s in steps]
    arguments = {"channels": c, "kernel": kernel}
    return table_case("cycle_fc", arguments, {"channels": "count", "kernel": "line"}, want)


def make_shift_net(d):
    c, kh, kw = d.number(0, 40), d.number(1, 4), d.number(1, 4)
    taps = list(itertools.product(range(kh), range(kw)))
    centre = kh // 2, kw // 2
    want = []
    for y, x in taps:
        extra = c % len(taps) if (y, x) == centre else 0
        want += [[centre[0] - y, centre[1] - x]] * (c // len(taps) + extra)
    arguments = {"channels": c, "kernel": (kh, kw)}
    return table_case("shift_net", arguments, {"channels": "count", "kernel": "steps"}, want)
