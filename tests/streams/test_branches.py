"""Streams on branches: a branch's line is its lineage, and only what is new is told unasked."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import OperationFailure

from argon import Project, WALDatabase
from argon.errors import BranchNotFound

from .history import make_history, rest, take

QUICK = {"max_await_time_ms": 1}
DB = WALDatabase[Any]


def _keys(events: list[dict[str, Any]]) -> list[Any]:
    return [event["documentKey"]["_id"] for event in events]


def test_inherited_history_is_not_told_as_new(project: Project, db: DB) -> None:
    make_history(db)
    feature = WALDatabase(project.create_branch("feature"))
    with feature.watch(**QUICK) as stream:
        assert stream.try_next() is None
        db.users.insert_one({"_id": "on main"})
        feature.users.insert_one({"_id": "on feature"})
        assert _keys(rest(stream)) == ["on feature"]
    with db.watch(**QUICK) as stream:
        feature.users.insert_one({"_id": "again"})
        assert stream.try_next() is None


def test_changes_of_inherited_documents_are_told_with_both_images(project: Project, db: DB) -> None:
    db.users.insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": 2}])
    feature = WALDatabase(project.create_branch("feature"))
    with feature.users.watch(full_document="updateLookup", full_document_before_change="required") as stream:
        feature.users.update_one({"_id": 1}, {"$inc": {"n": 10}})
        feature.users.delete_one({"_id": 2})
        update, delete = take(stream, 2)
    assert update["ns"] == {"db": feature.name, "coll": "users"} == {"db": "shop@feature", "coll": "users"}
    assert update["updateDescription"]["updatedFields"] == {"n": 11}
    assert update["fullDocument"] == {"_id": 1, "n": 11}
    assert update["fullDocumentBeforeChange"] == {"_id": 1, "n": 1}
    assert delete["fullDocumentBeforeChange"] == {"_id": 2, "n": 2}


def test_a_parents_token_leads_along_the_line_to_the_childs_own_entries(project: Project, db: DB) -> None:
    with db.users.watch() as stream:
        before = stream.resume_token
        db.users.insert_one({"_id": 1})
        first = stream.resume_token
        db.users.insert_many([{"_id": 2}, {"_id": 3}])
        inherited = take(stream, 3)
    child = project.create_branch("child")
    db.users.insert_one({"_id": "after the fork"})
    grandchild = project.create_branch("grandchild", parent="child")
    WALDatabase(child).users.insert_one({"_id": "after the second fork"})
    mine = WALDatabase(grandchild).users
    mine.insert_one({"_id": "mine"})
    for token, expected in (
        (before, [1, 2, 3, "mine"]),
        (first, [1, 2, 3, "mine"]),
        (inherited[0]["_id"], [2, 3, "mine"]),
        (inherited[1]["_id"], [3, "mine"]),
        (inherited[2]["_id"], ["mine"]),
    ):
        with mine.watch(resume_after=token, **QUICK) as stream:
            events = rest(stream)
        assert _keys(events) == expected
        for place, event in enumerate(events):
            with mine.watch(resume_after=event["_id"], **QUICK) as stream:
                assert rest(stream) == events[place + 1 :]


def test_a_parents_token_from_after_the_fork_is_refused(project: Project, db: DB) -> None:
    db.users.insert_one({"_id": 1})
    feature = WALDatabase(project.create_branch("feature"))
    with db.users.watch() as stream:
        db.users.insert_one({"_id": 2})
        token = stream.next()["_id"]
    with pytest.raises(OperationFailure, match="after 'feature' had left that branch") as caught:
        feature.users.watch(resume_after=token)
    assert caught.value.code == 280


def test_a_childs_token_is_not_on_its_parents_line(project: Project, db: DB) -> None:
    feature = WALDatabase(project.create_branch("feature"))
    with feature.users.watch() as stream:
        feature.users.insert_one({"_id": 1})
        token = stream.next()["_id"]
    with pytest.raises(OperationFailure, match="does not descend from"):
        db.users.watch(resume_after=token)


def test_a_restored_branch_goes_on_from_the_moment_it_began(project: Project, db: DB) -> None:
    with db.users.watch() as stream:
        db.users.insert_many([{"_id": number} for number in range(2)])
        db.users.insert_many([{"_id": number} for number in range(2, 4)])
        events = take(stream, 4)
    # The second two are undone by a branch that begins between the commits.
    lsns = [entry.lsn for entry in reversed(project.branch().log(collection="users", limit=4))]
    restored = WALDatabase(project.branch().restore(lsn=lsns[1]))
    restored.users.insert_one({"_id": "new"})
    with restored.users.watch(resume_after=events[0]["_id"], **QUICK) as stream:
        assert _keys(rest(stream)) == [1, "new"]
    with pytest.raises(OperationFailure, match="had left that branch"):
        restored.users.watch(resume_after=events[2]["_id"])


def test_a_time_on_a_child_is_found_along_its_line(project: Project, db: DB) -> None:
    with db.users.watch() as stream:
        db.users.insert_one({"_id": 1})
        db.users.insert_one({"_id": 2})
        _, second = take(stream, 2)
    feature = WALDatabase(project.create_branch("feature"))
    db.users.insert_one({"_id": "on main"})
    feature.users.insert_one({"_id": 3})
    with feature.users.watch(start_at_operation_time=second["clusterTime"], **QUICK) as stream:
        assert _keys(rest(stream)) == [2, 3]


def test_a_deleted_branch_can_be_read_to_its_end(project: Project) -> None:
    feature = WALDatabase(project.create_branch("feature"))
    with feature.users.watch() as stream:
        token = stream.resume_token
    feature.users.insert_one({"_id": 1})
    project.delete_branch("feature")
    with feature.users.watch(resume_after=token) as stream:
        assert [event["operationType"] for event in stream] == ["insert", "drop", "invalidate"]
        end = stream.resume_token
    with pytest.raises(BranchNotFound, match="can only be resumed"):
        feature.users.watch()
    project.undelete_branch("feature")
    with feature.users.watch(start_after=end) as stream:
        feature.users.insert_one({"_id": 2})
        assert _keys([stream.next()]) == [2]
