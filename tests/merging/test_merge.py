"""Merging branches: what lands, what is refused, and what a later merge starts from."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError, WriteError

from argon import Branch, Project, WALDatabase
from argon.errors import InvalidOperation, MergeConflict, MergeOutdated
from argon.merging.plan import MergePlan
from argon.merging.results import MISSING, ConflictEntry, MergeInfo
from argon.merging.strategy import Pick

Database = WALDatabase[dict[str, Any]]


@pytest.fixture
def theirs(project: Project, main: Branch, db: Database) -> Database:
    """A branch named feature of a main with three users."""
    db.users.insert_many([{"_id": number, "n": 0, "m": 0} for number in range(3)])
    main.fork("feature")
    return WALDatabase(project.branch("feature"))


def documents(database: Database, name: str = "users") -> dict[Any, dict[str, Any]]:
    return {document["_id"]: document for document in database[name].find()}


def merged(branch: Branch, *arguments: Any, **options: Any) -> MergeInfo:
    info = branch.merge(*arguments, **options)
    assert isinstance(info, MergeInfo)
    return info


def planned(branch: Branch, *arguments: Any, **options: Any) -> MergePlan:
    plan = branch.merge(*arguments, preview=True, **options)
    assert isinstance(plan, MergePlan)
    return plan


def sound(project: Project) -> bool:
    """Whether log and rows agree, also after the rows were built anew from the log."""
    project.rebuild()
    return project.verify().ok


def test_changes_of_different_fields_combine(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    base = main.head_lsn
    db.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    theirs.users.update_one({"_id": 0}, {"$set": {"m": 2}})
    theirs.users.insert_one({"_id": 9})
    theirs.users.delete_one({"_id": 2})
    info = merged(main, "feature", message="bring it in", author="ann")
    assert documents(db) == {
        0: {"_id": 0, "n": 1, "m": 2}, 1: {"_id": 1, "n": 0, "m": 0}, 9: {"_id": 9}
    }  # fmt: skip
    assert info == MergeInfo("feature", "main", base, main.head_lsn, 2, 1, 1)
    [mark, *entries] = main.log(after=main.head_lsn - 4)
    assert (str(mark.operation), mark.author, mark.message) == ("merge", "ann", "bring it in")
    assert {entry.commit for entry in entries} == {mark.lsn}
    assert sound(project)


def test_a_merge_is_one_commit_at_any_size(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    theirs.users.update_many({}, {"$inc": {"n": 1}})
    theirs.many.insert_many([{"_id": number} for number in range(2500)])
    info = merged(main, "feature")
    assert info.documents_applied == 2503
    assert db.many.count_documents({}) == 2500
    entries = main.log(limit=2505)
    assert {entry.commit for entry in entries} == {info.lsn}
    assert documents(db, "many") == documents(theirs, "many")


def test_merging_again_brings_only_what_is_new(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    merged(main, "feature")
    db.users.update_one({"_id": 0}, {"$set": {"n": 5}})  # no conflict: the base has moved
    theirs.users.update_one({"_id": 1}, {"$set": {"n": 1}})
    info = merged(main, "feature")
    assert info.documents_applied == 1
    assert documents(db)[0]["n"] == 5
    head = main.head_lsn
    again = merged(main, "feature")
    assert (again.lsn, again.documents_applied, main.head_lsn) == (head, 0, head)


def test_branches_that_somebody_else_renamed_are_told_of_by_their_names_of_now(
    project: Project, main: Branch, theirs: Database
) -> None:
    source, target = project.branch("feature"), project.create_branch("target")
    theirs.users.insert_one({"_id": 9})
    project.branch("feature").rename("idea")
    project.branch("target").rename("release")
    info = merged(target, source)
    assert (info.source, info.target) == ("idea", "release")
    [mark] = [entry for entry in target.log() if entry.operation == "merge"]
    assert mark.document is not None
    assert mark.document["branch"] == "idea"


def test_a_merge_of_nothing_moves_the_base_all_the_same(main: Branch, db: Database, theirs: Database) -> None:
    for database in (db, theirs):
        database.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    assert merged(main, "feature").documents_applied == 0
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 2}})
    merged(main, "feature")
    assert documents(db)[0]["n"] == 2


def test_back_merges_and_merges_that_cross(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    feature = project.branch("feature")
    db.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    theirs.users.update_one({"_id": 1}, {"$set": {"n": 1}})
    before = f"main@{main.head_lsn}"
    merged(main, "feature")
    merged(feature, before)
    assert documents(db) == documents(theirs)
    db.users.update_one({"_id": 2}, {"$set": {"n": 7}})
    theirs.users.update_one({"_id": 2}, {"$set": {"m": 7}})
    merged(main, "feature")
    merged(feature, "main")
    assert documents(db) == documents(theirs)
    assert documents(db)[2] == {"_id": 2, "n": 7, "m": 7}


def test_of_several_bases_the_latest_counts(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    feature = project.branch("feature")
    db.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    theirs.users.update_one({"_id": 0}, {"$set": {"m": 1}})
    one, other = f"main@{main.head_lsn}", f"feature@{feature.head_lsn}"
    merged(main, other)
    merged(feature, one)
    # By the earlier of the two bases, in which m is 0, both sides would have changed it.
    db.users.update_one({"_id": 0}, {"$set": {"m": 5}})
    assert merged(main, "feature").base_lsn == int(other.partition("@")[2])
    assert documents(db)[0] == {"_id": 0, "n": 1, "m": 5}


def test_the_list_of_conflicts_is_complete_and_nothing_is_written(
    main: Branch, db: Database, theirs: Database
) -> None:
    db.users.update_one({"_id": 0}, {"$set": {"n": 1, "m": 1}})
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 2, "m": 2}})
    db.users.delete_one({"_id": 1})
    theirs.users.update_one({"_id": 1}, {"$set": {"n": 2}})
    theirs.users.insert_one({"_id": "fine"})
    head = main.head_lsn
    with pytest.raises(MergeConflict, match="nothing was written") as caught:
        main.merge("feature")
    about = ("default", "users")
    assert caught.value.conflicts == [
        ConflictEntry(*about, 0, "n", 0, 2, 1),
        ConflictEntry(*about, 0, "m", 0, 2, 1),
        ConflictEntry(*about, 1, "", {"_id": 1, "n": 0, "m": 0}, {"_id": 1, "n": 2, "m": 0}, MISSING),
    ]
    assert main.head_lsn == head
    assert len(planned(main, "feature").conflicts) == 3
    info = merged(main, "feature", "last_writer_wins")
    assert len(info.resolved) == 3
    assert documents(db) == documents(theirs)


def test_strategies_by_collection_and_path(main: Branch, db: Database, theirs: Database) -> None:
    for database, value in ((db, 1), (theirs, 2)):
        database.users.update_one({"_id": 0}, {"$set": {"n": value, "m": value, "d": {"x": value}}})
        database.others.insert_one({"_id": 1, "n": value})
    strategy: dict[str, Any] = {
        "users": {"n": "theirs", "d": lambda entry: {"x": entry.source_value["x"] + entry.target_value["x"]}},
        "*": "ours",
    }
    conflicts = planned(main, "feature", strategy).conflicts
    assert [conflict.path for conflict in conflicts] == ["m"]
    strategy["users"]["*"] = lambda entry: Pick.OURS
    merged(main, "feature", strategy)
    assert documents(db)[0] == {"_id": 0, "n": 2, "m": 1, "d": {"x": 3}}
    assert documents(db, "others") == {1: {"_id": 1, "n": 1}}
    with pytest.raises(InvalidOperation, match="last_writer_wins"):
        main.merge("feature", "newest")


def test_deletions_can_be_left_out(main: Branch, db: Database, theirs: Database) -> None:
    db.gone.insert_one({"_id": 1})
    main.merge("feature")
    theirs.users.delete_many({})
    theirs.users.insert_one({"_id": 5})
    merged(main, "feature", propagate_deletes=False)
    assert set(documents(db)) == {0, 1, 2, 5}


def test_unique_indexes_of_the_target_hold(main: Branch, db: Database, theirs: Database) -> None:
    db.users.create_index("mail", unique=True, sparse=True)
    db.users.update_one({"_id": 0}, {"$set": {"mail": "a"}})
    theirs.users.update_one({"_id": 1}, {"$set": {"mail": "a"}})
    head = main.head_lsn
    with pytest.raises(DuplicateKeyError):
        main.merge("feature")
    assert main.head_lsn == head


def test_a_unique_index_of_the_source_comes_only_where_it_holds(
    main: Branch, db: Database, theirs: Database
) -> None:
    theirs.users.update_many({}, [{"$set": {"n": "$_id"}}])
    theirs.users.create_index("n", unique=True, name="key")
    db.users.insert_many([{"_id": 7, "n": 8}, {"_id": 8, "n": 8}])
    with pytest.raises(DuplicateKeyError):
        main.merge("feature")
    db.users.delete_one({"_id": 8})
    merged(main, "feature")
    assert db.users.index_information()["key"]["unique"]
    with pytest.raises(DuplicateKeyError):
        db.users.insert_one({"n": 8})


def test_validators_of_the_target_hold(main: Branch, db: Database, theirs: Database) -> None:
    db.command("collMod", "users", validator={"n": {"$lt": 5}})
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 9}})
    head = main.head_lsn
    with pytest.raises(WriteError, match="validation"):
        main.merge("feature")
    assert main.head_lsn == head
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 3}})
    merged(main, "feature")
    assert documents(db)[0]["n"] == 3


def test_definitions_are_carried(project: Project, main: Branch, db: Database, theirs: Database) -> None:
    db.old.insert_one({"_id": 1})
    db.named.insert_one({"_id": 1})
    project.branch("feature").merge("main")
    theirs.drop_collection("old")
    theirs.named.rename("renamed")
    theirs.renamed.insert_one({"_id": 2})
    theirs.fresh.insert_one({"_id": 1, "a": 1})
    theirs.fresh.create_index("a", unique=True, name="a")
    theirs.create_collection("seen", viewOn="users", pipeline=[{"$match": {"n": 1}}])
    theirs.users.create_index("n", name="n")
    db.users.create_index("m", name="m")
    db.users.update_one({"_id": 1}, {"$set": {"n": 1}})
    merged(main, "feature")
    assert set(db.list_collection_names()) - {"system.views"} == {"fresh", "renamed", "seen", "users"}
    assert set(documents(db, "renamed")) == {1, 2}
    assert set(db.users.index_information()) == {"_id_", "m", "n"}
    assert [document["_id"] for document in db.seen.find()] == [1]
    with pytest.raises(DuplicateKeyError):
        db.fresh.insert_one({"a": 1})
    # The collection is one on both branches from now on.
    theirs.fresh.insert_one({"_id": 2, "a": 2})
    db.fresh.update_one({"_id": 1}, {"$set": {"b": 1}})
    assert merged(main, "feature").documents_applied == 1
    assert documents(db, "fresh") == {1: {"_id": 1, "a": 1, "b": 1}, 2: {"_id": 2, "a": 2}}
    assert sound(project)


def test_definitions_that_collide(main: Branch, db: Database, theirs: Database) -> None:
    db.users.create_index("n", name="i")
    theirs.users.create_index("m", name="i")
    db.create_collection("rules", validator={"a": 1})
    theirs.create_collection("rules", validator={"a": 2})
    conflicts = planned(main, "feature").conflicts
    assert {(each.collection, each.path) for each in conflicts} == {
        ("users", "indexes.i"),
        ("rules", "validator"),
    }
    merged(main, "feature", "theirs")
    assert db.users.index_information()["i"]["key"] == [("m", 1)]
    assert planned(main, "feature").conflicts == []


@pytest.mark.parametrize("strategy", ["ours", "theirs"])
def test_a_dropped_collection_that_the_other_side_changed(
    project: Project, main: Branch, db: Database, theirs: Database, strategy: str
) -> None:
    db.drop_collection("users")
    theirs.users.insert_one({"_id": 9})
    [conflict] = planned(main, "feature").conflicts
    assert (conflict.path, conflict.target_value) == ("collection", MISSING)
    merged(main, "feature", strategy)
    expected = {0, 1, 2, 9} if strategy == "theirs" else set()
    assert set(documents(db)) == expected
    # And the other way round: what main has by now, feature gets.
    merged(project.branch("feature"), "main")
    assert set(documents(theirs)) == expected
    assert sound(project)


def test_collections_made_on_both_sides_are_one(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    db.made.insert_many([{"_id": 1}, {"_id": 2}])
    theirs.made.insert_many([{"_id": 2}, {"_id": 3}])
    merged(main, "feature")
    assert set(documents(db, "made")) == {1, 2, 3}
    theirs.made.delete_one({"_id": 2})
    merged(main, "feature")
    assert set(documents(db, "made")) == {1, 3}
    merged(project.branch("feature"), "main")
    assert set(documents(theirs, "made")) == {1, 3}
    assert sound(project)


def test_a_plan_is_stored_and_done_later(main: Branch, db: Database, theirs: Database) -> None:
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    head = main.head_lsn
    plan = planned(main, "feature")
    assert main.head_lsn == head
    assert [(change.id, change.value_b) for change in plan.changes] == [(0, {"_id": 0, "n": 1, "m": 0})]
    db.plans.insert_one(plan.as_document())  # which moves the target, and does not matter
    theirs.users.update_one({"_id": 1}, {"$set": {"n": 1}})  # after the plan, so not in it
    stored = db.plans.find_one({}, {"_id": 0})
    assert stored is not None
    info = merged(main, MergePlan.from_document(stored))
    assert info.documents_applied == 1
    assert documents(db)[1]["n"] == 0


def test_a_plan_is_refused_where_the_target_has_moved_under_it(
    main: Branch, db: Database, theirs: Database
) -> None:
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    plan = planned(main, "feature")
    db.users.update_one({"_id": 0}, {"$set": {"m": 1}})
    head = main.head_lsn
    with pytest.raises(MergeOutdated, match="plan it anew"):
        main.merge(plan)
    assert main.head_lsn == head


def test_merges_race_writers_of_the_target(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    """Writers of the target and merges into it at once: no increment and no merge is lost."""
    errors: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(30):
                db.users.update_one({"_id": 0}, {"$inc": {"n": 1}})
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 11):
        theirs.users.update_many({}, {"$set": {"m": number}})
        merged(main, "feature")
    for thread in threads:
        thread.join()
    assert not errors
    assert documents(db)[0] == {"_id": 0, "n": 60, "m": 10}
    assert sound(project)


def test_a_conflicting_write_that_comes_first_is_seen(
    main: Branch, db: Database, theirs: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    from argon.merging.merge import Merge

    plan, moved = Merge._plan, []

    def slow(self: Merge, *arguments: Any) -> Any:
        found = yield from plan(self, *arguments)
        if not moved:
            moved.append(True)
            threading.Thread(target=lambda: other.users.update_one({"_id": 0}, {"$set": {"n": 2}})).run()
        return found

    from argon import Argon

    with Argon(client=main.engine.client, database=main.engine.raw.name) as second:
        other: Database = WALDatabase(second.project("shop").branch("main"))
        monkeypatch.setattr(Merge, "_plan", slow)
        with pytest.raises(MergeConflict):
            main.merge("feature")
    assert documents(db)[0]["n"] == 2
