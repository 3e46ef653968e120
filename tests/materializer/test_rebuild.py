"""Rows built anew from the log are the rows that were there."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import pytest
from bson.raw_bson import RawBSONDocument

from argon import Argon, Branch, Project, WALDatabase
from argon.errors import Conflict, CorruptHistory

Seen = Callable[..., dict[Hashable, bytes]]


@pytest.fixture
def busy(project: Project, main: Branch, db: WALDatabase) -> Project:
    """Three branches that changed what they inherited, an index, a rename, a drop and a deleted branch."""
    users = db["users"]
    users.create_index("n", name="by_n")
    users.insert_many([{"_id": n, "n": n} for n in range(60)])
    child = project.create_branch("child")
    below = WALDatabase(child)["users"]
    below.update_many({"_id": {"$lt": 20}}, {"$inc": {"n": 100}})
    users.update_many({"_id": {"$lt": 30}}, {"$inc": {"n": 1000}})
    below.delete_many({"_id": {"$gte": 15, "$lt": 25}})
    below.insert_one({"_id": 15, "again": True})
    grandchild = project.create_branch("grandchild", parent="child")
    WALDatabase(grandchild)["users"].update_many({}, {"$set": {"far": True}})
    below.update_one({"_id": 15}, {"$set": {"n": 1}})
    users.rename("people")
    WALDatabase(child)["users"].drop()
    gone = project.create_branch("gone", at=main.log()[40].lsn)
    WALDatabase(gone)["users"].delete_many({})
    project.delete_branch("gone")
    db["other"].insert_one({"_id": "x"})
    return project


def _everything(argon: Argon) -> dict[str, list[bytes]]:
    """All rows of all stores, byte by byte, marks and all."""
    database = argon.engine.raw
    names = [name for name in database.list_collection_names() if name.startswith("rows_")]
    rows: dict[str, list[bytes]] = {}
    for name in [*names, "collections"]:
        found: list[RawBSONDocument] = list(database[name].find().sort("_id", 1))
        rows[name] = [row.raw for row in found]
    return rows


def _stores(argon: Argon) -> list[str]:
    return [name for name in argon.engine.plain.list_collection_names() if name.startswith("rows_")]


def test_sound_rows_are_built_as_they_were(argon: Argon, busy: Project) -> None:
    before = _everything(argon)
    indexes = {store: argon.engine.plain[store].index_information() for store in _stores(argon)}
    report = busy.rebuild()
    assert _everything(argon) == before
    assert {store: argon.engine.plain[store].index_information() for store in _stores(argon)} == indexes
    assert (report.stores, report.rows) == (2, sum(map(len, before.values())))


def test_damaged_rows_are_mended(argon: Argon, busy: Project) -> None:
    before = _everything(argon)
    for store in _stores(argon):
        rows = argon.engine.plain[store]
        rows.update_many({}, {"$unset": {"s": 1}})
        rows.update_many({"_id.n": {"$mod": [7, 0]}}, {"$set": {"d.n": -1}})
        rows.delete_many({"_id.n": {"$mod": [5, 0]}})
    assert not busy.verify().ok
    busy.rebuild()
    assert busy.verify().problems == []
    assert _everything(argon) == before


def test_lost_stores_are_made_anew_with_their_indexes(argon: Argon, busy: Project) -> None:
    before = _everything(argon)
    physical = {store: set(argon.engine.plain[store].index_information()) for store in _stores(argon)}
    for store in physical:
        argon.engine.plain[store].drop()
    argon.engine.plain["collections"].delete_many({})
    busy.rebuild()
    assert _everything(argon) == before
    assert {store: set(argon.engine.plain[store].index_information()) for store in physical} == physical


def test_every_moment_answers_as_before_and_work_goes_on(argon: Argon, busy: Project, seen: Seen) -> None:
    moments = [
        (branch, name, entry.lsn)
        for branch in busy.branches()
        for name in ("users", "people", "other")
        for entry in branch.log()[::17]
        if entry.collection
    ]
    before = [seen(*moment) for moment in moments]
    for store in _stores(argon):
        argon.engine.plain[store].delete_many({})
    busy.rebuild()
    assert [seen(*moment) for moment in moments] == before
    for branch in busy.branches():
        for name in WALDatabase(branch).list_collection_names():
            WALDatabase(branch)[name].update_many({}, {"$set": {"after": True}})
    assert busy.verify().problems == []


def test_other_projects_keep_their_part_of_the_catalogue(argon: Argon, busy: Project) -> None:
    other = argon.create_project("other")
    WALDatabase(other.branch("main"))["users"].insert_one({"_id": 1})
    busy.rebuild()
    assert other.verify().problems == []
    assert busy.verify().problems == []


def test_a_default_collation_is_kept(argon: Argon, project: Project, db: WALDatabase) -> None:
    db.create_collection("names", collation={"locale": "en", "strength": 2})
    db["names"].insert_many([{"_id": "a", "name": "Ann"}, {"_id": "b", "name": "ann"}])
    db["names"].update_one({"_id": "A"}, {"$set": {"n": 1}})
    [store] = _stores(argon)
    argon.engine.plain[store].drop()
    project.rebuild()
    assert project.verify().problems == []
    assert db["names"].count_documents({"name": "ANN"}) == 2


def test_a_damaged_log_is_no_ground_to_build_on(argon: Argon, busy: Project) -> None:
    before = _everything(argon)
    argon.engine.plain["wal_log"].delete_one({"operation": "update"})
    with pytest.raises(CorruptHistory, match="restore wal_log from a backup"):
        busy.rebuild()
    assert _everything(argon) == before


def test_a_project_that_is_written_to_is_left_alone(argon: Argon, busy: Project, db: WALDatabase) -> None:
    written: list[Any] = []

    def write(_entries: int, _rows: int) -> None:
        written.append(db["other"].insert_one({}))

    with pytest.raises(Conflict, match="nothing was replaced"):
        busy.rebuild(progress=write)
    assert db["other"].count_documents({}) == len(written) + 1
    assert busy.verify().problems == []
    assert [name for name in argon.engine.plain.list_collection_names() if "rebuild" in name] == []
