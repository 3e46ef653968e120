"""Merging: a branch that has changed every document, into its parent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from argon import WALDatabase
from benchmarks.data import documents, fill
from benchmarks.harness import Row, seconds
from benchmarks.stage import USERS, Stage


def merging(stage: Stage) -> Iterator[Row]:
    """Bring as many changes as a collection has documents, and none after that."""
    count = stage.size.documents
    project = stage.argon.create_project("merging")
    main = project.branch()
    fill(WALDatabase[dict[str, Any]](main).collection(USERS), documents(count))
    main.fork("feature")
    theirs: Any = WALDatabase(project.branch("feature")).collection(USERS)
    plain = stage.plain["merging"]
    fill(plain, documents(count))
    theirs.update_many({}, {"$inc": {"version": 1}})
    updated = seconds(lambda: plain.update_many({}, {"$inc": {"version": 1}}))
    took = seconds(lambda: main.merge("feature"))
    yield Row(f"merge of {count:,} changed documents, against an update of them", "s", updated, took)
    again = seconds(lambda: main.merge("feature"))
    yield Row("   once more, with nothing new", "ms", None, again * 1000, absolute=True)
    yield Row("   the undo of the merge", "s", updated, seconds(main.undo))
