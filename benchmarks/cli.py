"""How long the command line takes to start."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Row, seconds
from benchmarks.stage import Stage


def cli(_: Stage) -> Iterator[Row]:
    """``argon --help``."""
    program = Path(sys.executable).with_name("argon")

    def start() -> None:
        subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)

    start()
    took = statistics.median(seconds(start) for _ in range(10))
    yield Row("argon --help", "s", None, took, 0.4, 0.2, absolute=True)
