"""What a race found: kept as JSON, shown as a table, drawn as a plot."""

import json
import math
import platform
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsample import __version__
from fastsample._kernels.compiler import machine

from .case import CV2, LABELS, NUMPY, OURS, SCIPY, SKIMAGE, TORCH, module
from .race import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.table import Table

COLUMNS = TORCH, CV2, SCIPY, SKIMAGE  # libraries with a column of their own
# Okabe and Ito's colours, which the colour-blind tell apart, and a mark each.
LOOKS = {
    TORCH: ("#d55e00", "o"),
    CV2: ("#0072b2", "s"),
    SCIPY: ("#009e73", "^"),
    SKIMAGE: ("#cc79a7", "D"),
    NUMPY: ("#e69f00", "v"),
}
OTHERS = ("#777777", "x")
PACKAGES = {CV2: "opencv-python-headless", SKIMAGE: "scikit-image"}
MARKED = re.compile(r"(<!-- races: (\w+) -->\n).*?(<!-- end of races -->)", re.DOTALL)


@dataclass(frozen=True)
class Report:
    """The rows of a race and what it ran on."""

    about: dict[str, str]
    rows: list[Row]

    def cases(self) -> dict[str, dict[str, Row]]:
        """Sort the rows: case, then library."""
        found: dict[str, dict[str, Row]] = {}
        for row in self.rows:
            found.setdefault(row.case, {})[row.library] = row
        return found

    def headlines(self) -> "Report":
        """Take what a short table has."""
        return Report(self.about, [row for row in self.rows if row.headline])


def about(threads: int, rounds: int) -> dict[str, str]:
    """Describe the machine, the libraries and how they raced."""
    return {
        "machine": f"{processor()}, {platform.system()}",
        "cpu": machine.cpu(),
        "threads": str(threads),
        "rounds": str(rounds),
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        OURS: __version__,
        "numba": machine.versions()["numba"],
        **versions(),
    }


def processor() -> str:
    """Name the processor as Linux does, or as Python can."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return re.findall(r"^model name\s*: (.+)$", text, re.MULTILINE)[0].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """List the versions of the libraries that are installed."""
    found = {}
    for name in (NUMPY, *COLUMNS):
        if module(name) is not None:
            try:
                found[name] = version(PACKAGES.get(name, name))
            except PackageNotFoundError:  # installed under another name
                found[name] = str(module(name).__version__)
    return found


def save(report: Report, path: Path) -> None:
    """Write a report as JSON."""
    kept = {"about": report.about, "rows": [asdict(row) for row in report.rows]}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Report:
    """Read what `save` wrote; ValueError where it is something else."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Report(dict(kept["about"]), [Row(**row) for row in kept["rows"]])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no race: {error}") from error


def shown(seconds: float) -> str:
    """Put a time into milliseconds: three digits, at most four after the point."""
    value = 1e3 * seconds
    return f"{value:.{min(max(2 - math.floor(math.log10(value)), 0), 4)}f}"


def against(row: Row | None, aimed: bool = False) -> str:
    """Put a library's time beside how many times ours that is, and should be: bold if it's less."""
    if row is None:
        return ""
    ratio = times(row.ratio)
    if aimed and row.target is not None:
        ratio = f"{bold(ratio, row.short)}; {row.target:g}"
    return f"{shown(row.best)} ({ratio})"


def own(row: Row, aimed: bool = False) -> str:
    """Put our time beside what it should be."""
    if not aimed or row.within is None:
        return shown(row.best)
    return f"{bold(shown(row.best), row.short)} (; {shown(row.within)})"


def bold(text: str, really: bool) -> str:
    """Mark what falls short."""
    return f"**{text}**" if really else text


def times(ratio: float) -> str:
    """Put a ratio into words."""
    return f"{ratio:.0f}×" if ratio >= 100 else f"{ratio:.3g}×" if ratio >= 10 else f"{ratio:.2f}×"


def label(name: str) -> str:
    """Name a library as it names itself."""
    return LABELS.get(name, name)


def columns(report: Report) -> list[str]:
    """List the libraries that get a column: the usual ones of those that raced."""
    raced = {row.library for row in report.rows}
    return [name for name in COLUMNS if name in raced]


