"""Garbage collection: how fast versions go, and what that takes of the client's memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from argon import Argon, WALDatabase
from argon.gc.collect import Terms
from benchmarks.data import documents, fill
from benchmarks.harness import Row, seconds
from benchmarks.memory import peak
from benchmarks.stage import USERS, Stage

PROJECT = "collecting"
_MIB = 1024 * 1024


def gc(stage: Stage) -> Iterator[Row]:
    """Let go of all past versions of a collection of which every document was changed twice."""
    count = stage.size.documents
    project = stage.argon.create_project(PROJECT)
    users: Any = WALDatabase(project.branch()).collection(USERS)
    fill(users, documents(count))
    for _ in range(2):
        users.update_many({}, {"$inc": {"version": 1}})
    plain = stage.plain[PROJECT]
    fill(plain, documents(2 * count))
    deleted = seconds(lambda: plain.delete_many({}))
    command = [sys.executable, "-m", __name__, stage.uri, stage.argon.database, str(2 * count)]
    told = subprocess.run(command, check=True, capture_output=True).stdout.split()
    rows, size, took, early, late = map(float, told)
    title = f"garbage collection of {rows:,.0f} versions"
    yield Row(f"{title}, against a delete of as many documents", "s", deleted, took)
    yield Row("   versions", "1/s", None, rows / took, absolute=True, more_is_better=True)
    yield Row("   rows and log", "MB/s", None, size / _MIB / took, absolute=True, more_is_better=True)
    yield Row("   memory of the client", "MB", None, late / 1024, 200, absolute=True)
    yield Row("   growth after the first tenth", "MB", None, (late - early) / 1024, 16, absolute=True)
    again = seconds(lambda: project.gc(dry_run=True))
    yield Row("   once more, with nothing to let go of", "ms", None, again * 1000, absolute=True)


def _main(uri: str, database: str, expected: int) -> None:
    argon = Argon(uri, database=database)
    argon.terms = Terms(retention=0.0, grace=0.0)
    project = argon.project(PROJECT)
    before, marks = peak(), list[int]()

    def watch(_phase: str, rows: int) -> None:
        if rows * 10 >= expected and not marks:
            marks.append(peak())

    start = time.perf_counter()
    report = project.gc(progress=watch)
    took = time.perf_counter() - start
    early = marks[0] if marks else before
    print(report.rows, report.row_bytes + report.entry_bytes, took, early - before, peak() - before)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
