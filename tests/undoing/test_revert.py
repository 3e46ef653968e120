"""Revert and cherry-pick: single commits taken back or brought, and what was written since kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError, WriteError

from argon import Branch, Project, WALDatabase
from argon.errors import InvalidOperation, InvalidPoint, MergeConflict, PointNotFound, RevertConflict
from argon.merging.results import MISSING

Database = WALDatabase[dict[str, Any]]
State = Callable[[Any], dict[str, Any]]


def documents(database: Any, name: str = "users") -> dict[Any, dict[str, Any]]:
    return {document["_id"]: document for document in database[name].find()}


def places(error: pytest.ExceptionInfo[MergeConflict]) -> set[tuple[Any, str]]:
    return {(conflict.id, conflict.path) for conflict in error.value.conflicts}


@pytest.fixture
def base(db: Database) -> Database:
    """Three users."""
    db.users.insert_many([{"_id": number, "n": 0, "m": 0} for number in range(3)])
    return db


def test_a_commit_is_taken_back_and_what_came_after_it_stays(
    project: Project, main: Branch, base: Database, sound: Callable[..., bool]
) -> None:
    with base.commit(message="wrong", author="ann") as txn:
        txn.users.update_many({}, {"$set": {"n": 1}})
        txn.users.insert_one({"_id": 3})
        txn.users.delete_one({"_id": 2})
    wrong = main.head_lsn
    base.users.update_one({"_id": 0}, {"$set": {"m": 5}})
    base.users.insert_one({"_id": 4})
    before = documents(base)
    info = main.revert(wrong - 2)  # an LSN inside the commit
    assert documents(base) == {
        0: {"_id": 0, "n": 0, "m": 5},
        1: {"_id": 1, "n": 0, "m": 0},
        2: {"_id": 2, "n": 0, "m": 0},
        4: {"_id": 4},
    }
    assert [commit.message for commit in info.commits] == ["wrong"]
    assert (info.documents_applied, info.documents_deleted) == (3, 1)
    assert documents(WALDatabase(project.branch(str(info.backup)))) == before
    assert main.log(limit=1)[0].message == f"revert LSN {wrong}: wrong"
    again = main.revert(wrong)
    assert (again.backup, again.lsn) == (None, info.lsn)
    main.revert(info.lsn)
    assert documents(base) == before
    assert sound()


def test_later_writes_that_depend_on_it_are_listed(main: Branch, base: Database) -> None:
    first = main.head_lsn
    base.users.update_many({}, {"$set": {"n": 1}})
    wrong = main.head_lsn
    base.users.update_one({"_id": 0}, {"$set": {"n": 2}})
    base.users.delete_one({"_id": 1})
    head, before = main.head_lsn, documents(base)
    with pytest.raises(RevertConflict, match="later writes") as caught:
        main.revert(wrong)
    assert places(caught) == {(0, "n"), (1, "")}
    changed = next(conflict for conflict in caught.value.conflicts if conflict.id == 0)
    assert (changed.base_value, changed.source_value, changed.target_value) == (1, 0, 2)
    with pytest.raises(RevertConflict) as caught:
        main.revert(first)  # which inserted what was changed and deleted since
    assert places(caught) == {(0, ""), (2, "")}
    assert all(conflict.source_value is MISSING for conflict in caught.value.conflicts)
    assert (main.head_lsn, documents(base)) == (head, before)
    assert len(main.revert(wrong, preview=True).conflicts) == 2
    assert len(main.revert(wrong, strategy="ours").resolved) == 2
    assert documents(base)[2]["n"] == 0
    assert documents(base)[0]["n"] == 2
    main.undo()
    main.revert(wrong, strategy="theirs")
    assert {document["n"] for document in documents(base).values()} == {0}
    with pytest.raises(InvalidOperation, match="strategy"):
        main.revert(wrong, strategy="newest")


def test_a_range_and_the_history_that_a_branch_has_inherited(
    project: Project, main: Branch, base: Database, sound: Callable[..., bool]
) -> None:
    start = documents(base)
    base.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    first = main.head_lsn
    base.users.update_one({"_id": 0}, {"$set": {"n": 2}})
    base.other.insert_one({"_id": 1})
    main.fork("feature")
    feature = project.branch("feature")
    theirs: Database = WALDatabase(feature)
    theirs.users.update_one({"_id": 1}, {"$set": {"n": 3}})
    last = feature.head_lsn
    theirs.users.update_one({"_id": 2}, {"$set": {"n": 4}})
    info = feature.revert(first, last)
    assert len(info.commits) == 4
    assert documents(theirs) == {**start, 2: {"_id": 2, "n": 4, "m": 0}}
    assert theirs.list_collection_names() == ["users"]
    assert documents(base)[0]["n"] == 2
    assert sound()


def test_what_made_a_collection_that_is_in_use(main: Branch, base: Database) -> None:
    base.made.insert_one({"_id": 1})
    made = main.head_lsn
    base.made.insert_one({"_id": 2})
    main.revert(made)
    assert documents(base, "made") == {2: {"_id": 2}}
    base.create_collection("empty")
    created = main.head_lsn
    base.empty.insert_one({"_id": 1})
    with pytest.raises(RevertConflict) as caught:
        main.revert(created)
    assert places(caught) == {(None, "collection")}


def test_definitions_are_reverted(main: Branch, base: Database, sound: Callable[..., bool]) -> None:
    base.users.create_index("n", name="n")
    index = main.head_lsn
    base.users.rename("people")
    renamed = main.head_lsn
    base.people.update_one({"_id": 0}, {"$set": {"n": 7}})
    base.people.create_index("m", name="m")
    main.revert(index)
    assert set(base.people.index_information()) == {"_id_", "m"}
    main.revert(renamed)
    assert documents(base)[0]["n"] == 7
    base.drop_collection("users")
    dropped = main.head_lsn
    base.users.insert_one({"_id": "another"})
    with pytest.raises(RevertConflict) as caught:
        main.revert(dropped)  # two collections cannot have one name
    assert places(caught) == {(None, "name")}
    base.users.rename("others")
    main.revert(dropped)
    assert documents(base)[0]["n"] == 7
    assert documents(base, "others") == {"another": {"_id": "another"}}
    assert sound(rebuilt=True)


def test_unique_indexes_and_validators_hold(main: Branch, base: Database) -> None:
    base.users.create_index("key", unique=True, sparse=True)
    base.users.insert_one({"_id": 7, "key": 1, "n": 9})
    base.users.delete_one({"_id": 7})
    deleted = main.head_lsn
    base.users.insert_one({"_id": 8, "key": 1})
    with pytest.raises(DuplicateKeyError):
        main.revert(deleted)
    base.users.delete_one({"_id": 8})
    base.command("collMod", "users", validator={"n": {"$lt": 5}})
    head = main.head_lsn
    with pytest.raises(WriteError, match="validation"):
        main.revert(deleted)
    assert main.head_lsn == head
    assert all(not branch.name.startswith("main-") for branch in main.project.branches())


def test_an_authors_work_is_taken_back_from_among_others(
    project: Project, main: Branch, base: Database, sound: Callable[..., bool]
) -> None:
    def commit(author: str, change: Callable[[Any], Any]) -> int:
        with base.commit(author=author) as txn:
            change(txn)
        return main.head_lsn

    expected = documents(base)
    commit("ann", lambda db: db.users.update_one({"_id": 0}, {"$set": {"n": 1}}))
    commit("bob", lambda db: db.users.update_one({"_id": 0}, {"$set": {"m": 1}}))
    commit("ann", lambda db: db.users.update_one({"_id": 0}, {"$set": {"n": 2}}))
    since = commit("ann", lambda db: db.users.insert_one({"_id": 3}))
    commit("bob", lambda db: db.users.insert_one({"_id": 4}))
    commit("ann", lambda db: db.anns.insert_one({"_id": 1}))
    commit("bob", lambda db: db.users.delete_one({"_id": 3}))
    commit("ann", lambda db: db.users.insert_one({"_id": 3, "again": True}))
    commit("bob", lambda db: db.users.delete_one({"_id": 2}))
    info = main.revert(author="ann")
    expected[0]["m"] = 1
    expected[4] = {"_id": 4}
    del expected[2]
    assert documents(base) == expected
    assert base.list_collection_names() == ["users"]
    assert len(info.commits) == 5
    assert {commit.author for commit in info.commits} == {"ann"}
    main.undo()
    assert len(main.revert(since, author="ann").commits) == 3
    assert documents(base)[0] == {"_id": 0, "n": 2, "m": 1}
    main.undo()
    commit("bob", lambda db: db.users.update_one({"_id": 0}, {"$inc": {"n": 1}}))
    with pytest.raises(RevertConflict) as caught:
        main.revert(author="ann")
    assert places(caught) == {(0, "n")}
    with pytest.raises(PointNotFound, match="'zoe'"):
        main.revert(author="zoe")
    assert sound()


def test_what_is_no_commit_says_so(main: Branch, base: Database) -> None:
    main.update(description="no commit")
    for wrong in (main.head_lsn, 2):
        with pytest.raises(PointNotFound, match="no commit"):
            main.revert(wrong)
    with pytest.raises(PointNotFound):
        main.revert(10**9)
    with pytest.raises(InvalidPoint):
        main.revert()
    with pytest.raises(InvalidPoint):
        main.revert(to_lsn=4)


def test_a_commit_of_another_branch_is_picked(
    project: Project, main: Branch, base: Database, sound: Callable[..., bool]
) -> None:
    main.fork("feature")
    feature = project.branch("feature")
    theirs: Database = WALDatabase(feature)
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    with theirs.commit(message="the good one") as txn:
        txn.users.update_one({"_id": 1}, {"$set": {"n": 1}})
        txn.fresh.insert_one({"_id": 1})
    good = feature.head_lsn
    theirs.fresh.insert_one({"_id": 2})
    theirs.fresh.insert_one({"_id": 3})
    last = feature.head_lsn
    base.users.update_one({"_id": 1}, {"$set": {"m": 1}})
    info = main.cherry_pick("feature", lsn=good)
    assert documents(base)[0]["n"] == 0
    assert documents(base)[1] == {"_id": 1, "n": 1, "m": 1}
    assert documents(base, "fresh") == {1: {"_id": 1}}
    assert (info.operation, info.source) == ("cherry_pick", f"feature@{good}")
    assert main.log(limit=1)[0].message == f"cherry-pick feature@{good}: the good one"
    main.cherry_pick(feature)
    assert set(documents(base, "fresh")) == {1, 3}
    assert main.cherry_pick(f"feature@{last}").backup is None
    main.cherry_pick("feature", good, last)
    assert set(documents(base, "fresh")) == {1, 2, 3}
    main.merge("feature")
    assert documents(base)[0]["n"] == 1
    assert sound()


def test_picks_that_collide(project: Project, main: Branch, base: Database) -> None:
    base.gone.insert_many([{"_id": 1}, {"_id": 2}])
    main.fork("feature")
    feature = project.branch("feature")
    theirs: Database = WALDatabase(feature)
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    base.users.update_one({"_id": 0}, {"$set": {"n": 2}})
    with pytest.raises(MergeConflict, match="picking 'feature@") as caught:
        main.cherry_pick("feature")
    assert places(caught) == {(0, "n")}
    main.cherry_pick("feature", strategy="theirs")
    assert documents(base)[0]["n"] == 1
    base.drop_collection("gone")
    theirs.gone.update_one({"_id": 1}, {"$set": {"n": 1}})
    with pytest.raises(MergeConflict) as caught:
        main.cherry_pick("feature")
    assert places(caught) == {(None, "collection")}
    main.cherry_pick("feature", strategy="theirs")
    assert documents(base, "gone") == {1: {"_id": 1, "n": 1}}  # that of the commit, and no more
    with pytest.raises(PointNotFound):
        main.cherry_pick("feature", lsn=main.head_lsn)


def test_a_revert_among_writers_loses_nothing(
    main: Branch, base: Database, sound: Callable[..., bool]
) -> None:
    errors: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(15):
                base.users.update_one({"_id": 0}, {"$inc": {"m": 1}})
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(4):
        base.users.update_one({"_id": 0}, {"$set": {"n": number + 1}})
        [entry] = [each for each in main.log(limit=40) if (each.document or {}).get("n") == number + 1][-1:]
        main.revert(entry.lsn)
    for thread in threads:
        thread.join()
    assert not errors
    assert documents(base)[0] == {"_id": 0, "n": 0, "m": 30}
    assert sound()
