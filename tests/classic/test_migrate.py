"""From a physical database into the log: whole, readable all the time, and safe to be killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bson import SON
from pymongo import MongoClient

from argon import Argon, Branch, Project, WALDatabase
from argon.classic import migrate as migration
from argon.classic.branches import drop_physical
from argon.classic.migrate import migrate
from argon.engine.engine import Engine
from argon.errors import Conflict, FeatureDisabled, UnsupportedOperation

from .conftest import MIXED_IDS, state

Classically = Callable[..., Branch]


@pytest.fixture
def elsewhere(argon: Argon, mongod_uri: str) -> Iterator[Argon]:
    """Another process's Argon, which knows only what the database says."""
    with Argon(mongod_uri, database=argon.database) as other:
        yield other


@pytest.fixture
def changed(classic: Branch) -> Branch:
    """A classic branch that has gone its own way in every respect."""
    db = WALDatabase(classic)
    db["people"].delete_many({"n": {"$in": [0, 7]}})
    db["people"].update_one({"_id": "p1"}, {"$set": {"name": "between"}})
    db["people"].update_one({"_id": "p2"}, {"$set": {"name": "Name 1"}})
    db["people"].update_one({"_id": "p1"}, {"$set": {"name": "Name 2"}})  # p1 and p2 have changed places
    db["people"].insert_one({"_id": "new", "name": "new", "n": 1})
    db["people"].drop_index("by_n")
    db["orders"].create_index("by")
    db.command(SON([("collMod", "orders"), ("validator", {"total": {"$lt": 0}})]))  # nobody meets it
    for one in MIXED_IDS[:6]:
        db["mixed"].update_one({"_id": {"$eq": one}}, {"$set": {"b": one}})
    db["mixed"].delete_one({"_id": 2.5})
    db["mixed"].insert_one({"_id": 2.75, "$odd": 1, "nested": {"z": 1, "a": 2}})
    db["rich"].drop()
    db.create_collection("poor", viewOn="orders", pipeline=[{"$match": {"total": {"$lt": 2}}}])
    db.create_collection("strict", validator={"a": {"$exists": True}}, validationLevel="moderate")
    db["strict"].insert_one({"a": 1})
    db["kept"].insert_many([{"_id": n} for n in range(1500)])
    return classic


def on_record(argon: Argon, branch: Branch) -> dict[str, Any]:
    found: dict[str, Any] = argon.engine.plain["branches"].find_one({"_id": branch.id})
    return found


def test_a_migrated_branch_shows_what_it_showed(changed: Branch, elsewhere: Argon) -> None:
    before = state(WALDatabase(changed))
    changed.migrate()
    assert changed.kind == "wal"
    assert state(WALDatabase(changed)) == before
    assert state(WALDatabase(elsewhere.branch("shop@old"))) == before


def test_parent_and_siblings_stay_as_they_are(
    project: Project, stocked: WALDatabase, changed: Branch
) -> None:
    child = project.create_branch("child", parent="old")
    before = state(stocked), state(WALDatabase(child))
    changed.migrate()
    assert (state(stocked), state(WALDatabase(child))) == before


def test_a_migrated_branch_has_a_history_and_children(project: Project, changed: Branch) -> None:
    changed.migrate()
    db = WALDatabase(changed)
    before, lsn = state(db), changed.head_lsn
    assert changed.log(limit=1)[0].operation == "migrate_branch"
    child = project.create_branch("child", parent="old")
    db["people"].delete_many({})
    db["orders"].drop()
    assert child.kind == "wal"
    assert state(WALDatabase(child)) == before
    assert state(db.at(lsn=lsn)) == before
    assert state(WALDatabase(changed.restore(lsn=lsn))) == before


def test_the_log_of_a_migrated_branch_replays(project: Project, changed: Branch) -> None:
    changed.migrate()
    report = project.verify()
    assert report.ok, report


def test_what_had_not_changed_is_still_inherited(classic: Branch) -> None:
    WALDatabase(classic)["people"].update_one({"_id": "p3"}, {"$set": {"n": 0}})
    classic.migrate()
    documents = [entry for entry in classic.log(after=classic.base_lsn) if entry.operation == "update"]
    assert [(entry.collection, entry.document_id) for entry in documents] == [("people", "p3")]
    assert not [entry for entry in classic.log(after=classic.base_lsn) if entry.operation == "insert"]


def test_the_physical_database_goes_in_the_end(
    argon: Argon, changed: Branch, client: MongoClient[dict[str, Any]]
) -> None:
    physical = changed.record.physical
    changed.migrate()
    assert physical not in client.list_database_names()
    assert on_record(argon, changed)["physical"] is None


def test_the_main_branch_of_a_project_without_the_log(argon: Argon) -> None:
    argon.set_feature("wal_enabled", False)
    main = argon.create_project("plain").branch("main")
    WALDatabase(main)["users"].insert_many([{"_id": n} for n in range(5)])
    argon.unset_feature("wal_enabled")
    main.migrate()
    assert WALDatabase(main)["users"].count_documents({}) == 5
    assert argon.project("plain").create_branch("feature").kind == "wal"


