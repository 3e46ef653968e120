"""Writing, one client."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.data import fresh
from benchmarks.harness import Documents, Row, Subject, compare
from benchmarks.stage import USERS, Stage

_MORE = 4
"""Times the usual samples of a single write: it waits for the journal, whose time varies the most."""


def writes(stage: Stage) -> Iterator[Row]:
    """Single writes on main and on a child with inherited documents, and a batch."""
    views, samples = stage.views, stage.size.samples
    child = stage.branch("writes").collection(USERS)
    ids = list(range(stage.size.documents))
    random.Random(2).shuffle(ids)

    def insert(users: Documents, number: int) -> None:
        users.insert_one(fresh(number))

    def update(users: Documents, number: int) -> None:
        change = {"$set": {"score": number + 0.5}, "$inc": {"version": 1}}
        assert users.update_one({"_id": ids[number]}, change).modified_count == 1

    def delete(users: Documents, number: int) -> None:
        assert users.delete_one({"_id": ids[-number - 1]}).deleted_count == 1

    for title, work, on_main, on_child in (
        ("insert_one", insert, (1.6, 1.1), (2.0, 1.3)),
        ("update_one by _id", update, (2.2, 1.5), (3.0, 2.0)),
        ("delete_one", delete, (2.0, 1.4), (2.8, 2.0)),
    ):
        subjects = [Subject("main", views.main, *on_main), Subject("child", child, *on_child)]
        yield from compare(title, work, views.plain, subjects, _MORE * samples)

    def insert_many(users: Documents, number: int) -> None:
        users.insert_many([fresh(number * 1000 + place) for place in range(1000)])

    plain, batches = stage.plain["batches"], stage.db.collection("batches")
    subject = Subject("main", batches, 3.5, 2.2)
    yield from compare("insert_many of 1,000", insert_many, plain, [subject], max(10, samples // 20))
