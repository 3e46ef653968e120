"""Projects and branches: what a pointer can and cannot do."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient, monitoring

from argon import Argon, Branch, Project, WALDatabase
from argon.catalog.projects import Projects
from argon.errors import (
    BranchExists,
    BranchHasChildren,
    BranchNotFound,
    BranchProtected,
    InvalidName,
    PointNotFound,
    ProjectExists,
    ProjectNotFound,
)
from argon.wal.commit import Committer


def test_a_project_begins_with_main(project: Project) -> None:
    assert [branch.name for branch in project.branches()] == ["main"]
    main = project.branch("main")
    assert main.parent_id is None
    assert main.head_lsn == main.base_lsn
    assert main.status == "active"


def test_project_names_are_unique_until_deleted(argon: Argon, project: Project) -> None:
    with pytest.raises(ProjectExists, match="'shop'"):
        argon.create_project("shop")
    argon.delete_project("shop")
    with pytest.raises(ProjectNotFound, match="there is none yet"):
        argon.project("shop")
    assert argon.create_project("shop").id != project.id


def test_a_writer_on_a_deleted_project_is_stopped(argon: Argon, project: Project, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    with Argon(argon.uri, database=argon.database) as other:
        other.delete_project("shop")
    with pytest.raises(BranchNotFound, match="deleted"):
        db["users"].insert_one({"_id": 2})


def test_a_number_is_taken_while_the_transaction_that_uses_it_is_open(
    argon: Argon, project: Project, mongod_uri: str
) -> None:
    """It is then lost with the transaction, should its server be lost before it has the journal."""
    sent: list[str] = []

    class Listener(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            beginning = " in a new transaction" if event.command.get("startTransaction") else ""
            sent.append(f"{event.command_name} {event.command.get(event.command_name)}{beginning}")

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
        def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    client = MongoClient[dict[str, Any]](mongod_uri, event_listeners=[Listener()])
    with client, Argon(database=argon.database, client=client) as listened:
        made = [listened.project("shop").create_branch(name) for name in ("one", "two")]
    assert made[0].record.number < made[1].record.number
    steps = ("find wal_log in a new transaction", "findAndModify counters", "commitTransaction 1")
    assert [step for step in sent if step in steps] == list(steps) * 2


@pytest.mark.parametrize("moment", ["before", "at its entry", "after"])
def test_a_branch_made_while_its_project_is_deleted_is_deleted_too(
    argon: Argon, project: Project, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The deletion lands before the creation begins, before it lands, or when it has landed."""
    insert, retrying = Committer.insert, Committer.retrying_heads
    with Argon(argon.uri, database=argon.database) as other:

        def delete(due: str) -> None:
            if due == moment:
                monkeypatch.undo()
                other.delete_project("shop")

        def inserting(committer: Committer, *arguments: Any) -> Any:
            yield from insert(committer, *arguments)
            delete("at its entry")

        def creating(committer: Committer, *arguments: Any) -> Any:
            delete("before")
            made = yield from retrying(committer, *arguments)
            delete("after")
            return made

        monkeypatch.setattr(Committer, "insert", inserting)
        monkeypatch.setattr(Committer, "retrying_heads", creating)
        with pytest.raises(ProjectNotFound, match="deleted"):
            project.create_branch("late")
    states = argon.engine.plain["branches"].distinct("status", {"project_id": project.id})
    assert states == ["pending_delete"]


