"""Arguments in, exit status out."""

import argparse
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import fastsample as fs
from fastsample._calls.checks import CHOICES
from fastsample._cli import bench, demo, info, warmup, warp
from fastsample._cli.interrupts import ending_at_second_interrupt
from fastsample._cli.problem import Problem
from fastsample._kernels.kind import MODES


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 where it did its job, 2 and one line on stderr where it could not."""
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        with ending_at_second_interrupt():
            args.run(args)
    except Problem as problem:
        print(f"fastsample: {problem}", file=sys.stderr)
        return 2
    except MemoryError:
        print("fastsample: not enough memory for this picture; try a smaller one", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fastsample: interrupted", file=sys.stderr)
        return 130
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the arguments; with no command it is `demo`."""
    words = list(argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "demo")
    return build().parse_args(words)


class Parser(argparse.ArgumentParser):
    """An argparse parser whose complaints fit on one line."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        raise Problem(f"{message} (see {self.prog} --help)")


def build() -> Parser:
    """Describe the commands."""
    parser = Parser(prog="python -m fastsample", description="Fast image sampling on the CPU.")
    parser.add_argument("--version", action="version", version=f"fastsample {fs.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_warp(commands)
    _add_bench(commands)
    _add_warmup(commands)
    _add_info(commands)
    return parser


def _add_demo(commands: "argparse._SubParsersAction[Parser]") -> None:
    text = "warp a photograph in every mode, write a picture, race SciPy (the default)"
    parser = commands.add_parser("demo", help=text, description=text, allow_abbrev=False)
    parser.add_argument("--output", type=Path, default=Path("fastsample-demo.png"), metavar="FILE")
    parser.add_argument("--photo", type=Path, metavar="FILE", help="a photograph of your own")
    parser.set_defaults(run=demo.run)


def _add_warp(commands: "argparse._SubParsersAction[Parser]") -> None:
    text = "scale, shear, rotate and shift an image file about its centre, in this order"
    parser = commands.add_parser("warp", help=text, description=text, allow_abbrev=False)
    parser._negative_number_matcher = re.compile(r"-[.\d]")  # argparse's own has no -1e3
    parser.add_argument("input", type=Path, metavar="IN")
    parser.add_argument("output", type=Path, metavar="OUT")
    add = parser.add_argument
    add("--rotate", type=finite, default=0.0, metavar="DEG", help="counter-clockwise")
    add("--scale", type=positive, default=1.0, metavar="S", help="above 1 enlarges")
    shift = {"nargs": 2, "default": (0.0, 0.0), "metavar": ("DX", "DY")}
    add("--shift", type=finite, help="pixels, right and down", **shift)  # type: ignore[arg-type]
    add("--shear", type=slant, default=0.0, metavar="DEG", help="leans the top to the right")
    add("--mode", choices=MODES, default="bilinear")
    border = "what lies outside the image: zeros by default (in CMYK, no ink)"
    add("--padding", choices=CHOICES["padding_mode"], help=border)
    colour = "the colour outside: a name, #rrggbb, or a number for each channel, with commas"
    add("--fill", metavar="COLOUR", help=colour)
    add("--expand", action="store_true", help="enlarge the canvas to hold the whole result")
    size = "the canvas, in pixels, about the same centre; the image's own size by default"
    add("--size", nargs=2, type=count, metavar=("W", "H"), help=size)
    add("--flatten", metavar="COLOUR", help="put a picture with opacity onto this colour first")
    add("--quality", type=percent, metavar="N", help="of .jpg and .webp, 1 to 100 (95)")
    add("--huge", action="store_true", help="read pictures of any size, if you trust the file")
    parser.set_defaults(run=warp.run)


def _add_bench(commands: "argparse._SubParsersAction[Parser]") -> None:
    text = "race the libraries that are installed, turn by turn in this process"
    parser = commands.add_parser("bench", help=text, description=text, allow_abbrev=False)
    add = parser.add_argument
    add("--only", nargs="+", default=[], metavar="WORD", help="cases that have one in their name")
    add("--rounds", type=count, default=15, metavar="N", help="timings of each library")
    add("--threads", type=count, metavar="N", help="that each library may use; all by default")
    add("--plot", type=Path, default=Path("fastsample-bench.png"), metavar="FILE")
    add("--json", type=Path, metavar="FILE", help="keep the figures")
    add("--read", type=Path, metavar="FILE", help="show the figures kept there, without a race")
    page = "write the table into this Markdown page, between its marks"
    add("--page", type=Path, nargs="+", default=[], metavar="FILE", help=page)
    parser.set_defaults(run=bench.run)


def _add_warmup(commands: "argparse._SubParsersAction[Parser]") -> None:
    text = "compile the common kernels into the cache, so that no first call waits"
    parser = commands.add_parser("warmup", help=text, description=text, allow_abbrev=False)
    parser.add_argument("--all", action="store_true", dest="every", help="and several hundred more")
    parser.set_defaults(run=warmup.run)


def _add_info(commands: "argparse._SubParsersAction[Parser]") -> None:
    text = "versions, threads, SIMD width and cache folder"
    parser = commands.add_parser("info", help=text, description=text, allow_abbrev=False)
    parser.set_defaults(run=info.run)


def count(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0; got {text!r}")
    return int(text)


def percent(text: str) -> int:
    """Read a whole number from 1 to 100."""
    value = count(text)
    if value > 100:
        raise argparse.ArgumentTypeError(f"must be at most 100; got {text!r}")
    return value


def finite(text: str) -> float:
    """Read a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a finite number; got {text!r}")
    return value


def positive(text: str) -> float:
    """Read a finite number above 0."""
    value = finite(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be above 0; got {text!r}")
    return value


def slant(text: str) -> float:
    """Read an angle between -90 and 90 degrees, ends excluded."""
    value = finite(text)
    if abs(value) >= 90:
        raise argparse.ArgumentTypeError(f"must lie between -90 and 90; got {text!r}")
    return value
