"""Spaces under writers that work on them at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from argon import Branch, Project, WALDatabase
from argon.errors import SpaceNotEmpty, SpaceNotFound
from argon.models.entry import Operation as Kind

DB = WALDatabase[dict[str, Any]]
ROUNDS = 10
DELETIONS = 3


def test_no_document_is_lost_to_a_deletion_that_was_not_forced(
    project: Project, main: Branch, db: DB
) -> None:
    """A space is deleted only when it is empty, whoever writes meanwhile."""
    outcomes: list[str] = []

    def write() -> None:
        users = WALDatabase[dict[str, Any]](main).space("a").users
        number = 0
        while outcomes.count("deleted") < DELETIONS:
            number += 1
            users.insert_one({"_id": number})
            assert users.delete_one({"_id": number}).deleted_count == 1

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        while not writer.done():
            try:
                db.delete_space("a")
                outcomes.append("deleted")
            except (SpaceNotEmpty, SpaceNotFound) as error:
                outcomes.append(type(error).__name__)
        writer.result()
    entries = list(reversed(main.log(space="a")))
    for before, entry in pairwise(entries):
        if entry.operation == Kind.DROP_COLLECTION:
            assert before.operation in (Kind.DELETE, Kind.CREATE_COLLECTION)
    assert {str(entry.operation) for entry in entries} == {
        "create_collection",
        "insert",
        "delete",
        "drop_collection",
    }
    assert project.verify().ok


def test_commits_over_spaces_are_seen_whole(db: DB, main: Branch) -> None:
    spaces = ["default", "a", "b"]
    for space in spaces:
        db.space(space).counters.insert_one({"_id": 1, "n": 0})

    def write() -> None:
        for _ in range(ROUNDS):
            with WALDatabase[dict[str, Any]](main).commit() as group:
                for space in spaces:
                    group.space(space).counters.update_one({"_id": 1}, {"$inc": {"n": 1}})

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        while not writer.done():
            past = db.at(lsn=main.head_lsn)
            found: set[Any] = {
                document["n"] for space in spaces for document in past.space(space).counters.find()
            }
            assert len(found) == 1
        writer.result()
    assert [list(db.space(space).counters.find()) for space in spaces] == [[{"_id": 1, "n": ROUNDS}]] * 3
