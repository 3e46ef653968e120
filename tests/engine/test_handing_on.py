"""Engines that share a machine: whatever note they find, the log of a branch stays one line."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from bson import Int64

from argon import Argon, WALDatabase
from argon.engine import baton as baton_module
from argon.engine.baton import Note
from argon.io import run
from argon.wal.lsn import LsnAllocator

if TYPE_CHECKING:
    from pathlib import Path

    from pymongo import MongoClient

    from argon import Branch


@pytest.fixture
def engines(
    argon: Argon, main: Branch, mongod_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Argon]]:
    """Two engines on the database, with a file of their own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with ExitStack() as stack:
        yield [stack.enter_context(Argon(mongod_uri, database=argon.database)) for _ in range(2)]


def _db(engine: Argon, branch: str = "main") -> WALDatabase[Any]:
    return WALDatabase(engine.project("shop").branch(branch))


def _line(engine: Argon, branch: str = "main") -> Any:
    return engine.engine.line(engine.project("shop").branch(branch)._record)


def _check_line(argon: Argon, branch: str = "main") -> int:
    """Follow the chain of a branch's entries, and return how many there are."""
    record = argon.project("shop").branch(branch)._record
    entries = argon.engine.plain["wal_log"].find({"branch_id": record.id, "prev_lsn": {"$ne": None}})
    following = {entry["prev_lsn"]: entry["lsn"] for entry in entries}
    lsn, count = record.base_lsn, 0
    while lsn in following:
        assert following[lsn] > lsn
        lsn, count = following[lsn], count + 1
    assert count == len(following), "the line is broken"
    return count


def _leave(engine: Argon, **changes: Any) -> None:
    """Leave a note about main that says what is not so, and that those who know the catalogue believe."""
    _db(engine).list_collection_names()
    baton = _line(engine)._baton
    note = run(baton.take())
    known = note.__dict__ if note else {"head": _line(engine)._known, "ddl_lsn": 0, "free": (0, 0)}
    baton.pass_on(Note(**{**known, **changes}))


