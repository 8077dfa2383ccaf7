"""``info``: what a report about speed or a wrong result should quote."""

import argparse
import os
import platform

import numpy as np

import fastsample as fs
from fastsample._kernels import threads
from fastsample._kernels.compiler import machine


def run(_: argparse.Namespace) -> None:
    """Print one line for each fact."""
    for name, value in facts().items():
        print(f"{name:<12}{value}")


def facts() -> dict[str, str]:
    """Collect what matters and change no setting."""
    return {
        "fastsample": fs.__version__,
        "numpy": np.__version__,
        **machine.versions(),
        "python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        "threads": f"{threads.MOST_THREADS}, on {os.cpu_count()} processors",
        "layer": threads.layer(),
        "CPU": machine.cpu(),
        "cache": machine.cache_folder(),
    }