def test_an_empty_branch(argon: Argon) -> None:
    argon.set_feature("wal_enabled", False)
    main = argon.create_project("plain").branch("main")
    argon.unset_feature("wal_enabled")
    main.migrate()
    assert WALDatabase(main).list_collection_names() == []


def test_collections_of_other_spaces_come_back(
    argon: Argon, project: Project, main: Branch, classically: Classically
) -> None:
    from argon.driver.collection import WALCollection

    notes: WALCollection[Any] = WALCollection(WALDatabase(main), "notes", "agent", main.handle)
    notes.insert_one({"_id": 1})
    notes.create_index("a")
    old = classically(project, "old")
    assert WALDatabase(old).list_collection_names() == []
    old.migrate()
    copied: WALCollection[Any] = WALCollection(WALDatabase(old), "notes", "agent", old.handle)
    assert list(copied.find()) == [{"_id": 1}]
    assert "a_1" in copied.index_information()


def test_handles_from_before_go_on_in_the_log(changed: Branch, elsewhere: Argon) -> None:
    db, far = WALDatabase(changed), WALDatabase(elsewhere.branch("shop@old"))
    people, theirs = db["people"], far["people"]
    assert theirs.count_documents({}) == people.count_documents({})
    changed.migrate()
    for collection in (people, theirs):
        collection.insert_one({"name": f"late {collection is people}"})
        assert collection.count_documents({"name": {"$regex": "^late"}}) >= 1
    assert people.count_documents({"name": {"$regex": "^late"}}) == 2
    assert "late True" in [(entry.document or {}).get("name") for entry in changed.log(limit=2)]


def test_while_it_lasts_reads_go_on_and_writes_are_refused(changed: Branch, elsewhere: Argon) -> None:
    here, far = WALDatabase(changed), WALDatabase(elsewhere.branch("shop@old"))
    far["people"].find_one()
    before = state(far)
    told: list[tuple[int, int]] = []

    def look(done: int, total: int) -> None:
        told.append((done, total))
        for db in (here, far):
            assert db["people"].count_documents({}) == 19
            for write in (
                lambda db=db: db["people"].insert_one({}),
                lambda db=db: db["people"].aggregate([{"$out": "other"}]),
                lambda db=db: db["people"].create_index("n"),
                lambda db=db: db.create_collection("other"),
                lambda db=db: db.drop_collection("people"),
                lambda db=db: db.command("dropDatabase"),
            ):
                with pytest.raises(Conflict, match="'argon branch migrate old'"):
                    write()
        if len(told) == 1:
            assert state(far) == before

    changed.migrate(progress=look)
    assert state(far) == before
    assert (
        told[-1][0]
        == told[-1][1]
        == sum(
            WALDatabase(changed)[name].count_documents({})
            for name in before
            if before[name]["type"] == "collection"
        )
    )


def test_what_is_written_past_argon_meanwhile_is_not_lost(
    changed: Branch, client: MongoClient[dict[str, Any]]
) -> None:
    past_argon = client[changed.record.physical or ""]
    writes = iter(
        [
            lambda: past_argon["people"].insert_one({"_id": "late", "name": "late"}),
            lambda: past_argon["people"].delete_one({"_id": "p5"}),
            lambda: past_argon["brand_new"].insert_one({"_id": 1}),
            lambda: past_argon["strict"].drop(),
        ]
    )

    def write(_done: int, _total: int) -> None:
        if one := next(writes, None):
            one()

    changed.migrate(progress=write)
    db = WALDatabase(changed)
    assert db["people"].find_one({"_id": "late"}) == {"_id": "late", "name": "late"}
    assert db["people"].find_one({"_id": "p5"}) is None
    assert db["brand_new"].find_one() == {"_id": 1}
    assert "strict" not in db.list_collection_names()


def test_somebody_who_never_stops_writing_past_argon(
    changed: Branch, client: MongoClient[dict[str, Any]], argon: Argon
) -> None:
    past_argon = client[changed.record.physical or ""]
    with pytest.raises(Conflict, match="past Argon all the time"):
        changed.migrate(
            progress=lambda *_: past_argon["people"].update_one({"_id": "p1"}, {"$inc": {"n": 1}})
        )
    assert on_record(argon, changed)["kind"] == "classic"
    WALDatabase(changed)["people"].insert_one({"_id": "open again"})


class Killed(BaseException):
    """Ends a process on the spot; only its open transaction comes to an end, as the server sees to."""


def steps(operation: Any, count: int) -> bool:
    """Drive an operation so far and no further.

    Returns:
        Whether it came to its end before.
    """
    value = None
    try:
        for _ in range(count):
            value = operation.send(value)
        value = operation.throw(Killed())
        while True:
            value = operation.send(value)
    except Killed:
        return False
    except StopIteration:
        return True


