"""Resident memory of a client that handles much, measured in processes of their own."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from argon import Argon, WALDatabase
from benchmarks.data import document, fill
from benchmarks.harness import Row
from benchmarks.stage import Stage

PROJECT = "memory"
_WORKS = ("import", "scan", "merge")


def memory(stage: Stage) -> Iterator[Row]:
    """Growth while importing, scanning and merging; and from the first tenth of it to the end."""
    stage.argon.create_project(PROJECT)
    for work in _WORKS:
        count = stage.size.many
        if work == "merge":
            count = stage.size.merged
            _diverge(stage, count)
        command = [sys.executable, "-m", __name__, work, stage.uri, stage.argon.database, str(count)]
        early, late = map(int, subprocess.run(command, check=True, capture_output=True).stdout.split())
        title = f"memory, {work} of {count:,} documents"
        yield Row(title, "MB", None, late / 1024, 200, absolute=True)
        yield Row("   growth after the first tenth", "MB", None, (late - early) / 1024, 16, absolute=True)


def _diverge(stage: Stage, count: int) -> None:
    """Make branches that have changed some documents, and a tenth of them."""
    project = stage.argon.project(PROJECT)
    for name, changed in (("all", count), ("tenth", count // 10)):
        users: Any = WALDatabase(project.create_branch(name)).collection("users")
        users.update_many({"_id": {"$lt": changed}}, {"$set": {name: 1}})


def peak() -> int:
    """Return the highest resident size of this process so far, in KiB."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage tells on Linux includes the process that started this one
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _main(work: str, uri: str, database: str, count: int) -> None:
    branch = Argon(uri, database=database).project(PROJECT).branch()
    users: Any = WALDatabase(branch).collection("users")
    users.find_one({})
    before = peak()
    tenth = count // 10
    if work == "import":
        fill(users, (document(number, count) for number in range(tenth)))
        early = peak()
        fill(users, (document(number, count) for number in range(tenth, count)))
    elif work == "merge":
        branch.merge("tenth")
        early = peak()
        branch.merge("all")
    else:
        early = before
        seen = 0
        for seen, _ in enumerate(users.find({}), 1):
            if seen == tenth:
                early = peak()
        assert seen == count
    print(early - before, peak() - before)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
