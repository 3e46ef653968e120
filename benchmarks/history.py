"""What history costs: on reading, and in bytes."""

from __future__ import annotations

from collections.abc import Iterator

import bson

from benchmarks.data import document
from benchmarks.harness import Documents, Row, Subject, compare
from benchmarks.stage import Stage

_FEW = 100


def versions(stage: Stage) -> Iterator[Row]:
    """A point read of a document with many past versions, against one with none."""
    count, samples = stage.size.versions, stage.size.samples
    users = stage.db.collection("versions")
    users.insert_many([document(number, _FEW) for number in range(_FEW)])
    early = stage.main.head_lsn
    child = stage.branch("versions-before").collection("versions")
    for _ in range(count):
        users.update_one({"_id": 0}, {"$inc": {"version": 1}})

    for name, view in (("main", users), ("past", users.at(lsn=early)), ("child", child)):

        def read(key: int, view: Documents = view) -> None:
            assert view.find_one({"_id": key})

        # The number of a call is odd on the second collection only: the one with the history.
        subject = Subject(f"{count:,} past versions against none", view, 1.3, 1.05)
        yield from compare(
            f"find_one, {name}", lambda _, number: read((number + 1) % 2), view, [subject], samples
        )


def storage(stage: Stage) -> Iterator[Row]:
    """Bytes that updates of small documents add to log and rows, for each byte of the documents."""
    updates = stage.size.few
    users = stage.db.collection("storage")
    made = [document(number, updates) for number in range(updates)]
    users.insert_many(made)
    database = stage.client[stage.argon.database]
    stores = [database["wal_log"], stage.rows_store(stage.db, "storage")]

    def sizes() -> list[int]:
        stage.client.admin.command("fsync")  # what is on disk is known only after a checkpoint
        stats = [database.command("collStats", store.name) for store in stores]
        return [sum(one[kind] for one in stats) for kind in ("size", "storageSize")]

    before = sizes()
    for number in range(updates):
        users.update_one({"_id": number}, {"$set": {"score": 0.25}, "$inc": {"version": 1}})
    data, on_disk = (after - first for after, first in zip(sizes(), before, strict=True))
    changed = sum(len(bson.encode(one)) for one in made)
    yield Row("log and rows per updated document", "bytes", changed / updates, data / updates, 4, 2)
    yield Row("   of these on disk, compressed", "bytes", changed / updates, on_disk / updates)