def test_a_branch_that_lands_while_its_project_is_deleted_is_found_by_the_deletion(
    argon: Argon, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Projects._live_branches
    with Argon(argon.uri, database=argon.database) as other:
        # An LSN of its own, so that the creation need not wait for the deletion.
        other.engine.lsns(project.id).borrow(1000, 1010)

        def looking(*arguments: Any) -> Any:
            found = yield from look(*arguments)
            monkeypatch.undo()
            other.project("shop").create_branch("late")
            return found

        monkeypatch.setattr(Projects, "_live_branches", looking)
        argon.delete_project("shop")
    records = list(argon.engine.plain["branches"].find({"project_id": project.id}))
    assert {record["name"]: record["status"] for record in records} == {
        "main": "pending_delete",
        "late": "pending_delete",
    }


def test_a_branch_is_a_pointer_to_its_parents_head(project: Project, main: Branch, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    feature = project.create_branch("feature")
    assert feature.parent_id == main.id
    assert feature.base_lsn == feature.head_lsn == main.head_lsn
    assert WALDatabase(feature)["users"].find_one() == {"_id": 1}


def test_creating_a_branch_writes_the_same_whatever_the_size(
    argon: Argon, project: Project, db: WALDatabase
) -> None:
    def documents() -> dict[str, int]:
        plain = argon.engine.plain
        return {name: plain[name].count_documents({}) for name in plain.list_collection_names()}

    db["users"].insert_many([{"_id": n} for n in range(500)])
    before = documents()
    project.create_branch("feature")
    after = documents()
    grown = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert grown == {"branches": 1, "wal_log": 1}


def test_ten_deep_every_level_reads_its_own_at_every_lsn(project: Project, db: WALDatabase) -> None:
    states: list[tuple[Branch, int, dict[int, int]]] = []
    branch = project.branch("main")
    state: dict[int, int] = {}
    for depth in range(10):
        users = WALDatabase(branch)["users"]
        users.update_one({"_id": depth % 4}, {"$set": {"v": depth}}, upsert=True)
        state = {**state, depth % 4: depth}
        states.append((branch, branch.head_lsn, state))
        if depth % 3 == 2:
            users.delete_one({"_id": 0})
            state = {key: value for key, value in state.items() if key != 0}
            states.append((branch, branch.head_lsn, state))
        branch = project.create_branch(f"level-{depth}", parent=branch)
    for place, (at, lsn, wanted) in enumerate(states):
        # The branch itself, and every branch below it, which inherits the moment.
        for below in {one for one, _, _ in states[place:]} | {at, branch}:
            past = WALDatabase(below).at(lsn=lsn)["users"]
            assert {document["_id"]: document["v"] for document in past.find()} == wanted


def test_main_can_be_neither_deleted_nor_renamed(project: Project, main: Branch) -> None:
    with pytest.raises(BranchProtected):
        project.delete_branch("main")
    with pytest.raises(BranchProtected):
        main.rename("trunk")


def test_live_children_hold_their_parent_unless_forced(project: Project) -> None:
    parent = project.create_branch("parent")
    WALDatabase(parent)["users"].insert_one({"_id": 1})
    child = project.create_branch("child", parent="parent")
    with pytest.raises(BranchHasChildren, match="child"):
        project.delete_branch("parent")
    project.delete_branch("parent", force=True)
    assert WALDatabase(child)["users"].find_one() == {"_id": 1}
    WALDatabase(child)["users"].update_one({"_id": 1}, {"$set": {"v": 1}})
    assert WALDatabase(child)["users"].find_one() == {"_id": 1, "v": 1}


def test_a_name_can_be_used_again_and_a_deletion_taken_back(project: Project) -> None:
    first = project.create_branch("feature")
    WALDatabase(first)["users"].insert_one({"_id": "first"})
    project.delete_branch("feature")
    assert first.status == "pending_delete"
    assert [branch.name for branch in project.branches(deleted=True)] == ["feature"]
    with pytest.raises(BranchNotFound, match="it has: main"):
        project.branch("feature")
    with pytest.raises(BranchNotFound):
        WALDatabase(first)["users"].insert_one({})

    second = project.create_branch("feature")
    assert second.id != first.id
    assert WALDatabase(second)["users"].find_one() is None
    with pytest.raises(BranchExists, match="in use again"):
        project.undelete_branch("feature")
    back = project.undelete_branch("feature", new_name="feature-old")
    assert back.id == first.id
    assert WALDatabase(back)["users"].find_one() == {"_id": "first"}
    WALDatabase(back)["users"].insert_one({"_id": "more"})


def test_a_renamed_branch_is_the_same_branch(project: Project) -> None:
    branch = project.create_branch("feature")
    users = WALDatabase(branch)["users"]
    users.insert_one({"_id": 1})
    branch.rename("better")
    assert project.branch("better") == branch
    users.insert_one({"_id": 2})
    assert WALDatabase(project.branch("better"))["users"].count_documents({}) == 2
    project.create_branch("feature")
    with pytest.raises(BranchExists):
        branch.rename("feature")


def test_names_that_are_none_are_refused_and_nothing_is_made(argon: Argon, project: Project) -> None:
    for wrong in ("", "a@b", "a..b", "-x", "x" * 129, "ä"):
        with pytest.raises(InvalidName):
            project.create_branch(wrong)
        with pytest.raises(InvalidName):
            argon.create_project(wrong)
    assert len(project.branches()) == len(argon.projects()) == 1


def test_a_branch_from_the_past_of_a_branch(project: Project, main: Branch, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    then = main.head_lsn
    db["users"].update_one({"_id": 1}, {"$set": {"v": 1}})
    old = project.create_branch("old", at=then)
    assert old.base_lsn == then
    assert WALDatabase(old)["users"].find_one() == {"_id": 1}
    with pytest.raises(PointNotFound):
        project.create_branch("never", at=main.head_lsn + 1)
    with pytest.raises(BranchNotFound):
        project.branch("never")
