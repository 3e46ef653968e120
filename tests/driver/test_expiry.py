"""TTL indexes: what has expired is deleted through the log, on each branch for itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Timestamp

from argon import Argon, Branch, Project, WALDatabase
from argon.driver.expiry import ExpiryService
from argon.io import run

from .parity import Document, Faces


def ago(**amount: float) -> datetime:
    return datetime.now(UTC) - timedelta(**amount)


@pytest.fixture
def sessions(db: WALDatabase[Any]) -> Any:
    """A collection whose documents expire an hour after their date."""
    db.sessions.create_index("at", expireAfterSeconds=3600)
    return db.sessions


def ids(collection: Any) -> list[Any]:
    return sorted(document["_id"] for document in collection.find())


def test_only_old_dates_expire(sessions: Any, main: Branch) -> None:
    old, young = ago(hours=2), ago(minutes=1)
    documents: dict[str, Any] = {
        "old": old,
        "young": young,
        "future": ago(hours=-5),
        "text": "2001-01-01",
        "number": 5,
        "null": None,
        "timestamp": Timestamp(1, 1),
        "any old in an array": [young, old],
        "all young in an array": [young, "x"],
        "no dates in an array": ["x", 1],
        "empty": [],
        "dawn": datetime(1970, 1, 1, tzinfo=UTC),
    }
    sessions.insert_many([{"_id": name, "at": value} for name, value in documents.items()])
    sessions.insert_one({"_id": "none"})
    assert main.expire() == 3
    assert set(documents) - set(ids(sessions)) == {"old", "any old in an array", "dawn"}
    assert main.expire() == 0


def test_expiry_is_in_the_log_and_in_the_past(sessions: Any, main: Branch) -> None:
    sessions.insert_one({"_id": 1, "at": ago(hours=2)})
    before = main.head_lsn
    main.expire()
    [entry] = main.log(limit=1)
    assert (entry.operation, entry.document_id, entry.author) == ("delete", 1, "ttl")
    assert ids(sessions.at(lsn=before)) == [1]
    assert ids(sessions) == []


def test_each_branch_expires_its_own_view(sessions: Any, main: Branch, project: Project) -> None:
    sessions.insert_many([{"_id": n, "at": ago(hours=2)} for n in range(3)])
    child = project.create_branch("child")
    mine = WALDatabase(child).sessions
    mine.update_one({"_id": 0}, {"$set": {"at": ago(minutes=1)}})
    assert child.expire() == 2
    assert (ids(mine), ids(sessions)) == ([0], [0, 1, 2])
    assert main.expire() == 3
    assert (ids(mine), ids(sessions)) == ([0], [])


def test_a_branch_without_the_index_keeps_everything(sessions: Any, main: Branch, project: Project) -> None:
    sessions.insert_one({"_id": 1, "at": ago(hours=2)})
    child = project.create_branch("child")
    WALDatabase(child).sessions.drop_index("at_1")
    assert child.expire() == 0
    assert ids(WALDatabase(child).sessions) == [1]
    assert main.expire() == 1


def test_a_partial_index_expires_only_what_it_holds(db: WALDatabase[Any], main: Branch) -> None:
    db.jobs.create_index("at", expireAfterSeconds=0, partialFilterExpression={"done": True})
    db.jobs.insert_many([{"_id": n, "at": ago(hours=1), "done": n == 1} for n in range(3)])
    assert main.expire() == 1
    assert ids(db.jobs) == [0, 2]


def test_nested_dates_and_several_indexes(db: WALDatabase[Any], main: Branch) -> None:
    db.a.create_index("meta.at", expireAfterSeconds=10)
    db.a.create_index("other", expireAfterSeconds=10)
    db.b.create_index("at", expireAfterSeconds=10)
    db.a.insert_many(
        [{"_id": 1, "meta": {"at": ago(hours=1)}}, {"_id": 2, "other": ago(hours=1)}, {"_id": 3}]
    )
    db.a.insert_one({"_id": 4, "meta": [{"at": ago(hours=1)}, {"at": ago(hours=-1)}]})
    db.b.insert_one({"_id": 1, "at": ago(hours=1)})
    assert main.expire() == 4
    assert (ids(db.a), ids(db.b)) == ([3], [])


def test_more_than_one_commit_holds(sessions: Any, main: Branch) -> None:
    sessions.insert_many([{"at": ago(hours=2)} for _ in range(1500)])
    assert main.expire() == 1500


def test_nothing_expires_where_nothing_is_written(db: WALDatabase[Any], main: Branch) -> None:
    db.users.insert_one({"at": ago(hours=2)})
    head = main.head_lsn
    assert main.expire() == 0
    assert main.head_lsn == head


@pytest.mark.parametrize(
    "arguments",
    [
        {"keys": [("a", 1), ("b", 1)], "expireAfterSeconds": 5},
        {"keys": "_id", "expireAfterSeconds": 5},
        {"keys": "a", "expireAfterSeconds": -5},
        {"keys": "a", "expireAfterSeconds": "soon"},
        {"keys": "a", "expireAfterSeconds": 2**40},
        {"keys": "a", "expireAfterSeconds": 5.0},
    ],
    ids=repr,
)
def test_definitions_are_checked_as_the_server_does(writing: Faces, arguments: Document) -> None:
    writing.same(lambda db: db.users.create_index(**arguments), errors="code")


def test_a_service_starts_with_the_first_ttl_index_and_stops_on_close(
    argon: Argon, main: Branch, db: WALDatabase[Any]
) -> None:
    db.users.insert_one({"_id": 1})
    assert not argon.expiry.running
    db.sessions.create_index("at", expireAfterSeconds=5)
    db.sessions.insert_one({"_id": 1})
    assert argon.expiry.running
    argon.expiry.stop()
    assert not argon.expiry.running


def test_a_service_expires_again_and_again(sessions: Any, main: Branch) -> None:
    """The thread tells through the log that it was there; reading waits for nothing else."""
    line = main.handle.line
    service = ExpiryService(interval=0.01)
    sessions.insert_many([{"_id": n, "at": ago(hours=2)} for n in range(3)])
    catalog = run(line.snapshot()).catalog
    try:
        service.notice(line, catalog)
        for _ in range(2):
            while sessions.count_documents({}):
                pass
            sessions.insert_one({"at": ago(hours=2)})
        while sessions.count_documents({}):
            pass
        assert service.running
    finally:
        service.stop()
    assert not service.running


def test_a_service_forgets_a_deleted_branch(sessions: Any, project: Project) -> None:
    child = project.create_branch("child")
    line = child.handle.line
    catalog = run(line.snapshot()).catalog
    service = ExpiryService(interval=60)
    service.notice(line, catalog)
    project.delete_branch("child")
    line.forget()
    service._expire(line)
    assert not service._lines
    service.stop()
