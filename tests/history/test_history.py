"""The versions of single documents, and who set their fields."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from bson import Binary, ObjectId
from pymongo.collation import Collation

from argon import Argon, Branch, Project, WALDatabase
from argon.errors import FeatureDisabled, NotFound, PointNotFound, UnsupportedOperation

Seen = list[tuple[str, dict[str, Any] | None]]


def told(branch: Branch, name: str, key: Any, **options: Any) -> Seen:
    return [(one.operation, one.document) for one in branch.history(name, key, **options)]


def test_every_version_with_who_when_and_what(main: Branch, db: WALDatabase) -> None:
    with db.commit(message="hello", author="ann") as group:
        group.users.insert_one({"_id": 1, "n": 1, "at": {"city": "Oslo"}})
        group.users.insert_one({"_id": 2})
    with db.commit(message="move", author="bo") as group:
        group.users.update_one({"_id": 1}, {"$set": {"at.city": "Rome"}, "$unset": {"n": ""}})
    moved, first = main.history("users", 1)
    assert (moved.operation, moved.author, moved.message, moved.branch) == ("update", "bo", "move", "main")
    assert [(change.path, change.value_a) for change in moved.fields] == [("n", 1), ("at.city", "Oslo")]
    assert moved.document == {"_id": 1, "at": {"city": "Rome"}}
    assert (first.operation, first.message, first.fields) == ("insert", "hello", [])
    assert first.lsn < first.commit < moved.lsn == moved.commit == main.head_lsn
    [entry] = [entry for entry in main.log() if entry.lsn == moved.lsn]
    assert (moved.time, moved.id, moved.space, moved.collection) == (entry.timestamp, 1, "default", "users")


def test_it_stops_where_it_is_told_to(main: Branch, db: WALDatabase) -> None:
    for number in range(5):
        db.users.replace_one({"_id": 1}, {"n": number}, upsert=True)
    newest = list(main.history("users", 1))
    assert [one.document and one.document["n"] for one in newest] == [4, 3, 2, 1, 0]
    assert list(main.history("users", 1, limit=2)) == newest[:2]
    assert list(main.history("users", 1, limit=0)) == []
    assert list(main.history("users", 1, at=newest[2].lsn)) == newest[2:]
    assert list(main.history("users", 1, at=newest[3].time)) == newest[3:]
    assert list(main.history("users", 1, at=f"main@{newest[3].lsn}")) == newest[3:]
    assert list(main.history("users", 7)) == list(main.history("nobody", 1)) == []
    with pytest.raises(PointNotFound):
        next(iter(main.history("users", 1, at=timedelta(days=900))))


def test_more_versions_than_one_page(main: Branch, db: WALDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argon.history.spans._PAGE", 3)
    for number in range(7):
        db.users.replace_one({"_id": 1}, {"n": number}, upsert=True)
    main.fork("feature")
    feature = main.project.branch("feature")
    db.users.delete_one({"_id": 1})
    for number in range(7, 14):
        WALDatabase(feature).users.replace_one({"_id": 1}, {"n": number})
    assert [one.document and one.document["n"] for one in feature.history("users", 1)] == list(
        range(13, -1, -1)
    )


def test_inherited_versions_and_a_deletion_that_is_only_a_mark(project: Project, main: Branch) -> None:
    db = WALDatabase(main)
    db.users.insert_one({"_id": 1, "n": 1})
    project.fork("main", "feature")
    feature = project.branch("feature")
    db.users.update_one({"_id": 1}, {"$set": {"n": 99}})
    fork = feature.head_lsn
    WALDatabase(feature).users.delete_one({"_id": 1})
    gone = feature.head_lsn
    WALDatabase(feature).users.insert_one({"_id": 1, "n": 2})
    project.fork("feature", "deeper")
    first: Seen = [("insert", {"_id": 1, "n": 1})]
    expected: Seen = [("insert", {"_id": 1, "n": 2}), ("delete", None), *first]
    assert told(feature, "users", 1) == told(project.branch("deeper"), "users", 1) == expected
    assert told(feature, "users", 1, at=gone) == expected[1:]
    assert told(feature, "users", 1, at=fork) == first
    assert [one.branch for one in feature.history("users", 1)] == ["feature", "feature", "main"]
    assert told(main, "users", 1) == [("update", {"_id": 1, "n": 99}), *first]


def test_versions_that_are_no_longer_held(project: Project, main: Branch, db: WALDatabase) -> None:
    for number in range(4):
        with db.commit(message=str(number)) as group:
            group.users.replace_one({"_id": 1}, {"n": number}, upsert=True)
        if number == 1:
            project.create_tag("v1")
    newest, _, tagged, _ = main.history("users", 1)
    project.set_retention(timedelta(0))
    db.users.insert_one(
        {"_id": 2}
    )  # so that the last version of the other one is not the head's first moment
    project.gc()
    last, first = main.history("users", 1)
    assert [(one.operation, one.lsn, one.document, one.message) for one in (last, first)] == [
        ("update", newest.lsn, {"_id": 1, "n": 3}, "3"),
        ("update", tagged.lsn, {"_id": 1, "n": 1}, "1"),
    ]
    assert [(change.path, change.value_a, change.value_b) for change in last.fields] == [("n", 1, 3)]
    assert {one.path: one.lsn for one in main.blame("users", 1)} == {"_id": tagged.lsn, "n": newest.lsn}


def test_a_merge_is_told_as_the_commit_that_it_is(project: Project, main: Branch, db: WALDatabase) -> None:
    db.users.insert_one({"_id": 1, "a": 1, "b": 1})
    project.fork("main", "feature")
    WALDatabase(project.branch("feature")).users.update_one({"_id": 1}, {"$set": {"b": 2}})
    db.users.update_one({"_id": 1}, {"$set": {"a": 2}})
    main.merge("feature", author="ann", message="together")
    merged, mine, _ = main.history("users", 1)
    assert (merged.author, merged.message, [change.path for change in merged.fields]) == (
        "ann",
        "together",
        ["b"],
    )
    assert [change.path for change in mine.fields] == ["a"]
    assert {one.path: one.message for one in main.blame("users", 1)} == {
        "_id": None,
        "a": None,
        "b": "together",
    }


def test_a_collection_is_followed_through_its_names(main: Branch, db: WALDatabase) -> None:
    db.users.insert_one({"_id": 1, "n": 1})
    db.users.rename("people")
    db.people.update_one({"_id": 1}, {"$set": {"n": 2}})
    versions = list(main.history("people", 1))
    assert [(one.operation, one.collection) for one in versions] == [
        ("update", "people"),
        ("insert", "users"),
    ]
    assert told(main, "users", 1) == [("rename_collection", None), ("insert", {"_id": 1, "n": 1})]


def test_what_was_dropped_under_the_name_comes_before(main: Branch, db: WALDatabase) -> None:
    db.users.insert_many([{"_id": 1, "n": 1}, {"_id": 2}])
    db.users.delete_one({"_id": 2})
    db.users.drop()
    dropped = main.head_lsn
    assert told(main, "users", 1) == [("drop_collection", None), ("insert", {"_id": 1, "n": 1})]
    db.users.insert_one({"_id": 1, "n": 2})
    assert told(main, "users", 1)[0] == ("insert", {"_id": 1, "n": 2})
    assert told(main, "users", 1)[1:] == told(main, "users", 1, at=dropped)
    assert told(main, "users", 2) == [("delete", None), ("insert", {"_id": 2})]


def test_what_out_puts_in_the_place_of_a_collection(main: Branch, db: WALDatabase) -> None:
    db.users.insert_many([{"_id": 1, "n": 1}, {"_id": 2}])
    db.users.aggregate([{"$match": {"_id": 1}}, {"$set": {"n": 2}}, {"$out": "users"}])
    replaced, first = main.history("users", 1)
    assert (replaced.operation, [change.path for change in replaced.fields]) == ("rename_collection", ["n"])
    assert first.operation == "insert"
    assert told(main, "users", 2) == [("rename_collection", None), ("insert", {"_id": 2})]


def test_ids_of_every_kind(main: Branch, db: WALDatabase) -> None:
    keys: list[Any] = ["a", "^a", ObjectId(), 1.5, None, {"b": 1, "a": [2]}, Binary(b"x", 5), True]
    db.users.insert_many([{"_id": key, "n": 1} for key in keys])
    db.users.update_many({}, {"$set": {"n": 2}})
    for key in keys:
        assert [operation for operation, _ in told(main, "users", key)] == ["update", "insert"], key
        assert main.blame("users", key)[-1].value == 2


def test_uuids_are_read_as_the_client_writes_them(mongod_uri: str) -> None:
    from pymongo import MongoClient

    name = f"argon_{uuid.uuid4().hex[:12]}"
    with MongoClient[dict[str, Any]](mongod_uri, uuidRepresentation="standard") as client:
        argon = Argon(database=name, client=client)
        main = argon.create_project("shop").branch("main")
        key = uuid.uuid4()
        WALDatabase(main).users.insert_one({"_id": key})
        assert len(list(main.history("users", key))) == 1
        client.drop_database(name)


def test_ids_are_found_by_the_collection_s_collation(main: Branch, db: WALDatabase) -> None:
    db.create_collection("users", collation=Collation("en", strength=2))
    db.users.insert_one({"_id": "Ann"})
    assert told(main, "users", "ann") == [("insert", {"_id": "Ann"})]


def test_blame_looks_into_nested_documents(main: Branch, db: WALDatabase) -> None:
    steps: list[Any] = [
        {"$set": {"a": {"x": 1, "y": 1}, "list": [1], "empty": {}}},
        {"$set": {"a.x": 2}},
        {"$set": {"a.x": 1}},
        {"$push": {"list": 2}},
        {"$set": {"dotted": 1}},
    ]
    for number, step in enumerate(steps):
        with db.commit(message=str(number)) as group:
            group.users.update_one({"_id": 1}, step, upsert=True)
    assert {one.path: (one.value, one.message) for one in main.blame("users", 1)} == {
        "_id": (1, "0"),
        "a.x": (1, "2"),
        "a.y": (1, "0"),
        "list": ([1, 2], "3"),
        "empty": ({}, "0"),
        "dotted": (1, "4"),
    }
    second = list(main.history("users", 1))[-2].lsn
    assert {one.path: one.message for one in main.blame("users", 1, at=second)}["a.x"] == "1"


def test_blame_of_what_is_not_there(main: Branch, db: WALDatabase) -> None:
    db.users.insert_one({"_id": 1})
    db.users.delete_one({"_id": 1})
    with pytest.raises(NotFound, match=f"gone at LSN {main.head_lsn}"):
        main.blame("users", 1)
    with pytest.raises(NotFound, match="nobody has no document with the _id 1 at main"):
        main.blame("nobody", 1)


def test_it_belongs_to_time_travel(argon: Argon, main: Branch, db: WALDatabase) -> None:
    db.users.insert_one({"_id": 1})
    argon.set_feature("wal_time_travel", False)
    for look in (lambda: list(main.history("users", 1)), lambda: main.blame("users", 1)):
        with pytest.raises(FeatureDisabled):
            look()


def test_a_classic_branch_has_none(argon: Argon, project: Project) -> None:
    argon.set_feature("wal_create_branch", False)
    classic = project.create_branch("classic")
    with pytest.raises(UnsupportedOperation):
        list(classic.history("users", 1))


def test_the_log_by_author_and_by_points(main: Branch, db: WALDatabase) -> None:
    heads = []
    for number, author in enumerate(("ann", "bo", "ann")):
        with db.commit(author=author) as group:
            group.users.insert_one({"_id": number})
        heads.append(main.head_lsn)
    assert [entry.document_id for entry in main.log(author="ann", collection="users")][:2] == [2, 0]
    assert [entry.lsn for entry in main.log(since=heads[0])] == heads[:0:-1]
    assert [entry.lsn for entry in main.log(since=heads[0], until=heads[1])] == [heads[1]]
    assert [entry.lsn for entry in main.log(since=heads[0], after=heads[1], before=heads[2])] == []
    assert main.log(since=timedelta(days=900)) == main.log()
    [newest] = main.log(limit=1)
    assert main.log(since=newest.timestamp) == []
    assert main.log(until=newest.timestamp, limit=1) == [newest]
    with pytest.raises(PointNotFound):
        main.log(until=timedelta(days=900))
    with pytest.raises(PointNotFound):
        main.log(since=10**9)
