"""A replay of the log, against what was written and against what the rows say."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId

from argon import Argon, Branch, Materializer, Project, WALDatabase
from argon.errors import CorruptHistory, PointNotFound
from argon.versions.ids import id_key

Seen = Callable[..., dict[Hashable, bytes]]


def replayed(branch: Branch, name: str, lsn: int | None = None, **options: Any) -> dict[Hashable, bytes]:
    state = Materializer(branch).replay(branch, name, lsn, **options)
    return {key: document.raw for key, document in state.items()}


def documents(branch: Branch, name: str, lsn: int | None = None) -> list[dict[str, Any]]:
    return [dict(document) for document in Materializer(branch).replay(branch, name, lsn).values()]


def test_every_moment_of_a_document(main: Branch, users: Any) -> None:
    users.insert_one({"_id": 1, "b": 1, "a": 2})
    inserted = main.head_lsn
    users.update_one({"_id": 1}, {"$set": {"b": 5}})
    updated = main.head_lsn
    users.delete_one({"_id": 1})
    assert documents(main, "users", inserted) == [{"_id": 1, "b": 1, "a": 2}]
    assert documents(main, "users", updated) == [{"_id": 1, "b": 5, "a": 2}]
    assert documents(main, "users") == []


def test_documents_keep_bytes_and_the_order_of_fields(main: Branch, users: Any, seen: Seen) -> None:
    users.insert_many([{"_id": 1, "z": 1, "a": Int64(1)}, {"_id": 2, "a": Decimal128("1.50"), "z": 1.0}])
    users.update_one({"_id": 2}, {"$set": {"b": {"y": 1, "x": 2}}})
    assert replayed(main, "users") == seen(main, "users")


def test_ids_of_every_kind_stay_apart_as_in_mongodb(main: Branch, users: Any) -> None:
    some = ObjectId()
    ids: list[Any] = [1, "1", some, str(some), {"a": 1}, {"a": "1"}, None, True]
    users.insert_many([{"_id": value} for value in ids])
    users.update_one({"_id": 1.0}, {"$set": {"found": True}})
    state = Materializer(main).replay(main, "users")
    assert set(state) == {id_key(value) for value in ids}
    assert state[id_key(Int64(1))]["found"] is True


def test_a_child_has_its_parent_up_to_the_fork(project: Project, main: Branch, users: Any) -> None:
    users.insert_many([{"_id": n, "n": 0} for n in range(3)])
    child = project.create_branch("child")
    users.update_many({}, {"$set": {"n": 1}})
    WALDatabase(child)["users"].update_one({"_id": 1}, {"$set": {"n": 7}})
    WALDatabase(child)["users"].delete_one({"_id": 2})
    assert documents(child, "users") == [{"_id": 0, "n": 0}, {"_id": 1, "n": 7}]
    assert documents(child, "users", child.base_lsn) == [{"_id": n, "n": 0} for n in range(3)]
    assert documents(main, "users") == [{"_id": n, "n": 1} for n in range(3)]


def test_a_name_leads_to_what_had_it_then(main: Branch, db: WALDatabase) -> None:
    db["a"].insert_one({"_id": "first"})
    one = main.head_lsn
    db["a"].rename("b")
    renamed = main.head_lsn
    db["a"].insert_one({"_id": "second"})
    db["b"].insert_one({"_id": "third"})
    db["b"].drop()
    dropped = main.head_lsn
    db["a"].rename("b")
    ids = [
        [document["_id"] for document in documents(main, name, lsn)]
        for name, lsn in [
            ("a", one),
            ("a", renamed),
            ("b", renamed),
            ("b", dropped - 1),
            ("b", dropped),
            ("b", None),
        ]
    ]
    assert ids == [["first"], [], ["first"], ["first", "third"], [], ["second"]]


def test_a_rename_on_a_child_leaves_the_parents_name(project: Project, main: Branch, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    child = project.create_branch("child")
    WALDatabase(child)["users"].rename("people")
    WALDatabase(child)["users"].insert_one({"_id": 2})
    db["users"].insert_one({"_id": 3})
    assert [document["_id"] for document in documents(child, "people")] == [1]
    assert [document["_id"] for document in documents(child, "users")] == [2]
    assert [document["_id"] for document in documents(main, "users")] == [1, 3]
    assert documents(main, "people") == []


def test_a_group_that_creates_renames_and_drops(main: Branch, db: WALDatabase, seen: Seen) -> None:
    db["old"].insert_one({"_id": 0})
    with db.commit() as group:
        group["old"].insert_one({"_id": 1})
        group["old"].rename("new")
        group["new"].update_one({"_id": 1}, {"$set": {"n": 1}})
        group["fresh"].insert_one({"_id": 2})
        group["fresh"].rename("final")
        group["gone"].insert_one({"_id": 3})
        group["gone"].drop()
    for name in ("old", "new", "fresh", "final", "gone"):
        assert replayed(main, name) == seen(main, name)
    assert documents(main, "new") == [{"_id": 0}, {"_id": 1, "n": 1}]
    assert documents(main, "final") == [{"_id": 2}]
    assert main.project.verify().ok


def test_a_deleted_branch_can_be_replayed(project: Project, users: Any) -> None:
    users.insert_one({"_id": 1})
    child = project.create_branch("child")
    WALDatabase(child)["users"].insert_one({"_id": 2})
    project.delete_branch("child")
    assert [document["_id"] for document in documents(child, "users")] == [1, 2]


def test_nothing_where_there_is_no_such_collection(main: Branch, users: Any) -> None:
    users.insert_one({"_id": 1})
    assert documents(main, "nothing") == []
    assert replayed(main, "users", space="tools") == {}


def test_a_view_has_no_documents_of_its_own(main: Branch, db: WALDatabase, users: Any) -> None:
    users.insert_one({"_id": 1})
    db.create_collection("all_users", viewOn="users", pipeline=[])
    assert documents(main, "all_users") == []


def test_a_point_outside_the_history_is_refused(main: Branch, users: Any) -> None:
    users.insert_one({"_id": 1})
    with pytest.raises(PointNotFound):
        Materializer(main).replay(main, "users", main.head_lsn + 1)


def test_a_log_that_contradicts_itself_is_refused(argon: Argon, main: Branch, users: Any) -> None:
    users.insert_one({"_id": 1})
    users.update_one({"_id": 1}, {"$set": {"n": 1}})
    argon.engine.plain["wal_log"].delete_one({"operation": "insert"})
    with pytest.raises(CorruptHistory, match=rf"LSN {main.head_lsn} is update of 1 in 'users'"):
        Materializer(argon).replay(main, "users")