def test_killed_anywhere_it_is_finished_by_running_it_again(
    argon: Argon, project: Project, main: Branch, classically: Classically, mongod_uri: str
) -> None:
    db = WALDatabase(main)
    db["a"].insert_many([{"_id": n, "n": n} for n in range(5)])
    db["a"].create_index("n", unique=True)
    db["b"].insert_one({"_id": 1})
    finished, stop = False, 1
    while not finished:
        name = f"old-{stop}"
        old = classically(project, name)
        mine = WALDatabase(old)
        mine["a"].delete_one({"_id": 0})
        mine["a"].update_one({"_id": 1}, {"$set": {"n": 0}})
        mine["a"].insert_one({"_id": "new", "n": 7})
        mine["b"].drop()
        mine["c"].insert_one({"_id": 2})
        before = state(mine)
        finished = steps(migrate(argon.engine, project.record, old.record), stop)
        with Argon(mongod_uri, database=argon.database) as other:
            again = other.branch(f"shop@{name}")
            assert state(WALDatabase(again)) == before
            if again.kind == "classic":
                again.migrate()
                assert state(WALDatabase(again)) == before
            assert again.kind == "wal"
            WALDatabase(again)["a"].insert_one({"_id": "open"})
        stop += 9
    assert stop > 50
    assert project.verify().ok


def test_a_killed_process_leaves_a_branch_that_can_be_read_and_migrated(
    argon: Argon, changed: Branch, elsewhere: Argon, mongod_uri: str
) -> None:
    program = (
        "import os, sys; from argon import Argon\n"
        "argon = Argon(sys.argv[1], database=sys.argv[2])\n"
        "argon.project('shop').branch('old').migrate(progress=lambda *_: os.kill(os.getpid(), 9))"
    )
    before = state(WALDatabase(changed))
    killed = subprocess.run([sys.executable, "-c", program, mongod_uri, argon.database], timeout=120)
    assert killed.returncode == -9
    left = elsewhere.branch("shop@old")
    assert left.kind == "classic"
    assert state(WALDatabase(left)) == before
    with pytest.raises(Conflict, match="was interrupted, run 'argon branch migrate old' again"):
        WALDatabase(left)["people"].insert_one({})
    left.migrate()
    assert state(WALDatabase(left)) == before


def test_a_run_that_was_overtaken_writes_nothing_more(
    argon: Argon, project: Project, changed: Branch, elsewhere: Argon
) -> None:
    before = state(WALDatabase(changed))
    other = elsewhere.branch("shop@old")
    overtaken: list[int] = []

    def overtake(_done: int, _total: int) -> None:
        if not overtaken:
            overtaken.append(1)
            other.migrate()
            WALDatabase(other)["people"].update_one({"_id": "p4"}, {"$set": {"n": "written since"}})

    with pytest.raises(Conflict, match="taken over"):
        changed.migrate(progress=overtake)
    people = WALDatabase(elsewhere.branch("shop@old"))["people"]
    assert people.find_one({"_id": "p4"}) == {"_id": "p4", "name": "Name 4", "n": "written since"}
    people.update_one({"_id": "p4"}, {"$set": {"n": 4}})
    assert state(WALDatabase(elsewhere.branch("shop@old"))) == before


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_run_that_fails_opens_the_branch_again(
    argon: Argon, changed: Branch, error: type[BaseException]
) -> None:
    def fail(*_: int) -> None:
        raise error

    before = state(WALDatabase(changed))
    with pytest.raises(error):
        changed.migrate(progress=fail)
    assert on_record(argon, changed)["migrating"] is None
    assert state(WALDatabase(changed)) == before
    WALDatabase(changed)["people"].insert_one({"_id": "open again"})


def test_what_a_branch_in_the_log_cannot_have_is_named(argon: Argon, changed: Branch) -> None:
    WALDatabase(changed).create_collection("ring", capped=True, size=4096)
    with pytest.raises(UnsupportedOperation, match="'ring' was made with 'capped'"):
        changed.migrate()
    assert on_record(argon, changed)["migrating"] is None


def test_only_a_classic_branch_can_be_migrated(project: Project, main: Branch) -> None:
    with pytest.raises(UnsupportedOperation, match="'main' is no classic branch"):
        main.migrate()


@pytest.mark.parametrize("flag", ["wal_enabled", "wal_data_operations"])
def test_no_branch_is_brought_where_it_could_not_be_written(argon: Argon, changed: Branch, flag: str) -> None:
    argon.set_feature(flag, False)
    with pytest.raises(FeatureDisabled, match=flag):
        changed.migrate()
    assert on_record(argon, changed)["kind"] == "classic"


def test_a_database_left_behind_by_a_kill_after_the_switch(
    argon: Argon, changed: Branch, monkeypatch: pytest.MonkeyPatch, client: MongoClient[dict[str, Any]]
) -> None:
    def killed(_engine: Engine, _record: Any) -> Any:
        yield None
        raise KeyboardInterrupt

    monkeypatch.setattr(migration, "drop_physical", killed)
    physical = changed.record.physical
    with pytest.raises(KeyboardInterrupt):
        changed.migrate()
    monkeypatch.undo()
    branch = argon.branch("shop@old")
    assert (branch.kind, branch.record.physical) == ("wal", physical)
    from argon.io import run

    run(drop_physical(argon.engine, branch.record))
    assert physical not in client.list_database_names()
    assert argon.branch("shop@old").record.physical is None