def test_engines_of_one_process_write_one_line(argon: Argon, engines: list[Argon]) -> None:
    def work(engine: Argon, name: str) -> None:
        collection = _db(engine).collection("users")
        for turn in range(25):
            collection.insert_one({"_id": f"{name}-{turn}"})

    threads = [
        threading.Thread(target=work, args=(engine, f"{number}-{twin}"))
        for number, engine in enumerate(engines)
        for twin in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _db(argon).collection("users").count_documents({}) == 100
    assert _check_line(argon) >= 100


def test_a_head_that_is_out_of_date_costs_a_race(argon: Argon, engines: list[Argon]) -> None:
    one, two = (_db(engine).collection("users") for engine in engines)
    one.insert_one({"_id": 1})
    two.insert_one({"_id": 2})
    old = _line(engines[1])._known
    one.insert_one({"_id": 3})
    _leave(engines[0], head=old)
    two.insert_one({"_id": 4})
    one.insert_one({"_id": 5})
    _check_line(argon)
    assert [user["_id"] for user in one.find()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("further", [1, 1000])
def test_a_head_that_the_log_never_had_is_not_followed(
    argon: Argon, engines: list[Argon], further: int
) -> None:
    one, two = (_db(engine).collection("users") for engine in engines)
    one.insert_one({"_id": 1})
    two.insert_one({"_id": 2})
    head = _line(engines[1])._known
    _leave(engines[0], head=type(head)(head.lsn + further, head.time))
    one.insert_one({"_id": 3})
    two.update_one({"_id": 3}, {"$set": {"x": 1}})
    _check_line(argon)
    assert [user["_id"] for user in one.find()] == [1, 2, 3]


def test_an_older_log_that_was_put_back_is_gone_on_with(
    argon: Argon, engines: list[Argon], mongod_uri: str, client: MongoClient[dict[str, Any]]
) -> None:
    """As after a restored backup, with processes that begin anew."""
    _db(engines[0]).collection("users").insert_one({"_id": 1})
    database = client[argon.database]
    backup = {name: list(database[name].find()) for name in database.list_collection_names()}
    for number in range(5):
        _db(engines[0]).collection("users").insert_one({"_id": f"lost {number}"})
    for name, documents in backup.items():
        database[name].delete_many({})
        if documents:
            database[name].insert_many(documents)
    with Argon(mongod_uri, database=argon.database) as fresh:
        _db(fresh).list_collection_names()  # so that the catalogue is known, and the note is believed
        fresh.engine.baton = engines[0].engine.baton
        _db(fresh).collection("users").insert_one({"_id": 2})
        assert [user["_id"] for user in _db(fresh).collection("users").find()] == [1, 2]
        _check_line(fresh)


def test_lsns_that_the_log_has_already_are_left(argon: Argon, engines: list[Argon]) -> None:
    one, two = (_db(engine).collection("users") for engine in engines)
    one.insert_one({"_id": 1})
    two.insert_one({"_id": 2})
    argon.project("shop").create_branch("child")
    _db(argon, "child").collection("users").insert_one({"_id": "child"})
    taken = _line(argon, "child").engine.plain["wal_log"].find_one(sort=[("lsn", -1)])["lsn"]
    _leave(engines[0], free=(int(taken), int(taken) + 50))
    two.insert_one({"_id": 3})
    one.insert_one({"_id": 4})
    _check_line(argon)
    lsns = [int(entry["lsn"]) for entry in argon.engine.plain["wal_log"].find()]
    assert len(lsns) == len(set(lsns))


def test_a_change_of_the_catalogue_is_told(argon: Argon, engines: list[Argon]) -> None:
    one, two = (_db(engine) for engine in engines)
    one.collection("users").insert_one({"_id": 1, "n": 1})
    two.collection("users").insert_one({"_id": 2, "n": 2})
    one.collection("users").drop()
    two.collection("users").insert_one({"_id": 3})
    assert [user["_id"] for user in one.collection("users").find()] == [3]
    one.collection("users").create_index("n", unique=True)
    two.collection("users").update_one({"_id": 3}, {"$set": {"n": 3}})
    with pytest.raises(Exception, match="E11000"):
        two.collection("users").insert_one({"n": 3})
    _check_line(argon)


def test_what_one_process_has_left_over_another_one_uses(argon: Argon, engines: list[Argon]) -> None:
    one, two = (_db(engine).collection("users") for engine in engines)
    one.insert_one({"_id": 1})
    two.insert_one({"_id": 2})
    projects = argon.engine.plain["projects"]
    first = projects.find_one_and_update({}, {"$inc": {"next_lsn": Int64(100)}})["next_lsn"]
    _leave(engines[0], free=(first, first + 100))
    two.insert_one({"_id": 3})
    one.insert_one({"_id": 4})
    assert [_line(engine)._known.lsn for engine in engines] == [first + 1, first]


def test_who_has_long_been_alone_asks_for_no_more_than_before(
    argon: Argon, engines: list[Argon], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (_db(engine).collection("users") for engine in engines)
    for _ in range(2):
        one.insert_one({})
    monkeypatch.setattr(baton_module, "_ALONE", 0.0)
    fetched, fetch = list[int](), LsnAllocator._fetch

    def counting(lsns: LsnAllocator, size: int, above: int) -> Any:
        fetched.append(size)
        return (yield from fetch(lsns, size, above))

    monkeypatch.setattr(LsnAllocator, "_fetch", counting)
    for _ in range(100):
        one.insert_one({})
    assert sum(fetched[:-1]) <= 102, "LSNs that were left over are not used"
    assert _line(engines[0])._baton._alone
    two.insert_one({"_id": "newcomer"})
    for turn in range(50):
        (one, two)[turn % 2].insert_one({})
    assert not _line(engines[0])._baton._alone
    assert _check_line(argon) >= 153
    assert one.count_documents({}) == 153


def test_no_file_at_all(argon: Argon, mongod_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    argon.create_project("shop")
    monkeypatch.setenv("XDG_RUNTIME_DIR", f"/proc/{os.getpid()}/{uuid.uuid4().hex}")
    with Argon(mongod_uri, database=argon.database) as one, Argon(mongod_uri, database=argon.database) as two:
        for turn in range(5):
            for engine in (one, two):
                _db(engine).collection("users").insert_one({"turn": turn})
    assert _check_line(argon) >= 10