def others(rows: dict[str, Row], aimed: bool = False) -> str:
    """Put those without a column into one cell."""
    rest = [row for name, row in rows.items() if name not in (OURS, *COLUMNS)]
    return ", ".join(f"{label(row.library)} {against(row, aimed)}" for row in rest)


def table(report: Report) -> "Table":
    """Lay a report out for a terminal: a line for each library in each case."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    laid = Table(box=SIMPLE_HEAD)
    laid.add_column("case")  # takes two lines where a terminal is narrow, before a number is cut
    laid.add_column("library", no_wrap=True)
    for name in ("best, ms", "ratio"):
        laid.add_column(name, justify="right", no_wrap=True)
    for case, rows in report.cases().items():
        for row in rows.values():
            ours = row.library == OURS
            figures = shown(row.best), "" if ours else times(row.ratio)
            laid.add_row(case if ours else "", label(row.library), *figures)
        laid.add_section()
    return laid


def sentence(report: Report) -> str:
    """Say what raced on what, and when, in a line for a page."""
    facts = report.about
    day = f" on {facts['date']}" if "date" in facts else ""
    raced = [(name, facts[name]) for name in (NUMPY, *COLUMNS) if name in facts]
    libraries = ", ".join(f"{label(name)} {number}" for name, number in raced)
    return (
        f"{facts['machine']} ({facts['cpu']}), {facts['threads']} threads, best of "
        f"{facts['rounds']} rounds{day}; Python {facts['python']}, Numba {facts['numba']}, "
        f"{libraries}."
    )


def markdown(report: Report, aimed: bool = False) -> str:
    """Lay a report out for a page; with what was aimed at, if asked for."""
    names = columns(report)
    rest = any(others(rows) for rows in report.cases().values())
    head = ["case, ms", OURS, *map(label, names), *["others"] * rest]
    lines = [head, ["---", *["---:"] * (1 + len(names)), *["---"] * rest]]
    for case, rows in report.cases().items():
        cells = [case, own(rows[OURS], aimed), *(against(rows.get(name), aimed) for name in names)]
        lines.append([*cells, *[others(rows, aimed)] * rest])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def written(text: str, report: Report) -> str:
    """Put the tables into a page, between its marks; ValueError where it has none.

    The marks are `<!-- races: headlines -->` or `<!-- races: all -->` and
    `<!-- end of races -->`, each on a line of its own.
    """
    if not MARKED.search(text):
        raise ValueError("it has no <!-- races: all --> or <!-- races: headlines -->")

    def fill(found: re.Match[str]) -> str:
        every = found[2] == "all"
        chosen = report if every else report.headlines()
        return f"{found[1]}{sentence(report)}\n\n{markdown(chosen, aimed=every)}\n{found[3]}"

    return MARKED.sub(fill, text)


def plot(report: Report) -> "Figure":
    """Draw how many times our time each library takes, a line for each case."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    cases = report.cases()
    figure = Figure(figsize=(9, 1.6 + 0.26 * len(cases)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name in dict.fromkeys(row.library for row in report.rows if row.library != OURS):
        draw(axes, name, [(k, rows[name]) for k, rows in enumerate(cases.values()) if name in rows])
    axes.axvline(1, color="black", linewidth=1)
    axes.text(1, -0.9, " fastsample", ha="center", va="bottom", fontsize=9)
    axes.set_xscale("log", base=2)
    axes.set(ylim=(len(cases) - 0.5, -0.7), xlabel="time, in times of fastsample's")
    axes.set_yticks(range(len(cases)), list(cases), fontsize=8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.3g}×")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return figure


def draw(axes: "Axes", name: str, places: Iterable[tuple[int, Row]]) -> None:
    """Draw one library's marks."""
    colour, mark = LOOKS.get(name, OTHERS)
    y, x = zip(*((k, row.ratio) for k, row in places), strict=True)
    kept: dict[str, Any] = {"color": colour, "marker": mark, "s": 30, "label": label(name)}
    axes.scatter(x, y, zorder=3, **kept)
