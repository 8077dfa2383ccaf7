"""``bench``: a race with the libraries that are installed, turn by turn in this process."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample._cli.files import check_target, replacing
from fastsample._cli.problem import Problem, reason, require
from fastsample._cli.progress import progress
from fastsample._kernels import threads

if TYPE_CHECKING:
    from fastsample._bench.case import Case
    from fastsample._bench.report import Report


NOISY = 2.0  # medians over best times; 1.0 to 1.3 on a quiet machine
PASSES = 3  # times that all cases are gone through, with a part of the rounds each


def run(args: argparse.Namespace) -> None:
    """Race, or read an earlier race; then print, draw and write what was asked for."""
    require("matplotlib", "rich", extra="bench")
    from rich.console import Console

    from fastsample._bench import report as reports

    check_files(args)
    pages = {path: read(path) for path in args.page}
    found = earlier(args.read) if args.read else race(args)
    console = Console()
    console.print(reports.table(found))
    console.print(reports.sentence(found), highlight=False)
    if warning := noise(found):
        console.print(warning, highlight=False)
    if args.json:
        with replacing(args.json) as temporary:
            reports.save(found, temporary)
    for path, text in pages.items():
        fill(path, text, found)
    with replacing(args.plot) as temporary:
        reports.plot(found).savefig(temporary)
    print(f"wrote {', '.join(map(str, filter(None, [args.plot, args.json, *args.page])))}")


def noise(found: "Report") -> str:
    """Warn of a machine that was busy: where the best time and the median lie far apart."""
    apart = {row.case: row.median / row.best for row in found.rows if row.best > 0}
    worst = max(apart, key=lambda case: apart[case], default=None)
    if worst is None or apart[worst] < NOISY:
        return ""
    return (
        f"warning: medians are up to {apart[worst]:.1f} times the best times ({worst}): other "
        "processes are running, so repeat this on a quiet machine"
    )


def check_files(args: argparse.Namespace) -> None:
    """Refuse what could not be written, before the race."""
    from fastsample._cli import picture

    check_target(args.plot, picture.writable_suffixes())
    if args.json:
        check_target(args.json, {".json"})
    for path in args.page:
        check_target(path, {".md"})


def read(path: Path) -> str:
    """Read a page that a table goes into; refuse one without marks."""
    from fastsample._bench import report as reports

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"cannot read {path}: {reason(error)}") from error
    if not reports.MARKED.search(text):
        raise Problem(f"{path} has no line <!-- races: all --> or <!-- races: headlines -->")
    return text


def fill(path: Path, text: str, found: "Report") -> None:
    """Write the tables into a page."""
    from fastsample._bench import report as reports

    with replacing(path) as temporary:
        temporary.write_text(reports.written(text, found), encoding="utf-8")


def earlier(path: Path) -> "Report":
    """Read a race that `--json` wrote."""
    from fastsample._bench import report as reports

    try:
        return reports.load(path)
    except (OSError, ValueError) as error:
        raise Problem(f"cannot read {path}: {reason(error)}") from error


def race(args: argparse.Namespace) -> "Report":
    """Let every case run, with a bar."""
    from fastsample._bench import race as races
    from fastsample._bench import report as reports

    cases = chosen(args.only)
    number = args.threads or threads.MOST_THREADS
    if number > threads.MOST_THREADS:
        raise Problem(f"--threads may be at most {threads.MOST_THREADS} here; got {number}")
    threads.use(number)
    passes = min(PASSES, args.rounds)
    with progress(passes * len(cases)) as step:
        rows = races.race(cases, args.rounds, passes, step)
    return reports.Report(reports.about(number, args.rounds), rows)


def chosen(words: list[str]) -> "list[Case]":
    """Take the cases whose name or group has one of the words; all without words."""
    from fastsample._bench import grids, loader, systems

    every = [*grids.cases(), *systems.cases(), *loader.cases()]
    found = [c for c in every if not words or any(w in c.name or w in c.group for w in words)]
    if not found:
        names = ", ".join(dict.fromkeys(case.group for case in every))
        cases = ", ".join(case.name for case in every[:3])
        raise Problem(
            f"no case has {' or '.join(map(repr, words))}; groups are {names}; part of a name will "
            f"do, as of {cases}"
        )
    return found
