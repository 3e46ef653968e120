"""``profile``: what it tells of the application's commands, compared with the server's own profiler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import DeleteOne, InsertOne, UpdateOne
from pymongo.errors import OperationFailure

from argon import Project, WALDatabase
from argon.errors import UnsupportedOperation

from .conftest import Make
from .parity import Document, Faces

THINGS: list[Document] = [{"_id": number, "a": number} for number in range(5)]
TOLD = ("nreturned", "ninserted", "ndeleted", "cursorExhausted", "errCode", "errName", "errMsg", "ok")
OF_THE_DRIVER = {"lsid", "$clusterTime", "txnNumber", "getMore", "$db"}

CALLS: list[Callable[[Any], Any]] = [
    lambda db: db.things.find_one({"a": 1}),
    lambda db: list(db.things.find({}, {"a": 1}, sort=[("a", -1)], batch_size=2, comment="why")),
    lambda db: db.things.insert_one({"_id": "one"}),
    lambda db: db.things.insert_many([{"_id": "two"}, {"_id": "three"}]),
    lambda db: db.things.update_many({"a": {"$gt": 2}}, {"$set": {"b": 1}}, comment="why"),
    lambda db: db.things.update_one({"a": 1}, {"$set": {"b": 1}}, hint="_id_", collation={"locale": "en"}),
    lambda db: db.things.replace_one({"a": 77}, {"a": 78}, upsert=True),
    lambda db: db.things.bulk_write(
        [
            InsertOne({"_id": 9}),
            *[UpdateOne({"a": n}, {"$inc": {"b": 1}}) for n in (1, 2)],
            DeleteOne({"a": 4}),
        ]
    ),
    lambda db: db.things.delete_many({"a": {"$lt": 2}}),
    lambda db: db.things.find_one_and_update({"a": 3}, {"$set": {"c": 1}}),
    lambda db: db.things.count_documents({"a": 1}),
    lambda db: db.things.estimated_document_count(),
    lambda db: db.things.distinct("a"),
    lambda db: list(db.things.aggregate([{"$group": {"_id": "$a"}}, {"$sort": {"_id": 1}}])),
    lambda db: db.things.create_index("a"),
    lambda db: db.things.index_information(),
    lambda db: db.things.drop_indexes(),
    lambda db: db.create_collection("more"),
    lambda db: db.more.drop(),
    lambda db: db.list_collection_names(),
    lambda db: db.command("ping"),
    lambda db: db.things.insert_one({"_id": 3}),
    lambda db: db.things.find_one({"$foo": 1}),
]

WRITES: list[Callable[[Any], Any]] = [
    lambda profile: profile.insert_one({}),
    lambda profile: profile.update_many({}, {"$set": {"op": "none"}}),
    lambda profile: profile.delete_many({}),
]


def _told(db: Any) -> list[Any]:
    told = []
    for entry in db["system.profile"].find():
        database, _, collection = entry["ns"].partition(".")
        assert database == db.name
        command = {key: value for key, value in entry["command"].items() if key not in OF_THE_DRIVER}
        outcome = {key: entry[key] for key in TOLD if key in entry}
        told.append([entry["op"], collection, sorted(command.items()), outcome])
        assert {"millis", "ts", "protocol"} <= entry.keys() or entry["op"] in ("update", "remove")
    return told


@pytest.fixture(scope="module")
def _faces(make_faces: Make) -> Faces:
    return make_faces({}, things=THINGS)


@pytest.fixture
def profiled(_faces: Faces) -> Iterator[Faces]:
    """Databases whose every command is told of."""
    _faces.restore("things", THINGS)
    databases = [_faces.plain, *_faces.views.values()]
    for db in databases:
        assert db.command("profile", 0)["was"] == 0
        db["system.profile"].drop()
        assert db.command("profile", 2)["was"] == 0
    yield _faces
    for db in databases:
        db.command("profile", 0)
        db["system.profile"].drop()


@pytest.mark.parametrize("call", CALLS)
def test_every_command_is_told_of(profiled: Faces, call: Callable[[Any], Any]) -> None:
    def told(db: Any) -> Any:
        try:
            call(db)
        except OperationFailure:
            assert call in CALLS[-2:]
        db.command("profile", 0)
        return _told(db)

    profiled.same(told)


def test_it_is_read_as_any_collection(profiled: Faces) -> None:
    profiled.same(lambda db: [db.things.find_one({"_id": n})["a"] for n in range(3)])
    profiled.same(lambda db: db["system.profile"].count_documents({"op": "query"}))
    profiled.same(lambda db: db["system.profile"].count_documents({}))  # the count before it, too
    profiled.same(lambda db: sorted(db["system.profile"].distinct("op")))
    told = {"$match": {"command.filter._id": {"$gt": 0}}}
    shown = {"$project": {"_id": 0, "n": "$nreturned", "op": 1}}
    profiled.same(lambda db: db["system.profile"].aggregate([told, shown]))


def test_a_cursor_that_was_made_before(profiled: Faces) -> None:
    def told(db: Any) -> Any:
        db.command("profile", 0)
        db["system.profile"].drop()
        cursor = db.things.find({}, sort=[("_id", 1)], batch_size=2)
        db.command("profile", 2)
        found = [next(cursor), next(cursor), next(cursor)]
        cursor.close()
        db.command("profile", 0)
        return [found, [op for op, *_ in _told(db)], list(cursor.rewind())]

    profiled.same(told)


def test_levels(profiled: Faces) -> None:
    def answers(db: Any) -> Any:
        replies = [db.command("profile", level) for level in (-1, 5, 1, -1, 0, -1)]
        replies.append(db.command({"profile": -1, "slowms": 50, "sampleRate": 0.5}))
        replies.append(db.command({"profile": 0, "slowms": 100, "sampleRate": 1.0}))
        return [[reply[key] for key in ("was", "slowms", "sampleRate", "ok")] for reply in replies]

    profiled.same(answers)
    profiled.same(lambda db: db.command("profile", "all"), errors="code")


def test_only_slow_commands(profiled: Faces) -> None:
    for db in profiled.views.values():
        db.command({"profile": 1, "slowms": 50})
        db.things.find_one({"a": 2})
        db.things.find_one({"_id": 1, "$where": "sleep(100) || true"})
        db.command({"profile": 0, "slowms": 100})
        [entry] = db["system.profile"].find({"op": "query"})
        assert entry["millis"] >= 100
        assert "$where" in entry["command"]["filter"]


def test_it_cannot_be_written_to_nor_dropped_while_it_is_on(profiled: Faces) -> None:
    profiled.same(lambda db: db["system.profile"].drop(), errors="code")
    for db in profiled.views.values():
        for write in WRITES:
            with pytest.raises(OperationFailure, match="cannot write to"):
                write(db["system.profile"])
        with pytest.raises(UnsupportedOperation, match=r"system\.profile"):
            db.command({"profile": 2, "filter": {"op": "query"}})


def test_a_branch_is_told_of_alone_and_the_log_does_not_hear(shared_argon: Any, make_faces: Make) -> None:
    project: Project = make_faces({}, things=THINGS).views["main"].branch.project
    main = WALDatabase[Any](project.branch())
    other = WALDatabase[Any](project.create_branch("other"))
    before = main.branch.head_lsn
    main.command("profile", 2)
    other.things.find_one()
    main.things.find_one()
    main.command("profile", 0)
    assert [entry["ns"] for entry in main["system.profile"].find()] == [f"{project.name}.things"]
    assert list(other["system.profile"].find()) == []
    assert main.branch.head_lsn == before
    main["system.profile"].drop()
