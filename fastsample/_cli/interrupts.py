"""Ctrl-C in a command: the first ends it after the kernel at hand, the second at once."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fastsample._kernels.compiler import interrupts

SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it


@contextmanager
def ending_at_second_interrupt() -> Iterator[None]:
    """Let a second interrupt end the process while a kernel is compiled."""
    before, interrupts.second[0] = interrupts.second[0], _end
    try:
        yield
    finally:
        interrupts.second[0] = before


def _end(number: int, frame: FrameType | None) -> None:
    """End without a word to LLVM, which cannot be stopped."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), SHOW_CURSOR.encode())
    os._exit(130)
