"""Classic branches: what they are made of, and what they can and cannot do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError

from argon import Argon, Branch, Project, WALDatabase
from argon.classic.branches import drop_abandoned
from argon.driver.classic import READS, WRITES
from argon.errors import BranchExists, BranchNotFound, UnsupportedOperation
from argon.io import run

from .conftest import state

Classically = Callable[..., Branch]


def databases_of(argon: Argon) -> set[str]:
    prefix = f"{argon.database}_classic_"
    return {name for name in argon.mongo.list_database_names() if name.startswith(prefix)}


def test_a_classic_branch_is_a_copy_of_all_that_its_parent_shows(
    stocked: WALDatabase, classic: Branch
) -> None:
    assert classic.kind == "classic"
    assert state(WALDatabase(classic)) == state(stocked)


def test_the_copy_is_an_ordinary_database(
    argon: Argon, classic: Branch, client: MongoClient[dict[str, Any]]
) -> None:
    [name] = databases_of(argon)
    assert client[name]["people"].count_documents({}) == 20
    assert [document["_id"] for document in client[name]["people"].find()] == [f"p{n}" for n in range(20)]


def test_rules_and_indexes_hold_on_the_copy(classic: Branch) -> None:
    db = WALDatabase(classic)
    with pytest.raises(DuplicateKeyError):
        db["people"].insert_one({"name": "NAME 3"})  # the collation makes them one
    with pytest.raises(WriteError):
        db["orders"].insert_one({"total": -1})
    assert db["orders"].count_documents({"$text": {"$search": "p1"}}) == 3


def test_parent_and_copy_do_not_see_each_other(stocked: WALDatabase, main: Branch, classic: Branch) -> None:
    head, before = main.head_lsn, state(stocked)
    db = WALDatabase(classic)
    db["people"].update_many({}, {"$set": {"n": 0}})
    db["new"].insert_one({})
    db["mixed"].drop()
    assert state(stocked) == before
    assert main.head_lsn == head
    after = state(db)
    stocked["people"].delete_many({})
    assert state(db) == after


def test_a_copy_of_the_past(
    project: Project, stocked: WALDatabase, main: Branch, classically: Classically
) -> None:
    then, lsn = state(stocked), main.head_lsn
    stocked["people"].delete_many({"n": {"$lt": 10}})
    stocked["orders"].drop_indexes()
    stocked["mixed"].drop()
    old = classically(project, "old", at=lsn)
    assert old.base_lsn == lsn
    assert state(WALDatabase(old)) == then


def test_a_child_of_a_classic_branch_is_classic(project: Project, classic: Branch) -> None:
    WALDatabase(classic)["people"].insert_one({"_id": "new"})
    child = project.create_branch("child", parent="old")
    assert child.kind == "classic"
    assert child.parent_id == classic.id
    assert state(WALDatabase(child)) == state(WALDatabase(classic))


def test_a_restored_branch_is_classic_where_new_branches_are(
    argon: Argon, stocked: WALDatabase, main: Branch
) -> None:
    then, lsn = state(stocked), main.head_lsn
    stocked["people"].drop()
    argon.set_feature("wal_create_branch", False)
    restored = main.restore(lsn=lsn)
    assert (restored.kind, restored.name) == ("classic", f"main-lsn-{lsn}")
    assert state(WALDatabase(restored)) == then


@pytest.mark.parametrize("parent", ["main", "old"])
def test_the_copy_is_of_one_moment(
    argon: Argon, project: Project, classic: Branch, classically: Classically, parent: str
) -> None:
    """Somebody adds one to `a` and then one to `b`, all the time: at no moment are they further apart."""
    db = WALDatabase(project.branch(parent))
    db["a"].insert_one({"_id": 0, "n": 0})
    db["zz"].insert_one({"_id": 0, "n": 0})
    stop, going = threading.Event(), threading.Event()

    def add() -> None:
        while not stop.is_set():
            db["a"].update_one({"_id": 0}, {"$inc": {"n": 1}})
            db["zz"].update_one({"_id": 0}, {"$inc": {"n": 1}})
            going.set()

    writer = threading.Thread(target=add)
    writer.start()
    try:
        assert going.wait(30)
        copies = [classically(project, f"copy-{n}", parent=parent) for n in range(3)]
    finally:
        stop.set()
        writer.join()
    seen = [[WALDatabase(copy)[name].find_one({})["n"] for name in ("a", "zz")] for copy in copies]
    assert all(b <= a <= b + 1 for a, b in seen), seen
    assert seen == sorted(seen)


def test_what_takes_a_history_is_refused_with_the_way_out(project: Project, classic: Branch) -> None:
    db = WALDatabase(classic)
    for ask in (
        lambda: db.at(lsn=3),
        lambda: db["people"].at(ago=timedelta(seconds=1)),
        lambda: classic.restore(lsn=3),
        lambda: classic.log(),
        lambda: project.create_branch("child", parent="old", at=3),
        lambda: db.commit().__enter__(),
    ):
        with pytest.raises(UnsupportedOperation, match="'argon branch migrate old'"):
            ask()


def test_deleting_marks_and_undeleting_brings_back(project: Project, classic: Branch) -> None:
    db = WALDatabase(classic)
    before = state(db)
    db["people"].find_one({})
    project.delete_branch("old")
    with pytest.raises(BranchNotFound):
        project.branch("old")
    fresh = WALDatabase(classic)
    project.undelete_branch("old", new_name="back")
    assert project.branch("back").kind == "classic"
    assert state(WALDatabase(project.branch("back"))) == before
    assert fresh["people"].count_documents({}) == 20


def test_a_deleted_branch_takes_no_call_in_another_process(
    argon: Argon, project: Project, classic: Branch, mongod_uri: str
) -> None:
    project.delete_branch("old")
    with Argon(mongod_uri, database=argon.database) as other:
        [deleted] = other.project("shop").branches(deleted=True)
        people = WALDatabase(deleted)["people"]
        for call in (people.find_one, lambda: people.insert_one({}), WALDatabase(deleted).list_collections):
            with pytest.raises(BranchNotFound, match="argon branch undelete old"):
                call()


def test_a_taken_name_leaves_nothing_behind(argon: Argon, project: Project, classically: Classically) -> None:
    project.create_branch("taken")
    before = databases_of(argon)
    with pytest.raises(BranchExists):
        classically(project, "taken")
    assert databases_of(argon) == before


def test_a_failed_copy_leaves_nothing_behind(
    argon: Argon,
    project: Project,
    stocked: WALDatabase,
    classically: Classically,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from argon.classic import copy

    def fail(*arguments: Any) -> Any:
        yield None
        raise OperationFailure("no more room")

    monkeypatch.setattr(copy.Pages, "next", fail)
    with pytest.raises(OperationFailure, match="no more room"):
        classically(project, "old")
    assert not databases_of(argon)
    assert [branch.name for branch in project.branches()] == ["main"]


def test_copies_that_were_killed_are_removed_after_a_day(
    argon: Argon, classic: Branch, client: MongoClient[dict[str, Any]]
) -> None:
    def abandoned(age: timedelta) -> str:
        identity = ObjectId.from_datetime(datetime.now(UTC) - age)
        name = f"{argon.database}_classic_{identity}"
        client[name]["people"].insert_one({})
        return name

    yesterday, fresh = abandoned(timedelta(days=2)), abandoned(timedelta(hours=1))
    assert run(drop_abandoned(argon.engine, dry_run=True)) == [yesterday]
    assert yesterday in databases_of(argon)
    assert run(drop_abandoned(argon.engine)) == [yesterday]
    assert databases_of(argon) == {fresh, classic.record.physical}


def test_every_call_of_a_collection_passes_through() -> None:
    about_the_handle = {
        "codec_options",
        "database",
        "full_name",
        "name",
        "next",
        "read_concern",
        "read_preference",
        "with_options",
        "write_concern",
    }
    public = {name for name in dir(Collection) if not name.startswith("_")}
    assert public - about_the_handle == set(READS) | set(WRITES)


def test_sub_collections_and_options_pass_through_too(
    classic: Branch, client: MongoClient[dict[str, Any]]
) -> None:
    db = WALDatabase(classic)
    db["people"]["old"].with_options(write_concern=db.write_concern).insert_one({"_id": 1})
    assert db["people.old"].find_one() == {"_id": 1}
    assert client[classic.record.physical or ""]["people.old"].find_one() == {"_id": 1}
    assert db.command("count", "people")["n"] == 20
    assert db.command("ping")["ok"] == 1


def test_a_transaction_on_a_classic_branch_is_refused_and_writes_nothing(
    argon: Argon, classic: Branch
) -> None:
    client = argon.client()
    people = client[f"{classic.project_name}@{classic.name}"]["people"]
    before = list(people.find())
    with client.start_session() as session:
        people.update_one({"_id": 0}, {"$set": {"seen": 1}}, session=session)  # which is no transaction
        with session.start_transaction(), pytest.raises(UnsupportedOperation, match="argon branch migrate"):
            people.insert_one({"_id": "x"}, session=session)
        with session.start_transaction(), pytest.raises(UnsupportedOperation, match="argon branch migrate"):
            list(people.find({}, session=session))
    assert [one["_id"] for one in people.find()] == [one["_id"] for one in before]
