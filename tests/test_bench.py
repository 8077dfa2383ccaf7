"""The race: its rows, what is made of them, and that no table in a page was written by hand."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fastsample._bench import grids, loader, report, systems
from fastsample._bench.case import CV2, OURS, TORCH, Case, contestants
from fastsample._bench.race import Row, as_arrays, difference, race
from fastsample._cli import bench
from fastsample._cli.parser import main

pytest.importorskip("rich")
pytest.importorskip("matplotlib")

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "docs" / "project" / "races.json"
PAGES = {
    "README.md": "races.json",
    "docs/project/races.md": "races.json",
    "docs/guide/loaders.md": "races_loader.json",
}


def row(library=OURS, best=1e-3, case="a", **rest):
    facts = {"target": None, "within": None, "difference": None, "headline": False, **rest}
    return Row(case, "group", library, best, best, best / 1e-3, **facts)


@pytest.fixture
def found():
    rows = [row(), row(TORCH, 3e-3, target=2.0), row(CV2, 1.5e-3, target=2.0)]
    rows += [row(case="b", headline=True), row("numpy", 0.4, case="b", headline=True)]
    return report.Report(report.about(2, 3), rows)


def test_every_library_takes_its_turn():
    turns = []

    def maker(name):
        return lambda: lambda: turns.append(name) or np.zeros(3)

    case = Case("a", "group", {name: maker(name) for name in (OURS, TORCH)}, {TORCH: 2.0})
    steps = []
    rows = race([case], 3, 2, steps.append)
    assert steps == ["a", "a"]
    assert [r.library for r in rows] == [OURS, TORCH]
    assert rows[0].ratio == 1
    assert rows[1].ratio == rows[1].best / rows[0].best
    assert rows[0].best <= rows[0].median
    changes = sum(one != other for one, other in pairwise(turns))
    # Each once: a result, and in both passes a batch and a turn in each of two rounds.
    assert changes + 1 == 2 + 2 * (2 + 2 * 2)


def test_a_library_that_is_missing_is_left_out():
    case = Case("a", "group", {OURS: lambda: lambda: 1, CV2: lambda: None})
    assert list(contestants(case)) == [OURS]


def test_short_is_what_misses_its_aim():
    assert row(TORCH, 1.9e-3, target=2.0).short
    assert not row(TORCH, 2.1e-3, target=2.0).short
    assert row(within=0.5e-3).short
    assert not row().short


def test_a_busy_machine_is_named(found):
    assert bench.noise(found) == ""
    slow = replace(found.rows[0], case="crowded", median=3.2 * found.rows[0].best)
    said = bench.noise(report.Report(found.about, [*found.rows, slow]))
    assert "3.2 times the best times (crowded)" in said


def test_results_are_brought_into_one_form():
    images = [np.zeros((4, 5, 3)), np.ones((4, 5, 3))]
    (stacked,) = as_arrays(images)
    assert stacked.shape == (2, 3, 4, 5)
    assert as_arrays((images[0], None))[1] is None


def test_difference_is_in_parts_of_the_largest_element():
    results = {TORCH: [np.array([0.0, 4.0]), None], OURS: [np.array([1.0, 4.0]), np.zeros(1)]}
    assert difference(results, OURS) == 0.25
    assert difference(results, TORCH) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.234e-6, "0.0012"), (1.5e-5, "0.0150"), (4.2e-3, "4.20"), (0.0123, "12.3"), (1.5, "1500")],
)
def test_times_have_three_digits(seconds, text):
    assert report.shown(seconds) == text


def test_a_narrow_terminal_cuts_no_number(found):
    from rich.console import Console

    long = " with a name that is longer than a line"
    rows = [replace(row, case=row.case + long, best=1.23456e-5) for row in found.rows]
    with (console := Console(width=50)).capture() as printed:
        console.print(report.table(replace(found, rows=rows)))
    assert printed.get().count("0.0123") == len(rows)
    assert "…" not in printed.get()


def test_json_comes_back(found, tmp_path):
    report.save(found, tmp_path / "kept.json")
    assert report.load(tmp_path / "kept.json") == found


@pytest.mark.parametrize("text", ["", "[]", '{"about": {}}', '{"about": {}, "rows": [{"a": 1}]}'])
def test_what_is_no_race_is_refused(tmp_path, text):
    (tmp_path / "kept.json").write_text(text)
    with pytest.raises(ValueError, match=r"kept\.json holds no race"):
        report.load(tmp_path / "kept.json")


def test_page_is_filled_between_its_marks(found):
    page = "before\n<!-- races: {} -->\nold\n<!-- end of races -->\nafter"
    every, some = (report.written(page.format(kind), found) for kind in ("all", "headlines"))
    for text in (every, some):
        assert text.startswith("before\n<!-- races:")
        assert text.endswith("\n<!-- end of races -->\nafter")
        assert "old" not in text
        assert report.sentence(found) in text
        assert report.written(text, found) == text
    assert "| a | 1.00 | 3.00 (3.00×; 2) | 1.50 (**1.50×**; 2) |  |" in every
    assert "| a |" not in some
    assert "| b | 1.00 | NumPy 400 (400×) |" in some


def test_our_own_aim_stands_beside_our_time():
    assert report.own(row(within=2e-3), aimed=True) == "1.00 (; 2.00)"
    assert report.own(row(within=0.5e-3), aimed=True) == "**1.00** (; 0.500)"
    assert report.own(row(within=0.5e-3)) == "1.00"


def test_every_case_is_drawn(found):
    (axes,) = report.plot(found).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"]


def test_cases_have_names_of_their_own():
    names = [case.name for case in (*grids.cases(), *systems.cases(), *loader.cases())]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("page", "figures"), PAGES.items())
def test_no_table_was_written_by_hand(page, figures):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert report.written(text, report.load(KEPT.with_name(figures))) == text


@pytest.fixture
def kept(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report.save(found, tmp_path / "kept.json")
    Path("page.md").write_text("<!-- races: all -->\n<!-- end of races -->\n")
    return tmp_path


class TestCommand:
    @pytest.mark.compiled
    def test_races_and_keeps(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert main(["bench", "--only", "8x8", "--rounds", "1", "--json", "out.json"]) == 0
        printed = capsys.readouterr().out
        assert "8x8 image, 4 points" in printed
        assert "wrote fastsample-bench.png, out.json" in printed
        assert json.loads(Path("out.json").read_text())["about"]["rounds"] == "1"

    def test_shows_an_earlier_race(self, kept, capsys):
        assert main(["bench", "--read", "kept.json", "--page", "page.md", "--plot", "p.svg"]) == 0
        assert "PyTorch" in capsys.readouterr().out
        assert "| a | 1.00 |" in Path("page.md").read_text()
        assert Path("p.svg").stat().st_size

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--only", "qqq"], "no case has 'qqq'; groups are grid_sample, "),
            (["--rounds", "0"], "must be a whole number above 0; got '0'"),
            (["--threads", "9999"], "--threads may be at most "),
            (["--read", "none.json"], "cannot read none.json: No such file"),
            (["--read", "page.md"], "page.md holds no race"),
            (["--page", "none.md"], "cannot read none.md: No such file"),
            (["--page", "kept.json"], "unknown suffix .json (not .md)"),
            (["--json", "kept.txt"], "unknown suffix .txt (not .json)"),
            (["--plot", "plot.xyz"], "unknown suffix .xyz"),
        ],
    )
    def test_refuses(self, kept, capsys, options, words):
        assert main(["bench", *options]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert words in err
        assert err.count("\n") == 1
        assert sorted(path.name for path in kept.iterdir()) == ["kept.json", "page.md"]

    def test_a_page_without_marks_is_refused(self, kept, capsys):
        Path("page.md").write_text("nothing")
        assert main(["bench", "--read", "kept.json", "--page", "page.md"]) == 2
        assert "page.md has no line <!-- races: all -->" in capsys.readouterr().err
        assert Path("page.md").read_text() == "nothing"
