"""What stands in the log after ordinary work, held against the model of an entry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from argon import Argon, Branch, Project, WALDatabase
from argon.models import Operation, WALEntry
from argon.models.entry import MARK_OPERATIONS


def _stored(argon: Argon) -> list[dict[str, Any]]:
    return list(argon.engine.plain["wal_log"].find().sort("lsn"))


@pytest.fixture
def busy(argon: Argon, project: Project, main: Branch, db: WALDatabase) -> Project:
    """A project in which one thing of every kind was done."""
    users = db["users"]
    users.insert_many([{"_id": n, "n": n} for n in range(3)])
    users.update_one({"_id": 1}, {"$set": {"n": 10}})
    users.replace_one({"_id": 2}, {"n": 20})
    users.delete_one({"_id": 0})
    users.create_index("n")
    users.drop_index("n_1")
    users.rename("people")
    feature = project.create_branch("feature")
    WALDatabase(feature)["people"].update_many({}, {"$inc": {"n": 1}})
    feature.rename("better")
    feature.update(description="a better one")
    project.delete_branch("better")
    project.undelete_branch("better")
    project.branch("main").merge("better")
    project.set_retention("30d")
    project.create_tag("v1", at="main")
    project.delete_tag("v1")
    project.set_protected("frozen")
    with db.commit(message="two at once", author="ann") as group:
        group["people"].insert_one({"_id": "a"})
        group["other"].insert_one({"_id": "b"})
    db["people"].drop()
    return project


def test_every_entry_satisfies_its_model(argon: Argon, busy: Project) -> None:
    entries = [WALEntry.from_bson(stored) for stored in _stored(argon)]
    seen = {entry.operation for entry in entries}
    assert seen == set(Operation) - {
        Operation.DELETE_PROJECT,
        Operation.MODIFY_COLLECTION,
        Operation.MIGRATE_BRANCH,
        Operation.CHECKPOINT,  # what may be left of an entry that was collected
        Operation.PUBLISH,
        *(MARK_OPERATIONS - {Operation.MERGE}),
    }


def test_a_branch_is_one_unbroken_chain(argon: Argon, busy: Project) -> None:
    for branch in busy.branches():
        own = [entry for entry in _stored(argon) if entry["branch_id"] == branch.id]
        line = [entry for entry in own if entry["prev_lsn"] is not None]
        assert [entry["prev_lsn"] for entry in line] == [
            branch.base_lsn,
            *(entry["lsn"] for entry in line[:-1]),
        ]
        moments = [WALEntry.from_bson(entry).timestamp for entry in line]
        assert moments == sorted(moments)
        assert branch.head_lsn == (line[-1]["lsn"] if line else branch.base_lsn)


def test_a_commit_is_told_by_its_last_lsn(argon: Argon, busy: Project) -> None:
    group = [entry for entry in _stored(argon) if entry.get("message") == "two at once"]
    assert {entry["author"] for entry in group} == {"ann"}
    assert {entry["commit"] for entry in group} == {group[-1]["lsn"]}
    assert [entry["operation"] for entry in group] == ["create_collection", "insert", "insert"]


def test_images_before_and_after(db: WALDatabase, main: Branch) -> None:
    db["users"].insert_one({"_id": 1, "b": 1, "a": {"z": 1, "y": 2}})
    db["users"].update_one({"_id": 1}, {"$unset": {"b": 1}, "$set": {"c": 3}})
    db["users"].delete_one({"_id": 1})
    delete, update, insert, _ = main.log(limit=4)
    first = {"_id": 1, "b": 1, "a": {"z": 1, "y": 2}}
    second = {"_id": 1, "a": {"z": 1, "y": 2}, "c": 3}
    assert (insert.old_document, insert.document) == (None, first)
    assert (update.old_document, update.document) == (first, second)
    assert (delete.old_document, delete.document) == (second, None)
    assert list(update.document or {}) == ["_id", "a", "c"]


def test_an_id_is_kept_as_what_it_is(db: WALDatabase, main: Branch) -> None:
    for identity in (7, "7", {"a": 7}, None, 7.5):
        db["users"].insert_one({"_id": identity})
    assert [entry.document_id for entry in main.log(limit=5)] == [7.5, None, {"a": 7}, "7", 7]


def test_an_update_that_changes_nothing_writes_nothing(db: WALDatabase, main: Branch) -> None:
    db["users"].insert_one({"_id": 1, "a": 1})
    head = main.head_lsn
    result = db["users"].update_one({"_id": 1}, {"$set": {"a": 1}})
    assert (result.matched_count, result.modified_count) == (1, 0)
    assert main.head_lsn == head


ENTRY = {
    "lsn": 5,
    "timestamp": datetime.now(UTC),
    "project_id": None,
    "branch_id": None,
    "prev_lsn": 4,
    "operation": "delete",
    "space": "default",
    "collection": "users",
    "document_id": 1,
    "commit": 5,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"prev_lsn": 5},
        {"commit": 4},
        {"collection": None},
        {"operation": "insert"},
        {"document": {"_id": 1}},
        {"operation": "truncate"},
        {"lsn": 0},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_wrong_entry_is_refused(project: Project, wrong: dict[str, Any]) -> None:
    right = {**ENTRY, "project_id": project.id, "branch_id": project.id}
    WALEntry(**right)
    with pytest.raises(ValidationError):
        WALEntry(**{**right, **wrong})


def test_times_are_the_servers_and_exact_to_the_microsecond(db: WALDatabase, main: Branch) -> None:
    before = datetime.now(UTC)
    db["users"].insert_one({"_id": 1})
    after = datetime.now(UTC)
    [entry] = main.log(limit=1)
    slack = timedelta(milliseconds=5)
    assert before - slack <= entry.timestamp <= after + slack
