"""Measure Argon against a plain collection on the same server.

The exit code is 1 if a figure is beyond what it must be.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.branches import branches
from benchmarks.cli import cli
from benchmarks.collecting import gc
from benchmarks.concurrency import processes, tasks, threads
from benchmarks.harness import Row
from benchmarks.history import storage, versions
from benchmarks.memory import memory
from benchmarks.merging import merging
from benchmarks.reads import points, scans
from benchmarks.report import show
from benchmarks.stage import FULL, QUICK, Stage, server
from benchmarks.streams import streams
from benchmarks.writes import writes

GROUPS: dict[str, Callable[[Stage], Iterator[Row]]] = {
    group.__name__: group
    for group in (
        points,
        scans,
        writes,
        threads,
        tasks,
        processes,
        branches,
        merging,
        gc,
        streams,
        versions,
        storage,
        memory,
        cli,
    )
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, in about a minute")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="run this group (repeatable)")
    parser.add_argument("--uri", help="the server; by default an embedded one is started for the run")
    arguments = parser.parse_args()
    with server(arguments.uri) as uri:
        stage = Stage(uri, QUICK if arguments.quick else FULL)
        try:
            rows: list[Row] = []
            for name in arguments.only or GROUPS:
                start = time.perf_counter()
                print(f"{name} …", end=" ", file=sys.stderr, flush=True)
                rows += GROUPS[name](stage)
                print(f"{time.perf_counter() - start:.1f} s", file=sys.stderr)
            show(stage, rows, machine=arguments.json)
        finally:
            stage.close()
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
